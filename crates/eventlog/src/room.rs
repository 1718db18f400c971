//! Waiting for room on a full log: the log that workers append to.
//!
//! On a full disk reading goes on. A request to record something is refused with [`Error::Full`]; what a
//! worker records follows from the log and is as true later, so the worker waits until there is room.
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::sync::watch;

use crate::{Error, EventLog, Extent, Filter, Items, NewEvent, Position, SkippedPositions, StreamName};

/// Shortest and longest pause between two attempts to append to a full log.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// A log whose appends wait while it is full. Everything else is passed on to the wrapped log.
///
/// An append waits until there is room, another error occurs, or its future is dropped, as workers do when
/// the process stops. The beginning and the end of waiting are logged once each.
#[derive(Debug)]
pub struct WaitingLog {
    log: Arc<dyn EventLog>,
    /// Number of appends that wait for room.
    waiting: watch::Sender<usize>,
    /// A warning that the log is full was written, and not yet that it has room again.
    has_warned: AtomicBool,
}

impl WaitingLog {
    /// Wraps a log for the workers of a service.
    #[must_use]
    pub fn new(log: Arc<dyn EventLog>) -> Arc<Self> {
        Arc::new(Self { log, waiting: watch::Sender::new(0), has_warned: AtomicBool::new(false) })
    }

    /// Appends without waiting for room, for an event that would not be true later, such as the start of an
    /// attempt.
    ///
    /// # Errors
    /// Those of [`EventLog::append`].
    pub async fn append_now(
        &self,
        stream: &StreamName,
        expected: Position,
        events: Vec<NewEvent>,
    ) -> Result<Vec<Position>, Error> {
        let outcome = self.log.append(stream, expected, events).await;
        match &outcome {
            Ok(_) => self.log_room(),
            Err(Error::Full { reason, .. }) => self.log_full(reason),
            Err(_) => {}
        }
        outcome
    }

    /// Returns once an append waits for room.
    pub async fn until_full(&self) {
        let mut waiting = self.waiting.subscribe();
        // The sender lives as long as this log.
        let _alive = waiting.wait_for(|waiting| *waiting > 0).await;
    }

    fn log_full(&self, reason: &str) {
        if !self.has_warned.swap(true, Ordering::Relaxed) {
            let log = self.log.name();
            tracing::warn!(log, reason, "the log is full: writing waits for room, reading goes on");
        }
    }

    fn log_room(&self) {
        if *self.waiting.borrow() == 0 && self.has_warned.swap(false, Ordering::Relaxed) {
            tracing::info!(log = self.log.name(), "the log has room again: writing goes on");
        }
    }
}

/// One append that waits for room.
struct Waiting<'a>(&'a WaitingLog);

impl<'a> Waiting<'a> {
    fn begin(log: &'a WaitingLog, reason: &str) -> Self {
        log.log_full(reason);
        log.waiting.send_modify(|waiting| *waiting = waiting.saturating_add(1));
        Self(log)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.send_modify(|waiting| *waiting = waiting.saturating_sub(1));
    }
}

impl EventLog for WaitingLog {
    fn name(&self) -> &str {
        self.log.name()
    }

    fn append<'a>(
        &'a self,
        stream: &'a StreamName,
        expected: Position,
        events: Vec<NewEvent>,
    ) -> BoxFuture<'a, Result<Vec<Position>, Error>> {
        async move {
            let mut waiting = None;
            let mut pause = PAUSES.0;
            loop {
                match self.log.append(stream, expected, events.clone()).await {
                    Err(Error::Full { reason, .. }) => {
                        waiting.get_or_insert_with(|| Waiting::begin(self, &reason));
                        tokio::time::sleep(pause).await;
                        pause = pause.saturating_mul(2).min(PAUSES.1);
                    }
                    outcome => {
                        if waiting.take().is_some() && outcome.is_ok() {
                            self.log_room();
                        }
                        return outcome;
                    }
                }
            }
        }
        .boxed()
    }

    fn read(&self, filter: Filter, after: Position) -> Items {
        self.log.read(filter, after)
    }

    fn last<'a>(&'a self, stream: &'a StreamName) -> BoxFuture<'a, Result<Position, Error>> {
        self.log.last(stream)
    }

    fn extent(&self) -> BoxFuture<'_, Result<Extent, Error>> {
        self.log.extent()
    }

    fn skipped(&self) -> Arc<SkippedPositions> {
        self.log.skipped()
    }
}
