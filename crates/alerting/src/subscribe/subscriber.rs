//! The task of one subscription: it reads events, newest from memory and older ones from the log, and fills
//! the queue.
//!
//! At every point where it waits it also notices that the subscriber has disconnected, and that a heartbeat
//! is due.
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::ReadyChunks;
use orewatch_contracts::alerting::v1::{Alert, AlertTransition, SubscribeAlertsResponse};
use orewatch_contracts::{Class, Failure};
use orewatch_eventlog::{Error, EventLog, Filter, Item, Items, Position};
use orewatch_rules::alert::alert_of;
use orewatch_rules::facts::alert_stream;
use orewatch_runtime::Context;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::Instant;

use super::AlertSnapshot;
use super::cursor::{Cursor, Next};
use super::queue::{Closed, Sender};
use super::recent::{AlertBefore, RecentEvents, StreamContent, StreamEvent};
use super::selection::{self, Relevance, Selection};
use crate::actors::with_names;
use crate::append::invalid_stream;
use crate::blocking::process_chunk;
use crate::service_state::stopping;

/// Events of the log, or alerts of a snapshot, that are processed at a time; then other subscriptions have
/// their turn.
const CHUNK_SIZE: usize = 64;

/// Comparisons of texts that an async thread makes at a time; more are made on a blocking thread.
const MAX_COMPARISONS: usize = 1_000;

/// Time for a subscriber to read the alerts of a snapshot.
const SNAPSHOT_TIMEOUT: Duration = Duration::from_mins(10);

/// Reads for one subscription.
pub(super) struct Subscriber {
    cursor: Cursor,
    sender: Sender,
    log: Arc<dyn EventLog>,
    recent: Arc<RecentEvents>,
    /// The log that it began on.
    epoch: u64,
    changes: watch::Receiver<()>,
    /// The log, while it is read for events that are no longer in memory.
    reader: Option<LogReader>,
    heartbeat: Duration,
    /// When the last message was sent.
    last_sent: Instant,
    context: Context,
}

/// The log, as one subscription reads it.
struct LogReader {
    items: ReadyChunks<Items>,
    /// The number of readers at a time is bounded: the permit of this one.
    _permit: OwnedSemaphorePermit,
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
            Error::Gone { oldest, .. } => token_gone(oldest),
            other => other.into(),
        })
    }
}

impl Subscriber {
    /// A subscriber that has read nothing.
    pub(super) fn new(
        cursor: Cursor,
        sender: Sender,
        log: Arc<dyn EventLog>,
        recent: Arc<RecentEvents>,
        heartbeat: Duration,
        context: Context,
    ) -> Self {
        let (changes, epoch, last_sent) = (recent.changes(), recent.epoch(), Instant::now());
        Self { cursor, sender, log, recent, epoch, changes, reader: None, heartbeat, last_sent, context }
    }

    /// Sends the snapshot, if there is one, and then events until the subscription ends.
    pub(super) async fn run(mut self, snapshot: Option<AlertSnapshot>) {
        let shutdown = self.context.shutdown.clone();
        let end = tokio::select! {
            biased;
            () = shutdown.cancelled() => End::Failed(stopping_stream()),
            end = self.send_all(snapshot) => end,
        };
        match end {
            End::Closed(Closed::Disconnected) => {}
            End::Closed(Closed::Stalled(token)) => {
                tracing::info!(position = self.cursor.position(), "a subscriber does not read and is ended");
                let last = self.cursor.stalled(token, self.recent.head(), self.context.clock.now());
                self.sender.end_with(last);
            }
            End::Failed(failure) => self.sender.fail(failure.into()),
        }
    }

    async fn send_all(&mut self, snapshot: Option<AlertSnapshot>) -> End {
        if let Some(snapshot) = snapshot {
            let sent = tokio::time::timeout(SNAPSHOT_TIMEOUT, self.send_snapshot(snapshot)).await;
            if let Err(end) = sent.unwrap_or_else(|_| Err(reader_too_slow().into())) {
                return end;
            }
        }
        loop {
            if self.recent.epoch() != self.epoch {
                return log_replaced(self.log.name()).into();
            }
            if let Err(end) = self.step().await {
                return end;
            }
        }
    }

    async fn send_snapshot(&mut self, snapshot: AlertSnapshot) -> Result<(), End> {
        let AlertSnapshot { alerts, evaluated, taken_at, permit } = snapshot;
        let count = alerts.len();
        for alerts in alerts.chunks(CHUNK_SIZE) {
            let (alerts, evaluated, names) =
                (alerts.to_vec(), evaluated.clone(), self.context.actors.clone());
            let messages = move || {
                let shown = alerts.iter().map(|alert| evaluated.show(alert));
                let messages = shown.map(Cursor::snapshot_alert);
                Ok(messages.map(|message| with_names(message, &names)).collect::<Vec<_>>())
            };
            for message in process_chunk(messages).await? {
                self.sender.send(message).await?;
            }
        }
        drop(permit);
        let end = self.cursor.snapshot_end(count, taken_at);
        Ok(self.sender.send(end).await?)
    }

    /// Sends the next events; if there are none, waits for them.
    async fn step(&mut self) -> Result<(), End> {
        let Some(batch) = self.recent.after(self.cursor.position()) else {
            return self.read_log().await;
        };
        self.reader = None;
        self.take_all(batch.events).await?;
        if batch.is_last {
            let caught_up = self.cursor.caught_up(self.cursor.position(), self.context.clock.now());
            self.send(caught_up).await?;
        }
        if self.recent.after(self.cursor.position()).is_none_or(|batch| !batch.events.is_empty()) {
            return Ok(());
        }
        self.wait().await
    }

    /// Waits for new events in memory.
    async fn wait(&mut self) -> Result<(), End> {
        let heartbeat_at = self.last_sent + self.heartbeat;
        tokio::select! {
            changed = self.changes.changed() => changed.map_err(|_closed| stopping_stream().into()),
            () = self.sender.disconnected() => Err(Closed::Disconnected.into()),
            () = tokio::time::sleep_until(heartbeat_at) => self.send_heartbeat().await,
        }
    }

    /// Sends the next events of the log. Memory takes over as soon as it has what follows.
    async fn read_log(&mut self) -> Result<(), End> {
        if self.reader.is_none() {
            let behind = self.cursor.fell_behind(self.recent.head(), self.context.clock.now());
            self.send(behind).await?;
        }
        let heartbeat_at = self.last_sent + self.heartbeat;
        let Some(reader) = &mut self.reader else { return self.open_log().await };
        let items = tokio::select! {
            // A reader ends only after an error, which it has returned before.
            items = reader.items.next() => items.ok_or_else(stopping_stream)?,
            () = self.sender.disconnected() => return Err(Closed::Disconnected.into()),
            () = tokio::time::sleep_until(heartbeat_at) => return self.send_heartbeat().await,
        };
        let selection = Arc::clone(self.cursor.selection());
        for decoded in process_chunk(move || Ok(decode_all(items, &selection))).await? {
            match decoded? {
                DecodedItem::Event(event, relevance) => self.take(event, relevance).await?,
                DecodedItem::CaughtUp(position) => {
                    let caught_up = self.cursor.caught_up(position, self.context.clock.now());
                    self.send(caught_up).await?;
                }
            }
        }
        Ok(())
    }

    /// Waits for a permit to read the log, and opens it.
    async fn open_log(&mut self) -> Result<(), End> {
        let heartbeat_at = self.last_sent + self.heartbeat;
        let permit = tokio::select! {
            permit = self.recent.log_reader_permit() => permit,
            () = self.sender.disconnected() => return Err(Closed::Disconnected.into()),
            () = tokio::time::sleep_until(heartbeat_at) => return self.send_heartbeat().await,
        };
        let permit = permit.ok_or_else(stopping_stream)?;
        let items = self.log.read(Filter::All, self.cursor.position());
        self.reader = Some(LogReader { items: items.ready_chunks(CHUNK_SIZE), _permit: permit });
        Ok(())
    }

    /// Takes events from memory.
    async fn take_all(&mut self, events: Vec<StreamEvent>) -> Result<(), End> {
        let selection = Arc::clone(self.cursor.selection());
        let select = move |events: Vec<StreamEvent>| -> Vec<(StreamEvent, Relevance)> {
            let select = |event: StreamEvent| {
                let relevance = selection.relevance(&event);
                (event, relevance)
            };
            events.into_iter().map(select).collect()
        };
        let is_quick = events.len() * self.cursor.selection().comparisons() <= MAX_COMPARISONS;
        let selected =
            if is_quick { select(events) } else { process_chunk(move || Ok(select(events))).await? };
        for (event, relevance) in selected {
            self.take(event, relevance).await?;
        }
        // Sending to a subscriber that reads never waits: without this the task would never yield.
        tokio::task::yield_now().await;
        Ok(())
    }

    async fn take(&mut self, mut event: StreamEvent, mut relevance: Relevance) -> Result<(), End> {
        loop {
            match self.cursor.take(&event, relevance, self.context.clock.now()) {
                Next::Skip => return Ok(()),
                Next::Send(message) => return self.send(Some(*message)).await,
                Next::NeedsAlertBefore(transition) => {
                    let before = read_alert_before(&*self.log, &transition, event.position).await?;
                    event.content = StreamContent::Transition(transition, before);
                    relevance = self.cursor.selection().relevance(&event);
                }
            }
        }
    }

    async fn send_heartbeat(&mut self) -> Result<(), End> {
        let checkpoint = self.cursor.checkpoint(self.context.clock.now());
        self.send(Some(checkpoint)).await
    }

    async fn send(&mut self, message: Option<SubscribeAlertsResponse>) -> Result<(), End> {
        if let Some(message) = message {
            self.sender.send(with_names(message, &self.context.actors)).await?;
            self.last_sent = Instant::now();
        }
        Ok(())
    }
}

/// An item of the log, decoded.
enum DecodedItem {
    Event(StreamEvent, Relevance),
    CaughtUp(Position),
}

fn decode_all(items: Vec<Result<Item, Error>>, selection: &Selection) -> Vec<Result<DecodedItem, Error>> {
    let decode = |item: Result<Item, Error>| match item? {
        Item::CaughtUp(position) => Ok(DecodedItem::CaughtUp(position)),
        Item::Event(event) => {
            let event = StreamEvent::decode(&event)?;
            let relevance = selection.relevance(&event);
            Ok(DecodedItem::Event(event, relevance))
        }
    };
    items.into_iter().map(decode).collect()
}

/// Reads the alert before a transition from its stream.
async fn read_alert_before(
    log: &dyn EventLog,
    transition: &AlertTransition,
    position: Position,
) -> Result<AlertBefore, End> {
    let alert = transition.event.as_ref().and_then(alert_of).map_or("", |alert| alert.id.as_str());
    let stream = alert_stream(alert).map_err(|error| invalid_stream(&error))?;
    let mut items = log.read(Filter::Under(stream), 0).ready_chunks(CHUNK_SIZE);
    let mut before = None;
    while let Some(items) = items.next().await {
        let (alert, is_complete) = process_chunk(move || Ok(alert_before(items, position))).await??;
        before = alert.or(before);
        if is_complete {
            break;
        }
    }
    Ok(AlertBefore::Known(before))
}

/// The alert after those of its events that precede a position, and whether the others follow it.
fn alert_before(
    items: Vec<Result<Item, Error>>,
    position: Position,
) -> Result<(Option<Arc<Alert>>, bool), Error> {
    let mut before = None;
    for item in items {
        match item? {
            Item::Event(event) if event.position < position => {
                let StreamContent::Transition(transition, _) = StreamEvent::decode(&event)?.content else {
                    continue;
                };
                before = selection::last_alert([transition]).or(before);
            }
            Item::Event(_) | Item::CaughtUp(_) => return Ok((before, true)),
        }
    }
    Ok((before, false))
}

fn reader_too_slow() -> Failure {
    let message = format!("the alerts of the snapshot were not read within {} s", SNAPSHOT_TIMEOUT.as_secs());
    Failure::new(Class::Unavailable, "reader-too-slow", message)
        .with_hint("subscribe again, and read messages as they come")
}

fn stopping_stream() -> Failure {
    stopping().with_hint("subscribe again with the last resume token")
}

fn log_replaced(log: &str) -> Error {
    let reason = "positions of the subscription belong to the log before".to_owned();
    Error::Replaced { log: log.to_owned(), reason }
}

fn token_gone(oldest: Position) -> Failure {
    let message = format!("the log no longer reaches back to this token: it begins at position {oldest}");
    Failure::new(Class::Refused, "resume-token-gone", message).with_hint(
        "subscribe with a snapshot and without a token: it sends the current alerts, and goes on from there",
    )
}
