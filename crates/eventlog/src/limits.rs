//! What both adapters refuse before they store anything, so that an append that one log takes the other takes too.
use std::collections::BTreeSet;

use crate::{Error, Filter, NewEvent, StreamName};

/// Most data in one event, in bytes. With its headers it stays within the 1 MiB that NATS allows a message by default.
pub const LARGEST_EVENT: usize = 1_000_000;

/// Most data in one append, in bytes.
pub const LARGEST_APPEND: usize = 16 * 1024 * 1024;

/// Most events in one append: the most that NATS allows in an atomic batch by default.
pub const MOST_EVENTS: usize = 1_000;

/// Longest kind of an event and longest trace context, in bytes.
const LONGEST_ATTRIBUTE: usize = 250;

/// Checks an append against the limits and for what makes no sense.
pub(crate) fn check_append(log: &str, stream: &StreamName, events: &[NewEvent]) -> Result<(), Error> {
    let invalid = |reason: String| Error::Invalid { stream: stream.to_string(), reason };
    if !is_below(log, stream) {
        return Err(invalid(format!("streams of this log begin with \"{log}.\"")));
    }
    if events.is_empty() {
        return Err(invalid("it has no events".to_owned()));
    }
    check_size(stream, "the number of events", events.len(), MOST_EVENTS)?;
    for event in events {
        check_size(stream, "an event's data in bytes", event.data.len(), LARGEST_EVENT)?;
        check_attribute("kind", &event.kind).map_err(invalid)?;
        event
            .traceparent
            .as_deref()
            .map_or(Ok(()), |text| check_attribute("traceparent", text))
            .map_err(invalid)?;
    }
    check_size(stream, "the data of all events in bytes", data_size(events), LARGEST_APPEND)?;
    let mut ids = BTreeSet::new();
    match events.iter().find(|event| !ids.insert(event.id)) {
        Some(twice) => Err(invalid(format!("event id {} is in it twice", twice.id))),
        None => Ok(()),
    }
}

/// Checks that a reader asks for streams of this log.
pub(crate) fn check_filter(log: &str, filter: &Filter) -> Result<(), Error> {
    match filter {
        Filter::Under(prefix) if prefix.as_str() != log && !is_below(log, prefix) => Err(Error::Invalid {
            stream: prefix.to_string(),
            reason: format!("streams of log {log} begin with \"{log}.\""),
        }),
        Filter::All | Filter::Under(_) => Ok(()),
    }
}

/// Data of all events together, in bytes.
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
    if (1..=LONGEST_ATTRIBUTE).contains(&text.len()) && !text.contains(char::is_control) {
        Ok(())
    } else {
        Err(format!("{name} {text:?} is not 1 to {LONGEST_ATTRIBUTE} bytes without control characters"))
    }
}
