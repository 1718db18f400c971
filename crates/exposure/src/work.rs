//! Follows the observations log and publishes what each turn of the book changes.
//!
//! Turns are published in the order of the observations log, and within a turn material by material. Where a material's
//! stream stands follows from its last event alone, so that a restart, a crash in the middle and a second replica all go on
//! from there: the log's expectation lets one append through, and whoever was second reads what is there and goes on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use orewatch_contracts::exposure::v1::exposure_service_server::ExposureServiceServer;
use orewatch_contracts::exposure::v1::{ExposuresChanged, PACKAGE, ReleaseApplied};
use orewatch_eventlog::{Error, Event, EventLog, Filter, Item, NewEvent, Position, Projection, StreamName};
use orewatch_runtime::{Class, Context, Failure, trace};
use prost::Message;
use tokio::sync::watch::Sender;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;
use uuid::Uuid;

use crate::Logs;
use crate::decide::{self, Plan};
use crate::evolve::{Knowing, Turn};
use crate::grpc::Service;
use crate::snapshot::Snapshot;

/// Most data in one append, in bytes: some chunks, so that what waits in memory stays small.
const LARGEST_BATCH: usize = 4 * 1024 * 1024;

/// Most events in one append.
const MOST_EVENTS: usize = 256;

/// Materials that are computed at the same time.
const AT_ONCE: usize = 2;

/// How often an append is repeated while the log cannot be reached, and how long to wait between.
const REPEATS: u32 = 5;
const PAUSE: Duration = Duration::from_secs(1);

/// Runs until the shutdown, or until it cannot go on.
pub(crate) async fn run(context: Context, logs: Logs, announce: Sender<Snapshot>) -> Result<(), Failure> {
    let mut items = logs.observations.read(Filter::All, 0);
    let mut known = Projection::new(Knowing::default());
    let mut publisher =
        Publisher { log: logs.exposures, tails: BTreeMap::new(), shutdown: context.shutdown.clone() };
    publish_state(&announce, &known, publisher.published());
    loop {
        let item = tokio::select! {
            biased;
            () = context.shutdown.cancelled() => return Ok(()),
            item = items.next() => item.ok_or_else(ended)??,
        };
        match item {
            Item::Event(event) => {
                let (next, turn) = fold(known, event).await?;
                known = next;
                if let Some(turn) = turn {
                    publish_state(&announce, &known, None);
                    let span = tracing::info_span!("apply", release = turn.content.release.id);
                    trace::link(&span, turn.traceparent.as_deref());
                    publisher.apply(Arc::new(turn)).instrument(span).await?;
                }
                if !context.shutdown.is_cancelled() {
                    publish_state(&announce, &known, publisher.published());
                }
            }
            Item::CaughtUp(position) => {
                known.pass(position);
                publish_state(&announce, &known, publisher.published());
                announce.send_modify(|snapshot| snapshot.ready = true);
                context.health.set_serving::<ExposureServiceServer<Service>>().await;
            }
        }
    }
}

fn ended() -> Failure {
    Failure::internal("the observations log ended without an error")
}

fn publish_state(announce: &Sender<Snapshot>, known: &Projection<Knowing>, published: Option<Position>) {
    announce.send_modify(|snapshot| {
        snapshot.book = Arc::clone(known.state().book());
        snapshot.position = known.position();
        snapshot.published = published;
    });
}

/// Folds an event beside the asynchronous work: a commit sorts a million rows.
async fn fold(
    mut known: Projection<Knowing>,
    event: Event,
) -> Result<(Projection<Knowing>, Option<Turn>), Failure> {
    let folded = spawn_blocking(move || {
        let mut turn = None;
        known.fold(&event, |state, event| state.evolve(event).map(|change| turn = change))?;
        Ok::<_, Error>((known, turn))
    });
    Ok(folded.await.map_err(crashed)??)
}

fn crashed(error: tokio::task::JoinError) -> Failure {
    Failure::internal(format!("a computation ended early: {error}"))
}

/// Where a material's stream stands.
#[derive(Clone, Copy, Debug, Default)]
struct Tail {
    /// Position of its last event, 0 if there is none.
    position: Position,
    last: Option<Last>,
}

/// The last event of a stream.
#[derive(Clone, Copy, Debug)]
struct Last {
    id: Uuid,
    /// Position of its cause in the observations log.
    cause: Position,
    /// It says that all of its cause is there.
    complete: bool,
}

impl Tail {
    /// How many events of a turn are there already. None: all of them, and perhaps later ones.
    fn present(
        &self,
        events: &[NewEvent],
        turn: Position,
        stream: &StreamName,
    ) -> Result<Option<usize>, Failure> {
        let Some(last) = self.last else { return Ok(Some(0)) };
        let place = events.iter().position(|event| event.id == last.id);
        match (last.cause.cmp(&turn), last.complete, place) {
            (std::cmp::Ordering::Greater, ..) | (std::cmp::Ordering::Equal, true, _) => Ok(None),
            (std::cmp::Ordering::Equal, false, Some(place)) => Ok(Some(place + 1)),
            (std::cmp::Ordering::Less, true, _) => Ok(Some(0)),
            _ => Err(foreign(stream, self.position)),
        }
    }

    fn is_past(&self, turn: Position) -> bool {
        self.last.is_some_and(|last| last.cause > turn || last.cause == turn && last.complete)
    }
}

fn foreign(stream: &StreamName, position: Position) -> Failure {
    let message = format!(
        "stream {stream} ends at position {position} with an event that does not follow from the observations log"
    );
    Failure::new(Class::Damaged, "exposures-differ", message)
        .with_hint("finish what an older version began with that version, or start an empty exposures log")
}

/// Appends what turns change.
struct Publisher {
    log: Arc<dyn EventLog>,
    /// By material; read when it is first needed.
    tails: BTreeMap<&'static str, Tail>,
    shutdown: CancellationToken,
}

impl Publisher {
    /// Position of the exposures log up to which all turns so far are published.
    fn published(&self) -> Option<Position> {
        Some(self.tails.values().map(|tail| tail.position).max().unwrap_or(0))
    }

    /// Publishes a turn: nothing of it where all is there already. Ends early at the shutdown.
    async fn apply(&mut self, turn: Arc<Turn>) -> Result<(), Failure> {
        let mut todo = Vec::new();
        let plan = Arc::new(plan(&turn).await?);
        for material in plan.materials() {
            let stream = decide::stream(self.log.name(), material).map_err(unnamed)?;
            if !self.tail(material, &stream).await?.is_past(turn.moment.position) {
                todo.push(compute(&turn, &plan, material, stream));
            }
        }
        let mut computed = stream::iter(todo).buffered(AT_ONCE);
        while let Some(done) = computed.next().await {
            let computed = done?;
            if self.shutdown.is_cancelled() {
                return Ok(());
            }
            self.publish(&computed, turn.moment.position).await?;
        }
        let (release, position) = (&turn.content.release.id, turn.moment.position);
        tracing::info!(release, position, kind = turn.kind.as_str_name(), "applied a release");
        Ok(())
    }

    async fn publish(&mut self, computed: &Computed, turn: Position) -> Result<(), Failure> {
        let Computed { material, stream, events } = computed;
        let mut tail = self.tail(material, stream).await?;
        let mut repeats = 0;
        while let Some(present) = tail.present(events, turn, stream)? {
            let batch = batch(events.get(present..).unwrap_or_default());
            match self.log.append(stream, tail.position, batch.to_vec()).await {
                Ok(positions) => {
                    let position = positions.last().copied().unwrap_or(tail.position);
                    let id = batch.last().map(|event| event.id).unwrap_or_default();
                    let complete = present + batch.len() == events.len();
                    tail = Tail { position, last: Some(Last { id, cause: turn, complete }) };
                }
                Err(Error::Conflict { .. }) => tail = read_tail(&*self.log, stream).await?,
                Err(error @ Error::Unavailable { .. }) if repeats < REPEATS => {
                    repeats += 1;
                    tracing::warn!(%error, %stream, repeats, "the append is repeated");
                    tokio::time::sleep(PAUSE).await;
                }
                Err(error) => return Err(error.into()),
            }
            self.tails.insert(material, tail);
        }
        Ok(())
    }

    async fn tail(&mut self, material: &'static str, stream: &StreamName) -> Result<Tail, Failure> {
        if let Some(tail) = self.tails.get(material) {
            return Ok(*tail);
        }
        let tail = read_tail(&*self.log, stream).await?;
        self.tails.insert(material, tail);
        Ok(tail)
    }
}

/// The events of a turn on the stream of one material.
struct Computed {
    material: &'static str,
    stream: StreamName,
    events: Vec<NewEvent>,
}

/// Finds out what a turn touches, beside the asynchronous work.
async fn plan(turn: &Arc<Turn>) -> Result<Plan, Failure> {
    let turn = Arc::clone(turn);
    spawn_blocking(move || Plan::of(&turn)).await.map_err(crashed)
}

/// Computes the events of one material once it is waited for, beside the asynchronous work.
fn compute(
    turn: &Arc<Turn>,
    plan: &Arc<Plan>,
    material: &'static str,
    stream: StreamName,
) -> impl Future<Output = Result<Computed, Failure>> + Send + use<> {
    let (turn, plan) = (Arc::clone(turn), Arc::clone(plan));
    async move {
        let compute = move || {
            let events = decide::publish(&turn, &plan, &stream, material);
            Computed { material, stream, events }
        };
        spawn_blocking(compute).await.map_err(crashed)
    }
}

fn unnamed(error: orewatch_eventlog::InvalidName) -> Failure {
    Failure::internal(error.to_string())
}

/// The first events that fit into one append.
fn batch(events: &[NewEvent]) -> &[NewEvent] {
    let mut bytes = 0_usize;
    let fits = events.iter().take(MOST_EVENTS).take_while(|event| {
        bytes = bytes.saturating_add(event.data.len());
        bytes <= LARGEST_BATCH
    });
    let count = fits.count().max(1);
    events.get(..count).unwrap_or(events)
}

/// Reads the last event of a stream.
async fn read_tail(log: &dyn EventLog, stream: &StreamName) -> Result<Tail, Failure> {
    let position = log.last(stream).await?;
    let Some(before) = position.checked_sub(1) else { return Ok(Tail::default()) };
    let mut items = log.read(Filter::Under(stream.clone()), before);
    let mut tail = Tail { position, last: None };
    while let Some(item) = items.next().await {
        match item? {
            Item::Event(event) => tail = Tail { position: event.position, last: Some(last(&event)?) },
            Item::CaughtUp(_) => break,
        }
    }
    Ok(tail)
}

fn last(event: &Event) -> Result<Last, Failure> {
    let corrupt = || Error::Corrupt {
        log: "exposures".to_owned(),
        position: event.position,
        reason: format!("{} on {} names no cause", event.kind, event.stream),
    };
    let cause = match event.kind.strip_prefix(PACKAGE) {
        Some(".ReleaseApplied") => {
            ReleaseApplied::decode(event.data.clone()).ok().and_then(|event| event.cause)
        }
        Some(".ExposuresChanged") => {
            ExposuresChanged::decode(event.data.clone()).ok().and_then(|event| event.cause)
        }
        _ => None,
    };
    let complete = event.kind.ends_with(".ReleaseApplied");
    Ok(Last { id: event.id, cause: cause.ok_or_else(corrupt)?.position, complete })
}
