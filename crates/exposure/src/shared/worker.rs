//! The worker of a replica that shares the work: folds and publishes what the replica holds, whatever that is
//! at present.
//!
//! What comes is folded beside what is there, from a snapshot and the log, by a worker of its own. When that
//! one has read the log to its end it takes the place of the first; until then, requests are answered and
//! figures published as before. What goes is dropped from memory once the replica that should hold it says
//! that it does.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, pending};
use orewatch_contracts::Failure;
use orewatch_eventlog::Position;
use orewatch_runtime::{Context, FollowedLog, Readiness};
use orewatch_store::keys::TenantKeys;
use orewatch_store::snapshots::{EventSnapshots, SnapshotHealth, SnapshotPlace};
use tokio::sync::watch;

use super::peers::{APPLIED, JUDGED, PUBLISHED, Peers, TRADE_ROWS};
use crate::Logs;
use crate::book::{Book, Holding};
use crate::decide::CLAIMS;
use crate::judge::Judge;
use crate::restart;
use crate::snapshot::{Snapshot, WorkerProgress};
use crate::work::Worker;

/// The worker of a replica that shares the work.
pub(crate) struct SharedWorker {
    /// The process.
    pub(crate) context: Context,
    /// The logs.
    pub(crate) logs: Logs,
    /// The same with their content as it is stored, which snapshots hold.
    pub(crate) stored: Logs,
    /// Keys of tenants.
    pub(crate) keys: TenantKeys,
    /// Where snapshots are.
    pub(crate) snapshots: Option<SnapshotPlace>,
    /// What becomes of them.
    pub(crate) health: SnapshotHealth,
    /// What requests are answered from.
    pub(crate) announce: watch::Sender<Snapshot>,
    /// When requests can be answered.
    pub(crate) readiness: Readiness,
    /// The log that is read.
    pub(crate) observations: FollowedLog,
    /// The log that is written.
    pub(crate) exposures: FollowedLog,
    /// The other replicas.
    pub(crate) peers: Peers,
}

/// A worker with a set of partitions. It runs only while it is polled.
struct Share {
    /// The partitions. They may become fewer.
    holding: Arc<watch::Sender<Holding>>,
    known: watch::Receiver<Snapshot>,
    progress: watch::Receiver<WorkerProgress>,
    running: BoxFuture<'static, Result<(), Failure>>,
}

/// A book with the number of its rows.
type Counted = Option<(Arc<Book>, u64)>;

impl SharedWorker {
    /// Runs until the shutdown.
    ///
    /// # Errors
    /// A defect.
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let mut snapshots = self.open_snapshots();
        let begun = async {
            self.peers.sharing().settled().await;
            let worker = self.worker(self.target(&Holding::only(BTreeSet::new())));
            let start = worker.read_start(snapshots.as_mut()).await;
            Share::new(worker, |worker| async move { worker.work(start).await }.boxed())
        };
        let first = tokio::select! {
            biased;
            () = self.context.shutdown.cancelled() => return Ok(()),
            first = begun => first,
        };
        let kept = restart::keep(&self.context, snapshots, self.announce.subscribe());
        tokio::try_join!(kept, self.work(first)).map(|_| ())
    }

    /// Works with one share after the other.
    async fn work(&self, mut current: Share) -> Result<(), Failure> {
        let mut members = self.peers.members();
        let (mut next, mut counted): (Option<Share>, Counted) = (None, None);
        loop {
            let ended = tokio::select! {
                ended = current.step() => ended,
                ended = step_of(&mut next) => ended,
                // The sender lives as long as the process.
                _alive = members.changed() => None,
            };
            if let Some(outcome) = ended {
                return outcome;
            }
            if let Some(ready) = next.take_if(|next| next.is_ready()) {
                current = ready;
            }
            self.adjust(&current, &mut next);
            self.show(&current, &mut counted);
        }
    }

    /// Lets go of what others have taken over, and begins to fold what comes.
    fn adjust(&self, current: &Share, next: &mut Option<Share>) {
        let held = current.holding.borrow().clone();
        let target = Holding::only(self.target(&held));
        if next.is_some() || target == held {
            return;
        }
        let count = |holding: &Holding| holding.materials().map_or(0, BTreeSet::len);
        let (before, after) = (count(&held), count(&target));
        if held.covers(&target) {
            tracing::info!(before, after, "letting go of partitions");
            current.holding.send_replace(target);
            return;
        }
        tracing::info!(before, after, "taking over partitions");
        let worker = self.worker(target.materials().cloned().unwrap_or_default());
        let mut snapshots = self.open_snapshots();
        let run = |worker: Worker| {
            async move {
                let shutdown = worker.context.shutdown.clone();
                let start = tokio::select! {
                    biased;
                    () = shutdown.cancelled() => return Ok(()),
                    start = worker.read_start(snapshots.as_mut()) => start,
                };
                worker.work(start).await
            }
            .boxed()
        };
        *next = Some(Share::new(worker, run));
    }

    /// The partitions that this replica should hold: those that are assigned to it, and those that it holds
    /// until the one that should says that it does.
    fn target(&self, held: &Holding) -> BTreeSet<&'static str> {
        let sharing = self.peers.sharing();
        let members = sharing.members().borrow().clone();
        let is_held = |partition: &str| held.materials().is_some_and(|held| held.contains(partition));
        let is_wanted = |partition: &&'static str| {
            let assigned = members.assigned.get(*partition).map(String::as_str);
            let successor = assigned.and_then(|member| members.records.get(member));
            assigned == Some(sharing.name())
                || is_held(partition) && !successor.is_some_and(|successor| successor.holds(partition))
        };
        sharing.partitions().iter().copied().filter(is_wanted).collect()
    }

    /// Shows callers and other replicas what is known, and what is held.
    fn show(&self, current: &Share, counted: &mut Counted) {
        let known = current.known.borrow().clone();
        let own = *current.progress.borrow();
        let rows = match counted.as_ref().filter(|(book, _)| Arc::ptr_eq(book, &known.book)) {
            Some((_, rows)) => *rows,
            // While the log is read for the first time, books come faster than they can be counted.
            None if !known.ready => 0,
            None => u64::try_from(known.book.trade_rows()).unwrap_or(u64::MAX),
        };
        *counted = known.ready.then(|| (Arc::clone(&known.book), rows));
        let held = known.book.held().materials().filter(|_| known.ready).into_iter().flatten();
        let held: BTreeSet<String> = held.map(|partition| (*partition).to_owned()).collect();
        let numbers =
            [(APPLIED, own.applied), (JUDGED, own.judged), (PUBLISHED, own.published), (TRADE_ROWS, rows)];
        let progress: BTreeMap<String, u64> =
            numbers.into_iter().map(|(name, number)| (name.to_owned(), number)).collect();
        self.peers.sharing().update(|record| (record.held, record.progress) = (held, progress));
        let published = self.published(&known, own);
        self.announce.send_replace(Snapshot { published, ..known });
    }

    /// Position of the exposures log at which everything that follows from the book is published, whoever
    /// publishes it. `None`: some of it is not, as far as this replica knows.
    fn published(&self, known: &Snapshot, own: WorkerProgress) -> Option<Position> {
        let sharing = self.peers.sharing();
        let members = sharing.members().borrow().clone();
        let others: Vec<_> =
            members.records.iter().filter(|(name, _)| *name != sharing.name()).map(|(_, one)| one).collect();
        let is_done = |partition: &&'static str| {
            let (name, done) = match *partition {
                CLAIMS => (JUDGED, own.judged),
                _ => (APPLIED, own.applied),
            };
            known.book.holds(partition) && done >= known.position
                || others.iter().any(|one| one.holds(partition) && one.progress(name) >= known.position)
        };
        let is_everything = known.ready && sharing.partitions().iter().all(is_done);
        let published = others.iter().map(|one| one.progress(PUBLISHED)).chain([own.published]);
        published.max().filter(|_| is_everything)
    }

    fn open_snapshots(&self) -> Option<EventSnapshots> {
        let place = self.snapshots.as_ref()?;
        crate::snapshots(place, &self.stored, &self.keys, &self.health)
    }

    /// A worker for some partitions. Its book is shown once it has read the log to its end; if there is
    /// nothing older to answer from, at once.
    fn worker(&self, partitions: BTreeSet<&'static str>) -> Worker {
        let shutdown = self.context.shutdown.clone();
        Worker {
            context: self.context.clone(),
            logs: self.logs.clone(),
            announce: watch::Sender::new(self.announce.borrow().clone()),
            readiness: self.readiness.clone(),
            observations: self.observations.clone(),
            exposures: self.exposures.clone(),
            holding: Arc::new(watch::Sender::new(Holding::only(partitions))),
            progress: watch::Sender::default(),
            judge: Some(Judge::new(self.peers.clone(), shutdown)),
        }
    }
}

impl Share {
    fn new(worker: Worker, run: impl FnOnce(Worker) -> BoxFuture<'static, Result<(), Failure>>) -> Self {
        let (holding, known) = (Arc::clone(&worker.holding), worker.announce.subscribe());
        let progress = worker.progress.subscribe();
        Self { holding, known, progress, running: run(worker) }
    }

    /// Runs until something has changed, or to the end.
    async fn step(&mut self) -> Option<Result<(), Failure>> {
        let Self { known, progress, running, .. } = self;
        tokio::select! {
            biased;
            outcome = running => Some(outcome),
            // Both senders belong to what runs.
            _alive = known.changed() => None,
            _alive = progress.changed() => None,
        }
    }

    /// Whether its book has all that it holds, and can take the place of another one.
    fn is_ready(&self) -> bool {
        let known = self.known.borrow();
        known.ready && *known.book.held() == *self.holding.borrow()
    }
}

async fn step_of(share: &mut Option<Share>) -> Option<Result<(), Failure>> {
    match share {
        Some(share) => share.step().await,
        None => pending().await,
    }
}
