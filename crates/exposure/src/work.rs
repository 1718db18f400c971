//! Follows the observations log and publishes what each turn of the book changes.
//!
//! Who asks gets answers of the new book as soon as it is folded; publishing goes on beside it, turn after turn.
//!
//! Turns are published in the order of the observations log, and within a turn material by material. Where a material's
//! stream stands follows from its last event alone, so that a restart, a crash in the middle and a second replica all go on
//! from there: the log's expectation lets one append through, and whoever was second reads what is there and goes on.
//!
//! A stream that was written by a version with fewer measures gets the figures of those it lacks before anything else: events
//! with cause MEASURES_ADDED, of the book as the stream has followed it.

use std::sync::Arc;

use futures_util::StreamExt as _;
use orewatch_contracts::exposure::v1::exposure_service_server::ExposureServiceServer;
use orewatch_eventlog::{Error, Event, Filter, Item, Projection, WaitingLog};
use orewatch_runtime::{Context, Failure, trace};
use tokio::sync::mpsc;
use tokio::sync::watch::Sender;
use tokio::task::spawn_blocking;
use tracing::Instrument as _;

use crate::Logs;
use crate::book::Book;
use crate::evolve::{Knowing, Turn};
use crate::grpc::Service;
use crate::publisher::Publisher;
use crate::snapshot::Snapshot;

/// Most that waits to be published. Beyond that folding waits: books share what releases say, but every one of them is kept.
const MOST_WAITING: usize = 64;

/// What is to be published.
enum Job {
    /// What a turn changes.
    Turn(Turn),
    /// What streams lack, given the book at the end of the log.
    Complete(Arc<Book>),
}

/// A job with the number of those so far that answers tell about: turns, and what streams lack when the log's end is first seen.
type Numbered = (u64, Job);

/// Runs until the shutdown, or until it cannot go on.
pub(crate) async fn run(context: Context, logs: Logs, announce: Sender<Snapshot>) -> Result<(), Failure> {
    let (jobs, waiting) = mpsc::channel(MOST_WAITING);
    let exposures = WaitingLog::new(Arc::clone(&logs.exposures));
    let publisher = Publisher::new(Arc::clone(&exposures) as _, context.shutdown.clone());
    let (followed, published) = (
        follow(&context, &logs, &exposures, &announce, jobs),
        publish(&context, publisher, &announce, waiting),
    );
    tokio::try_join!(followed, published).map(|_| ())
}

/// Folds the observations log, and hands over what is to be published.
async fn follow(
    context: &Context,
    logs: &Logs,
    exposures: &WaitingLog,
    announce: &Sender<Snapshot>,
    jobs: mpsc::Sender<Numbered>,
) -> Result<(), Failure> {
    let mut items = logs.observations.read(Filter::All, 0);
    let mut known = Projection::new(Knowing::default());
    let (mut number, mut ready) = (0_u64, false);
    loop {
        let item = tokio::select! {
            biased;
            () = context.shutdown.cancelled() => return Ok(()),
            item = items.next() => item.ok_or_else(ended)??,
        };
        let job = match item {
            Item::Event(event) => {
                let (next, turn) = fold(known, event).await?;
                known = next;
                number += u64::from(turn.is_some());
                turn.map(Job::Turn)
            }
            Item::CaughtUp(position) => {
                known.pass(position);
                number += u64::from(!ready);
                Some(Job::Complete(Arc::clone(known.state().book())))
            }
        };
        announce_book(announce, &known, number);
        if !ready && matches!(job, Some(Job::Complete(_))) {
            ready = true;
            serve(context, announce).await;
        }
        let Some(job) = job else { continue };
        let mut sending = std::pin::pin!(jobs.send((number, job)));
        let sent = tokio::select! {
            biased;
            () = context.shutdown.cancelled() => return Ok(()),
            sent = &mut sending => sent,
            // Publishing waits for room on its log: what is folded by now is answered.
            () = exposures.until_full(), if !ready => {
                ready = true;
                serve(context, announce).await;
                tokio::select! {
                    biased;
                    () = context.shutdown.cancelled() => return Ok(()),
                    sent = sending => sent,
                }
            }
        };
        // Nobody takes jobs any more where publishing has ended with an error, which is what is reported.
        if sent.is_err() {
            return Ok(());
        }
    }
}

/// Says that questions are answered.
async fn serve(context: &Context, announce: &Sender<Snapshot>) {
    announce.send_modify(|snapshot| snapshot.ready = true);
    context.health.set_serving::<ExposureServiceServer<Service>>().await;
}

/// Publishes what is handed over, one after another, until the shutdown: what is not there then follows from the log again.
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
            done = carry_out(&mut publisher, job) => done?,
        }
        announce.send_modify(|snapshot| {
            if snapshot.jobs == number {
                snapshot.published = publisher.published();
            }
        });
    }
    Ok(())
}

async fn carry_out(publisher: &mut Publisher, job: Job) -> Result<(), Failure> {
    match job {
        Job::Turn(turn) => {
            let span = tracing::info_span!("apply", release = turn.content.release.id);
            trace::link(&span, turn.traceparent.as_deref());
            publisher.apply(Arc::new(turn)).instrument(span).await
        }
        Job::Complete(book) => publisher.complete(&book).await,
    }
}

fn ended() -> Failure {
    Failure::internal("the observations log ended without an error")
}

fn announce_book(announce: &Sender<Snapshot>, known: &Projection<Knowing>, jobs: u64) {
    announce.send_modify(|snapshot| {
        snapshot.book = Arc::clone(known.state().book());
        snapshot.position = known.position();
        if snapshot.jobs != jobs {
            snapshot.published = None;
        }
        snapshot.jobs = jobs;
    });
}

/// Folds an event beside the asynchronous work: a chunk is checked entry by entry.
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
