//! Delivery settings of the operator.
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use orewatch_contracts::{Class, Failure};

/// Default folder of secret files.
const DEFAULT_SECRETS_DIR: &str = "/run/secrets";

/// Prefix of the environment variables that a receiver may name as secrets.
pub(crate) const VARIABLE_PREFIX: &str = "RECEIVER_";

/// Default time that attempts in progress get when the process stops.
const DEFAULT_GRACE: Duration = Duration::from_secs(5);

/// Delivery settings of the operator.
#[derive(Clone, PartialEq, Eq)]
pub struct Config {
    /// Public URL of the service without a path, such as `https://orewatch.example.org`. Links in messages
    /// begin with it. `None`: messages name a command instead.
    pub public_url: Option<String>,
    /// Private networks that may be sent to. Plain `http`, and mail without TLS, may go only to these.
    pub allow_private: Vec<IpNet>,
    /// Folder of the files that receivers may name as secrets. No other file is read, so that a receiver
    /// cannot be used to send arbitrary files of the service elsewhere.
    pub secrets: PathBuf,
    /// PEM file of certificates to trust besides the system's.
    pub ca_file: Option<PathBuf>,
    /// NATS server for receivers that name none: that of the log. `None`: the log is not on NATS. The URL may
    /// contain a password.
    pub nats: Option<String>,
    /// Time that attempts in progress get when the process stops.
    pub grace: Duration,
    /// Whether no other process can write the log, as with the embedded log. Attempts of an earlier process
    /// then count as lost at once, not only when their leases expire.
    pub is_alone: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            public_url: None,
            allow_private: Vec::new(),
            secrets: PathBuf::from(DEFAULT_SECRETS_DIR),
            ca_file: None,
            nats: None,
            grace: DEFAULT_GRACE,
            is_alone: false,
        }
    }
}

impl fmt::Debug for Config {
    /// Hides the address of the NATS server, which may contain a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("public_url", &self.public_url)
            .field("allow_private", &self.allow_private)
            .field("secrets", &self.secrets)
            .field("ca_file", &self.ca_file)
            .field("nats", &self.nats.as_ref().map(|_| "..."))
            .field("grace", &self.grace)
            .field("is_alone", &self.is_alone)
            .finish()
    }
}

impl Config {
    /// Reads the setting `allow-private`, a list such as `10.0.0.0/8,fd00::/8`.
    ///
    /// # Errors
    /// [`Class::Invalid`] with the entry that is not a network.
    pub fn parse_networks(text: &str) -> Result<Vec<IpNet>, Failure> {
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        let network = |entry: &str| {
            let host = || entry.parse::<IpAddr>().map(IpNet::from);
            entry.parse::<IpNet>().or_else(|_| host()).map_err(|_| {
                Failure::new(
                    Class::Invalid,
                    "invalid-setting",
                    "allow-private contains an entry that is not a network",
                )
                .at("allow-private", entry)
                .with_hint("write networks such as 10.0.0.0/8 or fd00::/8, separated by commas")
            })
        };
        entries.map(network).collect()
    }

    /// Reads the setting `public-url`: a URL without a path.
    ///
    /// # Errors
    /// [`Class::Invalid`] if it is not such a URL.
    pub fn parse_public_url(text: &str) -> Result<String, Failure> {
        let parsed = url::Url::parse(text).ok().filter(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.path() == "/"
                && url.query().is_none()
                && url.username().is_empty()
        });
        parsed.map(|url| url.as_str().trim_end_matches('/').to_owned()).ok_or_else(|| {
            Failure::new(Class::Invalid, "invalid-setting", "public-url is not a URL without a path")
                .at("public-url", text)
                .with_hint("write a URL such as https://orewatch.example.org")
        })
    }
}
