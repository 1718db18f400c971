//! Waiting for a log that is full or away: the log that workers use.
//!
//! A request to record something is refused with [`Error::Full`] or [`Error::Unavailable`]. What a worker
//! records follows from the log and is as true later, so the worker waits until there is room, or until the
//! log is back.
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _, stream};
use tokio::sync::watch;

use crate::{
    Error, EventLog, Extent, Filter, Item, Items, NewEvent, NewEvents, PassedOver, Position,
    SkippedPositions, StreamName, Unfinished, Usage,
};

/// Shortest and longest pause between two attempts on a log that is full or away.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// A log whose appends wait while it is full, and which waits in everything while it is away.
///
/// A call waits until it succeeds, another error occurs, or its future is dropped, as workers do when the
/// process stops. The beginning and the end of waiting are logged once each.
#[derive(Debug)]
pub struct WaitingLog {
    log: Arc<dyn EventLog>,
    /// Number of appends that wait for room.
    waiting: watch::Sender<usize>,
    /// A warning that the log is full was written, and not yet that it has room again.
    has_warned: AtomicBool,
    /// A warning that the log is away was written, and not yet that it is back.
    is_away: AtomicBool,
}

/// The pauses of one call that waits.
struct Pauses(Duration);

impl Pauses {
    fn new() -> Self {
        Self(PAUSES.0)
    }

    /// Begins with the shortest pause again.
    fn reset(&mut self) {
        *self = Self::new();
    }

    async fn wait(&mut self) {
        tokio::time::sleep(self.0).await;
        self.0 = self.0.saturating_mul(2).min(PAUSES.1);
    }
}

impl WaitingLog {
    /// Wraps a log for the workers of a service.
    #[must_use]
    pub fn new(log: Arc<dyn EventLog>) -> Arc<Self> {
        Arc::new(Self::around(log))
    }

    fn around(log: Arc<dyn EventLog>) -> Self {
        let (has_warned, is_away) = (AtomicBool::new(false), AtomicBool::new(false));
        Self { log, waiting: watch::Sender::new(0), has_warned, is_away }
    }

    /// Appends without waiting, for an event that would not be true later, such as the start of an
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

    fn log_away(&self, error: &Error) {
        if !self.is_away.swap(true, Ordering::Relaxed) {
            tracing::warn!(%error, "the log is away: workers wait for it");
        }
    }

    fn log_back(&self) {
        if self.is_away.swap(false, Ordering::Relaxed) {
            tracing::info!(log = self.log.name(), "the log is back: workers go on");
        }
    }

    /// Repeats a question until the log answers.
    async fn ask<T, F: Future<Output = Result<T, Error>>>(
        &self,
        question: impl Fn() -> F,
    ) -> Result<T, Error> {
        let mut pauses = Pauses::new();
        loop {
            match question().await {
                Err(error @ Error::Unavailable { .. }) => {
                    self.log_away(&error);
                    pauses.wait().await;
                }
                answer => {
                    self.log_back();
                    return answer;
                }
            }
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
            let mut pauses = Pauses::new();
            loop {
                match self.log.append(stream, expected, events.clone()).await {
                    Err(Error::Full { reason, .. }) => {
                        waiting.get_or_insert_with(|| Waiting::begin(self, &reason));
                        pauses.wait().await;
                    }
                    Err(error @ Error::Unavailable { .. }) => {
                        self.log_away(&error);
                        pauses.wait().await;
                    }
                    outcome => {
                        self.log_back();
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

    fn append_in_order<'a>(
        &'a self,
        stream: &'a StreamName,
        expected: Position,
        events: &'a mut NewEvents<'a>,
    ) -> BoxFuture<'a, Result<Position, Unfinished>> {
        async move {
            let (mut waiting, mut pauses) = (None, Pauses::new());
            let (mut reached, mut left) = (expected, Vec::new());
            loop {
                let mut input = stream::iter(left).chain(&mut *events);
                let Unfinished { error, last, rest } =
                    match self.log.append_in_order(stream, reached, &mut input).await {
                        Ok(position) => {
                            self.log_back();
                            if waiting.take().is_some() {
                                self.log_room();
                            }
                            return Ok(position);
                        }
                        Err(unfinished) => unfinished,
                    };
                if last != reached {
                    pauses.reset();
                }
                (reached, left) = (last, rest);
                match error {
                    Error::Full { reason, .. } => {
                        waiting.get_or_insert_with(|| Waiting::begin(self, &reason));
                    }
                    Error::Unavailable { .. } => self.log_away(&error),
                    error => {
                        self.log_back();
                        return Err(Unfinished { error, last: reached, rest: left });
                    }
                }
                pauses.wait().await;
            }
        }
        .boxed()
    }

    fn read(&self, filter: Filter, after: Position) -> Items {
        let log = Self::around(Arc::clone(&self.log));
        let reader =
            PatientReader { items: log.log.read(filter.clone(), after), log, filter, position: after };
        let next = |mut reader: PatientReader| async move { reader.next().await.map(|item| (item, reader)) };
        stream::unfold(reader, next).boxed()
    }

    fn last<'a>(&'a self, stream: &'a StreamName) -> BoxFuture<'a, Result<Position, Error>> {
        self.ask(move || self.log.last(stream)).boxed()
    }

    fn extent(&self) -> BoxFuture<'_, Result<Extent, Error>> {
        self.ask(|| self.log.extent()).boxed()
    }

    fn usage(&self) -> BoxFuture<'_, Result<Option<Usage>, Error>> {
        self.log.usage()
    }

    fn passed_over(&self) -> PassedOver {
        self.log.passed_over()
    }

    fn skipped(&self) -> Arc<SkippedPositions> {
        self.log.skipped()
    }

    fn look_for_skip(&self, position: Position) -> BoxFuture<'_, Result<bool, Error>> {
        self.log.look_for_skip(position)
    }
}

/// A reader that reads on when the log is back.
struct PatientReader {
    log: WaitingLog,
    filter: Filter,
    /// Everything that matches up to here was yielded.
    position: Position,
    items: Items,
}

impl PatientReader {
    async fn next(&mut self) -> Option<Result<Item, Error>> {
        let mut pauses = Pauses::new();
        loop {
            let item = self.items.next().await;
            match &item {
                Some(Err(error @ Error::Unavailable { .. })) => {
                    self.log.log_away(error);
                    pauses.wait().await;
                    self.items = self.log.log.read(self.filter.clone(), self.position);
                    continue;
                }
                Some(Ok(Item::Event(event))) => self.position = event.position,
                Some(Ok(Item::CaughtUp(position))) => self.position = self.position.max(*position),
                Some(Err(_)) | None => {}
            }
            self.log.log_back();
            return item;
        }
    }
}
