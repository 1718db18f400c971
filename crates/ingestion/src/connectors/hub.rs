//! The connectors of the service: what is known of each, lists for callers, and access to the log.
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt as _;
use jiff::{SignedDuration, Timestamp};
use orewatch_contracts::ingestion::v1::{
    ConnectorInfo, FetchRecorded, ListConnectorsResponse, ObservationEvent,
};
use orewatch_contracts::time::timestamp;
use orewatch_contracts::{Class, Failure};
use orewatch_eventlog::{Error, EventLog, Filter, Item, Position, Projection, StreamName, history};
use orewatch_runtime::Context;
use tokio::sync::Notify;

use super::config::Connector;
use super::ports::{BodyStore, FileIngest};
use super::schedule::{self, LeaseHolder};
use super::state::{self, ConnectorState, ConnectorsState};
use crate::events::decode_event;

/// Time within which the log has to return what connectors recorded.
const LOG_TIMEOUT: Duration = Duration::from_secs(60);

/// Dependencies and settings of connectors.
#[derive(Debug)]
pub struct ConnectorsSetup {
    /// Context of the service.
    pub context: Context,
    /// The observations log.
    pub log: Arc<dyn EventLog>,
    /// Storage of response bodies.
    pub keep: Arc<dyn BodyStore>,
    /// Ingests bodies as releases.
    pub take: Arc<dyn FileIngest>,
    /// The configured connectors.
    pub connectors: Vec<Connector>,
    /// A name that no other process uses.
    pub holder: String,
    /// No other process can write the log.
    pub is_sole_writer: bool,
}

/// The connectors of the service.
#[derive(Debug)]
pub struct Connectors {
    pub(super) context: Context,
    pub(super) log: Arc<dyn EventLog>,
    pub(super) keep: Arc<dyn BodyStore>,
    pub(super) take: Arc<dyn FileIngest>,
    pub(super) who: LeaseHolder,
    pub(super) slots: BTreeMap<String, ConnectorSlot>,
    records: Mutex<Projection<ConnectorsState>>,
    reading: tokio::sync::Mutex<()>,
    pub(super) started: Timestamp,
}

/// A connector, of which one poll runs at a time.
#[derive(Debug)]
pub(super) struct ConnectorSlot {
    pub(super) connector: Arc<Connector>,
    pub(super) poll_lock: tokio::sync::Mutex<()>,
    pub(super) wake: Notify,
}

impl Connectors {
    /// Sets up the connectors. Nothing is called before [`Connectors::start`] or [`Connectors::poll`].
    #[must_use]
    pub fn new(setup: ConnectorsSetup) -> Arc<Self> {
        let ConnectorsSetup { context, log, keep, take, connectors, holder, is_sole_writer } = setup;
        let slot = |connector: Connector| {
            let (poll_lock, wake) = (tokio::sync::Mutex::default(), Notify::new());
            (connector.name.clone(), ConnectorSlot { connector: Arc::new(connector), poll_lock, wake })
        };
        let started = context.clock.now();
        Arc::new(Self {
            context,
            log,
            keep,
            take,
            who: LeaseHolder { holder, is_sole_writer },
            slots: connectors.into_iter().map(slot).collect(),
            records: Mutex::default(),
            reading: tokio::sync::Mutex::default(),
            started,
        })
    }

    /// Lists the configured connectors by name.
    ///
    /// # Errors
    /// Those of the log.
    pub async fn list(&self) -> Result<ListConnectorsResponse, Failure> {
        self.catch_up().await?;
        let connectors = self.slots.values().map(|slot| self.info(&slot.connector)).collect();
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
            next: schedule::next_poll(connector, record, &self.who, self.started)
                .map(|at| timestamp(at.max(now))),
            succeeded_at: record.succeeded_at.map(timestamp),
            problem: record.problem.clone(),
            calls_left: schedule::calls_left(connector, record, state::utc_day(now)).map(u64::from),
        })
    }

    /// Fetches before a position, newest first, each with its position. An empty name stands for all
    /// connectors.
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
        let mut events = history(&*self.log, Filter::Under(self.root_stream()?), first.saturating_sub(1));
        let mut found = Vec::new();
        while let Some(position) = wanted.last().copied()
            && let Some(event) = self.next_item(events.next()).await?
        {
            if event.position != position {
                continue;
            }
            if let ObservationEvent::FetchRecorded(fetch) = decode_event(&event)? {
                found.push((position, fetch));
            }
            wanted.pop();
        }
        found.reverse();
        Ok(found)
    }

    /// Digests of the bodies that polls may need again.
    ///
    /// # Errors
    /// Those of the log.
    pub(crate) async fn needed(&self) -> Result<Vec<String>, Failure> {
        self.catch_up().await?;
        Ok(self.records().state().needed().map(str::to_owned).collect())
    }

    pub(super) fn slot(&self, name: &str) -> Result<&ConnectorSlot, Failure> {
        self.slots.get(name).ok_or_else(|| {
            let known: Vec<_> = self.slots.keys().map(String::as_str).collect();
            let hint = if known.is_empty() {
                "no connector is configured: add a [[poll]] section to the service's configuration".to_owned()
            } else {
                format!("one of {}", known.join(", "))
            };
            Failure::new(Class::NotFound, "unknown-connector", "there is no such connector")
                .at("connector", name)
                .with_hint(hint)
        })
    }

    /// Folds what connectors recorded since the last call.
    pub(super) async fn catch_up(&self) -> Result<(), Failure> {
        let _one = tokio::time::timeout(LOG_TIMEOUT, self.reading.lock()).await.map_err(log_timeout)?;
        let after = self.records().position();
        let mut items = self.log.read(Filter::Under(self.root_stream()?), after);
        loop {
            match self.next_item(items.next()).await? {
                Some(Item::Event(event)) => {
                    self.records().fold(&event, |records, event| {
                        records.evolve(event).map_err(|reason| Error::corrupt(event, reason))
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

    async fn next_item<T>(
        &self,
        item: impl Future<Output = Option<Result<T, Error>>>,
    ) -> Result<Option<T>, Failure> {
        let item = tokio::time::timeout(LOG_TIMEOUT, item).await.map_err(log_timeout)?;
        Ok(item.transpose()?)
    }

    /// Reads what is known of a connector.
    pub(super) fn view<R>(&self, name: &str, look: impl FnOnce(&ConnectorState) -> R) -> R {
        let (records, none) = (self.records(), ConnectorState::default());
        look(records.state().get(name).unwrap_or(&none))
    }

    fn records(&self) -> std::sync::MutexGuard<'_, Projection<ConnectorsState>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn root_stream(&self) -> Result<StreamName, Failure> {
        let unfit = || Failure::internal("the log's name cannot begin a stream");
        state::root_stream(self.log.name()).ok_or_else(unfit)
    }
}

fn log_timeout(_: tokio::time::error::Elapsed) -> Failure {
    Failure::new(Class::Unavailable, "log-unavailable", "the log does not answer")
}
