//! Responses of UN Comtrade's API: an envelope with the records in `data`, or the records alone. Locations
//! are numbers of records.
use serde_json::{Map, Value};

use super::super::input::Content;
use super::super::json::{Item, first_object, read, record_text};
use super::super::location::SourceLocation;
use super::super::sink::{Halt, RowSink};
use super::super::{Head, Limits, Reader, SourceError};
use super::SampledRows;
use super::layout::{Column, Layout, Texts};
use super::row::Rows;

/// Whether a file is a response of the API, with data or with an error.
pub(super) fn is_response(head: &Head) -> bool {
    let envelope = envelope(head);
    let error = envelope.contains_key("statusCode") && envelope.contains_key("message");
    error
        || envelope.contains_key("elapsedTime")
        || first_record(head).is_some_and(|record| is_record(&record))
}

fn is_record(record: &Map<String, Value>) -> bool {
    Layout::of_members(&members(record)).missing().is_empty()
}

fn members(record: &Map<String, Value>) -> Vec<String> {
    record.keys().cloned().collect()
}

/// The members of records, as the first record has them. None: there is no record.
pub(super) fn layout(head: &Head) -> Option<Layout> {
    first_record(head).map(|record| Layout::of_members(&members(&record)))
}

/// Refuses a response without data.
pub(super) fn check(head: &Head) -> Result<(), SourceError> {
    let envelope = envelope(head);
    if let Some(status) = envelope.get("statusCode") {
        return Err(gateway_error(&head.file, &plain(status), envelope.get("message")));
    }
    check_error(&head.file, envelope.get("error"))?;
    if first_record(head).is_some() {
        return Ok(());
    }
    // A response without rows is complete within the beginning.
    let text = head.text();
    let whole: Map<String, Value> =
        serde_json::from_str(text.trim_start_matches('\u{feff}')).unwrap_or_default();
    check_error(&head.file, whole.get("error"))?;
    Err(SourceError::new("no-rows", &head.file, 0, "the response has no rows")
        .with_hint("nothing is reported for this query, or the download is incomplete"))
}

/// The error of the gateway in front of the API.
fn gateway_error(file: &str, status: &str, message: Option<&Value>) -> SourceError {
    let text: String = message.map(plain).unwrap_or_default().chars().take(MAX_ERROR_CHARS).collect();
    let message = format!("the file holds no data: UN Comtrade answered with status {status}: {text}");
    let hint = match status {
        "429" => "too many requests at once: wait some seconds, then download it again",
        "401" => "the key is missing or wrong: send it in the header Ocp-Apim-Subscription-Key",
        "403" => {
            "the calls of the day are used up, or the key has no access to this: wait for the next day, or \
             use another key"
        }
        _ => "download it again later; if the status stays the same, correct the query",
    };
    SourceError::new("answer-is-an-error", file, 0, message).at("statusCode", status).with_hint(hint)
}

/// Refuses a response with an error of the API.
fn check_error(file: &str, error: Option<&Value>) -> Result<(), SourceError> {
    let error = error.map(plain).unwrap_or_default();
    if error.is_empty() || error == "{}" {
        return Ok(());
    }
    let message = "the file holds no data: the API answered with an error";
    Err(SourceError::new("answer-is-an-error", file, 0, message)
        .at("error", error.chars().take(MAX_ERROR_CHARS).collect::<String>())
        .with_hint("correct what the error names, or wait, then download it again"))
}

/// Characters of an error of the API that are repeated.
const MAX_ERROR_CHARS: usize = 200;

/// The number of rows that the envelope declares.
pub(super) fn declared_rows(head: &Head) -> Option<u64> {
    envelope(head).get("count")?.as_u64()
}

/// The members of the envelope in front of the records.
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
fn first_record(head: &Head) -> Option<Map<String, Value>> {
    let text = head.text();
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let records = match text.split_once("\"data\"") {
        Some((_, after)) if text.starts_with('{') => after.trim_start().strip_prefix(':')?.trim_start(),
        _ => text,
    };
    first_object(records.strip_prefix('[')?.as_bytes())
}

/// The first record.
pub(super) fn sampled_rows(head: &Head) -> SampledRows {
    let mut sampled = SampledRows::default();
    let record = first_record(head).unwrap_or_default();
    let layout = Layout::of_members(&members(&record));
    let values = layout.values(|name| record.get(name).map(plain).unwrap_or_default());
    let texts = Texts::from_values(&values);
    sampled.add_row(texts.get(Column::Classification), texts.period(), true);
    sampled
}

/// Reads a response.
pub(super) struct Response {
    pub(super) file: String,
    pub(super) limits: Limits,
    pub(super) layout: Layout,
    pub(super) rows: Rows,
}

impl Reader for Response {
    fn read(&mut self, content: &mut Content, out: &mut dyn RowSink) -> Result<(), Halt> {
        let Self { file, limits, layout, rows } = self;
        rows.has_parts = true;
        let (mut declared, mut found) = (None, 0_u64);
        read(file, content, *limits, &mut |item| match item {
            Item::Envelope("count", count) => {
                declared = count.as_u64();
                Ok(())
            }
            Item::Envelope("error", error) => Ok(check_error(file, Some(error))?),
            Item::Envelope(..) => Ok(()),
            Item::Record(number, record) => {
                found = number;
                let values = layout.values(|name| record.get(name).map(plain).unwrap_or_default());
                let texts = Texts::from_values(&values);
                rows.take(&texts, SourceLocation::row(number), &|| record_text(record), out)
            }
        })?;
        if let Some(declared) = declared.filter(|declared| *declared != found) {
            let message = format!("the response declares {declared} rows and has {found}");
            return Err(SourceError::new("truncated-answer", file, 0, message)
                .with_hint("download it again, with a smaller query")
                .into());
        }
        rows.finish(out)
    }
}

/// The text of a value; a number is written without an exponent.
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
