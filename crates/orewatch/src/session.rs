//! What a command works with: its settings, the way out, and the services it asks.
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use orewatch_contracts::alerting::v1::alerting_service_client::AlertingServiceClient;
use orewatch_contracts::alerting::v1::delivery_service_client::DeliveryServiceClient;
use orewatch_contracts::alerting::v1::notification_service_client::NotificationServiceClient;
use orewatch_contracts::exposure::v1::exposure_service_client::ExposureServiceClient;
use orewatch_contracts::ingestion::v1::ingestion_service_client::IngestionServiceClient;
use orewatch_ingestion::archive::Archive;
use orewatch_ingestion::connectors::{Polling, connectors};
use orewatch_runtime::{
    Access, Class, Clock, Failure, LogFormat, LogTarget, Running, Server, Settings, Source, SystemClock,
    Telemetry, TelemetryOptions, client,
};
use tokio::sync::OnceCell;
use tonic::transport::Channel;

use crate::house::{self, Ground, Service};
use crate::options::{ClientOptions, Format, KEYS, Keyed, ProcessOptions};
use crate::render::{Out, Style};

/// Where a server is, if nothing else is said.
pub(crate) const SERVER: &str = "http://127.0.0.1:7070";

/// How long a client waits, if nothing else is said.
const TIMEOUT: &str = "120s";

/// How long services inside a client's process may take to end.
const LOCAL_BUDGET: Duration = Duration::from_secs(10);

/// What the process was started with.
#[derive(Debug)]
pub(crate) struct Session {
    process: ProcessOptions,
    environment: BTreeMap<String, String>,
    file: Option<(PathBuf, String)>,
    /// Where everything asks for the time.
    pub(crate) clock: Arc<dyn Clock>,
}

impl Session {
    /// Reads the environment and the configuration file.
    pub(crate) fn new(process: &ProcessOptions) -> Result<Self, Failure> {
        let environment: BTreeMap<String, String> = std::env::vars_os()
            .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let path = process.config.clone().or_else(|| environment.get("OREWATCH_CONFIG").map(PathBuf::from));
        let file = path.map(read).transpose()?;
        Ok(Self { process: process.clone(), environment, file, clock: Arc::new(SystemClock) })
    }

    /// The settings with a command's own options.
    pub(crate) fn settings(&self, options: &[&dyn Keyed]) -> Result<Settings, Failure> {
        let flags =
            self.process.flags().into_iter().chain(options.iter().flat_map(|options| options.flags()));
        let file = self.file.as_ref().map(|(path, text)| (path.as_path(), text.as_str()));
        Settings::new(KEYS, flags, self.environment.clone(), file)
    }

    /// Starts the telemetry of the process. `level` is what is logged if nothing else is said.
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

    /// The way out.
    pub(crate) fn out(&self, settings: &Settings) -> Result<Out, Failure> {
        let style = Style::choose(settings.get::<String>("color")?.as_deref(), &self.environment)?;
        Ok(Out::new(settings.get_or("format", Format::Table)?, style))
    }

    /// What a client command works with: the services at their addresses, or inside this process on a directory.
    pub(crate) async fn client(&self, options: &ClientOptions) -> Result<Client, Failure> {
        let settings = self.settings(&[options])?;
        let out = self.out(&settings)?;
        let timeout = duration(&settings, "timeout", TIMEOUT)?;
        let telemetry = self.telemetry(&settings, "orewatch", "warn")?;
        let place = match local_directory(&settings)? {
            Some(dir) => Box::pin(self.start_here(&dir, &settings)).await?,
            None => {
                settings.get::<PathBuf>("token-file")?.map_or(Ok(()), |path| client::show_token(&path))?;
                Place::There(Addresses::read(&settings)?)
            }
        };
        Ok(Client { out, timeout, place, telemetry, channels: Default::default() })
    }

    /// The publishers that the configuration names, to be asked on demand by the only process on the log.
    pub(crate) fn polling(&self, settings: &Settings) -> Result<Polling, Failure> {
        let sections = settings.section("poll")?.unwrap_or_default();
        let connectors = connectors(sections, &self.environment)?;
        Ok(Polling { connectors, by_itself: false, alone: true })
    }

    /// All services inside this process, on the logs in a directory.
    async fn start_here(&self, dir: &Path, settings: &Settings) -> Result<Place, Failure> {
        let server = Server {
            listen: ([127, 0, 0, 1], 0).into(),
            services: Service::ALL.iter().map(|service| service.name()).collect(),
            clock: Arc::clone(&self.clock),
            shutdown_budget: LOCAL_BUDGET,
            access: Access::open(),
        };
        let mut ground = Ground::new(LogTarget::Embedded(dir.to_owned()), dir, settings)?;
        ground.ingestion.polling = self.polling(settings)?;
        let config = ground.ingestion.clone();
        let started = Box::pin(server.start(house::build(ground, &Service::ALL))).await;
        let running = started.map_err(|failure| match failure.code.as_str() {
            "log-misconfigured" => failure.with_hint(format!(
                "if `orewatch up` has the directory open, ask it: leave --data out (--server {SERVER})"
            )),
            _ => failure,
        })?;
        let archive = Archive::open(&config.archive, &config.spool, config.largest_file).await?;
        let archive = archive.remembering(config.memory).within(config.quota);
        Ok(Place::Here(Box::new(running), Arc::new(archive)))
    }
}

/// A duration such as `20s`, `500ms` or `2m`, positive.
pub(crate) fn duration(settings: &Settings, key: &str, default: &str) -> Result<Duration, Failure> {
    let text = settings.get_or(key, default.to_owned())?;
    let parsed = text.parse::<SignedDuration>().ok().and_then(|parsed| Duration::try_from(parsed).ok());
    parsed.filter(|duration| !duration.is_zero()).ok_or_else(|| {
        let from = settings.source(key).map_or_else(|| "the default".to_owned(), ToString::to_string);
        Failure::new(Class::Invalid, "config-value", format!("{from} is no duration"))
            .at(key, &text)
            .with_hint("write a number with its unit, such as 20s, 500ms or 2m")
    })
}

/// A number of bytes such as `500GiB`, `20MiB` or `4096`.
pub(crate) fn bytes(settings: &Settings, key: &str) -> Result<Option<u64>, Failure> {
    let Some(text) = settings.get::<String>(key)? else { return Ok(None) };
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let power = match text.get(digits.len()..).unwrap_or_default() {
        "" | "B" => Some(0),
        "KiB" => Some(10),
        "MiB" => Some(20),
        "GiB" => Some(30),
        "TiB" => Some(40),
        _ => None,
    };
    let bytes = power.zip(digits.trim().parse::<u64>().ok());
    match bytes.and_then(|(power, number)| number.checked_mul(1 << power)) {
        Some(bytes) => Ok(Some(bytes)),
        None => {
            let from = settings.source(key).map_or_else(String::new, ToString::to_string);
            Err(Failure::new(Class::Invalid, "config-value", format!("{from} is no size"))
                .at(key, &text)
                .with_hint("write a number of bytes, or of KiB, MiB, GiB or TiB, such as 500GiB"))
        }
    }
}

fn read(path: PathBuf) -> Result<(PathBuf, String), Failure> {
    match fs::read_to_string(&path) {
        Ok(text) => Ok((path, text)),
        Err(error) => Err(Failure::new(
            Class::Invalid,
            "config-file",
            format!("the configuration file cannot be read: {error}"),
        )
        .at("config", path.display().to_string())),
    }
}

/// The directory to work in, unless an address was given closer at hand.
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
        (Some(data), Some(address)) if data == address => {
            Err(Failure::new(Class::Invalid, "config-value", "both a directory and a server are set")
                .at("data", settings.get_or("data", String::new())?)
                .with_hint("set one of data and server"))
        }
        (Some(data), Some(address)) if data > address => Ok(None),
        (Some(_), _) => settings.get("data"),
        (None, _) => Ok(None),
    }
}

/// Addresses of the services.
#[derive(Debug)]
struct Addresses([String; 3]);

impl Addresses {
    fn read(settings: &Settings) -> Result<Self, Failure> {
        let all = settings.get_or("server", SERVER.to_owned())?;
        Ok(Self([
            settings.get_or("ingestion", all.clone())?,
            settings.get_or("exposure", all.clone())?,
            settings.get_or("alerting", all)?,
        ]))
    }
}

#[derive(Debug)]
enum Place {
    There(Addresses),
    Here(Box<Running>, Arc<Archive>),
}

/// What a client command works with.
#[derive(Debug)]
pub(crate) struct Client {
    /// The way out.
    pub(crate) out: Out,
    /// How long to wait for an answer, and for what follows from it.
    pub(crate) timeout: Duration,
    place: Place,
    telemetry: Telemetry,
    channels: [OnceCell<Channel>; 3],
}

impl Client {
    /// A connection to a service that is ready.
    pub(crate) async fn channel(&self, service: Service) -> Result<Channel, Failure> {
        let [ingestion, exposure, alerting] = &self.channels;
        let cell = match service {
            Service::Ingestion => ingestion,
            Service::Exposure => exposure,
            Service::Alerting => alerting,
        };
        let connect = async || {
            let channel = client::connect(&self.address(service)).await?;
            house::wait_until_serving(channel.clone(), service, self.timeout).await?;
            Ok(channel)
        };
        cell.get_or_try_init(connect).await.cloned()
    }

    fn address(&self, service: Service) -> String {
        match (&self.place, service) {
            (Place::Here(running, _), _) => format!("http://{}", running.address()),
            (Place::There(Addresses([ingestion, _, _])), Service::Ingestion) => ingestion.clone(),
            (Place::There(Addresses([_, exposure, _])), Service::Exposure) => exposure.clone(),
            (Place::There(Addresses([_, _, alerting])), Service::Alerting) => alerting.clone(),
        }
    }

    /// The archive of the ingestion service, where the service is in this process.
    pub(crate) fn archive(&self) -> Option<Arc<Archive>> {
        match &self.place {
            Place::Here(_, archive) => Some(Arc::clone(archive)),
            Place::There(_) => None,
        }
    }

    /// The ingestion service.
    pub(crate) async fn ingestion(&self) -> Result<IngestionServiceClient<Channel>, Failure> {
        Ok(IngestionServiceClient::new(self.channel(Service::Ingestion).await?))
    }

    /// The exposure service.
    pub(crate) async fn exposure(&self) -> Result<ExposureServiceClient<Channel>, Failure> {
        Ok(ExposureServiceClient::new(self.channel(Service::Exposure).await?))
    }

    /// The alerting service.
    pub(crate) async fn alerting(&self) -> Result<AlertingServiceClient<Channel>, Failure> {
        Ok(AlertingServiceClient::new(self.channel(Service::Alerting).await?))
    }

    /// What the alerting service says about receivers and messages to them.
    pub(crate) async fn delivery(&self) -> Result<DeliveryServiceClient<Channel>, Failure> {
        Ok(DeliveryServiceClient::new(self.channel(Service::Alerting).await?))
    }

    /// What the alerting service says about who is told.
    pub(crate) async fn notifications(&self) -> Result<NotificationServiceClient<Channel>, Failure> {
        Ok(NotificationServiceClient::new(self.channel(Service::Alerting).await?))
    }

    /// A request that has to be answered within the timeout.
    pub(crate) fn request<T>(&self, message: T) -> tonic::Request<T> {
        client::within(self.timeout, message)
    }

    /// Ends: services inside the process stop in order. What failed before is worth more than what fails now.
    pub(crate) async fn close(self, outcome: Result<(), Failure>) -> Result<(), Failure> {
        drop(self.channels);
        let stopped = match self.place {
            Place::Here(running, _) => running.stop().await,
            Place::There(_) => Ok(()),
        };
        self.telemetry.flush(Duration::from_secs(2)).await;
        outcome.and(stopped)
    }
}
