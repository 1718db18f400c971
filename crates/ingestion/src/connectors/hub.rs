//! All connectors of the service: their state, their schedule, and the questions about them.
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt as _;
use jiff::{SignedDuration, Timestamp};
use orewatch_contracts::ingestion::v1::{ConnectorInfo, FetchRecorded, ListConnectorsResponse};
use orewatch_eventlog::{Error, EventLog, Filter, Item, Position, Projection, StreamName};
use orewatch_runtime::{Class, Context, Failure};
use prost::Message as _;
use tokio::sync::Notify;

use super::config::Connector;
use super::judge::jitter;
use super::run::{Asked, Run};
use super::schedule::{self, Who};
use super::seam::{Keep, Take};
use super::state::{self, FETCHED, Record, Records};
use super::{Tell, written};

/// How long the log may take to give what connectors recorded.
const PATIENCE: Duration = Duration::from_secs(60);

/// Longest wait of a worker before it looks again: another process may have polled.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_mins(15);

/// What connectors are given.
#[derive(Debug)]
pub struct Setup {
    /// What the service runs in.
    pub context: Context,
    /// The observations log.
    pub log: Arc<dyn EventLog>,
    /// Where bodies are kept.
    pub keep: Arc<dyn Keep>,
    /// Who reads them into releases.
    pub take: Arc<dyn Take>,
    /// The connectors that are configured.
    pub connectors: Vec<Connector>,
    /// A name that no other process has.
    pub holder: String,
    /// No other process can write the log.
    pub alone: bool,
}

/// The connectors of the service.
#[derive(Debug)]
pub struct Connectors {
    pub(super) context: Context,
    pub(super) log: Arc<dyn EventLog>,
    pub(super) keep: Arc<dyn Keep>,
    pub(super) take: Arc<dyn Take>,
    pub(super) who: Who,
    desks: BTreeMap<String, Desk>,
    records: Mutex<Projection<Records>>,
    reading: tokio::sync::Mutex<()>,
    pub(super) started: Timestamp,
}

/// One connector with its turn: one poll at a time.
#[derive(Debug)]
struct Desk {
    connector: Arc<Connector>,
    turn: tokio::sync::Mutex<()>,
    nudge: Notify,
}

impl Connectors {
    /// The connectors. Nothing is asked before [`Connectors::start`] or [`Connectors::poll`].
    #[must_use]
    pub fn new(setup: Setup) -> Arc<Self> {
        let Setup { context, log, keep, take, connectors, holder, alone } = setup;
        let desk = |connector: Connector| {
            let (turn, nudge) = (tokio::sync::Mutex::default(), Notify::new());
            (connector.name.clone(), Desk { connector: Arc::new(connector), turn, nudge })
        };
        let started = context.clock.now();
        Arc::new(Self {
            context,
            log,
            keep,
            take,
            who: Who { holder, alone },
            desks: connectors.into_iter().map(desk).collect(),
            records: Mutex::default(),
            reading: tokio::sync::Mutex::default(),
            started,
        })
    }

    /// Asks by itself from now on, as often as is configured.
    pub fn start(self: &Arc<Self>) {
        for name in self.desks.keys() {
            let (connectors, name) = (Arc::clone(self), name.clone());
            self.context.spawn("poll", async move { connectors.follow(&name).await });
        }
    }

    /// Asks by itself no more; a poll under way stops and stays open.
    pub fn stop(&self) {
        self.context.shutdown.cancel();
    }

    /// Asks now. A poll that lies open is gone on with; `force` begins a new one, and asks for everything anew. It is told how
    /// it goes.
    ///
    /// # Errors
    /// [`Class::NotFound`] for a name that is not configured; [`Class::Refused`] while somebody else asks; those of the log, of
    /// the archive and of the ingestion. That a publisher gives nothing is no error here: [`Run`] says so.
    pub async fn poll(&self, name: &str, force: bool, tell: Tell<'_>) -> Result<Run, Failure> {
        let desk = self.desk(name)?;
        let Ok(_turn) = desk.turn.try_lock() else {
            return Err(Failure::new(Class::Refused, "poll-under-way", format!("{name} is being polled"))
                .with_hint("`orewatch requests` shows what it asks; try again when it is done"));
        };
        let asked = if force { Asked::Anew } else { Asked::OnDemand };
        let run = Box::pin(self.run(&desk.connector, asked, tell)).await;
        desk.nudge.notify_one();
        run
    }

    /// The connectors that are configured, by name.
    ///
    /// # Errors
    /// Those of the log.
    pub async fn list(&self) -> Result<ListConnectorsResponse, Failure> {
        self.catch_up().await?;
        let connectors = self.desks.values().map(|desk| self.info(&desk.connector)).collect();
        Ok(ListConnectorsResponse { connectors })
    }

    fn info(&self, connector: &Connector) -> ConnectorInfo {
        let now = self.context.clock.now();
        self.view(&connector.name, |record| ConnectorInfo {
            name: connector.name.clone(),
            kind: connector.kind.to_owned(),
            every: connector
                .every
                .and_then(|every| SignedDuration::try_from(every).ok())
                .map(|every| format!("{every:#}"))
                .unwrap_or_default(),
            next: schedule::next(connector, record, &self.who, self.started).map(|at| written(at.max(now))),
            succeeded_at: record.succeeded_at.map(written),
            problem: record.problem.clone(),
            calls_left: schedule::calls_left(connector, record, state::day(now)).map(u64::from),
        })
    }

    /// Requests before a position, the newest first, each with its position.
    ///
    /// # Errors
    /// Those of the log.
    pub async fn fetches(
        &self,
        name: &str,
        before: Position,
        most: usize,
    ) -> Result<Vec<(Position, FetchRecorded)>, Failure> {
        self.catch_up().await?;
        let mut wanted: Vec<Position> = self.records().state().fetches(name, before).take(most).collect();
        let Some(first) = wanted.last().copied() else { return Ok(Vec::new()) };
        let mut items = self.log.read(Filter::Under(self.branch()?), first.saturating_sub(1));
        let mut found = Vec::new();
        while let Some(next) = wanted.last().copied() {
            match self.within(items.next()).await? {
                Some(Item::Event(event)) if event.position == next && event.kind == FETCHED => {
                    wanted.pop();
                    found
                        .push((next, FetchRecorded::decode(event.data).map_err(|error| unreadable(&error))?));
                }
                Some(Item::Event(_)) => {}
                Some(Item::CaughtUp(_)) | None => break,
            }
        }
        found.reverse();
        Ok(found)
    }

    /// Digests of the bodies that polls may go on from.
    ///
    /// # Errors
    /// Those of the log.
    pub(crate) async fn needed(&self) -> Result<Vec<String>, Failure> {
        self.catch_up().await?;
        Ok(self.records().state().needed().map(str::to_owned).collect())
    }

    fn desk(&self, name: &str) -> Result<&Desk, Failure> {
        self.desks.get(name).ok_or_else(|| {
            let known: Vec<_> = self.desks.keys().map(String::as_str).collect();
            let hint = if known.is_empty() {
                "none is configured: a [[poll]] section in the service's configuration makes one".to_owned()
            } else {
                format!("one of {}", known.join(", "))
            };
            Failure::new(Class::NotFound, "unknown-connector", "there is no such connector")
                .at("connector", name)
                .with_hint(hint)
        })
    }

    /// Asks whenever it is time, until the process stops. What fails is tried again later.
    async fn follow(self: Arc<Self>, name: &str) -> Result<(), Failure> {
        let Ok(desk) = self.desk(name) else { return Ok(()) };
        let mut failures: u32 = 0;
        while !self.context.shutdown.is_cancelled() {
            let outcome = self.once(desk).await;
            let now = self.context.clock.now();
            let wake = match outcome {
                Ok(next) => {
                    failures = 0;
                    next.min(later(now, LOOK_AGAIN))
                }
                Err(failure) => {
                    tracing::warn!(connector = name, %failure, "a poll stopped; trying again later");
                    failures = failures.saturating_add(1);
                    // A disk that is full has room again at any time, and asking it costs the publisher nothing.
                    let most = if failure.class == Class::Exhausted { 1 } else { 7 };
                    let wait =
                        SignedDuration::from_secs(30).checked_mul(2_i32.saturating_pow(failures.min(most)));
                    later(now, jitter(wait.unwrap_or(LOOK_AGAIN), name, failures))
                }
            };
            tokio::select! {
                () = self.context.shutdown.cancelled() => {}
                () = desk.nudge.notified() => {}
                () = self.context.clock.until(wake) => {}
            }
        }
        Ok(())
    }

    /// Asks if it is time. Returns when it is time again.
    async fn once(&self, desk: &Desk) -> Result<Timestamp, Failure> {
        let _turn = desk.turn.lock().await;
        let connector = &*desk.connector;
        self.catch_up().await?;
        let next = || {
            self.view(&connector.name, |record| schedule::next(connector, record, &self.who, self.started))
                .unwrap_or(Timestamp::MAX)
        };
        if next() <= self.context.clock.now() {
            let mut unheard = |_| {};
            match Box::pin(self.run(connector, Asked::BySchedule, &mut unheard)).await? {
                Run::Ended(ended) if ended.problem.is_empty() => {
                    let releases = ended.releases.join(", ");
                    tracing::info!(
                        connector = connector.name,
                        releases,
                        unchanged = ended.unchanged,
                        "polled"
                    );
                }
                Run::Ended(ended) => {
                    tracing::warn!(
                        connector = connector.name,
                        problem = ended.problem,
                        "a poll has given up"
                    );
                }
                Run::Paused(until, why) => {
                    tracing::info!(connector = connector.name, %until, why, "a poll waits");
                    return Ok(until);
                }
            }
        }
        Ok(next())
    }

    /// Folds what was recorded since.
    pub(super) async fn catch_up(&self) -> Result<(), Failure> {
        let _one = self.reading.lock().await;
        let after = self.records().position();
        let mut items = self.log.read(Filter::Under(self.branch()?), after);
        loop {
            match self.within(items.next()).await? {
                Some(Item::Event(event)) => {
                    let log = self.log.name().to_owned();
                    self.records().fold(&event, |records, event| {
                        let position = event.position;
                        let corrupt = |reason| Error::Corrupt { log, position, reason };
                        records.evolve(event).map_err(corrupt)
                    })?;
                }
                Some(Item::CaughtUp(position)) => {
                    self.records().pass(position);
                    return Ok(());
                }
                None => return Ok(()),
            }
        }
    }

    async fn within(
        &self,
        item: impl Future<Output = Option<Result<Item, Error>>>,
    ) -> Result<Option<Item>, Failure> {
        let silent = |_| Failure::new(Class::Unavailable, "log-unavailable", "the log does not answer");
        let item = tokio::time::timeout(PATIENCE, item).await.map_err(silent)?;
        Ok(item.transpose()?)
    }

    /// Looks at what is known of a connector.
    pub(super) fn view<R>(&self, name: &str, look: impl FnOnce(&Record) -> R) -> R {
        let (records, none) = (self.records(), Record::default());
        look(records.state().get(name).unwrap_or(&none))
    }

    fn records(&self) -> std::sync::MutexGuard<'_, Projection<Records>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn branch(&self) -> Result<StreamName, Failure> {
        let unfit = || Failure::internal("the log's name cannot begin a stream");
        state::branch(self.log.name()).ok_or_else(unfit)
    }
}

fn later(now: Timestamp, wait: SignedDuration) -> Timestamp {
    now.checked_add(wait).unwrap_or(Timestamp::MAX)
}

fn unreadable(error: &prost::DecodeError) -> Failure {
    Failure::new(Class::Damaged, "log-corrupt", format!("a recorded request cannot be read: {error}"))
}
