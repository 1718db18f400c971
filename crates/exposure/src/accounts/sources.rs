//! The datasets behind a consumer's trade: which answer, and how complete they are.

use std::collections::BTreeSet;

use orewatch_catalog::{Consumer, DatasetKind};
use orewatch_measures::Weight;

use super::Accounts;
use crate::book::{DatasetId, MarketTrade};

impl Accounts<'_> {
    /// Datasets that answer for a consumer's imports, in the order of their age.
    #[must_use]
    pub fn answering(&self, consumer: Consumer) -> BTreeSet<DatasetId> {
        let Some(rows) = &self.rows else { return BTreeSet::new() };
        match consumer {
            Consumer::World => rows.answering_datasets(),
            Consumer::Economy(_) | Consumer::Bloc(_) => {
                self.economies_of(consumer).filter_map(|economy| rows.answering(economy)).collect()
            }
        }
    }

    /// Datasets that a consumer's exports come from: those that answer for its customers. Empty where one
    /// dataset has everything.
    #[must_use]
    pub fn answering_for_exports(&self, consumer: Consumer) -> BTreeSet<DatasetId> {
        let Some(rows) = self.rows.as_ref().filter(|rows| rows.sources.len() > 1) else {
            return BTreeSet::new();
        };
        let customers = self.export_rows(consumer).map(|row| row.importer);
        let mut datasets: BTreeSet<_> = customers.filter_map(|customer| rows.answering(customer)).collect();
        if self.exports_to_unknown(consumer, Weight::Quantity).is_some() {
            datasets.insert(rows.primary);
        }
        datasets
    }

    /// Whether figures of trade need no qualification beside their own formula: everyone's trade and every
    /// product code of the market are there, and every flow has a weight.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let Some(trade) = &self.view.flows else { return true };
        trade.is_for_everyone()
            && !trade.may_lack_codes()
            && self.flows().iter().all(|row| row.quantity.known().is_some())
    }

    /// Share of the market's product codes held by the dataset or report with the fewest, among those that
    /// answer for a consumer, 0 to 1.
    #[must_use]
    pub fn held_codes_share(&self, consumer: Consumer) -> f64 {
        let Some(trade) = &self.view.flows else { return 1.0 };
        let whole = self.whole_datasets(consumer).map(|dataset| trade.held_codes_share(dataset));
        whole.chain(self.codes_missing_in_reports(consumer).map(|(_, held)| held)).fold(1.0, f64::min)
    }

    /// Product codes of the market that a dataset or report lacks which answers for a consumer.
    #[must_use]
    pub fn missing_codes(&self, consumer: Consumer) -> BTreeSet<&'static str> {
        let Some(trade) = &self.view.flows else { return BTreeSet::new() };
        let whole = self.whole_datasets(consumer);
        let whole = whole.flat_map(|dataset| trade.missing_codes(dataset).iter().copied());
        whole.chain(self.codes_missing_in_reports(consumer).flat_map(|(missing, _)| missing)).collect()
    }

    /// Whether a report that answers for some economy of a consumer lacks product codes of the market.
    pub(crate) fn has_incomplete_report(&self, consumer: Consumer) -> bool {
        self.codes_missing_in_reports(consumer).any(|(_, held)| held < 1.0)
    }

    /// Datasets that answer for a consumer and hold product codes as a whole, not report by report.
    fn whole_datasets(&self, consumer: Consumer) -> impl Iterator<Item = DatasetId> {
        let kind = |dataset: &DatasetId| self.view.flows.as_ref().and_then(|trade| trade.kind(*dataset));
        let answering = self.answering(consumer).into_iter();
        answering.filter(move |dataset| kind(dataset) != Some(DatasetKind::Declarations))
    }

    /// For each report in declarations that answers for an economy of the consumer: the missing product
    /// codes, and the share of those that are held, 0 to 1.
    fn codes_missing_in_reports(&self, consumer: Consumer) -> impl Iterator<Item = (Vec<&'static str>, f64)> {
        let codes = |economy| {
            let dataset = self.rows.as_ref()?.answering(economy)?;
            self.view.flows.as_ref()?.codes_missing_in_report(dataset, economy)
        };
        let has_reports = self.view.flows.as_ref().is_some_and(MarketTrade::has_declarations);
        has_reports.then(|| self.economies_of(consumer).filter_map(codes)).into_iter().flatten()
    }

    /// Share of the value of a consumer's imports of which the weight is known, 0 to 1. `None`: no value is
    /// known.
    #[must_use]
    pub fn weighed_share(&self, consumer: Consumer) -> Option<f64> {
        let (mut weighed, mut total) = (0.0, 0.0);
        for row in self.import_rows(consumer) {
            let value = row.value.known().unwrap_or(0.0);
            total += value;
            weighed += if row.quantity.known().is_some() { value } else { 0.0 };
        }
        (total > 0.0).then(|| weighed / total)
    }
}
