//! A page of a query: what a request asks for, and the answer.

use std::sync::Arc;

use orewatch_contracts::Failure;
use orewatch_contracts::common::v1::AsAt;
use orewatch_contracts::exposure::v1::{
    ExposureFilter, QueryExposuresRequest, QueryExposuresResponse, Reading,
};
use orewatch_runtime::Stop;
use prost::Message as _;
use uuid::Uuid;

use crate::book::{Book, Knowledge};
use crate::erased::erased_releases;
use crate::page_token::{PageToken, limit};
use crate::query::{Cursor, ExposureQuery, page};
use crate::request::{Selection, knowledge};
use crate::snapshot::Snapshot;

/// Exposures in a page: upper bound, and default.
const MAX_PAGE_SIZE: u32 = 10_000;
const DEFAULT_PAGE_SIZE: u32 = 1000;

/// What a request asks for.
pub(crate) struct PageRequest {
    pub(crate) selection: Selection,
    /// Maximum number of exposures.
    pub(crate) size: usize,
    /// The book as the request reads it.
    pub(crate) book: Arc<Book>,
    pub(crate) at: Knowledge,
    /// Where the page begins.
    pub(crate) cursor: Cursor,
    /// What its page tokens belong to.
    binding: Uuid,
}

impl PageRequest {
    /// Checks a request.
    ///
    /// # Errors
    /// A filter, page size, reading or knowledge time that makes no sense; a token of another request.
    pub(crate) fn new(known: &Snapshot, request: &QueryExposuresRequest) -> Result<Self, Failure> {
        let filter = request.filter.clone().unwrap_or_default();
        let selection = Selection::parse(&filter)?;
        let size = limit(request.page_size, DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, "page_size")?;
        let binding = binding(&filter, request.as_at.as_ref(), request.reading.as_ref());
        let book = known.read(request.reading.as_ref())?;
        let (at, cursor) = match PageToken::parse(&request.page_token, binding)? {
            // Later pages see what the first page saw, whatever was committed since.
            Some(token) => {
                let at = knowledge(&book, token.position, request.as_at.as_ref())?;
                (Knowledge { position: at.position.min(token.position), ..at }, token.cursor)
            }
            None => (knowledge(&book, known.position, request.as_at.as_ref())?, Cursor::default()),
        };
        Ok(Self { selection, size, book, at, cursor, binding })
    }

    /// The token of a page that begins at a cursor.
    pub(crate) fn token(&self, cursor: Cursor) -> String {
        PageToken { binding: self.binding, position: self.at.position, cursor }.text()
    }
}

/// Answers a request.
///
/// # Errors
/// As [`PageRequest::new`]; the request was stopped.
pub(crate) fn query(
    known: &Snapshot,
    request: &QueryExposuresRequest,
    stop: &Stop,
) -> Result<QueryExposuresResponse, Failure> {
    let wanted = PageRequest::new(known, request)?;
    let PageRequest { selection, size, book, at, cursor, .. } = &wanted;
    let (trend, firmness) = (request.trend, request.firmness);
    let query = ExposureQuery { book, at: *at, selection, trend, firmness, stop };
    let (exposures, next) = page(&query, *cursor, *size)?;
    Ok(QueryExposuresResponse {
        exposures,
        next_page_token: next.map(|next| wanted.token(next)).unwrap_or_default(),
        as_at_position: at.position.min(known.position),
        exposures_position: known.published,
        stale: None,
        erased: erased_releases(book, *at),
    })
}

/// The token of a page of a part of a query, which other replicas answer, as if it were of a later page: the
/// knowledge time is then that of the whole query.
pub(crate) fn token_of_part(request: &QueryExposuresRequest, position: u64, cursor: Cursor) -> String {
    let filter = request.filter.clone().unwrap_or_default();
    let binding = binding(&filter, request.as_at.as_ref(), request.reading.as_ref());
    PageToken { binding, position, cursor }.text()
}

/// The cursor of the next page of a part of a query. `None`: the part has no more.
///
/// # Errors
/// A token that no page of the part has.
pub(crate) fn cursor_of_part(
    request: &QueryExposuresRequest,
    token: &str,
) -> Result<Option<Cursor>, Failure> {
    let filter = request.filter.clone().unwrap_or_default();
    let binding = binding(&filter, request.as_at.as_ref(), request.reading.as_ref());
    Ok(PageToken::parse(token, binding)?.map(|token| token.cursor))
}

/// Digest of the request that a page token belongs to.
fn binding(filter: &ExposureFilter, as_at: Option<&AsAt>, reading: Option<&Reading>) -> Uuid {
    let mut bytes = filter.encode_length_delimited_to_vec();
    bytes.extend(as_at.map(prost::Message::encode_length_delimited_to_vec).unwrap_or_default());
    bytes.extend(reading.map(prost::Message::encode_to_vec).unwrap_or_default());
    Uuid::new_v5(&Uuid::NAMESPACE_OID, &bytes)
}
