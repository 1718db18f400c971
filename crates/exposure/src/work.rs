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

use std::sync::Arc;

use orewatch_contracts::Failure;
use orewatch_contracts::exposure::v1::exposure_service_server::ExposureServiceServer;
use orewatch_eventlog::{Error, Event, Filter, Follower, Progress, Projection, WaitingLog};
use orewatch_runtime::{Context, trace};
use orewatch_store::snapshots::{EventSnapshots, Reached};
use tokio::sync::mpsc;
use tokio::sync::watch::Sender;
use tokio::task::spawn_blocking;
use tracing::Instrument as _;

use crate::Logs;
use crate::book::Book;
use crate::evolve::{BookRevision, BookState};
use crate::grpc::ExposureService;
use crate::publisher::Publisher;
use crate::restart::{self, Start};
use crate::snapshot::Snapshot;

/// Largest number of jobs that wait to be published. Beyond it, reading waits: books share the contents of
/// releases, but each waiting book is kept in memory.
const MAX_WAITING_JOBS: usize = 64;

/// A job of the publisher.
enum Job {
    /// Publishes the figures that a revision changes.
    Revision(BookRevision),
    /// Publishes the measures that streams lack, given the book at the end of the log.
    Complete(Arc<Book>),
}

/// A job with the number of jobs so far that count in [`Snapshot::jobs`]: revisions, and the first job after
/// the end of the log was reached.
type Numbered = (u64, Job);

/// Runs until the shutdown.
///
/// # Errors
/// A log cannot be read or written, or holds damaged events.
pub(crate) async fn run(
    context: Context,
    logs: Logs,
    mut snapshots: Option<EventSnapshots>,
    announce: Sender<Snapshot>,
) -> Result<(), Failure> {
    let start = tokio::select! {
        biased;
        () = context.shutdown.cancelled() => return Ok(()),
        start = Start::read(snapshots.as_mut()) => start,
    };
    let (jobs, waiting) = mpsc::channel(MAX_WAITING_JOBS);
    let exposures = WaitingLog::new(Arc::clone(&logs.exposures));
    let publisher = Publisher::new(Arc::clone(&exposures) as _, start.published, context.shutdown.clone());
    let (kept, followed, published) = (
        restart::keep(&context, snapshots, announce.subscribe()),
        follow(&context, &logs, &exposures, &announce, jobs, start),
        publish(&context, publisher, &announce, waiting),
    );
    tokio::try_join!(kept, followed, published).map(|_| ())
}

/// Reads the observations log into the book, and sends jobs to the publisher.
async fn follow(
    context: &Context,
    logs: &Logs,
    exposures: &WaitingLog,
    announce: &Sender<Snapshot>,
    jobs: mpsc::Sender<Numbered>,
    start: Start,
) -> Result<(), Failure> {
    let Start { mut known, mut reached, .. } = start;
    let mut follower = Follower::new(Arc::clone(&logs.observations), Filter::All, known.position());
    let (mut number, mut ready) = (0_u64, false);
    loop {
        let progress = tokio::select! {
            biased;
            () = context.shutdown.cancelled() => return Ok(()),
            progress = follower.next() => progress?,
        };
        let job = match progress {
            Progress::Event(event) => {
                reached.count(&event);
                let (next, revision) = fold(known, event).await?;
                known = next;
                number += u64::from(revision.is_some());
                revision.map(Job::Revision)
            }
            Progress::CaughtUp(position) => {
                known.pass(position);
                number += u64::from(!ready);
                Some(Job::Complete(Arc::clone(known.state().book())))
            }
            Progress::Interrupted => {
                ready = false;
                unserve(context).await;
                None
            }
        };
        announce_book(announce, &known, reached, number);
        if !ready && matches!(job, Some(Job::Complete(_))) {
            ready = true;
            serve(context, announce).await;
        }
        let Some(job) = job else { continue };
        let sent = tokio::select! {
            biased;
            () = context.shutdown.cancelled() => return Ok(()),
            sent = send(&jobs, (number, job), exposures, &mut ready, serve(context, announce)) => sent,
        };
        if !sent {
            return Ok(());
        }
    }
}

/// Sends a job to the publisher. If the publisher waits for room on its log meanwhile, `serve` is executed
/// once. Returns false if the publisher has ended; its own error is then reported.
async fn send(
    jobs: &mpsc::Sender<Numbered>,
    job: Numbered,
    exposures: &WaitingLog,
    ready: &mut bool,
    serve: impl Future<Output = ()>,
) -> bool {
    let mut sending = std::pin::pin!(jobs.send(job));
    let sent = tokio::select! {
        biased;
        sent = &mut sending => sent,
        () = exposures.until_full(), if !*ready => {
            *ready = true;
            serve.await;
            sending.await
        }
    };
    sent.is_ok()
}

/// Sets the service to not serving: the observations log cannot be read, so that answers may be outdated.
async fn unserve(context: &Context) {
    context.health.set_not_serving::<ExposureServiceServer<ExposureService>>().await;
}

/// Sets the service to serving.
async fn serve(context: &Context, announce: &Sender<Snapshot>) {
    announce.send_modify(|snapshot| snapshot.ready = true);
    context.health.set_serving::<ExposureServiceServer<ExposureService>>().await;
}

/// Executes jobs one after another until the shutdown. What is unpublished then follows from the log after a
/// restart.
async fn publish(
    context: &Context,
    mut publisher: Publisher,
    announce: &Sender<Snapshot>,
    mut jobs: mpsc::Receiver<Numbered>,
) -> Result<(), Failure> {
    while let Some((number, job)) = jobs.recv().await {
        tokio::select! {
            biased;
            () = context.shutdown.cancelled() => return Ok(()),
            done = execute(&mut publisher, job) => done?,
        }
        if context.shutdown.is_cancelled() {
            // A job ends early at the shutdown. A snapshot must not say that all of it is published.
            return Ok(());
        }
        announce.send_modify(|snapshot| {
            if snapshot.jobs == number {
                snapshot.published = publisher.published();
            }
        });
    }
    Ok(())
}

/// Executes one job.
async fn execute(publisher: &mut Publisher, job: Job) -> Result<(), Failure> {
    match job {
        Job::Revision(revision) => {
            let span = tracing::info_span!("apply", release = revision.content.release.id);
            trace::link_to_cause(&span, revision.traceparent.as_deref());
            publisher.apply(Arc::new(revision)).instrument(span).await
        }
        Job::Complete(book) => publisher.complete(&book).await,
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
) -> Result<(Projection<BookState>, Option<BookRevision>), Failure> {
    let folded = spawn_blocking(move || {
        let mut revision = None;
        known.fold(&event, |state, event| state.evolve(event).map(|change| revision = change))?;
        Ok::<_, Error>((known, revision))
    });
    Ok(folded.await.map_err(crashed)??)
}

fn crashed(error: tokio::task::JoinError) -> Failure {
    Failure::internal(format!("a computation ended early: {error}"))
}
