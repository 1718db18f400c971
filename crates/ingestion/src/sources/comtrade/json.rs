//! Answers of the interface: an envelope with the records in `data`, or the records alone. Places are numbers of records.
use serde_json::{Map, Value};

use super::super::input::Content;
use super::super::json::{Item, first_object, read, written};
use super::super::out::{Halt, Out, Place};
use super::super::{Head, Limits, Reader, SourceError};
use super::Seen;
use super::layout::{Column, Layout, Texts};
use super::row::Rows;

/// Whether a file is an answer of the interface: good or an excuse.
pub(super) fn is_answer(head: &Head) -> bool {
    let envelope = envelope(head);
    let excuse = envelope.contains_key("statusCode") && envelope.contains_key("message");
    excuse || envelope.contains_key("elapsedTime") || first(head).is_some_and(|record| is_record(&record))
}

fn is_record(record: &Map<String, Value>) -> bool {
    Layout::of_members(&keys(record)).missing().is_empty()
}

fn keys(record: &Map<String, Value>) -> Vec<String> {
    record.keys().cloned().collect()
}

/// The members of records, as the first one has them. None: there is none.
pub(super) fn layout(head: &Head) -> Option<Layout> {
    first(head).map(|record| Layout::of_members(&keys(&record)))
}

/// Refuses what is no data.
pub(super) fn check(head: &Head) -> Result<(), SourceError> {
    let envelope = envelope(head);
    if let Some(status) = envelope.get("statusCode") {
        return Err(excuse(&head.file, &plain(status), envelope.get("message")));
    }
    refuse(&head.file, "error", envelope.get("error"))?;
    if first(head).is_some() {
        return Ok(());
    }
    // Without rows the whole answer is here.
    let text = head.text();
    let whole: Map<String, Value> =
        serde_json::from_str(text.trim_start_matches('\u{feff}')).unwrap_or_default();
    refuse(&head.file, "error", whole.get("error"))?;
    Err(SourceError::new("no-rows", &head.file, 0, "the answer has no rows")
        .with_hint("nothing is reported of what was asked for, or the download is incomplete"))
}

/// What the gateway before the interface says instead of an answer.
fn excuse(file: &str, status: &str, said: Option<&Value>) -> SourceError {
    let said: String = said.map(plain).unwrap_or_default().chars().take(200).collect();
    let message = format!("this is no data: UN Comtrade answered with status {status}: {said}");
    let hint = match status {
        "429" => "too many requests at once: wait some seconds, and fetch it again",
        "401" => "the key is missing or wrong: hand it over as the header Ocp-Apim-Subscription-Key",
        "403" => {
            "the day's calls are used up, or the key may not do this: wait for the next day, or use another key"
        }
        _ => "fetch it again later; if it says the same, mend the query",
    };
    SourceError::new("answer-is-an-error", file, 0, message).at("statusCode", status).with_hint(hint)
}

/// An error that the interface tells of.
fn refuse(file: &str, column: &str, said: Option<&Value>) -> Result<(), SourceError> {
    let said = said.map(plain).unwrap_or_default();
    if said.is_empty() || said == "{}" {
        return Ok(());
    }
    let message = "this is no data: the interface answered with an error";
    Err(SourceError::new("answer-is-an-error", file, 0, message)
        .at(column, said.chars().take(200).collect::<String>())
        .with_hint("mend what the error names, or wait, and fetch it again"))
}

/// How many rows the envelope says that it has.
pub(super) fn declared(head: &Head) -> Option<u64> {
    envelope(head).get("count")?.as_u64()
}

/// What stands in the envelope before the records.
fn envelope(head: &Head) -> Map<String, Value> {
    let text = head.text();
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let before = match text.split_once("\"data\"") {
        Some((before, _)) => format!("{}}}", before.trim_end().trim_end_matches(',')),
        None => text.to_owned(),
    };
    serde_json::from_str(&before).unwrap_or_default()
}

/// The first record.
fn first(head: &Head) -> Option<Map<String, Value>> {
    let text = head.text();
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let records = match text.split_once("\"data\"") {
        Some((_, after)) if text.starts_with('{') => after.trim_start().strip_prefix(':')?.trim_start(),
        _ => text,
    };
    first_object(records.strip_prefix('[')?.as_bytes())
}

/// What the beginning of an answer shows.
pub(super) fn seen(head: &Head) -> Seen {
    let mut seen = Seen::default();
    let record = first(head).unwrap_or_default();
    let values =
        Layout::of_members(&keys(&record)).values(|name| record.get(name).map(plain).unwrap_or_default());
    let texts = Texts::of(&values);
    seen.row(texts.get(Column::Classification), texts.period(), true);
    seen
}

/// Reads an answer.
pub(super) struct Answer {
    pub(super) file: String,
    pub(super) limits: Limits,
    pub(super) layout: Layout,
    pub(super) rows: Rows,
}

impl Reader for Answer {
    fn read(&mut self, content: &mut Content, out: &mut dyn Out) -> Result<(), Halt> {
        let Self { file, limits, layout, rows } = self;
        rows.split = true;
        let (mut declared, mut found) = (None, 0_u64);
        read(file, content, *limits, &mut |item| match item {
            Item::Envelope("count", count) => {
                declared = count.as_u64();
                Ok(())
            }
            Item::Envelope("error", error) => Ok(refuse(file, "error", Some(error))?),
            Item::Envelope(..) => Ok(()),
            Item::Record(number, record) => {
                found = number;
                take(rows, layout, number, record, out)
            }
        })?;
        if declared.is_some_and(|declared| declared != found) {
            let message =
                format!("the answer says that it has {} rows, and has {found}", declared.unwrap_or_default());
            return Err(SourceError::new("truncated-answer", file, 0, message)
                .with_hint("fetch it again; ask for less at once")
                .into());
        }
        rows.finish(out)
    }
}

fn take(
    rows: &mut Rows,
    layout: &Layout,
    number: u64,
    record: &Map<String, Value>,
    out: &mut dyn Out,
) -> Result<(), Halt> {
    let values = layout.values(|name| record.get(name).map(plain).unwrap_or_default());
    rows.take(&Texts::of(&values), Place::line(number), &|| written(record), out)
}

/// The text of a value, numbers without an exponent.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() => format!("{float}"),
            _ => number.to_string(),
        },
        other => other.to_string(),
    }
}
