//! What a process knows of the logs that its services follow: how far they came, and what is in the way.
//!
//! Whoever follows a log keeps a [`FollowedLog`]. Answers take their mark from it, [`Readiness`] when to
//! report that a service is not ready, and health checks, metrics and the status on the admin port what to
//! say to people.
//!
//! [`Readiness`]: crate::Readiness
mod guarded;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use jiff::Timestamp;
use orewatch_contracts::common::v1::LogState;
use orewatch_contracts::time::timestamp;
use orewatch_contracts::{Class, Failure};
use orewatch_eventlog::{Error, EventLog, Interruption, PassedOver, Position};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::Clock;
use crate::phase::{Obstacle, Phase, Situation, phase_of_service};
use guarded::GuardedLog;

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
    /// Full gRPC names of the interfaces, and whether they are reported as ready.
    ready: Mutex<BTreeMap<&'static str, bool>>,
    changed: watch::Sender<()>,
}

impl FollowedLogs {
    /// A log that a service follows from now on. `is_read`: the service folds it; otherwise it only writes
    /// it.
    pub(crate) fn follow(
        &self,
        service: &'static str,
        log: &Arc<dyn EventLog>,
        is_read: bool,
        clock: Arc<dyn Clock>,
    ) -> FollowedLog {
        let shared = Shared {
            service,
            name: log.name().to_owned(),
            log: Arc::downgrade(log),
            is_read,
            clock,
            changed: self.0.changed.clone(),
            state: Mutex::new(State::new()),
        };
        let followed = FollowedLog(Arc::new(shared));
        self.0.logs.lock().unwrap_or_else(PoisonError::into_inner).push(followed.clone());
        followed
    }

    /// The logs, in the order in which they were followed.
    pub(crate) fn all(&self) -> Vec<FollowedLog> {
        self.0.logs.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What people should know of the logs, one line each. Empty if all is well.
    #[must_use]
    pub fn report(&self) -> Vec<String> {
        self.all().iter().flat_map(FollowedLog::report).collect()
    }

    /// How far folds are that have not reached the end of their logs, one line each.
    pub(crate) fn progress(&self) -> Vec<String> {
        self.all().iter().filter_map(FollowedLog::progress).collect()
    }

    /// The state of the service of an interface; of all services for an empty name.
    pub(crate) fn phase_of(&self, interface: &str, is_stopping: bool) -> Phase {
        let service = short_name(interface);
        let logs = self.all();
        let own = logs.iter().filter(|log| interface.is_empty() || log.0.service == service);
        let can_answer = {
            let answering = self.0.answering.lock().unwrap_or_else(PoisonError::into_inner);
            let ready = self.0.ready.lock().unwrap_or_else(PoisonError::into_inner);
            let mut asked = ready.keys().filter(|name| interface.is_empty() || short_name(name) == service);
            asked.all(|name| answering.contains(name))
        };
        phase_of_service(is_stopping, can_answer, own.map(|log| log.situation().phase()))
    }

    /// The services by their short names, and whether all of their interfaces are reported as ready.
    pub(crate) fn readiness(&self) -> BTreeMap<&'static str, bool> {
        let ready = self.0.ready.lock().unwrap_or_else(PoisonError::into_inner);
        let mut services = BTreeMap::new();
        for (&interface, &is_ready) in ready.iter() {
            *services.entry(short_name(interface)).or_insert(true) &= is_ready;
        }
        services
    }

    /// Records whether interfaces are reported as ready.
    pub(crate) fn set_ready(&self, interfaces: &[&'static str], is_ready: bool) {
        let mut ready = self.0.ready.lock().unwrap_or_else(PoisonError::into_inner);
        ready.extend(interfaces.iter().map(|interface| (*interface, is_ready)));
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

/// The name of a service in its package: `alerting` of `orewatch.alerting.v1.AlertingService`.
pub(crate) fn short_name(interface: &str) -> &str {
    interface.split('.').nth(1).unwrap_or(interface)
}

/// A log that a service follows. Clones share what is known of it.
#[derive(Clone, Debug)]
pub struct FollowedLog(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    service: &'static str,
    name: String,
    /// Not kept open by whoever asks how it is.
    log: Weak<dyn EventLog>,
    /// The service folds it.
    is_read: bool,
    clock: Arc<dyn Clock>,
    changed: watch::Sender<()>,
    state: Mutex<State>,
}

#[derive(Clone, Debug)]
struct State {
    position: Position,
    trouble: Option<Trouble>,
    passed: PassedOver,
    /// Position of the last event on the log, when it was last heard of.
    head: Option<Position>,
    /// When all of the log was last folded; at first, when it was followed.
    complete_at: Instant,
    /// When the fold in progress began. `None`: it has reached the end of the log.
    fold_began: Option<Instant>,
    /// Number of folds that began, and how long the last one took that reached the end.
    folds: u64,
    fold_took: Option<Duration>,
}

impl State {
    /// A log that is followed from now on, in its first fold.
    fn new() -> Self {
        let now = Instant::now();
        Self {
            position: 0,
            trouble: None,
            passed: PassedOver::default(),
            head: None,
            complete_at: now,
            fold_began: Some(now),
            folds: 1,
            fold_took: None,
        }
    }

    /// Whether, as far as is known, nothing is on the log that is not folded.
    fn is_at_end(&self) -> bool {
        self.head.is_none_or(|head| self.position >= head)
    }
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

/// How a log is followed, for metrics and for people.
#[derive(Clone, Debug)]
pub(crate) struct LogStatus {
    /// The service that follows it.
    pub(crate) service: &'static str,
    pub(crate) log: String,
    pub(crate) phase: Phase,
    /// Whether the service folds it; otherwise it only writes it.
    pub(crate) is_read: bool,
    pub(crate) position: Position,
    pub(crate) head: Option<Position>,
    /// Time since all of it was folded. Zero: it is now.
    pub(crate) behind: Duration,
    pub(crate) folds: u64,
    pub(crate) fold_took: Option<Duration>,
    /// What is in the way.
    pub(crate) reason: Option<String>,
}

impl FollowedLog {
    /// Records how far the log was read.
    pub fn set_position(&self, position: Position) {
        self.change(|state| state.position = position);
    }

    /// Records that a fold of the log begins anew, from its beginning or a snapshot.
    pub fn begin_fold(&self) {
        self.change(|state| {
            // The first fold is counted already.
            state.folds += u64::from(state.fold_began.is_none());
            state.fold_began = Some(Instant::now());
        });
    }

    /// Records that the log is read up to a position, without anything in the way of reading on.
    pub fn set_read(&self, position: Position, log: &dyn EventLog) {
        let passed = log.passed_over();
        let was_troubled = self.change(|state| {
            (state.position, state.passed) = (position, passed);
            state.trouble.take().is_some()
        });
        if was_troubled {
            self.0.changed.send_replace(());
        }
    }

    /// Records that the log is read to its end, without anything in the way.
    pub fn set_live(&self, position: Position, log: &dyn EventLog) {
        self.set_read(position, log);
        let ended = self.change(|state| {
            if !state.is_at_end() {
                return None;
            }
            let now = Instant::now();
            state.complete_at = now;
            state.fold_took = state.fold_began.map(|began| now.duration_since(began)).or(state.fold_took);
            state.fold_began.take().map(|began| now.duration_since(began))
        });
        if let Some(took) = ended.filter(|_| self.0.is_read) {
            let (service, log, seconds) = (self.0.service, &self.0.name, took.as_secs_f64());
            tracing::info!(service, log, position, seconds, "caught up");
        }
    }

    /// Records the position of the last event on the log.
    pub(crate) fn set_head(&self, head: Position) {
        self.change(|state| {
            state.head = Some(head);
            if state.is_at_end() && state.trouble.is_none() {
                state.complete_at = Instant::now();
            }
        });
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
            log: self.0.name.clone(),
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

    /// The log itself, for a question. `None`: its service has ended.
    pub(crate) fn log(&self) -> Option<Arc<dyn EventLog>> {
        self.0.log.upgrade()
    }

    /// How the log is followed.
    pub(crate) fn status(&self) -> LogStatus {
        let (state, situation) = (self.state(), self.situation());
        LogStatus {
            service: self.0.service,
            log: self.0.name.clone(),
            phase: situation.phase(),
            is_read: self.0.is_read,
            position: state.position,
            head: state.head.filter(|_| self.0.is_read),
            behind: situation.behind,
            folds: state.folds,
            fold_took: state.fold_took,
            reason: state.trouble.map(|trouble| trouble.reason),
        }
    }

    /// What the state of the log follows from. A log that is only written is never behind.
    fn situation(&self) -> Situation {
        let state = self.state();
        let obstacle = state
            .trouble
            .as_ref()
            .map(|trouble| if trouble.is_absence { Obstacle::Absence } else { Obstacle::Damage });
        if !self.0.is_read {
            return Situation { obstacle, is_folded: true, behind: Duration::ZERO };
        }
        let is_folded = state.fold_began.is_none();
        let is_complete = obstacle.is_none() && is_folded && state.is_at_end();
        let behind = if is_complete { Duration::ZERO } else { state.complete_at.elapsed() };
        Situation { obstacle, is_folded, behind }
    }

    fn report(&self) -> Vec<String> {
        let State { position, trouble, passed, .. } = self.state();
        let (log, service) = (&self.0.name, self.0.service);
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

    /// How far a fold is that has not reached the end of the log.
    fn progress(&self) -> Option<String> {
        let LogStatus { service, log, phase, position, head, .. } = self.status();
        let end = head.map(|head| format!(" of {head}")).unwrap_or_default();
        let folding = format!("{service}: log {log} is folded up to position {position}{end}");
        (phase == Phase::Starting).then_some(folding)
    }

    fn standing_error(&self) -> Option<Error> {
        self.state().trouble.and_then(|trouble| trouble.error)
    }

    fn state(&self) -> State {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.0.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
