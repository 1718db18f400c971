//! The flows of a release by market, decoded only when they are needed.
//!
//! A large release consists mostly of flows, and most of them are never needed: chunks with rows of one
//! market are kept as the bytes that they came in, which take a quarter of the memory of rows. Reading and
//! sorting the flows of a market is a small part of computing its figures.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::flow_columns::FlowColumns;
use super::{EconomyId, Flow, Holding, Market, Reporter, ResidualFlow, SortedRow, TradeDirection};

/// The flows of a release, by market.
#[derive(Clone, Debug, Default)]
pub struct FlowsByMarket {
    markets: BTreeMap<Market, Arc<StoredFlows>>,
}

/// The flows of one market in a release, as they are stored.
#[derive(Clone, Debug, Default)]
pub struct StoredFlows {
    /// In the order of their chunks.
    parts: Vec<Part>,
    products: BTreeSet<u16>,
    /// Trade with partners that are no economy.
    residuals: Vec<ResidualFlow>,
    /// Who reports rows that another replica keeps.
    noted: BTreeSet<NotedReport>,
}

/// Who reports a row, in which direction, and the file of an import (0 for an export).
type NotedReport = (EconomyId, TradeDirection, u16);

/// A part of the flows, from one chunk or several.
#[derive(Clone, Debug)]
enum Part {
    /// A chunk as it came.
    Columns(Arc<FlowColumns>),
    /// Rows of chunks that are small or hold several markets.
    Rows(Vec<Flow>),
}

impl FlowsByMarket {
    /// Every market with flows and its flows, sorted.
    pub fn iter(&self) -> impl Iterator<Item = (&Market, &StoredFlows)> {
        self.markets.iter().map(|(market, stored)| (market, &**stored))
    }

    /// Every market with flows, sorted.
    pub fn keys(&self) -> impl Iterator<Item = &Market> {
        self.markets.keys()
    }

    /// The flows of a market. `None`: it has none.
    #[must_use]
    pub fn market(&self, market: &Market) -> Option<&StoredFlows> {
        self.markets.get(market).map(|stored| &**stored)
    }

    /// The flows with others added.
    #[must_use]
    pub(super) fn with_flows(&self, added: &Self) -> Self {
        let mut sum = self.clone();
        for (market, stored) in &added.markets {
            let own = sum.market_mut(*market);
            own.parts.extend(stored.parts.iter().cloned());
            own.products.extend(&stored.products);
            own.residuals.extend_from_slice(&stored.residuals);
            own.noted.extend(&stored.noted);
        }
        sum
    }

    /// The flows without the rows of materials that a holding does not include.
    #[must_use]
    pub(super) fn held_by(&self, holding: &Holding) -> Self {
        let kept = |(market, stored): (&Market, &Arc<StoredFlows>)| {
            let stays = holding.includes(market.material) || !stored.has_rows();
            let stored = if stays { Arc::clone(stored) } else { Arc::new(stored.without_rows()) };
            (*market, stored)
        };
        Self { markets: self.markets.iter().map(kept).collect() }
    }

    /// The flows of a market, to add some.
    pub(super) fn market_mut(&mut self, market: Market) -> &mut StoredFlows {
        Arc::make_mut(self.markets.entry(market).or_default())
    }
}

impl StoredFlows {
    /// Number of rows that are kept, without those of partners that are no economy.
    #[must_use]
    pub fn row_count(&self) -> usize {
        let counts = self.parts.iter().map(|part| match part {
            Part::Columns(columns) => columns.rows,
            Part::Rows(rows) => rows.len(),
        });
        counts.sum()
    }

    /// Reads the rows, sorted by [`SortedRow::key`].
    #[must_use]
    pub fn rows(&self) -> Vec<Flow> {
        let mut flows = Vec::with_capacity(self.row_count());
        for part in &self.parts {
            match part {
                Part::Columns(columns) => columns.read(&mut flows),
                Part::Rows(rows) => flows.extend_from_slice(rows),
            }
        }
        sorted(flows)
    }

    /// Indices of the products with any row.
    #[must_use]
    pub fn products(&self) -> &BTreeSet<u16> {
        &self.products
    }

    /// Trade with partners that are no economy, sorted by [`SortedRow::key`].
    #[must_use]
    pub fn residuals(&self) -> Vec<ResidualFlow> {
        let mut residuals = self.residuals.clone();
        residuals.sort_by_key(SortedRow::key);
        residuals
    }

    /// Who reports rows that another replica keeps.
    pub(super) fn noted(&self) -> impl Iterator<Item = NotedReport> {
        self.noted.iter().copied()
    }

    fn has_rows(&self) -> bool {
        !self.parts.is_empty() || !self.residuals.is_empty()
    }

    /// What is kept of rows that another replica keeps.
    fn without_rows(&self) -> Self {
        let mut noted =
            Self { products: self.products.clone(), noted: self.noted.clone(), ..Self::default() };
        self.rows().iter().for_each(|row| noted.note_row(row));
        self.residuals.iter().for_each(|row| noted.note_residual(row));
        noted
    }

    /// Notes a row that another replica keeps.
    pub(super) fn note_row(&mut self, row: &Flow) {
        self.products.insert(row.product);
        // A row without a named reporter counts as a report of both sides.
        if row.reporter != Reporter::Exporter {
            self.noted.insert((row.importer, TradeDirection::Imports, row.origin.file));
        }
        if row.reporter != Reporter::Importer {
            self.noted.insert((row.exporter, TradeDirection::Exports, 0));
        }
    }

    /// Notes a row with a partner that is no economy, which another replica keeps.
    pub(super) fn note_residual(&mut self, row: &ResidualFlow) {
        self.products.insert(row.product);
        self.noted.insert(match row.is_import {
            true => (row.economy, TradeDirection::Imports, row.origin.file),
            false => (row.economy, TradeDirection::Exports, 0),
        });
    }

    pub(super) fn add_residual(&mut self, row: ResidualFlow) {
        self.products.insert(row.product);
        self.residuals.push(row);
    }

    /// Adds a chunk as it came, given the products that it has rows of.
    pub(super) fn add_columns(&mut self, columns: FlowColumns, products: impl IntoIterator<Item = u16>) {
        self.products.extend(products);
        self.parts.push(Part::Columns(Arc::new(columns)));
    }

    pub(super) fn add_row(&mut self, row: Flow) {
        self.products.insert(row.product);
        match self.parts.last_mut() {
            Some(Part::Rows(rows)) => rows.push(row),
            _ => self.parts.push(Part::Rows(vec![row])),
        }
    }
}

/// Rows sorted by key, stably. They mostly come sorted by exporter, then importer: once they are grouped by
/// importer, little is left to sort.
pub(super) fn sorted(rows: Vec<Flow>) -> Vec<Flow> {
    let is_sorted = |rows: &[Flow]| rows.is_sorted_by_key(SortedRow::key);
    if is_sorted(&rows) {
        return rows;
    }
    let mut rows = grouped_by_importer(rows);
    for group in rows.chunk_by_mut(|a, b| a.importer == b.importer) {
        if !is_sorted(group) {
            group.sort_by_key(SortedRow::key);
        }
    }
    rows
}

/// Rows sorted by importer, stably: a counting sort.
fn grouped_by_importer(rows: Vec<Flow>) -> Vec<Flow> {
    let mut next = vec![0_usize; rows.iter().map(|row| row.importer.index() + 1).max().unwrap_or(0)];
    for row in &rows {
        if let Some(count) = next.get_mut(row.importer.index()) {
            *count += 1;
        }
    }
    let mut start = 0;
    for count in &mut next {
        (*count, start) = (start, start + *count);
    }
    let mut grouped = rows.clone();
    for row in rows {
        let next = next.get_mut(row.importer.index());
        if let Some((next, slot)) = next.and_then(|next| grouped.get_mut(*next).map(|slot| (next, slot))) {
            *slot = row;
            *next += 1;
        }
    }
    grouped
}
