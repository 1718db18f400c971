//! Service 1: releases of statistics go in, checked, and become visible all at once.
//!
//! [`sources`] reads files; [`client`] takes them to the service; [`start`] is the service. Between the two there is only
//! the contract `orewatch.ingestion.v1`: a client in any language can record a release, and is trusted as little as this one.
//!
//! A release is opened, recorded in chunks, and committed or refused by its gates. The log is the only state: a chunk that
//! is on it is recognised by its bytes, so that whatever crashes, the same files are simply ingested again, and the log is
//! in the end the same as if nothing had happened.

mod appended;
pub mod archive;
pub mod client;
mod codes;
mod commands;
pub mod connectors;
mod dataset;
mod decide;
mod evolve;
mod fact;
mod flows;
mod gates;
mod glance;
mod grpc;
mod ids;
mod intake;
mod mended;
pub mod policy;
mod possession;
mod record;
mod reopened;
mod restate;
mod retention;
pub mod scope;
mod shape;
pub mod sources;
mod tally;
mod units;
mod validate;
mod work;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use orewatch_contracts::ingestion::v1::ingestion_service_server::IngestionServiceServer;
use orewatch_eventlog::EventLog;
use orewatch_runtime::{Context, Failure};
use tonic::service::RoutesBuilder;

use archive::Archive;
use intake::Intake;
use retention::Sweeper;

pub use codes::Codes;
pub use gates::{GateModes, WrongModes};
pub use ids::release_id;
pub use orewatch_contracts::ingestion::v1::ingestion_service_server::SERVICE_NAME;

/// Largest gRPC message, in and out.
const LARGEST_MESSAGE: usize = 4 * 1024 * 1024;

/// How long the next piece of a file may take, if nothing else is said.
const STALL: Duration = Duration::from_secs(30);

/// How long a file stays that no release needs, if nothing else is said: 30 days.
pub const KEEP_REFUSED: Duration = Duration::from_secs(30 * 24 * 3600);

/// The logs of the service.
#[derive(Clone, Debug)]
pub struct Logs {
    /// The log that it writes and rebuilds its state from.
    pub observations: Arc<dyn EventLog>,
}

/// Where the service keeps what is no event.
#[derive(Clone, Debug)]
pub struct Config {
    /// The archive of original files.
    pub archive: archive::Place,
    /// A folder for files on their way to and from an archive in a bucket.
    pub spool: PathBuf,
    /// Largest file in bytes that is taken.
    pub largest_file: u64,
    /// What is remembered of files that came, also to others of this process who put them into the archive.
    pub memory: archive::Memory,
    /// How much the archive may hold.
    pub quota: archive::Quota,
    /// How long a file stays in the archive that no release needs.
    pub keep_refused: Duration,
    /// How long the next piece of a file may take that is handed in.
    pub stall: Duration,
    /// Bounds on what is read of a file.
    pub limits: sources::Limits,
    /// What gates may do.
    pub gates: GateModes,
    /// Publishers whose interfaces it asks.
    pub polling: connectors::Polling,
}

impl Config {
    /// An archive with the limits of the house.
    #[must_use]
    pub fn new(archive: archive::Place) -> Self {
        Self {
            archive,
            spool: std::env::temp_dir().join("orewatch-spool"),
            largest_file: archive::LARGEST_FILE,
            memory: archive::Memory::default(),
            quota: archive::Quota::default(),
            keep_refused: KEEP_REFUSED,
            stall: STALL,
            limits: sources::Limits::default(),
            gates: GateModes::default(),
            polling: connectors::Polling::default(),
        }
    }
}

/// Starts the service: a worker that follows the log, and the gRPC service. It is healthy once the state is rebuilt.
///
/// # Errors
/// [`Class::Unavailable`](orewatch_runtime::Class::Unavailable) if the archive cannot be used. A log that cannot be read stops
/// the process later, through [`Context::fail`].
pub async fn start(
    context: Context,
    logs: Logs,
    config: Config,
    routes: &mut RoutesBuilder,
) -> Result<(), Failure> {
    let stall = config.stall;
    let archive = Archive::open(&config.archive, &config.spool, config.largest_file).await?;
    let archive = Arc::new(archive.remembering(config.memory).within(config.quota));
    let log = logs.observations;
    let keeper = Arc::new(work::Keeper::new(context.clone(), Arc::clone(&log), config.gates));
    context.spawn("ingestion", Arc::clone(&keeper).follow());
    let intake =
        Arc::new(Intake::new(context.clone(), Arc::clone(&keeper), Arc::clone(&archive), config.limits));
    context.spawn("concordances", Arc::clone(&intake).follow_concordances());
    let connectors = config.polling.open(context.clone(), log, Arc::clone(&archive), Arc::clone(&intake));
    let sweeper = Sweeper {
        context: context.clone(),
        keeper: Arc::clone(&keeper),
        archive: Arc::clone(&archive),
        connectors: Arc::clone(&connectors),
        keep: config.keep_refused,
    };
    context.spawn("retention", sweeper.run());
    routes.add_service(
        IngestionServiceServer::new(grpc::Edge { keeper, archive, intake, connectors, stall })
            .max_decoding_message_size(LARGEST_MESSAGE)
            .max_encoding_message_size(LARGEST_MESSAGE),
    );
    Ok(())
}

/// Runs what may block on a thread where it may.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    let task = tokio::task::spawn_blocking(work);
    task.await.map_err(|error| Failure::internal(format!("a thread of the service ended badly: {error}")))
}
