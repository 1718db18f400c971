//! Rows of flows and output, kept small: there are millions of them.

use orewatch_catalog::{Period, ResidualKind, Stage};
use orewatch_measures::{Amount, Status};

use super::{EconomyId, SortedRow};

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

/// Which tables have rows of a market.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tables {
    /// There are flows.
    pub flows: bool,
    /// There is output.
    pub output: bool,
    /// The output is projected, and demand may be, which then takes the place of trade.
    pub projected: bool,
}

impl Tables {
    /// Whether there is what measures of output and trade together need.
    #[must_use]
    pub fn has_both(&self) -> bool {
        self.output && (self.flows || self.projected)
    }
}

/// Where a row was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// Index into the release's files.
    pub file: u16,
    /// Column of the figure, from 1; 0: not recorded. For a flow, the column of its quantity; 0: the column
    /// that the file names for quantities.
    pub column: u16,
    /// Line, from 1.
    pub line: u64,
}

impl Origin {
    /// The origin without its column.
    #[must_use]
    fn row(self) -> Self {
        Self { column: 0, ..self }
    }
}

/// A number that may be unknown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cell {
    /// The number; NaN if it is not known.
    pub number: f64,
    /// Whether it is known, or why not.
    pub status: Status,
}

impl Cell {
    /// No source gives it.
    pub const UNAVAILABLE: Self = Self { number: f64::NAN, status: Status::Unavailable };

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

    /// Whether both are equal, to the bit.
    #[must_use]
    pub fn is_same(self, other: Self) -> bool {
        (self.status, self.number.to_bits()) == (other.status, other.number.to_bits())
    }
}

/// A side of trade that is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TradeDirection {
    /// Imports of the reporter.
    Imports,
    /// Exports of the reporter.
    Exports,
}

/// The side that reports a flow. Where both sides do, both rows are kept, and they are never added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reporter {
    /// The source gives one figure for both sides.
    Unspecified,
    /// The importer.
    Importer,
    /// The exporter.
    Exporter,
}

/// A flow between two economies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Flow {
    /// The importing economy.
    pub importer: EconomyId,
    /// The exporting economy.
    pub exporter: EconomyId,
    /// Index into the release's texts; in [`super::MarketFlows`], the product number there.
    pub product: u16,
    /// The side that reports it.
    pub reporter: Reporter,
    /// Index into the sources of [`super::MarketFlows`]; 0 in a release.
    pub source: u16,
    /// Where it was read.
    pub origin: Origin,
    /// Tonnes, gross.
    pub quantity: Cell,
    /// Thousands of current US dollars.
    pub value: Cell,
}

/// Trade of an economy with a partner that is no economy: an amount of unknown origin or destination.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ResidualFlow {
    /// The economy.
    pub economy: EconomyId,
    /// Whether the economy imports; false: it exports.
    pub is_import: bool,
    /// What the source says about the partner.
    pub kind: &'static ResidualKind,
    /// As in [`Flow`].
    pub product: u16,
    /// The side that reports it.
    pub reporter: Reporter,
    /// As in [`Flow`].
    pub source: u16,
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
    /// The producer. `None`: the source's residual.
    pub economy: Option<EconomyId>,
    /// Index into the release's texts: the basis of the series.
    pub product: u16,
    /// Index into the sources of [`super::MarketOutput`]; 0 in a release.
    pub source: u16,
    /// Where it was read.
    pub origin: Origin,
    /// Tonnes of the series' basis.
    pub quantity: Cell,
}

impl SortedRow for Flow {
    type Key = (EconomyId, EconomyId, u16, Reporter, u16, Origin);
    fn key(&self) -> Self::Key {
        (self.importer, self.exporter, self.product, self.reporter, self.source, self.origin.row())
    }
}

impl SortedRow for ResidualFlow {
    type Key = (EconomyId, bool, &'static ResidualKind, u16, Reporter, u16, Origin);
    fn key(&self) -> Self::Key {
        let Self { economy, is_import, kind, product, reporter, source, origin, .. } = *self;
        (economy, is_import, kind, product, reporter, source, origin.row())
    }
}

impl SortedRow for Output {
    type Key = (Option<EconomyId>, u16, Origin);
    fn key(&self) -> Self::Key {
        (self.economy, self.product, self.origin)
    }
}
