//! Events to append.
use bytes::Bytes;
use orewatch_eventlog::{NewEvent, StreamName};
use uuid::Uuid;

/// The log that the suite opens.
pub(crate) const LOG: &str = "observations";

/// A stream of the log.
pub(crate) fn stream(name: &str) -> StreamName {
    StreamName::new(format!("{LOG}.{name}")).unwrap()
}

/// An event whose fields follow from `seed`.
pub(crate) fn event(seed: u128) -> NewEvent {
    NewEvent {
        id: Uuid::from_u128(seed),
        kind: "orewatch.ingestion.v1.ReleaseOpened".to_owned(),
        time: "2026-01-15T08:30:00.123456789Z".parse().unwrap(),
        data: Bytes::from(seed.to_be_bytes().repeat(4)),
        traceparent: None,
    }
}

/// Events that follow each other.
pub(crate) fn events(seeds: std::ops::Range<u128>) -> Vec<NewEvent> {
    seeds.map(event).collect()
}
