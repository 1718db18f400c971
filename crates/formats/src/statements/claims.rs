//! Parses rows of claims: statements with a figure.
use orewatch_contracts::ingestion::v1::ClaimRow;

use super::fields::{Fields, identifier, missing};
use super::statement_row;
use crate::figure::Figure;
use crate::header::Columns;
use crate::names::Names;
use crate::row::Row;
use crate::{Observation, Reject, RowParser, ids};

/// Columns that must be there.
pub(crate) const REQUIRED: [&str; 12] = [
    "id",
    "text",
    "said_by",
    "date",
    "consumer",
    "materials",
    "stage",
    "measure",
    "low",
    "high",
    "source",
    "confirmation",
];

/// Columns that may be there.
pub(crate) const OPTIONAL: [&str; 8] =
    ["reported_by", "supplier", "by", "period", "basis", "vintage", "tolerance", "url"];

/// A statement a row: who said and who reported it, what it is about, and the figures that would agree with
/// it.
pub(crate) struct Claims {
    /// Where the columns are, required ones first.
    pub(crate) columns: Columns,
}

impl RowParser for Claims {
    fn columns(&self) -> &Columns {
        &self.columns
    }

    fn max_field_bytes(&self) -> usize {
        super::MAX_TEXT_BYTES
    }

    fn parse(&self, row: &Row<'_>, names: &mut Names) -> Result<Option<Observation>, Reject> {
        let fields = Fields { row, columns: &self.columns, names: [&REQUIRED, &OPTIONAL] };
        let id = fields.id()?;
        let source = fields.text("source")?;
        let claim = ClaimRow {
            id: id.to_owned(),
            text: fields.required_text("text", "say in one sentence what was said")?,
            said_by: fields.required_text("said_by", "name who said it")?,
            reported_by: fields.text("reported_by")?,
            date: fields.required_day("date", names)?,
            confirmation: fields.confirmation(&source)?.into(),
            source,
            url: fields.text("url")?,
            ..figures(&fields, names)?
        };
        statement_row(id, &claim, names).map(Some)
    }
}

/// What the claim is about, and the range of figures that agree with it.
fn figures(fields: &Fields<'_>, names: &mut Names) -> Result<ClaimRow, Reject> {
    let consumer = fields.consumer()?;
    let materials = materials(fields)?;
    let stage = fields.stage()?;
    let method = fields.measure()?;
    let supplier = fields.supplier(method, names)?;
    if method.has_supplier && supplier.is_none() {
        let hint = format!("a figure of {} is about one supplier: name it", method.name);
        return Err(missing("supplier", &hint));
    }
    let [low, high] = [fields.figure("low", method)?, fields.figure("high", method)?];
    if high < low {
        let reason = format!("the range ends at {high}, below its beginning {low}");
        return Err(Reject::new("end-before-start", "high", fields.word("high")?, reason)
            .with_hint("`low` is the least and `high` the greatest figure that agrees; swap them"));
    }
    Ok(ClaimRow {
        consumer: consumer.code().to_owned(),
        materials,
        stage: stage.to_string(),
        measure: fields.word("measure")?.to_owned(),
        supplier: supplier.unwrap_or_default(),
        low,
        high,
        by: fields.weight(method)?.into(),
        period: fields.period("period", names)?,
        basis: basis(fields.word("basis")?)?,
        vintage: vintage(fields.word("vintage")?)?,
        tolerance: tolerance(fields.word("tolerance")?)?,
        ..ClaimRow::default()
    })
}

/// Identifiers of the materials, each once, separated by blanks or semicolons.
fn materials(fields: &Fields<'_>) -> Result<Vec<String>, Reject> {
    let text = fields.word("materials")?;
    let mut found: Vec<String> = Vec::new();
    for word in text.split([' ', ';']).filter(|word| !word.is_empty()) {
        let id = fields.material("materials", word)?;
        if found.iter().any(|known| known == id) {
            let reason = format!("{id} is there twice");
            return Err(Reject::new("duplicate-id", "materials", text, reason).with_hint("name it once"));
        }
        found.push(id.to_owned());
    }
    if found.is_empty() {
        return Err(missing("materials", "name one or several, such as copper lithium"));
    }
    Ok(found)
}

/// A dataset, or `DATASET:SCENARIO` for projections. Empty if the claim names none.
fn basis(text: &str) -> Result<String, Reject> {
    if !text.is_empty() {
        let (dataset, scenario) =
            text.split_once(':').map_or((text, None), |(one, other)| (one, Some(other)));
        identifier("basis", dataset, "iea-cm")?;
        scenario.map_or(Ok(""), |scenario| identifier("basis", scenario, "base"))?;
    }
    Ok(text.to_owned())
}

/// The name of a vintage. Empty if the claim names none.
fn vintage(text: &str) -> Result<String, Reject> {
    if text.is_empty() || ids::is_vintage(text) {
        return Ok(text.to_owned());
    }
    Err(Reject::new("invalid-id", "vintage", text, "this is not the name of a vintage")
        .with_hint("use up to 64 letters, digits, hyphens and underscores, such as 2025-05"))
}

/// By how much a figure may differ through rounding: 0 if the field is empty.
fn tolerance(text: &str) -> Result<f64, Reject> {
    if text.is_empty() {
        return Ok(0.0);
    }
    let number = Figure::amount("tolerance", text)?.number;
    if number.is_nan() {
        let reason = "a tolerance is a number";
        return Err(Reject::new("missing-figure", "tolerance", text, reason)
            .with_hint("leave it empty if figures must agree exactly"));
    }
    Ok(number)
}
