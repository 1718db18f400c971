//! Appending while the log may be away for a moment.
use std::time::Duration;

use crate::{Error, EventLog, NewEvent, Position, StreamName};

/// Attempts to append to a log that cannot be reached, the first included. Each of them takes up to the
/// patience of the log's adapter.
pub const MAX_APPEND_ATTEMPTS: u32 = 10;

/// Pause between two attempts.
const PAUSE: Duration = Duration::from_secs(1);

/// Appends events, and repeats the append while the log cannot be reached: up to [`MAX_APPEND_ATTEMPTS`]
/// attempts, one second apart. Returns the position of the last event.
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
    let mut attempt = 1;
    loop {
        match log.append(stream, expected, events.clone()).await {
            Ok(positions) => return Ok(positions.last().copied().unwrap_or(expected)),
            Err(Error::Unavailable { reason, .. }) if attempt < MAX_APPEND_ATTEMPTS => {
                tracing::warn!(%stream, attempt, reason, "the log is unavailable; the append is repeated");
                attempt += 1;
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) => return Err(error),
        }
    }
}
