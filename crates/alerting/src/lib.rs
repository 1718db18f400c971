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

mod append;
mod backtest;
mod blocking;
pub mod delivery;
mod evaluated;
pub mod folds;
mod follow;
mod grpc;
mod health;
pub mod notify;
mod releases;
mod service_state;
mod snapshot;
mod subscribe;
mod token;
mod work;

use std::future::Future;
use std::sync::Arc;

use orewatch_contracts::Failure;
use orewatch_contracts::alerting::v1::alerting_service_server::AlertingServiceServer;
use orewatch_contracts::alerting::v1::delivery_service_server::DeliveryServiceServer;
use orewatch_contracts::alerting::v1::notification_service_server::NotificationServiceServer;
use orewatch_eventlog::{EventLog, WaitingLog};
use orewatch_receivers::Sender;
use orewatch_runtime::Context;
use orewatch_store::snapshots::SnapshotPlace;
use tokio::sync::watch;
use tonic::server::NamedService as _;
use tonic::service::RoutesBuilder;

use backtest::run::BacktestRunner;
use delivery::{Deliverer, DeliveryService, FeedService};
use follow::follow;
use grpc::AlertingService;
use health::ServingHealth;
use notify::grpc::NotificationService;
use notify::work::Notifier;
use service_state::ServiceState;
use snapshot::Snapshots;
use subscribe::RecentEvents;
use work::{Evaluator, EvaluatorStart};

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

/// Starts the service: its workers on the context's tasks, its interfaces on the routes. It is serving once
/// all rules have been evaluated on all that is on the exposures log now.
///
/// # Errors
/// [`Class::Invalid`](orewatch_contracts::Class::Invalid) for an invalid configuration. A worker that fails
/// later stops the process through the context.
pub async fn start(
    context: Context,
    logs: Logs,
    config: Config,
    routes: &mut RoutesBuilder,
) -> Result<(), Failure> {
    let sender = Arc::new(Sender::new(config.delivery.clone())?);
    let health = Arc::new(ServingHealth::new(context.health.clone(), SERVICES).await);
    let (state, evaluator_start) = read_snapshot(&logs, &config).await;
    let (service, reader) = watch::channel(state);
    let recent = Arc::new(RecentEvents::default());

    // Workers wait for room on a full log; callers are refused.
    let waiting = WaitingLog::new(Arc::clone(&logs.alerts));
    let worker_log = || Arc::clone(&waiting) as Arc<dyn EventLog>;
    let exposures = Arc::clone(&logs.exposures);
    let evaluator =
        Evaluator::new(context.clone(), worker_log(), exposures, service.clone(), evaluator_start)?;
    let alerts = Arc::clone(&logs.alerts);
    let follower = follow(alerts, service, Arc::clone(&recent), Arc::clone(&health), context.clone());
    spawn(&context, follower);
    let (evaluated, is_evaluated) = watch::channel(false);
    let notifier =
        Notifier { context: context.clone(), log: worker_log(), service: reader.clone(), is_evaluated };
    spawn(&context, notifier.run());
    let serve = serve_while_full(context.clone(), Arc::clone(&waiting), reader.clone(), Arc::clone(&health));
    spawn(&context, serve);
    let ready = async move || {
        health.set_can_answer().await;
        evaluated.send_replace(true);
    };
    spawn(&context, evaluator.run(ready));
    let deliverer = Deliverer::new(
        context.clone(),
        waiting,
        reader.clone(),
        Arc::clone(&sender),
        config.delivery.is_alone,
    );
    context.spawn("deliveries", deliverer.run());
    add_interfaces(&context, &logs, &reader, &recent, sender, routes);
    Ok(())
}

fn add_interfaces(
    context: &Context,
    logs: &Logs,
    service: &watch::Receiver<ServiceState>,
    recent: &Arc<RecentEvents>,
    sender: Arc<Sender>,
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
    routes.add_service(FeedService { service: service.clone(), public_url });
    let deliveries =
        DeliveryService { context: context.clone(), log: log(), service: service.clone(), sender };
    let deliveries = DeliveryServiceServer::new(deliveries)
        .max_decoding_message_size(MAX_MESSAGE_BYTES)
        .max_encoding_message_size(MAX_MESSAGE_BYTES);
    routes.add_service(deliveries);

    let backtests = BacktestRunner::new(context.clone(), Arc::clone(&logs.exposures));
    let alerting =
        AlertingService::new(context.clone(), log(), service.clone(), Arc::clone(recent), backtests);
    let alerting = AlertingServiceServer::new(alerting)
        .max_decoding_message_size(MAX_MESSAGE_BYTES)
        .max_encoding_message_size(MAX_MESSAGE_BYTES);
    routes.add_service(alerting);
}

/// Serves what is folded once the log is full: then newer figures cannot be evaluated, because the result
/// could not be recorded.
async fn serve_while_full(
    context: Context,
    log: Arc<WaitingLog>,
    mut service: watch::Receiver<ServiceState>,
    health: Arc<ServingHealth>,
) -> Result<(), Failure> {
    let serve = async {
        log.until_full().await;
        // The state is closed only when the service stops.
        drop(service.wait_for(|service| service.is_current).await);
        health.set_can_answer().await;
    };
    tokio::select! {
        () = context.shutdown.cancelled() => {}
        () = serve => {}
    }
    Ok(())
}

/// Reads what the service starts with from a snapshot; without one it starts with nothing.
async fn read_snapshot(logs: &Logs, config: &Config) -> (ServiceState, EvaluatorStart) {
    let mut snapshots = Snapshots::open(config.snapshots.as_ref());
    let (mut state, mut start) = (ServiceState::default(), EvaluatorStart::default());
    if let Some(loaded) = snapshots.load(logs).await {
        state = ServiceState::from_snapshot(loaded.folds, loaded.last);
        if let Some((folded, last)) = loaded.figures {
            (start.folded, start.last) = (folded, Some(last));
        }
    }
    start.snapshots = snapshots;
    (state, start)
}

/// Runs a worker. If it fails, the process stops.
fn spawn(context: &Context, work: impl Future<Output = Result<(), Failure>> + Send + 'static) {
    let outcome = context.clone();
    context.tasks.spawn(async move {
        if let Err(failure) = work.await {
            outcome.fail(failure);
        }
    });
}
