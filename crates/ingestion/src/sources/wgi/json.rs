//! The indicators as the bank's interface answers: an array of an envelope and an array of records.
use std::collections::BTreeMap;

use orewatch_catalog::{Scheme, resolve_economy};
use serde_json::{Map, Value};

use super::super::input::Content;
use super::super::json::{Item, read, text, written};
use super::super::out::{Halt, Out, Place};
use super::super::{Head, Limits, Reader, Reject, SourceError};
use super::{Estimate, Series, by_code, envelope, inner};
use crate::ids;

/// Whether a file is an answer of the interface: good or an excuse.
pub(super) fn is_answer(head: &Head) -> bool {
    let first = envelope(head).unwrap_or_default();
    let complaint = first.get("message").is_some_and(Value::is_array);
    complaint || (first.contains_key("pages") && first.contains_key("total"))
}

/// The day of the data; none if the answer does not say it.
pub(super) fn vintage(head: &Head) -> Result<Option<String>, SourceError> {
    let first = envelope(head).unwrap_or_default();
    if let Some(message) = first.get("message") {
        let said = message.pointer("/0/value").or_else(|| message.pointer("/0")).unwrap_or(message);
        let message = format!("this is no data: the interface answered `{}`", text(Some(said)));
        return Err(SourceError::new("answer-is-an-error", &head.file, 0, message)
            .with_hint(
                "the estimates are GOV_WGI_CC.EST, GOV_WGI_GE.EST, GOV_WGI_PV.EST, GOV_WGI_RL.EST, GOV_WGI_RQ.EST and \
                 GOV_WGI_VA.EST of source 3; their former names, such as PV.EST, are gone",
            ));
    }
    if first.get("total").is_some_and(|total| text(Some(total)) == "0") {
        return Err(SourceError::new(SourceError::NO_ROWS, &head.file, 0, "the answer has no rows")
            .with_hint(
                "nothing is published of what was asked for: are indicator, source and years right?",
            ));
    }
    let day = text(first.get("lastupdated"));
    Ok(Some(day).filter(|day| ids::is_vintage(day)))
}

/// Says which pages of answers are not among the files. Answers about several indicators have the same pages: then each page is
/// there as often as any other.
pub(super) fn missing_pages(heads: &[&Head]) -> Vec<String> {
    let mut found: BTreeMap<[u64; 3], u64> = BTreeMap::new();
    let mut answers: BTreeMap<[u64; 2], u64> = BTreeMap::new();
    for head in heads.iter().filter(|head| is_answer(head)) {
        let first = envelope(head).unwrap_or_default();
        let number = |name: &str| text(first.get(name)).parse::<u64>().unwrap_or(0);
        let [total, pages, page] = ["total", "pages", "page"].map(number);
        let times = found.entry([total, pages, page]).or_default();
        *times += 1;
        let most = answers.entry([total, pages]).or_default();
        *most = (*most).max(*times);
    }
    let is_missing = |[total, pages]: [u64; 2], most: u64, page: u64| {
        found.get(&[total, pages, page]).is_none_or(|times| *times < most)
    };
    let note = |(&[total, pages], &most): (&[u64; 2], &u64)| {
        let mut missing = (1..=pages).filter(|page| is_missing([total, pages], most, *page));
        let page = missing.next()?;
        Some(format!(
            "incomplete: page {page} of {pages} and maybe others are missing; give all pages, or ask for more on each"
        ))
    };
    answers.iter().filter_map(note).collect()
}

/// Reads an answer.
pub(super) struct Answer {
    pub(super) file: String,
    pub(super) limits: Limits,
}

impl Reader for Answer {
    fn read(&mut self, content: &mut Content, out: &mut dyn Out) -> Result<(), Halt> {
        read(&self.file, content, self.limits, &mut |item| match item {
            Item::Record(number, record) if !record.contains_key("pages") => take(number, record, out),
            _ => Ok(()),
        })
    }
}

/// The alpha-3 code of an economy by its name.
fn named(name: &str) -> Option<&'static str> {
    resolve_economy(Scheme::Bgs, name).ok().map(|economy| economy.iso3)
}

fn take(number: u64, record: &Map<String, Value>, out: &mut dyn Out) -> Result<(), Halt> {
    let place = Place::line(number);
    let code = inner(record, "indicator", "id");
    if code.is_empty() {
        let reject =
            Reject::new("bad-indicator", "indicator.id", "", "the record does not name its indicator");
        return out.reject(reject, place, &written(record));
    }
    let Series::Estimate(indicator) = by_code(&code) else {
        out.outside(place);
        return Ok(());
    };
    let [iso3, date, value] = ["countryiso3code", "date", "value"].map(|name| text(record.get(name)));
    let [id, name] = ["id", "value"].map(|member| inner(record, "country", member));
    // The bank gives some economies, Taiwan among them, no code.
    let economy = match (&*iso3, &*id) {
        ("", "") => named(&name).map_or(("country.value", &*name), |iso3| ("countryiso3code", iso3)),
        ("", id) => ("country.id", id),
        (iso3, _) => ("countryiso3code", iso3),
    };
    let estimate = Estimate { economy, year: ("date", &date), value: ("value", &value), indicator };
    match estimate.observe(out.names()) {
        Ok(Some(row)) => out.row(row, place),
        Ok(None) => {
            out.outside(place);
            Ok(())
        }
        Err(reject) => out.reject(reject, place, &written(record)),
    }
}
