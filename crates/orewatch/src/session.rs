//! What a command works with: its settings, its output, and its connections to the services.
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use orewatch_contracts::alerting::v1::alerting_service_client::AlertingServiceClient;
use orewatch_contracts::alerting::v1::delivery_service_client::DeliveryServiceClient;
use orewatch_contracts::alerting::v1::notification_service_client::NotificationServiceClient;
use orewatch_contracts::common::v1::LogState;
use orewatch_contracts::exposure::v1::exposure_service_client::ExposureServiceClient;
use orewatch_contracts::exposure::v1::outlook_service_client::OutlookServiceClient;
use orewatch_contracts::ingestion::v1::ingestion_service_client::IngestionServiceClient;
use orewatch_contracts::stale::Answer;
use orewatch_contracts::time::instant;
use orewatch_contracts::{Class, Failure};
use orewatch_ingestion::archive::Archive;
use orewatch_ingestion::connectors::{Polling, parse_connectors};
use orewatch_runtime::{
    Access, Clock, LogFormat, LogTarget, Running, Server, Settings, Source, SystemClock, Telemetry,
    TelemetryOptions, client,
};
use tokio::sync::OnceCell;
use tonic::transport::Channel;

use crate::options::{ClientOptions, Format, KEYS, Keyed, ProcessOptions};
use crate::render::{Out, Style, to_stderr};
use crate::services::{self, Service, ServicesConfig};
use crate::settings::duration;

/// Default of `--server`.
pub(crate) const DEFAULT_SERVER: &str = "http://127.0.0.1:7070";

/// Default of `--timeout`.
const DEFAULT_TIMEOUT: &str = "120s";

/// Maximum shutdown time of services that run inside a client command.
const EMBEDDED_SHUTDOWN_BUDGET: Duration = Duration::from_secs(10);

/// Flags, environment, configuration file and clock of the process.
#[derive(Debug)]
pub(crate) struct Session {
    process: ProcessOptions,
    environment: BTreeMap<String, String>,
    file: Option<(PathBuf, String)>,
    /// Source of the current time.
    pub(crate) clock: Arc<dyn Clock>,
}

impl Session {
    /// Reads the environment and the configuration file.
    pub(crate) fn new(process: &ProcessOptions) -> Result<Self, Failure> {
        let environment: BTreeMap<String, String> = std::env::vars_os()
            .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let path = process.config.clone().or_else(|| environment.get("OREWATCH_CONFIG").map(PathBuf::from));
        let file = path.map(read_config_file).transpose()?;
        Ok(Self { process: process.clone(), environment, file, clock: Arc::new(SystemClock) })
    }

    /// Returns the settings of the process with a command's own options.
    pub(crate) fn settings(&self, options: &[&dyn Keyed]) -> Result<Settings, Failure> {
        let flags =
            self.process.flags().into_iter().chain(options.iter().flat_map(|options| options.flags()));
        let file = self.file.as_ref().map(|(path, text)| (path.as_path(), text.as_str()));
        Settings::new(KEYS, flags, self.environment.clone(), file)
    }

    /// Starts the telemetry of the process. `level` is the default log level.
    pub(crate) fn telemetry(
        &self,
        settings: &Settings,
        service: &str,
        level: &str,
    ) -> Result<Telemetry, Failure> {
        Telemetry::start(&TelemetryOptions {
            service: service.to_owned(),
            filter: settings.get_or("log-level", level.to_owned())?,
            format: settings.get_or("log-format", LogFormat::Auto)?,
            otlp_endpoint: settings.get("otlp-endpoint")?,
        })
    }

    /// Returns the output of a command in the configured format and colour.
    pub(crate) fn out(&self, settings: &Settings) -> Result<Out, Failure> {
        let style = Style::choose(settings.get::<String>("color")?.as_deref(), &self.environment)?;
        Ok(Out::new(settings.get_or("format", Format::Table)?, style))
    }

    /// Connects a client command to the services, which run at their addresses or inside this process on a
    /// directory.
    pub(crate) async fn client(&self, options: &ClientOptions) -> Result<Client, Failure> {
        let settings = self.settings(&[options])?;
        let out = options.output(self.out(&settings)?)?;
        let timeout = duration(&settings, "timeout", DEFAULT_TIMEOUT)?;
        let telemetry = self.telemetry(&settings, "orewatch", "warn")?;
        let backend = match local_directory(&settings)? {
            Some(dir) => Box::pin(self.start_embedded(&dir, &settings)).await?,
            None => {
                settings.get::<PathBuf>("token-file")?.map_or(Ok(()), |path| client::show_token(&path))?;
                Backend::Remote(Addresses::read(&settings)?)
            }
        };
        let (channels, has_warned) = (Default::default(), AtomicBool::new(false));
        Ok(Client { out, timeout, backend, telemetry, channels, has_warned })
    }

    /// Reads the configured connectors, to be polled on demand by the only process on the log.
    pub(crate) fn polling(&self, settings: &Settings) -> Result<Polling, Failure> {
        let sections = settings.section("poll")?.unwrap_or_default();
        let connectors = parse_connectors(sections, &self.environment)?;
        Ok(Polling { connectors, on_schedule: false, is_sole_writer: true })
    }

    /// Starts all services inside this process, on the logs in a directory.
    async fn start_embedded(&self, dir: &Path, settings: &Settings) -> Result<Backend, Failure> {
        let server = Server {
            listen: ([127, 0, 0, 1], 0).into(),
            services: Service::ALL.iter().map(|service| service.name()).collect(),
            clock: Arc::clone(&self.clock),
            shutdown_budget: EMBEDDED_SHUTDOWN_BUDGET,
            access: Access::open(),
        };
        let mut services_config =
            ServicesConfig::new(LogTarget::Embedded(dir.to_owned()), "orewatch", dir, settings)?;
        services_config.ingestion.polling = self.polling(settings)?;
        let config = services_config.ingestion.clone();
        let started = Box::pin(server.start(services::build(services_config, &Service::ALL))).await;
        let running = started.map_err(|failure| match failure.code.as_str() {
            "log-unavailable" => failure.with_hint(format!(
                "if `orewatch up` has the directory open, leave --data out to call that server (--server \
                 {DEFAULT_SERVER})"
            )),
            _ => failure,
        })?;
        let archive = Archive::open(&config.archive, &config.spool, config.max_file_bytes).await?;
        let archive = archive.with_cache(config.cache).with_quota(config.quota);
        Ok(Backend::Embedded(Box::new(running), Arc::new(archive)))
    }
}

/// Reads the configuration file.
fn read_config_file(path: PathBuf) -> Result<(PathBuf, String), Failure> {
    match fs::read_to_string(&path) {
        Ok(text) => Ok((path, text)),
        Err(error) => Err(Failure::new(
            Class::Invalid,
            "file-not-readable",
            format!("cannot read the configuration file: {error}"),
        )
        .at("config", path.display().to_string())),
    }
}

/// Returns the directory to work in, unless a server address has a higher priority: flag before environment
/// before file.
fn local_directory(settings: &Settings) -> Result<Option<PathBuf>, Failure> {
    let rank = |key: &str| {
        settings.source(key).map(|source| match source {
            Source::Flag(_) => 0,
            Source::Variable(_) => 1,
            Source::File(..) => 2,
        })
    };
    let address = ["server", "ingestion", "exposure", "alerting"].into_iter().filter_map(rank).min();
    match (rank("data"), address) {
        (Some(data), Some(address)) if data == address => Err(Failure::new(
            Class::Invalid,
            "invalid-setting",
            "both a data directory and a server address are set",
        )
        .at("data", settings.get_or("data", String::new())?)
        .with_hint("set either data or server, not both")),
        (Some(data), Some(address)) if data > address => Ok(None),
        (Some(_), _) => settings.get("data"),
        (None, _) => Ok(None),
    }
}

/// Addresses of the ingestion, exposure and alerting services.
#[derive(Debug)]
struct Addresses([String; 3]);

impl Addresses {
    fn read(settings: &Settings) -> Result<Self, Failure> {
        let all = settings.get_or("server", DEFAULT_SERVER.to_owned())?;
        Ok(Self([
            settings.get_or("ingestion", all.clone())?,
            settings.get_or("exposure", all.clone())?,
            settings.get_or("alerting", all)?,
        ]))
    }
}

#[derive(Debug)]
enum Backend {
    Remote(Addresses),
    Embedded(Box<Running>, Arc<Archive>),
}

/// A client command's output and connections to the services.
#[derive(Debug)]
pub(crate) struct Client {
    /// Output of the command.
    pub(crate) out: Out,
    /// Maximum wait for a response, and for figures and alerts to be updated after a change.
    pub(crate) timeout: Duration,
    backend: Backend,
    telemetry: Telemetry,
    channels: [OnceCell<Channel>; 3],
    /// It was said that answers are old.
    has_warned: AtomicBool,
}

impl Client {
    /// Connects to a service and waits until it is ready. Later calls return the same channel.
    pub(crate) async fn channel(&self, service: Service) -> Result<Channel, Failure> {
        let [ingestion, exposure, alerting] = &self.channels;
        let cell = match service {
            Service::Ingestion => ingestion,
            Service::Exposure => exposure,
            Service::Alerting => alerting,
        };
        let connect = async || {
            let channel = client::connect(&self.address(service)).await?;
            services::wait_until_serving(channel.clone(), service, self.timeout).await?;
            Ok(channel)
        };
        cell.get_or_try_init(connect).await.cloned()
    }

    fn address(&self, service: Service) -> String {
        match (&self.backend, service) {
            (Backend::Embedded(running, _), _) => format!("http://{}", running.address()),
            (Backend::Remote(Addresses([ingestion, _, _])), Service::Ingestion) => ingestion.clone(),
            (Backend::Remote(Addresses([_, exposure, _])), Service::Exposure) => exposure.clone(),
            (Backend::Remote(Addresses([_, _, alerting])), Service::Alerting) => alerting.clone(),
        }
    }

    /// Returns the archive of the ingestion service if the service runs inside this process.
    pub(crate) fn archive(&self) -> Option<Arc<Archive>> {
        match &self.backend {
            Backend::Embedded(_, archive) => Some(Arc::clone(archive)),
            Backend::Remote(_) => None,
        }
    }

    /// Client of the ingestion service.
    pub(crate) async fn ingestion(&self) -> Result<IngestionServiceClient<Channel>, Failure> {
        Ok(IngestionServiceClient::new(self.channel(Service::Ingestion).await?))
    }

    /// Client of the exposure service.
    pub(crate) async fn exposure(&self) -> Result<ExposureServiceClient<Channel>, Failure> {
        Ok(ExposureServiceClient::new(self.channel(Service::Exposure).await?))
    }

    /// Client of the exposure service: outlooks.
    pub(crate) async fn outlooks(&self) -> Result<OutlookServiceClient<Channel>, Failure> {
        Ok(OutlookServiceClient::new(self.channel(Service::Exposure).await?))
    }

    /// Client of the alerting service: rules and alerts.
    pub(crate) async fn alerting(&self) -> Result<AlertingServiceClient<Channel>, Failure> {
        Ok(AlertingServiceClient::new(self.channel(Service::Alerting).await?))
    }

    /// Client of the alerting service: receivers and deliveries.
    pub(crate) async fn delivery(&self) -> Result<DeliveryServiceClient<Channel>, Failure> {
        Ok(DeliveryServiceClient::new(self.channel(Service::Alerting).await?))
    }

    /// Client of the alerting service: subscriptions, silences, inhibitions and acknowledgements.
    pub(crate) async fn notifications(&self) -> Result<NotificationServiceClient<Channel>, Failure> {
        Ok(NotificationServiceClient::new(self.channel(Service::Alerting).await?))
    }

    /// Wraps a message in a request with the command's timeout.
    pub(crate) fn request<T>(&self, message: T) -> tonic::Request<T> {
        client::within(self.timeout, message)
    }

    /// Takes an answer out of its response. Says once, on standard error, if it is old.
    pub(crate) fn take<T: Answer>(&self, response: tonic::Response<T>) -> T {
        let answer = response.into_inner();
        if let Some(state) = answer.stale()
            && !self.has_warned.swap(true, Ordering::Relaxed)
        {
            warn(&stale_text(state));
        }
        answer
    }

    /// Stops services that run inside this process, and flushes telemetry. An error of the command takes
    /// precedence over one of the shutdown.
    pub(crate) async fn close(self, outcome: Result<(), Failure>) -> Result<(), Failure> {
        drop(self.channels);
        let stopped = match self.backend {
            Backend::Embedded(running, _) => running.stop().await,
            Backend::Remote(_) => Ok(()),
        };
        self.telemetry.flush(Duration::from_secs(2)).await;
        outcome.and(stopped)
    }
}

/// Says of an answer that it is old.
fn stale_text(state: &LogState) -> String {
    let LogState { log, position, behind_since, reason } = state;
    let since = behind_since.as_ref().and_then(instant);
    let since = since.map(|time| format!(" since {time:.0}")).unwrap_or_default();
    format!("Answered as of position {position} of the {log} log, which cannot be read on{since}: {reason}")
}

#[allow(clippy::print_stderr, reason = "messages for people go to standard error")]
fn warn(text: &str) {
    eprint!("{}", to_stderr(text));
}
