//! The JSON of the bank's API: an array of an envelope and an array of records.
use std::collections::BTreeMap;

use orewatch_catalog::{Scheme, resolve_economy};
use serde_json::{Map, Value};

use super::super::input::Content;
use super::super::json::{Item, read, record_text, text};
use super::super::location::SourceLocation;
use super::super::sink::{Halt, RowSink};
use super::super::{Head, Limits, Observation, Reader, Reject, SourceError};
use super::{Estimate, Series, envelope, inner, series_of_code};
use crate::ids;

/// Whether a file is a response of the API, with data or with an error.
pub(super) fn is_response(head: &Head) -> bool {
    let first = envelope(head).unwrap_or_default();
    let error = first.get("message").is_some_and(Value::is_array);
    error || (first.contains_key("pages") && first.contains_key("total"))
}

/// The day on which the data were updated. None: the response does not say it.
///
/// # Errors
/// [`SourceError`] for a response without data.
pub(super) fn publication_day(head: &Head) -> Result<Option<String>, SourceError> {
    let first = envelope(head).unwrap_or_default();
    if let Some(message) = first.get("message") {
        let found = message.pointer("/0/value").or_else(|| message.pointer("/0")).unwrap_or(message);
        let message = format!("the file holds no data: the API answered `{}`", text(Some(found)));
        return Err(SourceError::new("answer-is-an-error", &head.file, 0, message).with_hint(
            "the estimates are GOV_WGI_CC.EST, GOV_WGI_GE.EST, GOV_WGI_PV.EST, GOV_WGI_RL.EST, \
             GOV_WGI_RQ.EST and GOV_WGI_VA.EST of source 3; former names such as PV.EST no longer work",
        ));
    }
    if first.get("total").is_some_and(|total| text(Some(total)) == "0") {
        return Err(SourceError::new(SourceError::NO_ROWS, &head.file, 0, "the response has no rows")
            .with_hint("nothing is published for this query: are indicator, source and years right?"));
    }
    let day = text(first.get("lastupdated"));
    Ok(Some(day).filter(|day| ids::is_vintage(day)))
}

/// Notes about pages of responses that are not among the files. Responses about several indicators have the
/// same pages: each page must be there as often as any other.
pub(super) fn missing_pages(heads: &[&Head]) -> Vec<String> {
    let mut found: BTreeMap<[u64; 3], u64> = BTreeMap::new();
    let mut responses: BTreeMap<[u64; 2], u64> = BTreeMap::new();
    for head in heads.iter().filter(|head| is_response(head)) {
        let first = envelope(head).unwrap_or_default();
        let number = |name: &str| text(first.get(name)).parse::<u64>().unwrap_or(0);
        let [total, pages, page] = ["total", "pages", "page"].map(number);
        let times = found.entry([total, pages, page]).or_default();
        *times += 1;
        let most = responses.entry([total, pages]).or_default();
        *most = (*most).max(*times);
    }
    let is_missing = |[total, pages]: [u64; 2], most: u64, page: u64| {
        found.get(&[total, pages, page]).is_none_or(|times| *times < most)
    };
    let note = |(&[total, pages], &most): (&[u64; 2], &u64)| {
        let mut missing = (1..=pages).filter(|page| is_missing([total, pages], most, *page));
        let page = missing.next()?;
        Some(format!(
            "incomplete: page {page} of {pages} and perhaps others are missing; hand in all pages, or \
             request more rows per page"
        ))
    };
    responses.iter().filter_map(note).collect()
}

/// Reads a response.
pub(super) struct Response {
    pub(super) file: String,
    pub(super) limits: Limits,
}

impl Reader for Response {
    fn read(&mut self, content: &mut Content, out: &mut dyn RowSink) -> Result<(), Halt> {
        read(&self.file, content, self.limits, &mut |item| match item {
            Item::Record(number, record) if !record.contains_key("pages") => take(number, record, out),
            _ => Ok(()),
        })
    }
}

/// The alpha-3 code of an economy by its name.
fn iso3_of_name(name: &str) -> Option<&'static str> {
    resolve_economy(Scheme::Bgs, name).ok().map(|economy| economy.iso3)
}

fn take(number: u64, record: &Map<String, Value>, out: &mut dyn RowSink) -> Result<(), Halt> {
    let found = observe(record, out);
    out.take(found, SourceLocation::row(number), || record_text(record))
}

/// The row of a record. None: it is no estimate, or of several economies together.
fn observe(record: &Map<String, Value>, out: &mut dyn RowSink) -> Result<Option<Observation>, Reject> {
    let code = inner(record, "indicator", "id");
    if code.is_empty() {
        let reason = "the record does not name its indicator";
        return Err(Reject::new("unknown-indicator", "indicator.id", "", reason));
    }
    let Series::Estimate(indicator) = series_of_code(&code) else { return Ok(None) };
    let [iso3, date, value] = ["countryiso3code", "date", "value"].map(|name| text(record.get(name)));
    let [id, name] = ["id", "value"].map(|member| inner(record, "country", member));
    // The bank gives some economies, Taiwan among them, no code.
    let economy = match (&*iso3, &*id) {
        ("", "") => iso3_of_name(&name).map_or(("country.value", &*name), |iso3| ("countryiso3code", iso3)),
        ("", id) => ("country.id", id),
        (iso3, _) => ("countryiso3code", iso3),
    };
    let estimate = Estimate { economy, year: ("date", &date), value: ("value", &value), indicator };
    estimate.observe(out.names())
}
