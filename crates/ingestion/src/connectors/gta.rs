//! Global Trade Alert: posted queries with a limit and an offset. The last page is the one that is not full.
//!
//! Versions 1 and 2 of the interface take the same query; they differ in address and in what records say
//! about products.
use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::call::{Call, Page, PageOutcome, ResponseError};
use super::interface::Interface;
use super::json as text;
use super::query::RestrictionsQuery;

/// A poll of Global Trade Alert.
#[derive(Debug)]
pub(super) struct Gta {
    version: u16,
    query: Value,
    limit: usize,
    offset: usize,
    done: bool,
    /// Identifiers of received records.
    seen: BTreeSet<String>,
}

impl Gta {
    pub(super) fn new(policy: &RestrictionsQuery) -> Self {
        // The interface takes product codes as numbers, without leading zeros.
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
    fn next_call(&self) -> Option<Call> {
        let body = json!({ "limit": self.limit, "offset": self.offset, "request_data": self.query });
        let target = if self.version == 1 { "/api/v1/data/" } else { "/api/v2/gta/data/" };
        let call = Call { target: target.to_owned(), body: Some(body.to_string()), before: None };
        (!self.done).then_some(call)
    }

    fn read_page(&mut self, body: &[u8]) -> Result<PageOutcome, ResponseError> {
        let (page, ids) = read(body)?;
        if page.rows > self.limit {
            return Err(ResponseError::Malformed(format!(
                "{} records were received, {} were requested",
                page.rows, self.limit
            )));
        }
        if page.rows > 0 && ids.iter().all(|id| self.seen.contains(id)) {
            return Ok(PageOutcome::Repeated(format!(
                "the {} records from {} on came before",
                page.rows, self.offset
            )));
        }
        self.seen.extend(ids);
        self.done = page.rows < self.limit;
        self.offset = self.offset.saturating_add(page.rows);
        Ok(PageOutcome::Keep(page))
    }

    fn split(&mut self) -> Option<usize> {
        // Continue with smaller pages from the same record on.
        if self.limit < 2 {
            return None;
        }
        self.limit /= 2;
        Some(2)
    }

    fn current_series(&self) -> usize {
        0
    }

    fn advice_when_gone(&self) -> &'static str {
        match self.version {
            1 => "version 2 is available: leave api-version out, or write api-version = 2",
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
struct ConnectorState {
    intervention_id: Option<Value>,
}

/// Records of a response, which is a list or an object with one.
fn records(body: &[u8]) -> Result<Vec<&RawValue>, ResponseError> {
    match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'[') => text::parse(body),
        _ => text::parse::<Wrapped<'_>>(body).map(|wrapped| wrapped.results),
    }
}

fn read(body: &[u8]) -> Result<(Page, Vec<String>), ResponseError> {
    let records = records(body)?;
    let mut ids = Vec::with_capacity(records.len());
    for record in &records {
        let ConnectorState { intervention_id } = text::parse(record.get().as_bytes())?;
        let id = intervention_id.filter(|id| !id.is_null());
        ids.push(id.map_or_else(|| record.get().to_owned(), |id| id.to_string()));
    }
    let content = text::digest(records.iter().map(|record| record.get()));
    Ok((Page { rows: records.len(), content }, ids))
}
