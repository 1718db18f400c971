//! When snapshots of events are written: after enough new events, and when the process stops.
use std::time::Duration;

use jiff::Timestamp;
use orewatch_eventlog::Position;
use tokio::sync::watch;
use tokio::time::timeout;

use super::{EventSnapshots, Reached};

/// Bytes of new events after which the next snapshot is written, at least (64 MiB).
const MIN_INTERVAL_BYTES: u64 = 64 << 20;

/// The same as a fraction of all events: writing is then a small part of the work, however long the log is.
const INTERVAL_FRACTION: u64 = 10;

/// Bytes of new events for which a stopping process writes a snapshot: fewer are folded again in no time.
const MIN_LAST_BYTES: u64 = 64 << 10;

/// Time for the last snapshot of a stopping process.
const LAST_TIMEOUT: Duration = Duration::from_secs(10);

/// A state that a snapshot may have: everything that follows from it is on the other logs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// The last event that it has folded.
    pub reached: Reached,
    /// Positions of the other logs, 0 for those without events.
    pub others: Vec<Position>,
}

impl EventSnapshots {
    /// Writes snapshots until the shutdown, and a last one then. `settled` says what of the known state a
    /// snapshot may have. An error is only logged, since the logs have everything.
    pub async fn keep<S>(
        mut self,
        shutdown: impl Future<Output = ()>,
        now: impl Fn() -> Timestamp,
        mut known: watch::Receiver<S>,
        settled: impl Fn(&S) -> Option<Settled>,
    ) {
        let mut shutdown = std::pin::pin!(shutdown);
        let mut last = Settled::default();
        loop {
            tokio::select! {
                biased;
                () = &mut shutdown => break,
                changed = known.changed() => if changed.is_err() { break },
            }
            let Some(at) = settled(&known.borrow_and_update()) else { continue };
            if at.reached.position < last.reached.position {
                // Another log took the place of the one before, and is folded anew.
                self.written_bytes = 0;
            }
            last = at;
            let since = last.reached.bytes.saturating_sub(self.written_bytes);
            if since < interval(last.reached.bytes) {
                continue;
            }
            let is_enough = |known: Reached| {
                last.reached.bytes.saturating_sub(known.bytes) < interval(last.reached.bytes)
            };
            tokio::select! {
                biased;
                () = &mut shutdown => break,
                written = self.write(&last, now(), is_enough) => self.log_error(written),
            }
            // Also after an error: a store that is away is not asked at every event.
            self.written_bytes = self.written_bytes.max(last.reached.bytes);
        }
        if last.reached.bytes.saturating_sub(self.written_bytes) >= MIN_LAST_BYTES {
            let written = timeout(LAST_TIMEOUT, self.write(&last, now(), |_| false)).await;
            self.log_error(written.unwrap_or_else(|_| Err("it took too long".to_owned())));
        }
    }

    fn log_error(&self, written: Result<(), String>) {
        if let Err(why) = written {
            tracing::warn!(why, "no snapshot was written");
            self.health().count_not_written();
        }
    }
}

/// Bytes of new events between two snapshots.
fn interval(bytes: u64) -> u64 {
    MIN_INTERVAL_BYTES.max(bytes / INTERVAL_FRACTION)
}
