//! Comparison with Prometheus and Alertmanager, in the versions on the path.
//!
//! The programs do not do the same, so each line says what was done:
//!
//! - Prometheus evaluates all rules over all series that they select, at every interval. Orewatch does so
//!   once, at the start; afterwards it evaluates only what a commit changes. Each of our rules follows all
//!   periods of a subject, and the newest period decides. For Prometheus a period is a label: its rules are
//!   measured on the series of the newest period, where the same alerts fire, and on all series. The cost of
//!   ingesting its samples is left out; the cost of folding our figures is included.
//! - Alertmanager receives alerts, keeps them in memory and writes a snapshot every 15 minutes. Orewatch
//!   evaluates exposures, and flushes every transition to disk before it counts; its client runs in the same
//!   process and is included.
mod alertmanager;
mod prometheus;

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use crate::{Options, usage};

/// Maximum time to wait for anything.
const PATIENCE: Duration = Duration::from_mins(10);
/// Pause between two checks of the progress of a peer.
const PAUSE: Duration = Duration::from_millis(50);

pub(crate) async fn report(options: &Options) {
    if is_there("prometheus", "prometheus") && is_there("promtool", "prometheus") {
        prometheus::report(options).await;
    }
    if is_there("prometheus-alertmanager", "prometheus-alertmanager") {
        alertmanager::report(options).await;
    }
}

/// Whether a program is on the path. If it is not, prints the Debian package that has it.
fn is_there(program: &str, package: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).any(|folder| folder.join(program).is_file());
    if !found {
        println!("  {program} is not on the path (Debian: apt-get install {package}); left out");
    }
    found
}

/// Name and version of a program.
fn version(program: &str) -> String {
    let version = orewatch_tests::tools::output(Command::new(program).arg("--version"));
    let text =
        String::from_utf8_lossy(if version.stdout.is_empty() { &version.stderr } else { &version.stdout })
            .into_owned();
    let version = text.split_whitespace().skip_while(|word| *word != "version").nth(1).unwrap_or("?");
    version.trim_end_matches(['+', 'd', 's']).to_owned()
}

/// A peer that serves HTTP on loopback. Killed when dropped.
struct Peer {
    child: Child,
    url: String,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Peer {
    /// Starts a program in a folder with a free address, and waits until it is ready.
    async fn start(program: &str, args: &[&str], folder: &Path) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let address = listener.local_addr().expect("an address");
        drop(listener);
        let log = folder.join(format!("{program}.log"));
        let child = Command::new(program)
            .args(args)
            .arg(format!("--web.listen-address={address}"))
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log).expect("a file for its log"))
            .spawn();
        let child = child.unwrap_or_else(|error| panic!("{program} does not start: {error}"));
        let client = Client::builder(TokioExecutor::new()).build_http();
        let mut peer = Self { child, url: format!("http://{address}"), client };
        let began = Instant::now();
        while peer.try_get("/-/ready").await.is_none() {
            let ended = peer.child.try_wait().expect("it can be asked");
            if ended.is_some() || began.elapsed() > PATIENCE {
                panic!("{program} is not ready: {}", fs::read_to_string(&log).unwrap_or_default());
            }
            tokio::time::sleep(PAUSE).await;
        }
        peer
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> Option<Bytes> {
        let answer =
            tokio::time::timeout(PATIENCE, self.client.request(request)).await.expect("an answer in time");
        let answer = answer.ok().filter(|answer| answer.status().is_success())?;
        let body =
            tokio::time::timeout(PATIENCE, answer.into_body().collect()).await.expect("all of it in time");
        Some(body.ok()?.to_bytes())
    }

    async fn try_get(&self, path: &str) -> Option<Bytes> {
        let request = Request::get(format!("{}{path}", self.url)).body(Full::default());
        self.send(request.expect("a request")).await
    }

    async fn get(&self, path: &str) -> Bytes {
        self.try_get(path).await.unwrap_or_else(|| panic!("{path} is answered"))
    }

    async fn post(&self, path: &str, json: Vec<u8>) {
        let request = Request::post(format!("{}{path}", self.url))
            .header("content-type", "application/json")
            .body(Full::from(json));
        self.send(request.expect("a request")).await.unwrap_or_else(|| panic!("{path} is taken"));
    }

    /// Sum of a metric over its labels.
    async fn metric(&self, name: &str) -> f64 {
        let text = self.get("/metrics").await;
        let text = String::from_utf8_lossy(&text);
        let values = text.lines().filter_map(|line| {
            let rest = line.strip_prefix(name).filter(|rest| rest.starts_with(['{', ' ']))?;
            rest.rsplit(' ').next()?.parse::<f64>().ok()
        });
        values.sum()
    }

    /// CPU seconds so far.
    fn cpu(&self) -> f64 {
        usage::cpu_of(self.child.id())
    }

    /// Peak memory in MiB.
    fn peak(&self) -> f64 {
        usage::peak_memory(self.child.id())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // The process may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
