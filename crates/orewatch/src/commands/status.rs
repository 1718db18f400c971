//! `status`: shows how a process of services is, as its admin port says.
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use hyper::Method;
use orewatch_contracts::{Class, Failure};
use serde::{Deserialize, Serialize};

use crate::options::{Flags, Format, Keyed, OutputOptions, given};
use crate::plain_http;
use crate::render::Align::{Left, Right};
use crate::render::{Cell, Column, Out, Row, column, number, table};
use crate::session::Session;
use crate::words::grouped;

/// Default of `--admin`.
const DEFAULT_ADMIN: &str = "http://127.0.0.1:9464";

/// Usual admin port.
const DEFAULT_PORT: u16 = 9464;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The process must have an admin port: start it with --admin ADDRESS. States, from good to bad: ready,
lagging (behind a log for more than 30 s), starting (folding a log), cut_off (a log cannot be reached),
stuck (a log cannot be read on until somebody acts), stopping.

Examples:
  orewatch status
  orewatch status --admin http://exposure:9464 --format json
  orewatch status --dump

Exit codes: 0 ready; 4 not ready, or no process answers.")]
pub(crate) struct Args {
    /// Address of the admin port, http://HOST:PORT or IP:PORT [default: http://127.0.0.1:9464]
    #[arg(long, value_name = "URL")]
    admin: Option<String>,
    /// Write the state of workers and logs to the log of the process as well, as SIGQUIT does
    #[arg(long)]
    dump: bool,
    #[command(flatten)]
    output: OutputOptions,
}

impl Keyed for Args {
    fn flags(&self) -> Flags {
        given([("admin", &self.admin)]).into_iter().chain(self.output.flags()).collect()
    }
}

/// How a process is. Fields of later versions are ignored.
#[derive(Debug, Deserialize, Serialize)]
struct Status {
    version: String,
    state: String,
    ready: bool,
    services: BTreeMap<String, ServiceStatus>,
    logs: Vec<LogRow>,
    workers: BTreeMap<String, usize>,
    computations: Computations,
    call_bytes: u64,
}

#[derive(Debug, Deserialize, Serialize)]
struct ServiceStatus {
    state: String,
    ready: bool,
}

#[derive(Debug, Deserialize, Serialize)]
struct Computations {
    running: usize,
    waiting: usize,
}

/// A log as one service follows it.
#[derive(Debug, Deserialize, Serialize)]
struct LogRow {
    service: String,
    log: String,
    state: String,
    position: u64,
    head: Option<u64>,
    behind_seconds: f64,
    reason: Option<String>,
}

impl Row for LogRow {
    fn columns() -> Vec<Column<Self>> {
        let optional = |count: Option<u64>| count.map(grouped).unwrap_or_default();
        vec![
            column("service", |row: &Self| Cell::text(&row.service)).shown("service", Left),
            column("log", |row: &Self| Cell::text(&row.log)).shown("log", Left),
            column("state", |row: &Self| Cell::text(&row.state)).shown("state", Left),
            column("position", |row: &Self| Cell::count(row.position))
                .shown_as("position", Right, |row| grouped(row.position)),
            column("head", |row: &Self| Cell::Count(row.head))
                .shown_as("of", Right, move |row| optional(row.head)),
            column("behind_s", |row: &Self| Cell::Number(Some(row.behind_seconds))).shown_as(
                "behind, s",
                Right,
                |row| number(row.behind_seconds, 0),
            ),
            column("reason", |row: &Self| Cell::text(row.reason.clone().unwrap_or_default()))
                .shown("reason", Left)
                .unless_empty(),
        ]
    }
}

/// Runs the command.
pub(crate) async fn run(args: Args, session: Session) -> Result<(), Failure> {
    let settings = session.settings(&[&args])?;
    let out = args.output.output(session.out(&settings)?)?;
    let address = admin_url(&settings.get_or("admin", DEFAULT_ADMIN.to_owned())?);
    let status = ask(&address, args.dump).await?;
    match out.format {
        Format::Json => out.json(&status)?,
        Format::Csv => out.rows(&status.logs)?,
        Format::Table => out.text(&page(&out, &status))?,
    }
    if status.ready {
        return Ok(());
    }
    let message = format!("the process is not ready for calls: it is {}", status.state);
    Err(Failure::new(Class::Unavailable, "starting", message))
}

async fn ask(address: &str, dump: bool) -> Result<Status, Failure> {
    let (method, path) = if dump { (Method::POST, "/dump") } else { (Method::GET, "/status") };
    let failed = |reason: &str| {
        Failure::new(Class::Unavailable, "no-server", format!("the admin port does not answer: {reason}"))
            .at("admin", address)
            .with_hint("start the services with --admin ADDRESS, and name that address here")
    };
    let response = plain_http::request(method, address, DEFAULT_PORT, path).await;
    let (status, body) = response.map_err(|reason| failed(&reason))?;
    if !status.is_success() {
        return Err(failed(&format!("it says {status}; is this another port?")));
    }
    serde_json::from_slice(&body).map_err(|error| failed(&format!("it says something else: {error}")))
}

/// The address to ask. A process may be configured to listen on all addresses of its machine: then it is
/// asked on this one.
fn admin_url(text: &str) -> String {
    let Ok(mut address) = text.parse::<SocketAddr>() else { return text.to_owned() };
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    format!("http://{address}")
}

fn page(out: &Out, status: &Status) -> String {
    let Status { version, state, services, logs, workers, computations, call_bytes, .. } = status;
    let services: Vec<_> =
        services.iter().map(|(name, service)| format!("{name} is {}", service.state)).collect();
    let workers: Vec<_> = workers.iter().map(|(name, count)| format!("{name} ({count})")).collect();
    let Computations { running, waiting } = computations;
    let mut text = format!("{}  version {version}\n", out.style.bold(state));
    text.push_str(&format!("{}\n\n{}\n", services.join(", "), table(out, logs)));
    text.push_str(&format!("workers: {}\n", workers.join(", ")));
    text.push_str(&format!("computations: {running} run, {waiting} wait; "));
    text.push_str(&format!("calls hold {} bytes\n", grouped(*call_bytes)));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_listens_everywhere_is_asked_here() {
        assert_eq!(admin_url("0.0.0.0:9464"), "http://127.0.0.1:9464");
        assert_eq!(admin_url("[::]:1"), "http://[::1]:1");
        assert_eq!(admin_url("10.1.2.3:9464"), "http://10.1.2.3:9464");
        assert_eq!(admin_url("http://exposure:9464"), "http://exposure:9464");
    }
}
