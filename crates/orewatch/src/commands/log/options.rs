//! Options that the commands on logs share.
use std::path::PathBuf;
use std::sync::Arc;

use orewatch_contracts::{Class, Failure};
use orewatch_eventlog::EventLog;
use orewatch_runtime::{LogStore, LogTarget, Settings, Telemetry};

use crate::nats_options::{NatsOptions, jetstream_options};
use crate::options::{Flags, Keyed, OutputOptions};
use crate::render::Out;
use crate::session::Session;

/// Default of `--data`.
const DEFAULT_DATA: &str = "./orewatch-data";

/// Identity with which these commands connect to NATS.
const IDENTITY: &str = "operator";

/// One of the logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum LogName {
    /// What the ingestion service recorded
    Observations,
    /// Figures that the exposure service published
    Exposures,
    /// Rules, alerts and messages of the alerting service
    Alerts,
}

impl LogName {
    /// All logs, upstream first.
    pub(super) const ALL: [Self; 3] = [Self::Observations, Self::Exposures, Self::Alerts];

    /// The name of the log.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Observations => "observations",
            Self::Exposures => "exposures",
            Self::Alerts => "alerts",
        }
    }
}

/// Which of the logs a command is about.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct LogNames {
    /// Only this log; may be repeated [default: all]
    #[arg(long = "log-name", value_name = "NAME")]
    names: Vec<LogName>,
}

impl LogNames {
    /// The logs, upstream first.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = LogName> + '_ {
        LogName::ALL.into_iter().filter(|name| self.names.is_empty() || self.names.contains(name))
    }
}

/// Where the logs are, and how the command prints.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct LogOptions {
    /// Directory of the embedded logs [default: ./orewatch-data]
    #[arg(long, value_name = "DIR", conflicts_with = "log")]
    data: Option<String>,
    /// Event log: embedded:DIR or nats://HOST:PORT
    #[arg(long, value_name = "LOG")]
    log: Option<String>,
    #[command(flatten)]
    output: OutputOptions,
    #[command(flatten)]
    nats: NatsOptions,
}

impl Keyed for LogOptions {
    fn flags(&self) -> Flags {
        let place = [("data", &self.data), ("log", &self.log)];
        let place = place.into_iter().filter_map(|(key, value)| Some((key, value.clone()?)));
        self.output.flags().into_iter().chain(self.nats.flags()).chain(place).collect()
    }
}

impl LogOptions {
    /// Reads the settings and connects to the logs.
    pub(super) async fn open(&self, session: &Session) -> Result<OpenLogs, Failure> {
        let settings = session.settings(&[self])?;
        let out = self.output.output(session.out(&settings)?)?;
        let telemetry = session.telemetry(&settings, "orewatch", "warn")?;
        let target = self.target(&settings)?;
        let store = target.connect(&jetstream_options(&settings, IDENTITY)?).await?;
        Ok(OpenLogs { out, target, store, _telemetry: telemetry })
    }

    /// As [`open`](Self::open), for a command that writes: the place must be named.
    pub(super) async fn open_to_write(&self, session: &Session) -> Result<OpenLogs, Failure> {
        let settings = session.settings(&[self])?;
        if settings.source("data").is_none() && settings.source("log").is_none() {
            return Err(Failure::new(Class::Invalid, "missing-setting", "the logs to write are not named")
                .with_hint("set --data DIR or --log nats://HOST:PORT"));
        }
        self.open(session).await
    }

    fn target(&self, settings: &Settings) -> Result<LogTarget, Failure> {
        match settings.get("log")? {
            // --data on the command line overrides a log from the environment or the configuration file.
            Some(log) if self.data.is_none() => Ok(log),
            _ => Ok(LogTarget::Embedded(settings.get_or("data", PathBuf::from(DEFAULT_DATA))?)),
        }
    }
}

/// The logs of a command.
#[derive(Debug)]
pub(super) struct OpenLogs {
    /// Output of the command.
    pub(super) out: Out,
    target: LogTarget,
    store: LogStore,
    _telemetry: Telemetry,
}

impl OpenLogs {
    /// Opens the logs that are there, to read them.
    ///
    /// # Errors
    /// None of them is there; errors of the logs.
    pub(super) async fn existing(&self, names: &LogNames) -> Result<Vec<Arc<dyn EventLog>>, Failure> {
        let mut logs = Vec::new();
        for name in names.iter() {
            logs.extend(self.store.open_to_read(name.as_str()).await?);
        }
        if logs.is_empty() {
            return Err(self.nothing_there());
        }
        Ok(logs)
    }

    /// Opens a log that is there, to write to it.
    ///
    /// # Errors
    /// It is not there; errors of the log, such as that another process has it open.
    pub(super) async fn existing_to_write(&self, name: LogName) -> Result<Arc<dyn EventLog>, Failure> {
        match self.store.open_to_read(name.as_str()).await? {
            Some(_) => self.new_or_existing(name).await,
            None => Err(self.nothing_there()),
        }
    }

    /// Opens a log to write to it. Makes it if there is none.
    ///
    /// # Errors
    /// Those of the log.
    pub(super) async fn new_or_existing(&self, name: LogName) -> Result<Arc<dyn EventLog>, Failure> {
        self.store.open(name.as_str()).await
    }

    fn nothing_there(&self) -> Failure {
        Failure::new(Class::NotFound, "no-logs", format!("there is no such log in {}", self.target))
            .at("log", self.target.to_string())
            .with_hint("name the place of the logs with --data DIR or --log nats://HOST:PORT")
    }
}
