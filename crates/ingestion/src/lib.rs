//! Service 1: takes in releases of statistics, checks them, and makes the figures of each release visible at
//! once.
//!
//! [`orewatch_formats`] reads files; [`client`] sends them to the service; [`start`] runs the service. Client
//! and service share nothing but the contract `orewatch.ingestion.v1`: a client in any language can record a
//! release, and the service trusts this one as little as any other.
//!
//! A release is opened, recorded in chunks, and committed or refused by its gates. The log is the only state.
//! A chunk that is on it is recognised by its digest, so after a crash the same files are simply ingested
//! again, and the log ends up as if nothing had happened.
//!
//! Reading order: `decide` and `evolve` are the aggregate, `work` follows the log and appends to it,
//! `intake` turns files into commands, `gates` judges a release, [`connectors`] polls publishers, `erase`
//! makes what a tenant has unreadable, `grpc` is the edge.

pub mod archive;
mod chunk;
pub mod client;
mod column_reader;
mod commands;
mod concordances;
pub mod connectors;
mod decide;
mod decision;
mod digest_cache;
mod erase;
mod events;
mod evolve;
mod gates;
mod grpc;
mod intake;
mod observe;
pub mod policy;
mod possession;
mod record;
mod rejection_codes;
mod rejections;
mod release_info;
mod reopen;
mod restate;
mod retention;
mod row_counts;
mod scope;
mod tally;
mod units;
mod validate;
mod withheld;
mod work;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use orewatch_contracts::Failure;
use orewatch_contracts::ingestion::v1::ingestion_service_server::IngestionServiceServer;
use orewatch_eventlog::EventLog;
use orewatch_runtime::{Context, Readiness};
use orewatch_store::keys::TenantKeys;
use orewatch_store::sealed::SealedLog;
use orewatch_store::snapshots::{EventSnapshots, Room, SnapshotPlace};
use tokio::sync::Mutex;
use tonic::service::RoutesBuilder;

use archive::Archive;
use erase::Eraser;
use intake::Intake;
use retention::Sweeper;

pub use gates::{GateModes, InvalidGateModes};
pub use orewatch_contracts::ingestion::v1::ingestion_service_server::SERVICE_NAME;

/// Upper bound on a gRPC message, in and out (4 MiB).
const MAX_MESSAGE_BYTES: usize = 4 * 1024 * 1024;

/// Default of [`Config::stall`].
const DEFAULT_STALL: Duration = Duration::from_secs(30);

/// Default of [`Config::keep_refused`] (30 days).
pub const DEFAULT_KEEP_REFUSED: Duration = Duration::from_secs(30 * 24 * 3600);

/// The logs of the service.
#[derive(Clone, Debug)]
pub struct Logs {
    /// The log that the service writes, and rebuilds its state from.
    pub observations: Arc<dyn EventLog>,
}

/// Settings of the service.
#[derive(Clone, Debug)]
pub struct Config {
    /// Location of the archive of original files.
    pub archive: archive::ArchiveLocation,
    /// A folder for files on their way to and from an archive in a bucket.
    pub spool: PathBuf,
    /// Upper bound on the size of a file, in bytes.
    pub max_file_bytes: u64,
    /// What is remembered about stored files. Archives of one process that share it recognise each other's
    /// files.
    pub cache: archive::ArchiveCache,
    /// Upper bounds on what the archive holds.
    pub quota: archive::Quota,
    /// How long the archive keeps a file that no release needs.
    pub keep_refused: Duration,
    /// How long the next piece of an uploaded file may take.
    pub stall: Duration,
    /// Bounds on reading a file.
    pub limits: orewatch_formats::Limits,
    /// What each gate may do.
    pub gates: GateModes,
    /// Publishers to poll.
    pub polling: connectors::Polling,
    /// Where snapshots of the folded log are, which may be deleted. `None`: none is written or read.
    pub snapshots: Option<SnapshotPlace>,
    /// Keys of tenants, with which their rows and files are sealed.
    pub keys: TenantKeys,
}

impl Config {
    /// Default settings with this archive.
    #[must_use]
    pub fn new(archive: archive::ArchiveLocation) -> Self {
        Self {
            archive,
            spool: std::env::temp_dir().join("orewatch-spool"),
            max_file_bytes: archive::MAX_FILE_BYTES,
            cache: archive::ArchiveCache::default(),
            quota: archive::Quota::default(),
            keep_refused: DEFAULT_KEEP_REFUSED,
            stall: DEFAULT_STALL,
            limits: orewatch_formats::Limits::default(),
            gates: GateModes::default(),
            polling: connectors::Polling::default(),
            snapshots: None,
            keys: TenantKeys::default(),
        }
    }
}

/// Starts the service: a worker that follows the log, and the gRPC service. It reports healthy once the state
/// is rebuilt.
///
/// # Errors
/// [`Class::Unavailable`](orewatch_contracts::Class::Unavailable) if the archive cannot be used,
/// [`Class::Invalid`](orewatch_contracts::Class::Invalid) for a wrong key file.
pub async fn start(
    context: Context,
    logs: Logs,
    config: Config,
    routes: &mut RoutesBuilder,
) -> Result<(), Failure> {
    let (stall, keys) = (config.stall, config.keys);
    keys.check().await?;
    let archive = Archive::open(&config.archive, &config.spool, config.max_file_bytes).await?;
    let archive = archive.with_cache(config.cache).with_quota(config.quota).with_keys(keys.clone());
    let archive = Arc::new(archive);
    let followed = context.follow_log("ingestion", &logs.observations);
    let readiness = Readiness::start(&context, &[SERVICE_NAME], vec![followed.clone()]).await;
    let snapshots = config.snapshots.and_then(|place| snapshots(&place, &logs, &keys));
    if let Some(health) = snapshots.as_ref().map(|snapshots| snapshots.health().clone()) {
        context.metrics.collect_snapshots("ingestion", move || health.facts());
    }
    let stored = logs.observations;
    // Callers are refused at once while the log is away.
    let log = followed.guard(SealedLog::new(Arc::clone(&stored), keys.clone()));
    let repository = work::Repository::new(context.clone(), Arc::clone(&log), followed, config.gates);
    let repository = Arc::new(repository);
    observe::report(&context, &repository);
    context.spawn("ingestion", Arc::clone(&repository).follow(readiness, snapshots));
    let intake =
        Arc::new(Intake::new(context.clone(), Arc::clone(&repository), Arc::clone(&archive), config.limits));
    context.spawn("concordances", Arc::clone(&intake).follow_concordances());
    let connectors = config.polling.open(context.clone(), log, Arc::clone(&archive), Arc::clone(&intake));
    let sweeper = Sweeper {
        context: context.clone(),
        repository: Arc::clone(&repository),
        archive: Arc::clone(&archive),
        connectors: Arc::clone(&connectors),
        keep: config.keep_refused,
    };
    let eraser = Eraser {
        context: context.clone(),
        stored,
        repository: Arc::clone(&repository),
        archive: Arc::clone(&archive),
        connectors: Arc::clone(&connectors),
        keys,
        running: Mutex::default(),
    };
    context.spawn("retention", sweeper.run());
    routes.add_service(
        IngestionServiceServer::new(grpc::IngestionService {
            repository,
            archive,
            intake,
            connectors,
            eraser,
            stall,
        })
        .max_decoding_message_size(MAX_MESSAGE_BYTES)
        .max_encoding_message_size(MAX_MESSAGE_BYTES),
    );
    Ok(())
}

/// Snapshots of the observations log.
fn snapshots(place: &SnapshotPlace, logs: &Logs, keys: &TenantKeys) -> Option<EventSnapshots> {
    let room = Room::open(place, "ingestion")?;
    let log = Arc::clone(&logs.observations);
    let snapshots = EventSnapshots::new(room, log, Vec::new(), evolve::folded_kinds());
    Some(snapshots.with_keys(keys.clone()))
}

/// Runs blocking work on a thread of its own.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    let task = tokio::task::spawn_blocking(work);
    task.await.map_err(|error| {
        Failure::internal(format!("a thread of the service panicked or was cancelled: {error}"))
    })
}
