//! Puts one process under load, and measures response times, errors and memory. The load consists of
//! connections that send a mix of queries, watchers of which half do not read, and commits.
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{fs, io};

use orewatch_catalog::{Economy, HsMatch, HsRevision, comtrade_number, concordance, economies, hs_codes};
use orewatch_contracts::alerting::v1::{ListAlertsRequest, SubscribeAlertsRequest};
use orewatch_contracts::common::v1::By;
use orewatch_contracts::exposure::v1::{
    CompareSourcesRequest, ExplainExposureRequest, ExposureFilter, GetExposureRequest, QueryExposuresRequest,
    StreamExposuresRequest, Subject, WatchExposuresRequest,
};
use orewatch_contracts::ingestion::v1::ListReleasesRequest;
use tokio::task::{JoinSet, spawn_blocking};
use tonic::Status;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::api::{Api, channel};
use crate::system::{Embedded, System as _, client};
use crate::tools::{output, text};

/// Number of economies that trade with each other.
const ECONOMIES: usize = 60;

/// Number of watchers that share a connection.
const WATCHERS_PER_CONNECTION: usize = 25;

/// Pause between two health checks.
const HEALTH_PAUSE: Duration = Duration::from_millis(20);

/// Number of health checks before the load.
const IDLE_HEALTH_CHECKS: usize = 50;

/// Pause between two commits.
const COMMIT_PAUSE: Duration = Duration::from_secs(10);

/// Pause between two measurements of memory.
const MEMORY_PAUSE: Duration = Duration::from_millis(100);

/// Size of a load.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Duration of the load.
    pub duration: Duration,
    /// Number of connections that send queries, each one query at a time.
    pub connections: usize,
    /// Number of watchers, half of figures and half of alerts. Every other one does not read.
    pub watchers: usize,
    /// Maximum time until memory is released after the load.
    pub rest: Duration,
}

/// Measurements of a load.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Response times, by query.
    pub times: BTreeMap<&'static str, Vec<Duration>>,
    /// Number of errors, by query and status code.
    pub errors: BTreeMap<(&'static str, String), usize>,
    /// Resident memory in bytes: before the load, at most, after it, and of a process that was restarted on
    /// the same data, which include what was committed meanwhile.
    pub memory: [u64; 4],
}

impl Outcome {
    /// The time within which `thousandth` of a thousand queries were answered.
    #[must_use]
    pub fn quantile(&self, query: &str, thousandth: usize) -> Duration {
        let mut times = self.times.get(query).cloned().unwrap_or_default();
        times.sort_unstable();
        let place = (times.len() * thousandth / 1000).min(times.len().saturating_sub(1));
        times.get(place).copied().unwrap_or_default()
    }

    fn note(&mut self, query: &'static str, begun: Instant, answer: Result<(), Status>) {
        self.times.entry(query).or_default().push(begun.elapsed());
        if let Err(status) = answer {
            *self.errors.entry((query, format!("{:?}", status.code()))).or_default() += 1;
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<20} {:>9} {:>10} {:>10} {:>10}", "query", "responses", "p50 ms", "p99 ms", "max ms")?;
        for (query, times) in &self.times {
            let [half, most, all] = [500, 990, 1000].map(|part| self.quantile(query, part).as_millis());
            writeln!(f, "{query:<20} {:>9} {half:>10} {most:>10} {all:>10}", times.len())?;
        }
        for ((query, code), count) in &self.errors {
            writeln!(f, "error {query}: {code} x {count}")?;
        }
        let [before, peak, after, restarted] = self.memory.map(|bytes| bytes >> 20);
        writeln!(
            f,
            "memory: {before} MiB before, {peak} MiB at most, {after} MiB after, {restarted} MiB restarted"
        )
    }
}

/// What the tasks of a load share.
#[derive(Clone)]
struct Shared {
    address: String,
    process: u32,
    outcome: Arc<Mutex<Outcome>>,
    /// Set when the load is over.
    over: Arc<AtomicBool>,
}

/// Starts a process, puts it under load, and measures.
///
/// # Errors
/// If the process does not start or does not become ready.
pub async fn run_load(load: Load) -> Result<Outcome, Status> {
    let mut system = Embedded::start();
    let (address, process) = (system.addresses()[0].to_owned(), system.process());
    let shared = Shared { address, process, outcome: Arc::default(), over: Arc::default() };
    shared.ingest(system.data(), 0).await;
    system.api().settled().await?;
    // Send each query once, so that memory which is allocated on first use counts as before the load.
    for number in 0..QUERIES {
        let _first = send_query(&system.api(), number).await;
    }
    shared.clone().measure_idle().await;
    let mut asking = JoinSet::new();
    for number in 0..load.connections {
        asking.spawn(shared.clone().send_queries(number));
    }
    asking.spawn(shared.clone().check_health());
    asking.spawn(shared.clone().measure_memory());
    let mut watchers = JoinSet::new();
    // Those that do not read have connections of their own: they hold up all that share one with them.
    let (reading, unread): (Vec<_>, Vec<_>) = (0..load.watchers).partition(|number| is_reader(*number));
    for numbers in reading.chunks(WATCHERS_PER_CONNECTION).chain(unread.chunks(WATCHERS_PER_CONNECTION)) {
        let api = Api::at(&shared.address);
        for number in numbers {
            watchers.spawn(watch(api.clone(), *number, Arc::clone(&shared.outcome)));
        }
    }
    let (ends, mut commits) = (Instant::now() + load.duration, 1);
    while Instant::now() < ends {
        tokio::time::sleep(COMMIT_PAUSE.min(ends - Instant::now())).await;
        shared.ingest(system.data(), commits).await;
        commits += 1;
    }
    shared.over.store(true, Ordering::Relaxed);
    asking.join_all().await;
    watchers.shutdown().await;
    // Memory is released with some delay.
    let (before, until) = (lock(&shared.outcome).memory[0], Instant::now() + load.rest);
    while resident_memory(process) > before * 3 / 2 && Instant::now() < until {
        tokio::time::sleep(MEMORY_PAUSE).await;
    }
    lock(&shared.outcome).memory[2] = resident_memory(process);
    system.stop();
    system.restart();
    system.api().settled().await?;
    lock(&shared.outcome).memory[3] = resident_memory(system.process());
    let outcome = std::mem::take(&mut *lock(&shared.outcome));
    Ok(outcome)
}

impl Shared {
    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// Measures health and memory without a load, for comparison.
    async fn measure_idle(self) {
        let mut client = HealthClient::new(channel(&self.address));
        for _ in 0..IDLE_HEALTH_CHECKS {
            let begun = Instant::now();
            let answer = client.check(HealthCheckRequest::default()).await.map(drop);
            lock(&self.outcome).note("health before", begun, answer);
            tokio::time::sleep(HEALTH_PAUSE).await;
        }
        lock(&self.outcome).memory = [resident_memory(self.process); 4];
    }

    /// Sends one query after another on a connection.
    async fn send_queries(self, mut number: usize) {
        let api = Api::at(&self.address);
        while !self.is_over() {
            let begun = Instant::now();
            let (query, answer) = send_query(&api, number).await;
            lock(&self.outcome).note(query, begun, answer);
            number += 1;
        }
    }

    async fn check_health(self) {
        let mut client = HealthClient::new(channel(&self.address));
        while !self.is_over() {
            let begun = Instant::now();
            let answer = client.check(HealthCheckRequest::default()).await.map(drop);
            lock(&self.outcome).note("health", begun, answer);
            tokio::time::sleep(HEALTH_PAUSE).await;
        }
    }

    /// Records the maximum of resident memory.
    async fn measure_memory(self) {
        while !self.is_over() {
            let now = resident_memory(self.process);
            {
                let mut outcome = lock(&self.outcome);
                outcome.memory[1] = outcome.memory[1].max(now);
            }
            tokio::time::sleep(MEMORY_PAUSE).await;
        }
    }

    /// Ingests generated trade. Each number is another vintage with other figures.
    async fn ingest(&self, folder: &Path, number: usize) {
        let path = folder.join(format!("BACI_HS92_Y2024_V{}.csv", 202_601 + number));
        write_table(&path, number).expect("the table can be written");
        let path = path.to_str().expect("a UTF-8 path").to_owned();
        let server = format!("http://{}", self.address);
        let begun = Instant::now();
        let ingested = spawn_blocking(move || output(&mut client(&server, &["ingest", &path]))).await;
        let ingested = ingested.expect("the client ends");
        let ended =
            if ingested.status.success() { Ok(()) } else { Err(Status::unknown(text(&ingested.stderr))) };
        lock(&self.outcome).note("commit", begun, ended);
    }
}

fn lock(outcome: &Mutex<Outcome>) -> std::sync::MutexGuard<'_, Outcome> {
    outcome.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Number of different queries.
const QUERIES: usize = 8;

/// Sends a query of the mix. Returns its name and result.
async fn send_query(api: &Api, number: usize) -> (&'static str, Result<(), Status>) {
    let (mut exposure, mut alerting, mut ingestion) =
        (api.exposure.clone(), api.alerting.clone(), api.ingestion.clone());
    let consumer =
        current_economies().nth(number * 7 % ECONOMIES).map_or("DEU", |economy| economy.iso3).to_owned();
    let subject = |measure: &str| {
        let [material, stage, measure, supplier] = ["rare-earths", "refined", measure, ""].map(str::to_owned);
        Some(Subject { consumer: consumer.clone(), material, stage, supplier, measure, by: By::Value.into() })
    };
    let as_of = "2024".to_owned();
    match number % QUERIES {
        0 | 1 => {
            let request = GetExposureRequest { subject: subject("import-hhi"), as_of, ..Default::default() };
            ("get", exposure.get_exposure(request).await.map(drop))
        }
        2 => {
            let filter = ExposureFilter { consumers: vec![consumer], ..Default::default() };
            let request = QueryExposuresRequest { filter: Some(filter), trend: true, ..Default::default() };
            ("query consumer", exposure.query_exposures(request).await.map(drop))
        }
        3 => {
            let filter = ExposureFilter { measures: vec!["import-hhi".to_owned()], ..Default::default() };
            let request = QueryExposuresRequest { filter: Some(filter), ..Default::default() };
            ("query measure", exposure.query_exposures(request).await.map(drop))
        }
        4 => {
            let request =
                ExplainExposureRequest { subject: subject("import-hhi"), as_of, ..Default::default() };
            ("explain", exposure.explain_exposure(request).await.map(drop))
        }
        5 => {
            let request =
                CompareSourcesRequest { subject: subject("import-hhi"), as_of, ..Default::default() };
            ("compare", exposure.compare_sources(request).await.map(drop))
        }
        6 => {
            let filter = ExposureFilter { materials: vec!["lithium".to_owned()], ..Default::default() };
            let request = StreamExposuresRequest { filter: Some(filter), ..Default::default() };
            let streamed = async {
                let mut stream = exposure.stream_exposures(request).await?.into_inner();
                while stream.message().await?.is_some() {}
                Ok(())
            };
            ("stream", streamed.await)
        }
        _ => {
            let releases = ingestion.list_releases(ListReleasesRequest::default()).await.map(drop);
            let alerts = alerting.list_alerts(ListAlertsRequest::default()).await.map(drop);
            ("lists", releases.and(alerts))
        }
    }
}

/// Whether a watcher reads: every other one does.
fn is_reader(number: usize) -> bool {
    number.is_multiple_of(2)
}

/// Watches figures or alerts from the beginning. Every other watcher does not read.
async fn watch(mut api: Api, number: usize, outcome: Arc<Mutex<Outcome>>) {
    let is_read = is_reader(number);
    let ended = if number % 4 < 2 {
        let request = WatchExposuresRequest { resume_token: "beginning".to_owned(), ..Default::default() };
        match api.exposure.watch_exposures(endless(request)).await {
            Ok(stream) => read(stream.into_inner(), is_read).await,
            Err(status) => Err(status),
        }
    } else {
        let request = SubscribeAlertsRequest { snapshot: true, ..Default::default() };
        match api.alerting.subscribe_alerts(endless(request)).await {
            Ok(stream) => read(stream.into_inner(), is_read).await,
            Err(status) => Err(status),
        }
    };
    if is_read {
        lock(&outcome).note("watch ended", Instant::now(), ended);
    }
}

fn endless<T>(message: T) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    request.set_timeout(Duration::from_secs(3600));
    request
}

async fn read<T>(mut stream: tonic::Streaming<T>, is_read: bool) -> Result<(), Status> {
    if !is_read {
        std::future::pending::<()>().await;
    }
    while stream.message().await?.is_some() {}
    Ok(())
}

/// Resident memory of a process in bytes. 0 if it cannot be read.
fn resident_memory(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or_default() << 10
}

/// Economies that exist today.
fn current_economies() -> impl Iterator<Item = &'static Economy> {
    economies().iter().filter(|economy| economy.until.is_none())
}

/// Whether a code stands for a material in the revision of the table.
fn is_in_scope(code: &str) -> bool {
    matches!(concordance(HsRevision::Hs92, code), HsMatch::InScope(_))
}

/// Writes a table in the format of BACI, with every product of the catalogue.
fn write_table(path: &Path, number: usize) -> io::Result<()> {
    let codes = current_economies().filter_map(|economy| comtrade_number(economy.iso3));
    let codes: Vec<_> = codes.take(ECONOMIES).collect();
    let products: std::collections::BTreeSet<_> =
        hs_codes().iter().map(|code| code.code).filter(|code| is_in_scope(code)).collect();
    let mut text = String::from("t,i,j,k,v,q\n");
    for from in &codes {
        for to in codes.iter().filter(|to| *to != from) {
            for (place, product) in products.iter().enumerate() {
                let mixed = usize::from(*from) * 31 + usize::from(*to) * 17 + place * 7;
                if mixed % 5 == 0 {
                    let tonnes = 1 + (mixed + number * usize::from(mixed % 11 == 0)) % 997;
                    text.push_str(&format!("2024,{from},{to},{product},{}.5,{tonnes}.25\n", tonnes * 3));
                }
            }
        }
    }
    fs::write(path, text)
}
