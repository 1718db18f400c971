//! The flows of a release by market, read when somebody looks.
//!
//! A large release is mostly flows, and mostly nobody looks at them: chunks with rows of one market are kept as the bytes that
//! they came in, a quarter of what rows take. Reading and sorting a market's is a small part of computing its figures.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::strip::Strip;
use super::{Flow, Market, ResidualFlow, Row};

/// The flows of a release.
#[derive(Clone, Debug, Default)]
pub struct Flows {
    lots: BTreeMap<Market, Arc<Lot>>,
}

/// The flows of one market in a release.
#[derive(Clone, Debug, Default)]
pub struct Lot {
    /// In the order of their chunks.
    parts: Vec<Part>,
    products: BTreeSet<u16>,
    /// Trade with partners that are no economy.
    residuals: Vec<ResidualFlow>,
}

#[derive(Clone, Debug)]
enum Part {
    Strip(Arc<Strip>),
    /// Rows of chunks that are small or hold several markets.
    Rows(Vec<Flow>),
}

impl Flows {
    /// Every market with flows and its flows, sorted.
    pub fn iter(&self) -> impl Iterator<Item = (&Market, &Lot)> {
        self.lots.iter().map(|(market, lot)| (market, &**lot))
    }

    /// Every market with flows, sorted.
    pub fn keys(&self) -> impl Iterator<Item = &Market> {
        self.lots.keys()
    }

    /// The flows of a market. None: it has none.
    #[must_use]
    pub fn lot(&self, market: &Market) -> Option<&Lot> {
        self.lots.get(market).map(|lot| &**lot)
    }

    /// The same with flows that were added.
    #[must_use]
    pub(super) fn with(&self, added: &Self) -> Self {
        let mut all = self.clone();
        for (market, lot) in &added.lots {
            let all = all.lot_mut(*market);
            all.parts.extend(lot.parts.iter().cloned());
            all.products.extend(&lot.products);
            all.residuals.extend_from_slice(&lot.residuals);
        }
        all
    }

    /// A market's flows, to add some.
    pub(super) fn lot_mut(&mut self, market: Market) -> &mut Lot {
        Arc::make_mut(self.lots.entry(market).or_default())
    }
}

impl Lot {
    /// Reads the rows, sorted by [`Row::key`].
    #[must_use]
    pub fn rows(&self) -> Vec<Flow> {
        let count = self.parts.iter().map(|part| match part {
            Part::Strip(strip) => strip.rows,
            Part::Rows(rows) => rows.len(),
        });
        let mut all = Vec::with_capacity(count.sum());
        for part in &self.parts {
            match part {
                Part::Strip(strip) => strip.read(&mut all),
                Part::Rows(rows) => all.extend_from_slice(rows),
            }
        }
        sorted(all)
    }

    /// Indices of the products of which there is any flow.
    #[must_use]
    pub fn products(&self) -> &BTreeSet<u16> {
        &self.products
    }

    /// Trade with partners that are no economy, sorted by [`Row::key`].
    #[must_use]
    pub fn residuals(&self) -> Vec<ResidualFlow> {
        let mut all = self.residuals.clone();
        all.sort_by_key(Row::key);
        all
    }

    pub(super) fn add_residual(&mut self, row: ResidualFlow) {
        self.products.insert(row.product);
        self.residuals.push(row);
    }

    pub(super) fn add_strip(&mut self, strip: Strip, products: impl IntoIterator<Item = u16>) {
        self.products.extend(products);
        self.parts.push(Part::Strip(Arc::new(strip)));
    }

    pub(super) fn add_row(&mut self, row: Flow) {
        self.products.insert(row.product);
        match self.parts.last_mut() {
            Some(Part::Rows(rows)) => rows.push(row),
            _ => self.parts.push(Part::Rows(vec![row])),
        }
    }
}

/// Rows in their order; those of the same key stay as they are. They mostly come by exporter, then importer: once they are dealt
/// out by importer little is left to do.
pub(super) fn sorted(rows: Vec<Flow>) -> Vec<Flow> {
    let is_sorted = |rows: &[Flow]| rows.is_sorted_by_key(Row::key);
    if is_sorted(&rows) {
        return rows;
    }
    let mut rows = dealt(rows);
    for group in rows.chunk_by_mut(|a, b| a.importer == b.importer) {
        if !is_sorted(group) {
            group.sort_by_key(Row::key);
        }
    }
    rows
}

/// Rows by importer, those of one importer as they were.
fn dealt(rows: Vec<Flow>) -> Vec<Flow> {
    let mut next = vec![0_usize; rows.iter().map(|row| row.importer.index() + 1).max().unwrap_or(0)];
    for row in &rows {
        if let Some(count) = next.get_mut(row.importer.index()) {
            *count += 1;
        }
    }
    let mut start = 0;
    for place in &mut next {
        (*place, start) = (start, start + *place);
    }
    let mut dealt = rows.clone();
    for row in rows {
        let place = next.get_mut(row.importer.index());
        if let Some((place, slot)) = place.and_then(|place| dealt.get_mut(*place).map(|slot| (place, slot))) {
            *slot = row;
            *place += 1;
        }
    }
    dealt
}
