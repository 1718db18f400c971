//! Service 3: rules, episodes, alerts, subscriptions.
//!
//! Rules are data with revisions ([`rules`]). Each is stepped through the periods of each subject that it watches by one
//! pure state machine ([`episode`]); [`trajectory`] folds it, [`reconcile`] compares what follows from the figures now with
//! what was recorded before, [`decide`] turns that into events, and [`evolve`] folds the events into the state that all of
//! it rests on; [`backtest`] runs all of this on the past. Only the workers (`work`, `notify::work`, `delivery::work`) and the gRPC edges wait for
//! anything.
//!
//! An evaluation begins with an event that fixes what it takes in and ends with one that says it is complete. In between, all
//! that is appended follows from the logs alone, with expectations and identifiers that follow from them too: a crash at any
//! point and any number of replicas lead to the same log.

pub mod alert;
mod append;
mod aside;
pub mod backtest;
mod batch;
mod book;
pub mod condition;
pub mod cost;
pub mod decide;
pub mod delivery;
pub mod document;
pub mod episode;
pub mod evolve;
pub mod facts;
pub mod field;
pub mod figures;
pub mod filter;
mod grpc;
pub mod judgement;
pub mod notify;
pub mod reconcile;
pub mod rulebook;
pub mod rules;
pub mod shared;
mod snapshot;
mod subscribe;
pub mod tenant;
#[cfg(test)]
mod tests;
mod token;
pub mod trajectory;
pub mod wording;
mod work;

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;

use orewatch_contracts::alerting::v1::alerting_service_server::AlertingServiceServer;
use orewatch_contracts::alerting::v1::delivery_service_server::DeliveryServiceServer;
use orewatch_contracts::alerting::v1::notification_service_server::NotificationServiceServer;
use orewatch_eventlog::{EventLog, Projection, WaitingLog};
use orewatch_runtime::{Context, Failure};
use tokio::sync::watch;
use tonic::server::NamedService as _;
use tonic::service::RoutesBuilder;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use backtest::run::Runner;
use book::{Book, follow};
use delivery::{Deliverer, Edge, Feeds};
use evolve::State;
use figures::saved::Folded;
use grpc::Grpc;
use notify::grpc::Notifications;
use notify::work::Teller;
use snapshot::{Snapshot, Snapshots};
use subscribe::Tail;
use work::{Evaluator, Kept};

/// Largest message in and out, in bytes.
const LARGEST_MESSAGE: usize = 4 << 20;

/// The logs of the service.
#[derive(Clone, Debug)]
pub struct Logs {
    /// What it reads.
    pub exposures: Arc<dyn EventLog>,
    /// What it writes.
    pub alerts: Arc<dyn EventLog>,
}

/// What the operator of the service says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// Directory of a snapshot of what it has folded, so that a restart need not read all of its logs. It may be thrown away.
    /// None: it reads all of them.
    pub snapshots: Option<PathBuf>,
    /// How messages reach receivers.
    pub delivery: delivery::Config,
}

/// Starts the service: its workers on the context's tasks, its interface on the routes. It is serving once all rules have been
/// evaluated on all that is on the exposures log now.
///
/// # Errors
/// [`Class::Invalid`](orewatch_runtime::Class::Invalid) for a configuration that cannot be used; a worker that cannot go on later
/// stops the process through the context.
pub async fn start(
    context: Context,
    logs: Logs,
    config: Config,
    routes: &mut RoutesBuilder,
) -> Result<(), Failure> {
    let sender = Arc::new(delivery::Sender::new(config.delivery.clone())?);
    set_status(&context.health, ServingStatus::NotServing).await;
    let (begun, kept) = kept(&logs, &config).await;
    let (book, reader) = watch::channel(begun);

    // Workers wait for room on a full log; who asks for something is refused.
    let waiting = WaitingLog::new(Arc::clone(&logs.alerts));
    let alerts = || Arc::clone(&waiting) as Arc<dyn EventLog>;
    let exposures = Arc::clone(&logs.exposures);
    let evaluator = Evaluator::new(context.clone(), alerts(), exposures, book.clone(), kept)?;
    let tail = Arc::new(Tail::default());
    spawn(&context, follow(Arc::clone(&logs.alerts), book, Arc::clone(&tail), context.clone()));
    let health = context.health.clone();
    let (tell, ready) = watch::channel(false);
    let teller = Teller { context: context.clone(), alerts: alerts(), book: reader.clone(), ready };
    spawn(&context, teller.run());
    spawn(&context, serve_while_full(context.clone(), Arc::clone(&waiting), reader.clone()));
    let ready = async move || {
        set_status(&health, ServingStatus::Serving).await;
        tell.send_replace(true);
    };
    spawn(&context, evaluator.run(ready));
    let notifications =
        Notifications { context: context.clone(), alerts: Arc::clone(&logs.alerts), book: reader.clone() };
    let notifications = NotificationServiceServer::new(notifications)
        .max_decoding_message_size(LARGEST_MESSAGE)
        .max_encoding_message_size(LARGEST_MESSAGE);
    routes.add_service(notifications);

    let deliverer = Deliverer::new(
        context.clone(),
        Arc::clone(&waiting),
        reader.clone(),
        Arc::clone(&sender),
        config.delivery.is_alone,
    );
    context.spawn("deliveries", deliverer.run());
    routes.add_service(Feeds { book: reader.clone(), public_url: sender.public_url().map(str::to_owned) });
    let edge =
        Edge { context: context.clone(), alerts: Arc::clone(&logs.alerts), book: reader.clone(), sender };
    let service = DeliveryServiceServer::new(edge)
        .max_decoding_message_size(LARGEST_MESSAGE)
        .max_encoding_message_size(LARGEST_MESSAGE);
    routes.add_service(service);

    let backtests = Runner::new(context.clone(), logs.exposures);
    let service = AlertingServiceServer::new(Grpc::new(context, logs.alerts, reader, tail, backtests))
        .max_decoding_message_size(LARGEST_MESSAGE)
        .max_encoding_message_size(LARGEST_MESSAGE);
    routes.add_service(service);
    Ok(())
}

/// Answers from what is folded although the evaluation of what came since cannot be recorded: the log is full.
async fn serve_while_full(
    context: Context,
    log: Arc<WaitingLog>,
    mut book: watch::Receiver<Book>,
) -> Result<(), Failure> {
    let is_readable = async {
        log.until_full().await;
        // A book that is closed is that of a service that stops.
        drop(book.wait_for(|book| book.is_current).await);
        set_status(&context.health, ServingStatus::Serving).await;
    };
    tokio::select! {
        () = context.shutdown.cancelled() => {}
        () = is_readable => {}
    }
    Ok(())
}

/// Says whether the interfaces of the service answer. They share one state, so that they become ready together.
async fn set_status(health: &HealthReporter, status: ServingStatus) {
    let names = [
        AlertingServiceServer::<Grpc>::NAME,
        NotificationServiceServer::<Notifications>::NAME,
        DeliveryServiceServer::<Edge>::NAME,
    ];
    for name in names {
        health.set_service_status(name, status).await;
    }
}

/// What the service begins with: what a snapshot holds of its folds.
async fn kept(logs: &Logs, config: &Config) -> (Book, Kept) {
    let path = config.snapshots.as_deref().map(snapshot::path);
    let mut snapshot = match path.clone() {
        Some(path) => tokio::task::spawn_blocking(move || Snapshot::read(&path)).await.unwrap_or_default(),
        None => Snapshot::default(),
    };
    let (mut book, mut kept) = (Book::default(), Kept::default());
    if let Some((state, last)) = snapshot.fold::<State>(&*logs.alerts).await {
        book.view.log = Projection::new(state);
        book.view.log.pass(last.0);
        book.last = Some(last);
        // Figures tell nothing without the alerts that were evaluated on them.
        if let Some((folded, last)) = snapshot.fold::<Folded>(&*logs.exposures).await {
            (kept.folded, kept.last) = (folded, Some(last));
        }
    }
    let written = book.view.log.position().saturating_add(kept.last.map_or(0, |(position, _)| position));
    kept.snapshots = Snapshots::new(path, written);
    (book, kept)
}

/// Runs a worker; if it cannot go on, the process stops.
fn spawn(context: &Context, work: impl Future<Output = Result<(), Failure>> + Send + 'static) {
    let outcome = context.clone();
    context.tasks.spawn(async move {
        if let Err(failure) = work.await {
            outcome.fail(failure);
        }
    });
}
