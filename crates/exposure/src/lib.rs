//! Service 2: how far economies depend on suppliers, kept current and explained.
//!
//! The service folds the observations log into a book of markets ([`book`], [`evolve`]), computes every
//! measure of the markets that a release affects and publishes the figures that differ ([`decide`],
//! [`figures`], `work`), and answers questions about now, an earlier period and what was known at an earlier
//! time (`grpc`). The published figures are a pure function of the observations log: the exposures log is a
//! cache of them that others can follow.
//!
//! Reading order: [`book`] (what is known), [`accounts`] (a market's trade and output), [`scope`] (everything
//! that the measures of a market may look at), [`figures`] (the measures), [`dependents`] and [`decide`]
//! (what a change of the book means for them). `vintages` compares two points in knowledge time, `revisions`
//! the editions of a dataset. `outlook` continues figures into the future, and scores how good that was.

mod absent;
pub mod accounts;
pub mod book;
mod claim_tail;
mod claims;
pub mod columns;
mod compare;
pub mod decide;
pub mod dependents;
pub mod evolve;
mod explain;
pub mod figures;
mod grounds;
mod grpc;
mod outlook;
mod page_token;
mod publisher;
mod query;
mod request;
mod restart;
mod revisions;
mod scenarios;
pub mod scope;
mod snapshot;
mod tail;
mod targets;
mod ties;
mod trend;
mod vintages;
mod watch;
mod wire;
mod work;

use std::sync::Arc;

use orewatch_contracts::Failure;
use orewatch_contracts::exposure::v1::exposure_service_server::{self, ExposureServiceServer};
use orewatch_contracts::exposure::v1::outlook_service_server::{self, OutlookServiceServer};
use orewatch_eventlog::EventLog;
use orewatch_runtime::{Context, Readiness};
use orewatch_store::snapshots::{EventSnapshots, Room, SnapshotPlace};
use tonic::service::RoutesBuilder;

/// Upper bound on the size of a message in bytes, in both directions.
const MAX_MESSAGE_BYTES: usize = 4 * 1024 * 1024;

/// Names of the gRPC services, for health checks.
const SERVICES: &[&str] = &[exposure_service_server::SERVICE_NAME, outlook_service_server::SERVICE_NAME];

/// The logs that the service works on.
#[derive(Clone, Debug)]
pub struct Logs {
    /// The log that it reads.
    pub observations: Arc<dyn EventLog>,
    /// The log that it writes, and reads for watchers.
    pub exposures: Arc<dyn EventLog>,
}

/// Configuration of the service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// Where snapshots of the book are, which may be deleted. `None`: none is written or read.
    pub snapshots: Option<SnapshotPlace>,
}

/// Starts the service: its worker among the context's tasks, its interface on the routes. It is ready once it
/// has read the observations log to its end for the first time, and goes on answering while a log is away.
/// Publishing goes on beside that.
///
/// # Errors
/// None at present; a defect stops the process through [`Context::fail`].
pub async fn start(
    context: Context,
    logs: Logs,
    config: Config,
    routes: &mut RoutesBuilder,
) -> Result<(), Failure> {
    let snapshots = config.snapshots.and_then(|place| snapshots(&place, &logs));
    let (announce, known) = tokio::sync::watch::channel(snapshot::Snapshot::default());
    let observations = context.follow_log("exposure", logs.observations.name());
    let exposures = context.follow_log("exposure", logs.exposures.name());
    let readiness = Readiness::start(&context, SERVICES, vec![observations.clone()]).await;
    let service = grpc::ExposureService::new(known, &logs, observations.clone(), &context);
    let outlooks = OutlookServiceServer::new(service.clone())
        .max_decoding_message_size(MAX_MESSAGE_BYTES)
        .max_encoding_message_size(MAX_MESSAGE_BYTES);
    let server = ExposureServiceServer::new(service)
        .max_decoding_message_size(MAX_MESSAGE_BYTES)
        .max_encoding_message_size(MAX_MESSAGE_BYTES);
    let worker =
        work::Worker { context: context.clone(), logs, announce, readiness, observations, exposures };
    context.spawn("exposure", worker.run(snapshots));
    routes.add_service(server);
    routes.add_service(outlooks);
    Ok(())
}

/// Snapshots of the observations log. One is used only with the exposures log that it was written beside:
/// what the book has folded is not published again.
fn snapshots(place: &SnapshotPlace, logs: &Logs) -> Option<EventSnapshots> {
    let room = Room::open(place, "exposure")?;
    let others = vec![Arc::clone(&logs.exposures)];
    Some(EventSnapshots::new(room, Arc::clone(&logs.observations), others, evolve::folded_kinds()))
}
