//! Runs the service with its own logs, over gRPC on loopback, also alone in a child process of this
//! benchmark, so that its CPU time and memory can be measured.
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use orewatch_alerting::{Config, Logs, start};
use orewatch_catalog::{economies, materials};
use orewatch_contracts::alerting::v1::alerting_service_client::AlertingServiceClient;
use orewatch_contracts::alerting::v1::condition::Line;
use orewatch_contracts::alerting::v1::delivery_service_client::DeliveryServiceClient;
use orewatch_contracts::alerting::v1::notification_service_client::NotificationServiceClient;
use orewatch_contracts::alerting::v1::receiver::Kind;
use orewatch_contracts::alerting::v1::{
    Cadence, Condition, FeedReceiver, ListAlertsRequest, ListRulesRequest, PutReceiverRequest,
    PutRuleRequest, PutRulesRequest, PutSubscriptionRequest, Receiver, Rule, Subscription,
};
use orewatch_contracts::common::v1::{Cause, CauseKind, Market};
use orewatch_contracts::exposure::v1::{ExposureColumns, ExposuresChanged, ReleaseApplied};
use orewatch_eventlog::{EventLog, Filter, Item, NewEvent, StreamName, embedded};
use orewatch_runtime::{Access, Clock as _, Running, Server, SystemClock};
use orewatch_store::snapshots::SnapshotPlace;
use prost::Message as _;
use tokio::time::timeout;
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use uuid::Uuid;

use crate::usage;

/// First argument of a child process in which the service runs alone.
pub(crate) const CHILD: &str = "alone";
/// Maximum time of a child process.
const PATIENCE: Duration = Duration::from_mins(15);
/// Pause between two checks of progress.
const PAUSE: Duration = Duration::from_millis(20);
const NAME: &str = "orewatch.alerting.v1.AlertingService";
/// Number of alerts per material, and of suppliers per consumer.
const PER_MATERIAL: usize = 10_000;
const SUPPLIERS: usize = 100;
/// Time that the first alert of a group waits for others.
pub(crate) const WAIT_SECONDS: i64 = 1;

/// Opens embedded logs in a folder.
pub(crate) fn logs(folder: &Path) -> Logs {
    let open = |name| embedded::open(folder, name).expect("the log opens");
    Logs { exposures: open("exposures"), alerts: open("alerts") }
}

/// The service, and a client of it.
pub(crate) struct Service {
    running: Running,
    pub(crate) channel: Channel,
}

impl Service {
    pub(crate) async fn start(logs: Logs, config: Config) -> Self {
        let server = Server {
            listen: ([127, 0, 0, 1], 0).into(),
            services: vec![NAME],
            clock: Arc::new(SystemClock),
            shutdown_budget: Duration::from_mins(2),
            access: Access::open(),
        };
        let running = server
            .start(async |context, routes: &mut tonic::service::RoutesBuilder| {
                start(context, logs, config, routes).await
            })
            .await
            .expect("it starts");
        let address = format!("http://{}", running.address());
        let channel = Channel::from_shared(address).expect("an address").connect().await.expect("it listens");
        Self { running, channel }
    }

    /// Waits until the service is SERVING.
    async fn serving(&self) {
        let request = HealthCheckRequest { service: NAME.to_owned() };
        let mut states =
            HealthClient::new(self.channel.clone()).watch(request).await.expect("it answers").into_inner();
        loop {
            let state = states.message().await.expect("no error").expect("a state");
            if state.status() == ServingStatus::Serving {
                return;
            }
        }
    }

    /// Number of firing alerts of all rules, as the service counts them.
    async fn firing(&self) -> usize {
        let request = ListRulesRequest::default();
        let rules = AlertingServiceClient::new(self.channel.clone()).list_rules(request).await;
        let rules = rules.expect("it answers").into_inner().rules;
        rules.iter().map(|rule| usize::try_from(rule.firing).expect("few")).sum()
    }

    /// Waits until a position of the exposures log is evaluated.
    async fn evaluated(&self, position: u64) {
        let mut client = AlertingServiceClient::new(self.channel.clone());
        loop {
            let request = ListAlertsRequest { page_size: 1, ..ListAlertsRequest::default() };
            let page = client.list_alerts(request).await.expect("it answers").into_inner();
            if page.evaluated_position >= position {
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Puts rules, a thousand per request.
    async fn put_all(&self, rules: &[Rule]) {
        let mut client = AlertingServiceClient::new(self.channel.clone());
        for rules in rules.chunks(AT_ONCE) {
            let request = PutRulesRequest { rules: rules.to_vec(), ..PutRulesRequest::default() };
            client.put_rules(request).await.expect("the rules are put");
        }
    }

    /// Lists all open alerts, page by page. Returns their number.
    async fn list(&self) -> usize {
        let mut client = AlertingServiceClient::new(self.channel.clone());
        let (mut listed, mut page_token) = (0, String::new());
        loop {
            let request = ListAlertsRequest { page_size: 1000, page_token, ..ListAlertsRequest::default() };
            let page = client.list_alerts(request).await.expect("it answers").into_inner();
            listed += page.alerts.len();
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return listed;
            }
        }
    }

    /// Puts a rule that all shares cross, a feed, and a subscription to everything.
    async fn prepare(&self, open: usize) {
        let limit = u32::try_from(open + 1).expect("a limit");
        let rule = Rule {
            id: "high".to_owned(),
            title: "More than half from one supplier".to_owned(),
            measure: "import-share".to_owned(),
            when: Some(Condition { line: Some(Line::Above(0.5)), ..Condition::default() }),
            limit,
            ..Rule::default()
        };
        let request = PutRuleRequest { rule: Some(rule), ..PutRuleRequest::default() };
        AlertingServiceClient::new(self.channel.clone()).put_rule(request).await.expect("the rule is put");
        let kind = Some(Kind::Feed(FeedReceiver::default()));
        let receiver = Receiver { id: "feed".to_owned(), kind, ..Receiver::default() };
        let request = PutReceiverRequest { receiver: Some(receiver), ..PutReceiverRequest::default() };
        DeliveryServiceClient::new(self.channel.clone())
            .put_receiver(request)
            .await
            .expect("the receiver is put");
        let wait = Some(prost_types::Duration { seconds: WAIT_SECONDS, nanos: 0 });
        let subscription = Subscription {
            id: "everything".to_owned(),
            receiver: "feed".to_owned(),
            cadence: Some(Cadence { wait, ..Cadence::default() }),
            ..Subscription::default()
        };
        let request =
            PutSubscriptionRequest { subscription: Some(subscription), ..PutSubscriptionRequest::default() };
        NotificationServiceClient::new(self.channel.clone())
            .put_subscription(request)
            .await
            .expect("the subscription is put");
    }

    pub(crate) async fn stop(self) {
        drop(self.channel);
        self.running.stop().await.expect("it stops");
    }
}

/// Appends the figures of a market and the event that the release is applied. Returns the position of the
/// latter.
pub(crate) async fn publish(log: &dyn EventLog, material: &str, last: u64, columns: ExposureColumns) -> u64 {
    let kind = CauseKind::ReleaseCommitted.into();
    let cause = Cause { kind, release: format!("r/{last}"), position: last + 1, time: None };
    let [material, stage, period] = [material, "refined", "2024"].map(str::to_owned);
    let stream = StreamName::new(format!("exposures.{material}")).expect("a name");
    let changed = ExposuresChanged {
        market: Some(Market { material: material.clone(), stage, period }),
        cause: Some(cause.clone()),
        columns: Some(columns),
        releases: vec![cause.release.clone()],
        ..ExposuresChanged::default()
    };
    let applied =
        ReleaseApplied { material, cause: Some(cause), changed: 1, markets: 1, ..ReleaseApplied::default() };
    let events = vec![
        event("ExposuresChanged", changed.encode_to_vec()),
        event("ReleaseApplied", applied.encode_to_vec()),
    ];
    let positions = log.append(&stream, last, events).await.expect("the log takes it");
    positions.last().copied().expect("a position")
}

fn event(kind: &str, data: Vec<u8>) -> NewEvent {
    NewEvent {
        id: Uuid::now_v7(),
        kind: format!("orewatch.exposure.v1.{kind}"),
        time: SystemClock.now(),
        data: data.into(),
        traceparent: None,
    }
}

/// Publishes shares that are all beyond the line, by material. Returns the last position.
async fn publish_open(log: &dyn EventLog, open: usize) -> u64 {
    let codes: Vec<&str> = economies().iter().map(|economy| economy.iso3).collect();
    assert!(
        open <= PER_MATERIAL * materials().len(),
        "--open is {} at most",
        PER_MATERIAL * materials().len()
    );
    let mut last = 0;
    for (begin, material) in (0..open).step_by(PER_MATERIAL).zip(materials()) {
        let mut columns =
            crate::evaluation::empty_columns(&codes[..PER_MATERIAL / SUPPLIERS], &codes[..SUPPLIERS]);
        for k in 0..PER_MATERIAL.min(open - begin) {
            crate::evaluation::push_share(&mut columns, k / SUPPLIERS, k % SUPPLIERS, 0.9);
        }
        last = publish(log, material.id, 0, columns).await;
    }
    last
}

/// Seconds until the first message was planned, by the log.
async fn first_planned(log: &dyn EventLog, began: jiff::Timestamp) -> f64 {
    let mut items = log.read(Filter::All, 0);
    loop {
        let item = items.next().await.expect("it goes on").expect("the log can be read");
        if let Item::Event(event) = item
            && event.kind.ends_with(".NotificationPlanned")
        {
            return event.time.duration_since(began).as_secs_f64();
        }
    }
}

/// Cost of opening alerts.
#[derive(Debug)]
pub(crate) struct Filled {
    /// Wall-clock seconds until all were open, until all were listed, and until the first message was
    /// planned.
    pub(crate) open: f64,
    pub(crate) listed: f64,
    pub(crate) planned: f64,
    /// CPU seconds until all were listed, of both logs, service and client.
    pub(crate) cpu: f64,
    /// Peak memory in MiB.
    pub(crate) peak: f64,
}

/// Cost of a restart.
#[derive(Debug)]
pub(crate) struct Restarted {
    /// Seconds from opening the logs to SERVING.
    pub(crate) wall: f64,
    pub(crate) cpu: f64,
    /// Peak memory in MiB.
    pub(crate) peak: f64,
    pub(crate) open: f64,
}

/// Opens alerts on new logs in a folder, in a child process that leaves a snapshot.
pub(crate) fn fill_in_child(folder: &Path, open: usize) -> Filled {
    let [wall, listed, planned, cpu, peak] = run_child("fill", folder, open);
    Filled { open: wall, listed, planned, cpu, peak }
}

/// Cost of putting many rules: CPU and wall-clock seconds.
#[derive(Debug)]
pub(crate) struct Applied {
    pub(crate) stored: [f64; 2],
    pub(crate) evaluated: [f64; 2],
    /// Putting the same rules again, which changes nothing.
    pub(crate) again: [f64; 2],
}

/// Puts rules on new logs in a folder, in a child process.
pub(crate) fn apply_in_child(folder: &Path, rules: usize) -> Applied {
    let [stored, stored_wall, evaluated, evaluated_wall, again, again_wall] =
        run_child("apply", folder, rules);
    Applied {
        stored: [stored, stored_wall],
        evaluated: [evaluated, evaluated_wall],
        again: [again, again_wall],
    }
}

/// Restarts with the logs of a folder, in a child process.
pub(crate) fn restart_in_child(folder: &Path, from_snapshot: bool) -> Restarted {
    let [wall, cpu, peak, open] = run_child("restart", folder, usize::from(from_snapshot));
    Restarted { wall, cpu, peak, open }
}

/// Runs this benchmark as a child process that prints numbers.
fn run_child<const N: usize>(what: &str, folder: &Path, number: usize) -> [f64; N] {
    let mut child = Command::new(std::env::current_exe().expect("it knows where it is"));
    child.args([CHILD, what]).arg(folder).arg(number.to_string());
    let run = orewatch_tests::tools::output(&mut child);
    let printed = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(run.status.success(), "{printed}\n{}", String::from_utf8_lossy(&run.stderr));
    let numbers: Vec<f64> = printed.split_whitespace().map(|text| text.parse().expect("a number")).collect();
    numbers.try_into().unwrap_or_else(|_| panic!("{N} numbers are expected: {printed}"))
}

/// The main function of a child process.
pub(crate) fn child_main(args: &[String]) {
    let [what, folder, number] = args else { panic!("{CHILD} takes three arguments") };
    let number = number.parse().expect("a number");
    let work = async {
        let folder = Path::new(folder);
        match what.as_str() {
            "fill" => fill(folder, number).await,
            "apply" => apply(folder, number).await,
            _ => restart(folder, number == 1).await,
        }
    };
    let numbers = crate::block_on(async { timeout(PATIENCE, work).await }).expect("it is done in time");
    println!("{}", numbers.iter().map(f64::to_string).collect::<Vec<_>>().join(" "));
}

fn config(folder: &Path, snapshots: bool) -> Config {
    let snapshots = snapshots.then(|| SnapshotPlace::folder(&folder.join("snapshots")));
    Config { snapshots, ..Config::default() }
}

async fn fill(folder: &Path, open: usize) -> Vec<f64> {
    let logs = logs(folder);
    let (exposures, alerts) = (Arc::clone(&logs.exposures), Arc::clone(&logs.alerts));
    let service = Service::start(logs, config(folder, true)).await;
    service.serving().await;
    service.prepare(open).await;
    let own = std::process::id();
    let (began, at, cpu) = (Instant::now(), SystemClock.now(), usage::cpu_of(own));
    let last = publish_open(&*exposures, open).await;
    service.evaluated(last).await;
    let evaluated = began.elapsed().as_secs_f64();
    assert_eq!(service.list().await, open, "all of them are open and listed");
    let (listed, cpu) = (began.elapsed().as_secs_f64(), usage::cpu_of(own) - cpu);
    let planned = first_planned(&*alerts, at).await;
    let peak = usage::peak_memory(own);
    drop((exposures, alerts));
    service.stop().await;
    vec![evaluated, listed, planned, cpu, peak]
}

/// Number of exposures before rules are put.
const INITIAL_EXPOSURES: usize = 100_000;
/// Number of rules in a request.
const AT_ONCE: usize = 1_000;

async fn apply(folder: &Path, rules: usize) -> Vec<f64> {
    std::fs::create_dir_all(folder).expect("a folder");
    let logs = logs(folder);
    let exposures = Arc::clone(&logs.exposures);
    let service = Service::start(logs, config(folder, false)).await;
    service.serving().await;
    let last = publish_open(&*exposures, INITIAL_EXPOSURES).await;
    service.evaluated(last).await;
    let codes: Vec<&str> = economies().iter().map(|economy| economy.iso3).collect();
    let rule = |k: usize| {
        let material = materials()[k % materials().len()].id;
        crate::evaluation::rule(k, material, codes[(k / materials().len()) % codes.len()])
    };
    let rules: Vec<Rule> = (0..rules).map(rule).collect();
    let (began, own) = (Instant::now(), std::process::id());
    let so_far = || [usage::cpu_of(own), began.elapsed().as_secs_f64()];
    let begin = so_far();
    service.put_all(&rules).await;
    let stored = so_far();
    // No position counts as evaluated while a new rule is not.
    service.evaluated(last).await;
    let evaluated = so_far();
    service.put_all(&rules).await;
    let again = so_far();
    drop(exposures);
    service.stop().await;
    let since = |now: [f64; 2], then: [f64; 2]| [now[0] - then[0], now[1] - then[1]];
    [since(stored, begin), since(evaluated, begin), since(again, evaluated)].concat()
}

async fn restart(folder: &Path, from_snapshot: bool) -> Vec<f64> {
    let has_snapshot = folder.join("snapshots/alerting/newest").is_file();
    assert!(has_snapshot, "the service left a snapshot when it stopped");
    let (began, own) = (Instant::now(), std::process::id());
    let service = Service::start(logs(folder), config(folder, from_snapshot)).await;
    service.serving().await;
    let (wall, cpu, peak) = (began.elapsed().as_secs_f64(), usage::cpu_of(own), usage::peak_memory(own));
    let open = service.firing().await as f64;
    service.stop().await;
    vec![wall, cpu, peak, open]
}
