//! Runs backtests: reads the log, replays rules on it, and streams the result.
//!
//! An async task reads the log and feeds releases to a blocking thread that computes. A backtest holds the
//! figures of its rules' measures and a few releases. The number of backtests at a time is bounded, and each
//! ends with its caller, at its deadline, or with the service.
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use orewatch_contracts::alerting::v1::backtest_rule_response::Message;
use orewatch_contracts::alerting::v1::{BacktestProgress, BacktestRuleResponse, BacktestSummary};
use orewatch_contracts::common::v1::Cause;
use orewatch_contracts::exposure::v1::{ExposureEvent, ExposureEventKind};
use orewatch_contracts::{Class, Failure};
use orewatch_eventlog::{Error, Event, EventLog, Filter, Item, Items, Position};
use orewatch_rules::backtest::{BacktestReport, Horizon, Replay};
use orewatch_runtime::Context;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tonic::Status;

use crate::releases::{Changed, ChangesCollector, ReleaseChanges};

/// Backtests at a time.
const MAX_CONCURRENT_BACKTESTS: usize = 2;
/// Time that a backtest waits for a permit to run.
const PERMIT_TIMEOUT: Duration = Duration::from_secs(30);
/// Time that a backtest may take.
const MAX_DURATION: Duration = Duration::from_secs(600);
/// Releases that are read ahead.
const MAX_READ_AHEAD: usize = 2;
/// Answers that may wait for the caller.
const MAX_WAITING_ANSWERS: usize = 16;
/// Releases between two reports of progress.
const PROGRESS_INTERVAL: u32 = 16;

/// The answers to a caller.
pub(crate) type Responses = BoxStream<'static, Result<BacktestRuleResponse, Status>>;

/// Runs backtests.
#[derive(Clone, Debug)]
pub(crate) struct BacktestRunner {
    context: Context,
    exposures: Arc<dyn EventLog>,
    permits: Arc<Semaphore>,
}

/// How the exposures log is read.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReadOptions {
    /// The releases that are taken in.
    pub(crate) horizon: Horizon,
    /// Time that the backtest may take. None: [`MAX_DURATION`].
    pub(crate) deadline: Option<Duration>,
}

/// What the reading task sends to the computing thread.
enum Input {
    Release(Box<ReleaseChanges>),
    End,
}

/// What the computing thread does with a release.
#[derive(Clone, Copy, PartialEq)]
enum Mode {
    /// Evaluates the rules on it, as the service does.
    Evaluate,
    /// Only takes in its figures.
    TakeIn,
}

impl BacktestRunner {
    /// A runner on an exposures log.
    pub(crate) fn new(context: Context, exposures: Arc<dyn EventLog>) -> Self {
        Self { context, exposures, permits: Arc::new(Semaphore::new(MAX_CONCURRENT_BACKTESTS)) }
    }

    /// Replays rules over the log. Up to `max_subjects` subjects and the summary come as a stream.
    pub(crate) fn stream(&self, replay: Replay, options: ReadOptions, max_subjects: usize) -> Responses {
        let (answers, taken) = mpsc::channel(MAX_WAITING_ANSWERS);
        let runner = self.clone();
        self.context.tasks.spawn(async move {
            let run = runner.run(replay, &options, max_subjects, answers.clone());
            let outcome = tokio::select! {
                () = answers.closed() => return,
                outcome = runner.within_deadline(options.deadline, run) => outcome,
            };
            if let Err(failure) = outcome {
                // A caller that has disconnected needs no answer.
                let _disconnected = answers.send(Err(failure.into())).await;
            }
        });
        stream::unfold(taken, |mut taken| async { taken.recv().await.map(|answer| (answer, taken)) }).boxed()
    }

    /// The result of rules on the figures of the log as they are known now, without the alerts on the way
    /// there.
    ///
    /// # Errors
    /// Those of the log; [`Class::Unavailable`] if it takes too long, [`Class::Exhausted`] if too many run.
    pub(crate) async fn summarise_log(
        &self,
        replay: Replay,
        options: ReadOptions,
    ) -> Result<BacktestSummary, Failure> {
        self.within_deadline(options.deadline, async {
            let permit = self.permit().await?;
            let (stop, _guard) = stop_token();
            let (sender, inputs) = mpsc::channel(MAX_READ_AHEAD);
            let worker = tokio::task::spawn_blocking(move || {
                let _permit = permit;
                let replay = compute(replay, inputs, Mode::TakeIn, &stop, |_, _| {})?;
                replay.admit()?;
                let report = BacktestReport::new(&replay, 0, &|| !stop.is_cancelled());
                report.map(|report| report.summary).ok_or_else(stopped)
            });
            self.read(&options.horizon, sender).await?;
            worker.await.map_err(crashed)?
        })
        .await
    }

    /// The same for a replay that has its figures already.
    ///
    /// # Errors
    /// Those of [`summarise_log`](Self::summarise_log).
    pub(crate) async fn summarise(
        &self,
        replay: Replay,
        deadline: Option<Duration>,
    ) -> Result<BacktestSummary, Failure> {
        self.within_deadline(deadline, async {
            let permit = self.permit().await?;
            let (stop, _guard) = stop_token();
            let report = tokio::task::spawn_blocking(move || {
                let _permit = permit;
                replay.admit()?;
                let report = BacktestReport::new(&replay, 0, &|| !stop.is_cancelled());
                report.map(|report| report.summary).ok_or_else(stopped)
            });
            report.await.map_err(crashed)?
        })
        .await
    }

    async fn within_deadline<T>(
        &self,
        deadline: Option<Duration>,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let limit = deadline.unwrap_or(MAX_DURATION).min(MAX_DURATION);
        tokio::select! {
            biased;
            () = self.context.shutdown.cancelled() => Err(stopped()),
            outcome = tokio::time::timeout(limit, work) => outcome.unwrap_or_else(|_| {
                let message = format!("the backtest did not end within {} s", limit.as_secs());
                let late = Failure::new(Class::Unavailable, "too-slow", message);
                Err(late.with_hint("allow it more time, or look at fewer subjects"))
            }),
        }
    }

    async fn permit(&self) -> Result<OwnedSemaphorePermit, Failure> {
        let permit = tokio::time::timeout(PERMIT_TIMEOUT, Arc::clone(&self.permits).acquire_owned()).await;
        permit.ok().and_then(Result::ok).ok_or_else(|| {
            let message = format!("{MAX_CONCURRENT_BACKTESTS} backtests are running, which is the limit");
            Failure::new(Class::Exhausted, "too-busy", message)
                .with_hint("try again when they have ended")
                .retry_after(PERMIT_TIMEOUT)
        })
    }

    async fn run(
        &self,
        replay: Replay,
        options: &ReadOptions,
        max_subjects: usize,
        answers: mpsc::Sender<Result<BacktestRuleResponse, Status>>,
    ) -> Result<(), Failure> {
        let permit = self.permit().await?;
        let (stop, _guard) = stop_token();
        let (sender, inputs) = mpsc::channel(MAX_READ_AHEAD);
        let head = self.exposures.extent().await?.head;
        let worker = tokio::task::spawn_blocking(move || {
            // Released when the thread ends, not when nobody waits for it any more.
            let _permit = permit;
            let progress = |position, releases: u32| {
                if releases.is_multiple_of(PROGRESS_INTERVAL) {
                    let progress = Message::Progress(BacktestProgress { position, head, releases });
                    // A slow caller gets fewer of these.
                    let _full = answers.try_send(Ok(response(progress)));
                }
            };
            let replay = compute(replay, inputs, Mode::Evaluate, &stop, progress)?;
            let goes_on = || !stop.is_cancelled();
            let report = BacktestReport::new(&replay, max_subjects, &goes_on).ok_or_else(stopped)?;
            let send = |message| answers.blocking_send(Ok(response(message))).is_ok();
            report.subjects(&replay, |subject| goes_on() && send(Message::Subject(subject)));
            send(Message::Summary(report.summary));
            Ok(())
        });
        self.read(&options.horizon, sender).await?;
        worker.await.map_err(crashed)?
    }

    /// Reads the log up to its present end, and sends the releases of the horizon to the computing thread.
    async fn read(&self, horizon: &Horizon, sender: mpsc::Sender<Input>) -> Result<(), Failure> {
        let head = self.exposures.extent().await?.head;
        let horizon = self.resolve(horizon, head).await?;
        let mut collector = ChangesCollector::default();
        let mut past = PastEvents::new(&*self.exposures, head);
        while let Some(event) = past.next().await? {
            let release = collector.fold(&event)?.filter(|release| horizon.includes(release.cause.as_ref()));
            if let Some(release) = release
                && sender.send(Input::Release(Box::new(release))).await.is_err()
            {
                // The computing thread has failed and says why.
                return Ok(());
            }
        }
        let _failed = sender.send(Input::End).await;
        Ok(())
    }

    /// Resolves a horizon that names a release to its position on the log.
    async fn resolve(&self, horizon: &Horizon, head: Position) -> Result<Horizon, Failure> {
        let mut causes: Vec<Cause> = Vec::new();
        if matches!(horizon, Horizon::Release(_)) {
            let mut past = PastEvents::new(&*self.exposures, head);
            while let Some(event) = past.next().await? {
                if ExposureEventKind::from_name(&event.kind) == Some(ExposureEventKind::ReleaseApplied)
                    && let Some(ExposureEvent::ReleaseApplied(applied)) = ExposureEvent::read(&event)?
                {
                    causes.extend(applied.cause);
                }
            }
        }
        horizon.clone().resolved(&causes)
    }
}

/// The events of a log up to a position.
struct PastEvents {
    /// None: all of them have been read.
    items: Option<Items>,
    log: String,
    head: Position,
}

impl PastEvents {
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
                None => return Err(reader_ended(&self.log)),
            }
        }
        Ok(None)
    }
}

/// Takes in releases until all of them have come.
fn compute(
    mut replay: Replay,
    mut inputs: mpsc::Receiver<Input>,
    mode: Mode,
    stop: &CancellationToken,
    progress: impl Fn(Position, u32),
) -> Result<Replay, Failure> {
    loop {
        match inputs.blocking_recv() {
            Some(Input::Release(release)) if !stop.is_cancelled() => {
                let ReleaseChanges { position, cause, changed, .. } = *release;
                let taken = match (&changed, mode) {
                    (Changed::Figures { material, changes }, Mode::Evaluate) => {
                        replay.apply(position, material, cause.as_ref(), changes)
                    }
                    (Changed::Figures { changes, .. }, Mode::TakeIn) => replay.take_in(position, changes),
                    (Changed::Claim(changed), Mode::Evaluate) => {
                        replay.apply_claim(position, changed);
                        Ok(())
                    }
                    (Changed::Claim(changed), Mode::TakeIn) => {
                        replay.take_in_claim(position, changed);
                        Ok(())
                    }
                };
                taken.map_err(|error| Failure::new(Class::Damaged, "log-corrupt", error.to_string()))?;
                replay.is_affordable()?;
                progress(position, replay.releases);
            }
            Some(Input::End) => return Ok(replay),
            Some(Input::Release(_)) | None => return Err(stopped()),
        }
    }
}

/// A reader of a log ended without an error, which it never does.
fn reader_ended(log: &str) -> Error {
    Error::Unavailable { log: log.to_owned(), reason: "the reader ended".to_owned(), outcome_unknown: false }
}

fn response(message: Message) -> BacktestRuleResponse {
    BacktestRuleResponse { message: Some(message) }
}

/// A token that asks a thread to stop, when the guard is dropped.
fn stop_token() -> (CancellationToken, tokio_util::sync::DropGuard) {
    let stop = CancellationToken::new();
    (stop.clone(), stop.drop_guard())
}

fn stopped() -> Failure {
    Failure::new(Class::Unavailable, "stopping", "the backtest was stopped")
}

fn crashed(error: tokio::task::JoinError) -> Failure {
    Failure::internal(format!("a computation ended early: {error}"))
}
