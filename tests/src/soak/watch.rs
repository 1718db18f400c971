//! Watchers: how long queries were without an answer, and which events were on the logs.
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use orewatch_contracts::alerting::v1::ListAlertsRequest;
use orewatch_contracts::alerting::v1::alerting_service_client::AlertingServiceClient;
use orewatch_contracts::exposure::v1::exposure_service_client::ExposureServiceClient;
use orewatch_contracts::exposure::v1::{ExposureFilter, QueryExposuresRequest};
use orewatch_eventlog::jetstream::{self, JetStreamOptions};
use orewatch_eventlog::{EventLog, Filter, Follower, Position, Progress};
use orewatch_testkit::SERVERS;
use tokio::task::JoinHandle;
use tonic::Status;
use tonic::transport::Channel;

use super::calls::Replicas;
use super::run::Run;

/// The logs.
pub(super) const LOGS: [&str; 3] = ["observations", "exposures", "alerts"];

/// Pause between two queries.
const QUERY_PAUSE: Duration = Duration::from_millis(20);

/// Time for which a query is repeated.
const QUERY_PATIENCE: Duration = Duration::from_secs(120);

/// Times between answers.
#[derive(Clone, Debug, Default)]
pub(super) struct Answers {
    /// Number of answers.
    pub(super) count: usize,
    /// The longest time without an answer.
    pub(super) longest_gap: Duration,
    /// Queries that failed for a client that retries.
    pub(super) failed: Vec<String>,
}

/// Asks again and again until the load is over.
async fn ask<C: Clone, F: Future<Output = Result<(), Status>>>(
    run: Run,
    clients: Replicas<C>,
    query: impl Fn(C) -> F,
) -> Answers {
    let (mut answers, mut last) = (Answers::default(), run.now());
    while !run.is_over_at(run.now()) {
        match clients.call(QUERY_PATIENCE, &query).await {
            Ok(()) => answers.count += 1,
            Err(status) => answers.failed.push(status.to_string()),
        }
        answers.longest_gap = answers.longest_gap.max(run.now().saturating_sub(last));
        last = run.now();
        tokio::time::sleep(QUERY_PAUSE).await;
    }
    answers
}

/// Asks for figures.
pub(super) fn ask_exposure(
    run: &Run,
    clients: Replicas<ExposureServiceClient<Channel>>,
) -> JoinHandle<Answers> {
    let query = |mut client: ExposureServiceClient<Channel>| async move {
        let filter = ExposureFilter {
            consumers: vec!["DEU".to_owned()],
            materials: vec!["cobalt".to_owned()],
            measures: vec!["import-share".to_owned()],
            ..ExposureFilter::default()
        };
        let request = QueryExposuresRequest { filter: Some(filter), ..QueryExposuresRequest::default() };
        client.query_exposures(request).await.map(drop)
    };
    tokio::spawn(ask(run.clone(), clients, query))
}

/// Asks for alerts.
pub(super) fn ask_alerting(
    run: &Run,
    clients: Replicas<AlertingServiceClient<Channel>>,
) -> JoinHandle<Answers> {
    let query = |mut client: AlertingServiceClient<Channel>| async move {
        let request = ListAlertsRequest { page_size: 10, ..ListAlertsRequest::default() };
        client.list_alerts(request).await.map(drop)
    };
    tokio::spawn(ask(run.clone(), clients, query))
}

/// What a reader of a log saw.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// Positions and identifiers of all events, in order.
    pub(super) events: Vec<(Position, u128)>,
    /// Why it could not go on.
    pub(super) ended: Option<String>,
}

/// Follows a log until the run is over, on a connection of its own.
pub(super) fn follow(run: &Run, urls: String, log: &'static str) -> Watcher {
    let seen = Arc::default();
    let task = tokio::spawn(read(run.clone(), urls, log, Arc::clone(&seen)));
    Watcher { task, seen }
}

/// A reader of a log while it runs.
#[derive(Debug)]
pub(super) struct Watcher {
    task: JoinHandle<()>,
    seen: Arc<Mutex<Seen>>,
}

impl Watcher {
    /// Ends it.
    pub(super) fn finish(self) -> Seen {
        self.task.abort();
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Opens a log of the cluster to read it.
pub(super) async fn open(urls: &str, log: &str) -> Result<Arc<dyn EventLog>, orewatch_eventlog::Error> {
    let options = JetStreamOptions { replicas: SERVERS, makes_streams: false, ..JetStreamOptions::default() };
    jetstream::connect(urls, options).await?.open(log).await
}

async fn read(run: Run, urls: String, log: &'static str, seen: Arc<Mutex<Seen>>) {
    let note = |change: &dyn Fn(&mut Seen)| change(&mut seen.lock().unwrap_or_else(PoisonError::into_inner));
    let log = match open(&urls, log).await {
        Ok(log) => log,
        Err(error) => return note(&|seen: &mut Seen| seen.ended = Some(error.to_string())),
    };
    let mut follower = Follower::new(log, Filter::All, 0);
    while !run.is_over() {
        match follower.next().await {
            Ok(Progress::Event(event)) => {
                note(&|seen: &mut Seen| seen.events.push((event.position, event.id.as_u128())));
            }
            Ok(Progress::CaughtUp(_) | Progress::Interrupted(_)) => {}
            Err(error) => return note(&|seen: &mut Seen| seen.ended = Some(error.to_string())),
        }
    }
}
