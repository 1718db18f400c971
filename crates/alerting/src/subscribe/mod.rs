//! Transitions of alerts as a stream.
//!
//! [`selection`] decides what a subscription is told of and [`course`] what it is told next; both are plain code. Each subscription
//! has a task that reads for it: the end of the log from memory, which is kept once for all ([`tail`]), what is older from
//! the log. Between the task and the connection stands a bounded [`queue`]: a subscriber that is slow holds up nobody, and one
//! that takes nothing is ended where it stopped reading.
mod course;
mod queue;
mod selection;
mod tail;

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use jiff::Timestamp;
use orewatch_contracts::alerting::v1::{Alert, AlertTransition, SubscribeAlertsResponse};
use orewatch_eventlog::{Error, Event, EventLog, Filter, Item, Items, Position};
use orewatch_runtime::{Class, Context, Failure};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::Instant;
use tonic::Status;

use crate::alert::alert_of;
use crate::append::unnameable;
use crate::batch::ended;
use crate::book::Latest;
use crate::facts::{Fact, alert_stream};
use course::{Course, Next};
use queue::{Closed, Sender};
pub(crate) use selection::Selection;
use tail::{Before, What};
pub(crate) use tail::{Entry, Tail};

/// What a subscriber is sent.
pub(crate) type Responses = BoxStream<'static, Result<SubscribeAlertsResponse, Status>>;

/// The alerts that a subscription begins with.
#[derive(Debug)]
pub(crate) struct Snapshot {
    /// The alerts, by identifier, as their last transitions left them.
    pub(crate) alerts: Vec<Arc<Alert>>,
    /// What they are shown with.
    pub(crate) latest: Latest,
    /// When it was taken.
    pub(crate) taken_at: Timestamp,
    /// How many snapshots there may be at a time is bounded: the place of this one.
    pub(crate) place: OwnedSemaphorePermit,
}

/// How a subscription begins, and what it is of.
#[derive(Debug)]
pub(crate) struct Beginning {
    /// What it is told of.
    pub(crate) selection: Selection,
    /// Transitions after this position.
    pub(crate) after: Position,
    /// What comes before them.
    pub(crate) snapshot: Option<Snapshot>,
    /// After how long without a message one says that the stream lives.
    pub(crate) heartbeat: Duration,
    /// How many subscriptions there may be is bounded: the place of this one.
    pub(crate) place: OwnedSemaphorePermit,
}

/// Begins a subscription. Its task ends with the subscriber, after an error, or when the service stops.
pub(crate) fn begin(
    beginning: Beginning,
    log: &Arc<dyn EventLog>,
    tail: &Arc<Tail>,
    context: &Context,
) -> Responses {
    let Beginning { selection, after, snapshot, heartbeat, place } = beginning;
    let course = Course::new(selection, after);
    let token = if snapshot.is_some() { String::new() } else { course.token() };
    let (sender, messages) = queue::queue(token, queue::PATIENCE);
    let subscriber = Subscriber {
        course,
        sender,
        log: Arc::clone(log),
        news: tail.news(),
        tail: Arc::clone(tail),
        history: None,
        heartbeat,
        spoke_at: Instant::now(),
        context: context.clone(),
    };
    context.tasks.spawn(async move {
        subscriber.run(snapshot).await;
        drop(place);
    });
    messages.boxed()
}

/// Reads for one subscription.
struct Subscriber {
    course: Course,
    sender: Sender,
    log: Arc<dyn EventLog>,
    tail: Arc<Tail>,
    news: watch::Receiver<()>,
    /// The log, while it is read for what the tail does not hold any more.
    history: Option<History>,
    heartbeat: Duration,
    /// When it was sent something last.
    spoke_at: Instant,
    context: Context,
}

/// The log, as one subscription reads it.
struct History {
    items: Items,
    /// How many read it at a time is bounded: the place of this one.
    _place: OwnedSemaphorePermit,
}

/// Why a subscription ends.
enum End {
    Closed(Closed),
    Failed(Failure),
}

impl From<Closed> for End {
    fn from(closed: Closed) -> Self {
        Self::Closed(closed)
    }
}

impl From<Failure> for End {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<Error> for End {
    fn from(error: Error) -> Self {
        Self::Failed(match error {
            Error::Gone { oldest, .. } => gone(oldest),
            other => other.into(),
        })
    }
}

impl Subscriber {
    async fn run(mut self, snapshot: Option<Snapshot>) {
        let shutdown = self.context.shutdown.clone();
        let end = tokio::select! {
            biased;
            () = shutdown.cancelled() => End::Failed(stopping()),
            end = self.work(snapshot) => end,
        };
        match end {
            End::Closed(Closed::Left) => {}
            End::Closed(Closed::Stalled(token)) => {
                tracing::info!(position = self.course.position(), "a subscriber takes nothing: it is ended");
                let last = self.course.ended(token, self.tail.head(), self.context.clock.now());
                self.sender.cut(last);
            }
            End::Failed(failure) => self.sender.fail(failure.into()),
        }
    }

    async fn work(&mut self, snapshot: Option<Snapshot>) -> End {
        if let Some(snapshot) = snapshot
            && let Err(closed) = self.tell_snapshot(snapshot).await
        {
            return closed.into();
        }
        loop {
            if let Err(end) = self.step().await {
                return end;
            }
        }
    }

    async fn tell_snapshot(&mut self, snapshot: Snapshot) -> Result<(), Closed> {
        let Snapshot { alerts, latest, taken_at, place } = snapshot;
        let count = alerts.len();
        for alert in alerts {
            self.sender.send(Course::item(latest.standing(&alert))).await?;
        }
        drop(place);
        let end = self.course.snapshot_end(count, taken_at);
        self.sender.send(end).await
    }

    /// Tells what is there; if nothing is, waits for it.
    async fn step(&mut self) -> Result<(), End> {
        let Some(batch) = self.tail.after(self.course.position()) else {
            return self.read_history().await;
        };
        self.history = None;
        for entry in batch.entries {
            self.take(entry).await?;
        }
        if batch.is_last {
            let caught_up = self.course.caught_up(self.course.position(), self.context.clock.now());
            self.send(caught_up).await?;
        }
        if self.tail.after(self.course.position()).is_none_or(|batch| !batch.entries.is_empty()) {
            return Ok(());
        }
        self.wait().await
    }

    /// Waits for news of the tail. Meanwhile the subscriber may leave, and hears that the stream lives.
    async fn wait(&mut self) -> Result<(), End> {
        tokio::select! {
            news = self.news.changed() => news.map_err(|_closed| stopping().into()),
            () = self.sender.left() => Err(Closed::Left.into()),
            () = tokio::time::sleep_until(self.spoke_at + self.heartbeat) => self.beat().await,
        }
    }

    /// Takes one item of the log. The tail takes over as soon as it holds what follows.
    async fn read_history(&mut self) -> Result<(), End> {
        if self.history.is_none() {
            let behind = self.course.fell_behind(self.tail.head(), self.context.clock.now());
            self.send(behind).await?;
        }
        let Some(history) = &mut self.history else { return self.wait_for_history().await };
        let log = &self.log;
        let item = tokio::select! {
            item = history.items.next() => item.unwrap_or_else(|| Err(ended(log.name())))?,
            () = self.sender.left() => return Err(Closed::Left.into()),
            () = tokio::time::sleep_until(self.spoke_at + self.heartbeat) => return self.beat().await,
        };
        match item {
            Item::Event(event) => self.take(Entry::read(&event)?).await,
            Item::CaughtUp(position) => {
                let caught_up = self.course.caught_up(position, self.context.clock.now());
                self.send(caught_up).await
            }
        }
    }

    /// Waits for a place among those who read the log.
    async fn wait_for_history(&mut self) -> Result<(), End> {
        let place = tokio::select! {
            place = self.tail.place() => place,
            () = self.sender.left() => return Err(Closed::Left.into()),
            () = tokio::time::sleep_until(self.spoke_at + self.heartbeat) => return self.beat().await,
        };
        let place = place.ok_or_else(stopping)?;
        let items = self.log.read(Filter::All, self.course.position());
        self.history = Some(History { items, _place: place });
        Ok(())
    }

    async fn take(&mut self, mut entry: Entry) -> Result<(), End> {
        loop {
            match self.course.take(&entry, self.context.clock.now()) {
                Next::Pass => return Ok(()),
                Next::Tell(message) => return self.send(Some(*message)).await,
                Next::Ask(transition) => {
                    let before = before(&*self.log, &transition, entry.position).await?;
                    entry.what = What::Transition(transition, before);
                }
            }
        }
    }

    /// Says that the stream lives.
    async fn beat(&mut self) -> Result<(), End> {
        let checkpoint = self.course.checkpoint(self.context.clock.now());
        self.send(Some(checkpoint)).await
    }

    async fn send(&mut self, message: Option<SubscribeAlertsResponse>) -> Result<(), End> {
        if let Some(message) = message {
            self.sender.send(message).await?;
            self.spoke_at = Instant::now();
        }
        Ok(())
    }
}

/// How the alert of a transition stood before it: what its stream says up to there.
async fn before(log: &dyn EventLog, transition: &AlertTransition, position: Position) -> Result<Before, End> {
    let alert = transition.event.as_ref().and_then(alert_of).map_or("", |alert| alert.id.as_str());
    let stream = alert_stream(alert).map_err(|error| unnameable(&error))?;
    let mut items = log.read(Filter::Under(stream), 0);
    let mut earlier = None;
    while let Some(item) = items.next().await {
        match item? {
            Item::Event(event) if event.position < position => {
                let What::Transition(transition, _) = Entry::read(&event)?.what else { continue };
                earlier = selection::standing([transition]).or(earlier);
            }
            Item::Event(_) | Item::CaughtUp(_) => break,
        }
    }
    Ok(Before::Known(earlier))
}

/// The transition that an event records, if it records one.
pub(crate) fn transition(event: &Event, fact: Fact) -> Option<AlertTransition> {
    let Fact::Alert(transition) = fact else { return None };
    Some(AlertTransition {
        event_id: event.id.to_string(),
        time: Some(timestamp(event.time)),
        event: Some(transition),
    })
}

/// An instant as the contracts write it.
pub(crate) fn timestamp(time: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: time.as_second(), nanos: time.subsec_nanosecond() }
}

fn stopping() -> Failure {
    Failure::new(Class::Unavailable, "shutting-down", "the alerting service is stopping")
        .with_hint("subscribe again with the last resume token")
}

fn gone(oldest: Position) -> Failure {
    let message = format!("the log does not reach back to this token: it begins at position {oldest}");
    Failure::new(Class::Refused, "resume-token-gone", message).with_hint(
        "subscribe with a snapshot and without a token: it tells the alerts as they stand, and goes on from there",
    )
}
