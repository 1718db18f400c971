//! Puts events on the alerts log.
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use orewatch_eventlog::{Error, EventLog, InvalidName, NewEvent, Position, StreamName};
use orewatch_runtime::{Class, Failure};

use crate::decide::Planned;
use crate::evolve::Mark;
use crate::facts::{Fact, alert_stream};

/// How many streams are appended to at once.
const AT_ONCE: usize = 64;

/// How often an append is tried while the log cannot be reached.
const ATTEMPTS: u32 = 10;

/// How long it waits in between.
const PAUSE: Duration = Duration::from_secs(1);

/// Appends; tries again while the log cannot be reached. Gives the position of the last event, or as an error the position
/// at which the stream is in conflict with what was expected.
///
/// # Errors
/// All but conflicts, once there is no point in trying again.
pub(crate) async fn append(
    log: &dyn EventLog,
    stream: &StreamName,
    expected: Position,
    events: Vec<NewEvent>,
) -> Result<Result<Position, Position>, Failure> {
    let mut attempt = 1;
    loop {
        match log.append(stream, expected, events.clone()).await {
            Ok(positions) => return Ok(Ok(positions.last().copied().unwrap_or(expected))),
            Err(Error::Conflict { actual, .. }) => return Ok(Err(actual)),
            Err(Error::Unavailable { reason, .. }) if attempt < ATTEMPTS => {
                tracing::warn!(%stream, attempt, reason, "the log is unavailable, the append is tried again");
                attempt += 1;
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Appends the transitions of alerts, several streams at a time: a log flushes what waits together. As an error the position of
/// the first stream that is in conflict with what was expected.
pub(crate) async fn append_all(
    log: &dyn EventLog,
    planned: Vec<Planned>,
    mark: Mark,
    time: jiff::Timestamp,
) -> Result<Result<(), Position>, Failure> {
    let one = |planned: Planned| async move {
        let (stream, expected, events) = events_of(planned, mark, time)?;
        append(log, &stream, expected, events).await
    };
    let mut appends = std::pin::pin!(stream::iter(planned.into_iter().map(one)).buffered(AT_ONCE));
    while let Some(appended) = appends.next().await {
        if let Err(conflict) = appended? {
            return Ok(Err(conflict));
        }
    }
    Ok(Ok(()))
}

fn events_of(
    planned: Planned,
    mark: Mark,
    time: jiff::Timestamp,
) -> Result<(StreamName, Position, Vec<NewEvent>), Failure> {
    let stream = alert_stream(&planned.alert).map_err(|error| unnameable(&error))?;
    let numbered = planned.events.into_iter().enumerate();
    let events = numbered
        .map(|(k, event)| Fact::Alert(event).into_event(&stream, &format!("{}/{k}", what(mark)), time))
        .collect();
    Ok((stream, planned.expected, events))
}

/// What an event of an evaluation is, in its identifier.
pub(crate) fn what(mark: Mark) -> String {
    let as_at = mark.as_at.map(|time| format!("/{time}")).unwrap_or_default();
    format!("{}/{}{as_at}", mark.exposures, mark.rules)
}

pub(crate) fn unnameable(error: &InvalidName) -> Failure {
    Failure::new(Class::Internal, "invalid-stream", error.to_string())
}
