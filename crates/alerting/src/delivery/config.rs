//! What the operator of the service says about delivery.
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use orewatch_runtime::{Class, Failure};

/// Where files of secrets have to be, if nothing else is said.
const SECRETS: &str = "/run/secrets";

/// What variables of the environment begin with that a receiver may name.
pub(super) const VARIABLE_PREFIX: &str = "RECEIVER_";

/// How long attempts that are under way may still take when the process stops.
const GRACE: Duration = Duration::from_secs(5);

/// What the operator of the service says about delivery.
#[derive(Clone, PartialEq, Eq)]
pub struct Config {
    /// Address without path at which people reach this service, such as `https://orewatch.example.org`; links in messages begin
    /// with it. None: messages name the command to type instead.
    pub public_url: Option<String>,
    /// Networks that may be reached although they are private. `http`, and mail without TLS, go to these only.
    pub allow_private: Vec<IpNet>,
    /// Folder of the files that receivers may name as secrets. Only these, so that nobody who may put a receiver can have any
    /// file of the service sent somewhere.
    pub secrets: PathBuf,
    /// Certificates to trust beside those of the usual authorities, PEM.
    pub ca_file: Option<PathBuf>,
    /// NATS server of receivers that name none: that of the log. None: the log is on no NATS server. It may hold a password.
    pub nats: Option<String>,
    /// How long attempts that are under way may still take when the process stops.
    pub grace: Duration,
    /// No other process can write the log, as with the embedded one: attempts of the process before this one are lost at once,
    /// and not only when their leases end.
    pub is_alone: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            public_url: None,
            allow_private: Vec::new(),
            secrets: PathBuf::from(SECRETS),
            ca_file: None,
            nats: None,
            grace: GRACE,
            is_alone: false,
        }
    }
}

impl fmt::Debug for Config {
    /// Without the address of the NATS server, which may hold a password.
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
    /// Networks that may be reached, from a list such as `10.0.0.0/8,fd00::/8`.
    ///
    /// # Errors
    /// [`Class::Invalid`] with the entry that is no network.
    pub fn networks(text: &str) -> Result<Vec<IpNet>, Failure> {
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        let network = |entry: &str| {
            let host = || entry.parse::<IpAddr>().map(IpNet::from);
            entry.parse::<IpNet>().or_else(|_| host()).map_err(|_| {
                Failure::new(
                    Class::Invalid,
                    "config-value",
                    "allow-private lists something that is no network",
                )
                .at("allow-private", entry)
                .with_hint("write networks such as 10.0.0.0/8 or fd00::/8, separated by commas")
            })
        };
        entries.map(network).collect()
    }

    /// Address at which people reach the service, without a path.
    ///
    /// # Errors
    /// [`Class::Invalid`] if it is no such address.
    pub fn address(text: &str) -> Result<String, Failure> {
        let parsed = url::Url::parse(text).ok().filter(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.path() == "/"
                && url.query().is_none()
                && url.username().is_empty()
        });
        parsed.map(|url| url.as_str().trim_end_matches('/').to_owned()).ok_or_else(|| {
            Failure::new(Class::Invalid, "config-value", "public-url is no address without a path")
                .at("public-url", text)
                .with_hint("write it such as https://orewatch.example.org")
        })
    }
}
