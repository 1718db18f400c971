//! Appends events to the alerts log.
use futures_util::{StreamExt as _, stream};
use orewatch_contracts::alerting::v1::AlertEvent;
use orewatch_contracts::{Class, Failure};
use orewatch_eventlog::{Error, EventLog, InvalidName, NewEvent, Position, StreamName, append_with_retry};
use orewatch_rules::decide::PlannedTransitions;
use orewatch_rules::evolve::Mark;
use orewatch_rules::facts::{alert_event, alert_stream};
use orewatch_runtime::trace::traceparent;

/// Streams that are appended to at a time.
const MAX_CONCURRENT_APPENDS: usize = 64;

/// Appends events with the trace context of the current span, and retries while the log cannot be reached.
/// Returns the position of the last event; the inner error is the position of a stream that was not at the
/// expected one.
///
/// # Errors
/// Those of the log but for conflicts.
pub(crate) async fn append(
    log: &dyn EventLog,
    stream: &StreamName,
    expected: Position,
    mut events: Vec<NewEvent>,
) -> Result<Result<Position, Position>, Failure> {
    let traceparent = traceparent();
    for event in &mut events {
        event.traceparent.clone_from(&traceparent);
    }
    match append_with_retry(log, stream, expected, events).await {
        Ok(position) => Ok(Ok(position)),
        Err(Error::Conflict { actual, .. }) => Ok(Err(actual)),
        Err(error) => Err(error.into()),
    }
}

/// Appends the transitions of alerts to several streams at a time, because a log flushes what waits together.
/// The inner error is the position of the first stream that was not at the expected one.
pub(crate) async fn append_transitions(
    log: &dyn EventLog,
    planned: Vec<PlannedTransitions>,
    mark: Mark,
    time: jiff::Timestamp,
) -> Result<Result<(), Position>, Failure> {
    let append_one = |planned: PlannedTransitions| async move {
        let (stream, expected, events) = transition_events(planned, mark, time)?;
        append(log, &stream, expected, events).await
    };
    let appends = stream::iter(planned.into_iter().map(append_one)).buffered(MAX_CONCURRENT_APPENDS);
    let mut appends = std::pin::pin!(appends);
    while let Some(appended) = appends.next().await {
        if let Err(conflict) = appended? {
            return Ok(Err(conflict));
        }
    }
    Ok(Ok(()))
}

fn transition_events(
    planned: PlannedTransitions,
    mark: Mark,
    time: jiff::Timestamp,
) -> Result<(StreamName, Position, Vec<NewEvent>), Failure> {
    let stream = alert_stream(&planned.alert).map_err(|error| invalid_stream(&error))?;
    let what = evaluation_key(mark);
    let numbered = planned.events.into_iter().enumerate();
    let events = numbered
        .map(|(k, event)| alert_event(AlertEvent::from(event), &stream, &format!("{what}/{k}"), time));
    let events = events.collect();
    Ok((stream, planned.expected, events))
}

/// Names an evaluation in the identifiers of its events.
pub(crate) fn evaluation_key(mark: Mark) -> String {
    let as_at = mark.as_at.map(|time| format!("/{time}")).unwrap_or_default();
    format!("{}/{}{as_at}", mark.exposures, mark.rules)
}

/// The failure for an identifier that cannot be part of a stream's name.
pub(crate) fn invalid_stream(error: &InvalidName) -> Failure {
    Failure::new(Class::Internal, "invalid-stream", error.to_string())
}
