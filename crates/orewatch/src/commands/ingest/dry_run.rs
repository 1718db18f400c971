//! `ingest --dry-run`: prints the release as it would be recorded: report, gates, first rows and quarantined
//! rows.
use orewatch_contracts::ingestion::v1::{GateVerdict, SampleRow, Verdict};
use orewatch_contracts::{Class, Failure};
use orewatch_ingestion::client::Outcome;
use serde_json::{Map, Value, json};

use crate::commands::refusal::{Recorded, refusal_hint};
use crate::options::Format;
use crate::render::{Align, Out, document, object, table, table_of_columns};
use crate::view::{QuarantinedRow, release_page};
use crate::words::enum_word;

/// Prints the outcomes. CSV has only the rows that would be quarantined.
pub(super) fn print(out: &Out, outcomes: &[Outcome]) -> Result<(), Failure> {
    match out.format {
        Format::Json => out.json(&outcomes.iter().map(outcome_value).collect::<Vec<_>>()),
        Format::Csv => {
            let rows = outcomes.iter().flat_map(|outcome| QuarantinedRow::numbered(&outcome.rejections));
            out.csv(&rows.collect::<Vec<_>>())
        }
        Format::Table => {
            out.text(&outcomes.iter().map(|outcome| page(out, outcome)).collect::<Vec<_>>().join("\n"))
        }
    }
}

/// Returns an error if the release would be refused.
pub(super) fn refusal(outcome: &Outcome) -> Option<Failure> {
    let report = outcome.release.report.as_ref()?;
    let blocks: Vec<_> = report.gates.iter().filter(|gate| gate.verdict() == Verdict::Block).collect();
    let first = blocks.first()?;
    let message = format!("this release would be refused: {} (gate {})", first.message, first.gate);
    let hint = ["nothing was recorded".to_owned(), refusal_hint(&outcome.release, Recorded::No)];
    let hint = hint.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ");
    Some(Failure::new(Class::Refused, "would-be-refused", message).with_hint(hint))
}

fn outcome_value(outcome: &Outcome) -> Value {
    let rejections = QuarantinedRow::numbered(&outcome.rejections);
    json!({
        "release": object(&outcome.release),
        "known": outcome.known,
        "notes": outcome.notes,
        "sample": outcome.sample.iter().map(sample_value).collect::<Vec<_>>(),
        "rejections": document(&rejections),
        "gates": gates(outcome).iter().map(verdict_value).collect::<Vec<_>>(),
    })
}

fn gates(outcome: &Outcome) -> &[GateVerdict] {
    outcome.release.report.as_ref().map(|report| report.gates.as_slice()).unwrap_or_default()
}

fn verdict_value(gate: &GateVerdict) -> Value {
    let word = enum_word(gate.verdict().as_str_name(), "VERDICT_");
    json!({"gate": gate.gate, "verdict": word, "message": gate.message})
}

/// The message of a gate under a heading.
fn gate_section(out: &Out, outcome: &Outcome, gate: &str, heading: &str) -> String {
    let found = gates(outcome).iter().find(|found| found.gate == gate);
    let message = found.map(|found| found.message.as_str()).unwrap_or_default();
    format!("\n{}\n  {message}\n", out.style.bold(heading))
}

fn sample_value(row: &SampleRow) -> Value {
    let fields = row.fields.iter().map(|field| (field.name.clone(), Value::from(field.value.as_str())));
    json!({"file": row.file, "line": row.line, "fields": fields.collect::<Map<_, _>>()})
}

fn page(out: &Out, outcome: &Outcome) -> String {
    let mut text = release_page(out, &outcome.release, false);
    text.push_str(&gate_section(out, outcome, "scope-jump", "Figures it would restate"));
    text.push_str(&gate_section(out, outcome, "outranked", "Rank among datasets"));
    if !outcome.sample.is_empty() {
        text.push_str(&format!("\n{}\n{}", out.style.bold("First rows"), sample_table(out, &outcome.sample)));
    }
    if !outcome.rejections.is_empty() {
        let rows = table(out, &QuarantinedRow::numbered(&outcome.rejections));
        text.push_str(&format!("\n{}\n{rows}", out.style.bold("Quarantined rows")));
    }
    text
}

/// A table of the first rows. Which fields they have depends on the table that they are from.
fn sample_table(out: &Out, rows: &[SampleRow]) -> String {
    let location = rows.iter().map(|row| format!("{}:{}", row.file, row.line)).collect();
    let value = |row: &SampleRow, name: &str| {
        row.fields
            .iter()
            .find(|field| field.name == name)
            .map(|field| field.value.clone())
            .unwrap_or_default()
    };
    let fields = rows.first().map(|row| row.fields.as_slice()).unwrap_or_default().iter();
    let columns = fields.map(|field| {
        let cells = rows.iter().map(|row| value(row, &field.name)).collect();
        (field.name.as_str(), Align::Left, cells)
    });
    table_of_columns(out, std::iter::once(("file:line", Align::Left, location)).chain(columns).collect())
}
