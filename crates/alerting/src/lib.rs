//! Service 3: rules, episodes, alerts, subscriptions.
//!
//! Rules are data with revisions ([`rules`]). Each is stepped through the periods of each subject that it watches by one
//! pure state machine ([`episode`]); [`trajectory`] folds it, [`reconcile`] compares what follows from the figures now with
//! what was recorded before, [`decide`] turns that into events, and [`evolve`] folds the events into the state that all of
//! it rests on; [`backtest`] runs all of this on the past. Two workers and the gRPC edge are the only parts that wait for anything.
//!
//! An evaluation begins with an event that fixes what it takes in and ends with one that says it is complete. In between, all
//! that is appended follows from the logs alone, with expectations and identifiers that follow from them too: a crash at any
//! point and any number of replicas lead to the same log.

pub mod alert;
pub mod backtest;
mod batch;
pub mod decide;
pub mod episode;
pub mod evolve;
pub mod facts;
pub mod figures;
mod filter;
mod grpc;
pub mod reconcile;
pub mod rulebook;
pub mod rules;
mod subscribe;
mod token;
pub mod trajectory;
mod work;

use std::future::Future;
use std::sync::Arc;

use orewatch_contracts::alerting::v1::alerting_service_server::AlertingServiceServer;
use orewatch_eventlog::EventLog;
use orewatch_runtime::{Context, Failure};
use tokio::sync::watch;
use tonic::service::RoutesBuilder;

use backtest::run::Runner;
use grpc::Grpc;
use work::{Book, Evaluator, follow};

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

/// Starts the service: its workers on the context's tasks, its interface on the routes. It is serving once all rules have been
/// evaluated on all that is on the exposures log now.
///
/// # Errors
/// None in practice; a worker that cannot go on later stops the process through the context.
pub async fn start(context: Context, logs: Logs, routes: &mut RoutesBuilder) -> Result<(), Failure> {
    let (book, reader) = watch::channel(Book::default());
    context.health.set_not_serving::<AlertingServiceServer<Grpc>>().await;

    let evaluator =
        Evaluator::new(context.clone(), Arc::clone(&logs.alerts), Arc::clone(&logs.exposures), book.clone())?;
    spawn(&context, follow(Arc::clone(&logs.alerts), book, context.clone()));
    let health = context.health.clone();
    let ready = async move || health.set_serving::<AlertingServiceServer<Grpc>>().await;
    spawn(&context, evaluator.run(ready));

    let backtests = Runner::new(context.clone(), logs.exposures);
    let service = AlertingServiceServer::new(Grpc { context, alerts: logs.alerts, book: reader, backtests })
        .max_decoding_message_size(LARGEST_MESSAGE)
        .max_encoding_message_size(LARGEST_MESSAGE);
    routes.add_service(service);
    Ok(())
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
