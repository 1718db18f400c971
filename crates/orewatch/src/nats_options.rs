//! Options that reach a log on NATS: credentials, certificates, names, copies.
use orewatch_contracts::{Class, Failure};
use orewatch_eventlog::jetstream::JetStreamOptions;
use orewatch_runtime::Settings;

use crate::options::{Flags, Keyed, given};
use crate::settings::{bytes, file_pair};

/// Largest ordinal of a process, so that the permissions of a server can list all names.
const MAX_ORDINAL: u32 = 99;

/// Options of commands that connect to NATS.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "NATS")]
pub(crate) struct NatsOptions {
    /// Credentials file (JWT and seed) for NATS
    #[arg(long, value_name = "FILE")]
    nats_creds: Option<String>,
    /// File with the seed of an nkey for NATS
    #[arg(long, value_name = "FILE")]
    nats_nkey: Option<String>,
    /// Additional certificate authorities to trust for NATS (PEM file)
    #[arg(long, value_name = "FILE")]
    nats_ca: Option<String>,
    /// Client certificate for NATS (PEM file), with --nats-key
    #[arg(long, value_name = "FILE")]
    nats_cert: Option<String>,
    /// Private key of the client certificate for NATS (PEM file)
    #[arg(long, value_name = "FILE")]
    nats_key: Option<String>,
    /// Beginning of the subjects on which NATS answers [default: _INBOX; with --ordinal: _INBOX_ and the
    /// name of the service]
    #[arg(long, value_name = "PREFIX")]
    nats_inbox: Option<String>,
    /// Number of this process among those of its service, from 0; its consumers then have names that
    /// permissions can list
    #[arg(long, value_name = "NUMBER")]
    ordinal: Option<String>,
    /// Copies of each event in the NATS cluster: 1, 3 or 5 [default: 1]
    #[arg(long, value_name = "NUMBER")]
    log_replicas: Option<String>,
    /// Maximum size of each log on NATS [default: no limit of its own]
    #[arg(long, value_name = "SIZE")]
    max_log_size: Option<String>,
    /// Tags of the NATS servers that store the logs, separated by commas
    #[arg(long, value_name = "TAGS")]
    placement_tags: Option<String>,
    /// Make logs that do not exist yet; false leaves that to `orewatch setup` [default: true]
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_name = "BOOL")]
    #[arg(hide_possible_values = true)]
    make_logs: Option<String>,
}

impl Keyed for NatsOptions {
    fn flags(&self) -> Flags {
        given([
            ("nats-creds", &self.nats_creds),
            ("nats-nkey", &self.nats_nkey),
            ("nats-ca", &self.nats_ca),
            ("nats-cert", &self.nats_cert),
            ("nats-key", &self.nats_key),
            ("nats-inbox", &self.nats_inbox),
            ("ordinal", &self.ordinal),
            ("log-replicas", &self.log_replicas),
            ("max-log-size", &self.max_log_size),
            ("placement-tags", &self.placement_tags),
            ("make-logs", &self.make_logs),
        ])
    }
}

/// How `name`, such as `exposure`, connects to NATS.
///
/// # Errors
/// A value that is no number, a copy count that no cluster has, half of a certificate.
pub(crate) fn jetstream_options(settings: &Settings, name: &str) -> Result<JetStreamOptions, Failure> {
    let usual = JetStreamOptions::default();
    let ordinal = ordinal(settings)?;
    let own_inbox = || ordinal.map(|_| format!("_INBOX_{name}"));
    Ok(JetStreamOptions {
        name: format!("orewatch-{name}"),
        credentials: settings.get("nats-creds")?,
        nkey: settings.get("nats-nkey")?,
        root_certificates: settings.get("nats-ca")?,
        client_certificate: file_pair(settings, "nats-cert", "nats-key")?,
        inbox_prefix: settings.get("nats-inbox")?.or_else(own_inbox),
        instance: ordinal.map(|ordinal| format!("{name}-{ordinal}")),
        makes_streams: settings.get_or("make-logs", true)?,
        replicas: replicas(settings)?,
        max_log_bytes: bytes(settings, "max-log-size")?,
        placement_tags: words(&settings.get_or("placement-tags", String::new())?),
        ..usual
    })
}

/// Number of this process among those of its service.
///
/// # Errors
/// A number that is too large, or none.
pub(crate) fn ordinal(settings: &Settings) -> Result<Option<u32>, Failure> {
    let ordinal: Option<u32> = settings.get("ordinal")?;
    match ordinal {
        Some(number) if number > MAX_ORDINAL => {
            Err(Failure::new(Class::Invalid, "invalid-setting", format!("ordinal is above {MAX_ORDINAL}"))
                .at("ordinal", number.to_string())
                .with_hint("number the processes of a service from 0"))
        }
        ordinal => Ok(ordinal),
    }
}

fn replicas(settings: &Settings) -> Result<usize, Failure> {
    let replicas = settings.get_or("log-replicas", 1)?;
    if matches!(replicas, 1 | 3 | 5) {
        return Ok(replicas);
    }
    Err(Failure::new(Class::Invalid, "invalid-setting", "log-replicas is not 1, 3 or 5")
        .at("log-replicas", replicas.to_string())
        .with_hint("an even number of copies survives no more failures than the odd number below it"))
}

/// Words separated by commas.
pub(crate) fn words(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}
