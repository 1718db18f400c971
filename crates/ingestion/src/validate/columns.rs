//! Checks of columns: lengths, indices, figures, files and lines.
use std::collections::BTreeSet;

use orewatch_catalog::Period;
use orewatch_contracts::Failure;
use orewatch_contracts::common::v1::Status;
use orewatch_contracts::ingestion::v1::observations_recorded::Columns;
use orewatch_formats::flows;

use super::{MAX_ROWS, invalid};

/// The entry of a dictionary that a row refers to.
pub(super) fn dictionary_entry<'a, T>(entries: &'a [T], column: &[u32], row: usize) -> Option<&'a T> {
    column.get(row).and_then(|index| usize::try_from(*index).ok()).and_then(|index| entries.get(index))
}

/// Checks a column of enumeration values, which is empty or has an entry for each row.
pub(super) fn check_marks(
    field: &str,
    column: &[i32],
    rows: usize,
    known: impl Fn(i32) -> bool,
) -> Result<(), Failure> {
    check_length(field, column.len(), rows, true)?;
    match column.iter().find(|number| !known(**number)) {
        Some(number) => Err(invalid(field, number.to_string(), "the number is not in the contract")),
        None => Ok(()),
    }
}

pub(super) fn check_rows(count: usize) -> Result<usize, Failure> {
    if (1..=MAX_ROWS).contains(&count) {
        return Ok(count);
    }
    Err(invalid("columns", count.to_string(), format!("a chunk has 1 to {MAX_ROWS} rows")))
}

pub(super) fn check_periods(texts: &[String]) -> Result<(), Failure> {
    check_dictionary("periods", texts, |text| text.parse::<Period>().is_ok())
}

/// Checks that entries of a dictionary are known, and listed once.
pub(super) fn check_dictionary(
    field: &str,
    texts: &[String],
    known: impl Fn(&str) -> bool,
) -> Result<(), Failure> {
    let mut seen = BTreeSet::new();
    match texts.iter().find(|text| !known(text) || !seen.insert(text.as_str())) {
        Some(text) => {
            Err(invalid(field, text, "the entry of the dictionary is not known, or is there twice"))
        }
        None => Ok(()),
    }
}

pub(super) fn check_length(field: &str, found: usize, rows: usize, optional: bool) -> Result<(), Failure> {
    if found == rows || (optional && found == 0) {
        return Ok(());
    }
    Err(invalid(field, found.to_string(), format!("the column has {found} entries for {rows} rows")))
}

pub(super) fn check_indices(field: &str, column: &[u32], rows: usize, entries: usize) -> Result<(), Failure> {
    check_length(field, column.len(), rows, false)?;
    let within = |index: &u32| usize::try_from(*index).is_ok_and(|index| index < entries);
    match column.iter().find(|index| !within(index)) {
        Some(index) => Err(invalid(field, index.to_string(), "the index is not in the dictionary")),
        None => Ok(()),
    }
}

/// Checks that figures are finite where they are known, and NaN where they are not.
pub(super) fn check_figures(
    field: &str,
    numbers: &[f64],
    statuses: &[i32],
    rows: usize,
    least: f64,
) -> Result<(), Failure> {
    check_length(field, numbers.len(), rows, false)?;
    check_length(field, statuses.len(), rows, true)?;
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

/// Checks indices into a dictionary. An empty column stands for the first entry, which has to exist.
pub(super) fn check_indices_or_first(
    field: &str,
    column: &[u32],
    rows: usize,
    entries: usize,
) -> Result<(), Failure> {
    match column {
        [] => check_indices(field, &vec![0; rows.min(1)], rows.min(1), entries),
        _ => check_indices(field, column, rows, entries),
    }
}

/// Checks amounts in one of their two forms: plain, or as scaled integers.
pub(super) fn check_amounts(
    field: &str,
    plain: &[f64],
    (scaled, digits): (&[u64], u32),
    statuses: &[i32],
    rows: usize,
) -> Result<(), Failure> {
    if scaled.is_empty() {
        return check_figures(field, plain, statuses, rows, 0.0);
    }
    check_length(field, scaled.len(), rows, false)?;
    check_length(field, statuses.len(), rows, true)?;
    if !plain.is_empty() {
        return Err(invalid(field, plain.len().to_string(), "the amounts are there in both forms"));
    }
    if digits > flows::MAX_DIGITS {
        return Err(invalid(field, digits.to_string(), "amounts have at most 9 digits after the point"));
    }
    for (row, number) in scaled.iter().enumerate() {
        let status = statuses.get(row).map_or(Ok(Status::Known), |status| Status::try_from(*status));
        let fits = match status {
            Ok(Status::Known) => *number < flows::SCALED_LIMIT,
            Ok(Status::Withheld | Status::Unavailable) => *number == 0,
            _ => false,
        };
        if !fits {
            return Err(invalid(field, number.to_string(), "the figure does not go with its status"));
        }
    }
    Ok(())
}

/// Checks lines that are stored as differences: each line is at least 1.
pub(super) fn check_steps(line: &[u64], steps: &[i64], rows: usize) -> Result<(), Failure> {
    check_length("line_step", steps.len(), rows, false)?;
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

pub(super) fn check_places(file: &[u32], line: &[u64], rows: usize, files: usize) -> Result<(), Failure> {
    check_length("line", line.len(), rows, false)?;
    if line.contains(&0) {
        return Err(invalid("line", "0", "lines are counted from 1"));
    }
    check_files(file, rows, files)
}

pub(super) fn check_files(file: &[u32], rows: usize, files: usize) -> Result<(), Failure> {
    if file.is_empty() { Ok(()) } else { check_indices("file", file, rows, files) }
}

/// Number of rows of a chunk. The chunk has passed its checks.
pub(crate) fn row_count(columns: &Columns) -> u64 {
    let rows = match columns {
        Columns::Trade(columns) => flows::count(columns),
        Columns::Production(columns) => columns.period.len(),
        Columns::Governance(columns) => columns.period.len(),
        Columns::Parameters(columns) => columns.period.len(),
        Columns::Restrictions(columns) => columns.economy.len(),
        Columns::Concordance(columns) => columns.code.len(),
        Columns::Projections(columns) => columns.period.len(),
        Columns::Targets(targets) => targets.rows.len(),
        Columns::Claims(claims) => claims.rows.len(),
    };
    u64::try_from(rows).unwrap_or(u64::MAX)
}

/// The file of a chunk's first row. `None`: all rows are of the first file.
pub(crate) fn first_file(columns: &Columns) -> Option<u32> {
    let files = match columns {
        Columns::Trade(columns) => &columns.file,
        Columns::Production(columns) => &columns.file,
        Columns::Governance(columns) => &columns.file,
        Columns::Parameters(columns) => &columns.file,
        Columns::Restrictions(columns) => &columns.file,
        Columns::Concordance(columns) => &columns.file,
        Columns::Projections(columns) => &columns.file,
        Columns::Targets(targets) => return targets.rows.first().map(|row| row.file),
        Columns::Claims(claims) => return claims.rows.first().map(|row| row.file),
    };
    files.first().copied()
}

/// Assigns all rows of a chunk to one file.
pub(crate) fn set_file(columns: &mut Columns, file: u32) {
    let rows = usize::try_from(row_count(columns)).unwrap_or(0);
    let files = match columns {
        Columns::Trade(columns) => &mut columns.file,
        Columns::Production(columns) => &mut columns.file,
        Columns::Governance(columns) => &mut columns.file,
        Columns::Parameters(columns) => &mut columns.file,
        Columns::Restrictions(columns) => &mut columns.file,
        Columns::Concordance(columns) => &mut columns.file,
        Columns::Projections(columns) => &mut columns.file,
        Columns::Targets(targets) => return targets.rows.iter_mut().for_each(|row| row.file = file),
        Columns::Claims(claims) => return claims.rows.iter_mut().for_each(|row| row.file = file),
    };
    *files = vec![file; rows];
}
