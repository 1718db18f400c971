//! Connectors and their requests.
use orewatch_contracts::ingestion::v1::{ConnectorInfo, FetchRecorded};

use crate::render::{Cell, Row};
use crate::words::instant;

fn time(time: Option<&prost_types::Timestamp>) -> Cell {
    Cell::text(time.map(|time| instant(time.seconds)).unwrap_or_default())
}

/// A connector.
#[derive(Debug)]
pub(crate) struct ConnectorRow<'a>(pub(crate) &'a ConnectorInfo);

impl Row for ConnectorRow<'_> {
    const COLUMNS: &'static [&'static str] =
        &["connector", "kind", "every", "next", "succeeded_at", "calls_left", "problem"];

    fn cells(&self) -> Vec<Cell> {
        let one = self.0;
        vec![
            Cell::text(&one.name),
            Cell::text(&one.kind),
            Cell::text(&one.every),
            time(one.next.as_ref()),
            time(one.succeeded_at.as_ref()),
            Cell::Count(one.calls_left),
            Cell::text(&one.problem),
        ]
    }
}

/// A request of a connector.
#[derive(Debug)]
pub(crate) struct FetchRow<'a>(pub(crate) &'a FetchRecorded);

impl Row for FetchRow<'_> {
    const COLUMNS: &'static [&'static str] = &[
        "time",
        "connector",
        "poll",
        "number",
        "attempt",
        "request",
        "status",
        "bytes",
        "sha256",
        "etag",
        "last_modified",
        "problem",
        "consequence",
        "resume_at",
    ];

    fn cells(&self) -> Vec<Cell> {
        let one = self.0;
        vec![
            time(one.time.as_ref()),
            Cell::text(&one.connector),
            Cell::text(&one.poll),
            Cell::Count(Some(one.number.into())),
            Cell::Count(Some(one.attempt.into())),
            Cell::text(&one.request),
            Cell::Count(Some(one.status).filter(|status| *status > 0).map(u64::from)),
            Cell::Count(Some(one.bytes)),
            Cell::text(&one.sha256),
            Cell::text(&one.etag),
            Cell::text(&one.last_modified),
            Cell::text(&one.problem),
            Cell::text(&one.consequence),
            time(one.resume_at.as_ref()),
        ]
    }
}
