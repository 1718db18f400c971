//! Checks of appends and filters that both adapters make before they store or read anything, so that both
//! logs accept the same.
use std::collections::BTreeSet;

use crate::{Error, Filter, NewEvent, StreamName};

/// Upper bound on the data of one event, in bytes. With its headers it fits into a NATS message, which has at
/// most 1 MiB by default.
pub const MAX_EVENT_BYTES: usize = 1_000_000;

/// Upper bound on the data of one append, in bytes (16 MiB).
pub const MAX_APPEND_BYTES: usize = 16 * 1024 * 1024;

/// Upper bound on the events of one append: NATS allows as many in an atomic batch by default.
pub const MAX_APPEND_EVENTS: usize = 1_000;

/// Data of events in order that are appended together, in bytes: a group is full once it has as many. Larger
/// ones gain little, and as many bytes wait in memory.
pub(crate) const GROUP_BYTES: usize = 4 * 1024 * 1024;

/// Events in order that are appended together.
pub(crate) const GROUP_EVENTS: usize = 256;

/// Upper bound on the length of an event's kind and of its trace context, in bytes.
const MAX_ATTRIBUTE_BYTES: usize = 250;

/// Checks an append: its limits, its stream, and that no event is in it twice.
pub(crate) fn check_append(log: &str, stream: &StreamName, events: &[NewEvent]) -> Result<(), Error> {
    let invalid = |reason: String| Error::Invalid { stream: stream.to_string(), reason };
    if !is_below(log, stream) {
        return Err(invalid(format!("streams of this log begin with \"{log}.\"")));
    }
    if events.is_empty() {
        return Err(invalid("it has no events".to_owned()));
    }
    check_size(stream, "the number of events", events.len(), MAX_APPEND_EVENTS)?;
    for event in events {
        check_size(stream, "an event's data in bytes", event.data.len(), MAX_EVENT_BYTES)?;
        check_attribute("kind", &event.kind).map_err(invalid)?;
        event
            .traceparent
            .as_deref()
            .map_or(Ok(()), |text| check_attribute("traceparent", text))
            .map_err(invalid)?;
    }
    check_size(stream, "the data of all events in bytes", data_size(events), MAX_APPEND_BYTES)?;
    let mut ids = BTreeSet::new();
    match events.iter().find(|event| !ids.insert(event.id)) {
        Some(twice) => Err(invalid(format!("event id {} is in it twice", twice.id))),
        None => Ok(()),
    }
}

/// Checks that a reader's filter names streams of this log.
pub(crate) fn check_filter(log: &str, filter: &Filter) -> Result<(), Error> {
    match filter {
        Filter::Under(prefix) if prefix.as_str() != log && !is_below(log, prefix) => Err(Error::Invalid {
            stream: prefix.to_string(),
            reason: format!("streams of log {log} begin with \"{log}.\""),
        }),
        Filter::All | Filter::Under(_) => Ok(()),
    }
}

/// Sum of the data of all events, in bytes.
pub(crate) fn data_size(events: &[NewEvent]) -> usize {
    events.iter().fold(0, |sum, event| sum.saturating_add(event.data.len()))
}

fn is_below(log: &str, stream: &StreamName) -> bool {
    stream.as_str().strip_prefix(log).is_some_and(|rest| rest.starts_with('.'))
}

fn check_size(stream: &StreamName, what: &'static str, size: usize, limit: usize) -> Result<(), Error> {
    if size <= limit {
        return Ok(());
    }
    let [size, limit] = [size, limit].map(|n| u64::try_from(n).unwrap_or(u64::MAX));
    Err(Error::TooLarge { stream: stream.to_string(), what, size, limit })
}

fn check_attribute(name: &str, text: &str) -> Result<(), String> {
    if (1..=MAX_ATTRIBUTE_BYTES).contains(&text.len()) && !text.contains(char::is_control) {
        Ok(())
    } else {
        Err(format!("{name} {text:?} is not 1 to {MAX_ATTRIBUTE_BYTES} bytes without control characters"))
    }
}
