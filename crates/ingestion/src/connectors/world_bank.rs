//! The World Bank's indicators, version 2: numbered pages with the total of rows, which may change between
//! two pages.
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::call::{Call, Page, PageOutcome, ResponseError};
use super::interface::Interface;
use super::query::GovernanceQuery;
use super::{Digest, json};

/// A poll of the World Bank.
#[derive(Debug)]
pub(super) struct WorldBank {
    indicators: Vec<String>,
    query: String,
    /// Index of the current indicator.
    at: usize,
    /// Number of the current page, from 1.
    page: u64,
    /// Pages and rows of the indicator, as its first page says.
    whole: Option<Whole>,
    /// Rows of this indicator so far.
    rows: u64,
    /// Digest of the page before.
    before: Option<Digest>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Whole {
    pages: u64,
    total: u64,
}

impl WorldBank {
    pub(super) fn new(governance: &GovernanceQuery) -> Self {
        let mut query = format!("format=json&source={}&per_page={}", governance.source, governance.page);
        if !governance.date.is_empty() {
            query.push_str(&format!("&date={}", governance.date));
        }
        let indicators = governance.indicators.clone();
        Self { indicators, query, at: 0, page: 1, whole: None, rows: 0, before: None }
    }

    fn restart(&mut self) {
        (self.page, self.whole, self.rows, self.before) = (1, None, 0, None);
    }

    fn start_over(&mut self, why: String) -> Result<PageOutcome, ResponseError> {
        self.restart();
        Ok(PageOutcome::StartOver(why))
    }

    fn next(&mut self, pages: u64) {
        if self.page < pages {
            self.page += 1;
        } else {
            self.at += 1;
            self.restart();
        }
    }
}

impl Interface for WorldBank {
    fn next_call(&self) -> Option<Call> {
        let indicator = self.indicators.get(self.at)?;
        let target = format!("/v2/country/all/indicator/{indicator}?{}&page={}", self.query, self.page);
        Some(Call::get(target))
    }

    fn read_page(&mut self, body: &[u8]) -> Result<PageOutcome, ResponseError> {
        let asked = self.indicators.get(self.at).map_or("", String::as_str);
        let Read { head, page } = read(body, asked)?;
        if head.total == 0 && page.rows == 0 && self.whole.is_none() {
            // A response without rows is page 0 of 0.
            self.next(0);
            return Ok(PageOutcome::Keep(page));
        }
        if head.page != self.page {
            return Ok(PageOutcome::Repeated(format!(
                "page {} was received instead of page {}",
                head.page, self.page
            )));
        }
        if self.before == Some(page.content) && page.rows > 0 {
            return Ok(PageOutcome::Repeated(format!("page {} is page {} again", self.page, self.page - 1)));
        }
        let whole = Whole { pages: head.pages, total: head.total };
        let first = *self.whole.get_or_insert(whole);
        if first != whole {
            return self.start_over(format!(
                "the publication changed while it was read: {} rows on {} pages became {} on {}",
                first.total, first.pages, whole.total, whole.pages
            ));
        }
        self.rows = self.rows.saturating_add(u64::try_from(page.rows).unwrap_or(u64::MAX));
        if self.page >= whole.pages && self.rows != whole.total {
            let message = format!("{} rows were promised, {} were received", whole.total, self.rows);
            return self.start_over(message);
        }
        self.before = Some(page.content);
        self.next(whole.pages);
        Ok(PageOutcome::Keep(page))
    }

    fn split(&mut self) -> Option<usize> {
        None
    }

    fn current_series(&self) -> usize {
        self.at
    }
}

#[derive(Deserialize)]
struct Head {
    #[serde(deserialize_with = "number")]
    page: u64,
    #[serde(deserialize_with = "number")]
    pages: u64,
    #[serde(deserialize_with = "number")]
    total: u64,
}

/// Reads a number, which the World Bank writes as text at times.
fn number<'de, D: serde::Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Number(u64),
        Text(String),
    }
    match Written::deserialize(from)? {
        Written::Number(number) => Ok(number),
        Written::Text(text) => text.parse().map_err(serde::de::Error::custom),
    }
}

#[derive(Deserialize)]
struct Complaint {
    message: Vec<Message>,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    key: String,
    #[serde(default)]
    value: String,
}

/// The current name of a governance indicator that is requested by its former name. The bank renamed them in
/// 2025 and no longer knows the former names.
fn renamed(indicator: &str) -> Option<String> {
    let letters = indicator.strip_suffix(".EST")?;
    ["CC", "GE", "PV", "RL", "RQ", "VA"].contains(&letters).then(|| format!("GOV_WGI_{indicator}"))
}

struct Read {
    head: Head,
    page: Page,
}

/// Reads a response for an indicator.
fn read(body: &[u8], indicator: &str) -> Result<Read, ResponseError> {
    let parts: Vec<&RawValue> = json::parse(body)?;
    let odd =
        || ResponseError::Malformed(format!("the response is no list of pages: {}", json::excerpt(body)));
    let first = parts.first().ok_or_else(odd)?;
    if let Ok(complaint) = serde_json::from_str::<Complaint>(first.get()) {
        let messages: Vec<_> =
            complaint.message.iter().map(|message| format!("{}: {}", message.key, message.value)).collect();
        let messages = messages.join("; ");
        let hint = renamed(indicator).map_or_else(String::new, |name| format!("; its name is now {name}"));
        return Err(ResponseError::Refused(format!("{indicator}: {messages}{hint}")));
    }
    let head: Head = serde_json::from_str(first.get()).map_err(|_| odd())?;
    let rows = parts.get(1).ok_or_else(odd)?.get();
    let counted: Option<Vec<IgnoredAny>> = json::parse(rows.as_bytes())?;
    let rows_in = counted.map_or(0, |rows| rows.len());
    Ok(Read { head, page: Page { rows: rows_in, content: json::digest([rows]) } })
}
