//! The services, put into a process.
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use orewatch_contracts::alerting::v1::alerting_service_server;
use orewatch_contracts::exposure::v1::exposure_service_server;
use orewatch_contracts::ingestion::v1::ingestion_service_server;
use orewatch_eventlog::EventLog;
use orewatch_ingestion::GateModes;
use orewatch_ingestion::archive::{Place, Quota};
use orewatch_runtime::{Class, Context, Failure, LogStore, LogTarget, Settings, client};
use tonic::Code;
use tonic::service::RoutesBuilder;
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::session::{bytes, duration};

/// How long the archive keeps files that no release needs, if nothing else is said.
const KEEP_REFUSED: &str = "720h";

/// How often a service that is not ready is asked again.
const ASK_AGAIN: Duration = Duration::from_millis(20);

/// One of the services.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Service {
    /// Takes releases of statistics.
    Ingestion,
    /// Keeps measures current and answers questions.
    Exposure,
    /// Keeps rules and tells when one is crossed.
    Alerting,
}

impl Service {
    /// All of them, in the order of the flow.
    pub(crate) const ALL: [Self; 3] = [Self::Ingestion, Self::Exposure, Self::Alerting];

    /// Full gRPC name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ingestion => ingestion_service_server::SERVICE_NAME,
            Self::Exposure => exposure_service_server::SERVICE_NAME,
            Self::Alerting => alerting_service_server::SERVICE_NAME,
        }
    }

    /// Short name.
    pub(crate) fn short(self) -> &'static str {
        match self {
            Self::Ingestion => "ingestion",
            Self::Exposure => "exposure",
            Self::Alerting => "alerting",
        }
    }
}

/// What services stand on.
#[derive(Clone, Debug)]
pub(crate) struct Ground {
    /// Where the logs are.
    pub(crate) log: LogTarget,
    /// What the ingestion service keeps beside its log.
    pub(crate) ingestion: orewatch_ingestion::Config,
    /// What the alerting service is told.
    pub(crate) alerting: orewatch_alerting::Config,
}

impl Ground {
    /// A log, and in a directory what is kept beside it, unless the settings say otherwise.
    pub(crate) fn new(log: LogTarget, beside: &Path, settings: &Settings) -> Result<Self, Failure> {
        let archive = settings.get("archive")?.unwrap_or_else(|| Place::Folder(beside.join("archive")));
        let gates = settings.get_or("gates", GateModes::default())?;
        let spool = beside.join("spool");
        let usual = Quota::default();
        let quota = Quota {
            in_all: bytes(settings, "archive-quota")?.unwrap_or(usual.in_all),
            tenant: bytes(settings, "tenant-quota")?.unwrap_or(usual.tenant),
        };
        let keep_refused = duration(settings, "keep-refused", KEEP_REFUSED)?;
        let ingestion = orewatch_ingestion::Config {
            gates,
            spool,
            quota,
            keep_refused,
            ..orewatch_ingestion::Config::new(archive)
        };
        let alerting = orewatch_alerting::Config {
            snapshots: Some(beside.join("snapshots")),
            delivery: delivery(&log, settings)?,
        };
        Ok(Self { log, ingestion, alerting })
    }
}

/// What is configured about messages to receivers.
fn delivery(log: &LogTarget, settings: &Settings) -> Result<orewatch_alerting::delivery::Config, Failure> {
    use orewatch_alerting::delivery::Config;
    let usual = Config::default();
    let nats = match log {
        LogTarget::Nats(servers) => Some(servers.clone()),
        LogTarget::Embedded(_) => None,
    };
    Ok(Config {
        public_url: settings.get::<String>("public-url")?.map(|text| Config::address(&text)).transpose()?,
        allow_private: Config::networks(&settings.get_or("allow-private", String::new())?)?,
        secrets: settings.get_or("secrets-dir", usual.secrets.clone())?,
        ca_file: settings.get("ca-file")?,
        is_alone: nats.is_none(),
        nats,
        ..usual
    })
}

/// The closure that puts services into a server: opens the logs they need, each once, and starts them in order.
pub(crate) fn build(
    ground: Ground,
    services: &[Service],
) -> impl AsyncFnOnce(Context, &mut RoutesBuilder) -> Result<(), Failure> {
    let services = services.to_vec();
    async move |context: Context, routes: &mut RoutesBuilder| {
        let store = ground.log.connect().await?;
        let wants = |wanted: &[Service]| services.iter().any(|service| wanted.contains(service));
        let observations =
            open(&store, "observations", wants(&[Service::Ingestion, Service::Exposure])).await?;
        let exposures = open(&store, "exposures", wants(&[Service::Exposure, Service::Alerting])).await?;
        let alerts = open(&store, "alerts", wants(&[Service::Alerting])).await?;
        for service in &services {
            let logs = [&observations, &exposures, &alerts];
            start(*service, &ground, context.clone(), routes, logs).await?;
        }
        Ok(())
    }
}

type Log = Option<Arc<dyn EventLog>>;

async fn open(store: &LogStore, name: &str, wanted: bool) -> Result<Log, Failure> {
    if wanted { store.open(name).await.map(Some) } else { Ok(None) }
}

async fn start(
    service: Service,
    ground: &Ground,
    context: Context,
    routes: &mut RoutesBuilder,
    [observations, exposures, alerts]: [&Log; 3],
) -> Result<(), Failure> {
    match service {
        Service::Ingestion => {
            let logs = orewatch_ingestion::Logs { observations: opened(observations)? };
            orewatch_ingestion::start(context, logs, ground.ingestion.clone(), routes).await
        }
        Service::Exposure => {
            let logs = orewatch_exposure::Logs {
                observations: opened(observations)?,
                exposures: opened(exposures)?,
            };
            orewatch_exposure::start(context, logs, routes).await
        }
        Service::Alerting => {
            let logs = orewatch_alerting::Logs { exposures: opened(exposures)?, alerts: opened(alerts)? };
            orewatch_alerting::start(context, logs, ground.alerting.clone(), routes).await
        }
    }
}

fn opened(log: &Log) -> Result<Arc<dyn EventLog>, Failure> {
    log.clone().ok_or_else(|| Failure::internal("a service starts without a log that it needs"))
}

/// Waits until a service has caught up with its logs and answers calls.
///
/// # Errors
/// [`Class::Unavailable`] if it has not within the deadline.
pub(crate) async fn wait_until_serving(
    channel: Channel,
    service: Service,
    deadline: Duration,
) -> Result<(), Failure> {
    let mut health = HealthClient::new(channel);
    let ready = async {
        loop {
            let ask = HealthCheckRequest { service: service.name().to_owned() };
            match health.check(client::within(deadline, ask)).await {
                Ok(answer) if answer.get_ref().status() == ServingStatus::Serving => return Ok(()),
                // A proxy may not pass the question on: then the first call will tell.
                Err(status) if status.code() == Code::Unimplemented => return Ok(()),
                Err(status) if status.code() == Code::NotFound => {
                    return Err(Failure::new(
                        Class::Unavailable,
                        "no-service",
                        format!("this server has no {} service", service.short()),
                    )
                    .with_hint(format!("name the one that has it with --{}", service.short())));
                }
                Err(status) if status.code() != Code::Unavailable => return Err(status.into()),
                Ok(_) | Err(_) => tokio::time::sleep(ASK_AGAIN).await,
            }
        }
    };
    tokio::time::timeout(deadline, ready).await.unwrap_or_else(|_| {
        Err(Failure::new(
            Class::Unavailable,
            "not-ready",
            format!("the {} service is not ready after {} s", service.short(), deadline.as_secs()),
        )
        .with_hint("it may still be reading its logs: wait longer with --timeout"))
    })
}
