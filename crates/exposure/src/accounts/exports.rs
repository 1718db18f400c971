//! Exports of a consumer, and what is not reported of them.

use orewatch_catalog::Consumer;
use orewatch_measures::{Amount, Weight};

use super::{Accounts, Pair};
use crate::book::{EconomyId, Flow};

impl Accounts<'_> {
    /// Exports of a consumer to outside, including what is not reported of them.
    #[must_use]
    pub fn exports(&self, consumer: Consumer, by: Weight) -> Amount {
        let unplaced = self.exports_to_unknown(consumer, by);
        let known = self.export_pairs(consumer).map(|pair| pair.amount(by)).chain(unplaced);
        sum_with_unreported(known, self.unreported_exports(consumer))
    }

    /// Exports of a consumer that no dataset has a report of, beside what importers report. `None`: all are
    /// reported.
    #[must_use]
    pub fn unreported_exports(&self, consumer: Consumer) -> Option<Amount> {
        let reported = self.unknown.export_reporters.as_ref()?;
        let is_complete = self.economies_of(consumer).all(|economy| reported.contains(&economy));
        (!is_complete).then_some(Amount::unavailable())
    }

    /// Exports of an economy that no dataset has a report of. `None`: they are reported.
    pub(crate) fn unreported_exports_of(&self, economy: EconomyId) -> Option<Amount> {
        let reported = self.unknown.export_reporters.as_ref()?;
        (!reported.contains(&economy)).then_some(Amount::unavailable())
    }

    /// Exports of a consumer to partners that are no economy. `None`: there are none.
    pub(crate) fn exports_to_unknown(&self, consumer: Consumer, by: Weight) -> Option<Amount> {
        let membership = self.membership(consumer);
        let own = self.unknown.exports.iter().filter(|(exporter, _)| membership.contains(**exporter));
        own.map(|(_, amount)| amount.weighted_by(by)).reduce(|a, b| a + b)
    }

    /// Exports to partners that are no economy, by exporter: tonnes and thousands of US dollars.
    pub(crate) fn exports_to_unknown_by_exporter(&self) -> impl Iterator<Item = (EconomyId, Amount, Amount)> {
        self.unknown.exports.iter().map(|(exporter, amount)| (*exporter, amount.quantity, amount.value))
    }

    /// The source rows of a consumer's exports, in the release's order.
    pub fn export_rows(&self, consumer: Consumer) -> impl Iterator<Item = &Flow> {
        self.flows().iter().filter(move |row| self.crosses_into(consumer, row.exporter, row.importer))
    }

    fn export_pairs(&self, consumer: Consumer) -> impl Iterator<Item = &Pair> {
        let membership = self.membership(consumer);
        self.pairs.iter().filter(move |pair| membership.is_entered_by(pair.exporter, pair.importer))
    }
}

/// The sum of known amounts and of what is not reported. Where only the latter is there, it is not added to
/// zero, because the sum would then have a known part.
fn sum_with_unreported(known: impl Iterator<Item = Amount>, unreported: Option<Amount>) -> Amount {
    let mut known = known.peekable();
    match unreported {
        Some(unreported) if known.peek().is_none() => unreported,
        unreported => known.chain(unreported).fold(Amount::NOTHING, |sum, amount| sum + amount),
    }
}
