//! Entries of columns, and what they stand for.

use orewatch_catalog::{Period, Stage, material};
use orewatch_contracts::common::v1 as common;
use orewatch_measures::Status;

use super::Unreadable;
use crate::book::{Cell, EconomyId, Market, Origin};

pub(super) fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// The entry of a column.
pub(super) fn at<T: Copy>(column: &[T], row: usize, name: &str) -> Result<T, Unreadable> {
    column.get(row).copied().ok_or_else(|| Unreadable::short(name))
}

/// The entry of a column that may be empty.
pub(super) fn at_or<T: Copy>(column: &[T], row: usize, empty: T, name: &str) -> Result<T, Unreadable> {
    if column.is_empty() { Ok(empty) } else { at(column, row, name) }
}

/// What a column's entry points at in its dictionary.
pub(super) fn entry<T: Copy>(
    dictionary: &[T],
    column: &[u32],
    row: usize,
    name: &str,
) -> Result<T, Unreadable> {
    lookup(dictionary, at(column, row, name)?, name)
}

pub(super) fn lookup<T: Copy>(dictionary: &[T], number: u32, name: &str) -> Result<T, Unreadable> {
    dictionary.get(index(number)).copied().ok_or_else(|| Unreadable::short(name))
}

pub(super) fn origin(
    files: &[u32],
    lines: &[u64],
    columns: &[u32],
    row: usize,
) -> Result<Origin, Unreadable> {
    let file = at_or(files, row, 0, "file")?;
    let file = u16::try_from(file).map_err(|_| Unreadable::short("file"))?;
    let column = columns.get(row).and_then(|column| u16::try_from(*column).ok()).unwrap_or(0);
    Ok(Origin { file, column, line: lines.get(row).copied().unwrap_or(0) })
}

/// A mass or a value. What claims to be known and is no amount is not known: it never enters a sum.
pub(super) fn amount(numbers: &[f64], statuses: &[i32], row: usize, name: &str) -> Result<Cell, Unreadable> {
    let cell = figure(numbers, statuses, row, name)?;
    let is_amount = cell.known().is_none_or(|number| number >= 0.0);
    Ok(if is_amount { cell } else { Cell::UNAVAILABLE })
}

/// A figure that may be negative.
pub(super) fn figure(numbers: &[f64], statuses: &[i32], row: usize, name: &str) -> Result<Cell, Unreadable> {
    let number = at(numbers, row, name)?;
    let status = if statuses.is_empty() { Status::Known } else { status(at(statuses, row, name)?) };
    match (number.is_finite(), status) {
        (true, Status::Known) => Ok(Cell { number, status }),
        (_, Status::Known) => Ok(Cell { number: f64::NAN, status: Status::Unavailable }),
        (_, status) => Ok(Cell { number: f64::NAN, status }),
    }
}

fn status(number: i32) -> Status {
    match common::Status::try_from(number) {
        Ok(common::Status::Known) => Status::Known,
        Ok(common::Status::Withheld) => Status::Withheld,
        _ => Status::Unavailable,
    }
}

pub(super) fn periods(texts: &[String]) -> Result<Vec<Period>, Unreadable> {
    texts.iter().map(|text| text.parse().map_err(|_| Unreadable::unknown("period", text))).collect()
}

pub(super) fn economies(codes: &[String]) -> Result<Vec<EconomyId>, Unreadable> {
    codes.iter().map(|code| economy(code)).collect()
}

pub(super) fn economy(code: &str) -> Result<EconomyId, Unreadable> {
    EconomyId::of(code).ok_or_else(|| Unreadable::unknown("economy", code))
}

pub(super) fn material_id(id: &str) -> Result<&'static str, Unreadable> {
    material(id).map(|material| material.id).map_err(|_| Unreadable::unknown("material", id))
}

pub(super) fn stage(text: &str) -> Result<Stage, Unreadable> {
    text.parse().map_err(|_| Unreadable::unknown("stage", text))
}

pub(super) fn market(id: &str, at: &str, period: Period) -> Result<Market, Unreadable> {
    Ok(Market { material: material_id(id)?, stage: stage(at)?, period })
}
