//! What a process knows of the logs that its services follow: how far they came, and what is in the way.
//!
//! Whoever follows a log keeps a [`FollowedLog`]. Answers take their mark from it, [`Readiness`] when to
//! report that a service is not ready, and health checks what to say to people.
//!
//! [`Readiness`]: crate::Readiness
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use orewatch_contracts::common::v1::LogState;
use orewatch_contracts::time::timestamp;
use orewatch_contracts::{Class, Failure};
use orewatch_eventlog::{
    Error, EventLog, Extent, Filter, Interruption, Items, NewEvent, NewEvents, PassedOver, Position,
    SkippedPositions, StreamName, Unfinished,
};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::Clock;

/// Pause before a log that is away is asked again.
const AWAY_PAUSE: Duration = Duration::from_secs(1);

/// The logs that the services of a process follow. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct FollowedLogs(Arc<Followed>);

#[derive(Debug, Default)]
struct Followed {
    logs: Mutex<Vec<FollowedLog>>,
    /// Full gRPC names of the interfaces that can answer, however old what they know is.
    answering: Mutex<BTreeSet<&'static str>>,
    changed: watch::Sender<()>,
}

impl FollowedLogs {
    /// A log that a service follows from now on.
    pub(crate) fn follow(&self, service: &'static str, log: &str, clock: Arc<dyn Clock>) -> FollowedLog {
        let changed = self.0.changed.clone();
        let shared = Shared { service, log: log.to_owned(), clock, changed, state: Mutex::default() };
        let followed = FollowedLog(Arc::new(shared));
        self.0.logs.lock().unwrap_or_else(PoisonError::into_inner).push(followed.clone());
        followed
    }

    /// What people should know of the logs, one line each. Empty if all is well.
    #[must_use]
    pub fn report(&self) -> Vec<String> {
        let logs = self.0.logs.lock().unwrap_or_else(PoisonError::into_inner);
        logs.iter().flat_map(FollowedLog::report).collect()
    }

    /// Records that interfaces can answer from now on.
    pub(crate) fn set_can_answer(&self, services: &[&'static str]) {
        self.0.answering.lock().unwrap_or_else(PoisonError::into_inner).extend(services);
    }

    /// Whether an interface can answer, however old what it knows is.
    pub(crate) fn can_answer(&self, service: &str) -> bool {
        self.0.answering.lock().unwrap_or_else(PoisonError::into_inner).contains(service)
    }

    /// Is notified when something is in the way of a log, and when it is no longer.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.0.changed.subscribe()
    }
}

/// A log that a service follows. Clones share what is known of it.
#[derive(Clone, Debug)]
pub struct FollowedLog(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    service: &'static str,
    log: String,
    clock: Arc<dyn Clock>,
    changed: watch::Sender<()>,
    state: Mutex<State>,
}

#[derive(Clone, Debug, Default)]
struct State {
    position: Position,
    trouble: Option<Trouble>,
    passed: PassedOver,
}

/// What is in the way of a log.
#[derive(Clone, Debug)]
struct Trouble {
    since: Instant,
    time: Timestamp,
    reason: String,
    /// The log cannot be reached; everything else needs somebody to act.
    is_absence: bool,
    /// The error of the log, if the fold of it stands.
    error: Option<Error>,
}

impl FollowedLog {
    /// Records how far the log was read.
    pub fn set_position(&self, position: Position) {
        self.change(|state| state.position = position);
    }

    /// Records that the log is read to its end, without anything in the way.
    pub fn set_live(&self, position: Position, log: &dyn EventLog) {
        let passed = log.passed_over();
        let was_troubled = self.change(|state| {
            (state.position, state.passed) = (position, passed);
            state.trouble.take().is_some()
        });
        if was_troubled {
            self.0.changed.send_replace(());
        }
    }

    /// Records that the log cannot be read on.
    pub fn set_interrupted(&self, interruption: &Interruption) {
        let Interruption { since, error } = interruption;
        let is_absence = matches!(error, Error::Unavailable { .. });
        self.set_trouble(*since, error.to_string(), is_absence, Some(error.clone()));
    }

    /// Records that a worker on the log cannot go on.
    pub fn set_failed(&self, failure: &Failure) {
        let is_absence = matches!(failure.class, Class::Unavailable | Class::Exhausted);
        self.set_trouble(Instant::now(), failure.message.clone(), is_absence, None);
    }

    /// Records what is in the way. The first cause stays, unless that was an absence and somebody has to act
    /// now.
    fn set_trouble(&self, since: Instant, reason: String, is_absence: bool, error: Option<Error>) {
        let behind = jiff::SignedDuration::try_from(since.elapsed()).unwrap_or_default();
        let time = self.0.clock.now().saturating_sub(behind).unwrap_or(Timestamp::MIN);
        let is_new = self.change(|state| {
            let before = state.trouble.take();
            let stays = before.as_ref().is_some_and(|before| is_absence || !before.is_absence);
            let (since, time) = before.as_ref().map_or((since, time), |before| (before.since, before.time));
            let new = Trouble { since, time, reason, is_absence, error };
            state.trouble = if stays { before } else { Some(new) };
            !stays
        });
        if is_new {
            self.0.changed.send_replace(());
        }
    }

    /// The mark of an answer that rests on the log. `None`: the answer is current.
    #[must_use]
    pub fn stale(&self) -> Option<LogState> {
        let state = self.state();
        let trouble = state.trouble?;
        Some(LogState {
            log: self.0.log.clone(),
            position: state.position,
            behind_since: Some(timestamp(trouble.time)),
            reason: trouble.reason,
        })
    }

    /// Waits until the log answers, before a fold of it begins. Meanwhile it is reported as away.
    pub async fn wait_for(&self, log: &dyn EventLog) {
        let since = Instant::now();
        // Whatever else is wrong with the log is reported by who folds it.
        while let Err(error @ Error::Unavailable { .. }) = log.extent().await {
            self.set_interrupted(&Interruption { since, error });
            tokio::time::sleep(AWAY_PAUSE).await;
        }
    }

    /// Whether somebody has to act before the log can be followed any further.
    #[must_use]
    pub fn is_stuck(&self) -> bool {
        self.state().trouble.is_some_and(|trouble| !trouble.is_absence)
    }

    /// Returns once somebody has to act before the log can be followed any further.
    pub async fn until_stuck(&self) {
        let mut changes = self.0.changed.subscribe();
        while !self.is_stuck() {
            // The sender is part of this log.
            let _alive = changes.changed().await;
        }
    }

    /// The log for callers that write: it refuses at once, with the reason, while the fold of it stands.
    #[must_use]
    pub fn guard(&self, log: Arc<dyn EventLog>) -> Arc<dyn EventLog> {
        Arc::new(GuardedLog { log, followed: self.clone() })
    }

    /// Since when something is in the way.
    pub(crate) fn troubled_since(&self) -> Option<Instant> {
        self.state().trouble.map(|trouble| trouble.since)
    }

    fn report(&self) -> Vec<String> {
        let (State { position, trouble, passed }, log, service) = (self.state(), &self.0.log, self.0.service);
        let trouble = trouble.map(|Trouble { time, reason, .. }| {
            let read = format!("log {log} is read up to position {position}, not further since {time:.0}");
            format!("{service}: {read}: {reason}")
        });
        let passed = (passed.count > 0).then(|| {
            let PassedOver { count, last } = passed;
            let found = format!("{count} messages of other programs on log {log}");
            format!("{service}: {found} are passed over, the last at position {last}")
        });
        trouble.into_iter().chain(passed).collect()
    }

    fn state(&self) -> State {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.0.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A log that refuses appends and questions while the fold of it stands: an append could not be shown, and
/// what it is decided on may be old.
#[derive(Debug)]
struct GuardedLog {
    log: Arc<dyn EventLog>,
    followed: FollowedLog,
}

impl GuardedLog {
    fn check(&self) -> Result<(), Error> {
        self.followed.state().trouble.and_then(|trouble| trouble.error).map_or(Ok(()), Err)
    }
}

impl EventLog for GuardedLog {
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
            self.check()?;
            self.log.append(stream, expected, events).await
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
            self.check().map_err(|error| Unfinished { error, last: expected, rest: Vec::new() })?;
            self.log.append_in_order(stream, expected, events).await
        }
        .boxed()
    }

    fn read(&self, filter: Filter, after: Position) -> Items {
        self.log.read(filter, after)
    }

    fn last<'a>(&'a self, stream: &'a StreamName) -> BoxFuture<'a, Result<Position, Error>> {
        async move {
            self.check()?;
            self.log.last(stream).await
        }
        .boxed()
    }

    fn extent(&self) -> BoxFuture<'_, Result<Extent, Error>> {
        async move {
            self.check()?;
            self.log.extent().await
        }
        .boxed()
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
