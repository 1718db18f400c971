//! How long it takes from the commit of a changed exposure to the stream of a subscriber, on both logs, under a light load: one
//! change at a time, over gRPC on loopback. Beside it the time of one durable append, of which there are two on the way: that an
//! evaluation begins, and the transition.
//!
//! `cargo run --release -p orewatch-alerting --example latency [CHANGES]`; needs a NATS server on the path.
#![allow(clippy::expect_used, clippy::print_stdout, reason = "a measurement: a panic is how it fails")]

use std::sync::Arc;
use std::time::Duration;

use orewatch_alerting::{Logs, start};
use orewatch_contracts::alerting::v1::alert_transition::Event;
use orewatch_contracts::alerting::v1::alerting_service_client::AlertingServiceClient;
use orewatch_contracts::alerting::v1::condition::Line;
use orewatch_contracts::alerting::v1::subscribe_alerts_response::Message;
use orewatch_contracts::alerting::v1::{
    Condition, ListAlertsRequest, PutRuleRequest, Rule, Selector, SubscribeAlertsRequest,
    SubscribeAlertsResponse,
};
use orewatch_contracts::common::v1::{Cause, CauseKind, Market};
use orewatch_contracts::exposure::v1::{ExposureColumns, ExposuresChanged, ReleaseApplied};
use orewatch_eventlog::jetstream::{self, JetStreamOptions};
use orewatch_eventlog::{EventLog, NewEvent, Position, StreamName, embedded};
use orewatch_runtime::{Access, Clock as _, Server, SystemClock};
use orewatch_testkit::NatsServer;
use prost::Message as _;
use tokio::time::Instant;
use tonic::transport::Channel;
use uuid::Uuid;

/// Changes that are not counted: everything has been touched once.
const WARM_UP: usize = 20;

/// Time between two changes.
const PAUSE: Duration = Duration::from_millis(20);

#[tokio::main]
async fn main() {
    let changes = std::env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(500);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let open = |name| embedded::open(folder.path(), name).expect("the log opens");
    measure("embedded", changes, Logs { exposures: open("exposures"), alerts: open("alerts") }).await;

    let server = NatsServer::start();
    // The writer of exposures is another process, with a connection of its own.
    let ours = jetstream::connect(&server.url(), JetStreamOptions::default()).await.expect("NATS answers");
    let exposures = ours.open("exposures").await.expect("the log opens");
    let alerts = ours.open("alerts").await.expect("the log opens");
    measure("NATS", changes, Logs { exposures, alerts }).await;
}

async fn measure(name: &str, changes: usize, logs: Logs) {
    let exposures = Arc::clone(&logs.exposures);
    let server = Server {
        listen: ([127, 0, 0, 1], 0).into(),
        services: Vec::new(),
        clock: Arc::new(SystemClock),
        shutdown_budget: Duration::from_secs(10),
        access: Access::open(),
    };
    let running = server
        .start(async |context, routes: &mut tonic::service::RoutesBuilder| {
            start(context, logs, orewatch_alerting::Config::default(), routes).await
        })
        .await
        .expect("it starts");
    let address = format!("http://{}", running.address());
    let channel = Channel::from_shared(address).expect("an address").connect().await.expect("it listens");
    let mut client = AlertingServiceClient::new(channel);
    put_rule(&mut client).await;

    let mut stream =
        client.subscribe_alerts(SubscribeAlertsRequest::default()).await.expect("it answers").into_inner();
    let stream_name = StreamName::new("exposures.cobalt").expect("a name");
    let (mut last, mut appends, mut latencies) = (0, Vec::new(), Vec::new());
    for (turn, share) in (0..changes + WARM_UP).zip([0.9, 0.3].into_iter().cycle()) {
        let began = Instant::now();
        last = publish(&*exposures, &stream_name, last, share).await;
        let committed = Instant::now();
        // A figure of a known period is restated first, which is told before the change of the alert.
        while !changes_alert(&stream.message().await.expect("no error").expect("a message")) {}
        if turn >= WARM_UP {
            appends.push(committed - began);
            latencies.push(committed.elapsed());
        }
        tokio::time::sleep(PAUSE).await;
    }
    println!("{name}: {changes} changes");
    tell("  one append", appends);
    tell("  commit to stream", latencies);
    drop((stream, client));
    running.stop().await.expect("it stops");
}

fn changes_alert(response: &SubscribeAlertsResponse) -> bool {
    let Some(Message::Transition(transition)) = &response.message else { return false };
    matches!(transition.event, Some(Event::Fired(_) | Event::Resolved(_)))
}

fn tell(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |percent: usize| times.get(times.len() * percent / 100).copied().unwrap_or_default();
    let [p50, p90, p99] = [50, 90, 99].map(|percent| at(percent).as_secs_f64() * 1e3);
    println!("{what:<20} p50 {p50:7.2} ms   p90 {p90:7.2} ms   p99 {p99:7.2} ms");
}

async fn put_rule(client: &mut AlertingServiceClient<Channel>) {
    let rule = Rule {
        id: "latency".to_owned(),
        title: "More than 65 % from China".to_owned(),
        measure: "import-share".to_owned(),
        select: Some(Selector { suppliers: vec!["CHN".to_owned()], ..Selector::default() }),
        when: Some(Condition { line: Some(Line::Above(0.65)), ..Condition::default() }),
        ..Rule::default()
    };
    let request = PutRuleRequest { rule: Some(rule), ..PutRuleRequest::default() };
    client.put_rule(request).await.expect("the rule is put");
    client.list_alerts(ListAlertsRequest::default()).await.expect("it answers");
}

async fn publish(log: &dyn EventLog, stream: &StreamName, last: Position, share: f64) -> Position {
    let kind = CauseKind::ReleaseCommitted.into();
    let cause = Cause { kind, release: format!("r/{last}"), position: last + 1, time: None };
    let columns = ExposureColumns {
        consumers: vec!["DEU".to_owned()],
        suppliers: vec![String::new(), "CHN".to_owned()],
        measures: vec!["import-share/1".to_owned()],
        names: vec![String::new()],
        consumer: vec![0],
        supplier: vec![1],
        measure: vec![0],
        name: vec![0],
        value: vec![share],
        gone: vec![false],
        ..ExposureColumns::default()
    };
    let [material, stage, period] = ["cobalt", "refined", "2024"].map(str::to_owned);
    let changed = ExposuresChanged {
        market: Some(Market { material: material.clone(), stage, period }),
        cause: Some(cause.clone()),
        columns: Some(columns),
        releases: vec![cause.release.clone()],
    };
    let applied =
        ReleaseApplied { material, cause: Some(cause), changed: 1, markets: 1, measures: Vec::new() };
    let events = vec![
        event("ExposuresChanged", changed.encode_to_vec()),
        event("ReleaseApplied", applied.encode_to_vec()),
    ];
    let positions = log.append(stream, last, events).await.expect("the log takes it");
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
