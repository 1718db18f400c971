//! Options of who may call a server, and of TLS on both sides.
use std::path::PathBuf;
use std::sync::Arc;

use orewatch_contracts::{Class, Failure};
use orewatch_runtime::{Access, ClientTls, Clock, ServerTls, ServerTlsFiles, Settings};

use super::{Flags, Keyed, given};
use crate::settings::file_pair;

/// Options of `up` and `serve`.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct AccessOptions {
    /// File with the accepted tokens and their permissions, TOML [default: calls need no token]
    #[arg(long, value_name = "FILE")]
    tokens_file: Option<String>,
    /// File with the accepted issuers of tokens and client certificates, and their permissions, TOML
    #[arg(long, value_name = "FILE")]
    access_file: Option<String>,
    /// Listen beyond this machine without requiring tokens: anyone who can reach the address may do
    /// everything
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_name = "BOOL")]
    #[arg(hide_possible_values = true)]
    open_to_all: Option<String>,
    /// Certificate chain of the server (PEM file), with --tls-key; read again when it changes [default: plain
    /// text]
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<String>,
    /// Private key of the certificate (PEM file)
    #[arg(long, value_name = "FILE")]
    tls_key: Option<String>,
    /// Authorities whose client certificates are accepted (PEM file)
    #[arg(long, value_name = "FILE")]
    tls_client_ca: Option<String>,
    /// Refuse connections without a client certificate of --tls-client-ca
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_name = "BOOL")]
    #[arg(hide_possible_values = true)]
    require_client_cert: Option<String>,
    /// Listen beyond this machine in plain text: anyone on the way can read tokens and data
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_name = "BOOL")]
    #[arg(hide_possible_values = true)]
    without_tls: Option<String>,
    /// Names of callers, whose commands are recorded by pseudonyms: a folder, or s3://BUCKET/PREFIX [default:
    /// `actors` in the archive with --log nats://..., otherwise in the data directory]
    #[arg(long, value_name = "PLACE")]
    actors: Option<String>,
}

impl Keyed for AccessOptions {
    fn flags(&self) -> Flags {
        given([
            ("tokens-file", &self.tokens_file),
            ("access-file", &self.access_file),
            ("open-to-all", &self.open_to_all),
            ("tls-cert", &self.tls_cert),
            ("tls-key", &self.tls_key),
            ("tls-client-ca", &self.tls_client_ca),
            ("require-client-cert", &self.require_client_cert),
            ("without-tls", &self.without_tls),
            ("actors", &self.actors),
        ])
    }
}

/// Options of commands that call the services with TLS.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct ClientTlsOptions {
    /// Authorities to trust for https addresses (PEM file) [default: those of the system]
    #[arg(long, value_name = "FILE")]
    tls_ca: Option<String>,
    /// Client certificate chain to show (PEM file), with --tls-key
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<String>,
    /// Private key of the client certificate (PEM file)
    #[arg(long, value_name = "FILE")]
    tls_key: Option<String>,
}

impl Keyed for ClientTlsOptions {
    fn flags(&self) -> Flags {
        given([("tls-ca", &self.tls_ca), ("tls-cert", &self.tls_cert), ("tls-key", &self.tls_key)])
    }
}

/// TLS of the connections of a client command.
///
/// # Errors
/// Half of a certificate.
pub(crate) fn client_tls(settings: &Settings, clock: &Arc<dyn Clock>) -> Result<ClientTls, Failure> {
    let certificate = file_pair(settings, "tls-cert", "tls-key")?;
    Ok(ClientTls::new(settings.get("tls-ca")?, certificate, Arc::clone(clock)))
}

/// Which calls a server accepts, and on which connections.
///
/// # Errors
/// Settings that contradict each other, and files that cannot be used.
pub(crate) fn access(settings: &Settings, clock: &Arc<dyn Clock>) -> Result<Access, Failure> {
    let access = callers(settings, clock)?;
    let is_plain = settings.get_or("without-tls", false)?;
    Ok(match (server_tls(settings, clock)?, is_plain) {
        (Some(_), true) => return Err(contradiction("tls-cert", "without-tls")),
        (Some(tls), false) => access.with_tls(tls),
        (None, true) => access.in_plain_text(),
        (None, false) => access,
    })
}

/// Whether callers have to show who they are.
pub(crate) fn has_callers(settings: &Settings) -> bool {
    settings.source("tokens-file").is_some() || settings.source("access-file").is_some()
}

fn callers(settings: &Settings, clock: &Arc<dyn Clock>) -> Result<Access, Failure> {
    let (tokens, file) = (settings.get::<PathBuf>("tokens-file")?, settings.get::<PathBuf>("access-file")?);
    if settings.get_or("open-to-all", false)? {
        return match (tokens, file) {
            (Some(_), _) => Err(contradiction("tokens-file", "open-to-all")),
            (None, Some(_)) => Err(contradiction("access-file", "open-to-all")),
            (None, None) => Ok(Access::open_to_all()),
        };
    }
    let access = tokens.map_or_else(|| Ok(Access::open()), |path| Access::read(&path))?;
    match file {
        Some(path) => access.with_access_file(&path, clock),
        None => Ok(access),
    }
}

fn server_tls(settings: &Settings, clock: &Arc<dyn Clock>) -> Result<Option<ServerTls>, Failure> {
    let client_ca: Option<PathBuf> = settings.get("tls-client-ca")?;
    let requires_client_certificate = settings.get_or("require-client-cert", false)?;
    if requires_client_certificate && client_ca.is_none() {
        return Err(missing("tls-client-ca", "require-client-cert"));
    }
    let Some((certificate, key)) = file_pair(settings, "tls-cert", "tls-key")? else {
        return if client_ca.is_some() { Err(missing("tls-cert", "tls-client-ca")) } else { Ok(None) };
    };
    let files = ServerTlsFiles { certificate, key, client_ca, requires_client_certificate };
    ServerTls::read(files, Arc::clone(clock)).map(Some)
}

fn contradiction(one: &str, other: &str) -> Failure {
    let message = format!("{one} and {other} exclude each other, and both are set");
    Failure::new(Class::Invalid, "invalid-setting", message)
        .at(one, "")
        .with_hint("remove one of them from flags, environment and configuration file")
}

fn missing(needed: &str, by: &str) -> Failure {
    Failure::new(Class::Invalid, "invalid-setting", format!("{by} is set without {needed}"))
        .at(needed, "")
        .with_hint(format!("set {needed} as well, or leave {by} out"))
}
