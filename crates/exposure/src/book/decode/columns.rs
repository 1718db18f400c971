//! Reads entries of columns and looks them up in their dictionaries.

use orewatch_catalog::{Period, Stage, material};
use orewatch_contracts::common::v1 as common;
use orewatch_measures::Status;

use super::Unreadable;
use crate::book::{Cell, EconomyId, Market, Origin};

/// A number of the contract as an index.
pub(super) fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// The entry of a column in a row.
pub(super) fn entry<T: Copy>(column: &[T], row: usize, name: &str) -> Result<T, Unreadable> {
    column.get(row).copied().ok_or_else(|| Unreadable::short(name))
}

/// The entry of a column in a row; `empty` where the column is empty.
pub(super) fn entry_or<T: Copy>(column: &[T], row: usize, empty: T, name: &str) -> Result<T, Unreadable> {
    if column.is_empty() { Ok(empty) } else { entry(column, row, name) }
}

/// The dictionary value that a column points at in a row.
pub(super) fn value<T: Copy>(
    dictionary: &[T],
    column: &[u32],
    row: usize,
    name: &str,
) -> Result<T, Unreadable> {
    lookup(dictionary, entry(column, row, name)?, name)
}

/// The dictionary value with a number.
pub(super) fn lookup<T: Copy>(dictionary: &[T], number: u32, name: &str) -> Result<T, Unreadable> {
    dictionary.get(index(number)).copied().ok_or_else(|| Unreadable::short(name))
}

/// Where a row was read.
pub(super) fn origin(
    files: &[u32],
    lines: &[u64],
    columns: &[u32],
    row: usize,
) -> Result<Origin, Unreadable> {
    let file = entry_or(files, row, 0, "file")?;
    let file = u16::try_from(file).map_err(|_| Unreadable::short("file"))?;
    let column = columns.get(row).and_then(|column| u16::try_from(*column).ok()).unwrap_or(0);
    Ok(Origin { file, column, line: lines.get(row).copied().unwrap_or(0) })
}

/// A mass or a value. A known number that is not a valid amount becomes unavailable, so that it never enters
/// a sum.
pub(super) fn amount(numbers: &[f64], statuses: &[i32], row: usize, name: &str) -> Result<Cell, Unreadable> {
    let cell = figure(numbers, statuses, row, name)?;
    let is_amount = cell.known().is_none_or(|number| number >= 0.0);
    Ok(if is_amount { cell } else { Cell::UNAVAILABLE })
}

/// A figure that may be negative.
pub(super) fn figure(numbers: &[f64], statuses: &[i32], row: usize, name: &str) -> Result<Cell, Unreadable> {
    let number = entry(numbers, row, name)?;
    let status = if statuses.is_empty() { Status::Known } else { status(entry(statuses, row, name)?) };
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
    EconomyId::from_code(code).ok_or_else(|| Unreadable::unknown("economy", code))
}

pub(super) fn material_id(id: &str) -> Result<&'static str, Unreadable> {
    material(id).map(|material| material.id).map_err(|_| Unreadable::unknown("material", id))
}

pub(super) fn stage(text: &str) -> Result<Stage, Unreadable> {
    text.parse().map_err(|_| Unreadable::unknown("stage", text))
}

/// A market from the texts of the contract.
pub(super) fn market(material: &str, stage: &str, period: Period) -> Result<Market, Unreadable> {
    Ok(Market { material: material_id(material)?, stage: self::stage(stage)?, period })
}
