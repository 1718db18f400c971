//! `doctor`: checks whatever the services depend on, says what to do about what is wrong, and writes the
//! support bundle.
//!
//! `plan` decides what is looked at, as data; `probe` looks and measures; `judge` gives the verdicts. Only
//! probes touch the network or the disk.
mod bundle;
mod check;
mod endpoint;
mod found;
mod judge;
mod plan;
mod probe;
mod secrets;
mod tar;

use std::path::PathBuf;
use std::sync::Arc;

use orewatch_contracts::{Class, Failure};
use orewatch_eventlog::jetstream::Identity;
use orewatch_runtime::{LogTarget, Settings};
use orewatch_store::Location;

use self::bundle::Contents;
use self::check::{Check, Verdict};
use self::found::Found;
use self::plan::{Facts, plan};
use self::probe::Means;
use self::secrets::Secrets;
use super::print_message;
use super::setup::identities::identities;
use crate::nats_options::{NatsOptions, jetstream_options};
use crate::options::{Flags, Format, KEYS, Keyed, OutputOptions, ServerOptions, access, given};
use crate::services::{Service, ServicesConfig};
use crate::session::{DEFAULT_SERVER, Session};
use crate::words::count_text;

/// Default of `--data`.
const DEFAULT_DATA: &str = "./orewatch-data";

/// Identity on NATS without `--service`.
const OPERATOR: &str = "operator";

/// Keys whose values are files or folders that must be readable.
const FILES: [&str; 16] = [
    "access-file",
    "ca-file",
    "keys-file",
    "nats-ca",
    "nats-cert",
    "nats-creds",
    "nats-key",
    "nats-nkey",
    "otlp-ca",
    "secrets-dir",
    "tls-ca",
    "tls-cert",
    "tls-client-ca",
    "tls-key",
    "token-file",
    "tokens-file",
];

/// Variables with the address of the service that has the buckets, the first that is set.
const BUCKET_ENDPOINTS: [&str; 3] = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"];

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Run it where a service runs, with the same options and environment. It looks at files, names,
certificates, NATS (server, streams, permissions), logs, archive, snapshots, disks, clocks and the
health of services. Nothing is changed: objects and files that it writes are removed again. A check
passes, warns or fails, and says what to do.

--bundle writes what was found for somebody who helps: versions, settings, checks, positions and
health. Passwords, tokens and keys are left out.

Examples:
  orewatch doctor --data /var/lib/orewatch
  orewatch doctor --service exposure --log nats://nats:4222 --nats-nkey /run/secrets/exposure.nk
  orewatch doctor --log nats://nats:4222 --monitor http://nats:8222 --server http://orewatch:7070
  orewatch doctor --bundle support.tar.gz --format json

Exit codes: 0 nothing fails; 7 a check fails.")]
pub(crate) struct Args {
    /// Directory for the embedded log and the archive; with --log nats://..., only for the archive and caches
    /// [default: ./orewatch-data]
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
    /// Look at everything as this service does, with its identity on NATS [default: as an operator]
    #[arg(long, value_name = "SERVICE")]
    service: Option<Service>,
    /// Address of the monitoring port of a NATS server; may be repeated
    #[arg(long, value_name = "URL")]
    monitor: Vec<String>,
    /// Write the support bundle: FILE.tar.gz, or a folder; it must not exist yet
    #[arg(long, value_name = "PLACE")]
    bundle: Option<PathBuf>,
    /// Address of the server [default: http://127.0.0.1:7070]
    #[arg(long = "server", value_name = "URL")]
    address: Option<String>,
    /// Address of the ingestion service [default: --server]
    #[arg(long, value_name = "URL")]
    ingestion: Option<String>,
    /// Address of the exposure service [default: --server]
    #[arg(long, value_name = "URL")]
    exposure: Option<String>,
    /// Address of the alerting service [default: --server]
    #[arg(long, value_name = "URL")]
    alerting: Option<String>,
    #[command(flatten)]
    server: ServerOptions,
    #[command(flatten)]
    nats: NatsOptions,
    #[command(flatten)]
    output: OutputOptions,
}

impl Keyed for Args {
    fn flags(&self) -> Flags {
        let own = given([
            ("data", &self.data),
            ("server", &self.address),
            ("ingestion", &self.ingestion),
            ("exposure", &self.exposure),
            ("alerting", &self.alerting),
        ]);
        let shared = [self.server.flags(), self.nats.flags(), self.output.flags()];
        own.into_iter().chain(shared.into_iter().flatten()).collect()
    }
}

impl Args {
    /// The log. `--data` on the command line overrides a log from the environment or the configuration file.
    fn log_target(&self, settings: &Settings) -> Result<LogTarget, Failure> {
        match settings.get("log")? {
            Some(log) if self.data.is_none() || self.server.names_log() => Ok(log),
            _ => Ok(LogTarget::Embedded(data(settings)?)),
        }
    }

    /// Name of the identity on NATS.
    fn identity(&self) -> &'static str {
        self.service.map_or(OPERATOR, Service::short)
    }

    /// The addresses of the services to look at, and whether a setting names each.
    fn services(&self, settings: &Settings) -> Result<Vec<(Service, String, bool)>, Failure> {
        let all = Service::ALL.into_iter().filter(|one| self.service.is_none_or(|wanted| wanted == *one));
        let mut addressed = Vec::new();
        for service in all {
            let own: Option<String> = settings.get(service.short())?;
            let named = own.map_or_else(|| settings.get("server"), |own| Ok(Some(own)))?;
            let is_named = named.is_some();
            addressed.push((service, named.unwrap_or_else(|| DEFAULT_SERVER.to_owned()), is_named));
        }
        Ok(addressed)
    }
}

fn data(settings: &Settings) -> Result<PathBuf, Failure> {
    settings.get_or("data", PathBuf::from(DEFAULT_DATA))
}

/// Runs the command. It keeps no log of its own and sends no traces: what libraries say there may repeat an
/// address with its password, and checks say the same without.
pub(crate) async fn run(args: Args, session: Session) -> Result<(), Failure> {
    let settings = session.settings(&[&args])?;
    let out = args.output.output(session.out(&settings)?)?;
    let target = args.log_target(&settings)?;
    let (places, mut found) = services_settings(&session, &settings, args.identity(), &target).await?;
    let facts = facts(&args, &session, &settings, target, places)?;
    let means = means(&args, &session, &settings)?;
    for step in plan(&facts) {
        found.add(probe::run(&step, &means).await);
    }
    let is_own = |name: &str| KEYS.iter().any(|key| key.variable() == name);
    let values = settings.entries().filter_map(|(_, _, value)| value);
    let secrets = Secrets::gather(values, session.environment(), is_own);
    let found = scrubbed(found, &secrets);
    out.rows(&found.checks)?;
    if let Some(to) = &args.bundle {
        let (found, settings, secrets, now) = (&found, &settings, &secrets, session.clock.now());
        bundle::write(to, &Contents { found, settings, secrets, identity: args.identity(), now })?;
        print_message(&format!("The support bundle is in {}.", to.display()));
    }
    conclude(out.format, &found.checks)
}

/// What services keep files for, and where.
type Places = Vec<(&'static str, Location)>;

/// Folders and buckets of the services with these settings, and whether the settings are good.
async fn services_settings(
    session: &Session,
    settings: &Settings,
    name: &str,
    target: &LogTarget,
) -> Result<(Places, Found), Failure> {
    let beside = match target {
        LogTarget::Embedded(folder) => folder.clone(),
        LogTarget::Nats(_) => data(settings)?,
    };
    let mut found = match access::access(settings, &session.clock) {
        Ok(_) => Found::from(Check::pass("settings", "access", "valid")),
        Err(failure) => Check::of_failure("settings", "access", &failure).into(),
    };
    let config = match ServicesConfig::new(target.clone(), name, &beside, settings) {
        Ok(config) => config,
        Err(failure) => {
            found.checks.push(Check::of_failure("settings", "services", &failure));
            return Ok((Vec::new(), found));
        }
    };
    found.checks.push(Check::pass("settings", "services", "valid"));
    if settings.source("keys-file").is_some() {
        found.checks.push(match config.ingestion.keys.check().await {
            Ok(()) => Check::pass("settings", "keys-file", "valid"),
            Err(error) => Check::of_failure("settings", "keys-file", &error.into()),
        });
    }
    let snapshots = config.exposure.snapshots.map(|place| ("snapshots", place.location));
    Ok(([("archive", config.ingestion.archive)].into_iter().chain(snapshots).collect(), found))
}

fn facts(
    args: &Args,
    session: &Session,
    settings: &Settings,
    log: LogTarget,
    places: Vec<(&'static str, Location)>,
) -> Result<Facts, Failure> {
    let has_bucket = places.iter().any(|(_, place)| matches!(place, Location::Bucket { .. }));
    let endpoint = BUCKET_ENDPOINTS.iter().find_map(|name| session.environment().get(*name));
    let collector: Option<String> = settings.get("otlp-endpoint")?;
    let mut files = Vec::new();
    for key in FILES {
        files.extend(settings.get::<PathBuf>(key)?.map(|path| (key, path)));
    }
    let is_given = |key: &str| settings.source(key).is_some();
    Ok(Facts {
        log,
        data: data(settings)?,
        services: args.services(settings)?,
        others: collector.into_iter().chain(endpoint.filter(|_| has_bucket).cloned()).collect(),
        monitors: args.monitor.clone(),
        places,
        files,
        has_nats_certificates: is_given("nats-ca") || is_given("nats-cert"),
    })
}

fn means(args: &Args, session: &Session, settings: &Settings) -> Result<Means, Failure> {
    let name = args.identity();
    let identity = identities(1).into_iter().find(|identity| identity.name == name);
    let identity = identity.ok_or_else(|| Failure::internal("the identity is not in the list"))?;
    let holds_leases = identity.holds_leases && settings.get_or("share", false)?;
    let mut authorities = Vec::new();
    for key in ["nats-ca", "ca-file", "otlp-ca", "tls-ca"] {
        authorities.extend(settings.get::<PathBuf>(key)?);
    }
    Ok(Means {
        nats: jetstream_options(settings, name)?,
        identity: Identity { holds_leases, ..identity },
        authorities,
        tls: access::client_tls(settings, &session.clock)?,
        clock: Arc::clone(&session.clock),
    })
}

/// What was found, without secrets.
fn scrubbed(found: Found, secrets: &Secrets) -> Found {
    let Found { mut checks, positions, mut health } = found;
    for check in &mut checks {
        for text in [&mut check.subject, &mut check.found, &mut check.remedy] {
            *text = secrets.scrub(text);
        }
    }
    for one in &mut health {
        one.address = secrets.scrub(&one.address);
        one.lines.iter_mut().for_each(|line| *line = secrets.scrub(line));
    }
    Found { checks, positions, health }
}

/// Whether nothing fails.
fn conclude(format: Format, checks: &[Check]) -> Result<(), Failure> {
    let count = |verdict| checks.iter().filter(|check| check.verdict == verdict).count();
    let [passed, warned, failed] = [Verdict::Pass, Verdict::Warn, Verdict::Fail].map(count);
    if format == Format::Table {
        print_message(&format!("{passed} pass, {warned} warn, {failed} fail."));
    }
    if failed == 0 {
        return Ok(());
    }
    let message = format!("{} of {} fail", failed, count_text(checks.len(), "check"));
    Err(Failure::new(Class::Misconfigured, "checks-failed", message)
        .with_hint("the remedy stands beside each; run the command again afterwards"))
}
