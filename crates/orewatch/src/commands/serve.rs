//! `up` and `serve`: the services as a process.
use std::net::SocketAddr;
use std::path::PathBuf;

use orewatch_ingestion::connectors::Polling;
use orewatch_runtime::{Access, Class, Failure, LogTarget, Server, Settings};

use super::say;
use crate::house::{self, Ground, Service};
use crate::options::{Flags, Keyed, ServerOptions};
use crate::session::{Session, duration};

/// Where `up` keeps its data, if nothing else is said.
const DATA: &str = "./orewatch-data";

/// Where services listen, if nothing else is said.
const LISTEN: &str = "127.0.0.1:7070";

/// How long an ordered end may take, if nothing else is said.
const BUDGET: &str = "20s";

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Prints the address it listens on as its only line of output, and keeps its data between runs.

Examples:
  orewatch up
  orewatch up --data /var/lib/orewatch --listen 0.0.0.0:7070 --tokens-file /etc/orewatch/tokens.toml
  orewatch up --log nats://localhost:4222")]
pub(crate) struct UpArgs {
    /// Directory of the logs [default: ./orewatch-data]
    #[arg(long, value_name = "DIR", conflicts_with = "log")]
    data: Option<String>,
    #[command(flatten)]
    server: ServerOptions,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orewatch serve ingestion --log nats://localhost:4222 --listen 127.0.0.1:7071
  orewatch serve exposure  --log nats://localhost:4222 --listen 127.0.0.1:7072
  orewatch serve alerting  --log nats://localhost:4222 --listen 127.0.0.1:7073")]
pub(crate) struct ServeArgs {
    /// Which service
    service: Service,
    #[command(flatten)]
    server: ServerOptions,
}

impl Keyed for UpArgs {
    fn flags(&self) -> Flags {
        let data = self.data.clone().map(|data| ("data", data));
        self.server.flags().into_iter().chain(data).collect()
    }
}

/// Runs all services.
pub(crate) async fn up(args: UpArgs, session: Session) -> Result<(), Failure> {
    let settings = session.settings(&[&args])?;
    let target = match settings.get("log")? {
        // A directory on the command line is closer than a log elsewhere.
        Some(log) if args.data.is_none() => log,
        _ => LogTarget::Embedded(data(&settings)?),
    };
    run(&session, &settings, "orewatch", ground(&settings, target)?, &Service::ALL).await
}

/// Runs one service.
pub(crate) async fn serve(args: ServeArgs, session: Session) -> Result<(), Failure> {
    let settings = session.settings(&[&args.server])?;
    let target: LogTarget = settings.get("log")?.ok_or_else(|| {
        Failure::new(Class::Invalid, "config-missing", "a service on its own needs a log that others share")
            .with_hint("set log: --log nats://HOST:PORT (or OREWATCH_LOG); for all services in one process: orewatch up")
    })?;
    let name = format!("orewatch-{}", args.service.short());
    run(&session, &settings, &name, ground(&settings, target)?, &[args.service]).await
}

fn data(settings: &Settings) -> Result<PathBuf, Failure> {
    settings.get_or("data", PathBuf::from(DATA))
}

/// What the services stand on: a log, and what is kept beside it.
fn ground(settings: &Settings, log: LogTarget) -> Result<Ground, Failure> {
    let beside = match &log {
        LogTarget::Embedded(dir) => dir.clone(),
        LogTarget::Nats(_) => data(settings)?,
    };
    Ground::new(log, &beside, settings)
}

/// Who may call.
fn access(settings: &Settings) -> Result<Access, Failure> {
    match (settings.get::<PathBuf>("tokens-file")?, settings.get_or("open-to-all", false)?) {
        (Some(path), false) => Access::read(&path),
        (Some(path), true) => Err(Failure::new(
            Class::Invalid,
            "config-value",
            "both are set: tokens that may call, and that all may call",
        )
        .at("tokens-file", path.display().to_string())
        .with_hint("leave out --open-to-all, wherever it is set")),
        (None, true) => Ok(Access::open_to_all()),
        (None, false) => Ok(Access::open()),
    }
}

async fn run(
    session: &Session,
    settings: &Settings,
    name: &str,
    mut ground: Ground,
    services: &[Service],
) -> Result<(), Failure> {
    let out = session.out(settings)?;
    let server = Server {
        listen: settings.get_or("listen", LISTEN.to_owned())?.parse().map_err(|_| {
            Failure::new(Class::Invalid, "config-value", "listen is no address")
                .at("listen", settings.get_or("listen", String::new()).unwrap_or_default())
                .with_hint("write IP:PORT, such as 127.0.0.1:7070 or 0.0.0.0:7070")
        })?,
        services: services.iter().map(|service| service.name()).collect(),
        clock: std::sync::Arc::clone(&session.clock),
        shutdown_budget: duration(settings, "shutdown-budget", BUDGET)?,
        access: access(settings)?,
    };
    if services.contains(&Service::Ingestion) {
        let alone = matches!(ground.log, LogTarget::Embedded(_));
        ground.ingestion.polling = Polling { by_itself: true, alone, ..session.polling(settings)? };
        ground.ingestion.polling.ready()?;
    }
    let telemetry = session.telemetry(settings, name, "info")?;
    let names: Vec<&str> = services.iter().map(|service| service.short()).collect();
    let log = ground.log.clone();
    let ready = |address: SocketAddr| {
        // Nobody has to read it; a script that does learns the port.
        let _unread = out.text(&format!("listening on http://{address}\n"));
        say(&format!("{} on {log}; stop with Ctrl-C", names.join(", ")));
    };
    Box::pin(orewatch_runtime::serve(server, telemetry, house::build(ground, services), ready)).await
}
