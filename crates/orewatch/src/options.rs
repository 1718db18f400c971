//! Options that several commands share. Their values come from flags, the environment and a file: see [`KEYS`].
use std::path::{Path, PathBuf};

use orewatch_alerting::tenant::{SEPARATOR, identifier_of};
use orewatch_runtime::Key;

/// Everything that can also stand in the environment or in a file.
pub(crate) const KEYS: &[Key] = &[
    Key::new("alerting"),
    Key::new("allow-private"),
    Key::new("archive"),
    Key::new("archive-quota"),
    Key::new("ca-file"),
    Key::new("color"),
    Key::new("config"),
    Key::new("data"),
    Key::new("exposure"),
    Key::new("format"),
    Key::new("gates"),
    Key::new("ingestion"),
    Key::new("keep-refused"),
    Key::new("listen"),
    Key::new("log"),
    Key::new("log-format"),
    Key::new("log-level"),
    Key::new("open-to-all"),
    Key::new("otlp-endpoint").shared("OTEL_EXPORTER_OTLP_ENDPOINT"),
    Key::section("poll"),
    Key::new("public-url"),
    Key::new("secrets-dir"),
    Key::new("server"),
    Key::new("shutdown-budget"),
    Key::new("tenant-quota"),
    Key::new("timeout"),
    Key::new("token-file"),
    Key::new("tokens-file"),
];

/// Flags that were given, by key.
pub(crate) type Flags = Vec<(&'static str, String)>;

/// Options of every command.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Process")]
pub(crate) struct ProcessOptions {
    /// Configuration file, TOML, with the long names of options as keys
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// What to log to standard error: a level, or directives like `info,orewatch_exposure=debug`
    #[arg(long, global = true, value_name = "FILTER", help_heading = "Process")]
    log_level: Option<String>,
    /// How to log: auto (for people on a terminal, JSON otherwise), human or json
    #[arg(long, global = true, value_name = "FORMAT", help_heading = "Process")]
    log_format: Option<String>,
    /// Address of an OTLP collector (gRPC) to export traces to [also: OTEL_EXPORTER_OTLP_ENDPOINT]
    #[arg(long, global = true, value_name = "URL", help_heading = "Process")]
    otlp_endpoint: Option<String>,
    /// Colour: auto, always or never; NO_COLOR is respected
    #[arg(long, global = true, value_name = "WHEN", help_heading = "Process")]
    color: Option<String>,
}

/// Options of `up` and `serve`.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct ServerOptions {
    /// Address to listen on; port 0 takes any that is free [default: 127.0.0.1:7070]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Where the logs are: embedded:DIR or nats://HOST:PORT
    #[arg(long, value_name = "LOG")]
    log: Option<String>,
    /// Where original files are kept: a folder, or s3://BUCKET/PREFIX [default: `archive` in the data directory]
    #[arg(long, value_name = "PLACE")]
    archive: Option<String>,
    /// How much the archive may hold [default: 1TiB]
    #[arg(long, value_name = "SIZE")]
    archive_quota: Option<String>,
    /// How much the archive may hold of one tenant's releases [default: 100GiB]
    #[arg(long, value_name = "SIZE")]
    tenant_quota: Option<String>,
    /// How long the archive keeps files that no release needs, such as those of a release that was refused [default: 720h]
    #[arg(long, value_name = "DURATION")]
    keep_refused: Option<String>,
    /// File of the tokens that may call, and what each may see and change [default: everything is open]
    #[arg(long, value_name = "FILE")]
    tokens_file: Option<String>,
    /// Listen beyond this machine without asking for tokens: whoever reaches the address may do everything
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_name = "BOOL", hide_possible_values = true)]
    open_to_all: Option<String>,
    /// How long an ordered end may take [default: 20s]
    #[arg(long, value_name = "DURATION")]
    shutdown_budget: Option<String>,
    /// What gates may do, such as scope-jump=warn,baci-hs92/partner-sums=block; MODE is off, warn or block
    #[arg(long, value_name = "[DATASET/]GATE=MODE")]
    gates: Option<String>,
    /// Address at which people reach the service, without a path: links in messages begin with it
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// Private networks that receivers may be in, such as 10.0.0.0/8,fd00::/8; others, and `http` elsewhere, are refused
    #[arg(long, value_name = "NETWORKS")]
    allow_private: Option<String>,
    /// Folder of the files that receivers may name as secrets [default: /run/secrets]
    #[arg(long, value_name = "DIR")]
    secrets_dir: Option<String>,
    /// Certificates of authorities to trust beside the usual ones when sending to receivers, PEM
    #[arg(long, value_name = "FILE")]
    ca_file: Option<String>,
}

/// Options of commands that ask a server.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Where to ask, and how to answer")]
pub(crate) struct ClientOptions {
    /// Server to ask [default: http://127.0.0.1:7070]
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// Directory to ask instead of a server, with the services inside this process
    #[arg(long, value_name = "DIR", conflicts_with_all = ["server", "ingestion", "exposure", "alerting"])]
    data: Option<String>,
    /// Ingestion service, if it is not at --server
    #[arg(long, value_name = "URL")]
    ingestion: Option<String>,
    /// Exposure service, if it is not at --server
    #[arg(long, value_name = "URL")]
    exposure: Option<String>,
    /// Alerting service, if it is not at --server
    #[arg(long, value_name = "URL")]
    alerting: Option<String>,
    /// File that holds the token to show, for a server that asks for one
    #[arg(long, value_name = "FILE")]
    token_file: Option<String>,
    /// How long to wait for an answer, and for what follows from it [default: 120s]
    #[arg(long, value_name = "DURATION")]
    timeout: Option<String>,
    /// Form of the answer: table, json or csv [default: table]
    #[arg(long, value_name = "FORMAT")]
    format: Option<String>,
}

impl ClientOptions {
    /// Asks the services inside this process, on a directory.
    pub(crate) fn on_directory(dir: &Path, format: Option<String>) -> Self {
        Self { data: Some(dir.display().to_string()), format, ..Self::default() }
    }
}

/// Whose the things are that a command puts.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct Whose {
    /// Tenant that they belong to: their identifiers then begin with it, as in acme:lines [default: everyone]
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    pub(crate) tenant: String,
}

impl Whose {
    /// Puts the tenant before an identifier that names none. An empty one stays empty: it names nothing.
    pub(crate) fn own(&self, id: &mut String) {
        if !id.is_empty() && !id.contains(SEPARATOR) {
            *id = identifier_of(&self.tenant, id);
        }
    }
}

/// Options of commands that need no server.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct AnswerOptions {
    /// Form of the answer: table, json or csv [default: table]
    #[arg(long, value_name = "FORMAT")]
    format: Option<String>,
}

impl Keyed for AnswerOptions {
    fn flags(&self) -> Flags {
        given([("format", &self.format)])
    }
}

/// Form of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Table,
    /// One document, or one a line where answers go on.
    Json,
    /// Comma-separated values with a header.
    Csv,
}

impl std::str::FromStr for Format {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "table" => Ok(Self::Table),
            "json" => Ok(Self::Json),
            "csv" => Ok(Self::Csv),
            _ => Err("write table, json or csv"),
        }
    }
}

/// Options that give values to keys.
pub(crate) trait Keyed {
    /// The flags that were given.
    fn flags(&self) -> Flags;
}

impl Keyed for ProcessOptions {
    fn flags(&self) -> Flags {
        let config = self.config.as_ref().map(|path| path.display().to_string());
        given([
            ("config", &config),
            ("log-level", &self.log_level),
            ("log-format", &self.log_format),
            ("otlp-endpoint", &self.otlp_endpoint),
            ("color", &self.color),
        ])
    }
}

impl Keyed for ServerOptions {
    fn flags(&self) -> Flags {
        given([
            ("listen", &self.listen),
            ("log", &self.log),
            ("archive", &self.archive),
            ("archive-quota", &self.archive_quota),
            ("tenant-quota", &self.tenant_quota),
            ("keep-refused", &self.keep_refused),
            ("tokens-file", &self.tokens_file),
            ("open-to-all", &self.open_to_all),
            ("shutdown-budget", &self.shutdown_budget),
            ("gates", &self.gates),
            ("public-url", &self.public_url),
            ("allow-private", &self.allow_private),
            ("secrets-dir", &self.secrets_dir),
            ("ca-file", &self.ca_file),
        ])
    }
}

impl Keyed for ClientOptions {
    fn flags(&self) -> Flags {
        given([
            ("server", &self.server),
            ("data", &self.data),
            ("ingestion", &self.ingestion),
            ("exposure", &self.exposure),
            ("alerting", &self.alerting),
            ("token-file", &self.token_file),
            ("timeout", &self.timeout),
            ("format", &self.format),
        ])
    }
}

fn given<const N: usize>(flags: [(&'static str, &Option<String>); N]) -> Flags {
    flags.into_iter().filter_map(|(key, value)| Some((key, value.clone()?))).collect()
}
