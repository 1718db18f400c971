//! Locations of figures in files.

/// Where a figure is in its file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct SourceLocation {
    /// Line, or number of the record where a file has no lines; from 1.
    pub(super) line: u64,
    /// Column, from 1; 0: the row as a whole, or several columns. Of a flow it is the column of its quantity,
    /// if that is not the usual one.
    pub(super) column: u32,
}

impl SourceLocation {
    /// A figure in a column of a line, the column from 0.
    pub(super) fn cell(line: u64, column: usize) -> Self {
        let number = column.checked_add(1).and_then(|number| u32::try_from(number).ok());
        Self { line, column: number.unwrap_or(0) }
    }

    /// A row as a whole.
    pub(super) fn row(line: u64) -> Self {
        Self { line, column: 0 }
    }
}
