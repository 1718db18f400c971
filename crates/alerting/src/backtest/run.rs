//! The edge of backtests: reads the log, and streams what a replay comes to.
//!
//! The log is read beside everything else, and what is computed runs on threads for such work. A backtest holds the figures of
//! its rules' measures and a few releases; how many run at once is bounded, and each ends with its caller, at its deadline, or
//! with the service.
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use orewatch_contracts::alerting::v1::backtest_rule_response::Message;
use orewatch_contracts::alerting::v1::{BacktestProgress, BacktestRuleResponse, BacktestSummary};
use orewatch_contracts::common::v1::Cause;
use orewatch_contracts::exposure::v1::{PACKAGE, ReleaseApplied};
use orewatch_eventlog::{Error, Event, EventLog, Filter, Item, Items, Position};
use orewatch_runtime::{Class, Context, Failure};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::{Horizon, Replay, Report};
use crate::batch::{Batch, Building, ended};
use crate::facts::decode;

/// Most backtests at once.
const MOST_AT_ONCE: usize = 2;
/// How long a backtest waits for its turn.
const TURN: Duration = Duration::from_secs(30);
/// How long a backtest may take, where its caller does not say.
const LONGEST: Duration = Duration::from_secs(600);
/// Most releases that are read ahead.
const AHEAD: usize = 2;
/// Most answers that wait to be taken.
const WAITING: usize = 16;
/// After how many releases progress is told.
const PROGRESS: u32 = 16;

/// What a caller is sent.
pub(crate) type Responses = BoxStream<'static, Result<BacktestRuleResponse, Status>>;

/// Where backtests run.
#[derive(Clone, Debug)]
pub(crate) struct Runner {
    context: Context,
    exposures: Arc<dyn EventLog>,
    turns: Arc<Semaphore>,
}

/// What is read of the exposures log.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reading {
    /// What counts.
    pub(crate) horizon: Horizon,
    /// How long it may take. None: as long as one may.
    pub(crate) deadline: Option<Duration>,
}

/// What the computing side is given.
enum Feed {
    Batch(Box<Batch>),
    End,
}

/// What the computing side does with a release.
#[derive(Clone, Copy, PartialEq)]
enum Manner {
    /// Evaluates it, as the service does.
    Evaluate,
    /// Takes it in.
    TakeIn,
}

impl Runner {
    pub(crate) fn new(context: Context, exposures: Arc<dyn EventLog>) -> Self {
        Self { context, exposures, turns: Arc::new(Semaphore::new(MOST_AT_ONCE)) }
    }

    /// Runs a replay over the log; the subjects that are answered, at most so many, and the summary come as a stream.
    pub(crate) fn stream(&self, replay: Replay, reading: Reading, most: usize) -> Responses {
        let (answers, taken) = mpsc::channel(WAITING);
        let runner = self.clone();
        self.context.tasks.spawn(async move {
            let told = answers.clone();
            let outcome = tokio::select! {
                () = answers.closed() => return,
                outcome = runner.bounded(reading.deadline, runner.run(replay, &reading, most, told)) => outcome,
            };
            if let Err(failure) = outcome {
                // One who has gone away needs no answer.
                let _gone = answers.send(Err(failure.into())).await;
            }
        });
        stream::unfold(taken, |mut taken| async { taken.recv().await.map(|answer| (answer, taken)) }).boxed()
    }

    /// What the rules of a replay come to by the figures as they are known: nothing is told of what was sent.
    ///
    /// # Errors
    /// Those of the log; [`Class::Unavailable`] if it takes too long or too many run.
    pub(crate) async fn summary(&self, replay: Replay, reading: Reading) -> Result<BacktestSummary, Failure> {
        self.bounded(reading.deadline, async {
            let turn = self.turn().await?;
            let (stop, _guard) = stop();
            let (feed, fed) = mpsc::channel(AHEAD);
            let worker = tokio::task::spawn_blocking(move || {
                let _turn = turn;
                let replay = compute(replay, fed, Manner::TakeIn, &stop, |_, _| {})?;
                replay.admit()?;
                let report = Report::of(&replay, 0, &|| !stop.is_cancelled());
                report.map(|report| report.summary).ok_or_else(stopped)
            });
            self.read(&reading.horizon, feed).await?;
            worker.await.map_err(crashed)?
        })
        .await
    }

    /// The same of a replay that rests on figures that are there already.
    ///
    /// # Errors
    /// As [`summary`](Self::summary).
    pub(crate) async fn sum_up(
        &self,
        replay: Replay,
        deadline: Option<Duration>,
    ) -> Result<BacktestSummary, Failure> {
        self.bounded(deadline, async {
            let turn = self.turn().await?;
            let (stop, _guard) = stop();
            let report = tokio::task::spawn_blocking(move || {
                let _turn = turn;
                replay.admit()?;
                let report = Report::of(&replay, 0, &|| !stop.is_cancelled());
                report.map(|report| report.summary).ok_or_else(stopped)
            });
            report.await.map_err(crashed)?
        })
        .await
    }

    async fn bounded<T>(
        &self,
        deadline: Option<Duration>,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let longest = deadline.unwrap_or(LONGEST).min(LONGEST);
        tokio::select! {
            biased;
            () = self.context.shutdown.cancelled() => Err(stopped()),
            outcome = tokio::time::timeout(longest, work) => outcome.unwrap_or_else(|_| {
                let message = format!("the backtest did not end within {} s", longest.as_secs());
                let late = Failure::new(Class::Unavailable, "backtest-slow", message);
                Err(late.with_hint("allow it more time, or look at fewer subjects"))
            }),
        }
    }

    async fn turn(&self) -> Result<OwnedSemaphorePermit, Failure> {
        let turn = tokio::time::timeout(TURN, Arc::clone(&self.turns).acquire_owned()).await;
        turn.ok().and_then(Result::ok).ok_or_else(|| {
            let message = format!("{MOST_AT_ONCE} backtests run already");
            Failure::new(Class::Exhausted, "backtests-busy", message)
                .with_hint("try again when they have ended")
                .retry_after(TURN)
        })
    }

    async fn run(
        &self,
        replay: Replay,
        reading: &Reading,
        most: usize,
        answers: mpsc::Sender<Result<BacktestRuleResponse, Status>>,
    ) -> Result<(), Failure> {
        let turn = self.turn().await?;
        let (stop, _guard) = stop();
        let (feed, fed) = mpsc::channel(AHEAD);
        let head = self.exposures.extent().await?.head;
        let worker = tokio::task::spawn_blocking(move || {
            // The turn is over when the thread is, not when nobody waits for it any more.
            let _turn = turn;
            let progress = |position, releases: u32| {
                if releases.is_multiple_of(PROGRESS) {
                    // One who is slow to take answers gets fewer of these.
                    let _full = answers.try_send(Ok(said(Message::Progress(BacktestProgress {
                        position,
                        head,
                        releases,
                    }))));
                }
            };
            let replay = compute(replay, fed, Manner::Evaluate, &stop, progress)?;
            let goes_on = || !stop.is_cancelled();
            let report = Report::of(&replay, most, &goes_on).ok_or_else(stopped)?;
            let give = |message| answers.blocking_send(Ok(said(message))).is_ok();
            report.subjects(&replay, |subject| goes_on() && give(Message::Subject(subject)));
            give(Message::Summary(report.summary));
            Ok(())
        });
        self.read(&reading.horizon, feed).await?;
        worker.await.map_err(crashed)?
    }

    /// Reads the log up to where it ends now, and feeds the releases that count.
    async fn read(&self, horizon: &Horizon, feed: mpsc::Sender<Feed>) -> Result<(), Failure> {
        let head = self.exposures.extent().await?.head;
        let horizon = self.resolve(horizon, head).await?;
        let mut building = Building::default();
        let mut past = Past::new(&*self.exposures, head);
        while let Some(event) = past.next().await? {
            let batch = building.fold(&event)?.filter(|batch| horizon.includes(batch.cause.as_ref()));
            if let Some(batch) = batch
                && feed.send(Feed::Batch(Box::new(batch))).await.is_err()
            {
                // The other side tells why it no longer takes anything.
                return Ok(());
            }
        }
        let _gone = feed.send(Feed::End).await;
        Ok(())
    }

    /// The horizon with the position of a release that it names: where that is, only the log tells.
    async fn resolve(&self, horizon: &Horizon, head: Position) -> Result<Horizon, Failure> {
        let mut causes: Vec<Cause> = Vec::new();
        if matches!(horizon, Horizon::Release(_)) {
            let mut past = Past::new(&*self.exposures, head);
            while let Some(event) = past.next().await? {
                if event.kind.strip_prefix(PACKAGE) == Some(".ReleaseApplied") {
                    causes.extend(decode::<ReleaseApplied>(&event)?.cause);
                }
            }
        }
        horizon.clone().resolved(&causes)
    }
}

/// The events of a log up to a position.
struct Past {
    /// None: all of them are read.
    items: Option<Items>,
    log: String,
    head: Position,
}

impl Past {
    fn new(log: &dyn EventLog, head: Position) -> Self {
        let items = (head > 0).then(|| log.read(Filter::All, 0));
        Self { items, log: log.name().to_owned(), head }
    }

    async fn next(&mut self) -> Result<Option<Event>, Error> {
        while let Some(items) = &mut self.items {
            match items.next().await {
                Some(Ok(Item::Event(event))) if event.position < self.head => return Ok(Some(event)),
                Some(Ok(Item::Event(event))) => {
                    self.items = None;
                    return Ok(Some(event).filter(|event| event.position == self.head));
                }
                Some(Ok(Item::CaughtUp(position))) if position >= self.head => self.items = None,
                Some(Ok(Item::CaughtUp(_))) => {}
                Some(Err(error)) => return Err(error),
                None => return Err(ended(&self.log)),
            }
        }
        Ok(None)
    }
}

/// Takes what is fed until all of it is there.
fn compute(
    mut replay: Replay,
    mut fed: mpsc::Receiver<Feed>,
    manner: Manner,
    stop: &CancellationToken,
    progress: impl Fn(Position, u32),
) -> Result<Replay, Failure> {
    loop {
        match fed.blocking_recv() {
            Some(Feed::Batch(batch)) if !stop.is_cancelled() => {
                let Batch { position, material, cause, changes, .. } = *batch;
                let taken = match manner {
                    Manner::Evaluate => replay.apply(position, &material, cause.as_ref(), &changes),
                    Manner::TakeIn => replay.take_in(position, &changes),
                };
                taken.map_err(|error| Failure::new(Class::Damaged, "log-corrupt", error.to_string()))?;
                replay.is_affordable()?;
                progress(position, replay.releases);
            }
            Some(Feed::End) => return Ok(replay),
            Some(Feed::Batch(_)) | None => return Err(stopped()),
        }
    }
}

fn said(message: Message) -> BacktestRuleResponse {
    BacktestRuleResponse { message: Some(message) }
}

/// What tells a thread that it shall not go on: it is told when the guard goes.
fn stop() -> (CancellationToken, tokio_util::sync::DropGuard) {
    let stop = CancellationToken::new();
    (stop.clone(), stop.drop_guard())
}

fn stopped() -> Failure {
    Failure::new(Class::Unavailable, "shutting-down", "the backtest was stopped")
}

fn crashed(error: tokio::task::JoinError) -> Failure {
    Failure::internal(format!("a computation ended early: {error}"))
}
