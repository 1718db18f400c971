//! Rows of flows and output, small.

use orewatch_catalog::{Period, ResidualKind, Stage};
use orewatch_measures::{Amount, Status};

use super::{EconomyId, Row};

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
    /// Column of the figure, from 1; 0: not said. Of a flow that of its quantity; 0: where the file says that quantities are.
    pub column: u16,
    /// Line, from 1.
    pub line: u64,
}

impl Origin {
    /// The row, whichever of its columns the figure stands in.
    #[must_use]
    fn row(self) -> Self {
        Self { column: 0, ..self }
    }
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

    /// Whether both say the same, to the bit.
    #[must_use]
    pub fn is_same(self, other: Self) -> bool {
        (self.status, self.number.to_bits()) == (other.status, other.number.to_bits())
    }
}

/// Who reports a flow. Where both sides do, both rows are kept and are never added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reporter {
    /// The source gives one figure a flow, whoever reported it.
    One,
    /// The importer.
    Importer,
    /// The exporter.
    Exporter,
}

/// A flow between two economies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Flow {
    /// Who receives.
    pub importer: EconomyId,
    /// Who ships.
    pub exporter: EconomyId,
    /// Index into the release's products; among rows of a market that were put together, into theirs.
    pub product: u16,
    /// Who says so.
    pub reporter: Reporter,
    /// Index into the releases that rows of a market were put together from; 0 in a release.
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
    /// It receives; false: it ships.
    pub is_import: bool,
    /// What the source says of the partner.
    pub kind: &'static ResidualKind,
    /// As in [`Flow`].
    pub product: u16,
    /// Who says so.
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
    /// Who produces; none is the source's residual.
    pub economy: Option<EconomyId>,
    /// Index into the release's products: the series.
    pub product: u16,
    /// Index into the releases that a market's rows were put together from; 0 in a release.
    pub source: u16,
    /// Where it was read.
    pub origin: Origin,
    /// Tonnes of the series' basis.
    pub quantity: Cell,
}

impl Row for Flow {
    type Key = (EconomyId, EconomyId, u16, Reporter, u16, Origin);
    fn key(&self) -> Self::Key {
        (self.importer, self.exporter, self.product, self.reporter, self.source, self.origin.row())
    }
}

impl Row for ResidualFlow {
    type Key = (EconomyId, bool, &'static ResidualKind, u16, Reporter, u16, Origin);
    fn key(&self) -> Self::Key {
        let Self { economy, is_import, kind, product, reporter, source, origin, .. } = *self;
        (economy, is_import, kind, product, reporter, source, origin.row())
    }
}

impl Row for Output {
    type Key = (Option<EconomyId>, u16, Origin);
    fn key(&self) -> Self::Key {
        (self.economy, self.product, self.origin)
    }
}
