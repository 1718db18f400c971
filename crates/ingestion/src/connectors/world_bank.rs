//! The World Bank's indicators, version 2: pages with their number and the total of rows, which may change between two pages.
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::call::{Call, Odd, Page, Turn};
use super::config::Governance;
use super::interface::Interface;
use super::{Digest, json};

/// The World Bank in the middle of a poll.
#[derive(Debug)]
pub(super) struct WorldBank {
    indicators: Vec<String>,
    query: String,
    /// Place of the indicator that is asked for.
    at: usize,
    /// Number of the page that is asked for, from 1.
    page: u64,
    /// What the first page said of the whole.
    whole: Option<Whole>,
    /// Rows of this indicator so far.
    rows: u64,
    /// The page before.
    before: Option<Digest>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Whole {
    pages: u64,
    total: u64,
}

impl WorldBank {
    pub(super) fn new(governance: &Governance) -> Self {
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

    fn start_over(&mut self, why: String) -> Result<Turn, Odd> {
        self.restart();
        Ok(Turn::StartOver(why))
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
    fn ask(&self) -> Option<Call> {
        let indicator = self.indicators.get(self.at)?;
        let target = format!("/v2/country/all/indicator/{indicator}?{}&page={}", self.query, self.page);
        Some(Call::get(target))
    }

    fn hear(&mut self, body: &[u8]) -> Result<Turn, Odd> {
        let asked = self.indicators.get(self.at).map_or("", String::as_str);
        let Read { head, page } = read(body, asked)?;
        if head.total == 0 && page.rows == 0 && self.whole.is_none() {
            // An answer without rows is page 0 of 0.
            self.next(0);
            return Ok(Turn::Keep(page));
        }
        if head.page != self.page {
            return Ok(Turn::Repeated(format!("page {} came instead of page {}", head.page, self.page)));
        }
        if self.before == Some(page.content) && page.rows > 0 {
            return Ok(Turn::Repeated(format!("page {} is page {} again", self.page, self.page - 1)));
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
            let message = format!("{} rows were promised, {} came", whole.total, self.rows);
            return self.start_over(message);
        }
        self.before = Some(page.content);
        self.next(whole.pages);
        Ok(Turn::Keep(page))
    }

    fn part(&mut self) -> Option<usize> {
        None
    }

    fn series(&self) -> usize {
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

/// The World Bank writes some of its numbers as text.
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

/// Today's name of an indicator of governance that is asked for by its former name. The bank renamed them in 2025, and knows the
/// former names no more.
fn renamed(indicator: &str) -> Option<String> {
    let letters = indicator.strip_suffix(".EST")?;
    ["CC", "GE", "PV", "RL", "RQ", "VA"].contains(&letters).then(|| format!("GOV_WGI_{indicator}"))
}

struct Read {
    head: Head,
    page: Page,
}

/// Reads an answer to the question for an indicator.
fn read(body: &[u8], indicator: &str) -> Result<Read, Odd> {
    let parts: Vec<&RawValue> = json::parse(body)?;
    let odd = || Odd::Malformed(format!("the answer is no list of pages: {}", json::beginning(body)));
    let first = parts.first().ok_or_else(odd)?;
    if let Ok(complaint) = serde_json::from_str::<Complaint>(first.get()) {
        let said: Vec<_> =
            complaint.message.iter().map(|message| format!("{}: {}", message.key, message.value)).collect();
        let said = said.join("; ");
        let hint = renamed(indicator).map_or_else(String::new, |name| format!("; its name is now {name}"));
        return Err(Odd::Refused(format!("{indicator}: {said}{hint}")));
    }
    let head: Head = serde_json::from_str(first.get()).map_err(|_| odd())?;
    let rows = parts.get(1).ok_or_else(odd)?.get();
    let counted: Option<Vec<IgnoredAny>> = json::parse(rows.as_bytes())?;
    let rows_in = counted.map_or(0, |rows| rows.len());
    Ok(Read { head, page: Page { rows: rows_in, content: json::digest([rows]) } })
}
