//! Events as NATS messages: CloudEvents in binary mode, so that any NATS client can consume them.
//!
//! | header | value |
//! | --- | --- |
//! | `Nats-Msg-Id`, `ce-id` | the event's id |
//! | `ce-specversion` | `1.0` |
//! | `ce-source` | `/orewatch/<log>` |
//! | `ce-subject` | name of the stream; the NATS subject is `orewatch.<name>` |
//! | `ce-type` | kind of the event: full name of the protobuf message in the payload |
//! | `ce-time` | when it was recorded, RFC 3339 in UTC |
//! | `ce-datacontenttype`, `content-type` | `application/protobuf` |
//! | `traceparent` | W3C trace context of what caused it, where there is one |
//!
//! Values are percent-encoded by the rule of CloudEvents, see [`attribute`](crate::attribute).
use async_nats::{HeaderMap, header};
use bytes::Bytes;
use uuid::Uuid;

use crate::attribute::{decode, encode};
use crate::{Event, NewEvent, Position, StreamName};

/// First token of all subjects.
pub(super) const SUBJECT_ROOT: &str = "orewatch";
/// Content type of the payload.
const CONTENT_TYPE: &str = "application/protobuf";
/// Version of the CloudEvents specification.
const SPEC_VERSION: &str = "1.0";

/// Headers that make a message without a source one of ours.
const OUR_HEADERS: [&str; 5] = ["ce-id", "ce-specversion", "ce-subject", "ce-type", "ce-time"];

/// NATS subject of a stream's messages.
pub(super) fn subject(stream: &StreamName) -> String {
    format!("{SUBJECT_ROOT}.{stream}")
}

/// Wildcard for the NATS subjects of all streams of a log.
pub(super) fn subjects(log: &str) -> String {
    format!("{SUBJECT_ROOT}.{log}.>")
}

/// Headers of an event's message.
pub(super) fn headers(log: &str, stream: &StreamName, event: &NewEvent) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let id = event.id.to_string();
    headers.insert(header::NATS_MESSAGE_ID, id.as_str());
    headers.insert("ce-id", id);
    headers.insert("ce-specversion", SPEC_VERSION);
    headers.insert("ce-source", encode(&format!("/orewatch/{log}")));
    headers.insert("ce-subject", encode(stream.as_str()));
    headers.insert("ce-type", encode(&event.kind));
    headers.insert("ce-time", encode(&event.time.to_string()));
    headers.insert("ce-datacontenttype", CONTENT_TYPE);
    // Not an attribute in the NATS binding, but some CloudEvents libraries look for the type of the data
    // here.
    headers.insert("content-type", CONTENT_TYPE);
    if let Some(traceparent) = &event.traceparent {
        headers.insert("traceparent", encode(traceparent));
    }
    headers
}

/// Reads the event of a message. The error says what is wrong with it.
pub(super) fn event(
    position: Position,
    subject: &str,
    headers: Option<&HeaderMap>,
    data: Bytes,
) -> Result<Event, String> {
    let no_headers = HeaderMap::new();
    let headers = headers.unwrap_or(&no_headers);
    let version = required(headers, "ce-specversion")?;
    if version != SPEC_VERSION {
        return Err(format!("header ce-specversion: {version:?} is not {SPEC_VERSION}"));
    }
    let name = required(headers, "ce-subject")?;
    let stream = StreamName::new(name).map_err(|error| format!("header ce-subject: {error}"))?;
    if self::subject(&stream) != subject {
        return Err(format!("header ce-subject: {stream} does not belong on subject {subject}"));
    }
    let (id, time) = (required(headers, "ce-id")?, required(headers, "ce-time")?);
    Ok(Event {
        position,
        stream,
        id: Uuid::parse_str(&id).map_err(|error| format!("header ce-id: {id:?} is not a UUID: {error}"))?,
        kind: required(headers, "ce-type")?,
        time: time.parse().map_err(|error| format!("header ce-time: {time:?}: {error}"))?,
        data,
        traceparent: optional(headers, "traceparent")?,
    })
}

/// Whether a message says that it is an event of this log. One that does not was published by another
/// program; one that does, and cannot be read, is damaged.
pub(super) fn is_ours(log: &str, headers: &HeaderMap) -> bool {
    match headers.get("ce-source") {
        Some(source) => source.as_str() == encode(&format!("/orewatch/{log}")),
        None => OUR_HEADERS.iter().any(|name| headers.get(*name).is_some()),
    }
}

/// Header of the last message of an append, where others follow it in the same atomic batch.
pub(super) const APPEND_END: &str = "orewatch-append-end";

/// Whether more messages of the same append follow this one.
pub(super) fn has_more_in_append(headers: Option<&HeaderMap>) -> bool {
    let is_end = |headers: &HeaderMap| {
        headers.get(header::NATS_BATCH_COMMIT).is_some() || headers.get(APPEND_END).is_some()
    };
    headers.is_some_and(|headers| headers.get(header::NATS_BATCH_ID).is_some() && !is_end(headers))
}

fn required(headers: &HeaderMap, name: &str) -> Result<String, String> {
    optional(headers, name)?.ok_or_else(|| format!("header {name} is missing"))
}

fn optional(headers: &HeaderMap, name: &str) -> Result<Option<String>, String> {
    let decoded = |value: &async_nats::HeaderValue| decode(value.as_str());
    headers.get(name).map(decoded).transpose().map_err(|reason| format!("header {name}: {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> NewEvent {
        NewEvent {
            id: Uuid::from_u128(7),
            kind: "a \"kind\" 100 % für 鉱物".to_owned(),
            time: "2026-01-15T08:30:00.5Z".parse().unwrap(),
            data: Bytes::from_static(b"data"),
            traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
        }
    }

    fn stream() -> StreamName {
        StreamName::new("alerts.rule.x").unwrap()
    }

    #[test]
    fn headers_are_those_of_a_cloudevent() {
        let headers = headers("alerts", &stream(), &sample());
        let value = |name: &str| headers.get(name).map(|value| value.as_str().to_owned());
        let id = "00000000-0000-0000-0000-000000000007";
        for (name, expected) in [
            ("Nats-Msg-Id", id),
            ("ce-id", id),
            ("ce-specversion", "1.0"),
            ("ce-source", "/orewatch/alerts"),
            ("ce-subject", "alerts.rule.x"),
            ("ce-type", "a%20%22kind%22%20100%20%25%20f%C3%BCr%20%E9%89%B1%E7%89%A9"),
            ("ce-time", "2026-01-15T08:30:00.5Z"),
            ("ce-datacontenttype", "application/protobuf"),
            ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ] {
            assert_eq!(value(name).as_deref(), Some(expected), "{name}");
        }
    }

    #[test]
    fn a_message_that_is_not_one_of_ours_names_its_header() {
        let whole = headers("alerts", &stream(), &sample());
        let decode = |headers: &HeaderMap| event(3, "orewatch.alerts.rule.x", Some(headers), Bytes::new());
        assert!(decode(&whole).is_ok());
        for (name, value) in [
            ("ce-specversion", "0.3"),
            ("ce-id", "seven"),
            ("ce-time", "yesterday"),
            ("ce-subject", "alerts.other"),
            ("ce-type", "%C0%A0"),
        ] {
            let mut broken = whole.clone();
            broken.insert(name, value);
            assert!(decode(&broken).is_err_and(|reason| reason.contains(name)), "{name}");
        }
        assert!(event(3, "orewatch.alerts.rule.x", None, Bytes::new()).is_err());
    }
}
