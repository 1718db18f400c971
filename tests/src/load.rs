//! A load on one process: connections that ask a mix of questions, and watchers of which half do not read, beside commits; what
//! comes of it in time, errors and memory.
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
use crate::system::{Embedded, System as _, run};

/// Economies that trade with each other.
const ECONOMIES: usize = 60;

/// Watchers that share a connection.
const WATCHERS_PER_CONNECTION: usize = 25;

/// Between two questions after its health.
const HEALTH: Duration = Duration::from_millis(20);

/// Questions after its health before the load.
const IDLE_QUESTIONS: usize = 50;

/// Between two commits.
const COMMIT: Duration = Duration::from_secs(10);

/// Between two looks at the memory.
const LOOK: Duration = Duration::from_millis(100);

/// How much is asked.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// For how long.
    pub duration: Duration,
    /// Connections that ask, each one question at a time.
    pub connections: usize,
    /// Watchers, half of figures and half of alerts; every other one does not read.
    pub watchers: usize,
    /// How long memory may take to come back afterwards.
    pub rest: Duration,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Times of answers, by question.
    pub times: BTreeMap<&'static str, Vec<Duration>>,
    /// Errors, by question and code.
    pub errors: BTreeMap<(&'static str, String), usize>,
    /// Resident memory in bytes: before, the most, and after.
    pub memory: [u64; 3],
}

impl Outcome {
    /// The time within which so many in a thousand questions were answered.
    #[must_use]
    pub fn quantile(&self, question: &str, thousandth: usize) -> Duration {
        let mut times = self.times.get(question).cloned().unwrap_or_default();
        times.sort_unstable();
        let place = (times.len() * thousandth / 1000).min(times.len().saturating_sub(1));
        times.get(place).copied().unwrap_or_default()
    }

    fn note(&mut self, question: &'static str, begun: Instant, answer: Result<(), Status>) {
        self.times.entry(question).or_default().push(begun.elapsed());
        if let Err(status) = answer {
            *self.errors.entry((question, format!("{:?}", status.code()))).or_default() += 1;
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<20} {:>9} {:>10} {:>10} {:>10}",
            "question", "answers", "p50 ms", "p99 ms", "max ms"
        )?;
        for (question, times) in &self.times {
            let [half, most, all] = [500, 990, 1000].map(|part| self.quantile(question, part).as_millis());
            writeln!(f, "{question:<20} {:>9} {half:>10} {most:>10} {all:>10}", times.len())?;
        }
        for ((question, code), count) in &self.errors {
            writeln!(f, "error {question}: {code} x {count}")?;
        }
        let [before, peak, after] = self.memory.map(|bytes| bytes >> 20);
        writeln!(f, "memory: {before} MiB before, {peak} MiB at most, {after} MiB after")
    }
}

/// What those who ask share.
#[derive(Clone)]
struct Shared {
    address: String,
    process: u32,
    outcome: Arc<Mutex<Outcome>>,
    /// Nobody asks any more.
    over: Arc<AtomicBool>,
}

/// Puts a process under load.
///
/// # Errors
/// Where the process does not start or is not ready.
pub async fn put(load: Load) -> Result<Outcome, Status> {
    let system = Embedded::start();
    let (address, process) = (system.addresses()[0].to_owned(), system.process());
    let shared = Shared { address, process, outcome: Arc::default(), over: Arc::default() };
    shared.ingest(system.data(), 0).await;
    system.api().settled().await?;
    // Everything has been asked for once: what is made on first use is there.
    for number in 0..QUESTIONS {
        let _first = ask(&system.api(), number).await;
    }
    shared.clone().before().await;
    let mut asking = JoinSet::new();
    for number in 0..load.connections {
        asking.spawn(shared.clone().questions(number));
    }
    asking.spawn(shared.clone().health());
    asking.spawn(shared.clone().memory());
    let mut watchers = JoinSet::new();
    for first in (0..load.watchers).step_by(WATCHERS_PER_CONNECTION) {
        let api = Api::at(&shared.address);
        for number in first..load.watchers.min(first + WATCHERS_PER_CONNECTION) {
            watchers.spawn(watch(api.clone(), number, Arc::clone(&shared.outcome)));
        }
    }
    let (ends, mut commits) = (Instant::now() + load.duration, 1);
    while Instant::now() < ends {
        tokio::time::sleep(COMMIT.min(ends - Instant::now())).await;
        shared.ingest(system.data(), commits).await;
        commits += 1;
    }
    shared.over.store(true, Ordering::Relaxed);
    asking.join_all().await;
    watchers.shutdown().await;
    // What is given back comes back in its time.
    let (before, until) = (lock(&shared.outcome).memory[0], Instant::now() + load.rest);
    while resident(process) > before * 3 / 2 && Instant::now() < until {
        tokio::time::sleep(LOOK).await;
    }
    lock(&shared.outcome).memory[2] = resident(process);
    let outcome = std::mem::take(&mut *lock(&shared.outcome));
    Ok(outcome)
}

impl Shared {
    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// Notes how things are without a load: what health takes then is the machine's own.
    async fn before(self) {
        let mut client = HealthClient::new(channel(&self.address));
        for _ in 0..IDLE_QUESTIONS {
            let begun = Instant::now();
            let answer = client.check(HealthCheckRequest::default()).await.map(drop);
            lock(&self.outcome).note("health before", begun, answer);
            tokio::time::sleep(HEALTH).await;
        }
        lock(&self.outcome).memory = [resident(self.process); 3];
    }

    /// Asks one question after another on a connection.
    async fn questions(self, mut number: usize) {
        let api = Api::at(&self.address);
        while !self.is_over() {
            let begun = Instant::now();
            let (question, answer) = ask(&api, number).await;
            lock(&self.outcome).note(question, begun, answer);
            number += 1;
        }
    }

    async fn health(self) {
        let mut client = HealthClient::new(channel(&self.address));
        while !self.is_over() {
            let begun = Instant::now();
            let answer = client.check(HealthCheckRequest::default()).await.map(drop);
            lock(&self.outcome).note("health", begun, answer);
            tokio::time::sleep(HEALTH).await;
        }
    }

    /// Notes the most memory.
    async fn memory(self) {
        while !self.is_over() {
            let now = resident(self.process);
            {
                let mut outcome = lock(&self.outcome);
                outcome.memory[1] = outcome.memory[1].max(now);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Ingests made trade; each number is another vintage with other figures.
    async fn ingest(&self, folder: &Path, number: usize) {
        let path = folder.join(format!("BACI_HS92_Y2024_V{}.csv", 202_601 + number));
        write(&path, number).expect("the table can be written");
        let path = path.to_str().expect("a UTF-8 path").to_owned();
        let server = format!("http://{}", self.address);
        let ingested = spawn_blocking(move || run(crate::system::client(&server, &["ingest", &path])));
        ingested.await.expect("the client ends");
    }
}

fn lock(outcome: &Mutex<Outcome>) -> std::sync::MutexGuard<'_, Outcome> {
    outcome.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How many kinds of questions there are.
const QUESTIONS: usize = 8;

/// Asks a question of the mix.
async fn ask(api: &Api, number: usize) -> (&'static str, Result<(), Status>) {
    let (mut exposure, mut alerting, mut ingestion) =
        (api.exposure.clone(), api.alerting.clone(), api.ingestion.clone());
    let consumer = living().nth(number * 7 % ECONOMIES).map_or("DEU", |economy| economy.iso3).to_owned();
    let subject = |measure: &str| {
        let [material, stage, measure, supplier] = ["rare-earths", "refined", measure, ""].map(str::to_owned);
        Some(Subject { consumer: consumer.clone(), material, stage, supplier, measure, by: By::Value.into() })
    };
    let as_of = "2024".to_owned();
    match number % QUESTIONS {
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

/// Watches figures or alerts from their beginning, and reads what comes or does not.
async fn watch(mut api: Api, number: usize, outcome: Arc<Mutex<Outcome>>) {
    let is_read = number.is_multiple_of(2);
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

/// Resident memory of a process in bytes; 0 where the system does not tell.
fn resident(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or_default() << 10
}

/// Economies that have not ended: others trade as parts of them.
fn living() -> impl Iterator<Item = &'static Economy> {
    economies().iter().filter(|economy| economy.until.is_none())
}

/// Whether a code stands for a material in the revision that the table is in.
fn is_in_scope(code: &str) -> bool {
    matches!(concordance(HsRevision::Hs92, code), HsMatch::InScope(_))
}

/// A table like BACI's of every product of the catalogue.
fn write(path: &Path, number: usize) -> io::Result<()> {
    let codes = living().filter_map(|economy| comtrade_number(economy.iso3));
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
