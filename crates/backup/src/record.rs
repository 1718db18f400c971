//! An event as a record of a backup.
use bytes::Bytes;
use jiff::Timestamp;
use orewatch_eventlog::{Event, Position, StreamName};
use prost::Message;
use uuid::Uuid;

use crate::digest::Digest;

/// A record, encoded as protobuf. The fields of an event always give the same bytes.
#[derive(Clone, PartialEq, Message)]
struct Record {
    /// Position in the log.
    #[prost(uint64, tag = "1")]
    position: u64,
    /// Name of the stream.
    #[prost(string, tag = "2")]
    stream: String,
    /// Identifier of the event, a UUID.
    #[prost(bytes = "bytes", tag = "3")]
    id: Bytes,
    /// Full name of the protobuf message in `data`.
    #[prost(string, tag = "4")]
    kind: String,
    /// When it was recorded, RFC 3339 in UTC.
    #[prost(string, tag = "5")]
    time: String,
    /// W3C trace context of what caused it.
    #[prost(string, optional, tag = "6")]
    traceparent: Option<String>,
    /// The message.
    #[prost(bytes = "bytes", tag = "7")]
    data: Bytes,
}

/// Encodes an event.
pub(crate) fn encode(event: &Event) -> Vec<u8> {
    let record = Record {
        position: event.position,
        stream: event.stream.as_str().to_owned(),
        id: Bytes::copy_from_slice(event.id.as_bytes()),
        kind: event.kind.clone(),
        time: event.time.to_string(),
        traceparent: event.traceparent.clone(),
        data: event.data.clone(),
    };
    record.encode_to_vec()
}

/// Decodes the event of a position. The error says what is wrong with it.
pub(crate) fn decode(record: Bytes, position: Position) -> Result<Event, String> {
    let record = Record::decode(record).map_err(|error| format!("it cannot be decoded: {error}"))?;
    if record.position != position {
        return Err(format!("position {} is in its place", record.position));
    }
    let time: Timestamp =
        record.time.parse().map_err(|error| format!("its time {:?} is none: {error}", record.time))?;
    Ok(Event {
        position,
        stream: StreamName::new(record.stream).map_err(|error| error.to_string())?,
        id: Uuid::from_slice(&record.id).map_err(|error| format!("its identifier is none: {error}"))?,
        kind: record.kind,
        time,
        data: record.data,
        traceparent: record.traceparent,
    })
}

/// Identity of a log, given its first event.
#[must_use]
pub fn identity(log: &str, first: &Event) -> Digest {
    Digest::start(log).link(&encode(first))
}
