//! Where the rows of a file go.
use super::names::Names;
use super::{Observation, Reject, SourceError};

/// Where a figure is in its file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// Line, or number of the record where a file has no lines; from 1.
    pub(super) line: u64,
    /// Column, from 1; 0: the row as a whole, or several columns.
    pub(super) column: u32,
}

impl Place {
    /// A row as a whole.
    pub(super) fn line(line: u64) -> Self {
        Self { line, column: 0 }
    }
}

/// Why a reading ends early.
#[derive(Debug)]
pub(super) enum Halt {
    /// The file cannot be read.
    Source(SourceError),
    /// Nobody takes more rows; who stopped it knows why.
    Stopped,
}

impl From<SourceError> for Halt {
    fn from(error: SourceError) -> Self {
        Self::Source(error)
    }
}

/// Takes what a reader finds, in the order in which it finds it. Every figure that a file has is handed over exactly once, as a
/// row, as one that is outside of what Orewatch covers, or as a rejection: so that what was read adds up.
pub(super) trait Out {
    /// The dictionaries of the release.
    fn names(&mut self) -> &mut Names;

    /// Something to record.
    ///
    /// # Errors
    /// [`Halt`] if nobody takes more.
    fn row(&mut self, row: Observation, place: Place) -> Result<(), Halt>;

    /// A valid figure about what no material of the catalogue covers.
    fn outside(&mut self, place: Place);

    /// A figure, or a row, that is set aside; `text` is the row as it is written, empty where there is none.
    ///
    /// # Errors
    /// [`Halt`] if nobody takes more.
    fn reject(&mut self, reject: Reject, place: Place, text: &str) -> Result<(), Halt>;
}
