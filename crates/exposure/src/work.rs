//! Follows the observations log and publishes the figures that each revision of the book changes.
//!
//! Requests are answered from a new book as soon as it is read; the revisions are published in the
//! background, one after another.
//!
//! Revisions are published in the order of the observations log, and within a revision material by material.
//! The state of a material's stream follows from its last event alone, so that a restart, a crash in the
//! middle of a revision and a second replica all continue from there: an append states the expected end of
//! the stream, so that only one of two writers succeeds, and the other reads the new end and continues.
//!
//! A stream that was written by a version with fewer measures first gets the figures of the measures that it
//! lacks, as events with the cause MEASURES_ADDED, computed from the book at the position that the stream has
//! reached.
//!
//! Where replicas share the work, a worker folds and publishes the materials that it holds (`shared`).
//!
//! Nothing on a log ends the worker. While a log is away it waits; an event that cannot be folded stops the
//! fold before it, and requests are answered from what is folded. If a log was replaced, or the two do not
//! fit each other, everything is folded anew, and requests are answered from the old book until that is done.
//! Only the first fold begins with a snapshot: a later one is of another log, or must not trust what is
//! known.

use std::sync::Arc;
use std::time::Duration;

use orewatch_contracts::{Class, Failure};
use orewatch_eventlog::{
    Error, Event, EventLog, Filter, Follower, Interruption, Position, Progress, Projection, WaitingLog,
};
use orewatch_runtime::metrics::catalogue;
use orewatch_runtime::{Context, FollowedLog, Readiness, trace};
use orewatch_store::snapshots::{EventSnapshots, Reached};
use tokio::sync::watch::Sender;
use tokio::sync::{mpsc, watch};
use tokio::task::spawn_blocking;
use tokio::time::Instant;
use tracing::Instrument as _;

use crate::Logs;
use crate::book::{Book, Holding};
use crate::evolve::{BookRevision, BookState};
use crate::judge::{Judge, Judgement};
use crate::publisher::Publisher;
use crate::restart::{self, Start};
use crate::snapshot::{Snapshot, WorkerProgress};

/// Largest number of jobs that wait to be published. Beyond it, reading waits: books share the contents of
/// releases, but each waiting book is kept in memory.
const MAX_WAITING_JOBS: usize = 64;

/// Shortest and longest pause before everything is folded anew.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// How often the exposures log is compared with what was published.
const CHECK_INTERVAL: Duration = Duration::from_secs(15);

/// Largest number of judgements that wait for other replicas. Beyond it, publishing waits.
const MAX_WAITING_JUDGEMENTS: usize = 1024;

/// A job of the publisher.
enum Job {
    /// Publishes the figures that a revision changes.
    Revision(BookRevision),
    /// Publishes the measures that streams lack, given the book at the end of the log and its position.
    Complete(Arc<Book>, Position),
}

impl Job {
    /// Position of the observations log up to which everything is published once the job is done.
    fn position(&self) -> Position {
        match self {
            Self::Revision(revision) => revision.moment.position,
            Self::Complete(_, position) => *position,
        }
    }
}

/// A job with the number of jobs so far that count in [`Snapshot::jobs`]: revisions, and the first job after
/// the end of the log was reached.
type Numbered = (u64, Job);

/// The worker of the service.
pub(crate) struct Worker {
    /// The process.
    pub(crate) context: Context,
    /// The logs.
    pub(crate) logs: Logs,
    /// What requests are answered from.
    pub(crate) announce: Sender<Snapshot>,
    /// When requests can be answered.
    pub(crate) readiness: Readiness,
    /// The log that is read.
    pub(crate) observations: FollowedLog,
    /// The log that is written.
    pub(crate) exposures: FollowedLog,
    /// The materials that it folds and publishes. They may become fewer while it runs.
    pub(crate) holding: Arc<Sender<Holding>>,
    /// How far it has come.
    pub(crate) progress: Sender<WorkerProgress>,
    /// Judges claims together with other replicas. `None`: there are none, and the publisher judges them.
    pub(crate) judge: Option<Judge>,
}

impl Worker {
    /// Runs until the shutdown, from a snapshot on if there is one.
    ///
    /// # Errors
    /// A defect.
    pub(crate) async fn run(self, mut snapshots: Option<EventSnapshots>) -> Result<(), Failure> {
        let start = tokio::select! {
            biased;
            () = self.context.shutdown.cancelled() => return Ok(()),
            start = self.read_start(snapshots.as_mut()) => start,
        };
        let kept = restart::keep(&self.context, snapshots, self.announce.subscribe());
        tokio::try_join!(kept, self.work(start)).map(|_| ())
    }

    /// Reads what the first fold begins with, once the logs can be compared with it.
    pub(crate) async fn read_start(&self, snapshots: Option<&mut EventSnapshots>) -> Start {
        let Some(snapshots) = snapshots else { return Start::default() };
        self.observations.wait_for(&*self.logs.observations).await;
        self.exposures.wait_for(&*self.logs.exposures).await;
        let holding = self.holding.borrow().clone();
        Start::read(snapshots, holding).await
    }

    /// Folds and publishes. If a log is damaged or was replaced, begins again, with nothing.
    ///
    /// # Errors
    /// A defect.
    pub(crate) async fn work(&self, mut start: Start) -> Result<(), Failure> {
        let mut pause = PAUSES.0;
        loop {
            let failure = match self.fold_and_publish(std::mem::take(&mut start)).await {
                Err(failure) if is_of_a_log(&failure) => failure,
                outcome => return outcome,
            };
            tracing::error!(%failure, code = failure.code, "folding the logs anew");
            // What was published may be on another log: a snapshot must not say that it is on this one.
            self.announce.send_modify(|snapshot| {
                (snapshot.reached, snapshot.published) = (Reached::default(), None);
            });
            self.progress.send_replace(WorkerProgress::default());
            tokio::select! {
                () = self.context.shutdown.cancelled() => return Ok(()),
                () = tokio::time::sleep(pause) => {}
            }
            pause = pause.saturating_mul(2).min(PAUSES.1);
        }
    }

    async fn fold_and_publish(&self, start: Start) -> Result<(), Failure> {
        let (jobs, waiting) = mpsc::channel(MAX_WAITING_JOBS);
        let (judgements, unjudged) = mpsc::channel(MAX_WAITING_JUDGEMENTS);
        let log = WaitingLog::new(Arc::clone(&self.logs.exposures));
        let (is_shared, shutdown) = (self.judge.is_some(), self.context.shutdown.clone());
        let publisher = Publisher::new(Arc::clone(&log) as _, start.published, is_shared, shutdown);
        let (reached, published) = watch::channel(start.published);
        let publish = async {
            let published = self.publish(publisher, waiting, &reached, judgements).await;
            published.inspect_err(|failure| self.exposures.set_failed(failure))
        };
        let check = async {
            let checked = self.check_exposures(published).await;
            checked.inspect_err(|failure| self.exposures.set_failed(failure))
        };
        let judge = async {
            let judged = self.judge_claims(Arc::clone(&log) as _, unjudged).await;
            judged.inspect_err(|failure| self.exposures.set_failed(failure))
        };
        tokio::try_join!(self.follow(&log, jobs, start), publish, check, judge).map(|_| ())
    }

    /// Judges claims for all replicas, if this one does that.
    async fn judge_claims(
        &self,
        log: Arc<dyn EventLog>,
        unjudged: mpsc::Receiver<Judgement>,
    ) -> Result<(), Failure> {
        let Some(judge) = &self.judge else { return Ok(()) };
        let publisher = Publisher::new(log, 0, true, self.context.shutdown.clone());
        judge.run(publisher, unjudged, &self.holding, &self.progress).await
    }

    /// Reads the observations log into the book, and sends jobs to the publisher.
    async fn follow(
        &self,
        exposures: &WaitingLog,
        jobs: mpsc::Sender<Numbered>,
        start: Start,
    ) -> Result<(), Failure> {
        let mut holding = self.holding.subscribe();
        let mut fold = Fold::new(self, start);
        fold.announce();
        let held = holding.borrow_and_update().clone();
        if *fold.known.state().book().held() != held {
            fold.let_go(held).await?;
        }
        loop {
            let progress = tokio::select! {
                biased;
                () = self.context.shutdown.cancelled() => return Ok(()),
                // The sender is part of the worker.
                _alive = holding.changed() => {
                    let held = holding.borrow_and_update().clone();
                    fold.let_go(held).await?;
                    continue;
                }
                progress = fold.follower.next() => progress.inspect_err(|error| self.refuse(error))?,
            };
            let Some(job) = fold.take(progress).await? else { continue };
            let sent = tokio::select! {
                biased;
                () = self.context.shutdown.cancelled() => return Ok(()),
                sent = fold.send(&jobs, (fold.number, job), exposures) => sent,
            };
            if !sent {
                return Ok(());
            }
        }
    }

    /// Records why the observations log cannot be followed.
    fn refuse(&self, error: &Error) {
        self.observations.set_failed(&Failure::from(error.clone()));
    }

    /// Requests can be answered from what is announced.
    fn serve(&self) {
        self.announce.send_modify(|snapshot| snapshot.ready = true);
        self.readiness.set_can_answer();
    }

    /// Executes jobs one after another until the shutdown. What is unpublished then follows from the log
    /// after a restart. `reached` is told up to where the exposures log holds what was published.
    async fn publish(
        &self,
        mut publisher: Publisher,
        mut jobs: mpsc::Receiver<Numbered>,
        reached: &Sender<Position>,
        judgements: mpsc::Sender<Judgement>,
    ) -> Result<(), Failure> {
        while let Some((number, job)) = jobs.recv().await {
            let (began, is_revision) = (Instant::now(), matches!(job, Job::Revision(_)));
            let applied = job.position();
            tokio::select! {
                biased;
                () = self.context.shutdown.cancelled() => return Ok(()),
                done = self.execute(&mut publisher, job, &judgements) => done?,
            }
            if is_revision {
                self.context.metrics.observe(&catalogue::PUBLISH_SECONDS, [], began.elapsed());
            }
            if self.context.shutdown.is_cancelled() {
                // A job ends early at the shutdown. A snapshot must not say that all of it is published.
                return Ok(());
            }
            let published = publisher.published();
            self.exposures.set_live(published, &*self.logs.exposures);
            reached.send_replace(published);
            self.progress.send_modify(|progress| {
                progress.applied = progress.applied.max(applied);
                progress.published = progress.published.max(published);
            });
            self.announce.send_modify(|snapshot| {
                if snapshot.jobs == number {
                    snapshot.published = Some(published);
                }
            });
        }
        Ok(())
    }

    /// Executes one job.
    async fn execute(
        &self,
        publisher: &mut Publisher,
        job: Job,
        judgements: &mpsc::Sender<Judgement>,
    ) -> Result<(), Failure> {
        let judgement = match job {
            Job::Revision(revision) => {
                let span = tracing::info_span!("apply", release = revision.content.release.id);
                trace::link_to_cause(&span, revision.traceparent.as_deref());
                let revision = Arc::new(revision);
                publisher.apply(Arc::clone(&revision)).instrument(span).await?;
                Judgement::Revision(revision)
            }
            Job::Complete(book, position) => {
                publisher.complete(&book).await?;
                Judgement::UpTo(position)
            }
        };
        if self.judge.is_some() {
            // Fails only if judging has failed, which is reported there.
            let _ended = judgements.send(judgement).await;
        }
        Ok(())
    }

    /// Notices when the exposures log is away, or ends before what was published: it was emptied, or an older
    /// copy took its place. Nobody else would tell, because this service does not read it.
    async fn check_exposures(&self, published: watch::Receiver<Position>) -> Result<(), Failure> {
        let log = &*self.logs.exposures;
        loop {
            let question = async {
                tokio::time::sleep(CHECK_INTERVAL).await;
                log.extent().await
            };
            let answer = tokio::select! {
                biased;
                () = self.context.shutdown.cancelled() => return Ok(()),
                answer = question => answer,
            };
            let wanted = *published.borrow();
            match answer {
                Ok(extent) if extent.head < wanted || (wanted > 0 && extent.oldest > extent.head) => {
                    let reason = format!("position {wanted} was published, but it ends at {}", extent.head);
                    return Err(Error::Replaced { log: log.name().to_owned(), reason }.into());
                }
                Ok(_) if self.exposures.is_stuck() => {}
                Ok(_) => self.exposures.set_live(wanted, log),
                Err(error @ Error::Unavailable { .. }) => {
                    self.exposures.set_interrupted(&Interruption { since: Instant::now(), error });
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Whether a failure is about a log, so that folding anew may help.
fn is_of_a_log(failure: &Failure) -> bool {
    matches!(failure.class, Class::Damaged | Class::Unavailable | Class::Exhausted | Class::Misconfigured)
}

/// The observations log, on its way into a book.
struct Fold<'a> {
    worker: &'a Worker,
    follower: Follower,
    known: Projection<BookState>,
    /// The last event that is folded.
    reached: Reached,
    /// Jobs so far that count.
    number: u64,
    /// The end of the log was reached.
    is_complete: bool,
    /// The book is announced: there is no older one that knows more.
    is_announced: bool,
}

impl<'a> Fold<'a> {
    fn new(worker: &'a Worker, start: Start) -> Self {
        let Start { mut known, reached, .. } = start;
        if known.position() == 0 {
            known = Projection::new(BookState::holding(worker.holding.borrow().clone()));
        }
        let log = Arc::clone(&worker.logs.observations);
        let follower = Follower::new(log, Filter::All, known.position());
        let snapshot = worker.announce.borrow();
        let (number, is_announced) = (snapshot.jobs, !snapshot.ready);
        // What a replica takes over is folded beside a book that is up to date.
        if is_announced || worker.judge.is_none() {
            worker.observations.begin_fold();
        }
        Self { worker, follower, known, reached, number, is_complete: false, is_announced }
    }

    /// Takes a step of the follower. Returns what follows from it for the publisher.
    async fn take(&mut self, progress: Progress) -> Result<Option<Job>, Failure> {
        match progress {
            Progress::Event(event) => self.fold(event).await,
            Progress::CaughtUp(position) => {
                self.known.pass(position);
                self.number += u64::from(!self.is_complete);
                (self.is_complete, self.is_announced) = (true, true);
                self.worker.observations.set_live(position, &*self.worker.logs.observations);
                self.announce();
                self.worker.serve();
                Ok(Some(Job::Complete(Arc::clone(self.known.state().book()), self.known.position())))
            }
            Progress::Interrupted(interruption) => {
                self.interrupt(&interruption);
                Ok(None)
            }
        }
    }

    /// Folds an event. One that cannot be folded is put back: it stops the fold, and nothing else.
    async fn fold(&mut self, event: Event) -> Result<Option<Job>, Failure> {
        let (known, event, folded) = fold(std::mem::take(&mut self.known), event).await?;
        self.known = known;
        match folded {
            Ok(revision) => {
                self.reached.count(&event);
                self.number += u64::from(revision.is_some());
                self.announce();
                Ok(revision.map(Job::Revision))
            }
            Err(error) => {
                let interruption = self.follower.put_back(&event, error);
                self.interrupt(&interruption);
                Ok(None)
            }
        }
    }

    /// Lets go of the materials that a holding does not include.
    async fn let_go(&mut self, held: Holding) -> Result<(), Failure> {
        let known = std::mem::take(&mut self.known);
        let left = spawn_blocking(move || {
            let position = known.position();
            let mut left = Projection::new(known.into_state().held_by(&held));
            left.pass(position);
            left
        });
        self.known = left.await.map_err(crashed)?;
        self.announce();
        Ok(())
    }

    fn interrupt(&mut self, interruption: &Interruption) {
        self.worker.observations.set_interrupted(interruption);
        if !matches!(interruption.error, Error::Corrupt { .. }) {
            return;
        }
        if !self.is_announced && self.is_as_far() {
            self.is_announced = true;
            self.announce();
        }
        if self.is_announced {
            // No more will come before somebody acts: what is folded is what there is to answer from.
            self.worker.serve();
        }
    }

    /// Whether this is folded beside an older book, of which nothing is lost if this one takes its place.
    fn is_as_far(&self) -> bool {
        self.worker.judge.is_some() && self.known.position() >= self.worker.announce.borrow().position
    }

    fn announce(&self) {
        if self.is_announced {
            self.worker.observations.set_position(self.known.position());
            announce_book(&self.worker.announce, &self.known, self.reached, self.number);
        }
    }

    /// Sends a job to the publisher. If the publisher waits for room on its log meanwhile, requests are
    /// answered from what is read. Returns false if the publisher has ended; its own error is then reported.
    async fn send(&mut self, jobs: &mpsc::Sender<Numbered>, job: Numbered, exposures: &WaitingLog) -> bool {
        let mut sending = std::pin::pin!(jobs.send(job));
        let sent = tokio::select! {
            biased;
            sent = &mut sending => sent,
            () = exposures.until_full(), if !self.is_complete => {
                self.worker.serve();
                sending.await
            }
        };
        sent.is_ok()
    }
}

fn announce_book(announce: &Sender<Snapshot>, known: &Projection<BookState>, reached: Reached, jobs: u64) {
    announce.send_modify(|snapshot| {
        snapshot.book = Arc::clone(known.state().book());
        snapshot.position = known.position();
        snapshot.reached = reached;
        if snapshot.jobs != jobs {
            snapshot.published = None;
        }
        snapshot.jobs = jobs;
    });
}

/// Applies an event to the book, on a thread for blocking work: a chunk is checked entry by entry.
async fn fold(
    mut known: Projection<BookState>,
    event: Event,
) -> Result<(Projection<BookState>, Event, Result<Option<BookRevision>, Error>), Failure> {
    let folded = spawn_blocking(move || {
        let mut revision = None;
        let folded = known.fold(&event, |state, event| state.evolve(event).map(|change| revision = change));
        (known, event, folded.map(|_| revision))
    });
    folded.await.map_err(crashed)
}

fn crashed(error: tokio::task::JoinError) -> Failure {
    Failure::internal(format!("a computation ended early: {error}"))
}
