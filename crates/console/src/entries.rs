//! Answers of the services as rows.
use orewatch_contracts::Failure;
use orewatch_contracts::alerting::v1::{
    ListAlertsResponse, ListDeliveriesResponse, ListRulesResponse, ListSilencesResponse,
};
use orewatch_contracts::exposure::v1::{
    CheckClaimsResponse, ExplainExposureResponse, ListTargetsResponse, QueryExposuresRequest,
    QueryExposuresResponse, StreamExposuresRequest, StreamExposuresResponse,
};
use orewatch_contracts::ingestion::v1::{GetSourcePolicyResponse, ListReleasesResponse};
use orewatch_query::Cell;
use prost::Message;

use crate::Tables;

/// Rows of an answer.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    /// The rows, each with the values of the columns that were asked for.
    pub(crate) rows: Vec<Vec<Cell>>,
    /// Token of the next page. Empty: there is none.
    pub(crate) next: String,
}

/// Makes the rows of an answer, with the columns at these places.
pub(crate) type Making = fn(&Tables, &[u8], &[usize]) -> Result<Entries, Failure>;

/// Reads a message that a service has sent.
///
/// # Errors
/// None but a defect.
pub(crate) fn decoded<M: Message + Default>(bytes: &[u8]) -> Result<M, Failure> {
    M::decode(bytes).map_err(|error| Failure::internal(format!("an answer cannot be read: {error}")))
}

fn whole(rows: Vec<Vec<Cell>>) -> Entries {
    Entries { rows, next: String::new() }
}

pub(crate) fn none(_: &Tables, _: &[u8], _: &[usize]) -> Result<Entries, Failure> {
    Ok(Entries::default())
}

pub(crate) fn exposures(tables: &Tables, bytes: &[u8], columns: &[usize]) -> Result<Entries, Failure> {
    let page: QueryExposuresResponse = decoded(bytes)?;
    Ok(Entries { rows: tables.exposures.rows(&page.exposures, columns), next: page.next_page_token })
}

pub(crate) fn streamed_exposures(
    tables: &Tables,
    bytes: &[u8],
    columns: &[usize],
) -> Result<Entries, Failure> {
    let page: StreamExposuresResponse = decoded(bytes)?;
    Ok(whole(tables.exposures.rows(&page.exposures, columns)))
}

/// The request for all exposures of a request for a page.
pub(crate) fn stream_request(bytes: &[u8]) -> Result<Vec<u8>, Failure> {
    let page: QueryExposuresRequest = decoded(bytes)?;
    let QueryExposuresRequest { filter, as_at, trend, reading, firmness, .. } = page;
    Ok(StreamExposuresRequest { filter, as_at, trend, reading, firmness }.encode_to_vec())
}

pub(crate) fn source_rows(tables: &Tables, bytes: &[u8], columns: &[usize]) -> Result<Entries, Failure> {
    let answer: ExplainExposureResponse = decoded(bytes)?;
    Ok(whole(tables.source_rows.rows(&answer.rows, columns)))
}

pub(crate) fn targets(tables: &Tables, bytes: &[u8], columns: &[usize]) -> Result<Entries, Failure> {
    let answer: ListTargetsResponse = decoded(bytes)?;
    Ok(whole(tables.targets.rows(&answer.targets, columns)))
}

pub(crate) fn claims(tables: &Tables, bytes: &[u8], columns: &[usize]) -> Result<Entries, Failure> {
    let answer: CheckClaimsResponse = decoded(bytes)?;
    Ok(whole(tables.claims.rows(&answer.claims, columns)))
}

pub(crate) fn alerts(tables: &Tables, bytes: &[u8], columns: &[usize]) -> Result<Entries, Failure> {
    let page: ListAlertsResponse = decoded(bytes)?;
    Ok(Entries { rows: tables.alerts.rows(&page.alerts, columns), next: page.next_page_token })
}

pub(crate) fn rules(tables: &Tables, bytes: &[u8], columns: &[usize]) -> Result<Entries, Failure> {
    let page: ListRulesResponse = decoded(bytes)?;
    Ok(Entries { rows: tables.rules.rows(&page.rules, columns), next: page.next_page_token })
}

pub(crate) fn silences(tables: &Tables, bytes: &[u8], columns: &[usize]) -> Result<Entries, Failure> {
    let answer: ListSilencesResponse = decoded(bytes)?;
    Ok(whole(tables.silences.rows(&answer.silences, columns)))
}

pub(crate) fn deliveries(tables: &Tables, bytes: &[u8], columns: &[usize]) -> Result<Entries, Failure> {
    let page: ListDeliveriesResponse = decoded(bytes)?;
    Ok(Entries { rows: tables.deliveries.rows(&page.deliveries, columns), next: page.next_page_token })
}

pub(crate) fn releases(tables: &Tables, bytes: &[u8], columns: &[usize]) -> Result<Entries, Failure> {
    let page: ListReleasesResponse = decoded(bytes)?;
    Ok(Entries { rows: tables.releases.rows(&page.releases, columns), next: page.next_page_token })
}

pub(crate) fn sources(tables: &Tables, bytes: &[u8], columns: &[usize]) -> Result<Entries, Failure> {
    let answer: GetSourcePolicyResponse = decoded(bytes)?;
    Ok(whole(tables.sources.rows(&answer.datasets, columns)))
}
