//! Output of a consumer, and its accounts of output and trade together.

use orewatch_catalog::{Basis, Consumer};
use orewatch_measures::{Amount, Reliance, Sourcing, Weight};

use super::{Accounts, NO_OUTPUT, NO_TRADE};
use crate::book::{EconomyId, MarketOutput, Output};

const BASES_DIFFER: &str =
    "output is recorded on another basis than trade, which is weighed gross: the two do not add up";

impl Accounts<'_> {
    /// The world's producers, in tonnes. `None`: there are no figures of output.
    #[must_use]
    pub fn output(&self) -> Option<Sourcing<EconomyId>> {
        let output = self.view.output.as_ref()?;
        let listed = output.rows.iter().filter_map(|row| Some((row.economy?, row.quantity.amount())));
        Some(Sourcing::new(listed, output.residual().unwrap_or(Amount::NOTHING)))
    }

    /// The rows of output, sorted.
    #[must_use]
    pub fn output_rows(&self) -> &[Output] {
        self.view.output.as_ref().map_or(&[], |output| &output.rows)
    }

    /// Inputs of a consumer's net import reliance, in tonnes, without secondary output and stocks.
    ///
    /// # Errors
    /// The reason why there are none: no figures of output or of trade, or figures on different bases.
    pub fn reliance(&self, consumer: Consumer) -> Result<Reliance, &'static str> {
        if let Some(gap) = self.reliance_gap() {
            return Err(gap);
        }
        let sum = |amounts: &mut dyn Iterator<Item = Amount>| {
            amounts.fold(Amount::NOTHING, |sum, amount| sum + amount)
        };
        let by = Weight::Quantity;
        let unknown = self.unknown_imports(consumer, by).into_iter().map(|(_, amount)| amount);
        let mut imports = self.import_pairs(consumer).map(|pair| pair.quantity).chain(unknown).peekable();
        // What is not reported is not added to zero: the sum would then have a known part.
        let imports = match imports.next_if(|_| self.has_only_unreported_imports(consumer)) {
            Some(unreported) => unreported,
            None => sum(&mut imports),
        };
        Ok(Reliance {
            production: self.production_of(consumer),
            secondary: None,
            imports,
            exports: self.exports(consumer, by),
            stock_decrease: None,
        })
    }

    /// The reason why output and trade cannot be used together. `None`: they can.
    pub(super) fn reliance_gap(&self) -> Option<&'static str> {
        if self.view.output.is_none() {
            return Some(NO_OUTPUT);
        }
        if self.view.flows.is_none() {
            return Some(NO_TRADE);
        }
        (!self.is_gross()).then_some(BASES_DIFFER)
    }

    /// Output of a consumer in tonnes gross weight, as trade is weighed.
    ///
    /// Where output is recorded on another basis, zero is still zero, and an amount that may be above zero
    /// has no upper bound, since ore weighs more than the metal in it.
    ///
    /// # Errors
    /// The reason why there is none: no figures of output, or some on another basis.
    pub(crate) fn gross_output_of(&self, consumer: Consumer) -> Result<Amount, &'static str> {
        if self.view.output.is_none() {
            return Err(NO_OUTPUT);
        }
        let own = self.production_of(consumer);
        match () {
            () if own.high() <= 0.0 || self.is_gross() => Ok(own),
            () if own.low() > 0.0 => Err(BASES_DIFFER),
            () => Ok(Amount::between(0.0, f64::INFINITY)),
        }
    }

    /// Whether all output is recorded as gross weight, as trade is.
    #[must_use]
    pub fn is_gross(&self) -> bool {
        let is_gross = |output: &MarketOutput<'_>| {
            output.rows.iter().all(|row| output.basis(row) == Basis::Gross.as_str())
        };
        self.view.output.as_ref().is_some_and(is_gross)
    }

    /// Output of a consumer: what is listed, and of what is not, up to the residual.
    #[must_use]
    pub fn production_of(&self, consumer: Consumer) -> Amount {
        let inside = self.inside(consumer);
        let own = self.output_rows().iter().filter(|row| row.economy.is_some_and(&inside));
        let listed = own.map(|row| row.quantity.amount());
        let unlisted = self.unlisted_output_of(consumer);
        listed.chain(unlisted).reduce(|a, b| a + b).unwrap_or(Amount::NOTHING)
    }

    /// Output that a consumer may have without being listed: up to the residual. `None`: all of its economies
    /// are listed, or there is no residual.
    #[must_use]
    pub fn unlisted_output_of(&self, consumer: Consumer) -> Option<Amount> {
        let rows = self.output_rows();
        let residual = self.view.output.as_ref().and_then(MarketOutput::residual);
        let residual = residual.filter(|residual| residual.high() > 0.0)?;
        let is_listed = |economy| rows.iter().any(|row| row.economy == Some(economy));
        (!self.economies_of(consumer).all(is_listed)).then(|| Amount::between(0.0, residual.high()))
    }
}
