//! Units: what a release restates of its own dataset. Pure.
//!
//! The unit follows from the kind of the dataset: a market, a declaration of an economy, or a cell. A release
//! restates a key of an older release if it has a row in the same unit. A stated scope narrows that to keys
//! inside the scope, and replaces the dimensions that it states: inside the scope a row is not needed.
//! Exposure answers by the same units.

mod compare;
mod coverage;
mod entries;
mod flows;
mod pairs;
mod restated;
mod vanished;

use orewatch_catalog::DatasetKind;
use orewatch_contracts::ingestion::v1::Table;

pub(crate) use compare::compare_with_baseline;
pub(crate) use restated::{Restated, Sums};

/// What a release restates as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// A market: a material at a stage in a period, an indicator in a period, an economy's parameter or
    /// restrictions.
    Market,
    /// An economy's flows of one direction, product and period.
    Declaration,
    /// One side's report of one flow of a product in a period; an economy's output in a period.
    Cell,
}

impl Unit {
    /// The unit of a dataset's kind in a table.
    pub(crate) fn for_dataset(kind: DatasetKind, table: Table) -> Self {
        match (kind, table) {
            (DatasetKind::Declarations, Table::Trade) => Self::Declaration,
            (DatasetKind::Supplement, Table::Trade | Table::Production) => Self::Cell,
            _ => Self::Market,
        }
    }

    /// A count of restated units in words.
    pub(crate) fn count_phrase(self, count: usize) -> String {
        let word = match self {
            Self::Market => "market",
            Self::Declaration => "declaration",
            Self::Cell => "cell",
        };
        if count == 1 { format!("1 restated {word}") } else { format!("{count} restated {word}s") }
    }
}
