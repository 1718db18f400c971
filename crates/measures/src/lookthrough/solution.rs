//! What follows from a network once it is solved: supplies, balances, and who supplies whom.
//!
//! Economies go by their number in the order of keys, `u32`, inside the crate; callers use their own keys.
//! The questions about consumers ([`super::members`]) and about origins ([`super::origins`]) are answered
//! from here.

use crate::{Estimate, Residual, Status, Term, Terms};

use super::quantity::{INCOMPLETE, Quantity, quantity_of};
use super::solve::Mixes;
use super::trade::index;

/// A solved network: what every economy has, and where it truly comes from.
///
/// Made by [`Network::solve`](super::Network::solve). All amounts are in tonnes.
#[derive(Clone, Debug)]
pub struct Lookthrough<K> {
    /// Economies, sorted: the number of an economy is its index here.
    pub(super) keys: Vec<K>,
    /// Kinds of unknown origin that occur. In the mixes they are origins behind the economies, in this order.
    pub(super) kinds: Vec<Residual>,
    pub(super) output: Vec<Quantity>,
    /// Output of an economy that is not in the market: from nothing to the residual.
    pub(super) unlisted: Quantity,
    /// Imports of each economy, those of unknown origin included.
    pub(super) imports: Vec<Quantity>,
    pub(super) exports: Vec<Quantity>,
    /// Exporter, importer, best estimate.
    pub(super) flows: Vec<(u32, u32, f64)>,
    /// Imports of unknown origin of each economy, best estimates.
    pub(super) unknown_imports: Vec<f64>,
    /// Whether an economy has anything from one whose known supply does not cover its exports. Empty where
    /// nothing is imported from an unknown origin.
    pub(super) meets_deficit: Vec<bool>,
    /// Every output and every flow is known, and so is how much is of unknown origin.
    pub(super) exact: bool,
    /// Solved with best estimates.
    pub(super) best: Mixes,
    /// Solved with all output as low, and with all output as high as it can be. `None`: `best` serves for
    /// both.
    pub(super) bounds: Option<(Mixes, Mixes)>,
    /// Greatest part of each economy's supply that may be of unknown origin, 0 to 1.
    pub(super) max_unknown: Vec<f64>,
}

impl<K: Copy + Ord> Lookthrough<K> {
    /// Economies of the market, sorted.
    #[must_use]
    pub fn economies(&self) -> &[K] {
        &self.keys
    }

    /// Economies that may be an origin, sorted: those with supply of their own by best estimates.
    pub fn producers(&self) -> impl Iterator<Item = K> + '_ {
        let has_own = |economy: u32| self.best.supply(economy).own() > 0.0;
        (0..).zip(&self.keys).filter(move |(economy, _)| has_own(*economy)).map(|(_, key)| *key)
    }

    /// The mixes by best estimates. Economies are numbered as in [`Self::economies`]; the kinds of unknown
    /// origin that occur follow as further origins, in the order of [`Residual`].
    #[must_use]
    pub fn mixes(&self) -> &Mixes {
        &self.best
    }

    /// Tonnes added to an economy's supply so that it covers its exports, and the supply that the figures
    /// give, both by best estimates. `None`: nothing was added, or the economy is not in the market.
    #[must_use]
    pub fn balance(&self, economy: K) -> Option<(f64, f64)> {
        let supply = self.best.supply(self.number(economy)?);
        (supply.added > 0.0).then_some((supply.added, supply.output + supply.imports))
    }

    /// Tonnes added to an economy's supply so that it covers its exports: `max(0, E - (P + I))`, between
    /// bounds where exports `E`, output `P` or imports `I` are.
    #[must_use]
    pub fn balanced(&self, economy: K) -> Estimate {
        let Some(number) = self.number(economy) else { return Estimate::known(0.0) };
        let [output, imports, exports] =
            [&self.output, &self.imports, &self.exports].map(|quantities| quantity_of(quantities, number));
        let value = self.best.supply(number).added;
        if [output, imports, exports].iter().all(|bounds| bounds.is_exact()) {
            return Estimate::known(value);
        }
        let lacks =
            |exports: f64, supply: f64| if supply.is_infinite() { 0.0 } else { (exports - supply).max(0.0) };
        let low = lacks(exports.low(), output.high() + imports.high()).min(value);
        let high = lacks(exports.high(), output.low() + imports.low()).max(value);
        let high = high.is_finite().then_some(high);
        Estimate {
            value: Some(value),
            low: Some(low),
            high,
            ..Estimate::missing(Status::Partial, INCOMPLETE)
        }
    }

    /// Exports, output and imports of an economy: the terms `E`, `P` and `I` of its balance.
    #[must_use]
    pub fn balance_terms(&self, economy: K) -> Terms {
        let number = self.number(economy);
        let figure = |quantities: &[Quantity]| {
            number.map_or(Quantity::NOTHING, |number| quantity_of(quantities, number)).estimate()
        };
        [("E", &self.exports), ("P", &self.output), ("I", &self.imports)]
            .map(|(symbol, quantities)| Term::new(symbol, figure(quantities), "t"))
            .into()
    }

    /// Flows to an economy: exporter and best estimate, flows from the same exporter added up.
    pub(crate) fn flows_to(&self, economy: u32) -> Vec<(u32, f64)> {
        let mut flows: Vec<(u32, f64)> = Vec::new();
        for (from, _, amount) in self.flows.iter().filter(|(_, to, amount)| *to == economy && *amount > 0.0) {
            match flows.iter_mut().find(|(known, _)| known == from) {
                Some((_, sum)) => *sum += amount,
                None => flows.push((*from, *amount)),
            }
        }
        flows
    }

    /// Imports of unknown origin of an economy, best estimate.
    pub(crate) fn unknown_imports(&self, economy: u32) -> f64 {
        self.unknown_imports.get(index(economy)).copied().unwrap_or(0.0)
    }

    /// Whether every output and every flow is known, and how much is of unknown origin.
    pub(crate) fn is_exact(&self) -> bool {
        self.exact
    }

    /// Part of an economy's supply that was imported from an unknown origin, by itself or by a supplier up
    /// the chain, 0 to 1.
    pub(crate) fn unknown_imported_share(&self, mixes: &Mixes, economy: u32) -> f64 {
        self.unknown_kinds().fold(0.0, |sum, (_, kind)| sum + mixes.share(economy, kind))
    }

    /// The kinds of unknown origin that occur, each with its number among the origins.
    pub(crate) fn unknown_kinds(&self) -> impl Iterator<Item = (Residual, u32)> {
        let first = u32::try_from(self.keys.len()).unwrap_or(u32::MAX);
        self.kinds.iter().copied().zip(first..)
    }

    /// The number of an economy. `None`: it is not in the market.
    pub(crate) fn number(&self, economy: K) -> Option<u32> {
        self.keys.binary_search(&economy).ok().and_then(|found| u32::try_from(found).ok())
    }
}
