//! Rows of a release, small and sorted by market.

use std::collections::BTreeMap;
use std::ops::Range;

use orewatch_catalog::{Period, Stage};
use orewatch_measures::{Amount, Status};

use super::EconomyId;

/// One material at one stage in one period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Market {
    /// Identifier of the material.
    pub material: &'static str,
    /// Stage.
    pub stage: Stage,
    /// Period.
    pub period: Period,
}

/// Where a row was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// Index into the release's files.
    pub file: u16,
    /// Line, from 1.
    pub line: u64,
}

/// A number that may not be known, in nine bytes' worth of memory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cell {
    /// The number; NaN if it is not known.
    pub number: f64,
    /// Whether it is.
    pub status: Status,
}

impl Cell {
    /// The known number.
    #[must_use]
    pub fn known(self) -> Option<f64> {
        (self.status == Status::Known).then_some(self.number)
    }

    /// The number as an amount, unbounded if it is not known.
    #[must_use]
    pub fn amount(self) -> Amount {
        match self.status {
            Status::Known => Amount::known(self.number),
            Status::Withheld => Amount::withheld(),
            _ => Amount::unavailable(),
        }
    }
}

/// A flow between two economies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Flow {
    /// Who receives.
    pub importer: EconomyId,
    /// Who ships.
    pub exporter: EconomyId,
    /// Index into the release's products.
    pub product: u16,
    /// Where it was read.
    pub origin: Origin,
    /// Tonnes, gross.
    pub quantity: Cell,
    /// Thousands of current US dollars.
    pub value: Cell,
}

/// Output of an economy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Output {
    /// Who produces; none is the source's residual.
    pub economy: Option<EconomyId>,
    /// Index into the release's products: the series.
    pub product: u16,
    /// Where it was read.
    pub origin: Origin,
    /// Tonnes of the series' basis.
    pub quantity: Cell,
}

/// A row that has a fixed place among those of its market, so that sums run in one order however rows arrived.
pub trait Row: Copy {
    /// What rows of a market are sorted by.
    type Key: Ord;
    /// The row's place.
    fn key(&self) -> Self::Key;
}

impl Row for Flow {
    type Key = (EconomyId, EconomyId, u16, Origin);
    fn key(&self) -> Self::Key {
        (self.importer, self.exporter, self.product, self.origin)
    }
}

impl Row for Output {
    type Key = (Option<EconomyId>, u16, Origin);
    fn key(&self) -> Self::Key {
        (self.economy, self.product, self.origin)
    }
}

/// Rows by market.
#[derive(Clone, Debug)]
pub struct Table<R> {
    rows: Vec<R>,
    markets: BTreeMap<Market, Range<usize>>,
}

impl<R> Default for Table<R> {
    fn default() -> Self {
        Self { rows: Vec::new(), markets: BTreeMap::new() }
    }
}

impl<R: Row> Table<R> {
    /// Sorts rows by market. Each row comes with the index of its market.
    #[must_use]
    pub fn new(markets: &[Market], mut rows: Vec<(u32, R)>) -> Self {
        rows.sort_by_key(|(market, row)| (*market, row.key()));
        let mut ranges = BTreeMap::new();
        let mut start = 0;
        for group in rows.chunk_by(|a, b| a.0 == b.0) {
            let end = start + group.len();
            let market = group.first().and_then(|(index, _)| markets.get(usize::try_from(*index).ok()?));
            if let Some(market) = market {
                ranges.insert(*market, start..end);
            }
            start = end;
        }
        Self { rows: rows.into_iter().map(|(_, row)| row).collect(), markets: ranges }
    }

    /// Rows of a market. None: it has none.
    #[must_use]
    pub fn rows(&self, market: &Market) -> Option<&[R]> {
        self.rows.get(self.markets.get(market)?.clone())
    }

    /// Every market with rows, sorted.
    pub fn markets(&self) -> impl Iterator<Item = &Market> {
        self.markets.keys()
    }
}
