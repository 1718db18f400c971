//! What a dry run found: the release as it would be, its first rows, the gates, and what would be set aside.
use orewatch_contracts::ingestion::v1::{GateVerdict, SampleRow, Verdict};
use orewatch_ingestion::client::Outcome;
use orewatch_runtime::{Class, Failure};
use serde_json::{Map, Value, json};

use super::{ingest, releases};
use crate::options::Format;
use crate::render::{Align, Out, Sheet, document, object};
use crate::view::{RejectionRow, ReleaseRow};
use crate::words::word;

/// Shows all of it; as csv the rows that would be set aside.
pub(super) fn print(out: &Out, outcomes: &[Outcome]) -> Result<(), Failure> {
    match out.format {
        Format::Json => out.json(&outcomes.iter().map(json).collect::<Vec<_>>()),
        Format::Csv => {
            let rejections = outcomes.iter().flat_map(|outcome| &outcome.rejections);
            out.csv(&rejections.map(RejectionRow).collect::<Vec<_>>())
        }
        Format::Table => {
            out.text(&outcomes.iter().map(|outcome| page(out, outcome)).collect::<Vec<_>>().join("\n"))
        }
    }
}

/// A release that would be refused is an error of the command.
pub(super) fn refusal(outcome: &Outcome) -> Option<Failure> {
    let report = outcome.release.report.as_ref()?;
    let blocks: Vec<_> = report.gates.iter().filter(|gate| gate.verdict() == Verdict::Block).collect();
    let first = blocks.first()?;
    let message = format!("it would be refused: {}: {}", first.gate, first.message);
    let id = outcome.release.release.as_ref().map_or("", |release| release.id.as_str());
    let hint = ["nothing was recorded".to_owned(), ingest::what_to_do(&outcome.release, id)];
    let hint = hint.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ");
    Some(Failure::new(Class::Refused, "would-be-refused", message).with_hint(hint))
}

fn json(outcome: &Outcome) -> Value {
    let rejections: Vec<_> = outcome.rejections.iter().map(RejectionRow).collect();
    json!({
        "release": object(&ReleaseRow(&outcome.release)),
        "known": outcome.known,
        "notes": outcome.notes,
        "sample": outcome.sample.iter().map(sample).collect::<Vec<_>>(),
        "rejections": document(&rejections),
        "gates": gates(outcome).iter().map(verdict).collect::<Vec<_>>(),
    })
}

fn gates(outcome: &Outcome) -> &[GateVerdict] {
    outcome.release.report.as_ref().map(|report| report.gates.as_slice()).unwrap_or_default()
}

fn verdict(gate: &GateVerdict) -> Value {
    let word = word(gate.verdict().as_str_name(), "VERDICT_");
    json!({"gate": gate.gate, "verdict": word, "message": gate.message})
}

/// What a gate says, under a heading of its own.
fn said(out: &Out, outcome: &Outcome, gate: &str, heading: &str) -> String {
    let found = gates(outcome).iter().find(|found| found.gate == gate);
    let message = found.map(|found| found.message.as_str()).unwrap_or_default();
    format!("\n{}\n  {message}\n", out.style.bold(heading))
}

fn sample(row: &SampleRow) -> Value {
    let fields = row.fields.iter().map(|field| (field.name.clone(), Value::from(field.value.as_str())));
    json!({"file": row.file, "line": row.line, "fields": fields.collect::<Map<_, _>>()})
}

fn page(out: &Out, outcome: &Outcome) -> String {
    let mut text = releases::page(out, &outcome.release, false);
    text.push_str(&said(out, outcome, "scope-jump", "What it would restate"));
    text.push_str(&said(out, outcome, "outranked", "Where it would answer"));
    if !outcome.sample.is_empty() {
        text.push_str(&format!("\n{}\n{}", out.style.bold("The first rows"), table(out, &outcome.sample)));
    }
    if !outcome.rejections.is_empty() {
        let rows = releases::rejected(out, &outcome.rejections);
        text.push_str(&format!("\n{}\n{rows}", out.style.bold("Set aside")));
    }
    text
}

fn table(out: &Out, rows: &[SampleRow]) -> String {
    let names = rows.first().map(|row| row.fields.as_slice()).unwrap_or_default();
    let mut columns = vec![("file:line", Align::Left)];
    columns.extend(names.iter().map(|field| (field.name.as_str(), Align::Left)));
    let mut sheet = Sheet::new(out, &columns);
    for row in rows {
        let place = format!("{}:{}", row.file, row.line);
        sheet.row(std::iter::once(place).chain(row.fields.iter().map(|field| field.value.clone())));
    }
    sheet.finish()
}
