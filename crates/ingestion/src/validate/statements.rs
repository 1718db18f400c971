//! Checks of targets and claims, which are messages and no columns.
use std::collections::BTreeSet;

use orewatch_catalog::{Consumer, Period, Stage, economy, material};
use orewatch_contracts::Failure;
use orewatch_contracts::common::v1::By;
use orewatch_contracts::ingestion::v1::{ClaimRow, Confirmation, TargetRow, TargetStatus};
use orewatch_formats::{ids, parse_day};
use orewatch_measures::{Measure, Method, Weight};

use super::columns::check_rows;
use super::{check_text, invalid};

pub(super) fn check_targets(rows: &[TargetRow], files: usize) -> Result<(), Failure> {
    check_rows(rows.len())?;
    rows.iter().try_for_each(|row| check_target(row, files))
}

pub(super) fn check_claims(rows: &[ClaimRow], files: usize) -> Result<(), Failure> {
    check_rows(rows.len())?;
    rows.iter().try_for_each(|row| check_claim(row, files))
}

fn check_target(row: &TargetRow, files: usize) -> Result<(), Failure> {
    check_place(row.file, row.line_number, files)?;
    for (field, text) in [("title", &row.title), ("announced_by", &row.announced_by)] {
        check_required_text(field, text)?;
    }
    check_sources(&row.id, &row.source, &row.url, row.confirmation())?;
    let materials = std::slice::from_ref(&row.material);
    let subject = Subject { consumer: &row.consumer, materials, stage: &row.stage, supplier: &row.supplier };
    let method = check_subject(&subject, &row.measure, row.by)?;
    check_range("line", row.line, method)?;
    if row.status() == TargetStatus::Unspecified {
        return Err(invalid("status", row.status.to_string(), "a target is a law, a declaration or a plan"));
    }
    check_day("announced", &row.announced)?;
    if !row.in_force.is_empty() {
        check_day("in_force", &row.in_force)?;
    }
    check_period("due", &row.due)
}

fn check_claim(row: &ClaimRow, files: usize) -> Result<(), Failure> {
    check_place(row.file, row.line, files)?;
    for (field, text) in [("text", &row.text), ("said_by", &row.said_by)] {
        check_required_text(field, text)?;
    }
    for (field, text) in [("reported_by", &row.reported_by), ("basis", &row.basis)] {
        check_text(field, text)?;
    }
    check_sources(&row.id, &row.source, &row.url, row.confirmation())?;
    let subject = Subject {
        consumer: &row.consumer,
        materials: &row.materials,
        stage: &row.stage,
        supplier: &row.supplier,
    };
    let method = check_subject(&subject, &row.measure, row.by)?;
    if method.has_supplier && row.supplier.is_empty() {
        return Err(invalid("supplier", "", format!("a figure of {} is about one supplier", method.name)));
    }
    check_range("low", row.low, method)?;
    check_range("high", row.high, method)?;
    if row.high < row.low {
        return Err(invalid("high", row.high.to_string(), "the range ends below its beginning"));
    }
    if !(row.tolerance >= 0.0 && row.tolerance.is_finite()) {
        return Err(invalid("tolerance", row.tolerance.to_string(), "a tolerance is at least 0"));
    }
    if !row.vintage.is_empty() && !ids::is_vintage(&row.vintage) {
        return Err(invalid("vintage", &row.vintage, "this is no valid name of a vintage"));
    }
    check_day("date", &row.date)?;
    check_period("period", &row.period)
}

/// What a statement is about.
struct Subject<'a> {
    consumer: &'a str,
    materials: &'a [String],
    stage: &'a str,
    supplier: &'a str,
}

/// Checks what a statement is about. Returns its measure.
fn check_subject(subject: &Subject<'_>, measure: &str, by: i32) -> Result<&'static Method, Failure> {
    let Subject { consumer, materials, stage, supplier } = subject;
    if consumer.parse::<Consumer>().map_or("", |known| known.code()) != *consumer {
        return Err(invalid("consumer", consumer, "this is no economy or bloc"));
    }
    let mut seen = BTreeSet::new();
    let is_known = |id: &&String| material(id).is_ok_and(|known| known.id == **id);
    if let Some(id) = materials.iter().find(|id| !is_known(id) || !seen.insert(id.as_str())) {
        return Err(invalid("material", id, "this is no material of the catalogue, or it is there twice"));
    }
    if materials.is_empty() {
        return Err(invalid("materials", "", "a claim is about at least one material"));
    }
    if stage.parse::<Stage>().map_or("", Stage::as_str) != *stage {
        return Err(invalid("stage", stage, "this is no stage"));
    }
    let method =
        measure.parse::<Measure>().map_err(|error| invalid("measure", measure, error.to_string()))?.method();
    if !supplier.is_empty() && (!method.has_supplier || economy(supplier).is_none()) {
        return Err(invalid("supplier", supplier, "this is no economy, or the measure has no supplier"));
    }
    let weight = match By::try_from(by) {
        Ok(By::Unspecified) => None,
        Ok(By::Quantity) => Some(Weight::Quantity),
        Ok(By::Value) => Some(Weight::Value),
        Err(_) => return Err(invalid("by", by.to_string(), "the number is not in the contract")),
    };
    if weight.is_some_and(|weight| !method.weights.contains(&weight)) {
        return Err(invalid("by", by.to_string(), format!("{} is not weighted by it", method.name)));
    }
    Ok(method)
}

fn check_sources(id: &str, source: &str, url: &str, confirmation: Confirmation) -> Result<(), Failure> {
    if !ids::is_dataset(id) {
        return Err(invalid("id", id, "this is not an identifier")
            .with_hint("use up to 64 lower-case letters, digits and hyphens"));
    }
    check_text("source", source)?;
    check_text("url", url)?;
    match confirmation {
        Confirmation::Unspecified => Err(invalid("confirmation", "", "say how well the source is known")),
        Confirmation::Confirmed | Confirmation::Reported if source.is_empty() => {
            Err(invalid("source", "", "a row without a source is recalled"))
        }
        _ => Ok(()),
    }
}

fn check_place(file: u32, line: u64, files: usize) -> Result<(), Failure> {
    if line == 0 {
        return Err(invalid("line", "0", "lines are counted from 1"));
    }
    match usize::try_from(file) {
        Ok(file) if file < files => Ok(()),
        _ => Err(invalid("file", file.to_string(), "the index is not in the list of files")),
    }
}

fn check_required_text(field: &str, text: &str) -> Result<(), Failure> {
    if text.is_empty() {
        return Err(invalid(field, "", "the text is empty"));
    }
    check_text(field, text)
}

fn check_range(field: &str, number: f64, method: &Method) -> Result<(), Failure> {
    let (least, greatest) = method.range;
    if number.is_finite() && (least..=greatest).contains(&number) {
        return Ok(());
    }
    let message = format!("{} is from {least} to {greatest} ({})", method.name, method.unit);
    Err(invalid(field, number.to_string(), message))
}

fn check_day(field: &str, text: &str) -> Result<(), Failure> {
    if parse_day(text).is_some() {
        Ok(())
    } else {
        Err(invalid(field, text, "this is no day from 1900 to 2100"))
    }
}

/// Checks a period that may be empty.
fn check_period(field: &str, text: &str) -> Result<(), Failure> {
    if text.is_empty() || text.parse::<Period>().is_ok() {
        return Ok(());
    }
    Err(invalid(field, text, "this is no period"))
}
