//! Appending while the log may be away for a moment.
use std::time::Duration;

use tokio::time::Instant;

use crate::{Error, EventLog, NewEvent, Position, StreamName};

/// Time after which an append to a log that cannot be reached is not repeated any more. One attempt takes up
/// to the patience of the log's adapter.
const PATIENCE: Duration = Duration::from_secs(10);

/// Pause between two attempts.
const PAUSE: Duration = Duration::from_secs(1);

/// Appends events, and repeats the append while the log cannot be reached, for as long as a caller may be
/// expected to wait. Returns the position of the last event.
///
/// Repeating is safe because the events keep their identifiers and the expectation stays the same: if the
/// first attempt was stored and only its answer got lost, the log recognises the second.
///
/// # Errors
/// Those of [`EventLog::append`]; [`Error::Unavailable`] only after the last attempt. [`Error::Conflict`] is
/// for the caller to settle: somebody else was first, so that there is something new to decide on.
pub async fn append_with_retry(
    log: &dyn EventLog,
    stream: &StreamName,
    expected: Position,
    events: Vec<NewEvent>,
) -> Result<Position, Error> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match log.append(stream, expected, events.clone()).await {
            Ok(positions) => return Ok(positions.last().copied().unwrap_or(expected)),
            Err(Error::Unavailable { reason, .. }) if Instant::now() < deadline => {
                tracing::warn!(%stream, reason, "the log is unavailable; the append is repeated");
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) => return Err(error),
        }
    }
}
