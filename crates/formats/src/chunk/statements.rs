//! Rows that are statements and not figures: targets and claims. They are few, and each is a message.
use bytes::Bytes;
use orewatch_contracts::ingestion::v1::{ClaimRow, ClaimRows, TargetRow, TargetRows};
use prost::Message;

use super::{Chunker, Placed};
use crate::names::Names;
use crate::{Observation, Qualifier};

/// The statement of a row as it is recorded, without its location. `None`: it is a row of another table.
fn statement<'a>(row: &Observation, names: &'a Names) -> Option<&'a Bytes> {
    match row.qualifier {
        Qualifier::Stated(symbol) => names.statements.name(symbol),
        _ => None,
    }
}

/// Size of the statement of a row; 0 for rows of other tables.
pub(super) fn statement_bytes(row: &Observation, names: &Names) -> usize {
    statement(row, names).map_or(0, Bytes::len)
}

impl Chunker {
    pub(super) fn targets(&self, names: &Names) -> TargetRows {
        let place = |target: TargetRow, placed: &Placed| TargetRow {
            file: placed.file,
            line_number: placed.location.line,
            ..target
        };
        TargetRows { rows: self.statements(names, place) }
    }

    pub(super) fn claims(&self, names: &Names) -> ClaimRows {
        let place = |claim: ClaimRow, placed: &Placed| ClaimRow {
            file: placed.file,
            line: placed.location.line,
            ..claim
        };
        ClaimRows { rows: self.statements(names, place) }
    }

    /// The statements of all rows, each with its location.
    fn statements<T: Message + Default>(&self, names: &Names, place: impl Fn(T, &Placed) -> T) -> Vec<T> {
        let decoded = self.rows.iter().filter_map(|placed| {
            // The dictionary holds what the parser of this table encoded.
            let found = T::decode(statement(&placed.row, names)?.clone()).ok()?;
            Some(place(found, placed))
        });
        decoded.collect()
    }
}
