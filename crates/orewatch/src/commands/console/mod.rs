//! `console`: data by URL and pages for browsers. It runs alone, asking services at their addresses, or
//! beside the services of `up`.
mod tables;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use orewatch_console::{Channels, Config};
use orewatch_contracts::{Class, Failure};
use orewatch_runtime::{Access, ClientTls, Context, Server, Settings, client};
use tonic::service::RoutesBuilder;

use super::print_message;
use crate::options::access::{self, AccessOptions, has_callers};
use crate::options::{Flags, Keyed, given};
use crate::session::{DEFAULT_SERVER, Session};
use crate::settings::duration;
use crate::version::version;

/// Default of `--listen`, and of `up --console`.
const DEFAULT_LISTEN: &str = "127.0.0.1:7080";

/// Value of `up --console` without a console.
const OFF: &str = "off";

/// Default of `--timeout`: a person waits no longer.
const DEFAULT_TIMEOUT: &str = "60s";

/// Default of `--shutdown-budget`.
const DEFAULT_SHUTDOWN_BUDGET: &str = "10s";

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The console asks the services and passes the tokens of its callers on to them. It needs no log, no
disk, and no rights of its own. `orewatch up` runs one beside the services.

Examples:
  orewatch console
  orewatch console --server http://127.0.0.1:7070 --listen 127.0.0.1:7080
  orewatch console --listen 0.0.0.0:7080 --tokens-file /etc/orewatch/tokens.toml \\
      --tls-cert /etc/orewatch/tls.crt --tls-key /etc/orewatch/tls.key \\
      --ingestion https://ingestion:7071 --exposure https://exposure:7072 \\
      --alerting https://alerting:7073 --tls-ca /etc/orewatch/ca.crt
  curl 'http://127.0.0.1:7080/api/v1/exposures.csv?consumer=DEU&measure=import-share'")]
pub(crate) struct Args {
    /// Address to listen on, IP:PORT; port 0 picks a free port [default: 127.0.0.1:7080]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Address of the services [default: http://127.0.0.1:7070]
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// Address of the ingestion service [default: --server]
    #[arg(long, value_name = "URL")]
    ingestion: Option<String>,
    /// Address of the exposure service [default: --server]
    #[arg(long, value_name = "URL")]
    exposure: Option<String>,
    /// Address of the alerting service [default: --server]
    #[arg(long, value_name = "URL")]
    alerting: Option<String>,
    /// Authorities to trust for https addresses of services (PEM file) [default: those of the system]
    #[arg(long, value_name = "FILE")]
    tls_ca: Option<String>,
    #[command(flatten)]
    access: AccessOptions,
    /// Maximum wait for an answer of a service [default: 60s]
    #[arg(long, value_name = "DURATION")]
    timeout: Option<String>,
    /// Maximum time for an orderly shutdown [default: 10s]
    #[arg(long, value_name = "DURATION")]
    shutdown_budget: Option<String>,
}

impl Keyed for Args {
    fn flags(&self) -> Flags {
        let own = given([
            ("listen", &self.listen),
            ("server", &self.server),
            ("ingestion", &self.ingestion),
            ("exposure", &self.exposure),
            ("alerting", &self.alerting),
            ("tls-ca", &self.tls_ca),
            ("timeout", &self.timeout),
            ("shutdown-budget", &self.shutdown_budget),
        ]);
        self.access.flags().into_iter().chain(own).collect()
    }
}

/// Runs the console alone.
pub(crate) async fn run(args: Args, session: Session) -> Result<(), Failure> {
    let settings = session.settings(&[&args])?;
    let out = session.out(&settings)?;
    let listen = address(&settings, "listen", DEFAULT_LISTEN)?;
    let access = access::access(&settings, &session.clock)?;
    let tls = ClientTls::new(settings.get("tls-ca")?, None, Arc::clone(&session.clock));
    let config = config(&settings, listen, channels(&settings, &tls)?)?;
    let server = Server {
        listen,
        services: Vec::new(),
        clock: Arc::clone(&session.clock),
        shutdown_budget: duration(&settings, "shutdown-budget", DEFAULT_SHUTDOWN_BUDGET)?,
        access: access.for_web(),
    };
    let scheme = scheme(&server.access);
    let telemetry = session.telemetry(&settings, "orewatch-console", "info")?;
    let build = async move |context: Context, routes: &mut RoutesBuilder| {
        orewatch_console::start(&context, config, routes)
    };
    let ready = |address: SocketAddr| {
        // A script can read the port here. The server runs even if standard output is closed.
        let _unread = out.text(&format!("listening on {scheme}://{address}\n"));
        print_message("Running the console. Stop with Ctrl-C.");
    };
    Box::pin(orewatch_runtime::serve(server, telemetry, build, ready)).await
}

/// Channels to services at their addresses. None of them has to be there yet.
fn channels(settings: &Settings, tls: &ClientTls) -> Result<Channels, Failure> {
    let all = settings.get_or("server", DEFAULT_SERVER.to_owned())?;
    let channel = |key: &str| {
        let address = settings.get_or(key, all.clone())?;
        client::connect_lazily(&address, tls).map_err(|failure| failure.at(key, &address))
    };
    Ok(Channels {
        ingestion: channel("ingestion")?,
        exposure: channel("exposure")?,
        alerting: channel("alerting")?,
    })
}

fn config(settings: &Settings, listen: SocketAddr, channels: Channels) -> Result<Config, Failure> {
    Ok(Config {
        channels,
        tables: tables::tables(),
        version: version().to_owned(),
        deadline: duration(settings, "timeout", DEFAULT_TIMEOUT)?,
        is_for_this_machine: listen.ip().to_canonical().is_loopback() && !has_callers(settings),
    })
}

fn address(settings: &Settings, key: &'static str, default: &str) -> Result<SocketAddr, Failure> {
    let text = settings.get_or(key, default.to_owned())?;
    text.parse().map_err(|_| {
        Failure::new(Class::Invalid, "invalid-setting", format!("{key} is not an address"))
            .at(key, &text)
            .with_hint("write IP:PORT, such as 127.0.0.1:7080 or 0.0.0.0:7080")
    })
}

fn scheme(access: &Access) -> &'static str {
    if access.has_tls() { "https" } else { "http" }
}

/// The console beside the services of `up`.
#[derive(Debug)]
pub(crate) struct ConsoleBeside {
    server: Server,
    settings: Settings,
    /// Somebody asked for this address. Otherwise it is the usual one, which another process may have.
    is_asked_for: bool,
}

impl ConsoleBeside {
    /// Reads where the console listens. `None`: there is to be none.
    pub(crate) fn read(
        session: &Session,
        settings: &Settings,
        access: &Access,
        shutdown_budget: Duration,
    ) -> Result<Option<Self>, Failure> {
        if settings.get::<String>("console")?.as_deref() == Some(OFF) {
            return Ok(None);
        }
        let server = Server {
            listen: address(settings, "console", DEFAULT_LISTEN)?,
            services: Vec::new(),
            clock: Arc::clone(&session.clock),
            // What it asks stops after it.
            shutdown_budget: shutdown_budget / 2,
            access: access.clone().for_web(),
        };
        let is_asked_for = settings.source("console").is_some();
        Ok(Some(Self { server, settings: settings.clone(), is_asked_for }))
    }

    /// Starts the console in the context of the services, and says where it is. It stops with them.
    ///
    /// # Errors
    /// An address that cannot be used, if somebody asked for it.
    pub(crate) async fn start(self, context: &Context) -> Result<(), Failure> {
        let Self { server, settings, is_asked_for } = self;
        let (listen, scheme) = (server.listen, scheme(&server.access));
        let inside = context.inside.channel();
        let channels = Channels { ingestion: inside.clone(), exposure: inside.clone(), alerting: inside };
        let config = config(&settings, listen, channels)?;
        let build = async move |context: Context, routes: &mut RoutesBuilder| {
            orewatch_console::start(&context, config, routes)
        };
        let running = match Box::pin(server.start(build)).await {
            Ok(running) => running,
            Err(failure) if failure.code == "cannot-listen" && !is_asked_for => {
                print_message(&format!(
                    "No console: {listen} is in use. Choose another address with --console, or --console off."
                ));
                return Ok(());
            }
            Err(failure) => return Err(failure.at("console", listen.to_string())),
        };
        print_message(&format!("Console: {scheme}://{}", running.address()));
        let stop = context.shutdown.clone();
        context.spawn("console", async move {
            let failed = running.context().shutdown.clone();
            tokio::select! {
                () = stop.cancelled() => {}
                () = failed.cancelled() => {}
            }
            running.stop().await
        });
        Ok(())
    }
}
