//! Latency from the commit of a changed exposure to the stream of a subscriber, on both logs and under a
//! light load: one change at a time, over gRPC on loopback. For comparison it prints the time of a durable
//! append; two appends are on the way, the start of an evaluation and the transition. Needs a NATS server on
//! the path.
use std::sync::Arc;
use std::time::Duration;

use orewatch_alerting::{Config, Logs};
use orewatch_contracts::alerting::v1::alert_transition::Event;
use orewatch_contracts::alerting::v1::alerting_service_client::AlertingServiceClient;
use orewatch_contracts::alerting::v1::condition::Line;
use orewatch_contracts::alerting::v1::subscribe_alerts_response::Message;
use orewatch_contracts::alerting::v1::{
    Condition, ListAlertsRequest, PutRuleRequest, Rule, Selector, SubscribeAlertsRequest,
    SubscribeAlertsResponse,
};
use orewatch_eventlog::EventLog;
use orewatch_eventlog::jetstream::{self, JetStreamOptions};
use orewatch_testkit::NatsServer;
use tokio::time::Instant;
use tonic::transport::Channel;

use crate::service::{self, Service};
use crate::{evaluation, print_head, print_row};

/// Number of changes at the start that are not measured.
const WARM_UP: usize = 20;

/// Pause between two changes.
const PAUSE: Duration = Duration::from_millis(20);

pub(crate) async fn report(changes: usize) {
    print_head(&format!("{changes} changes, one at a time"), &["p50 ms", "p90 ms", "p99 ms"]);
    let folder = tempfile::tempdir().expect("a temporary folder");
    measure("embedded log", changes, service::logs(folder.path())).await;

    let server = NatsServer::start();
    // Exposures are written by another process, with its own connection.
    let ours = jetstream::connect(&server.url(), JetStreamOptions::default()).await.expect("NATS answers");
    let exposures = ours.open("exposures").await.expect("the log opens");
    let alerts = ours.open("alerts").await.expect("the log opens");
    measure("NATS", changes, Logs { exposures, alerts }).await;
}

async fn measure(name: &str, changes: usize, logs: Logs) {
    let exposures = Arc::clone(&logs.exposures);
    let service = Service::start(logs, Config::default()).await;
    let mut client = AlertingServiceClient::new(service.channel.clone());
    put_rule(&mut client).await;

    let mut stream =
        client.subscribe_alerts(SubscribeAlertsRequest::default()).await.expect("it answers").into_inner();
    let (mut last, mut appends, mut latencies) = (0, Vec::new(), Vec::new());
    for (turn, share) in (0..changes + WARM_UP).zip([0.9, 0.3].into_iter().cycle()) {
        let began = Instant::now();
        last = publish(&*exposures, last, share).await;
        let committed = Instant::now();
        // The restatement of a known period comes before the change of the alert.
        while !changes_alert(&stream.message().await.expect("no error").expect("a message")) {}
        if turn >= WARM_UP {
            appends.push(committed - began);
            latencies.push(committed.elapsed());
        }
        tokio::time::sleep(PAUSE).await;
    }
    row(&format!("{name}: one append"), appends);
    row(&format!("{name}: commit to stream"), latencies);
    drop((stream, client));
    service.stop().await;
}

fn changes_alert(response: &SubscribeAlertsResponse) -> bool {
    let Some(Message::Transition(transition)) = &response.message else { return false };
    matches!(transition.event, Some(Event::Fired(_) | Event::Resolved(_)))
}

fn row(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |percent: usize| times.get(times.len() * percent / 100).copied().unwrap_or_default();
    print_row(what, &[50, 90, 99].map(|percent| format!("{:.2}", at(percent).as_secs_f64() * 1e3)));
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

async fn publish(log: &dyn EventLog, last: u64, share: f64) -> u64 {
    let mut columns = evaluation::empty_columns(&["DEU"], &["CHN"]);
    evaluation::push_share(&mut columns, 0, 0, share);
    service::publish(log, "cobalt", last, columns).await
}
