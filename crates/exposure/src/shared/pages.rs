//! Pages and streams of exposures of many materials, put together from those who hold them.
//!
//! Exposures are ordered by material first, so the parts follow each other, and the page tokens are those
//! that a single process gives.

use std::sync::Arc;

use futures_util::TryStreamExt as _;
use futures_util::future::ready;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use orewatch_contracts::Failure;
use orewatch_contracts::common::v1::{ErasedRelease, LogState};
use orewatch_contracts::exposure::v1::{
    Exposure, ExposureFilter, QueryExposuresRequest, QueryExposuresResponse, StreamExposuresRequest,
    StreamExposuresResponse,
};
use orewatch_eventlog::EventLog;
use prost::Message as _;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::call::{Call, is_unheld};
use super::published::Published;
use crate::book::Market;
use crate::erased::erased_releases;
use crate::query::{Cursor, MAX_PAGE_BYTES, SelectedMarket, selected_markets};
use crate::query_page::{PageRequest, cursor_of_part, token_of_part};
use crate::request::{Selection, knowledge};
use crate::snapshot::Snapshot;

/// A query with the markets that it covers, in order.
pub(crate) struct PageQuery {
    wanted: PageRequest,
    markets: Vec<SelectedMarket>,
}

/// A part of a query: the markets of one material.
struct Part<'a> {
    material: &'static str,
    /// Index of its first market among those of the query.
    start: usize,
    markets: &'a [SelectedMarket],
}

/// The page so far.
#[derive(Default)]
struct Page {
    exposures: Vec<Exposure>,
    bytes: usize,
    stale: Option<LogState>,
}

impl PageQuery {
    /// Checks a request, and lists the markets that it covers.
    ///
    /// # Errors
    /// As [`PageRequest::new`].
    pub(crate) fn new(known: &Snapshot, request: &QueryExposuresRequest) -> Result<Self, Failure> {
        let wanted = PageRequest::new(known, request)?;
        let markets = selected_markets(&wanted.book, wanted.at, &wanted.selection);
        Ok(Self { wanted, markets })
    }

    /// Whether it is about projections, which every replica has.
    pub(crate) fn is_of_projections(&self) -> bool {
        self.wanted.book.scenario().is_some()
    }

    /// Answers the request. Without any replica that holds a material, its figures are taken from the log.
    ///
    /// # Errors
    /// Those of the replicas.
    pub(crate) async fn answer(
        &self,
        call: &Call,
        request: &QueryExposuresRequest,
        known: &Snapshot,
        exposures: &dyn EventLog,
    ) -> Result<QueryExposuresResponse, Status> {
        let (mut page, mut at) = (Page::default(), self.wanted.cursor);
        let mut next = None;
        while let Some(part) = self.part(at.part) {
            let asked = self.question(request, &part, at, page.exposures.len());
            let answer = match call.ask(part.material, asked.clone()).await {
                Err(status) if is_unheld(&status) && is_plain(request) => {
                    self.published(&part, at, exposures).await?
                }
                answer => answer?,
            };
            page.stale = page.stale.or(answer.stale);
            let (end, is_full) = page.add(answer.exposures, &part, at, self.wanted.size);
            if is_full {
                next = Some(end);
                break;
            }
            if let Some(rest) = cursor_of_part(&asked, &answer.next_page_token)? {
                next = Some(Cursor { part: part.start + rest.part, ..rest });
                break;
            }
            at = Cursor { part: part.start + part.markets.len(), offset: 0 };
        }
        Ok(QueryExposuresResponse {
            exposures: page.exposures,
            next_page_token: next.map(|next| self.wanted.token(next)).unwrap_or_default(),
            as_at_position: self.wanted.at.position.min(known.position),
            exposures_position: known.published,
            stale: page.stale,
            erased: erased_releases(&self.wanted.book, self.wanted.at),
        })
    }

    /// The part that a market belongs to. `None`: there are no more markets.
    fn part(&self, index: usize) -> Option<Part<'_>> {
        let material = self.markets.get(index)?.market().material;
        let is_of_part = |selected: &SelectedMarket| selected.market().material == material;
        let start = self.markets.iter().position(is_of_part)?;
        let rest = self.markets.get(start..)?;
        let length = rest.iter().take_while(|selected| is_of_part(selected)).count();
        Some(Part { material, start, markets: rest.get(..length)? })
    }

    /// The question for the rest of a part, with so many exposures on the page already. At least one is asked
    /// for: whether there is any decides whether there is another page.
    fn question(
        &self,
        request: &QueryExposuresRequest,
        part: &Part<'_>,
        at: Cursor,
        taken: usize,
    ) -> QueryExposuresRequest {
        let left = self.wanted.size.saturating_sub(taken).max(1);
        let filter = request.filter.clone().unwrap_or_default();
        let asked = QueryExposuresRequest {
            filter: Some(ExposureFilter { materials: vec![part.material.to_owned()], ..filter }),
            page_size: u32::try_from(left).unwrap_or(u32::MAX),
            ..request.clone()
        };
        let cursor = Cursor { part: at.part.saturating_sub(part.start), ..at };
        let page_token = token_of_part(&asked, self.wanted.at.position, cursor);
        QueryExposuresRequest { page_token, ..asked }
    }

    /// The rest of a part as it was published last.
    async fn published(
        &self,
        part: &Part<'_>,
        at: Cursor,
        exposures: &dyn EventLog,
    ) -> Result<QueryExposuresResponse, Status> {
        let published = Published::read(exposures, part.material).await?;
        let mut skip = at.offset;
        let mut found = Vec::new();
        for selected in part.markets.iter().skip(at.part.saturating_sub(part.start)) {
            let of_market = published.of_market(selected, &self.wanted.selection);
            found.extend(of_market.into_iter().skip(std::mem::take(&mut skip)));
        }
        Ok(QueryExposuresResponse {
            exposures: found,
            stale: Some(published.mark()),
            ..QueryExposuresResponse::default()
        })
    }
}

impl Page {
    /// Adds exposures of a part from a cursor on. Returns the cursor of the first that has no room, or after
    /// the last, and whether the page is full.
    fn add(
        &mut self,
        exposures: Vec<Exposure>,
        part: &Part<'_>,
        from: Cursor,
        size: usize,
    ) -> (Cursor, bool) {
        let mut at = from;
        for exposure in exposures {
            let local = at.part.saturating_sub(part.start);
            let later = part.markets.iter().skip(local);
            let ahead = later.take_while(|selected| !is_of_market(&exposure, &selected.market())).count();
            if ahead > 0 {
                at = Cursor { part: at.part + ahead, offset: 0 };
            }
            self.bytes = self.bytes.saturating_add(exposure.encoded_len());
            if self.exposures.len() == size || self.bytes > MAX_PAGE_BYTES {
                return (at, true);
            }
            self.exposures.push(exposure);
            at.offset += 1;
        }
        (at, false)
    }
}

fn is_of_market(exposure: &Exposure, market: &Market) -> bool {
    let stage = exposure.subject.as_ref().map_or("", |subject| subject.stage.as_str());
    stage == market.stage.as_str() && exposure.period == market.period.to_string()
}

/// Whether a request asks for nothing that published figures lack.
fn is_plain(request: &QueryExposuresRequest) -> bool {
    request.as_at.is_none() && request.reading.is_none() && !request.trend && !request.firmness
}

/// What a stream is put together from.
pub(crate) struct StreamPlan {
    /// The materials, in order.
    materials: Vec<&'static str>,
    /// Releases that it would rest on, if their rows were not erased.
    erased: Vec<ErasedRelease>,
}

/// What a request for a stream asks for. `None`: it is about projections, which every replica has.
///
/// # Errors
/// A filter, reading or knowledge time that makes no sense.
pub(crate) fn plan_stream(
    known: &Snapshot,
    request: &StreamExposuresRequest,
) -> Result<Option<StreamPlan>, Failure> {
    let selection = Selection::parse(&request.filter.clone().unwrap_or_default())?;
    let book = known.read(request.reading.as_ref())?;
    let at = knowledge(&book, known.position, request.as_at.as_ref())?;
    let markets = selected_markets(&book, at, &selection);
    let mut materials: Vec<_> = markets.iter().map(|selected| selected.market().material).collect();
    materials.dedup();
    let erased = erased_releases(&book, at);
    Ok(book.scenario().is_none().then_some(StreamPlan { materials, erased }))
}

/// The streams of all materials, one after the other. The next one is asked for when the one before is read.
pub(crate) fn stream_of_materials(
    call: Call,
    request: StreamExposuresRequest,
    plan: StreamPlan,
    stopped: CancellationToken,
) -> BoxStream<'static, Result<StreamExposuresResponse, Status>> {
    let StreamPlan { materials, erased } = plan;
    // What is erased is said first, and once.
    let first = (!erased.is_empty())
        .then(|| Ok(StreamExposuresResponse { erased, ..StreamExposuresResponse::default() }));
    let shared = Arc::new((call, request));
    let parts = stream::iter(materials).then(move |material| {
        let shared = Arc::clone(&shared);
        async move {
            let (call, request) = &*shared;
            let filter = request.filter.clone().unwrap_or_default();
            let filter = ExposureFilter { materials: vec![material.to_owned()], ..filter };
            call.ask(material, StreamExposuresRequest { filter: Some(filter), ..request.clone() }).await
        }
    });
    let messages = parts.try_flatten().try_filter_map(|message| ready(Ok(without_erased(message))));
    stream::iter(first).chain(messages).take_until(stopped.cancelled_owned()).boxed()
}

/// A message of a part without what is erased. `None`: it says nothing else.
fn without_erased(message: StreamExposuresResponse) -> Option<StreamExposuresResponse> {
    let says_more = message.erased.is_empty() || !message.exposures.is_empty();
    says_more.then(|| StreamExposuresResponse { erased: Vec::new(), ..message })
}
