//! Listings as JSON, and what their files have in common with it: the point of knowledge and the licence.
use axum::http::HeaderMap;
use axum::response::Response;
use orewatch_contracts::common::v1::as_at::At;
use orewatch_contracts::common::v1::{AsAt, LogState};
use orewatch_contracts::exposure::v1::{
    ExplainExposureResponse, ExposureFilter, QueryExposuresRequest, QueryExposuresResponse, Reading,
};
use orewatch_contracts::{Class, Failure};
use orewatch_query::licence::forbidden_release;
use prost::Message as _;
use serde_json::{Map, Value};

use crate::Console;
use crate::answer::{API, Envelope, json_body};
use crate::contract::{Knowledge, Listing, POSITION};
use crate::entries::decoded;
use crate::message::encoded;
use crate::question::{Question, in_terms_of};
use crate::refused::Refused;
use crate::services::Caller;
use crate::validator::{Validator, digest};

/// Period without figures: a query for it says where the log is, and computes nothing.
const NO_PERIOD: &str = "1900";

/// Fields of answers that say where the log is, and nothing of the entries.
const PLACES: [&str; 6] =
    ["asAtPosition", "evaluatedPosition", "exposuresPosition", "nextPageToken", "resumeToken", "stale"];

/// A question with the point of knowledge that its answer will rest on.
#[derive(Debug)]
pub(crate) struct Pinned {
    pub(crate) question: Question,
    /// Position of the observations log. `None`: the answer does not rest on one, or names it itself.
    pub(crate) position: Option<u64>,
    pub(crate) stale: Option<LogState>,
}

impl Pinned {
    /// What the answer says of itself, at an address that ends like this.
    pub(crate) fn envelope(&self, listing: &Listing, ending: &str) -> Envelope {
        Envelope {
            path: format!("{API}/{}{ending}", listing.name),
            as_at: self.question.as_at_text(),
            query: self.question.query(None),
            stale: self.stale.clone(),
            ..Envelope::default()
        }
    }
}

impl Console {
    /// Reads a question, and finds the point of knowledge that its answer will rest on.
    ///
    /// # Errors
    /// Wrong parameters, and those of the exposure service.
    pub(crate) async fn pin(
        &self,
        caller: &Caller,
        listing: &Listing,
        query: &str,
    ) -> Result<Pinned, Refused> {
        let headings = self.headings(listing.name);
        let mut question = Question::read(&self.contracts, listing, &headings, query)?;
        // A page token names the point of knowledge of the first page.
        let is_later_page = !question.page_token.is_empty() && question.as_at.is_none();
        if listing.knowledge == Knowledge::Present || is_later_page {
            return Ok(Pinned { question, position: None, stale: None });
        }
        let request = QueryExposuresRequest {
            filter: Some(ExposureFilter { as_of: NO_PERIOD.to_owned(), ..ExposureFilter::default() }),
            as_at: question.as_at.clone(),
            reading: reading(&question)?,
            ..QueryExposuresRequest::default()
        };
        let answer = self.services.ask(caller, POSITION, request.encode_to_vec().into()).await;
        let answer = answer.map_err(|failure| in_terms_of(listing, failure))?;
        let answer: QueryExposuresResponse = decoded(&answer)?;
        let position = answer.as_at_position;
        let is_time = matches!(question.as_at, Some(AsAt { at: Some(At::Time(_)) }));
        if !is_time {
            question.pin(&self.contracts, AsAt { at: Some(At::Position(position)) })?;
        }
        Ok(Pinned { question, position: Some(position), stale: answer.stale })
    }

    /// Answers a listing as JSON.
    ///
    /// # Errors
    /// Wrong parameters, and those of the service.
    pub(crate) async fn json(
        &self,
        caller: &Caller,
        listing: &Listing,
        query: &str,
        headers: &HeaderMap,
    ) -> Result<Response, Refused> {
        let pinned = self.pin(caller, listing, query).await?;
        let validator = Validator::new(&self.version, pinned.position);
        let mut envelope = pinned.envelope(listing, "");
        envelope.validator = validator.text();
        if pinned.position.is_some() && validator.is_known(headers) {
            return Ok(envelope.not_modified());
        }
        let bytes = self.services.ask(caller, listing.method, encoded(&pinned.question.request)).await;
        let bytes = bytes.map_err(|failure| in_terms_of(listing, failure))?;
        check_licence(listing, &pinned.question, &bytes)?;
        let Value::Object(mut document) = self.contracts.answer(listing.method, &bytes)? else {
            return Err(Failure::internal("an answer is no object").into());
        };
        let next = document.get("nextPageToken").and_then(Value::as_str).filter(|token| !token.is_empty());
        envelope.next = next.map(|token| pinned.question.query(Some(token)));
        if envelope.as_at.is_empty() {
            envelope.as_at = named_position(&document);
        }
        let validator = validator.with_digest(entries_digest(&document, envelope.next.is_some()));
        envelope.validator = validator.text();
        if validator.is_known(headers) {
            return Ok(envelope.not_modified());
        }
        if !envelope.as_at.is_empty() {
            document.insert("asAt".to_owned(), Value::from(envelope.as_at.clone()));
        }
        document.insert("permalink".to_owned(), Value::from(envelope.permalink()));
        Ok(envelope.response("application/json", json_body(&Value::Object(document))))
    }
}

/// The reading that a question names, which decides whose data it is about.
fn reading(question: &Question) -> Result<Option<Reading>, Failure> {
    let field = question.request.get_field_by_name("reading");
    let message = field.as_ref().and_then(|value| value.as_message()).map(encoded);
    message.map(|bytes| decoded(&bytes)).transpose()
}

/// The position that an answer names. Empty: it names none.
fn named_position(document: &Map<String, Value>) -> String {
    let position = document.get("asAtPosition").and_then(Value::as_str);
    position.map(|position| format!("@{position}")).unwrap_or_default()
}

/// A digest of what an answer lists.
fn entries_digest(document: &Map<String, Value>, has_next: bool) -> String {
    let listed = document.iter().filter(|(name, _)| !PLACES.contains(&name.as_str()));
    let listed: Map<String, Value> = listed.map(|(name, value)| (name.clone(), value.clone())).collect();
    digest(&[Value::Object(listed).to_string().as_bytes(), &[u8::from(has_next)]])
}

/// Refuses source rows whose licence forbids passing them on, unless whoever asks keeps them.
///
/// # Errors
/// [`Class::Refused`] with the release and its licence.
pub(crate) fn check_licence(listing: &Listing, question: &Question, bytes: &[u8]) -> Result<(), Failure> {
    if listing.name != "rows" || question.is_own_use {
        return Ok(());
    }
    let answer: ExplainExposureResponse = decoded(bytes)?;
    let Some((release, licence)) = forbidden_release(&answer.rows, &answer.releases) else { return Ok(()) };
    let message = format!("the licence of source rows forbids passing them on: {licence}");
    Err(Failure::new(Class::Refused, "licence-forbids", message)
        .at("release", release)
        .with_hint("if they stay with you, add own-use=true; figures may be passed on"))
}
