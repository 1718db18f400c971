//! Service 2: how far economies depend on suppliers, kept current and explained.
//!
//! The service folds the observations log into a book of markets ([`book`], [`evolve`]), computes every measure of the
//! markets that a release touches and publishes what differs ([`decide`], [`figures`], `work`), and answers questions about
//! now, an earlier period and what was known at an earlier time (`grpc`). The figures that it publishes are a pure function
//! of the observations log: its own log is a cache that others can follow.

pub mod accounts;
pub mod book;
pub mod columns;
mod compare;
pub mod decide;
pub mod dependents;
pub mod evolve;
mod explain;
pub mod figures;
mod grounds;
mod grpc;
mod publisher;
mod query;
mod request;
pub mod scope;
mod snapshot;
mod tail;
mod trend;
mod watch;
mod wire;
mod work;

use std::sync::Arc;

use orewatch_contracts::exposure::v1::exposure_service_server::ExposureServiceServer;
use orewatch_eventlog::EventLog;
use orewatch_runtime::{Context, Failure};
use tonic::service::RoutesBuilder;

/// Largest message in and out, in bytes.
const LARGEST_MESSAGE: usize = 4 * 1024 * 1024;

/// The logs that the service works on.
#[derive(Clone, Debug)]
pub struct Logs {
    /// What it reads.
    pub observations: Arc<dyn EventLog>,
    /// What it writes, and reads for those who watch.
    pub exposures: Arc<dyn EventLog>,
}

/// Starts the service: its worker on the context's tasks, its interface on the routes. It reports itself as serving once it
/// has followed the observations log to its end for the first time; what follows is published beside that.
///
/// # Errors
/// None at present; a worker that cannot go on stops the process through [`Context::fail`].
pub async fn start(context: Context, logs: Logs, routes: &mut RoutesBuilder) -> Result<(), Failure> {
    let (announce, known) = tokio::sync::watch::channel(snapshot::Snapshot::default());
    let service = grpc::Service::new(known, Arc::clone(&logs.exposures), &context);
    let server = ExposureServiceServer::new(service)
        .max_decoding_message_size(LARGEST_MESSAGE)
        .max_encoding_message_size(LARGEST_MESSAGE);
    context.health.set_not_serving::<ExposureServiceServer<grpc::Service>>().await;
    context.spawn("exposure", work::run(context.clone(), logs, announce));
    routes.add_service(server);
    Ok(())
}
