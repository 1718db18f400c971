//! Puts the rows of datasets together from their releases.
//!
//! Releases are gone through from the newest to the oldest. A row of a release counts unless a newer one
//! restates it ([`RestatedUnits`]). Products get one numbering over all releases: the rows of a market are
//! summed in the order of their products, so the numbering must not depend on which other datasets there are.

use std::collections::{BTreeMap, BTreeSet};

use super::candidate::{CandidateRelease, TradeCandidate};
use crate::book::source::RowSource;
use crate::book::unit::{Party, RestatedUnits, TradeKey};
use crate::book::{EconomyId, Flow, Market, Reporter, ResidualFlow};

/// The rows of one dataset in a market.
#[derive(Debug, Default)]
pub(super) struct DatasetRows {
    pub(super) flows: Vec<Flow>,
    pub(super) residuals: Vec<ResidualFlow>,
}

impl DatasetRows {
    /// Every economy with a flow into it, and whether any such flow is from a report of its own.
    pub(super) fn importers(&self) -> BTreeMap<EconomyId, bool> {
        let flows = self.flows.iter().map(|row| (row.importer, row.reporter));
        let residual_imports = self.residuals.iter().filter(|row| row.is_import);
        let residuals = residual_imports.map(|row| (row.economy, row.reporter));
        let mut importers = BTreeMap::new();
        for (importer, reporter) in flows.chain(residuals) {
            *importers.entry(importer).or_insert(false) |= reporter != Reporter::Exporter;
        }
        importers
    }
}

/// Sources and product numbers that the rows of several releases share.
#[derive(Debug, Default)]
pub(super) struct Assembly<'a> {
    /// The releases, by source number of the rows.
    pub(super) sources: Vec<RowSource<'a>>,
    /// By product number of the rows: a source, and the index of the code in its release.
    pub(super) codes: Vec<(u16, u16)>,
}

impl<'a> Assembly<'a> {
    /// The rows of a dataset, and those that its supplements add.
    pub(super) fn add_dataset(&mut self, candidate: &TradeCandidate<'a>, market: Market) -> DatasetRows {
        let mut rows = self.add_releases(candidate, market, false);
        for supplement in &candidate.supplements {
            let added = self.add_releases(supplement, market, true);
            self.fill_cells(&mut rows, added);
        }
        rows
    }

    /// The rows of a dataset itself. Products are numbered in the order in which its oldest releases have
    /// them.
    fn add_releases(
        &mut self,
        candidate: &TradeCandidate<'a>,
        market: Market,
        is_supplement: bool,
    ) -> DatasetRows {
        let first = u16::try_from(self.sources.len()).unwrap_or(u16::MAX);
        let oldest_first = candidate.releases.iter().rev();
        self.sources.extend(oldest_first.clone().map(|release| RowSource {
            release: release.release,
            dataset: candidate.id,
            is_supplement,
            content: release.content,
        }));
        let mut products = BTreeMap::new();
        for (source, release) in (first..).zip(oldest_first) {
            for local in release.flows.into_iter().flat_map(|flows| flows.products()) {
                products.entry(release.content.text(*local)).or_insert_with(|| {
                    self.codes.push((source, *local));
                    u16::try_from(self.codes.len() - 1).unwrap_or(u16::MAX)
                });
            }
        }
        let last = first.saturating_add(u16::try_from(candidate.releases.len()).unwrap_or(u16::MAX));
        let mut restated = RestatedUnits::new(candidate.kind);
        let mut rows = DatasetRows::default();
        for (source, release) in (first..last).rev().zip(&candidate.releases) {
            let own = ReleaseInMarket { release: *release, market };
            own.add_unrestated(&restated, source, &products, &mut rows);
            restated.add(release.content, own.restating_keys().into_iter());
        }
        rows
    }

    /// Adds the rows of a supplement where the dataset has none, or none with a known quantity.
    fn fill_cells(&self, rows: &mut DatasetRows, added: DatasetRows) {
        let code = |product: u16| {
            let (source, local) = self.codes.get(usize::from(product)).copied().unwrap_or_default();
            self.sources.get(usize::from(source)).map_or("", |source| source.content.text(local))
        };
        let cell = |row: &Flow| (row.importer, row.exporter, code(row.product));
        let known: BTreeSet<_> =
            rows.flows.iter().filter(|row| row.quantity.known().is_some()).map(cell).collect();
        let added: Vec<_> = added.flows.into_iter().filter(|row| !known.contains(&cell(row))).collect();
        let filled: BTreeSet<_> = added.iter().map(cell).collect();
        rows.flows.retain(|row| !filled.contains(&cell(row)));
        rows.flows.extend(added);
    }
}

/// The rows of a release in one market.
struct ReleaseInMarket<'a> {
    release: CandidateRelease<'a>,
    market: Market,
}

impl<'a> ReleaseInMarket<'a> {
    /// Adds the rows that no newer release restates, with their numbers in the assembly.
    fn add_unrestated(
        &self,
        restated: &RestatedUnits<'_>,
        source: u16,
        products: &BTreeMap<&str, u16>,
        rows: &mut DatasetRows,
    ) {
        let Some(stored) = self.release.flows.filter(|_| !restated.is_whole_market()) else { return };
        let number = |product| products.get(self.release.content.text(product)).copied().unwrap_or(u16::MAX);
        let flows = stored.rows().into_iter().filter(|row| !restated.includes(&self.flow_key(row)));
        rows.flows.extend(flows.map(|row| Flow { product: number(row.product), source, ..row }));
        let residuals =
            stored.residuals().into_iter().filter(|row| !restated.includes(&self.residual_key(row)));
        rows.residuals.extend(residuals.map(|row| ResidualFlow {
            product: number(row.product),
            source,
            ..row
        }));
    }

    /// The keys of all rows that may restate older ones in this market. With a stated scope these include
    /// rows of other markets that the scope may tie to this one.
    fn restating_keys(&self) -> Vec<TradeKey<'a>> {
        let Some(scope) = &self.release.content.scope else { return self.keys() };
        let tied = self.release.content.flows.iter().filter(|(other, _)| scope.ties(&self.market, other));
        let keys = tied.flat_map(|(other, flows)| {
            let release = CandidateRelease { flows: Some(flows), ..self.release };
            ReleaseInMarket { release, market: *other }.keys()
        });
        keys.collect()
    }

    fn keys(&self) -> Vec<TradeKey<'a>> {
        let Some(stored) = self.release.flows else { return Vec::new() };
        let (flows, residuals) = (stored.rows(), stored.residuals());
        let flows = flows.iter().map(|row| self.flow_key(row));
        flows.chain(residuals.iter().map(|row| self.residual_key(row))).collect()
    }

    fn flow_key(&self, row: &Flow) -> TradeKey<'a> {
        TradeKey {
            importer: Party::Economy(row.importer),
            exporter: Party::Economy(row.exporter),
            reporter: row.reporter,
            code: self.release.content.text(row.product),
            topic: (self.market.material, self.market.stage),
            period: self.market.period,
        }
    }

    fn residual_key(&self, row: &ResidualFlow) -> TradeKey<'a> {
        let (economy, residual) = (Party::Economy(row.economy), Party::Residual(row.kind));
        let (importer, exporter) = if row.is_import { (economy, residual) } else { (residual, economy) };
        TradeKey {
            importer,
            exporter,
            reporter: row.reporter,
            code: self.release.content.text(row.product),
            topic: (self.market.material, self.market.stage),
            period: self.market.period,
        }
    }
}
