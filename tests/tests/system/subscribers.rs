//! Tests of subscribers while services and servers fail: every transition is received exactly once and in
//! order.
use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use orewatch_contracts::alerting::v1::alerting_service_client::AlertingServiceClient;
use orewatch_contracts::alerting::v1::subscribe_alerts_response::Message;
use orewatch_contracts::alerting::v1::{ListAlertsRequest, SubscribeAlertsRequest, SubscribeAlertsResponse};
use orewatch_testkit::NatsServer;
use orewatch_tests::api::{Api, eventually};
use orewatch_tests::process::Server;
use orewatch_tests::system::{Embedded, System, client, file, run, spawn};
use orewatch_tests::tools::{read, root};
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tonic::Streaming;
use tonic::transport::{Channel, Endpoint};

use crate::feeder::{Feeder, put_rule, swings, trade};

/// Current address of the service.
type Address = Arc<Mutex<String>>;

fn current(address: &Address) -> String {
    address.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

fn set_address(address: &Address, server: &Server) {
    server.address().clone_into(&mut address.lock().unwrap_or_else(PoisonError::into_inner));
}

/// What a subscriber has received: identifiers of transitions in order, or lines of output.
type Received = Arc<Mutex<Vec<String>>>;

fn received(all: &Received) -> Vec<String> {
    all.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

fn channel(address: &str) -> Channel {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("an address");
    // A small window limits what the connection takes for a client that does not read.
    endpoint.initial_stream_window_size(65_535).connect_timeout(Duration::from_secs(2)).connect_lazy()
}

fn id(response: &SubscribeAlertsResponse) -> Option<&String> {
    match &response.message {
        Some(Message::Transition(transition)) => Some(&transition.event_id),
        _ => None,
    }
}

/// Follows from the beginning until it is aborted, and resumes after every failure.
fn follow(address: Address) -> (JoinHandle<()>, Received) {
    let all = Received::default();
    let into = Arc::clone(&all);
    let task = tokio::spawn(async move {
        let mut token = "beginning".to_owned();
        loop {
            let mut client = AlertingServiceClient::new(channel(&current(&address)));
            let request =
                SubscribeAlertsRequest { resume_token: token.clone(), ..SubscribeAlertsRequest::default() };
            if let Ok(stream) = client.subscribe_alerts(request).await {
                let mut stream = stream.into_inner();
                while let Ok(Some(response)) = stream.message().await {
                    let mut into = into.lock().unwrap_or_else(PoisonError::into_inner);
                    into.extend(id(&response).cloned());
                    token = response.resume_token;
                }
            }
            sleep(Duration::from_millis(20)).await;
        }
    });
    (task, all)
}

async fn next(stream: &mut Streaming<SubscribeAlertsResponse>) -> Option<SubscribeAlertsResponse> {
    let next = tokio::time::timeout(Duration::from_secs(120), stream.message()).await;
    next.expect("in time").expect("no error")
}

/// Reads the identifiers of all transitions, in order.
async fn all_transitions(api: &Api) -> Vec<String> {
    let request =
        SubscribeAlertsRequest { resume_token: "beginning".to_owned(), ..SubscribeAlertsRequest::default() };
    let mut stream =
        api.alerting.clone().subscribe_alerts(request).await.expect("the service responds").into_inner();
    let mut all = Vec::new();
    while let Some(response) = next(&mut stream).await {
        all.extend(id(&response).cloned());
        if matches!(response.message, Some(Message::CaughtUp(_))) {
            break;
        }
    }
    all
}

async fn wait_until_evaluated(api: &Api, position: u64) {
    eventually("the alerts follow the exposures", async || {
        let answer = api.alerting.clone().list_alerts(ListAlertsRequest::default()).await?.into_inner();
        Ok((answer.evaluated_position >= position).then_some(()))
    })
    .await
    .expect("the alerts follow");
}

/// Waits until a subscriber has received as many transitions as were sent, then compares them.
async fn check_received(what: &str, sent: &[String], all: &Received) {
    for _ in 0..3_000 {
        if received(all).len() >= sent.len() {
            break;
        }
        sleep(Duration::from_millis(20)).await;
    }
    let received = received(all);
    let distinct: BTreeSet<_> = received.iter().collect();
    let (duplicates, lost) =
        (received.len() - distinct.len(), sent.iter().filter(|id| !distinct.contains(id)).count());
    println!(
        "{what}: sent {}, received {}, duplicates {duplicates}, lost {lost}",
        sent.len(),
        received.len()
    );
    assert_eq!((duplicates, lost), (0, 0), "{what}");
    assert_eq!(received, sent, "{what}: wrong order");
}

fn serve(nats: &NatsServer) -> Server {
    Server::start(&["serve", "alerting", "--log", &nats.url()])
}

#[tokio::test(flavor = "multi_thread")]
async fn on_nats_no_transition_is_lost_or_repeated_when_the_service_or_nats_dies() {
    let mut nats = NatsServer::start();
    let mut server = serve(&nats);
    put_rule(&Api::at(server.address())).await;
    let address = Address::new(Mutex::new(server.address().to_owned()));
    let subscribers: Vec<_> = (0..3).map(|_| follow(Arc::clone(&address))).collect();
    let mut feeder = Feeder::on_nats(&nats.url()).await;
    let mut last = 0;
    for round in 0..40_u32 {
        last = feeder.publish("DEU", 2000 + round, &swings(3)).await;
        match round {
            8 | 20 => {
                server.kill();
                server = serve(&nats);
            }
            14 | 26 => nats.restart(),
            32 => {
                assert!(server.stop().success());
                server = serve(&nats);
            }
            _ => {}
        }
        set_address(&address, &server);
    }
    let api = Api::at(server.address());
    wait_until_evaluated(&api, last).await;
    let sent = all_transitions(&api).await;
    assert!(sent.len() > 40, "{}", sent.len());
    for (task, all) in subscribers {
        check_received("alerting killed twice, stopped once, NATS killed twice", &sent, &all).await;
        task.abort();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_the_embedded_log_no_transition_is_lost_or_repeated_when_the_process_dies() {
    let folder = TempDir::new().expect("a temporary folder");
    let mut system = Embedded::start();
    let rules = root().join("crates/rules/packs/g7-china.yaml");
    run(system.client(&["rules", "apply", rules.to_str().expect("UTF-8")]));
    let address = Address::new(Mutex::new(system.addresses()[0].to_owned()));
    let (task, all) = follow(Arc::clone(&address));
    for vintage in 1..=4 {
        let path = file(&folder, &format!("trade-{vintage}.csv"), &trade(vintage));
        run(system.client(&["ingest", "--no-wait", &path]));
        // Kills the process while alerts are evaluated, or after that.
        if vintage % 2 == 0 {
            system.api().settled().await.expect("the pipeline follows");
        }
        system.kill_and_restart(0);
        system.addresses()[0].clone_into(&mut address.lock().unwrap_or_else(PoisonError::into_inner));
    }
    system.api().settled().await.expect("the pipeline follows");
    let sent = all_transitions(&system.api()).await;
    assert!(sent.len() > 10, "{}", sent.len());
    check_received("orewatch up killed four times", &sent, &all).await;
    task.abort();
}

/// Starts a proxy whose address stays the same while the address of the service changes.
async fn start_proxy(address: Address) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let proxy = listener.local_addr().expect("it is bound").to_string();
    tokio::spawn(async move {
        while let Ok((mut from, _)) = listener.accept().await {
            let address = current(&address);
            tokio::spawn(async move {
                if let Ok(mut to) = TcpStream::connect(address).await {
                    // Either side may close the connection.
                    let _broken = tokio::io::copy_bidirectional(&mut from, &mut to).await;
                }
            });
        }
    });
    proxy
}

/// Collects the output of a process, line by line.
fn collect_lines(from: Option<impl std::io::Read + Send + 'static>) -> Received {
    let all = Received::default();
    let into = Arc::clone(&all);
    std::thread::spawn(move || {
        for line in BufReader::new(from.expect("it is piped")).lines().map_while(Result::ok) {
            into.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        }
    });
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn the_watch_command_resumes_with_its_token_and_says_so() {
    let folder = TempDir::new().expect("a temporary folder");
    let mut system = Embedded::start();
    let rules = root().join("crates/rules/packs/g7-china.yaml");
    run(system.client(&["rules", "apply", rules.to_str().expect("UTF-8")]));
    let address = Address::new(Mutex::new(system.addresses()[0].to_owned()));
    let proxy = start_proxy(Arc::clone(&address)).await;
    let watch = ["alerts", "--watch", "--format", "json"];
    let mut child = spawn(client(&format!("http://{proxy}"), &watch));
    let (printed, messages) = (collect_lines(child.stdout.take()), collect_lines(child.stderr.take()));
    eventually("it is up to date", async || {
        Ok(received(&messages).iter().any(|line| line.contains("Up to date.")).then_some(()))
    })
    .await
    .expect("the command watches");
    for vintage in 1..=2 {
        let path = file(&folder, &format!("trade-{vintage}.csv"), &trade(vintage));
        run(system.client(&["ingest", &path]));
        system.api().settled().await.expect("the pipeline follows");
        system.kill_and_restart(0);
        system.addresses()[0].clone_into(&mut address.lock().unwrap_or_else(PoisonError::into_inner));
    }
    system.api().settled().await.expect("the service is back");
    let sent = all_transitions(&system.api()).await;
    for _ in 0..3_000 {
        if received(&printed).len() >= sent.len() {
            break;
        }
        sleep(Duration::from_millis(20)).await;
    }
    child.kill().expect("it runs");
    child.wait().expect("it ended");
    let printed: Vec<String> = received(&printed)
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).expect("a line is JSON"))
        .map(|line| line["transition"]["event_id"].as_str().expect("an identifier").to_owned())
        .collect();
    println!("the command: sent {}, printed {}", sent.len(), printed.len());
    assert_eq!(printed, sent);
    let messages = received(&messages).join("\n");
    assert!(messages.contains("continue where it stopped"), "{messages}");
}

/// Number of subscribers that read their stream, and of subscribers that do not.
const READERS: usize = 160;
const IDLE_SUBSCRIBERS: usize = 40;

/// Consumers with alerts in the test of memory.
const CONSUMERS: [&str; 20] = [
    "DEU", "JPN", "USA", "FRA", "ITA", "GBR", "CAN", "KOR", "IND", "AUS", "MEX", "BRA", "ESP", "POL", "NLD",
    "BEL", "SWE", "FIN", "AUT", "CZE",
];

/// Transitions of each consumer: all of them together exceed what fits between the service and a client that
/// does not read.
const TRANSITIONS_EACH: usize = 140;
const TRANSITIONS: usize = CONSUMERS.len() * TRANSITIONS_EACH;

/// Memory that an idle subscriber may cost, in KiB: its queue, what its connection has taken already, and
/// some margin.
const MAX_IDLE_KIB: u64 = 2_048;

/// Memory that a reader may cost, in KiB: on a busy machine its queue fills up too.
const MAX_READER_KIB: u64 = 512;

/// Memory that the transitions themselves may cost, in KiB.
const MAX_TRANSITIONS_KIB: u64 = 100_000;

#[tokio::test(flavor = "multi_thread")]
async fn many_subscribers_cost_bounded_memory_and_idle_ones_are_ended_and_can_resume() {
    let nats = NatsServer::start();
    let server = serve(&nats);
    let api = Api::at(server.address());
    put_rule(&api).await;
    let address = Address::new(Mutex::new(server.address().to_owned()));
    let readers: Vec<_> = (0..READERS).map(|_| follow(Arc::clone(&address))).collect();
    let mut idle = Vec::new();
    for _ in 0..IDLE_SUBSCRIBERS {
        let mut client = AlertingServiceClient::new(channel(server.address()));
        let request = SubscribeAlertsRequest { resume_token: "beginning".to_owned(), ..Default::default() };
        idle.push(client.subscribe_alerts(request).await.expect("the service responds").into_inner());
    }
    let before = server.memory();
    let mut feeder = Feeder::on_nats(&nats.url()).await;
    let mut last = 0;
    for consumer in CONSUMERS {
        last = feeder.publish(consumer, 1900, &swings(TRANSITIONS_EACH)).await;
    }
    wait_until_evaluated(&api, last).await;
    let sent = all_transitions(&api).await;
    assert_eq!(sent.len(), TRANSITIONS);
    for (task, all) in &readers {
        check_received("a reader", &sent, all).await;
        task.abort();
    }
    let after = server.memory();
    println!(
        "memory in KiB, now and maximum: {before:?} before, {after:?} after {} subscribers",
        READERS + IDLE_SUBSCRIBERS
    );
    let limit =
        MAX_TRANSITIONS_KIB + MAX_IDLE_KIB * IDLE_SUBSCRIBERS as u64 + MAX_READER_KIB * READERS as u64;
    assert!(after[1] - before[0] < limit, "{before:?} {after:?}");

    // The service ends a stream whose messages are not taken for 30 s.
    sleep(Duration::from_secs(35)).await;
    for stream in idle {
        check_ended_and_resumed(&api, stream, &sent).await;
    }
    println!(
        "{IDLE_SUBSCRIBERS} idle subscribers: ended and resumed; sent {}, lost 0, duplicates 0",
        sent.len()
    );
}

/// Checks that the service has ended a stream with a resume token, and that nothing is lost or repeated after
/// it.
async fn check_ended_and_resumed(api: &Api, mut stream: Streaming<SubscribeAlertsResponse>, sent: &[String]) {
    let mut all = Vec::new();
    let token = loop {
        let response = next(&mut stream).await.expect("the stream ends with a reason");
        all.extend(id(&response).cloned());
        if let Some(Message::FellBehind(behind)) = &response.message {
            assert!(behind.ended && behind.head > behind.position, "{behind:?}");
            break response.resume_token;
        }
    };
    assert!(all.len() < sent.len(), "the stream was not ended early");
    let request = SubscribeAlertsRequest { resume_token: token, ..SubscribeAlertsRequest::default() };
    let response = api.alerting.clone().subscribe_alerts(request).await;
    let mut rest = response.expect("the service responds").into_inner();
    while all.len() < sent.len() {
        all.extend(id(&next(&mut rest).await.expect("the rest")).cloned());
    }
    assert_eq!(all, sent, "an idle subscriber");
}

/// The AsyncAPI document.
fn document() -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    DOCUMENT
        .get_or_init(|| serde_json::from_str(&read("contracts/asyncapi.json")).expect("the document is JSON"))
}

/// Checks the subject, type and headers of a message on NATS against the AsyncAPI document.
pub(crate) fn check_channel(subject: &str, header: impl Fn(&str) -> Option<String>) {
    let fits = |address: &str| {
        let (a, b): (Vec<_>, Vec<_>) = (address.split('.').collect(), subject.split('.').collect());
        a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| a.starts_with('{') || a == b)
    };
    let kind = header("ce-type").expect("a kind");
    let channels = document()["channels"].as_object().expect("channels");
    let found = channels.values().any(|channel| {
        channel["address"].as_str().is_some_and(fits) && channel["messages"].get(&kind).is_some()
    });
    assert!(found, "no channel of contracts/asyncapi.json has {kind} on {subject}");

    static HEADERS: OnceLock<jsonschema::Validator> = OnceLock::new();
    let schema = &document()["components"]["schemas"]["CloudEvent"];
    let validator = HEADERS.get_or_init(|| jsonschema::draft202012::new(schema).expect("a schema"));
    let names = schema["properties"].as_object().expect("headers").keys();
    let headers = names.filter_map(|name| Some((name.clone(), Value::from(header(name)?)))).collect();
    let headers = Value::Object(headers);
    let errors: Vec<_> = validator.iter_errors(&headers).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{subject}: {errors:?}");
}
