//! Columns of a chunk: their lengths, indices, figures and places.
use std::collections::BTreeSet;

use orewatch_catalog::Period;
use orewatch_contracts::common::v1::Status;
use orewatch_contracts::ingestion::v1::observations_recorded::Columns;
use orewatch_runtime::Failure;

use super::{MOST_ROWS, invalid};
use crate::flows;

/// The entry of a dictionary that a row names.
pub(super) fn entry<'a, T>(entries: &'a [T], column: &[u32], row: usize) -> Option<&'a T> {
    column.get(row).and_then(|index| usize::try_from(*index).ok()).and_then(|index| entries.get(index))
}

/// A column of numbers of an enumeration, empty or of all rows.
pub(super) fn marks(
    field: &str,
    column: &[i32],
    rows: usize,
    known: impl Fn(i32) -> bool,
) -> Result<(), Failure> {
    length(field, column.len(), rows, true)?;
    match column.iter().find(|number| !known(**number)) {
        Some(number) => Err(invalid(field, number.to_string(), "the number is not in the contract")),
        None => Ok(()),
    }
}

pub(super) fn rows(count: usize) -> Result<usize, Failure> {
    if (1..=MOST_ROWS).contains(&count) {
        return Ok(count);
    }
    Err(invalid("columns", count.to_string(), format!("a chunk has 1 to {MOST_ROWS} rows")))
}

pub(super) fn periods(texts: &[String]) -> Result<(), Failure> {
    dictionary("periods", texts, |text| text.parse::<Period>().is_ok())
}

/// Entries of a dictionary are known, and each is there once.
pub(super) fn dictionary(field: &str, texts: &[String], known: impl Fn(&str) -> bool) -> Result<(), Failure> {
    let mut seen = BTreeSet::new();
    match texts.iter().find(|text| !known(text) || !seen.insert(text.as_str())) {
        Some(text) => {
            Err(invalid(field, text, "the entry of the dictionary is not known, or is there twice"))
        }
        None => Ok(()),
    }
}

pub(super) fn length(field: &str, found: usize, rows: usize, optional: bool) -> Result<(), Failure> {
    if found == rows || (optional && found == 0) {
        return Ok(());
    }
    Err(invalid(field, found.to_string(), format!("the column has {found} entries for {rows} rows")))
}

pub(super) fn indices(field: &str, column: &[u32], rows: usize, entries: usize) -> Result<(), Failure> {
    length(field, column.len(), rows, false)?;
    let within = |index: &u32| usize::try_from(*index).is_ok_and(|index| index < entries);
    match column.iter().find(|index| !within(index)) {
        Some(index) => Err(invalid(field, index.to_string(), "the index is not in the dictionary")),
        None => Ok(()),
    }
}

/// A figure is finite where it is known, and NaN where it is not.
pub(super) fn figures(
    field: &str,
    numbers: &[f64],
    statuses: &[i32],
    rows: usize,
    least: f64,
) -> Result<(), Failure> {
    length(field, numbers.len(), rows, false)?;
    length(field, statuses.len(), rows, true)?;
    for (row, number) in numbers.iter().enumerate() {
        let status = statuses.get(row).map_or(Ok(Status::Known), |status| Status::try_from(*status));
        let fits = match status {
            Ok(Status::Known) => number.is_finite() && *number >= least,
            Ok(Status::Withheld | Status::Unavailable) => number.is_nan(),
            _ => false,
        };
        if !fits {
            return Err(invalid(field, number.to_string(), "the figure does not go with its status"));
        }
    }
    Ok(())
}

/// Indices into a dictionary; none: its first entry for all, which has to be there.
pub(super) fn indices_or_first(
    field: &str,
    column: &[u32],
    rows: usize,
    entries: usize,
) -> Result<(), Failure> {
    match column {
        [] => indices(field, &vec![0; rows.min(1)], rows.min(1), entries),
        _ => indices(field, column, rows, entries),
    }
}

/// Amounts in one of their two forms.
pub(super) fn amounts(
    field: &str,
    plain: &[f64],
    (scaled, digits): (&[u64], u32),
    statuses: &[i32],
    rows: usize,
) -> Result<(), Failure> {
    if scaled.is_empty() {
        return figures(field, plain, statuses, rows, 0.0);
    }
    length(field, scaled.len(), rows, false)?;
    length(field, statuses.len(), rows, true)?;
    if !plain.is_empty() {
        return Err(invalid(field, plain.len().to_string(), "the amounts are there in both forms"));
    }
    if digits > flows::MOST_DIGITS {
        return Err(invalid(field, digits.to_string(), "amounts have at most 9 digits after the point"));
    }
    for (row, number) in scaled.iter().enumerate() {
        let status = statuses.get(row).map_or(Ok(Status::Known), |status| Status::try_from(*status));
        let fits = match status {
            Ok(Status::Known) => *number < flows::MOST_SCALED,
            Ok(Status::Withheld | Status::Unavailable) => *number == 0,
            _ => false,
        };
        if !fits {
            return Err(invalid(field, number.to_string(), "the figure does not go with its status"));
        }
    }
    Ok(())
}

/// Lines as differences: each line is at least 1.
pub(super) fn steps(line: &[u64], steps: &[i64], rows: usize) -> Result<(), Failure> {
    length("line_step", steps.len(), rows, false)?;
    if !line.is_empty() {
        return Err(invalid("line", line.len().to_string(), "the lines are there in both forms"));
    }
    let mut at: i64 = 0;
    for step in steps {
        at = at
            .checked_add(*step)
            .filter(|line| *line > 0)
            .ok_or_else(|| invalid("line_step", step.to_string(), "lines are counted from 1"))?;
    }
    Ok(())
}

pub(super) fn places(file: &[u32], line: &[u64], rows: usize, files: usize) -> Result<(), Failure> {
    length("line", line.len(), rows, false)?;
    if line.contains(&0) {
        return Err(invalid("line", "0", "lines are counted from 1"));
    }
    files_of(file, rows, files)
}

pub(super) fn files_of(file: &[u32], rows: usize, files: usize) -> Result<(), Failure> {
    if file.is_empty() { Ok(()) } else { indices("file", file, rows, files) }
}

/// Rows of a chunk that has passed its checks.
pub(crate) fn row_count(columns: &Columns) -> u64 {
    let rows = match columns {
        Columns::Trade(columns) => flows::count(columns),
        Columns::Production(columns) => columns.period.len(),
        Columns::Governance(columns) => columns.period.len(),
        Columns::Parameters(columns) => columns.period.len(),
        Columns::Restrictions(columns) => columns.economy.len(),
        Columns::Concordance(columns) => columns.code.len(),
    };
    u64::try_from(rows).unwrap_or(u64::MAX)
}

/// The file of a chunk's first row; none where all are of the first file.
pub(crate) fn first_file(columns: &Columns) -> Option<u32> {
    let files = match columns {
        Columns::Trade(columns) => &columns.file,
        Columns::Production(columns) => &columns.file,
        Columns::Governance(columns) => &columns.file,
        Columns::Parameters(columns) => &columns.file,
        Columns::Restrictions(columns) => &columns.file,
        Columns::Concordance(columns) => &columns.file,
    };
    files.first().copied()
}

/// Puts all rows of a chunk into one file.
pub(crate) fn place_in(columns: &mut Columns, file: u32) {
    let rows = usize::try_from(row_count(columns)).unwrap_or(0);
    let files = match columns {
        Columns::Trade(columns) => &mut columns.file,
        Columns::Production(columns) => &mut columns.file,
        Columns::Governance(columns) => &mut columns.file,
        Columns::Parameters(columns) => &mut columns.file,
        Columns::Restrictions(columns) => &mut columns.file,
        Columns::Concordance(columns) => &mut columns.file,
    };
    *files = vec![file; rows];
}
