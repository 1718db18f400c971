//! Options that several commands share. Their values come from flags, the environment or a configuration
//! file: see [`KEYS`].
pub(crate) mod access;
mod share;

use std::path::{Path, PathBuf};

use orewatch_contracts::{Class, Failure};
use orewatch_rules::tenant::{SEPARATOR, identifier_of};
use orewatch_runtime::Key;

use crate::render::{Dialect, Out};
use access::{AccessOptions, ClientTlsOptions};
use share::ShareOptions;

/// Options that can also be set in the environment or in the configuration file.
pub(crate) const KEYS: &[Key] = &[
    Key::new("access-file"),
    Key::new("actors"),
    Key::new("admin"),
    Key::new("advertise"),
    Key::new("alerting"),
    Key::new("allow-private"),
    Key::new("archive"),
    Key::new("archive-quota"),
    Key::new("backups"),
    Key::new("ca-file"),
    Key::new("color"),
    Key::new("config"),
    Key::new("data"),
    Key::new("exposure"),
    Key::new("format"),
    Key::new("gates"),
    Key::new("ingestion"),
    Key::new("keep-refused"),
    Key::new("keys"),
    Key::new("keys-file"),
    Key::new("listen"),
    Key::new("log"),
    Key::new("log-format"),
    Key::new("log-level"),
    Key::new("log-replicas"),
    Key::new("make-logs"),
    Key::new("max-log-size"),
    Key::new("nats-ca"),
    Key::new("nats-cert"),
    Key::new("nats-creds"),
    Key::new("nats-inbox"),
    Key::new("nats-key"),
    Key::new("nats-nkey"),
    Key::new("open-to-all"),
    Key::new("ordinal"),
    Key::new("otlp-ca").shared("OTEL_EXPORTER_OTLP_CERTIFICATE"),
    Key::new("otlp-endpoint").shared("OTEL_EXPORTER_OTLP_ENDPOINT"),
    Key::new("placement-tags"),
    Key::section("poll"),
    Key::new("public-url"),
    Key::new("require-client-cert"),
    Key::new("secrets-dir"),
    Key::new("server"),
    Key::new("share"),
    Key::new("shutdown-budget"),
    Key::new("snapshots"),
    Key::new("stale-after"),
    Key::new("tenant-quota"),
    Key::new("timeout"),
    Key::new("tls-ca"),
    Key::new("tls-cert"),
    Key::new("tls-client-ca"),
    Key::new("tls-key"),
    Key::new("token-file"),
    Key::new("tokens-file"),
    Key::new("without-tls"),
];

/// Flags given on the command line, with their keys.
pub(crate) type Flags = Vec<(&'static str, String)>;

/// Options of every command.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Process")]
pub(crate) struct ProcessOptions {
    /// Configuration file (TOML); its keys are the long names of options
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Log filter for standard error: a level, or directives such as info,orewatch_exposure=debug [default:
    /// warn; up and serve: info]
    #[arg(long, global = true, value_name = "FILTER", help_heading = "Process")]
    log_level: Option<String>,
    /// Format of standard error: auto (json from services without a terminal, otherwise human), human or json
    /// [default: auto]
    #[arg(long, global = true, value_name = "FORMAT", help_heading = "Process")]
    log_format: Option<String>,
    /// Address of an OTLP collector (gRPC) that receives traces and metrics, with https or http [also:
    /// OTEL_EXPORTER_OTLP_ENDPOINT]
    #[arg(long, global = true, value_name = "URL", help_heading = "Process")]
    otlp_endpoint: Option<String>,
    /// Authorities to trust at a collector with https (PEM file) [default: those of the system; also:
    /// OTEL_EXPORTER_OTLP_CERTIFICATE]
    #[arg(long, global = true, value_name = "FILE", help_heading = "Process")]
    otlp_ca: Option<String>,
    /// When to colour the output: auto, always or never; auto respects NO_COLOR [default: auto]
    #[arg(long, global = true, value_name = "WHEN", help_heading = "Process")]
    color: Option<String>,
}

/// Options of `up` and `serve`.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct ServerOptions {
    /// Address to listen on, IP:PORT; port 0 picks a free port [default: 127.0.0.1:7070]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Address for metrics, health and status, IP:PORT; it asks for no token [default: no admin port]
    #[arg(long, value_name = "ADDRESS")]
    admin: Option<String>,
    /// Event log: embedded:DIR or nats://HOST:PORT
    #[arg(long, value_name = "LOG")]
    log: Option<String>,
    /// Backups of the logs, of which the age is reported: a folder, or s3://BUCKET/PREFIX [default: it is not
    /// reported]
    #[arg(long, value_name = "PLACE")]
    backups: Option<String>,
    /// Archive of original files: a folder, or s3://BUCKET/PREFIX [default: `archive` in the data directory]
    #[arg(long, value_name = "PLACE")]
    archive: Option<String>,
    /// Snapshots of folded state, which replicas share: a folder, or s3://BUCKET/PREFIX [default: `snapshots`
    /// in the archive with --log nats://..., otherwise in the data directory]
    #[arg(long, value_name = "PLACE")]
    snapshots: Option<String>,
    /// Maximum size of the archive [default: 1TiB]
    #[arg(long, value_name = "SIZE")]
    archive_quota: Option<String>,
    /// Maximum size of one tenant's files in the archive [default: 100GiB]
    #[arg(long, value_name = "SIZE")]
    tenant_quota: Option<String>,
    /// Time after which the archive removes files that no release needs, such as those of a refused release
    /// [default: 720h]
    #[arg(long, value_name = "DURATION")]
    keep_refused: Option<String>,
    /// File with the key that seals what tenants have: 64 hexadecimal digits; older keys may follow, a line
    /// each [default: nothing is sealed]
    #[arg(long, value_name = "FILE")]
    keys_file: Option<String>,
    /// Keys of tenants, which --keys-file opens: a folder, or s3://BUCKET/PREFIX [default: `keys` in the
    /// archive]
    #[arg(long, value_name = "PLACE")]
    keys: Option<String>,
    #[command(flatten)]
    access: AccessOptions,
    /// Maximum time for an orderly shutdown [default: 20s]
    #[arg(long, value_name = "DURATION")]
    shutdown_budget: Option<String>,
    /// Time that a log may be away before a service that still answers is reported as not ready [default: 5m]
    #[arg(long, value_name = "DURATION")]
    stale_after: Option<String>,
    #[command(flatten)]
    share: ShareOptions,
    /// Modes of gates, such as scope-jump=warn,baci-hs92/partner-sums=block; MODE is off, warn or block
    #[arg(long, value_name = "[DATASET/]GATE=MODE")]
    gates: Option<String>,
    /// Public address of the service, without a path; links in messages begin with it
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// Private networks in which receivers are allowed, also over http, such as 10.0.0.0/8,fd00::/8 [default:
    /// none]
    #[arg(long, value_name = "NETWORKS")]
    allow_private: Option<String>,
    /// Folder with the secret files that receivers may name [default: /run/secrets]
    #[arg(long, value_name = "DIR")]
    secrets_dir: Option<String>,
    /// Additional certificate authorities to trust when sending to receivers (PEM file)
    #[arg(long, value_name = "FILE")]
    ca_file: Option<String>,
}

/// Options of commands that call the services.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Connection and output")]
pub(crate) struct ClientOptions {
    /// Address of the server [default: http://127.0.0.1:7070]
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// Data directory to work on without a server: the services run inside this process
    #[arg(long, value_name = "DIR", conflicts_with_all = ["server", "ingestion", "exposure", "alerting"])]
    data: Option<String>,
    /// Address of the ingestion service [default: --server]
    #[arg(long, value_name = "URL")]
    ingestion: Option<String>,
    /// Address of the exposure service [default: --server]
    #[arg(long, value_name = "URL")]
    exposure: Option<String>,
    /// Address of the alerting service [default: --server]
    #[arg(long, value_name = "URL")]
    alerting: Option<String>,
    /// File with the token for a server that requires one
    #[arg(long, value_name = "FILE")]
    token_file: Option<String>,
    #[command(flatten)]
    tls: ClientTlsOptions,
    /// Maximum wait for a response, and for figures and alerts to be updated after a change [default: 120s]
    #[arg(long, value_name = "DURATION")]
    timeout: Option<String>,
    /// Output format: table, json or csv [default: table]
    #[arg(long, value_name = "FORMAT")]
    format: Option<String>,
    /// Write CSV as Excel opens it in most of Europe: semicolons, decimal commas, and names of economies
    #[arg(long)]
    excel: bool,
    /// End with exit code 1 if the answer is empty
    #[arg(long)]
    fail_if_empty: bool,
}

impl ClientOptions {
    /// The output that these options ask for.
    ///
    /// # Errors
    /// `--excel` with another format than CSV.
    pub(crate) fn output(&self, out: Out) -> Result<Out, Failure> {
        for_excel(out, self.excel, self.format.is_some())
            .map(|out| Out { fail_if_empty: self.fail_if_empty, ..out })
    }

    /// Options that run the services inside this process on a directory.
    pub(crate) fn on_directory(dir: &Path, format: Option<String>) -> Self {
        Self { data: Some(dir.display().to_string()), format, ..Self::default() }
    }
}

/// The tenant for which a command creates resources.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct TenantOption {
    /// Tenant that owns them; their identifiers then begin with its name, as in acme:lines [default:
    /// everyone]
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    pub(crate) tenant: String,
}

impl TenantOption {
    /// Prefixes an identifier with the tenant, unless it is empty or has a tenant already.
    pub(crate) fn qualify(&self, id: &mut String) {
        if !id.is_empty() && !id.contains(SEPARATOR) {
            *id = identifier_of(&self.tenant, id);
        }
    }
}

/// Options of commands that print what the program itself knows and call no service.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct OutputOptions {
    /// Output format: table, json or csv [default: table]
    #[arg(long, value_name = "FORMAT")]
    format: Option<String>,
    /// Write CSV as Excel opens it in most of Europe: semicolons, decimal commas, and names of economies
    #[arg(long)]
    excel: bool,
}

impl OutputOptions {
    /// The output that these options ask for.
    ///
    /// # Errors
    /// `--excel` with another format than CSV.
    pub(crate) fn output(&self, out: Out) -> Result<Out, Failure> {
        for_excel(out, self.excel, self.format.is_some())
    }
}

/// An output for Excel, if it is wanted. Without a format on the command line, that means CSV.
fn for_excel(out: Out, excel: bool, has_format: bool) -> Result<Out, Failure> {
    match (excel, has_format, out.format) {
        (false, ..) => Ok(out),
        (true, true, Format::Table | Format::Json) => {
            Err(Failure::new(Class::Invalid, "invalid-setting", "--excel writes CSV only")
                .at("format", if out.format == Format::Json { "json" } else { "table" })
                .with_hint("leave --format out, or write --format csv"))
        }
        (true, ..) => Ok(Out { format: Format::Csv, dialect: Dialect::Excel, ..out }),
    }
}

impl Keyed for OutputOptions {
    fn flags(&self) -> Flags {
        given([("format", &self.format)])
    }
}

/// Output format of a command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Format {
    /// A table or page for people.
    #[default]
    Table,
    /// One JSON document, or one per line for a stream.
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

/// Options whose values are configuration keys.
pub(crate) trait Keyed {
    /// Returns the flags given on the command line.
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
            ("otlp-ca", &self.otlp_ca),
            ("color", &self.color),
        ])
    }
}

impl ServerOptions {
    /// Whether the command line names the log.
    pub(crate) fn names_log(&self) -> bool {
        self.log.is_some()
    }
}

impl Keyed for ServerOptions {
    fn flags(&self) -> Flags {
        let own = given([
            ("listen", &self.listen),
            ("admin", &self.admin),
            ("backups", &self.backups),
            ("log", &self.log),
            ("archive", &self.archive),
            ("snapshots", &self.snapshots),
            ("archive-quota", &self.archive_quota),
            ("tenant-quota", &self.tenant_quota),
            ("keep-refused", &self.keep_refused),
            ("keys-file", &self.keys_file),
            ("keys", &self.keys),
            ("shutdown-budget", &self.shutdown_budget),
            ("stale-after", &self.stale_after),
            ("gates", &self.gates),
            ("public-url", &self.public_url),
            ("allow-private", &self.allow_private),
            ("secrets-dir", &self.secrets_dir),
            ("ca-file", &self.ca_file),
        ]);
        self.access.flags().into_iter().chain(self.share.flags()).chain(own).collect()
    }
}

impl Keyed for ClientOptions {
    fn flags(&self) -> Flags {
        let own = given([
            ("server", &self.server),
            ("data", &self.data),
            ("ingestion", &self.ingestion),
            ("exposure", &self.exposure),
            ("alerting", &self.alerting),
            ("token-file", &self.token_file),
            ("timeout", &self.timeout),
            ("format", &self.format),
        ]);
        self.tls.flags().into_iter().chain(own).collect()
    }
}

pub(crate) fn given<const N: usize>(flags: [(&'static str, &Option<String>); N]) -> Flags {
    flags.into_iter().filter_map(|(key, value)| Some((key, value.clone()?))).collect()
}
