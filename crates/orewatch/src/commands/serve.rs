//! `up` and `serve`: run services in this process until it is stopped.
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use orewatch_contracts::{Class, Failure};
use orewatch_ingestion::connectors::Polling;
use orewatch_runtime::{Access, Context, LogTarget, Server, Settings};
use tonic::service::RoutesBuilder;

use super::console::ConsoleBeside;
use super::print_message;
use crate::actors::names_in;
use crate::nats_options::NatsOptions;
use crate::options::access::{self, has_callers};
use crate::options::{Flags, Keyed, ServerOptions, given};
use crate::services::{self, Service, ServicesConfig};
use crate::session::Session;
use crate::settings::duration;

/// Default of `up --data`.
pub(crate) const DEFAULT_DATA: &str = "./orewatch-data";

/// Default of `--listen`.
const DEFAULT_LISTEN: &str = "127.0.0.1:7070";

/// Default of `--shutdown-budget`.
const DEFAULT_SHUTDOWN_BUDGET: &str = "20s";

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The only line on standard output is the address that the server listens on. Data is kept between
runs.

Examples:
  orewatch up
  orewatch up --data /var/lib/orewatch --listen 0.0.0.0:7070 \\
      --tokens-file /etc/orewatch/tokens.toml \\
      --tls-cert /etc/orewatch/tls.crt --tls-key /etc/orewatch/tls.key
  orewatch up --console off
  orewatch up --log nats://localhost:4222 --data /var/lib/orewatch")]
pub(crate) struct UpArgs {
    /// Directory for the embedded log and the archive; with --log nats://..., only for the archive and caches
    /// [default: ./orewatch-data]
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
    /// Address of the console, IP:PORT: data by URL, for spreadsheets, notebooks and browsers; or off
    /// [default: 127.0.0.1:7080]
    #[arg(long, value_name = "ADDRESS")]
    console: Option<String>,
    #[command(flatten)]
    server: ServerOptions,
    #[command(flatten)]
    nats: NatsOptions,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orewatch serve ingestion --log nats://localhost:4222 --listen 127.0.0.1:7071
  orewatch serve exposure  --log nats://localhost:4222 --listen 127.0.0.1:7072
  orewatch serve alerting  --log nats://localhost:4222 --listen 127.0.0.1:7073")]
pub(crate) struct ServeArgs {
    /// Service to run
    service: Service,
    /// Directory for the archive and caches [default: ./orewatch-data]
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
    #[command(flatten)]
    server: ServerOptions,
    #[command(flatten)]
    nats: NatsOptions,
}

impl Keyed for ServeArgs {
    fn flags(&self) -> Flags {
        let data = self.data.clone().map(|data| ("data", data));
        self.server.flags().into_iter().chain(self.nats.flags()).chain(data).collect()
    }
}

impl Keyed for UpArgs {
    fn flags(&self) -> Flags {
        let own = given([("data", &self.data), ("console", &self.console)]);
        self.server.flags().into_iter().chain(self.nats.flags()).chain(own).collect()
    }
}

impl UpArgs {
    /// The log. Without `--log` on the command line, `--data` on the command line overrides a log from the
    /// environment or the configuration file.
    fn log_target(&self, settings: &Settings) -> Result<LogTarget, Failure> {
        let log: Option<LogTarget> = settings.get("log")?;
        match (log, &self.data) {
            (Some(LogTarget::Embedded(dir)), Some(data)) if self.server.names_log() => {
                let message = format!("the log is in {}, and --data names another directory", dir.display());
                Err(Failure::new(Class::Invalid, "invalid-setting", message)
                    .at("data", data)
                    .with_hint("leave out one of --log and --data; they go together with --log nats://..."))
            }
            (Some(log), _) if self.data.is_none() || self.server.names_log() => Ok(log),
            _ => Ok(LogTarget::Embedded(data_directory(settings)?)),
        }
    }
}

/// Runs all services.
pub(crate) async fn up(args: UpArgs, session: Session) -> Result<(), Failure> {
    let settings = session.settings(&[&args])?;
    let target = args.log_target(&settings)?;
    let config = services_config(&settings, "orewatch", target)?;
    run(&session, &settings, "orewatch", config, &Service::ALL, true).await
}

/// Runs one service.
pub(crate) async fn serve(args: ServeArgs, session: Session) -> Result<(), Failure> {
    let settings = session.settings(&[&args])?;
    let target: LogTarget = settings.get("log")?.ok_or_else(|| {
        Failure::new(Class::Invalid, "missing-setting", "a single service needs a shared log")
            .with_hint("set --log nats://HOST:PORT (or OREWATCH_LOG), or run all services with `orewatch up`")
    })?;
    let name = format!("orewatch-{}", args.service.short());
    let config = services_config(&settings, args.service.short(), target)?;
    run(&session, &settings, &name, config, &[args.service], false).await
}

fn data_directory(settings: &Settings) -> Result<PathBuf, Failure> {
    settings.get_or("data", PathBuf::from(DEFAULT_DATA))
}

/// Reads the configuration of the services of the process `name` for a log.
fn services_config(settings: &Settings, name: &str, log: LogTarget) -> Result<ServicesConfig, Failure> {
    let beside = match &log {
        LogTarget::Embedded(dir) => dir.clone(),
        LogTarget::Nats(_) => data_directory(settings)?,
    };
    ServicesConfig::new(log, name, &beside, settings)
}

/// Reads which calls are accepted. Commands are recorded by pseudonyms if there is a place for the names.
fn access(session: &Session, settings: &Settings, config: &ServicesConfig) -> Result<Access, Failure> {
    let access = access::access(settings, &session.clock)?;
    let Some(place) = &config.actors else { return Ok(access) };
    Ok(access.with_names(names_in(place, has_callers(settings))?))
}

/// Runs services, with the console beside them if the process has one.
async fn run(
    session: &Session,
    settings: &Settings,
    name: &str,
    mut config: ServicesConfig,
    services: &[Service],
    has_console: bool,
) -> Result<(), Failure> {
    let out = session.out(settings)?;
    let server = Server {
        listen: settings.get_or("listen", DEFAULT_LISTEN.to_owned())?.parse().map_err(|_| {
            Failure::new(Class::Invalid, "invalid-setting", "listen is not an address")
                .at("listen", settings.get_or("listen", String::new()).unwrap_or_default())
                .with_hint("write IP:PORT, such as 127.0.0.1:7070 or 0.0.0.0:7070")
        })?,
        services: services.iter().map(|service| service.name()).collect(),
        clock: Arc::clone(&session.clock),
        shutdown_budget: duration(settings, "shutdown-budget", DEFAULT_SHUTDOWN_BUDGET)?,
        access: access(session, settings, &config)?,
    };
    let scheme = if server.access.has_tls() { "https" } else { "http" };
    let console = match has_console {
        true => ConsoleBeside::read(session, settings, &server.access, server.shutdown_budget)?,
        false => None,
    };
    if services.contains(&Service::Ingestion) {
        let is_sole_writer = matches!(config.log, LogTarget::Embedded(_));
        config.ingestion.polling =
            Polling { on_schedule: true, is_sole_writer, ..session.polling(settings)? };
        config.ingestion.polling.check_keys()?;
    }
    let telemetry = session.telemetry(settings, name, "info")?;
    let names: Vec<&str> = services.iter().map(|service| service.short()).collect();
    let log = config.log.clone();
    let build = services::build(config, services);
    let build = async move |context: Context, routes: &mut RoutesBuilder| {
        build(context.clone(), routes).await?;
        match console {
            Some(console) => console.start(&context).await,
            None => Ok(()),
        }
    };
    let ready = |address: SocketAddr| {
        // A script can read the port here. The server runs even if standard output is closed.
        let _unread = out.text(&format!("listening on {scheme}://{address}\n"));
        print_message(&format!("Running {} on {log}. Stop with Ctrl-C.", names.join(", ")));
    };
    Box::pin(orewatch_runtime::serve(server, telemetry, build, ready)).await
}
