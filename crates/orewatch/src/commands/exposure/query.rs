//! Queries exposures, page by page.
use orewatch_contracts::Failure;
use orewatch_contracts::common::v1::AsAt;
use orewatch_contracts::exposure::v1::{Exposure, ExposureFilter, QueryExposuresRequest};

use crate::commands::shared::all_pages;
use crate::session::Client;

/// Page size of requests: the most that the server returns at once.
const PAGE_SIZE: u32 = 10_000;

/// Exposures that match, with the position of the observations log that they include.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) exposures: Vec<Exposure>,
    pub(crate) as_at_position: u64,
}

/// Request for all exposures that match a filter, as known now.
pub(crate) fn current(filter: ExposureFilter) -> QueryExposuresRequest {
    QueryExposuresRequest { filter: Some(filter), ..QueryExposuresRequest::default() }
}

/// Request for all exposures that match a filter, as known at a point in time; without one, as known now.
pub(crate) fn known_at(filter: ExposureFilter, at: Option<AsAt>) -> QueryExposuresRequest {
    QueryExposuresRequest { as_at: at, ..current(filter) }
}

/// Queries all exposures that match, page by page.
pub(crate) async fn query(client: &Client, asked: QueryExposuresRequest) -> Result<Found, Failure> {
    let mut service = client.exposure().await?;
    let mut as_at_position = 0;
    let exposures = all_pages(async |page_token| {
        let request = QueryExposuresRequest { page_size: PAGE_SIZE, page_token, ..asked.clone() };
        let page = client.take(service.query_exposures(client.request(request)).await?);
        as_at_position = page.as_at_position;
        Ok((page.exposures, page.next_page_token))
    })
    .await?;
    Ok(Found { exposures, as_at_position })
}
