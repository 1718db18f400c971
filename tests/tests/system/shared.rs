//! Several replicas of exposure and alerting share their work on a real NATS server. Some are killed, one
//! comes. The state must be that of single processes that nobody disturbs, and nothing may happen twice.
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use orewatch_eventlog::jetstream::{self, JetStreamOptions};
use orewatch_eventlog::leases::Leases;
use orewatch_eventlog::{Event, Filter, Item};
use orewatch_exposure::partitions;
use orewatch_runtime::Record;
use orewatch_testkit::NatsServer;
use orewatch_tests::api::Api;
use orewatch_tests::process::Server;
use orewatch_tests::state::State;
use orewatch_tests::system::{Cluster, System, file, run};
use orewatch_tests::tools::{orewatch, root};
use serde_json::Value;
use tempfile::TempDir;
use tokio::time::sleep;

use crate::delivery::start_receiver;

/// Product codes, each of another material. Each of three replicas holds the materials of one line.
#[rustfmt::skip]
const CODES: [&str; 12] = [
    "251110", "260400", "260800", "261000",
    "252921", "260200", "260700", "260900",
    "250410", "260300", "261400", "261710",
];

/// Rows of a release of trade of each code.
const ROWS: u64 = 3 * 4 * 3;

/// Longest time until others hold what a killed replica held.
const TAKEOVER: Duration = Duration::from_secs(5);

/// Time without a new message after which there are no more: that of another replica's turn, of a lapsing
/// lease, and of waiting for other alerts.
const QUIET: Duration = Duration::from_secs(8);

const PATIENCE: Duration = Duration::from_secs(120);

/// Trade in all materials. Alerts fire on one vintage and are resolved on the other.
fn trade(vintage: &str, weight: u32) -> String {
    let mut text = format!(
        "# table: trade\n# dataset: trial-trade\n# vintage: {vintage}\n# publisher: Test\n\
         # licence: CC0-1.0\n# published: 2025\n# hs: HS92\n\
         period,exporter,importer,product,value_kusd,quantity_t\n"
    );
    for year in 2022..=2024 {
        for (at, exporter) in (1_u32..).zip(["CHN", "BRA", "MOZ", "AUS"]) {
            for (to, importer) in (1_u32..).zip(["DEU", "JPN", "USA"]) {
                for code in CODES {
                    let tonnes = if exporter == "CHN" { 400 / weight } else { at * 10 + to * (year - 2018) };
                    text += &format!("{year},{exporter},{importer},{code},{},{tonnes}\n", tonnes * 3);
                }
            }
        }
    }
    text
}

/// Output of graphite and nickel.
fn production(vintage: &str, weight: u32) -> String {
    let mut text = format!(
        "# table: production\n# dataset: trial-output\n# vintage: {vintage}\n# publisher: Test\n\
         # licence: CC0-1.0\n# published: 2025\nperiod,economy,material,stage,quantity,unit,basis\n"
    );
    for year in 2022..=2024 {
        for (at, economy) in (1_u32..).zip(["CHN", "BRA", "MOZ"]) {
            let tonnes = 1000 / (at * weight) + year;
            text += &format!("{year},{economy},graphite,mined,{tonnes},t,gross\n");
            text += &format!("{year},{economy},nickel,mined,{tonnes},t,content\n");
        }
    }
    text
}

/// The releases of the scenario, as files.
fn releases(folder: &TempDir) -> [String; 4] {
    [
        file(folder, "trade-1.csv", &trade("1", 1)),
        file(folder, "output-1.csv", &production("1", 1)),
        file(folder, "trade-2.csv", &trade("2", 9)),
        file(folder, "output-2.csv", &production("2", 3)),
    ]
}

/// The file of the rules of both runs.
fn rules() -> String {
    root().join("crates/rules/packs/g7-china.yaml").to_str().expect("a UTF-8 path").to_owned()
}

/// Stream and type of every event on a log, by its identifier. None is there twice.
async fn events_by_id(nats: &str, log: &str) -> BTreeMap<String, String> {
    let opened =
        jetstream::connect(nats, JetStreamOptions::default()).await.expect("the server").open(log).await;
    let log = opened.expect("the log");
    let mut items = log.read(Filter::All, 0);
    let mut all = BTreeMap::new();
    while let Some(Item::Event(Event { id, stream, kind, .. })) =
        items.next().await.transpose().expect("an item")
    {
        let other = all.insert(id.to_string(), format!("{stream} {kind}"));
        assert_eq!(other, None, "{id} is there twice");
    }
    all
}

/// What the same releases give where nothing is shared and nobody is killed: the state, and the log of
/// exposures.
async fn undisturbed(releases: &[String]) -> (State, BTreeMap<String, String>) {
    let cluster = Cluster::start();
    run(cluster.client(&["rules", "apply", &rules()]));
    for release in releases {
        run(cluster.client(&["ingest", "--no-wait", release]));
    }
    let state = State::read(&cluster.api()).await.expect("it answers");
    (state, events_by_id(&cluster.nats(), "exposures").await)
}

/// Replicas on a NATS server, by ordinal.
struct Replicas {
    nats: NatsServer,
    leases: Arc<dyn Leases>,
    /// Folder with the secrets of receivers.
    secrets: String,
    ingestion: Server,
    exposure: BTreeMap<usize, Server>,
    alerting: BTreeMap<usize, Server>,
}

impl Replicas {
    async fn start(secrets: &TempDir) -> Self {
        let nats = NatsServer::start();
        let ingestion = Server::start(&["serve", "ingestion", "--log", &nats.url()]);
        let connected =
            jetstream::connect(&nats.url(), JetStreamOptions::default()).await.expect("the server");
        let leases = connected.leases("exposure").await.expect("the bucket");
        let secrets = secrets.path().to_str().expect("a UTF-8 path").to_owned();
        let (exposure, alerting) = (BTreeMap::new(), BTreeMap::new());
        let mut replicas = Self { nats, leases, secrets, ingestion, exposure, alerting };
        for ordinal in 0..3 {
            replicas.start_exposure(ordinal);
        }
        for ordinal in 0..2 {
            let server = replicas.serve("alerting", ordinal);
            replicas.alerting.insert(ordinal, server);
        }
        replicas
    }

    fn serve(&self, service: &str, ordinal: usize) -> Server {
        let (log, ordinal) = (self.nats.url(), ordinal.to_string());
        let mut args = vec!["serve", service, "--log", &log, "--share", "--ordinal", &ordinal];
        if service == "alerting" {
            args.extend(["--allow-private", "127.0.0.0/8", "--secrets-dir", &self.secrets]);
        }
        Server::start(&args)
    }

    fn start_exposure(&mut self, ordinal: usize) {
        let server = self.serve("exposure", ordinal);
        self.exposure.insert(ordinal, server);
    }

    /// Addresses of ingestion and of one replica of each of the others.
    fn addresses(&self, exposure: usize, alerting: usize) -> [&str; 3] {
        [self.ingestion.address(), self.exposure[&exposure].address(), self.alerting[&alerting].address()]
    }

    /// A client command that asks the replicas of exposure and alerting that were started last.
    fn client(&self, args: &[&str]) -> Command {
        let last = |servers: &BTreeMap<usize, Server>| *servers.keys().last().expect("a replica");
        let addresses = self.addresses(last(&self.exposure), last(&self.alerting));
        let mut command = Command::new(orewatch());
        command.args(args);
        for (service, address) in ["ingestion", "exposure", "alerting"].into_iter().zip(addresses) {
            command.arg(format!("--{service}")).arg(format!("http://{address}"));
        }
        command
    }

    fn ingest(&self, release: &str) {
        run(self.client(&["ingest", "--no-wait", release]));
    }

    /// What the replicas of exposure that run say of themselves.
    async fn records(&self) -> BTreeMap<usize, Record> {
        let announced = self.leases.announcements().await.expect("the bucket can be read").into_iter();
        let said = |record: &[u8]| serde_json::from_slice(record).expect("a record");
        let all = announced.map(|one| (one.member.parse().expect("an ordinal"), said(&one.record)));
        all.filter(|(ordinal, _)| self.exposure.contains_key(ordinal)).collect()
    }

    /// Waits until every partition is held by exactly one replica. Returns what each holds.
    async fn divided(&self) -> BTreeMap<usize, BTreeSet<String>> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let held: BTreeMap<_, _> =
                self.records().await.into_iter().map(|(ordinal, record)| (ordinal, record.held)).collect();
            let all: BTreeSet<&str> = held.values().flatten().map(String::as_str).collect();
            let count: usize = held.values().map(BTreeSet::len).sum();
            let share = all.len() / self.exposure.len();
            let is_even = held.values().all(|own| own.len() >= share);
            if all == partitions() && count == all.len() && held.len() == self.exposure.len() && is_even {
                return held;
            }
            assert!(Instant::now() < deadline, "not divided: {held:#?}\n{}", self.process_output());
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until each replica keeps so many rows of trade.
    async fn until_each_keeps(&self, rows: u64) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let kept: Vec<_> =
                self.records().await.values().map(|record| record.progress("trade-rows")).collect();
            if kept == vec![rows; self.exposure.len()] {
                return;
            }
            assert!(Instant::now() < deadline, "rows of trade: {kept:?} and not {rows}");
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Kills a replica of exposure, and waits until others hold what it held. Returns how long that took.
    async fn kill_exposure(&mut self, ordinal: usize, held: &BTreeSet<String>) -> Duration {
        let killed = Instant::now();
        self.exposure.remove(&ordinal).expect("it runs").kill();
        loop {
            let records = self.records().await;
            if held.iter().all(|partition| records.values().any(|record| record.holds(partition))) {
                return killed.elapsed();
            }
            assert!(killed.elapsed() < PATIENCE, "nobody takes over {held:?}:\n{}", self.process_output());
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// The state by each replica of exposure, and by each of alerting.
    async fn states(&self) -> Vec<State> {
        let last = *self.alerting.keys().last().expect("a replica");
        let first = *self.exposure.keys().next().expect("a replica");
        let pairs = self.exposure.keys().map(|exposure| (*exposure, last));
        let pairs: BTreeSet<_> =
            pairs.chain(self.alerting.keys().map(|alerting| (first, *alerting))).collect();
        let mut all = Vec::new();
        for (exposure, alerting) in pairs {
            let api = Api::at_each(self.addresses(exposure, alerting));
            let state = State::read(&api).await;
            all.push(state.unwrap_or_else(|status| panic!("{status}\n{}", self.process_output())));
        }
        all
    }

    /// Checks that every replica gives this state.
    async fn check_states(&self, expected: &State) {
        for state in self.states().await {
            if let Some(difference) = expected.difference(&state) {
                panic!("{difference}\n{}", self.process_output());
            }
        }
    }

    /// The messages to receivers.
    fn deliveries(&self) -> Vec<Value> {
        let output = run(self.client(&["deliveries", "--format", "json"]));
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    /// Waits until alerts follow everything, all messages are delivered, and no more comes for a while.
    /// Returns their identifiers.
    async fn delivered(&self) -> BTreeSet<String> {
        self.states().await;
        let deadline = Instant::now() + PATIENCE;
        let (mut known, mut since) = (0, Instant::now());
        loop {
            let deliveries = self.deliveries();
            let is_done = deliveries.iter().all(|delivery| delivery["state"] == "delivered");
            if known != deliveries.len() || known == 0 || !is_done {
                (known, since) = (deliveries.len(), Instant::now());
            } else if since.elapsed() > QUIET {
                let id = |delivery: &Value| delivery["notification"].as_str().expect("an id").to_owned();
                return deliveries.iter().map(id).collect();
            }
            assert!(Instant::now() < deadline, "{deliveries:#?}\n{}", self.process_output());
            sleep(Duration::from_millis(100)).await;
        }
    }

    fn process_output(&self) -> String {
        let servers = self.exposure.iter().chain(&self.alerting);
        servers.map(|(ordinal, server)| format!("--- {ordinal}\n{}", server.process_output())).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_share_the_work_and_any_may_be_killed() {
    let folder = TempDir::new().expect("a temporary folder");
    let releases = releases(&folder);
    let (expected, published) = undisturbed(&releases).await;
    assert!(!expected.exposures.is_empty() && !expected.transitions.is_empty());
    let mut replicas = Replicas::start(&folder).await;
    run(replicas.client(&["rules", "apply", &rules()]));

    // Each holds about a third, and keeps the rows of what it holds.
    let mut held = replicas.divided().await;
    let sizes: Vec<_> = held.values().map(BTreeSet::len).collect();
    let third = partitions().len() / 3;
    assert!(sizes.iter().all(|size| (third..=third + 1).contains(size)), "{sizes:?}");
    replicas.ingest(&releases[0]);
    replicas.until_each_keeps(ROWS * 4).await;

    // Each in turn is killed while the figures of a release are computed, and comes back.
    for (ordinal, release) in releases[1..].iter().enumerate() {
        replicas.ingest(release);
        let took = replicas.kill_exposure(ordinal, &held[&ordinal]).await;
        println!("others held the materials of replica {ordinal} {took:?} after it was killed");
        assert!(took < TAKEOVER, "replica {ordinal}: {took:?}\n{}", replicas.process_output());
        replicas.start_exposure(ordinal);
        held = replicas.divided().await;
    }
    replicas.check_states(&expected).await;

    // One more takes its share of each, and hardly anything else moves.
    replicas.start_exposure(3);
    let now = replicas.divided().await;
    let stayed: usize = held.iter().map(|(ordinal, before)| before.intersection(&now[ordinal]).count()).sum();
    assert!(stayed + now[&3].len() + 7 >= partitions().len(), "{stayed} stayed, {} moved", now[&3].len());
    replicas.check_states(&expected).await;
    assert_eq!(events_by_id(&replicas.nats.url(), "exposures").await, published);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_message_is_planned_and_sent_once_whoever_is_killed() {
    let folder = TempDir::new().expect("a temporary folder");
    let releases = releases(&folder);
    let key = file(&folder, "key", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    let (url, received) = start_receiver();
    let yaml = format!("id: hook\nwebhook: {{url: '{url}', keys: [{{file: '{key}'}}]}}\n");
    let receivers = file(&folder, "receivers.yaml", &yaml);
    let yaml = "id: desk\nreceiver: hook\ngroup_by: [material]\ncadence: {wait: 1s, interval: 1s}\n";
    let subscriptions = file(&folder, "desk.yaml", yaml);
    let mut replicas = Replicas::start(&folder).await;
    run(replicas.client(&["rules", "apply", &rules()]));
    run(replicas.client(&["receivers", "apply", &receivers]));
    run(replicas.client(&["subscriptions", "apply", &subscriptions]));
    let held = replicas.divided().await;

    replicas.ingest(&releases[0]);
    let first = replicas.delivered().await;
    // Nothing is on its way when one of each is killed: an attempt that was would be made again.
    replicas.alerting.remove(&0).expect("it runs").kill();
    replicas.kill_exposure(0, &held[&0]).await;
    replicas.ingest(&releases[2]);
    let all = replicas.delivered().await;
    assert!(all.len() > first.len() && all.is_superset(&first), "{} and then {}", first.len(), all.len());
    let mut ids = received.lock().expect("no thread has failed").clone();
    ids.sort_unstable();
    assert_eq!(ids, all.iter().cloned().collect::<Vec<_>>(), "every message arrives once");
    let alerts = events_by_id(&replicas.nats.url(), "alerts").await;
    let planned = alerts.values().filter(|event| event.ends_with(".NotificationPlanned"));
    assert_eq!(planned.count(), all.len(), "and is planned once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_process_with_an_ordinal_that_is_taken_ends() {
    let folder = TempDir::new().expect("a temporary folder");
    let replicas = Replicas::start(&folder).await;
    let held = replicas.divided().await;
    let mut twin = replicas.serve("exposure", 1);
    let status = twin.wait(PATIENCE);
    assert_eq!(status.code(), Some(7), "{}", twin.process_output());
    assert!(twin.process_output().contains("ordinal-taken"), "{}", twin.process_output());
    assert_eq!(replicas.divided().await, held, "the first goes on");
}
