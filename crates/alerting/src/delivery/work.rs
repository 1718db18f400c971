//! The worker: does what the course of each delivery says, with bounds on everything.
//!
//! What waits is in the state, not in queues: each receiver has at most a few attempts under way, so that one that is slow or
//! dead takes no place of another; those that fail share a pool of their own.
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use jiff::Timestamp;
use orewatch_contracts::alerting::v1::{DeliveryGivenUp, Notification, ReceiverDisabled};
use orewatch_eventlog::{Error, EventLog, Filter, Item, NewEvent, Position, StreamName, WaitingLog};
use orewatch_runtime::{Class, Context, Failure};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::course::{self, Step};
use super::evolve::{Message, State};
use super::outcome::Outcome;
use super::sender::Sender;
use crate::append::{append, unnameable};
use crate::batch::ended;
use crate::book::{Book, see, wait_for};
use crate::facts::{Fact, notification_stream, receiver_stream};

/// Attempts at a time to all receivers that are well, and to all that fail.
const AT_A_TIME: usize = 64;

/// How long a message may take to be read from the log.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long the log may take to record how the last attempts ended, once the process stops.
const RECORDING: Duration = Duration::from_secs(2);

/// How long an attempt that the full log did not take is not planned again.
const FULL: Duration = Duration::from_secs(1);

/// Something to do.
#[derive(Clone, Debug)]
enum Task {
    /// A step of a message.
    Step(Box<Message>, Step),
    /// Disable a receiver, with the position that its stream is at.
    Disable(ReceiverDisabled, Position),
}

impl Task {
    /// What it is about: no two of the same are under way.
    fn key(&self) -> String {
        match self {
            Self::Step(message, _) => message.outline.id.clone(),
            Self::Disable(disabled, _) => format!("receiver/{}", disabled.receiver),
        }
    }
}

/// Does what is to be done about deliveries.
#[derive(Clone, Debug)]
pub(crate) struct Deliverer {
    context: Context,
    alerts: Arc<WaitingLog>,
    book: watch::Receiver<Book>,
    sender: Arc<Sender>,
    /// No other process can write the log.
    is_alone: bool,
    /// Told apart by this, two replicas never append the same event: of two attempts one is refused.
    replica: Uuid,
    healthy: Arc<Semaphore>,
    failing: Arc<Semaphore>,
}

impl Deliverer {
    /// A worker that has not begun.
    pub(crate) fn new(
        context: Context,
        alerts: Arc<WaitingLog>,
        book: watch::Receiver<Book>,
        sender: Arc<Sender>,
        is_alone: bool,
    ) -> Self {
        let pool = || Arc::new(Semaphore::new(AT_A_TIME));
        let (replica, healthy, failing) = (Uuid::now_v7(), pool(), pool());
        Self { context, alerts, book, sender, is_alone, replica, healthy, failing }
    }

    /// Works until the process stops; then begins nothing more, and ends what is under way.
    ///
    /// # Errors
    /// Those of the log, once its adapter has given up.
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let mut tasks = JoinSet::new();
        let shutdown = self.context.shutdown.clone();
        let outcome = tokio::select! {
            () = shutdown.cancelled() => Ok(()),
            // Whoever it listens to may have gone a moment before.
            outcome = self.work(&mut tasks) => if shutdown.is_cancelled() { Ok(()) } else { outcome },
        };
        let last = tokio::time::timeout(self.sender.grace() + RECORDING, ending(&mut tasks)).await;
        match last {
            Ok(ended) => ended.and(outcome),
            Err(_) => {
                let deliveries = tasks.len();
                tracing::warn!(deliveries, "the log did not take how deliveries ended; they count as lost");
                outcome
            }
        }
    }

    async fn work(&self, tasks: &mut JoinSet<(String, Result<(), Failure>)>) -> Result<(), Failure> {
        let mut book = self.book.clone();
        let closed =
            |_| Failure::new(Class::Unavailable, "shutting-down", "the alerting service is stopping");
        book.wait_for(|book| book.caught_up).await.map(drop).map_err(closed)?;
        // This process has attempted nothing yet: where no other can, whoever holds a lease has ended.
        let abandoned = if self.is_alone { leases(&book.borrow().delivery) } else { BTreeMap::new() };
        let mut busy = BTreeSet::new();
        loop {
            let now = self.context.clock.now();
            let (todo, wake) = look(&book.borrow_and_update().delivery, now, &busy, &abandoned);
            for task in todo {
                let key = task.key();
                busy.insert(key.clone());
                let worker = self.clone();
                tasks.spawn(async move { (key, Box::pin(worker.perform(task)).await) });
            }
            tokio::select! {
                changed = book.changed() => changed.map_err(closed)?,
                () = self.until(wake) => {}
                Some(done) = tasks.join_next() => {
                    let done = done.map_err(|error| Failure::internal(format!("a delivery ended badly: {error}")));
                    let (key, outcome) = done?;
                    busy.remove(&key);
                    outcome?;
                }
            }
        }
    }

    async fn until(&self, wake: Option<Timestamp>) {
        match wake {
            Some(time) => self.context.clock.until(time).await,
            None => std::future::pending().await,
        }
    }

    async fn perform(self, task: Task) -> Result<(), Failure> {
        match task {
            Task::Step(message, Step::Attempt { asked_by, .. }) => self.attempt(&message, asked_by).await,
            Task::Step(message, Step::Lost) => {
                let why = "nothing was heard of the attempt: the process that made it has ended";
                self.conclude_lost(&message, why).await
            }
            Task::Step(message, Step::GiveUp(reason)) => {
                let notification = message.outline.id.clone();
                let facts = vec![Fact::GivenUp(DeliveryGivenUp { notification, reason })];
                self.record(&message.outline, message.last, "end", facts).await.map(drop)
            }
            Task::Disable(disabled, position) => self.disable(disabled, position).await,
        }
    }

    async fn attempt(&self, message: &Message, asked_by: Option<String>) -> Result<(), Failure> {
        let (receiver, is_failing) = {
            let book = self.book.borrow();
            let standing = book.delivery.receiver(&message.outline.receiver);
            let is_failing = standing.is_some_and(|standing| standing.failing_since.is_some());
            (standing.and_then(|standing| standing.receiver.clone()), is_failing)
        };
        let pool = if is_failing { &self.failing } else { &self.healthy };
        let permit = tokio::select! {
            () = self.context.shutdown.cancelled() => return Ok(()),
            permit = pool.acquire() => permit,
        };
        let whole = whole(&*self.alerts, &message.outline).await?;
        let now = self.context.clock.now();
        let begun = course::attempted(receiver.as_ref(), message, asked_by.as_deref(), now);
        let attempt = begun.attempt;
        let what = format!("attempt {attempt}");
        let stream = notification_stream(&message.outline.receiver, &message.outline.id)
            .map_err(|error| unnameable(&error))?;
        let events = self.events(&stream, &what, vec![Fact::Attempted(begun)]);
        let Some(position) = self.begin(&stream, message.last, events).await? else { return Ok(()) };
        let outcome = match &receiver {
            Some(receiver) => self.send(receiver, &whole, now).await,
            None => Outcome::Refused(super::outcome::Refusal::configuration("the receiver was removed")),
        };
        drop(permit);
        if let Outcome::Refused(refusal) = &outcome {
            let (receiver, notification, kind) = (&whole.receiver, &whole.id, refusal.kind.as_str_name());
            tracing::warn!(
                receiver,
                notification,
                attempt,
                kind,
                reason = refusal.message,
                "a message was not taken"
            );
        }
        let by_hand = asked_by.is_some();
        let tries = message.tries.saturating_add(u32::from(!by_hand));
        let now = self.context.clock.now();
        let facts = course::concluded(&message.outline.id, attempt, tries, by_hand, outcome, now);
        self.record(&message.outline, position, &format!("end of {attempt}"), facts).await.map(drop)
    }

    /// Sends; when the process stops it waits only for so long.
    async fn send(
        &self,
        receiver: &orewatch_contracts::alerting::v1::Receiver,
        message: &Notification,
        now: Timestamp,
    ) -> Outcome {
        let stopped = async {
            self.context.shutdown.cancelled().await;
            tokio::time::sleep(self.sender.grace()).await;
        };
        tokio::select! {
            outcome = self.sender.send(receiver, message, now) => outcome,
            () = stopped => course::lost("the process stopped before the receiver answered"),
        }
    }

    async fn conclude_lost(&self, message: &Message, why: &str) -> Result<(), Failure> {
        let Some(lease) = &message.lease else { return Ok(()) };
        let now = self.context.clock.now();
        let id = &message.outline.id;
        let facts =
            course::concluded(id, lease.attempt, message.tries, lease.by_hand, course::lost(why), now);
        self.record(&message.outline, message.last, &format!("end of {}", lease.attempt), facts)
            .await
            .map(drop)
    }

    async fn disable(&self, disabled: ReceiverDisabled, position: Position) -> Result<(), Failure> {
        tracing::warn!(receiver = disabled.receiver, reason = disabled.reason, "the receiver is disabled");
        let stream = receiver_stream(&disabled.receiver).map_err(|error| unnameable(&error))?;
        self.append(&stream, position, "disabled", vec![Fact::ReceiverDisabled(disabled)]).await.map(drop)
    }

    /// Records what happens to a message. None: somebody else was faster.
    async fn record(
        &self,
        message: &Notification,
        expected: Position,
        what: &str,
        facts: Vec<Fact>,
    ) -> Result<Option<Position>, Failure> {
        let stream =
            notification_stream(&message.receiver, &message.id).map_err(|error| unnameable(&error))?;
        self.append(&stream, expected, what, facts).await
    }

    /// Records that an attempt begins. None: somebody else was faster, or the log is full. An attempt that would have to wait for room is
    /// planned again instead: its lease and its signature are of the present.
    async fn begin(
        &self,
        stream: &StreamName,
        expected: Position,
        events: Vec<NewEvent>,
    ) -> Result<Option<Position>, Failure> {
        match self.alerts.append_now(stream, expected, events.clone()).await {
            Ok(positions) => self.seen(Ok(positions.last().copied().unwrap_or(expected))).await,
            Err(Error::Full { .. }) => {
                tokio::time::sleep(FULL).await;
                Ok(None)
            }
            // Whatever else it is, the same again is decided as for every append.
            Err(_) => {
                let appended = append(&*self.alerts, stream, expected, events).await?;
                self.seen(appended).await
            }
        }
    }

    async fn append(
        &self,
        stream: &StreamName,
        expected: Position,
        what: &str,
        facts: Vec<Fact>,
    ) -> Result<Option<Position>, Failure> {
        let events = self.events(stream, what, facts);
        let appended = append(&*self.alerts, stream, expected, events).await?;
        self.seen(appended).await
    }

    fn events(&self, stream: &StreamName, what: &str, facts: Vec<Fact>) -> Vec<NewEvent> {
        let now = self.context.clock.now();
        let what = format!("{what}/{}", self.replica);
        facts.into_iter().map(|fact| fact.into_event(stream, &what, now)).collect()
    }

    /// Waits until what was appended, or what was there in its place, is folded. None: somebody else was faster.
    async fn seen(&self, appended: Result<Position, Position>) -> Result<Option<Position>, Failure> {
        let (Ok(position) | Err(position)) = appended;
        // What is told next follows from this; a book that is closed is read by nobody.
        tokio::select! {
            () = self.context.shutdown.cancelled() => {}
            seen = async { see(&mut self.book.clone(), position).await } => seen?,
        }
        Ok(appended.ok())
    }
}

/// Waits until deliveries that were under way have ended.
async fn ending(tasks: &mut JoinSet<(String, Result<(), Failure>)>) -> Result<(), Failure> {
    while let Some(done) = tasks.join_next().await {
        let (_, ended) =
            done.map_err(|error| Failure::internal(format!("a delivery ended badly: {error}")))?;
        if let Err(failure) = ended {
            tracing::warn!(%failure, "a delivery was not recorded; it counts as lost");
        }
    }
    Ok(())
}

/// The attempts that are under way, by message.
fn leases(state: &State) -> BTreeMap<String, u32> {
    let leased = |message: &Message| Some((message.outline.id.clone(), message.lease.as_ref()?.attempt));
    state.messages().filter_map(leased).collect()
}

/// All that is to be done now, and when to look again. Attempts in `abandoned` are lost, however long their leases last.
fn look(
    state: &State,
    now: Timestamp,
    busy: &BTreeSet<String>,
    abandoned: &BTreeMap<String, u32>,
) -> (Vec<Task>, Option<Timestamp>) {
    let mut todo = Vec::new();
    let mut wake: Option<Timestamp> = None;
    let mut busy = Cow::Borrowed(busy);
    for (id, attempt) in abandoned.iter().filter(|(id, _)| !busy.contains(*id)).collect::<Vec<_>>() {
        let is_open =
            |message: &&Message| message.lease.as_ref().is_some_and(|lease| lease.attempt == *attempt);
        if let Some(message) = state.message(id).filter(is_open) {
            todo.push(Task::Step(Box::new(message.clone()), Step::Lost));
            busy.to_mut().insert(id.clone());
        }
    }
    for (id, standing) in state.receivers() {
        if let Some(disabled) = course::doomed(id, standing) {
            let task = Task::Disable(disabled, standing.position);
            if !busy.contains(&task.key()) {
                todo.push(task);
            }
        }
        let plan = course::plan(state, id, now, &busy);
        let steps = plan.steps.into_iter();
        todo.extend(steps.filter_map(|(id, step)| {
            state.message(&id).map(|message| Task::Step(Box::new(message.clone()), step))
        }));
        wake = [wake, plan.wake].into_iter().flatten().min();
    }
    (todo, wake)
}

/// A message in whole, from the log.
///
/// # Errors
/// [`Class::Damaged`] if it is not there; [`Class::Unavailable`] if that takes too long.
pub(super) async fn whole(log: &dyn EventLog, outline: &Notification) -> Result<Notification, Failure> {
    let stream = notification_stream(&outline.receiver, &outline.id).map_err(|error| unnameable(&error))?;
    let find = async {
        let mut items = log.read(Filter::Under(stream), 0);
        loop {
            match items.next().await.unwrap_or_else(|| Err(ended(log.name())))? {
                Item::Event(event) => {
                    if let Some(Fact::Planned(planned)) = Fact::read(&event)?
                        && let Some(message) = planned.notification
                    {
                        return Ok(message);
                    }
                }
                Item::CaughtUp(_) => {
                    let message = format!("the message {} is not on the log", outline.id);
                    return Err(Failure::new(Class::Damaged, "log-corrupt", message));
                }
            }
        }
    };
    tokio::time::timeout(PATIENCE, find).await.unwrap_or_else(|_| {
        let message = format!("a message was not read within {} s", PATIENCE.as_secs());
        Err(Failure::new(Class::Unavailable, "alerts-log-slow", message))
    })
}

/// Waits until the book holds all of history.
///
/// # Errors
/// [`Class::Unavailable`] if that takes too long.
pub(super) async fn caught_up(book: &mut watch::Receiver<Book>) -> Result<(), Failure> {
    wait_for(book, |book| book.caught_up).await
}
