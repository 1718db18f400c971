//! The publisher: appends to the exposures log the changes that follow from each revision of the book, and
//! the measures that a stream lacks.

mod claims;

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::{StreamExt as _, stream};
use orewatch_contracts::Failure;
use orewatch_eventlog::{Error, EventLog, NewEvent, Position, StreamName, Unfinished};
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use crate::book::{Book, Knowledge};
use crate::claim_tail::ClaimTail;
use crate::decide::{self, Plan, Published};
use crate::evolve::BookRevision;
use crate::tail::{self, Step, Tail};

/// Number of materials that are computed at the same time.
const PARALLEL_MATERIALS: usize = 2;

/// Appends to the exposures log.
pub(crate) struct Publisher {
    log: Arc<dyn EventLog>,
    /// The end of each stream, by material; read when it is first needed.
    tails: BTreeMap<&'static str, Tail>,
    /// The stream of claims; read when there is the first claim.
    claims: Option<ClaimTail>,
    /// Position at which everything was published that the process did not see: what a snapshot has folded.
    published_before: Position,
    /// Other replicas publish the figures of other materials.
    is_shared: bool,
    shutdown: CancellationToken,
}

impl Publisher {
    /// A publisher that has not read the log yet. Revisions that it is not given are published up to
    /// `published_before`.
    pub(crate) fn new(
        log: Arc<dyn EventLog>,
        published_before: Position,
        is_shared: bool,
        shutdown: CancellationToken,
    ) -> Self {
        Self { log, tails: BTreeMap::new(), claims: None, published_before, is_shared, shutdown }
    }

    /// Position of the exposures log at which all revisions so far are published.
    pub(crate) fn published(&self) -> Position {
        let materials = self.tails.values().map(|tail| tail.position);
        let claims = self.claims.as_ref().map(|claims| claims.position);
        materials.chain(claims).max().unwrap_or(0).max(self.published_before)
    }

    /// Publishes the changes of a revision; what is on the log already is not appended again. Ends early at
    /// the shutdown.
    ///
    /// # Errors
    /// The log fails, or holds something else than follows from the book; a computation crashed.
    pub(crate) async fn apply(&mut self, revision: Arc<BookRevision>) -> Result<(), Failure> {
        let mut todo = Vec::new();
        let plan = Arc::new(plan(&revision).await?);
        for material in plan.materials() {
            let stream = decide::stream(self.log.name(), material).map_err(unnamed)?;
            if !self.tail(material, &stream).await?.is_past(revision.moment.position) {
                self.fill(material, &stream, &revision.old).await?;
                todo.push(compute(&revision, &plan, material, stream, self.shutdown.clone()));
            }
        }
        let mut computed = stream::iter(todo).buffered(PARALLEL_MATERIALS);
        while let Some(done) = computed.next().await {
            let Some(computed) = done?.filter(|_| !self.shutdown.is_cancelled()) else { return Ok(()) };
            self.publish(&computed, Step::Turn(revision.moment.position)).await?;
        }
        self.apply_to_claims(&revision, &plan).await?;
        let (release, position) = (&revision.content.release.id, revision.moment.position);
        tracing::info!(release, position, kind = revision.kind.as_str_name(), "applied a release");
        Ok(())
    }

    /// Publishes the measures of this version that streams lack, given the book at the position that they
    /// have reached.
    ///
    /// # Errors
    /// As [`Self::apply`].
    pub(crate) async fn complete(&mut self, book: &Arc<Book>) -> Result<(), Failure> {
        let markets = book.markets(Knowledge::NOW).into_keys();
        let mut materials: Vec<_> =
            markets.map(|market| market.material).filter(|material| book.holds(material)).collect();
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

    /// Publishes the measures that the stream of one material lacks. A stream whose last revision is
    /// unfinished is left as it is.
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
        while let Some(present) = tail.present(events, step, stream)? {
            let missing = events.get(present..).unwrap_or_default();
            let Some(newest) = missing.last() else { return Ok(()) };
            let mut ready = stream::iter(missing.iter().cloned());
            tail = match self.log.append_in_order(stream, tail.position, &mut ready).await {
                Ok(position) => Tail::at_end(step, newest, position),
                Err(Unfinished { error, .. }) => match error {
                    Error::Conflict { expected, actual, .. } if actual < expected => {
                        return Err(shortened(&*self.log, stream, expected, actual).into());
                    }
                    Error::Conflict { .. } => Tail::read(&*self.log, stream).await?,
                    error => return Err(error.into()),
                },
            };
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

/// Determines what a revision affects, on a thread for blocking work.
async fn plan(revision: &Arc<BookRevision>) -> Result<Plan, Failure> {
    let revision = Arc::clone(revision);
    spawn_blocking(move || Plan::for_revision(&revision)).await.map_err(crashed)
}

/// Computes the events of one material when it is awaited, on a thread for blocking work. `None`: it stopped
/// at the shutdown.
fn compute(
    revision: &Arc<BookRevision>,
    plan: &Arc<Plan>,
    material: &'static str,
    stream: StreamName,
    shutdown: CancellationToken,
) -> impl Future<Output = Result<Option<Computed>, Failure>> + Send + use<> {
    let (revision, plan) = (Arc::clone(revision), Arc::clone(plan));
    async move {
        let compute = move || {
            let is_wanted = || !shutdown.is_cancelled();
            let events = decide::publish_while(&is_wanted, &revision, &plan, &stream, material)?;
            Some(Computed { material, stream, events })
        };
        spawn_blocking(compute).await.map_err(crashed)
    }
}

fn crashed(error: tokio::task::JoinError) -> Failure {
    Failure::internal(format!("a computation ended early: {error}"))
}

/// The error of a stream that ends before what was read of it.
fn shortened(log: &dyn EventLog, stream: &StreamName, known: Position, actual: Position) -> Error {
    let reason = format!("stream {stream} reached position {known}, and now ends at {actual}");
    Error::Replaced { log: log.name().to_owned(), reason }
}

fn unnamed(error: orewatch_eventlog::InvalidName) -> Failure {
    Failure::internal(error.to_string())
}
