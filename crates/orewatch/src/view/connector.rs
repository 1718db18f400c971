//! Rows of connectors and of their requests to publishers.
use orewatch_contracts::ingestion::v1::{ConnectorInfo, FetchRecorded};

use crate::render::Align::{Left, Right};
use crate::render::{Cell, Column, Row, column, fit, only_shown};
use crate::words::grouped;

/// Maximum width of an address in a table, in characters. JSON and CSV have all of it.
const MAX_ADDRESS_WIDTH: usize = 60;

impl Row for ConnectorInfo {
    fn columns() -> Vec<Column<Self>> {
        let interval =
            |info: &Self| if info.every.is_empty() { "on demand".to_owned() } else { info.every.clone() };
        vec![
            column("connector", |info: &Self| Cell::text(&info.name)).shown("connector", Left),
            column("kind", |info: &Self| Cell::text(&info.kind)).shown("kind", Left),
            column("every", |info: &Self| Cell::text(&info.every)).shown_as("interval", Left, interval),
            column("next", |info: &Self| Cell::time(info.next)).shown("next poll", Left),
            column("succeeded_at", |info: &Self| Cell::time(info.succeeded_at)).shown("last success", Left),
            column("calls_left", |info: &Self| Cell::Count(info.calls_left))
                .shown("calls left", Left)
                .if_room(1),
            column("problem", |info: &Self| Cell::text(&info.problem)).shown("problem", Left),
        ]
    }
}

/// The problem of a request and its consequence.
fn outcome_text(fetch: &FetchRecorded) -> String {
    let parts = [fetch.problem.as_str(), fetch.consequence.as_str()];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ")
}

impl Row for FetchRecorded {
    fn columns() -> Vec<Column<Self>> {
        let status =
            |fetch: &Self| if fetch.status == 0 { "none".to_owned() } else { fetch.status.to_string() };
        vec![
            column("time", |fetch: &Self| Cell::time(fetch.time)).shown("time", Left),
            column("connector", |fetch: &Self| Cell::text(&fetch.connector)).shown("connector", Left),
            column("poll", |fetch: &Self| Cell::text(&fetch.poll)),
            column("number", |fetch: &Self| Cell::count(fetch.number)),
            column("attempt", |fetch: &Self| Cell::count(fetch.attempt)).shown("attempt", Right).if_room(1),
            column("request", |fetch: &Self| Cell::text(&fetch.request))
                .shown_as("request", Left, |fetch| fit(&fetch.request, MAX_ADDRESS_WIDTH)),
            column("status", |fetch: &Self| {
                Cell::Count(Some(fetch.status).filter(|status| *status > 0).map(u64::from))
            })
            .shown_as("status", Right, status),
            column("bytes", |fetch: &Self| Cell::count(fetch.bytes))
                .shown_as("bytes", Right, |fetch| grouped(fetch.bytes))
                .if_room(2),
            column("sha256", |fetch: &Self| Cell::text(&fetch.sha256)),
            column("etag", |fetch: &Self| Cell::text(&fetch.etag)),
            column("last_modified", |fetch: &Self| Cell::text(&fetch.last_modified)),
            column("problem", |fetch: &Self| Cell::text(&fetch.problem)),
            column("consequence", |fetch: &Self| Cell::text(&fetch.consequence)),
            column("resume_at", |fetch: &Self| Cell::time(fetch.resume_at)),
            only_shown("outcome", Left, outcome_text),
        ]
    }
}
