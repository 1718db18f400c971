//! Follows the service's own log, and appends to it.
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt as _};
use orewatch_contracts::ingestion::v1::ingestion_service_server::SERVICE_NAME;
use orewatch_eventlog::{Error, Event, EventLog, Filter, Item, NewEvent, Position, Projection, StreamName};
use orewatch_runtime::{Class, Context, Failure, trace};
use tokio::sync::{MutexGuard, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic_health::ServingStatus;

use crate::appended::Appended;
use crate::decide::{Decision, Judging};
use crate::evolve::Book;
use crate::fact::{Chunk, Fact};
use crate::gates::GateModes;
use crate::ids;
use crate::policy;

/// How long an answer waits until the state has caught up with the log.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often a decision is made again because somebody else was first.
const ATTEMPTS: usize = 8;

/// How long a lost log is waited for before the process gives up, one try a second.
const TRIES: u32 = 300;

/// The state of the service and the only way to change it.
#[derive(Debug)]
pub(crate) struct Keeper {
    context: Context,
    log: Arc<dyn EventLog>,
    /// What gates may do.
    gates: GateModes,
    projection: RwLock<Projection<Book>>,
    reached: watch::Sender<Position>,
    /// How often a concordance was committed or withdrawn; 0 until the log is read for the first time.
    concordances: watch::Sender<u64>,
    appended: Appended,
    /// Held by whoever commits a release, by dataset.
    commits: [tokio::sync::Mutex<()>; LANES],
}

/// Releases of as many datasets are committed at a time, at most.
const LANES: usize = 16;

impl Keeper {
    pub(crate) fn new(context: Context, log: Arc<dyn EventLog>, gates: GateModes) -> Self {
        let (reached, _) = watch::channel(0);
        let (concordances, _) = watch::channel(0);
        let (projection, appended) = (RwLock::default(), Appended::default());
        let commits = Default::default();
        Self { context, log, gates, projection, reached, concordances, appended, commits }
    }

    /// Cancelled when the service stops.
    pub(crate) fn stopping(&self) -> CancellationToken {
        self.context.shutdown.clone()
    }

    /// Tasks that the stop of the service waits for.
    pub(crate) fn tasks(&self) -> &TaskTracker {
        &self.context.tasks
    }

    /// The stream of a release.
    pub(crate) fn stream(&self, release: &str) -> Result<StreamName, Failure> {
        ids::stream(self.log.name(), release).map_err(|error| {
            Failure::new(Class::Invalid, "bad-release", "this cannot be the identifier of a release")
                .at("release", error.0)
                .with_hint("identifiers are DATASET/VINTAGE-DIGEST, as `orewatch releases` lists them")
        })
    }

    /// The stream of the source policy.
    pub(crate) fn policy_stream(&self) -> Result<StreamName, Failure> {
        StreamName::new(format!("{}.{}", self.log.name(), policy::STREAM))
            .map_err(|error| Failure::internal(format!("the policy has no stream: {error:?}")))
    }

    /// Waits for its turn to commit a release of a dataset, so that gates compare it with all that was committed before. Other
    /// replicas have turns of their own: there the order on the log says which of two releases restates the other.
    pub(crate) async fn turn_to_commit(&self, release: &str) -> Option<MutexGuard<'_, ()>> {
        let dataset = release.split('/').next().unwrap_or_default();
        let lane = dataset.bytes().fold(0, |sum: usize, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        Some(self.commits.get(lane % LANES)?.lock().await)
    }

    /// Changes when a concordance is committed or withdrawn, and when the log was read to its end.
    pub(crate) fn concordances(&self) -> watch::Receiver<u64> {
        self.concordances.subscribe()
    }

    /// What judging a release now needs.
    pub(crate) fn judging(&self) -> Judging {
        Judging { modes: self.gates.clone(), now: self.context.clock.now() }
    }

    /// Looks at the state. The guard is not held across a wait.
    pub(crate) fn view<R>(&self, look: impl FnOnce(&Book) -> R) -> R {
        look(self.projection.read().unwrap_or_else(PoisonError::into_inner).state())
    }

    /// Reads the log for as long as the process lives. Becomes ready once everything that was there is folded.
    pub(crate) async fn follow(self: Arc<Self>) -> Result<(), Failure> {
        let mut lost: u32 = 0;
        loop {
            let after = *self.reached.borrow();
            let mut items = self.log.read(Filter::All, after);
            loop {
                let item = tokio::select! {
                    () = self.context.shutdown.cancelled() => return Ok(()),
                    item = items.next() => item,
                };
                match item {
                    Some(Ok(item)) => {
                        self.take(item).await?;
                        lost = 0;
                    }
                    Some(Err(error @ Error::Unavailable { .. })) if lost < TRIES => {
                        tracing::warn!(%error, "the log cannot be read; trying again");
                        break;
                    }
                    Some(Err(error)) => return Err(error.into()),
                    None => break,
                }
            }
            lost += 1;
            self.context.health.set_service_status(SERVICE_NAME, ServingStatus::NotServing).await;
            tokio::select! {
                () = self.context.shutdown.cancelled() => return Ok(()),
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
            }
        }
    }

    async fn take(&self, item: Item) -> Result<(), Failure> {
        let log = self.log.name();
        let digest = match &item {
            Item::Event(event) => self.appended.digest(&event.data),
            Item::CaughtUp(_) => None,
        };
        let position = {
            let mut projection = self.projection.write().unwrap_or_else(PoisonError::into_inner);
            match &item {
                Item::Event(event) => {
                    projection.fold(event, |book, event| {
                        let position = event.position;
                        let corrupt = |reason| Error::Corrupt { log: log.to_owned(), position, reason };
                        book.evolve(event, digest).map_err(corrupt)
                    })?;
                }
                Item::CaughtUp(position) => projection.pass(*position),
            }
            projection.position()
        };
        self.reached.send_replace(position);
        if matches!(item, Item::CaughtUp(_)) {
            let changes = 1 + self.view(Book::changes_of_concordances);
            self.concordances.send_if_modified(|known| std::mem::replace(known, changes) != changes);
            self.context.health.set_service_status(SERVICE_NAME, ServingStatus::Serving).await;
        }
        Ok(())
    }

    /// Waits until the state has folded a position.
    pub(crate) async fn reach(&self, position: Position) -> Result<(), Failure> {
        let mut reached = self.reached.subscribe();
        let there = reached.wait_for(|reached| *reached >= position);
        tokio::select! {
            () = self.context.shutdown.cancelled() => Err(stopping()),
            waited = tokio::time::timeout(PATIENCE, there) => match waited {
                Ok(Ok(_)) => Ok(()),
                Ok(Err(_)) => Err(stopping()),
                Err(_) => Err(Failure::new(
                    Class::Unavailable,
                    "behind",
                    format!("the service has not read its log up to position {position} in {} s", PATIENCE.as_secs()),
                )
                .with_hint("try again in a while")),
            },
        }
    }

    /// Waits until the state holds everything that the log holds of a stream.
    pub(crate) async fn current(&self, stream: &StreamName) -> Result<Position, Failure> {
        let last = self.log.last(stream).await?;
        self.reach(last).await?;
        Ok(last)
    }

    /// Waits until the state holds everything that the log holds.
    pub(crate) async fn up_to_date(&self) -> Result<(), Failure> {
        let extent = self.log.extent().await?;
        self.reach(extent.head).await
    }

    /// Appends a fact to a release's stream. Repeating it is harmless: its identity follows from what it is.
    pub(crate) async fn append(
        &self,
        stream: &StreamName,
        expected: Position,
        fact: &Fact,
        attempt: u32,
    ) -> Result<Position, Error> {
        let mut event = self.event_of(stream, attempt, fact.kind(), fact.number(), fact.encode());
        if let Fact::PolicyRevised(revised) = fact {
            event.id = ids::revision(stream, revised);
        }
        self.append_events(stream, expected, vec![event]).await
    }

    /// Appends facts to a release's stream that stand together or not at all. Returns the position of the last.
    async fn append_all(
        &self,
        stream: &StreamName,
        expected: Position,
        facts: &[Fact],
        attempt: u32,
    ) -> Result<Position, Error> {
        let event = |fact: &Fact| self.event_of(stream, attempt, fact.kind(), fact.number(), fact.encode());
        self.append_events(stream, expected, facts.iter().map(event).collect()).await
    }

    /// Appends chunks to a release's stream, all or none. Gives the position of the last.
    pub(crate) async fn append_chunks(
        &self,
        stream: &StreamName,
        expected: Position,
        chunks: &[&Chunk],
        attempt: u32,
    ) -> Result<Position, Error> {
        chunks.iter().for_each(|chunk| self.appended.note(chunk));
        let event =
            |chunk: &&Chunk| self.event_of(stream, attempt, chunk.kind, chunk.number, chunk.data.clone());
        self.append_events(stream, expected, chunks.iter().map(event).collect()).await
    }

    fn event_of(
        &self,
        stream: &StreamName,
        attempt: u32,
        kind: &'static str,
        number: u32,
        data: Bytes,
    ) -> NewEvent {
        NewEvent {
            id: ids::event(stream, attempt, kind, number),
            kind: kind.to_owned(),
            time: self.context.clock.now(),
            data,
            traceparent: trace::traceparent(),
        }
    }

    async fn append_events(
        &self,
        stream: &StreamName,
        expected: Position,
        events: Vec<NewEvent>,
    ) -> Result<Position, Error> {
        let positions = self.log.append(stream, expected, events).await?;
        let none = || Error::Corrupt {
            log: self.log.name().to_owned(),
            position: 0,
            reason: "an append returned no position".to_owned(),
        };
        positions.last().copied().ok_or_else(none)
    }

    /// Decides on the newest state and appends what follows; if somebody else was first, decides again. Returns the
    /// decision that stands, once the state shows it. Deciding may look at every row, so it has a thread to itself.
    pub(crate) async fn carry_out(
        self: &Arc<Self>,
        stream: &StreamName,
        decide: impl Fn(&Book) -> Result<Decision, Failure> + Send + Sync + 'static,
    ) -> Result<Decision, Failure> {
        let decide = Arc::new(decide);
        for _ in 0..ATTEMPTS {
            let expected = self.current(stream).await?;
            let (keeper, decide) = (Arc::clone(self), Arc::clone(&decide));
            let decided = tokio::task::spawn_blocking(move || keeper.view(|book| decide(book)));
            let ended = |error| Failure::internal(format!("a decision ended badly: {error}"));
            let decision = decided.await.map_err(ended)??;
            let appended = match &decision {
                Decision::Append(fact, attempt) => self.append(stream, expected, fact, *attempt).await,
                Decision::AppendAll(facts, attempt) => {
                    self.append_all(stream, expected, facts, *attempt).await
                }
                Decision::Known | Decision::Repeat(..) => return Ok(decision),
            };
            match appended {
                Ok(position) => {
                    self.reach(position).await?;
                    return Ok(decision);
                }
                Err(Error::Conflict { actual, .. }) => self.reach(actual).await?,
                Err(error) => return Err(error.into()),
            }
        }
        Err(Failure::new(
            Class::Unavailable,
            "contended",
            format!("others changed the release {ATTEMPTS} times in a row"),
        )
        .with_hint("try again in a while"))
    }

    /// The events of a stream at some positions, in their order, for what the state does not keep.
    pub(crate) fn events<'a>(
        &'a self,
        stream: &StreamName,
        positions: &'a [Position],
    ) -> impl Stream<Item = Result<Event, Failure>> + 'a {
        let first = positions.first().copied().unwrap_or_default();
        let items = self.log.read(Filter::Under(stream.clone()), first.saturating_sub(1));
        let lost = || Failure::new(Class::Unavailable, "log-unavailable", "the log does not answer");
        stream::unfold((items, positions), move |(mut items, rest)| async move {
            let (wanted, later) = rest.split_first()?;
            let event = loop {
                match tokio::time::timeout(PATIENCE, items.next()).await {
                    Ok(Some(Ok(Item::Event(event)))) if event.position < *wanted => {}
                    Ok(Some(Ok(Item::Event(event)))) if event.position == *wanted => {
                        break Ok(event);
                    }
                    Ok(Some(Err(error))) => break Err(error.into()),
                    Ok(_) => {
                        let message = format!("event {wanted} is not there");
                        break Err(Failure::new(Class::Damaged, "log-corrupt", message));
                    }
                    Err(_) => break Err(lost()),
                }
            };
            Some((event, (items, later)))
        })
    }

    /// The fact at a position, for what the state does not keep.
    pub(crate) async fn event(&self, stream: &StreamName, position: Position) -> Result<Fact, Failure> {
        let positions = [position];
        let mut events = std::pin::pin!(self.events(stream, &positions));
        let none = || Failure::new(Class::Damaged, "log-corrupt", format!("event {position} is not there"));
        let event = events.next().await.unwrap_or_else(|| Err(none()))?;
        decoded(&event)
    }
}

/// The fact that an event holds.
pub(crate) fn decoded(event: &Event) -> Result<Fact, Failure> {
    match Fact::decode(&event.kind, event.data.clone()) {
        Ok(Some(fact)) => Ok(fact),
        _ => {
            let message = format!("event {} cannot be read", event.position);
            Err(Failure::new(Class::Damaged, "log-corrupt", message))
        }
    }
}

/// Why a service that stops does no more.
pub(crate) fn stopping() -> Failure {
    Failure::new(Class::Unavailable, "stopping", "the service is stopping")
}
