//! Units: what a release restates of its own dataset. Pure.
//!
//! The unit follows from the dataset's kind: a market, what an economy declares, or a cell. A release restates a key of an older
//! one if it has a row in the same unit. A stated scope narrows that to what is inside of it, and takes the place of the
//! dimensions that it states: inside of it there need be no row. Exposure answers by the same units.

mod change;
mod coverage;
mod entries;
mod flows;
mod pairs;
mod vanished;

use orewatch_catalog::DatasetKind;
use orewatch_contracts::ingestion::v1::Table;

pub(crate) use change::{Restated, Sums, compare};

/// What a release restates together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// A market: a material at a stage in a period, an indicator in a period, an economy's parameter or restrictions.
    Market,
    /// An economy's flows of one direction, product and period.
    Declaration,
    /// One side's report of one flow of a product in a period; an economy's output in a period.
    Cell,
}

impl Unit {
    /// The unit of a dataset's kind in a table.
    pub(crate) fn of(kind: DatasetKind, table: Table) -> Self {
        match (kind, table) {
            (DatasetKind::Declarations, Table::Trade) => Self::Declaration,
            (DatasetKind::Supplement, Table::Trade | Table::Production) => Self::Cell,
            _ => Self::Market,
        }
    }

    /// So many of them, for people.
    pub(crate) fn counted(self, count: usize) -> String {
        let word = match self {
            Self::Market => "market",
            Self::Declaration => "declaration",
            Self::Cell => "cell",
        };
        if count == 1 { format!("1 restated {word}") } else { format!("{count} restated {word}s") }
    }
}
