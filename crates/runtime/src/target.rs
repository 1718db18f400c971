//! Where the logs are stored, as a setting names it, and how they are opened.
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use orewatch_eventlog::jetstream::{self, JetStream, JetStreamOptions};
use orewatch_eventlog::leases::{Leases, LocalLeases};
use orewatch_eventlog::{EventLog, embedded};

use orewatch_contracts::Failure;

/// Time of one attempt to connect and open; see [`LogTarget::open`] for what goes on after it.
const OPENING_PATIENCE: Duration = Duration::from_secs(3);

/// Where the logs are stored: `embedded:DIR`, or a NATS server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogTarget {
    /// Files in a directory, for one process.
    Embedded(PathBuf),
    /// JetStream on the NATS server of this address, for any number of processes.
    Nats(String),
}

/// A text that does not say where logs are.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}; write embedded:DIR or nats://HOST:PORT")]
pub struct InvalidTarget(String);

impl FromStr for LogTarget {
    type Err = InvalidTarget;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = |what: &str| Err(InvalidTarget(what.to_owned()));
        match text.split_once(':') {
            Some(("embedded", "")) => wrong("the directory is missing"),
            Some(("embedded", dir)) => Ok(Self::Embedded(PathBuf::from(dir))),
            Some(("nats" | "tls", rest)) => match rest.strip_prefix("//") {
                Some(host) if !host.is_empty() && !host.contains(char::is_whitespace) => {
                    Ok(Self::Nats(text.to_owned()))
                }
                _ => wrong("the host is missing"),
            },
            _ => wrong("this names no log"),
        }
    }
}

impl fmt::Display for LogTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embedded(dir) => write!(f, "embedded:{}", dir.display()),
            Self::Nats(url) => f.write_str(url),
        }
    }
}

impl LogTarget {
    /// Opens the leases of a service, on a connection of their own. In a directory, which one process has,
    /// that process is the only member.
    ///
    /// # Errors
    /// Those of the NATS server.
    pub async fn leases(
        &self,
        options: &JetStreamOptions,
        service: &str,
    ) -> Result<Arc<dyn Leases>, Failure> {
        match self.connect(options).await? {
            LogStore::Embedded(_) => Ok(Arc::new(LocalLeases::default())),
            LogStore::JetStream(nats) => Ok(nats.leases(service).await?),
        }
    }

    /// Connects to the NATS server with some options. Nothing is opened yet in a directory. Warns if what the
    /// server acknowledges may not survive a loss of power.
    ///
    /// # Errors
    /// Those of the log, with its address or directory.
    pub async fn connect(&self, options: &JetStreamOptions) -> Result<LogStore, Failure> {
        match self {
            Self::Embedded(dir) => Ok(LogStore::Embedded(dir.clone())),
            Self::Nats(url) => {
                let options = JetStreamOptions { opening_patience: OPENING_PATIENCE, ..options.clone() };
                let connected = jetstream::connect(url, options).await?;
                if let Some(weakness) = connected.weakness() {
                    tracing::warn!(weakness, "update the NATS server");
                }
                Ok(LogStore::JetStream(Box::new(connected)))
            }
        }
    }
}

/// An open store of logs.
#[derive(Clone, Debug)]
pub enum LogStore {
    /// Files in a directory.
    Embedded(PathBuf),
    /// A connection to a NATS server.
    JetStream(Box<JetStream>),
}

impl LogStore {
    /// Opens a log by its name, `observations`, `exposures` or `alerts`. Makes it if there is none.
    ///
    /// # Errors
    /// Those of the log: in use by another process, damaged, not to be reached.
    pub async fn open(&self, log: &str) -> Result<Arc<dyn EventLog>, Failure> {
        match self {
            Self::Embedded(dir) => {
                let (dir, log) = (dir.clone(), log.to_owned());
                // Recovering a large file reads it, which must not block a thread of the runtime.
                let opened = tokio::task::spawn_blocking(move || embedded::open(&dir, &log)).await;
                let opened =
                    opened.map_err(|error| Failure::internal(format!("the log did not open: {error}")))?;
                Ok(opened?)
            }
            Self::JetStream(nats) => Ok(nats.open(log).await?),
        }
    }

    /// Opens a log to read it, also while another process has it open. `None`: there is none, and none is
    /// made.
    ///
    /// # Errors
    /// Those of the log: damaged, of another version, not to be reached.
    pub async fn open_to_read(&self, log: &str) -> Result<Option<Arc<dyn EventLog>>, Failure> {
        match self {
            Self::Embedded(dir) => Ok(embedded::open_to_read(dir, log)?),
            Self::JetStream(nats) => Ok(nats.open_to_read(log).await?),
        }
    }
}
