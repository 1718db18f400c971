//! Global Trade Alert: posted queries with a limit and an offset; the last page is the one that is not full. Versions 1 and 2 of the
//! interface take the same query; they differ in their address and in what records say of products.
use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::call::{Call, Odd, Page, Turn};
use super::config::Policy;
use super::interface::Interface;
use super::json as text;

/// Global Trade Alert in the middle of a poll.
#[derive(Debug)]
pub(super) struct Gta {
    version: u16,
    query: Value,
    limit: usize,
    offset: usize,
    done: bool,
    /// Identifiers of the records that came.
    seen: BTreeSet<String>,
}

impl Gta {
    pub(super) fn new(policy: &Policy) -> Self {
        // The interface writes product codes as numbers, without the zeros that they begin with.
        let products: Vec<u32> = policy.products.iter().filter_map(|code| code.parse().ok()).collect();
        let mut query = json!({ "affected_products": products });
        if let (Some(query), Some([from, until])) = (query.as_object_mut(), &policy.announced) {
            query.insert("announcement_period".to_owned(), json!([from, until]));
        }
        Self {
            version: policy.version,
            query,
            limit: policy.limit,
            offset: 0,
            done: false,
            seen: BTreeSet::new(),
        }
    }
}

impl Interface for Gta {
    fn ask(&self) -> Option<Call> {
        let body = json!({ "limit": self.limit, "offset": self.offset, "request_data": self.query });
        let target = if self.version == 1 { "/api/v1/data/" } else { "/api/v2/gta/data/" };
        let call = Call { target: target.to_owned(), body: Some(body.to_string()), before: None };
        (!self.done).then_some(call)
    }

    fn hear(&mut self, body: &[u8]) -> Result<Turn, Odd> {
        let (page, ids) = read(body)?;
        if page.rows > self.limit {
            return Err(Odd::Malformed(format!("{} records came, {} were asked for", page.rows, self.limit)));
        }
        if page.rows > 0 && ids.iter().all(|id| self.seen.contains(id)) {
            return Ok(Turn::Repeated(format!(
                "the {} records from {} on came before",
                page.rows, self.offset
            )));
        }
        self.seen.extend(ids);
        self.done = page.rows < self.limit;
        self.offset = self.offset.saturating_add(page.rows);
        Ok(Turn::Keep(page))
    }

    fn part(&mut self) -> Option<usize> {
        // Smaller pages from the same record on.
        if self.limit < 2 {
            return None;
        }
        self.limit /= 2;
        Some(2)
    }

    fn series(&self) -> usize {
        0
    }

    fn when_gone(&self) -> &'static str {
        match self.version {
            1 => "version 2 is there: leave api-version out, or write api-version = 2",
            _ => "look for a later version at https://globaltradealert.org",
        }
    }
}

#[derive(Deserialize)]
struct Wrapped<'a> {
    #[serde(borrow, alias = "data")]
    results: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Record {
    intervention_id: Option<Value>,
}

/// The records, as a list or wrapped.
fn records(body: &[u8]) -> Result<Vec<&RawValue>, Odd> {
    match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'[') => text::parse(body),
        _ => text::parse::<Wrapped<'_>>(body).map(|wrapped| wrapped.results),
    }
}

fn read(body: &[u8]) -> Result<(Page, Vec<String>), Odd> {
    let records = records(body)?;
    let mut ids = Vec::with_capacity(records.len());
    for record in &records {
        let Record { intervention_id } = text::parse(record.get().as_bytes())?;
        let id = intervention_id.filter(|id| !id.is_null());
        ids.push(id.map_or_else(|| record.get().to_owned(), |id| id.to_string()));
    }
    let content = text::digest(records.iter().map(|record| record.get()));
    Ok((Page { rows: records.len(), content }, ids))
}
