//! Follows the service's log, folds it into the state, and appends to it. Nothing else writes the log.
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt as _};
use orewatch_contracts::common::v1::EventSkipped;
use orewatch_contracts::ingestion::v1::{ObservationEvent, ObservationEventKind};
use orewatch_contracts::{Class, Failure};
use orewatch_eventlog::{
    Error, Event, EventLog, Filter, Follower, Interruption, Item, NewEvent, NewEvents, Position, Progress,
    Projection, StreamName, Unfinished,
};
use orewatch_formats::ids;
use orewatch_runtime::{Context, FollowedLog, Readiness, trace};
use orewatch_store::snapshots::{EventSnapshots, Reached, Settled};
use tokio::sync::{MutexGuard, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::chunk::Chunk;
use crate::decide::GateContext;
use crate::decision::{Decision, NumberedEvent};
use crate::digest_cache::DigestCache;
use crate::events::decode_event;
use crate::evolve::IngestionState;
use crate::gates::GateModes;
use crate::policy;

/// How long a request waits until the state has caught up with the log.
const CATCH_UP_TIMEOUT: Duration = Duration::from_secs(60);

/// Pause before a log that is not the one that was read before is folded anew.
const REFOLD_PAUSE: Duration = Duration::from_secs(1);

/// Upper bound on attempts to decide and append while others append to the same stream.
const MAX_DECISION_ATTEMPTS: usize = 8;

/// The folded state, and the only way to change it: decide on the newest state, append with its position as
/// the expectation, and wait until the append is folded.
#[derive(Debug)]
pub(crate) struct Repository {
    context: Context,
    log: Arc<dyn EventLog>,
    /// Configured modes of the gates.
    gates: GateModes,
    /// Copied when an event is folded while a snapshot is held. Releases that the event does not concern stay
    /// shared.
    projection: RwLock<Arc<Projection<IngestionState>>>,
    reached: watch::Sender<Position>,
    /// What is known of the log.
    followed: FollowedLog,
    /// Number of commits and withdrawals of concordances, plus one; 0 until the log is first read to its end.
    concordances: watch::Sender<u64>,
    digests: DigestCache,
    /// Locks for commits, by dataset.
    commit_lanes: [tokio::sync::Mutex<()>; COMMIT_LANES],
}

/// The log on its way into the state.
struct Fold {
    follower: Follower,
    /// The last event that is folded.
    reached: Reached,
    /// The state that will take the place of the old one at the end of the log. `None`: events go into the
    /// state.
    fresh: Option<Projection<IngestionState>>,
}

/// Number of commit locks: releases of this many datasets can be committed at a time.
const COMMIT_LANES: usize = 16;

impl Repository {
    pub(crate) fn new(
        context: Context,
        log: Arc<dyn EventLog>,
        followed: FollowedLog,
        gates: GateModes,
    ) -> Self {
        let (reached, _) = watch::channel(0);
        let (concordances, _) = watch::channel(0);
        let (projection, digests) = (RwLock::default(), DigestCache::default());
        let commit_lanes = Default::default();
        Self { context, log, gates, projection, reached, followed, concordances, digests, commit_lanes }
    }

    /// A token that is cancelled when the service stops.
    pub(crate) fn shutdown_token(&self) -> CancellationToken {
        self.context.shutdown.clone()
    }

    /// Tasks that a stopping service waits for.
    pub(crate) fn tasks(&self) -> &TaskTracker {
        &self.context.tasks
    }

    /// The stream of a release.
    pub(crate) fn stream(&self, release: &str) -> Result<StreamName, Failure> {
        ids::release_stream(self.log.name(), release).map_err(|error| {
            Failure::new(Class::Invalid, "invalid-release", "this is not the identifier of a release")
                .at("release", error.0)
                .with_hint("identifiers are DATASET/VINTAGE-DIGEST, as `orewatch releases` lists them")
        })
    }

    /// Events of a release that do not count.
    pub(crate) fn skipped_events(&self, release: &str) -> Vec<EventSkipped> {
        self.stream(release)
            .map_or_else(|_| Vec::new(), |stream| self.log.skipped().on_stream(stream.as_str()))
    }

    /// The stream of the source policy.
    pub(crate) fn policy_stream(&self) -> Result<StreamName, Failure> {
        StreamName::new(format!("{}.{}", self.log.name(), policy::STREAM))
            .map_err(|error| Failure::internal(format!("the policy has no stream: {error:?}")))
    }

    /// Waits for the lock under which releases of a dataset are committed, so that the gates compare a
    /// release with all that was committed before it.
    ///
    /// Other replicas have locks of their own. There the order on the log decides which of two releases
    /// restates the other.
    pub(crate) async fn lock_commits(&self, release: &str) -> Option<MutexGuard<'_, ()>> {
        let dataset = release.split('/').next().unwrap_or_default();
        let lane = dataset.bytes().fold(0, |sum: usize, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        Some(self.commit_lanes.get(lane % COMMIT_LANES)?.lock().await)
    }

    /// A counter that changes when a concordance is committed or withdrawn, and when the log was first read
    /// to its end.
    pub(crate) fn concordances(&self) -> watch::Receiver<u64> {
        self.concordances.subscribe()
    }

    /// What gates need to judge a release now.
    pub(crate) fn gate_context(&self) -> GateContext {
        GateContext { modes: self.gates.clone(), now: self.context.clock.now() }
    }

    /// Reads the state, briefly: folding waits meanwhile, and with it every other reader. Use
    /// [`snapshot`](Self::snapshot) for longer work.
    pub(crate) fn view<R>(&self, look: impl FnOnce(&IngestionState) -> R) -> R {
        look(self.projection.read().unwrap_or_else(PoisonError::into_inner).state())
    }

    /// The state as it is now, for longer work.
    pub(crate) fn snapshot(&self) -> Arc<Projection<IngestionState>> {
        Arc::clone(&self.projection.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Folds the log for as long as the process lives, from a snapshot on if there is one. The service is
    /// ready once everything on the log is folded, and goes on answering while the log is away. A log that
    /// was replaced is folded anew, without a snapshot; until that is done, answers are given from the old
    /// state.
    ///
    /// # Errors
    /// None: whatever is wrong with the log is reported, and tried again.
    pub(crate) async fn follow(
        self: Arc<Self>,
        readiness: Readiness,
        snapshots: Option<EventSnapshots>,
    ) -> Result<(), Failure> {
        let Some(mut snapshots) = snapshots else {
            return self.follow_log(&readiness, Reached::default(), watch::Sender::default()).await;
        };
        let reached = tokio::select! {
            () = self.context.shutdown.cancelled() => return Ok(()),
            reached = self.restore(&mut snapshots) => reached,
        };
        let (folded, known) = watch::channel(reached);
        let (shutdown, clock) = (self.context.shutdown.cancelled(), Arc::clone(&self.context.clock));
        let settled = |reached: &Reached| Some(Settled { reached: *reached, others: Vec::new() });
        let kept = snapshots.keep(shutdown, move || clock.now(), known, settled);
        let (followed, ()) = tokio::join!(self.follow_log(&readiness, reached, folded), kept);
        followed
    }

    /// Takes the state of the best snapshot, once the log can be compared with it. Returns how far it has
    /// folded the log.
    async fn restore(&self, snapshots: &mut EventSnapshots) -> Reached {
        self.followed.wait_for(snapshots.log()).await;
        let evolve = |state: &mut IngestionState, event: &Event| {
            state.evolve(event, None).map_err(|reason| Error::corrupt(event, reason))
        };
        let Some(restored) = snapshots.restore(evolve).await else { return Reached::default() };
        let mut projection = Projection::new(restored.state);
        projection.pass(restored.reached.position);
        *self.projection.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(projection);
        self.followed.set_position(restored.reached.position);
        self.reached.send_replace(restored.reached.position);
        restored.reached
    }

    /// Folds the log. `folded` is told how far whenever all of the log is folded.
    async fn follow_log(
        &self,
        readiness: &Readiness,
        reached: Reached,
        folded: watch::Sender<Reached>,
    ) -> Result<(), Failure> {
        let mut fold = self.new_fold(reached);
        loop {
            let progress = tokio::select! {
                () = self.context.shutdown.cancelled() => return Ok(()),
                progress = fold.follower.next() => progress,
            };
            match progress {
                Ok(Progress::Event(event)) => match self.fold_event(&event, &mut fold.fresh) {
                    Ok(()) => fold.reached.count(&event),
                    Err(error) => {
                        let interruption = fold.follower.put_back(&event, error);
                        self.interrupt(&interruption, readiness);
                    }
                },
                Ok(Progress::CaughtUp(position)) => {
                    self.mark_caught_up(position, fold.fresh.take());
                    folded.send_replace(fold.reached);
                    readiness.set_can_answer();
                }
                Ok(Progress::Interrupted(interruption)) => self.interrupt(&interruption, readiness),
                Err(error) => {
                    tracing::error!(%error, "folding the log anew");
                    self.followed.set_interrupted(&Interruption { since: Instant::now(), error });
                    fold = self.new_fold(Reached::default());
                    tokio::select! {
                        () = self.context.shutdown.cancelled() => return Ok(()),
                        () = tokio::time::sleep(REFOLD_PAUSE) => {}
                    }
                }
            }
        }
    }

    /// A fold that continues with the state or, from position 0 on another log, begins with a fresh one.
    fn new_fold(&self, reached: Reached) -> Fold {
        let follower = Follower::new(Arc::clone(&self.log), Filter::All, reached.position);
        let is_fresh = reached.position == 0 && *self.reached.borrow() > 0;
        self.followed.begin_fold();
        Fold { follower, reached, fresh: is_fresh.then(Projection::default) }
    }

    fn interrupt(&self, interruption: &Interruption, readiness: &Readiness) {
        self.followed.set_interrupted(interruption);
        if matches!(interruption.error, Error::Corrupt { .. }) {
            // No more will come before somebody acts: what is folded is what there is to answer from.
            readiness.set_can_answer();
        }
    }

    /// Folds an event into the state, or into a fresh one beside it.
    fn fold_event(&self, event: &Event, fresh: &mut Option<Projection<IngestionState>>) -> Result<(), Error> {
        let digest = self.digests.take(&event.data);
        let evolve = |state: &mut IngestionState, event: &Event| {
            state.evolve(event, digest).map_err(|reason| Error::corrupt(event, reason))
        };
        if let Some(projection) = fresh {
            return projection.fold(event, evolve).map(drop);
        }
        let mut shared = self.projection.write().unwrap_or_else(PoisonError::into_inner);
        let projection = Arc::make_mut(&mut shared);
        projection.fold(event, evolve)?;
        let position = projection.position();
        drop(shared);
        self.followed.set_position(position);
        self.reached.send_replace(position);
        Ok(())
    }

    /// Marks everything up to a position as folded. A fresh state takes the place of the old one.
    fn mark_caught_up(&self, position: Position, fresh: Option<Projection<IngestionState>>) {
        let position = {
            let mut shared = self.projection.write().unwrap_or_else(PoisonError::into_inner);
            if let Some(fresh) = fresh {
                *shared = Arc::new(fresh);
            }
            let projection = Arc::make_mut(&mut shared);
            projection.pass(position);
            projection.position()
        };
        self.followed.set_live(position, &*self.log);
        self.reached.send_replace(position);
        let changes = 1 + self.view(IngestionState::changes_of_concordances);
        self.concordances.send_if_modified(|known| std::mem::replace(known, changes) != changes);
    }

    /// Waits until the state has folded a position.
    pub(crate) async fn wait_for_position(&self, position: Position) -> Result<(), Failure> {
        let mut reached = self.reached.subscribe();
        let there = reached.wait_for(|reached| *reached >= position);
        tokio::select! {
            () = self.context.shutdown.cancelled() => Err(stopping_failure()),
            waited = tokio::time::timeout(CATCH_UP_TIMEOUT, there) => match waited {
                Ok(Ok(_)) => Ok(()),
                Ok(Err(_)) => Err(stopping_failure()),
                Err(_) => Err(Failure::new(
                    Class::Unavailable,
                    "not-caught-up",
                    format!("the service has not read its log up to position {position} in {} \
                             s", CATCH_UP_TIMEOUT.as_secs()),
                )
                .with_hint("try again in a while")),
            },
        }
    }

    /// Waits until the state holds everything that is on a stream. Returns the stream's last position.
    pub(crate) async fn catch_up_with(&self, stream: &StreamName) -> Result<Position, Failure> {
        let last = self.log.last(stream).await?;
        self.wait_for_position(last).await?;
        Ok(last)
    }

    /// Waits until the state holds everything that is on the log. If the fold stands until somebody acts,
    /// what is folded is what there is to answer from.
    pub(crate) async fn catch_up(&self) -> Result<(), Failure> {
        if self.followed.is_stuck() {
            return Ok(());
        }
        let extent = self.log.extent().await?;
        self.wait_for_position(extent.head).await
    }

    /// Appends events to a stream, all or none. Returns the position of the last.
    ///
    /// Repeating an append is harmless: the identifiers follow from the events.
    async fn append(
        &self,
        stream: &StreamName,
        expected: Position,
        events: &[NumberedEvent],
        attempt: u32,
    ) -> Result<Position, Error> {
        let new_event = |numbered: &NumberedEvent| {
            let NumberedEvent { event, number } = numbered;
            let mut new = self.new_event(stream, attempt, event.kind(), *number, event.encode());
            if let ObservationEvent::SourcePolicyRevised(revised) = event {
                new.id = ids::policy_revision_id(stream, revised);
            }
            new
        };
        self.append_events(stream, expected, events.iter().map(new_event).collect()).await
    }

    /// Appends events to a release's stream in their order. Returns the position of the last.
    pub(crate) async fn append_in_order(
        &self,
        stream: &StreamName,
        expected: Position,
        events: &mut NewEvents<'_>,
    ) -> Result<Position, Unfinished> {
        self.log.append_in_order(stream, expected, events).await
    }

    /// The event that records a chunk, which is about to be appended.
    pub(crate) fn chunk_event(&self, stream: &StreamName, attempt: u32, chunk: &Chunk) -> NewEvent {
        self.digests.insert(chunk);
        self.new_event(stream, attempt, chunk.kind, chunk.number, chunk.data.clone())
    }

    fn new_event(
        &self,
        stream: &StreamName,
        attempt: u32,
        kind: ObservationEventKind,
        number: u32,
        data: Bytes,
    ) -> NewEvent {
        NewEvent {
            id: ids::event_id(stream, attempt, kind.name(), number),
            kind: kind.name().to_owned(),
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

    /// Decides on the newest state and appends the resulting events. After a conflict with another writer it
    /// decides again. Returns the decision that stands, once the state shows it.
    ///
    /// Deciding may look at every row of a release, so it runs on a thread of its own.
    ///
    /// # Errors
    /// Those of `decide` and of the log; [`Class::Unavailable`] if others keep appending first.
    pub(crate) async fn execute(
        self: &Arc<Self>,
        stream: &StreamName,
        decide: impl Fn(&IngestionState) -> Result<Decision, Failure> + Send + Sync + 'static,
    ) -> Result<Decision, Failure> {
        let decide = Arc::new(decide);
        for _ in 0..MAX_DECISION_ATTEMPTS {
            let expected = self.catch_up_with(stream).await?;
            let (known, decide) = (self.snapshot(), Arc::clone(&decide));
            let decided = tokio::task::spawn_blocking(move || decide(known.state()));
            let ended = |error| Failure::internal(format!("deciding panicked or was cancelled: {error}"));
            let decision = decided.await.map_err(ended)??;
            let appended = match &decision {
                Decision::Append(events, attempt) => self.append(stream, expected, events, *attempt).await,
                Decision::Reopen(event, attempt) => {
                    self.append(stream, expected, std::slice::from_ref(event), *attempt).await
                }
                Decision::Unchanged | Decision::Report(..) => return Ok(decision),
            };
            match appended {
                Ok(position) => {
                    self.wait_for_position(position).await?;
                    return Ok(decision);
                }
                Err(Error::Conflict { actual, .. }) => self.wait_for_position(actual).await?,
                Err(error) => return Err(error.into()),
            }
        }
        Err(Failure::new(
            Class::Unavailable,
            "contended",
            format!("others changed the release {MAX_DECISION_ATTEMPTS} times in a row"),
        )
        .with_hint("try again in a while"))
    }

    /// The events of a stream at these positions, in order. The state keeps positions of what is too large to
    /// be kept itself.
    pub(crate) fn events<'a>(
        &'a self,
        stream: &StreamName,
        positions: &'a [Position],
    ) -> impl Stream<Item = Result<Event, Failure>> + 'a {
        let first = positions.first().copied().unwrap_or_default();
        let items = self.log.read(Filter::Under(stream.clone()), first.saturating_sub(1));
        let unanswered = || Failure::new(Class::Unavailable, "log-unavailable", "the log does not answer");
        stream::unfold((items, positions), move |(mut items, rest)| async move {
            let (wanted, later) = rest.split_first()?;
            let event = loop {
                match tokio::time::timeout(CATCH_UP_TIMEOUT, items.next()).await {
                    Ok(Some(Ok(Item::Event(event)))) if event.position < *wanted => {}
                    Ok(Some(Ok(Item::Event(event)))) if event.position == *wanted => {
                        break Ok(event);
                    }
                    Ok(Some(Err(error))) => break Err(error.into()),
                    Ok(_) => {
                        let message = format!("event {wanted} is missing from the log");
                        break Err(Failure::new(Class::Damaged, "log-corrupt", message));
                    }
                    Err(_) => break Err(unanswered()),
                }
            };
            Some((event, (items, later)))
        })
    }

    /// The event of a stream at a position.
    pub(crate) async fn event_at(
        &self,
        stream: &StreamName,
        position: Position,
    ) -> Result<ObservationEvent, Failure> {
        let positions = [position];
        let mut events = std::pin::pin!(self.events(stream, &positions));
        let none = || {
            Failure::new(Class::Damaged, "log-corrupt", format!("event {position} is missing from the log"))
        };
        let event = events.next().await.unwrap_or_else(|| Err(none()))?;
        decode_event(&event)
    }
}

/// The failure of requests to a stopping service.
pub(crate) fn stopping_failure() -> Failure {
    Failure::new(Class::Unavailable, "stopping", "the service is stopping")
}
