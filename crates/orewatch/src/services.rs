//! Runs services in this process: which services there are, their configuration, and how they start and
//! become ready.
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use orewatch_contracts::alerting::v1::alerting_service_server;
use orewatch_contracts::exposure::v1::exposure_service_server;
use orewatch_contracts::ingestion::v1::ingestion_service_server;
use orewatch_contracts::{Class, Failure};
use orewatch_eventlog::jetstream::JetStreamOptions;
use orewatch_eventlog::{EventLog, SkippingLog};
use orewatch_ingestion::GateModes;
use orewatch_ingestion::archive::{ArchiveLocation, Quota};
use orewatch_runtime::metrics::{MeteredLog, Metrics};
use orewatch_runtime::{
    ANSWERS_STALE, ClientTls, Context, FOLD_PROGRESS, LOG_STATE, LogTarget, Settings, Sharing, client,
};
use orewatch_store::keys::TenantKeys;
use orewatch_store::snapshots::SnapshotPlace;
use tonic::Code;
use tonic::service::RoutesBuilder;
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::nats_options::jetstream_options;
use crate::observing::Observing;
use crate::settings::{bytes, duration};
use crate::sharing::ShareConfig;

/// Default of `--keep-refused`: how long the archive keeps files that no release needs.
const DEFAULT_KEEP_REFUSED: &str = "720h";

/// Default of `--stale-after`.
const DEFAULT_STALE_AFTER: &str = "5m";

/// Interval between two health checks of a service that is not ready.
const HEALTH_CHECK_INTERVAL: Duration = Duration::from_millis(20);

/// One of the services.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Service {
    /// Ingest releases of statistics
    Ingestion,
    /// Keep measures current and answer queries
    Exposure,
    /// Evaluate rules and notify of alerts
    Alerting,
}

impl Service {
    /// All services, upstream first.
    pub(crate) const ALL: [Self; 3] = [Self::Ingestion, Self::Exposure, Self::Alerting];

    /// Full gRPC name, as in the health protocol.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ingestion => ingestion_service_server::SERVICE_NAME,
            Self::Exposure => exposure_service_server::SERVICE_NAME,
            Self::Alerting => alerting_service_server::SERVICE_NAME,
        }
    }

    /// Names of the logs that it reads or writes. It writes the last one.
    fn logs(self) -> &'static [&'static str] {
        match self {
            Self::Ingestion => &["observations"],
            Self::Exposure => &["observations", "exposures"],
            Self::Alerting => &["exposures", "alerts"],
        }
    }

    /// Name on the command line.
    pub(crate) fn short(self) -> &'static str {
        match self {
            Self::Ingestion => "ingestion",
            Self::Exposure => "exposure",
            Self::Alerting => "alerting",
        }
    }
}

/// What services need to start: the log and their own configuration.
#[derive(Clone, Debug)]
pub(crate) struct ServicesConfig {
    /// Where the event logs are.
    pub(crate) log: LogTarget,
    /// How to connect to NATS, if the logs are there.
    pub(crate) nats: JetStreamOptions,
    /// Configuration of the ingestion service, with its archive.
    pub(crate) ingestion: orewatch_ingestion::Config,
    /// Configuration of the exposure service.
    pub(crate) exposure: orewatch_exposure::Config,
    /// Configuration of the alerting service, with its deliveries.
    pub(crate) alerting: orewatch_alerting::Config,
    /// Place of the names of callers. `None`: there is none that the processes share.
    pub(crate) actors: Option<ArchiveLocation>,
    /// Time that a log may not be followed before a service is reported as not ready.
    pub(crate) stale_after: Duration,
    /// What the process reports on itself.
    pub(crate) observing: Observing,
    /// How services share their work with other replicas. `None`: they do not.
    pub(crate) share: Option<ShareConfig>,
}

impl ServicesConfig {
    /// Reads the configuration of the process `name`. Files beside the log are kept in the directory
    /// `beside`, unless the settings name other places.
    pub(crate) fn new(
        log: LogTarget,
        name: &str,
        beside: &Path,
        settings: &Settings,
    ) -> Result<Self, Failure> {
        let archive =
            settings.get("archive")?.unwrap_or_else(|| ArchiveLocation::Folder(beside.join("archive")));
        let snapshots = Some(snapshot_place(&log, beside, settings)?);
        let gates = settings.get_or("gates", GateModes::default())?;
        let spool = beside.join("spool");
        let usual = Quota::default();
        let quota = Quota {
            in_all: bytes(settings, "archive-quota")?.unwrap_or(usual.in_all),
            tenant: bytes(settings, "tenant-quota")?.unwrap_or(usual.tenant),
        };
        let keep_refused = duration(settings, "keep-refused", DEFAULT_KEEP_REFUSED)?;
        let keys = tenant_keys(&log, &archive, settings)?;
        let ingestion = orewatch_ingestion::Config {
            keys: keys.clone(),
            gates,
            spool,
            quota,
            keep_refused,
            snapshots: snapshots.clone(),
            ..orewatch_ingestion::Config::new(archive)
        };
        let exposure = orewatch_exposure::Config { snapshots: snapshots.clone(), keys };
        let alerting = orewatch_alerting::Config { snapshots, delivery: delivery_config(&log, settings)? };
        let nats = jetstream_options(settings, name)?;
        let stale_after = duration(settings, "stale-after", DEFAULT_STALE_AFTER)?;
        let actors = actors_place(&log, beside, settings)?;
        let (observing, share) = (Observing::new(settings)?, None);
        Ok(Self { log, nats, ingestion, exposure, alerting, actors, stale_after, observing, share })
    }

    /// How a service shares its partitions. `None`: it does not.
    fn share(
        &self,
        context: &Context,
        service: Service,
        partitions: BTreeSet<&'static str>,
    ) -> Result<Option<Sharing>, Failure> {
        let start =
            |share: &ShareConfig| share.start(context, (&self.log, &self.nats), service.short(), partitions);
        self.share.as_ref().map(start).transpose()
    }
}

/// Reads where snapshots are. By default they are in the place of the archive if it is configured, so that
/// replicas share them, and else beside it. An embedded log is for one process: its snapshots stay with it.
fn snapshot_place(log: &LogTarget, beside: &Path, settings: &Settings) -> Result<SnapshotPlace, Failure> {
    let cache = beside.join("snapshots");
    let archive: Option<ArchiveLocation> = settings.get("archive")?;
    let usual = match (log, archive) {
        (LogTarget::Nats(_), Some(archive)) => archive.join("snapshots"),
        _ => ArchiveLocation::Folder(cache.clone()),
    };
    Ok(SnapshotPlace { location: settings.get("snapshots")?.unwrap_or(usual), cache })
}

/// Reads where the names of callers are. The processes on one log have to share the place, or one caller
/// would have several pseudonyms: beside an embedded log, which is one process's, they do, and otherwise in
/// the archive if it is configured.
fn actors_place(
    log: &LogTarget,
    beside: &Path,
    settings: &Settings,
) -> Result<Option<ArchiveLocation>, Failure> {
    let archive: Option<ArchiveLocation> = settings.get("archive")?;
    let usual = match log {
        LogTarget::Embedded(_) => Some(ArchiveLocation::Folder(beside.join("actors"))),
        LogTarget::Nats(_) => archive.map(|archive| archive.join("actors")),
    };
    Ok(settings.get("actors")?.or(usual))
}

/// Reads with which keys the content of tenants is sealed. Processes on one log have to share their place:
/// one that looks for them elsewhere waits for them.
fn tenant_keys(
    log: &LogTarget,
    archive: &ArchiveLocation,
    settings: &Settings,
) -> Result<TenantKeys, Failure> {
    let Some(file) = settings.get::<PathBuf>("keys-file")? else { return Ok(TenantKeys::default()) };
    let is_shared = matches!(log, LogTarget::Embedded(_)) || settings.source("archive").is_some();
    let place = match settings.get::<ArchiveLocation>("keys")? {
        Some(place) => place,
        None if is_shared => archive.join("keys"),
        None => {
            let message = "keys-file is set, but no place of the keys that processes share";
            return Err(Failure::new(Class::Invalid, "invalid-setting", message)
                .at("keys", "")
                .with_hint("set archive or keys: a folder or a bucket that the services share"));
        }
    };
    Ok(TenantKeys::new(file, &place)?)
}

/// Reads the configuration of deliveries to receivers.
fn delivery_config(log: &LogTarget, settings: &Settings) -> Result<orewatch_receivers::Config, Failure> {
    use orewatch_receivers::Config;
    let usual = Config::default();
    let nats = match log {
        LogTarget::Nats(servers) => Some(servers.clone()),
        LogTarget::Embedded(_) => None,
    };
    Ok(Config {
        public_url: settings
            .get::<String>("public-url")?
            .map(|text| Config::parse_public_url(&text))
            .transpose()?,
        allow_private: Config::parse_networks(&settings.get_or("allow-private", String::new())?)?,
        secrets: settings.get_or("secrets-dir", usual.secrets.clone())?,
        ca_file: settings.get("ca-file")?,
        is_alone: nats.is_none(),
        nats,
        ..usual
    })
}

/// Returns the closure that adds services to a server: it opens each log once, in the background where that
/// may take long, and starts the services, upstream first.
pub(crate) fn build(
    config: ServicesConfig,
    services: &[Service],
) -> impl AsyncFnOnce(Context, &mut RoutesBuilder) -> Result<(), Failure> {
    let services = services.to_vec();
    async move |context: Context, routes: &mut RoutesBuilder| {
        let context = context.with_stale_after(config.stale_after);
        let wanted: BTreeSet<&str> = services.iter().flat_map(|service| service.logs()).copied().collect();
        let names: Vec<&str> = wanted.into_iter().collect();
        let logs = config.log.open(&context, &config.nats, &names).await?;
        let logs: Logs = names.iter().copied().zip(logs).collect();
        let written = services.iter().filter_map(|service| logs.get(service.logs().last()?).cloned());
        config.observing.start(&context, written.collect()).await?;
        for service in &services {
            start(*service, &config, context.clone(), routes, &logs).await?;
        }
        Ok(())
    }
}

/// Open logs by name.
type Logs = BTreeMap<&'static str, Arc<dyn EventLog>>;

async fn start(
    service: Service,
    config: &ServicesConfig,
    context: Context,
    routes: &mut RoutesBuilder,
    logs: &Logs,
) -> Result<(), Failure> {
    let metrics = context.metrics.clone();
    let log = |name: &str| require_open(logs, name, service, &metrics);
    match service {
        Service::Ingestion => {
            let logs = orewatch_ingestion::Logs { observations: log("observations")? };
            orewatch_ingestion::start(context, logs, config.ingestion.clone(), routes).await
        }
        Service::Exposure => {
            let logs =
                orewatch_exposure::Logs { observations: log("observations")?, exposures: log("exposures")? };
            match config.share(&context, service, orewatch_exposure::partitions())? {
                Some(sharing) => {
                    let config = config.exposure.clone();
                    orewatch_exposure::start_shared(context, logs, config, sharing, routes).await
                }
                None => orewatch_exposure::start(context, logs, config.exposure.clone(), routes).await,
            }
        }
        Service::Alerting => {
            let logs = orewatch_alerting::Logs { exposures: log("exposures")?, alerts: log("alerts")? };
            match config.share(&context, service, orewatch_alerting::partitions())? {
                Some(sharing) => {
                    let config = config.alerting.clone();
                    orewatch_alerting::start_shared(context, logs, config, sharing, routes).await
                }
                None => orewatch_alerting::start(context, logs, config.alerting.clone(), routes).await,
            }
        }
    }
}

/// A log as one service uses it: with its appends measured, and without the events that an operator has
/// marked.
fn require_open(
    logs: &Logs,
    name: &str,
    service: Service,
    metrics: &Metrics,
) -> Result<Arc<dyn EventLog>, Failure> {
    let missing = || Failure::internal("a service was started without a log that it needs");
    let log = Arc::clone(logs.get(name).ok_or_else(missing)?);
    Ok(SkippingLog::new(MeteredLog::new(log, service.short(), metrics.clone())))
}

/// Waits until a service has caught up with its logs and is ready for calls.
///
/// # Errors
/// [`Class::Unavailable`] if it is not ready within the deadline, or if the server does not have it;
/// [`Class::Refused`] if it refuses the client's certificate.
pub(crate) async fn wait_until_serving(
    channel: Channel,
    tls: &ClientTls,
    service: Service,
    deadline: Duration,
) -> Result<(), Failure> {
    let mut health = HealthClient::new(channel);
    let mut reason = None;
    let ready = async {
        loop {
            let check = HealthCheckRequest { service: service.name().to_owned() };
            match health.check(client::within(deadline, check)).await {
                Ok(response) if response.get_ref().status() == ServingStatus::Serving => return Ok(()),
                // A proxy may not forward health checks. Then the first call shows whether the service is
                // there.
                Err(status) if status.code() == Code::Unimplemented => return Ok(()),
                Err(status) if status.code() == Code::NotFound => {
                    return Err(Failure::new(
                        Class::Unavailable,
                        "no-service",
                        format!("this server has no {} service", service.short()),
                    )
                    .with_hint(format!("name the server that has it with --{}", service.short())));
                }
                // A server may refuse the certificate of a client after the client has begun to call.
                Err(status) => match tls.refusal() {
                    Some(refusal) => return Err(refusal),
                    None if status.code() != Code::Unavailable => return Err(status.into()),
                    None => {}
                },
                // Its answers are old, and say so: callers that have a choice go elsewhere.
                Ok(response) if response.metadata().contains_key(ANSWERS_STALE) => return Ok(()),
                Ok(response) => {
                    let state = response.metadata().get(LOG_STATE);
                    let state = state.or_else(|| response.metadata().get(FOLD_PROGRESS));
                    reason = state.and_then(|state| state.to_str().ok()).map(str::to_owned);
                }
            }
            tokio::time::sleep(HEALTH_CHECK_INTERVAL).await;
        }
    };
    let outcome = tokio::time::timeout(deadline, ready).await;
    outcome.unwrap_or_else(|_| Err(not_ready(service, deadline, reason)))
}

/// The failure of a service that is not ready in time. `reason` is what it says of its logs.
fn not_ready(service: Service, deadline: Duration, reason: Option<String>) -> Failure {
    let message = format!("the {} service is not ready after {} s", service.short(), deadline.as_secs());
    let failure = |message| Failure::new(Class::Unavailable, "starting", message);
    match reason {
        Some(reason) => failure(format!("{message} ({reason})")),
        None => failure(message).with_hint("it may still be reading its logs: wait longer with --timeout"),
    }
}
