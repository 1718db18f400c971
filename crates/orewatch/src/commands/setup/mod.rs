//! `setup`: makes the logs on NATS, checks every setting that they depend on, and prints the permissions.
pub(super) mod identities;
mod keys;
pub(super) mod monitor;
mod print;

use orewatch_contracts::{Class, Failure};
use orewatch_eventlog::jetstream::{self, Finding, JetStream, LEASES, Made, Verdict};
use orewatch_runtime::{LogTarget, Settings};

use super::print_message;
use crate::nats_options::{NatsOptions, jetstream_options};
use crate::options::{Flags, Keyed, OutputOptions, given};
use crate::render::Align::Left;
use crate::render::{Cell, Column, Out, Row, column};
use crate::session::Session;

/// The logs.
pub(crate) const LOGS: [&str; 3] = ["observations", "exposures", "alerts"];

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Without --check, setup makes the streams that are missing and changes nothing that is there: a stream
that differs is an error that lists each difference. Then it checks all settings. --check only checks.
The exit code is not 0 if a setting fails.

With --print, nothing is asked of a server: `nats` prints the accounts and permissions for nats.conf,
`nack` prints the streams as resources for NACK, the controller of JetStream in Kubernetes. `keys` makes
new keys for all identities, and prints them as Secrets for Kubernetes.

Examples:
  orewatch setup --log nats://localhost:4222
  orewatch setup --log nats://nats:4222 --log-replicas 3 --nats-nkey /run/secrets/setup.nk
  orewatch setup --log nats://localhost:4222 --check --monitor http://localhost:8222
  orewatch setup --print nats --instances 2 --nkey exposure=UB5...
  orewatch setup --print keys | kubectl -n orewatch create -f -")]
pub(crate) struct Args {
    /// NATS server: nats://HOST:PORT, several separated by commas
    #[arg(long, value_name = "LOG")]
    log: Option<String>,
    /// Only check, and make nothing
    #[arg(long)]
    check: bool,
    /// Address of a server's monitoring port, to check how it writes to its disk
    #[arg(long, value_name = "URL")]
    monitor: Option<String>,
    /// Print configuration instead: nats, nack or keys
    #[arg(long, value_name = "WHAT", conflicts_with_all = ["check", "monitor"])]
    print: Option<print::What>,
    /// With --print nats: number of processes of each service
    #[arg(long, value_name = "NUMBER", default_value_t = 3)]
    instances: usize,
    /// With --print nats: public key of an identity [default: a variable such as $OREWATCH_NKEY_EXPOSURE]
    #[arg(long, value_name = "NAME=KEY")]
    nkey: Vec<String>,
    #[command(flatten)]
    nats: NatsOptions,
    #[command(flatten)]
    output: OutputOptions,
}

impl Keyed for Args {
    fn flags(&self) -> Flags {
        let own = given([("log", &self.log)]);
        own.into_iter().chain(self.nats.flags()).chain(self.output.flags()).collect()
    }
}

/// Runs the command.
pub(crate) async fn run(args: Args, session: Session) -> Result<(), Failure> {
    let settings = session.settings(&[&args])?;
    let out = args.output.output(session.out(&settings)?)?;
    if let Some(what) = args.print {
        return out.text(&print::configuration(what, &settings, args.instances, &args.nkey)?);
    }
    let nats = connect(&settings).await?;
    if !args.check {
        make(&nats).await?;
    }
    let mut findings = nats.check(&LOGS).await?;
    findings.extend(nats.check_stream(LEASES).await?);
    findings.extend(monitor::findings(args.monitor.as_deref(), &*session.clock).await?);
    out.rows(&findings)?;
    conclude(&out, &findings)
}

async fn connect(settings: &Settings) -> Result<JetStream, Failure> {
    let missing = || {
        Failure::new(Class::Invalid, "missing-setting", "setup needs the address of a NATS server")
            .with_hint("set --log nats://HOST:PORT or OREWATCH_LOG; an embedded log needs no setup")
    };
    match settings.get::<LogTarget>("log")? {
        Some(LogTarget::Nats(servers)) => {
            Ok(jetstream::connect(&servers, jetstream_options(settings, "setup")?).await?)
        }
        Some(LogTarget::Embedded(_)) | None => Err(missing()),
    }
}

/// Makes the streams that are missing.
async fn make(nats: &JetStream) -> Result<(), Failure> {
    for log in LOGS {
        let what = match nats.make(log).await? {
            Made::Now => "made",
            Made::Before => "was there",
        };
        print_message(&format!("log {log}: {what}"));
    }
    nats.make(LEASES).await?;
    Ok(())
}

impl Row for Finding {
    fn columns() -> Vec<Column<Self>> {
        vec![
            column("verdict", |one: &Self| Cell::text(verdict(one.verdict))).shown("", Left),
            column("setting", |one: &Self| Cell::text(&one.setting)).shown("setting", Left),
            column("wanted", |one: &Self| Cell::text(&one.wanted)).shown("wanted", Left),
            column("found", |one: &Self| Cell::text(&one.found)).shown("found", Left),
            column("remedy", |one: &Self| Cell::text(&one.remedy)).shown("remedy", Left).unless_empty(),
        ]
    }
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Fail => "fail",
        Verdict::Unknown => "unknown",
    }
}

/// Whether all that could be checked is good.
fn conclude(out: &Out, findings: &[Finding]) -> Result<(), Failure> {
    let count = |wanted| findings.iter().filter(|one| one.verdict == wanted).count();
    let (failed, unknown) = (count(Verdict::Fail), count(Verdict::Unknown));
    if unknown > 0 && out.format == crate::options::Format::Table {
        print_message(&format!("{unknown} settings could not be checked."));
    }
    if failed == 0 {
        return Ok(());
    }
    let message = format!("{failed} settings are not as they must be");
    Err(Failure::new(Class::Misconfigured, "log-misconfigured", message)
        .with_hint("the remedy stands beside each; run the command again afterwards"))
}
