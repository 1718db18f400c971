//! UN Comtrade, version 1. Its responses have no pages. A response with exactly as many rows as the cap is
//! cut off, and its query is split into halves.
use std::collections::VecDeque;

use orewatch_catalog::{comtrade_number, economies};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::call::{Call, Page, PageOutcome, ResponseError};
use super::interface::Interface;
use super::json;
use super::query::TradeQuery;
use super::slice::Slice;

/// Upper bound on periods in one call, set by Comtrade.
const MAX_PERIODS: usize = 12;

/// Partner codes that are no economies: the world, residuals, bunkers, free zones, unspecified areas.
const PSEUDO_PARTNERS: [u16; 19] =
    [0, 129, 221, 290, 471, 472, 473, 492, 527, 568, 577, 636, 637, 697, 837, 838, 839, 879, 899];

/// Numbers of all possible reporters.
pub(super) fn reporters() -> Vec<String> {
    // Kosovo, which has no ISO number, appears as a partner only.
    let present = economies().iter().filter(|economy| economy.until.is_none() && economy.numeric.is_some());
    let mut numbers: Vec<u16> = present.filter_map(|economy| comtrade_number(economy.iso3)).collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers.iter().map(u16::to_string).collect()
}

/// Numbers of all possible partners.
fn partners() -> Vec<String> {
    let mut numbers: Vec<u16> =
        economies().iter().filter_map(|economy| comtrade_number(economy.iso3)).collect();
    numbers.extend(PSEUDO_PARTNERS);
    numbers.sort_unstable();
    numbers.dedup();
    numbers.iter().map(u16::to_string).collect()
}

/// A poll of Comtrade.
#[derive(Debug)]
pub(super) struct Comtrade {
    path: String,
    cap: usize,
    partners: Vec<String>,
    /// Slices still to request, the next one first.
    left: VecDeque<Slice>,
}

impl Comtrade {
    pub(super) fn new(trade: &TradeQuery, keyed: bool) -> Self {
        let access = if keyed { "/data/v1/get" } else { "/public/v1/preview" };
        let path = format!("{access}/C/{}/HS", trade.frequency);
        let whole = |periods: &[String]| Slice {
            periods: periods.to_vec(),
            reporters: trade.reporters.clone(),
            products: trade.products.clone(),
            flows: trade.flows.clone(),
            partners: Vec::new(),
        };
        let left = trade.periods.chunks(MAX_PERIODS).map(whole).collect();
        Self { path, cap: trade.cap, partners: partners(), left }
    }

    /// Replaces the next slice by its halves.
    fn halve(&mut self) -> Option<usize> {
        let halves = self.left.front()?.halves(&self.partners)?;
        self.left.pop_front();
        let [first, second] = halves;
        self.left.push_front(second);
        self.left.push_front(first);
        Some(2)
    }
}

impl Interface for Comtrade {
    fn next_call(&self) -> Option<Call> {
        let slice = self.left.front()?;
        let mut target = format!(
            "{}?reporterCode={}&period={}&cmdCode={}&flowCode={}",
            self.path,
            slice.reporters.join(","),
            slice.periods.join(","),
            slice.products.join(","),
            slice.flows.join(",")
        );
        if !slice.partners.is_empty() {
            target.push_str(&format!("&partnerCode={}", slice.partners.join(",")));
        }
        // Asks for totals over customs procedures, modes of transport and second partners only; without that
        // each flow comes many times.
        target.push_str("&partner2Code=0&customsCode=C00&motCode=0&includeDesc=true");
        target.push_str(&format!("&maxRecords={}", self.cap));
        Some(Call::get(target))
    }

    fn read_page(&mut self, body: &[u8]) -> Result<PageOutcome, ResponseError> {
        let page = read(body)?;
        if page.rows < self.cap {
            self.left.pop_front();
            return Ok(PageOutcome::Keep(page));
        }
        match self.halve() {
            Some(parts) => Ok(PageOutcome::Split(parts)),
            None => Err(ResponseError::Refused(format!(
                "one reporter, product, flow, period and partner has as many rows as a response may have \
                 ({})",
                self.cap
            ))),
        }
    }

    fn split(&mut self) -> Option<usize> {
        self.halve()
    }

    fn current_series(&self) -> usize {
        0
    }
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(default)]
    error: Option<serde_json::Value>,
}

fn read(body: &[u8]) -> Result<Page, ResponseError> {
    let envelope: Envelope<'_> = json::parse(body)?;
    let complaint = envelope.error.filter(|error| !error.is_null() && error.as_str() != Some(""));
    match (envelope.data, complaint) {
        (_, Some(error)) => Err(ResponseError::Malformed(format!("the response has an error: {error}"))),
        (None, None) => Err(ResponseError::Malformed("the response has no data".to_owned())),
        (Some(data), None) => {
            let rows: Vec<IgnoredAny> = json::parse(data.get().as_bytes())?;
            Ok(Page { rows: rows.len(), content: json::digest([data.get()]) })
        }
    }
}
