//! Appends what turns change, and measures that a stream lacks.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use orewatch_eventlog::{Error, EventLog, NewEvent, Position, StreamName};
use orewatch_runtime::Failure;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use crate::book::{Book, Knowledge};
use crate::decide::{self, Plan, Published};
use crate::evolve::Turn;
use crate::tail::{self, Step, Tail};

/// Most data in one append, in bytes: some chunks, so that what waits in memory stays small.
const LARGEST_BATCH: usize = 4 * 1024 * 1024;

/// Most events in one append.
const MOST_EVENTS: usize = 256;

/// Materials that are computed at the same time.
const AT_ONCE: usize = 2;

/// How often an append is repeated while the log cannot be reached, and how long to wait between.
const REPEATS: u32 = 5;
const PAUSE: Duration = Duration::from_secs(1);

/// Appends to the exposures log.
pub(crate) struct Publisher {
    log: Arc<dyn EventLog>,
    /// By material; read when it is first needed.
    tails: BTreeMap<&'static str, Tail>,
    shutdown: CancellationToken,
}

impl Publisher {
    /// A publisher that has not looked at the log yet.
    pub(crate) fn new(log: Arc<dyn EventLog>, shutdown: CancellationToken) -> Self {
        Self { log, tails: BTreeMap::new(), shutdown }
    }

    /// Position of the exposures log up to which all turns so far are published.
    pub(crate) fn published(&self) -> Option<Position> {
        Some(self.tails.values().map(|tail| tail.position).max().unwrap_or(0))
    }

    /// Publishes a turn: nothing of it where all is there already. Ends early at the shutdown.
    pub(crate) async fn apply(&mut self, turn: Arc<Turn>) -> Result<(), Failure> {
        let mut todo = Vec::new();
        let plan = Arc::new(plan(&turn).await?);
        for material in plan.materials() {
            let stream = decide::stream(self.log.name(), material).map_err(unnamed)?;
            if !self.tail(material, &stream).await?.is_past(turn.moment.position) {
                self.fill(material, &stream, &turn.old).await?;
                todo.push(compute(&turn, &plan, material, stream, self.shutdown.clone()));
            }
        }
        let mut computed = stream::iter(todo).buffered(AT_ONCE);
        while let Some(done) = computed.next().await {
            let Some(computed) = done?.filter(|_| !self.shutdown.is_cancelled()) else { return Ok(()) };
            self.publish(&computed, Step::Turn(turn.moment.position)).await?;
        }
        let (release, position) = (&turn.content.release.id, turn.moment.position);
        tracing::info!(release, position, kind = turn.kind.as_str_name(), "applied a release");
        Ok(())
    }

    /// Publishes what streams lack of the measures of this version, given the book that they have followed to its end.
    pub(crate) async fn complete(&mut self, book: &Arc<Book>) -> Result<(), Failure> {
        let markets = book.markets(Knowledge::NOW).into_keys();
        let mut materials: Vec<_> = markets.map(|market| market.material).collect();
        materials.dedup();
        for material in materials {
            if self.shutdown.is_cancelled() {
                break;
            }
            let stream = decide::stream(self.log.name(), material).map_err(unnamed)?;
            self.fill(material, &stream, book).await?;
        }
        Ok(())
    }

    /// Publishes what the stream of one material lacks. A stream whose last turn is not finished is left as it is.
    async fn fill(
        &mut self,
        material: &'static str,
        stream: &StreamName,
        book: &Arc<Book>,
    ) -> Result<(), Failure> {
        let Some(gap) = self.tail(material, stream).await?.gap() else { return Ok(()) };
        let (book, name) = (Arc::clone(book), stream.clone());
        let (measures, is_older) = (gap.measures.len(), gap.is_older);
        tracing::info!(material, measures, is_older, "bringing the stream up to this version");
        let published =
            if is_older { tail::published(&*self.log, stream).await? } else { Published::default() };
        let step = if is_older { Step::Edition(gap.position) } else { Step::Measures(gap.position) };
        let compute = move || {
            let events = if is_older {
                decide::separate(&book, &gap, &published, &name, material)
            } else {
                decide::add_measures(&book, &gap, &name, material)
            };
            Computed { material, stream: name, events }
        };
        let computed = spawn_blocking(compute).await.map_err(crashed)?;
        self.publish(&computed, step).await
    }

    async fn publish(&mut self, computed: &Computed, step: Step) -> Result<(), Failure> {
        let Computed { material, stream, events } = computed;
        let mut tail = self.tail(material, stream).await?;
        let mut repeats = 0;
        while let Some(present) = tail.present(events, step, stream)? {
            let batch = batch(events.get(present..).unwrap_or_default());
            let Some(newest) = batch.last() else { return Ok(()) };
            match self.log.append(stream, tail.position, batch.to_vec()).await {
                Ok(positions) => {
                    let position = positions.last().copied().unwrap_or(tail.position);
                    let complete = present + batch.len() == events.len();
                    tail = tail.after(step, newest, position, complete);
                }
                Err(Error::Conflict { .. }) => tail = Tail::read(&*self.log, stream).await?,
                Err(error @ Error::Unavailable { .. }) if repeats < REPEATS => {
                    repeats += 1;
                    tracing::warn!(%error, %stream, repeats, "the append is repeated");
                    tokio::time::sleep(PAUSE).await;
                }
                Err(error) => return Err(error.into()),
            }
            self.tails.insert(material, tail.clone());
        }
        Ok(())
    }

    async fn tail(&mut self, material: &'static str, stream: &StreamName) -> Result<Tail, Failure> {
        if let Some(tail) = self.tails.get(material) {
            return Ok(tail.clone());
        }
        let tail = Tail::read(&*self.log, stream).await?;
        self.tails.insert(material, tail.clone());
        Ok(tail)
    }
}

/// Events for the stream of one material.
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

/// Computes the events of one material once it is waited for, beside the asynchronous work. None: it stopped at the shutdown.
fn compute(
    turn: &Arc<Turn>,
    plan: &Arc<Plan>,
    material: &'static str,
    stream: StreamName,
    shutdown: CancellationToken,
) -> impl Future<Output = Result<Option<Computed>, Failure>> + Send + use<> {
    let (turn, plan) = (Arc::clone(turn), Arc::clone(plan));
    async move {
        let compute = move || {
            let goes_on = || !shutdown.is_cancelled();
            let events = decide::publish_while(&goes_on, &turn, &plan, &stream, material)?;
            Some(Computed { material, stream, events })
        };
        spawn_blocking(compute).await.map_err(crashed)
    }
}

fn crashed(error: tokio::task::JoinError) -> Failure {
    Failure::internal(format!("a computation ended early: {error}"))
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
