//! Service 3: rules, episodes, alerts, subscriptions.
//!
//! What rules say of figures is pure code in [`orewatch_rules`]. This crate reads the exposures log
//! (`releases`), evaluates rules and appends what follows (`work`), folds the alerts log (`follow`,
//! `service_state`), decides who is notified ([`notify`]), streams transitions (`subscribe`), and delivers
//! messages ([`delivery`]). Only the workers (`work`, `notify::work`, `delivery::work`), the follower and the
//! gRPC interfaces wait for anything.
//!
//! An evaluation begins with an event that fixes what it takes in, and ends with one that says that it is
//! complete. All that is appended in between follows from the logs alone, with identifiers and expectations
//! that follow from them, too: a crash at any point and any number of replicas lead to the same log.

mod actors;
mod append;
mod backtest;
mod blocking;
mod causes;
pub mod delivery;
mod evaluated;
pub mod folds;
mod follow;
mod grpc;
pub mod notify;
mod observe;
mod releases;
mod service_state;
mod snapshot;
mod subscribe;
mod supervisor;
mod token;
mod turns;
mod work;

use std::sync::Arc;

use orewatch_contracts::Failure;
use orewatch_contracts::alerting::v1::alerting_service_server::AlertingServiceServer;
use orewatch_contracts::alerting::v1::delivery_service_server::DeliveryServiceServer;
use orewatch_contracts::alerting::v1::notification_service_server::NotificationServiceServer;
use orewatch_eventlog::EventLog;
use orewatch_receivers::Sender;
use orewatch_runtime::{Context, FollowedLog, Readiness, Sharing};
use orewatch_store::snapshots::{SnapshotHealth, SnapshotPlace};
use tokio::sync::watch;
use tonic::server::NamedService as _;
use tonic::service::RoutesBuilder;

use backtest::run::BacktestRunner;
use delivery::{DeliveryService, FeedService};
use grpc::AlertingService;
use notify::grpc::NotificationService;
use service_state::ServiceState;
use subscribe::RecentEvents;
use supervisor::Supervisor;
use turns::Turns;
pub use turns::partitions;

/// Largest message in and out, in bytes (4 MiB).
const MAX_MESSAGE_BYTES: usize = 4 << 20;

/// The interfaces of the service, as health checks name them.
const SERVICES: &[&str] = &[
    AlertingServiceServer::<AlertingService>::NAME,
    NotificationServiceServer::<NotificationService>::NAME,
    DeliveryServiceServer::<DeliveryService>::NAME,
];

/// The logs of the service.
#[derive(Clone, Debug)]
pub struct Logs {
    /// The log that it reads.
    pub exposures: Arc<dyn EventLog>,
    /// The log that it writes.
    pub alerts: Arc<dyn EventLog>,
}

/// Configuration of the service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// Where snapshots of the folded logs are, so that a start need not read all of them. They may be
    /// deleted. None: no snapshot is written or read.
    pub snapshots: Option<SnapshotPlace>,
    /// How messages reach receivers.
    pub delivery: orewatch_receivers::Config,
}

/// Starts the service: its workers on the context's tasks, its interfaces on the routes. It is ready once all
/// rules have been evaluated on all that is on the exposures log now, and goes on answering while a log is
/// away.
///
/// # Errors
/// [`Class::Invalid`](orewatch_contracts::Class::Invalid) for an invalid configuration. A defect stops the
/// process later, through the context.
pub async fn start(
    context: Context,
    logs: Logs,
    config: Config,
    routes: &mut RoutesBuilder,
) -> Result<(), Failure> {
    start_with(context, logs, config, None, routes).await
}

/// Starts the service as one of several replicas that take turns at evaluating, planning and delivering, by
/// the [`partitions`] among others.
///
/// # Errors
/// As [`start`].
pub async fn start_shared(
    context: Context,
    logs: Logs,
    config: Config,
    sharing: Sharing,
    routes: &mut RoutesBuilder,
) -> Result<(), Failure> {
    start_with(context, logs, config, Some(sharing), routes).await
}

async fn start_with(
    context: Context,
    logs: Logs,
    config: Config,
    sharing: Option<Sharing>,
    routes: &mut RoutesBuilder,
) -> Result<(), Failure> {
    let sender = Arc::new(Sender::new(config.delivery.clone())?);
    let exposures = context.follow_log("alerting", &logs.exposures);
    let alerts = context.follow_log("alerting", &logs.alerts);
    let followed = vec![alerts.clone(), exposures.clone()];
    let readiness = Readiness::start(&context, SERVICES, followed.clone()).await;
    let (service, reader) = watch::channel(ServiceState::default());
    let recent = Arc::new(RecentEvents::default());
    observe::report(&context, reader.clone());
    let snapshots = SnapshotHealth::default();
    let facts = snapshots.clone();
    context.metrics.collect_snapshots("alerting", move || facts.facts());
    let supervisor = Supervisor {
        context: context.clone(),
        logs: logs.clone(),
        config,
        service,
        recent: Arc::clone(&recent),
        sender: Arc::clone(&sender),
        readiness,
        exposures,
        alerts: alerts.clone(),
        snapshots,
        turns: Turns::new(sharing),
    };
    context.spawn("alerting", supervisor.run());
    let logs = Logs { alerts: alerts.guard(logs.alerts), ..logs };
    add_interfaces(&context, &logs, &reader, &recent, sender, followed, routes);
    Ok(())
}

fn add_interfaces(
    context: &Context,
    logs: &Logs,
    service: &watch::Receiver<ServiceState>,
    recent: &Arc<RecentEvents>,
    sender: Arc<Sender>,
    followed: Vec<FollowedLog>,
    routes: &mut RoutesBuilder,
) {
    let log = || Arc::clone(&logs.alerts);
    let notifications =
        NotificationService { context: context.clone(), log: log(), service: service.clone() };
    let notifications = NotificationServiceServer::new(notifications)
        .max_decoding_message_size(MAX_MESSAGE_BYTES)
        .max_encoding_message_size(MAX_MESSAGE_BYTES);
    routes.add_service(notifications);

    let public_url = sender.public_url().map(str::to_owned);
    routes.add_service(FeedService { service: service.clone(), public_url, actors: context.actors.clone() });
    let deliveries =
        DeliveryService { context: context.clone(), log: log(), service: service.clone(), sender };
    let deliveries = DeliveryServiceServer::new(deliveries)
        .max_decoding_message_size(MAX_MESSAGE_BYTES)
        .max_encoding_message_size(MAX_MESSAGE_BYTES);
    routes.add_service(deliveries);

    let backtests = BacktestRunner::new(context.clone(), Arc::clone(&logs.exposures));
    let alerting = AlertingService::new(
        context.clone(),
        log(),
        service.clone(),
        Arc::clone(recent),
        backtests,
        followed,
    );
    let alerting = AlertingServiceServer::new(alerting)
        .max_decoding_message_size(MAX_MESSAGE_BYTES)
        .max_encoding_message_size(MAX_MESSAGE_BYTES);
    routes.add_service(alerting);
}
