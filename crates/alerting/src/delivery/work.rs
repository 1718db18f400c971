//! The worker that makes delivery attempts and records their outcome.
//!
//! Waiting messages are in the state, not in queues. Each receiver has at most a few attempts in progress, so
//! that a slow one takes no capacity from others; failing receivers share a pool of their own.
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use jiff::Timestamp;
use orewatch_contracts::alerting::v1::{
    AlertEvent, DeliveryGivenUp, Notification, Receiver, ReceiverDisabled,
};
use orewatch_contracts::{Class, Failure};
use orewatch_eventlog::{Error, EventLog, Filter, NewEvent, Position, StreamName, WaitingLog, history};
use orewatch_receivers::Sender;
use orewatch_receivers::outcome::{Outcome, Refusal};
use orewatch_rules::facts::{alert_event, notification_stream, receiver_stream};
use orewatch_runtime::{Context, trace};
use tokio::sync::{AcquireError, Semaphore, SemaphorePermit, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::Instrument as _;
use uuid::Uuid;

use super::message::MessageRecord;
use super::schedule::{self, Step};
use super::state::DelivererState;
use crate::actors::with_names;
use crate::append::{append, invalid_stream};
use crate::observe::record_attempt;
use crate::service_state::{ServiceState, stopping, wait_until_caught_up, wait_until_folded};
use crate::turns::Turns;

/// Attempts at a time to all healthy receivers, and to all failing ones.
const MAX_CONCURRENT_ATTEMPTS: usize = 64;

/// Time to read a message from the log.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// Time to record the outcome of the last attempts while the process stops.
const RECORD_TIMEOUT: Duration = Duration::from_secs(2);

/// Pause before an attempt is planned again that could not begin because the log is full or away.
const LOG_PAUSE: Duration = Duration::from_secs(1);

/// Time for which the beginning of an attempt is appended again to a log that is away.
const BEGIN_PATIENCE: Duration = Duration::from_secs(30);

/// Something to do for a receiver.
#[derive(Clone, Debug)]
enum Task {
    /// A step of a message.
    Step(Box<MessageRecord>, Step),
    /// Disable a receiver, with the position that its stream is at.
    Disable(ReceiverDisabled, Position),
}

impl Task {
    /// Its subject: no two tasks with the same key run at a time.
    fn key(&self) -> String {
        match self {
            Self::Step(message, _) => message.outline.id.clone(),
            Self::Disable(disabled, _) => format!("receiver/{}", disabled.receiver),
        }
    }

    /// The receiver that it concerns.
    fn receiver(&self) -> &str {
        match self {
            Self::Step(message, _) => &message.outline.receiver,
            Self::Disable(disabled, _) => &disabled.receiver,
        }
    }
}

/// Delivers messages.
#[derive(Clone, Debug)]
pub(crate) struct Deliverer {
    context: Context,
    log: Arc<WaitingLog>,
    service: watch::Receiver<ServiceState>,
    sender: Arc<Sender>,
    /// No other process can write the log.
    is_alone: bool,
    /// Part of the identifiers of events, so that two replicas never append the same one: the log would
    /// recognise the second as a repetition of the first, and both would make the attempt.
    replica: Uuid,
    healthy: Arc<Semaphore>,
    failing: Arc<Semaphore>,
    /// Whose turn it is, where replicas share the work.
    turns: Turns,
}

impl Deliverer {
    /// A worker that has not begun.
    pub(crate) fn new(
        context: Context,
        log: Arc<WaitingLog>,
        service: watch::Receiver<ServiceState>,
        sender: Arc<Sender>,
        is_alone: bool,
    ) -> Self {
        let pool = || Arc::new(Semaphore::new(MAX_CONCURRENT_ATTEMPTS));
        let (replica, healthy, failing) = (Uuid::now_v7(), pool(), pool());
        let turns = Turns::default();
        Self { context, log, service, sender, is_alone, replica, healthy, failing, turns }
    }

    /// The same worker, which takes turns with others.
    pub(crate) fn with_turns(self, turns: Turns) -> Self {
        Self { turns, ..self }
    }

    /// Works until the process stops. Then it begins nothing more, and waits for what is in progress.
    ///
    /// # Errors
    /// Those of the log, once there is no point in waiting any longer.
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let mut tasks = JoinSet::new();
        let shutdown = self.context.shutdown.clone();
        let outcome = tokio::select! {
            () = shutdown.cancelled() => Ok(()),
            // While the process stops, other tasks end first and calls to them fail.
            outcome = self.work(&mut tasks) => if shutdown.is_cancelled() { Ok(()) } else { outcome },
        };
        let last =
            tokio::time::timeout(self.sender.grace() + RECORD_TIMEOUT, wait_for_tasks(&mut tasks)).await;
        match last {
            Ok(ended) => ended.and(outcome),
            Err(_) => {
                let deliveries = tasks.len();
                tracing::warn!(deliveries, "the outcome of deliveries was not recorded; they count as lost");
                outcome
            }
        }
    }

    async fn work(&self, tasks: &mut JoinSet<(String, Result<(), Failure>)>) -> Result<(), Failure> {
        let mut service = self.service.clone();
        wait_until_caught_up(&mut service).await?;
        // This process has made no attempt yet. If no other can, the holders of all leases have ended.
        let abandoned =
            if self.is_alone { leased_attempts(&service.borrow().delivery) } else { BTreeMap::new() };
        let (mut busy, mut turns) = (BTreeSet::new(), self.turns.clone());
        loop {
            let now = self.context.clock.now();
            let (mut todo, next_due) =
                plan_tasks(&service.borrow_and_update().delivery, now, &busy, &abandoned);
            turns.keep(&todo.iter().map(Task::key).collect());
            todo.retain(|task| turns.is_own(task.receiver(), &task.key()));
            for task in todo {
                let key = task.key();
                busy.insert(key.clone());
                let worker = self.clone();
                tasks.spawn(async move { (key, Box::pin(worker.perform(task)).await) });
            }
            tokio::select! {
                changed = service.changed() => changed.map_err(|_| stopping())?,
                () = self.sleep_until(next_due) => {}
                () = turns.changed() => {}
                Some(done) = tasks.join_next() => {
                    let (key, outcome) = done.map_err(panicked)?;
                    busy.remove(&key);
                    outcome?;
                }
            }
        }
    }

    async fn sleep_until(&self, time: Option<Timestamp>) {
        match time {
            Some(time) => self.context.clock.sleep_until(time).await,
            None => std::future::pending().await,
        }
    }

    async fn perform(self, task: Task) -> Result<(), Failure> {
        match task {
            Task::Step(message, Step::Attempt { requested_by, .. }) => {
                self.attempt(&message, requested_by).await
            }
            Task::Step(message, Step::Lost) => {
                let why = "the attempt has no outcome: the process that made it has ended";
                self.record_lost(&message, why).await
            }
            Task::Step(message, Step::GiveUp(reason)) => {
                let notification = message.outline.id.clone();
                let events = vec![AlertEvent::DeliveryGivenUp(DeliveryGivenUp { notification, reason })];
                self.record(&message.outline, message.last, "end", events).await.map(drop)
            }
            Task::Disable(disabled, position) => self.disable(disabled, position).await,
        }
    }

    async fn attempt(&self, message: &MessageRecord, requested_by: Option<String>) -> Result<(), Failure> {
        let (receiver, is_failing) = {
            let service = self.service.borrow();
            let record = service.delivery.receiver(&message.outline.receiver);
            let is_failing = record.is_some_and(|record| record.failing_since.is_some());
            (record.and_then(|record| record.receiver.clone()), is_failing)
        };
        let pool = if is_failing { &self.failing } else { &self.healthy };
        let permit = tokio::select! {
            () = self.context.shutdown.cancelled() => return Ok(()),
            permit = pool.acquire() => permit,
        };
        let (whole, cause) = read_planned(&*self.log, &message.outline).await?;
        let whole = with_names(whole, &self.context.actors);
        let span = tracing::info_span!("deliver", receiver = whole.receiver, notification = whole.id);
        trace::link_to_cause(&span, cause.as_deref());
        let attempt = self.attempt_delivery(message, &whole, receiver, requested_by, permit);
        Box::pin(attempt).instrument(span).await
    }

    /// Makes an attempt to deliver a message, and records its outcome.
    async fn attempt_delivery(
        &self,
        message: &MessageRecord,
        whole: &Notification,
        receiver: Option<Receiver>,
        requested_by: Option<String>,
        permit: Result<SemaphorePermit<'_>, AcquireError>,
    ) -> Result<(), Failure> {
        let now = self.context.clock.now();
        let begun = schedule::attempt_begun(receiver.as_ref(), message, requested_by.as_deref(), now);
        let attempt = begun.attempt;
        let what = format!("attempt {attempt}");
        let stream = notification_stream(&message.outline.receiver, &message.outline.id)
            .map_err(|error| invalid_stream(&error))?;
        let events = self.new_events(&stream, &what, vec![AlertEvent::DeliveryAttempted(begun)]);
        let Some(position) = self.begin(&stream, message.last, events).await? else { return Ok(()) };
        let sent_at = Instant::now();
        let outcome = match &receiver {
            Some(receiver) => self.send(receiver, whole, now).await,
            None => Outcome::Refused(Refusal::configuration("the receiver was removed")),
        };
        drop(permit);
        let metrics = &self.context.metrics;
        record_attempt(metrics, &whole.receiver, receiver.as_ref(), &outcome, sent_at.elapsed());
        if let Outcome::Refused(refusal) = &outcome {
            let (receiver, notification, kind) = (&whole.receiver, &whole.id, refusal.kind.as_str_name());
            tracing::warn!(
                receiver,
                notification,
                attempt,
                kind,
                reason = refusal.message,
                "a message was not delivered"
            );
        }
        let by_hand = requested_by.is_some();
        let scheduled = message.scheduled_attempts.saturating_add(u32::from(!by_hand));
        let now = self.context.clock.now();
        let events = schedule::attempt_ended(&message.outline.id, attempt, scheduled, by_hand, outcome, now);
        self.record(&message.outline, position, &format!("end of {attempt}"), events).await.map(drop)
    }

    /// Sends a message. While the process stops it waits only for the grace period.
    async fn send(&self, receiver: &Receiver, message: &Notification, now: Timestamp) -> Outcome {
        let stopped = async {
            self.context.shutdown.cancelled().await;
            tokio::time::sleep(self.sender.grace()).await;
        };
        tokio::select! {
            outcome = self.sender.send(receiver, message, now) => outcome,
            () = stopped => schedule::lost_attempt("the process stopped before the receiver answered"),
        }
    }

    /// Records an attempt without an outcome as lost.
    async fn record_lost(&self, message: &MessageRecord, why: &str) -> Result<(), Failure> {
        let Some(lease) = &message.lease else { return Ok(()) };
        let now = self.context.clock.now();
        let (id, scheduled) = (&message.outline.id, message.scheduled_attempts);
        let lost = schedule::lost_attempt(why);
        let events = schedule::attempt_ended(id, lease.attempt, scheduled, lease.by_hand, lost, now);
        let what = format!("end of {}", lease.attempt);
        self.record(&message.outline, message.last, &what, events).await.map(drop)
    }

    async fn disable(&self, disabled: ReceiverDisabled, position: Position) -> Result<(), Failure> {
        tracing::warn!(receiver = disabled.receiver, reason = disabled.reason, "the receiver is disabled");
        let stream = receiver_stream(&disabled.receiver).map_err(|error| invalid_stream(&error))?;
        self.append(&stream, position, "disabled", vec![AlertEvent::ReceiverDisabled(disabled)])
            .await
            .map(drop)
    }

    /// Appends events to the stream of a message. None: another event was appended first.
    async fn record(
        &self,
        message: &Notification,
        expected: Position,
        what: &str,
        events: Vec<AlertEvent>,
    ) -> Result<Option<Position>, Failure> {
        let stream =
            notification_stream(&message.receiver, &message.id).map_err(|error| invalid_stream(&error))?;
        self.append(&stream, expected, what, events).await
    }

    /// Appends that an attempt begins. None: another event was appended first, or the log is full or away. An
    /// attempt does not wait for it long, because its lease and its signature would be out of date by then:
    /// it is planned again.
    async fn begin(
        &self,
        stream: &StreamName,
        expected: Position,
        events: Vec<NewEvent>,
    ) -> Result<Option<Position>, Failure> {
        let deadline = Instant::now() + BEGIN_PATIENCE;
        loop {
            match self.log.append_now(stream, expected, events.clone()).await {
                Ok(positions) => {
                    let position = positions.last().copied().unwrap_or(expected);
                    return self.wait_for_append(Ok(position)).await;
                }
                // The same append once more says whether it was stored.
                Err(Error::Unavailable { .. }) if Instant::now() < deadline => {
                    tokio::time::sleep(LOG_PAUSE).await
                }
                Err(Error::Full { .. } | Error::Unavailable { .. }) => {
                    tokio::time::sleep(LOG_PAUSE).await;
                    return Ok(None);
                }
                Err(Error::Conflict { actual, .. }) => return self.wait_for_append(Err(actual)).await,
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn append(
        &self,
        stream: &StreamName,
        expected: Position,
        what: &str,
        events: Vec<AlertEvent>,
    ) -> Result<Option<Position>, Failure> {
        let events = self.new_events(stream, what, events);
        let appended = append(&*self.log, stream, expected, events).await?;
        self.wait_for_append(appended).await
    }

    fn new_events(&self, stream: &StreamName, what: &str, events: Vec<AlertEvent>) -> Vec<NewEvent> {
        let now = self.context.clock.now();
        let what = format!("{what}/{}", self.replica);
        let traceparent = trace::traceparent();
        let new = |event| {
            let event = alert_event(event, stream, &what, now);
            NewEvent { traceparent: traceparent.clone(), ..event }
        };
        events.into_iter().map(new).collect()
    }

    /// Waits until an append, or the event in its place, is folded. None: another event was appended first.
    async fn wait_for_append(
        &self,
        appended: Result<Position, Position>,
    ) -> Result<Option<Position>, Failure> {
        let (Ok(position) | Err(position)) = appended;
        // What is planned next follows from it. While the service stops nothing more is planned.
        tokio::select! {
            () = self.context.shutdown.cancelled() => {}
            seen = async { wait_until_folded(&mut self.service.clone(), position).await } => seen?,
        }
        Ok(appended.ok())
    }
}

/// Waits until the tasks in progress have ended.
async fn wait_for_tasks(tasks: &mut JoinSet<(String, Result<(), Failure>)>) -> Result<(), Failure> {
    while let Some(done) = tasks.join_next().await {
        let (_, ended) = done.map_err(panicked)?;
        if let Err(failure) = ended {
            tracing::warn!(%failure, "a delivery was not recorded; it counts as lost");
        }
    }
    Ok(())
}

fn panicked(error: tokio::task::JoinError) -> Failure {
    Failure::internal(format!("a delivery ended early: {error}"))
}

/// The attempts that have a lease, by message.
fn leased_attempts(state: &DelivererState) -> BTreeMap<String, u32> {
    let leased =
        |message: &MessageRecord| Some((message.outline.id.clone(), message.lease.as_ref()?.attempt));
    state.messages().filter_map(leased).collect()
}

/// What to do now, and when to look again. Attempts in `abandoned` are lost, whenever their leases expire.
fn plan_tasks(
    state: &DelivererState,
    now: Timestamp,
    busy: &BTreeSet<String>,
    abandoned: &BTreeMap<String, u32>,
) -> (Vec<Task>, Option<Timestamp>) {
    let mut todo = Vec::new();
    let mut next_due: Option<Timestamp> = None;
    let mut busy = Cow::Borrowed(busy);
    for (id, attempt) in abandoned.iter().filter(|(id, _)| !busy.contains(*id)).collect::<Vec<_>>() {
        let is_abandoned =
            |message: &&MessageRecord| message.lease.as_ref().is_some_and(|lease| lease.attempt == *attempt);
        if let Some(message) = state.message(id).filter(is_abandoned) {
            todo.push(Task::Step(Box::new(message.clone()), Step::Lost));
            busy.to_mut().insert(id.clone());
        }
    }
    for (id, record) in state.receivers() {
        if let Some(disabled) = schedule::disable_event(id, record) {
            let task = Task::Disable(disabled, record.position);
            if !busy.contains(&task.key()) {
                todo.push(task);
            }
        }
        let plan = schedule::plan(state, id, now, &busy);
        let steps = plan.steps.into_iter();
        todo.extend(steps.filter_map(|(id, step)| {
            state.message(&id).map(|message| Task::Step(Box::new(message.clone()), step))
        }));
        next_due = [next_due, plan.next_due].into_iter().flatten().min();
    }
    (todo, next_due)
}

/// Reads a whole message from the log.
///
/// # Errors
/// [`Class::Damaged`] if it is not there; [`Class::Unavailable`] if that takes too long.
pub(super) async fn read_message(
    log: &dyn EventLog,
    outline: &Notification,
) -> Result<Notification, Failure> {
    read_planned(log, outline).await.map(|(message, _)| message)
}

/// Reads a whole message from the log, with the trace context of what first caused it.
async fn read_planned(
    log: &dyn EventLog,
    outline: &Notification,
) -> Result<(Notification, Option<String>), Failure> {
    let stream =
        notification_stream(&outline.receiver, &outline.id).map_err(|error| invalid_stream(&error))?;
    let find = async {
        let mut events = history(log, Filter::Under(stream), 0);
        while let Some(event) = events.try_next().await? {
            if let Some(AlertEvent::NotificationPlanned(planned)) = AlertEvent::read(&event)?
                && let Some(message) = planned.notification
            {
                return Ok((message, event.traceparent));
            }
        }
        let message = format!("the message {} is not on the log", outline.id);
        Err(Failure::new(Class::Damaged, "log-corrupt", message))
    };
    tokio::time::timeout(READ_TIMEOUT, find).await.unwrap_or_else(|_| {
        let message = format!("a message was not read within {} s", READ_TIMEOUT.as_secs());
        Err(Failure::new(Class::Unavailable, "log-slow", message))
    })
}
