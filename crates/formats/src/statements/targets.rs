//! Parses rows of targets: thresholds that somebody announced.
use orewatch_contracts::ingestion::v1::{TargetRow, TargetStatus};

use super::fields::{Fields, missing};
use super::statement_row;
use crate::header::Columns;
use crate::names::{Names, parse_day};
use crate::row::Row;
use crate::{Observation, Reject, RowParser};

/// Columns that must be there.
pub(crate) const REQUIRED: [&str; 13] = [
    "id",
    "title",
    "announced_by",
    "consumer",
    "material",
    "stage",
    "measure",
    "line",
    "direction",
    "status",
    "source",
    "announced",
    "confirmation",
];

/// Columns that may be there.
pub(crate) const OPTIONAL: [&str; 5] = ["supplier", "by", "due", "url", "in_force"];

/// A threshold a row: who announced it, whose figure it is about, and until when it is to be reached.
pub(crate) struct Targets {
    /// Where the columns are, required ones first.
    pub(crate) columns: Columns,
}

impl RowParser for Targets {
    fn columns(&self) -> &Columns {
        &self.columns
    }

    fn figure_column(&self) -> Option<usize> {
        REQUIRED.iter().position(|name| *name == "line")
    }

    fn max_field_bytes(&self) -> usize {
        super::MAX_TEXT_BYTES
    }

    fn parse(&self, row: &Row<'_>, names: &mut Names) -> Result<Option<Observation>, Reject> {
        let fields = Fields { row, columns: &self.columns, names: [&REQUIRED, &OPTIONAL] };
        let id = fields.id()?;
        let target = TargetRow {
            id: id.to_owned(),
            title: fields.required_text("title", "say in one sentence what is to be reached")?,
            announced_by: fields.required_text("announced_by", "name who announced it, such as G7")?,
            source: fields.text("source")?,
            url: fields.text("url")?,
            ..figures(&fields, names)?
        };
        let target = with_days(target, &fields, names)?;
        let confirmation = fields.confirmation(&target.source)?;
        let target = TargetRow { confirmation: confirmation.into(), ..target };
        statement_row(id, &target, names).map(Some)
    }
}

/// What the target is about, and its threshold.
fn figures(fields: &Fields<'_>, names: &mut Names) -> Result<TargetRow, Reject> {
    let consumer = fields.consumer()?;
    let material = fields.material("material", fields.word("material")?)?;
    let stage = fields.stage()?;
    let method = fields.measure()?;
    let supplier = fields.supplier(method, names)?;
    let line = fields.figure("line", method)?;
    let at_most = fields.one_of("direction", [("at-most", true), ("at-least", false)])?;
    Ok(TargetRow {
        consumer: consumer.code().to_owned(),
        material: material.to_owned(),
        stage: stage.to_string(),
        measure: fields.word("measure")?.to_owned(),
        supplier: supplier.unwrap_or_default(),
        line,
        at_most,
        by: fields.weight(method)?.into(),
        ..TargetRow::default()
    })
}

/// The target with its days: announced, in force, and the period by which it is due.
fn with_days(target: TargetRow, fields: &Fields<'_>, names: &mut Names) -> Result<TargetRow, Reject> {
    const STATUSES: [(&str, TargetStatus); 3] = [
        ("law", TargetStatus::Law),
        ("declaration", TargetStatus::Declaration),
        ("plan", TargetStatus::Plan),
    ];
    let status = fields.one_of("status", STATUSES)?;
    let announced = fields.required_day("announced", names)?;
    let in_force = fields.day("in_force", names)?;
    let due = fields.period("due", names)?;
    if status == TargetStatus::Law && in_force.is_empty() {
        return Err(missing(
            "in_force",
            "a law has a day on which it takes effect; write plan if it is none yet",
        ));
    }
    let before =
        |later: &str| parse_day(later).zip(parse_day(&announced)).is_some_and(|(later, day)| later < day);
    if before(&in_force) {
        let reason = format!("it takes effect before it was announced, on {announced}");
        return Err(Reject::new("end-before-start", "in_force", &in_force, reason)
            .with_hint("check both days: year, month, day"));
    }
    if !due.is_empty() && due.get(..4) < announced.get(..4) {
        let reason = format!("it is due before it was announced, on {announced}");
        return Err(Reject::new("end-before-start", "due", &due, reason).with_hint("check both"));
    }
    Ok(TargetRow { status: status.into(), announced, in_force, due, ..target })
}
