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
//! the editions of a dataset. `shared` is for replicas that share the work by material.

mod absent;
pub mod accounts;
pub mod book;
mod claim_tail;
mod claims;
pub mod columns;
mod compare;
pub mod decide;
pub mod dependents;
mod erased;
pub mod evolve;
mod explain;
pub mod figures;
mod grounds;
mod grpc;
mod judge;
mod page_token;
mod publisher;
mod query;
mod query_page;
mod request;
mod restart;
mod revisions;
mod scenarios;
pub mod scope;
mod shared;
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
use orewatch_contracts::exposure::v1::exposure_service_server::{ExposureServiceServer, SERVICE_NAME};
use orewatch_eventlog::EventLog;
use orewatch_runtime::{Context, FollowedLog, Readiness, Sharing};
use orewatch_store::keys::TenantKeys;
use orewatch_store::sealed::SealedLog;
use orewatch_store::snapshots::{EventSnapshots, Room, SnapshotHealth, SnapshotPlace};
use tonic::service::RoutesBuilder;

use book::Holding;
pub use shared::partitions;
use shared::peers::Peers;
use shared::{SharedExposureService, SharedWorker};

/// Upper bound on the size of a message in bytes, in both directions.
const MAX_MESSAGE_BYTES: usize = 4 * 1024 * 1024;

/// The logs that the service works on.
#[derive(Clone, Debug)]
pub struct Logs {
    /// The log that it reads.
    pub observations: Arc<dyn EventLog>,
    /// The log that it writes, and reads for watchers.
    pub exposures: Arc<dyn EventLog>,
}

/// Configuration of the service.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Where snapshots of the book are, which may be deleted. `None`: none is written or read.
    pub snapshots: Option<SnapshotPlace>,
    /// Keys of tenants, with which their rows are sealed.
    pub keys: TenantKeys,
}

/// Starts the service: its worker among the context's tasks, its interface on the routes. It is ready once it
/// has read the observations log to its end for the first time, and goes on answering while a log is away.
/// Publishing goes on beside that.
///
/// # Errors
/// [`Class::Invalid`](orewatch_contracts::Class::Invalid) for a wrong key file; a defect stops the process
/// through [`Context::fail`].
pub async fn start(
    context: Context,
    logs: Logs,
    config: Config,
    routes: &mut RoutesBuilder,
) -> Result<(), Failure> {
    let Config { snapshots: place, keys } = config;
    keys.check().await?;
    let health = report_snapshots(&context);
    // Snapshots hold events as they are stored.
    let snapshots = place.and_then(|place| snapshots(&place, &logs, &keys, &health));
    let logs = opened(&logs, &keys);
    let (announce, known) = tokio::sync::watch::channel(snapshot::Snapshot::default());
    let [observations, exposures] = follow(&context, &logs);
    let readiness = Readiness::start(&context, &[SERVICE_NAME], vec![observations.clone()]).await;
    let service = grpc::ExposureService::new(known, &logs, observations.clone(), &context);
    let server = ExposureServiceServer::new(service)
        .max_decoding_message_size(MAX_MESSAGE_BYTES)
        .max_encoding_message_size(MAX_MESSAGE_BYTES);
    let worker = work::Worker {
        context: context.clone(),
        logs,
        announce,
        readiness,
        observations,
        exposures,
        holding: Arc::new(tokio::sync::watch::Sender::new(Holding::default())),
        progress: tokio::sync::watch::Sender::default(),
        judge: None,
    };
    context.spawn("exposure", worker.run(snapshots));
    routes.add_service(server);
    Ok(())
}

/// Starts the service as one of several replicas that share the work by material: it folds and publishes the
/// [`partitions`] that it holds, and asks others for the rest. It is ready once it has read the observations
/// log to its end.
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
    let Config { snapshots, keys } = config;
    keys.check().await?;
    let (stored, logs) = (logs.clone(), opened(&logs, &keys));
    let (announce, known) = tokio::sync::watch::channel(snapshot::Snapshot::default());
    let [observations, exposures] = follow(&context, &logs);
    let readiness = Readiness::start(&context, &[SERVICE_NAME], vec![observations.clone()]).await;
    let own = grpc::ExposureService::new(known, &logs, observations.clone(), &context);
    let peers = Peers::new(sharing);
    let service = SharedExposureService::new(own, peers.clone(), Arc::clone(&logs.exposures));
    let server = ExposureServiceServer::new(service)
        .max_decoding_message_size(MAX_MESSAGE_BYTES)
        .max_encoding_message_size(MAX_MESSAGE_BYTES);
    peers.sharing().join();
    let worker = SharedWorker {
        context: context.clone(),
        logs,
        stored,
        keys,
        snapshots,
        health: report_snapshots(&context),
        announce,
        readiness,
        observations,
        exposures,
        peers,
    };
    context.spawn("exposure", worker.run());
    routes.add_service(server);
    Ok(())
}

/// The logs as they are read: with the content of tenants, as far as there are keys.
fn opened(logs: &Logs, keys: &TenantKeys) -> Logs {
    let observations = SealedLog::new(Arc::clone(&logs.observations), keys.clone());
    Logs { observations, exposures: Arc::clone(&logs.exposures) }
}

/// What is known of both logs from now on.
fn follow(context: &Context, logs: &Logs) -> [FollowedLog; 2] {
    let observations = context.follow_log("exposure", &logs.observations);
    [observations, context.follow_written_log("exposure", &logs.exposures)]
}

/// Reports from now on what becomes of snapshots.
fn report_snapshots(context: &Context) -> SnapshotHealth {
    let health = SnapshotHealth::default();
    let facts = health.clone();
    context.metrics.collect_snapshots("exposure", move || facts.facts());
    health
}

/// Snapshots of the observations log. One is used only with the exposures log that it was written beside:
/// what the book has folded is not published again. `logs` have their content as it is stored. What becomes
/// of snapshots is recorded in `health`.
fn snapshots(
    place: &SnapshotPlace,
    logs: &Logs,
    keys: &TenantKeys,
    health: &SnapshotHealth,
) -> Option<EventSnapshots> {
    let room = Room::open(place, "exposure")?.with_health(health);
    let others = vec![Arc::clone(&logs.exposures)];
    let log = Arc::clone(&logs.observations);
    let snapshots = EventSnapshots::new(room, log, others, evolve::folded_kinds());
    Some(snapshots.with_keys(keys.clone()))
}
