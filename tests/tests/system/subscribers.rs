//! Subscribers through what can go wrong: everything that was sent is received, in order, once.
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

/// Where the service listens at present.
type Address = Arc<Mutex<String>>;

fn here(address: &Address) -> String {
    address.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

fn move_to(address: &Address, server: &Server) {
    server.address().clone_into(&mut address.lock().unwrap_or_else(PoisonError::into_inner));
}

/// What a subscriber has received: identifiers of transitions, in order.
type Received = Arc<Mutex<Vec<String>>>;

fn received(all: &Received) -> Vec<String> {
    all.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

fn channel(address: &str) -> Channel {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("an address");
    // Little is under way to a client that does not read.
    endpoint.initial_stream_window_size(65_535).connect_timeout(Duration::from_secs(2)).connect_lazy()
}

fn id(response: &SubscribeAlertsResponse) -> Option<&String> {
    match &response.message {
        Some(Message::Transition(transition)) => Some(&transition.event_id),
        _ => None,
    }
}

/// Follows from the beginning, over whatever breaks, for as long as it is not aborted.
fn follow(address: Address) -> (JoinHandle<()>, Received) {
    let all = Received::default();
    let into = Arc::clone(&all);
    let task = tokio::spawn(async move {
        let mut token = "beginning".to_owned();
        loop {
            let mut client = AlertingServiceClient::new(channel(&here(&address)));
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

/// All transitions that were ever sent, in order.
async fn sent(api: &Api) -> Vec<String> {
    let request =
        SubscribeAlertsRequest { resume_token: "beginning".to_owned(), ..SubscribeAlertsRequest::default() };
    let mut stream = api.alerting.clone().subscribe_alerts(request).await.expect("it answers").into_inner();
    let mut all = Vec::new();
    while let Some(response) = next(&mut stream).await {
        all.extend(id(&response).cloned());
        if matches!(response.message, Some(Message::CaughtUp(_))) {
            break;
        }
    }
    all
}

async fn evaluated(api: &Api, position: u64) {
    eventually("the alerts follow the exposures", async || {
        let answer = api.alerting.clone().list_alerts(ListAlertsRequest::default()).await?.into_inner();
        Ok((answer.evaluated_position >= position).then_some(()))
    })
    .await
    .expect("the alerts follow");
}

/// Waits until a subscriber has as many as were sent, then compares.
async fn check(what: &str, sent: &[String], all: &Received) {
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
    assert_eq!(received, sent, "{what}: in another order");
}

fn serve(nats: &NatsServer) -> Server {
    Server::start(&["serve", "alerting", "--log", &nats.url()])
}

#[tokio::test(flavor = "multi_thread")]
async fn over_nats_nothing_is_lost_or_told_twice_when_the_service_or_nats_dies() {
    let mut nats = NatsServer::start();
    let mut server = serve(&nats);
    put_rule(&Api::at(server.address())).await;
    let address = Address::new(Mutex::new(server.address().to_owned()));
    let subscribers: Vec<_> = (0..3).map(|_| follow(Arc::clone(&address))).collect();
    let mut feeder = Feeder::on_nats(&nats.url()).await;
    let mut last = 0;
    for turn in 0..40_u32 {
        last = feeder.publish("DEU", 2000 + turn, &swings(3)).await;
        match turn {
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
        move_to(&address, &server);
    }
    let api = Api::at(server.address());
    evaluated(&api, last).await;
    let sent = sent(&api).await;
    assert!(sent.len() > 40, "{}", sent.len());
    for (task, all) in subscribers {
        check("alerting killed twice, stopped once, NATS killed twice", &sent, &all).await;
        task.abort();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_the_embedded_log_nothing_is_lost_or_told_twice_when_the_process_dies() {
    let folder = TempDir::new().expect("a temporary folder");
    let mut system = Embedded::start();
    let rules = root().join("crates/alerting/packs/g7-china.yaml");
    run(system.client(&["rules", "apply", rules.to_str().expect("UTF-8")]));
    let address = Address::new(Mutex::new(system.addresses()[0].to_owned()));
    let (task, all) = follow(Arc::clone(&address));
    for vintage in 1..=4 {
        let path = file(&folder, &format!("trade-{vintage}.csv"), &trade(vintage));
        run(system.client(&["ingest", "--no-wait", &path]));
        // While the alerts follow, or when they have.
        if vintage % 2 == 0 {
            system.api().settled().await.expect("the pipeline follows");
        }
        system.disturb(0);
        system.addresses()[0].clone_into(&mut address.lock().unwrap_or_else(PoisonError::into_inner));
    }
    system.api().settled().await.expect("the pipeline follows");
    let sent = sent(&system.api()).await;
    assert!(sent.len() > 10, "{}", sent.len());
    check("orewatch up killed four times", &sent, &all).await;
    task.abort();
}

/// An address that stays while services come and go behind it.
async fn door(address: Address) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let door = listener.local_addr().expect("it is bound").to_string();
    tokio::spawn(async move {
        while let Ok((mut from, _)) = listener.accept().await {
            let address = here(&address);
            tokio::spawn(async move {
                if let Ok(mut to) = TcpStream::connect(address).await {
                    // Either side may break it off.
                    let _broken = tokio::io::copy_bidirectional(&mut from, &mut to).await;
                }
            });
        }
    });
    door
}

/// Collects what a process says, line by line.
fn lines(from: Option<impl std::io::Read + Send + 'static>) -> Received {
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
async fn the_command_that_watches_goes_on_with_its_token_and_says_so() {
    let folder = TempDir::new().expect("a temporary folder");
    let mut system = Embedded::start();
    let rules = root().join("crates/alerting/packs/g7-china.yaml");
    run(system.client(&["rules", "apply", rules.to_str().expect("UTF-8")]));
    let address = Address::new(Mutex::new(system.addresses()[0].to_owned()));
    let door = door(Arc::clone(&address)).await;
    let watch = ["alerts", "--watch", "--format", "json"];
    let mut child = spawn(client(&format!("http://{door}"), &watch));
    let (told, said) = (lines(child.stdout.take()), lines(child.stderr.take()));
    eventually("it is up to date", async || {
        Ok(received(&said).iter().any(|line| line.contains("up to date")).then_some(()))
    })
    .await
    .expect("it watches");
    for vintage in 1..=2 {
        let path = file(&folder, &format!("trade-{vintage}.csv"), &trade(vintage));
        run(system.client(&["ingest", &path]));
        system.api().settled().await.expect("the pipeline follows");
        system.disturb(0);
        system.addresses()[0].clone_into(&mut address.lock().unwrap_or_else(PoisonError::into_inner));
    }
    system.api().settled().await.expect("the service is back");
    let sent = sent(&system.api()).await;
    for _ in 0..3_000 {
        if received(&told).len() >= sent.len() {
            break;
        }
        sleep(Duration::from_millis(20)).await;
    }
    child.kill().expect("it runs");
    child.wait().expect("it ended");
    let told: Vec<String> = received(&told)
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).expect("a line is JSON"))
        .map(|line| line["transition"]["event_id"].as_str().expect("an identifier").to_owned())
        .collect();
    println!("the command: sent {}, told {}", sent.len(), told.len());
    assert_eq!(told, sent);
    let said = received(&said).join("\n");
    assert!(said.contains("goes on where it stopped"), "{said}");
}

/// Memory of a process in KiB: now, and at most so far.
fn memory(server: &Server) -> [u64; 2] {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.process())).expect("it runs");
    ["VmRSS:", "VmHWM:"].map(|name| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("the line is there");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    })
}

/// Subscribers that read, and such that do not.
const READERS: usize = 160;
const IDLERS: usize = 40;

/// Transitions that they are sent: more than fits between a service and a client that does not read.
const TRANSITIONS: usize = 20 * 140;

/// What one who does not read may cost, in KiB: its queue, what its connection has taken already, and some room.
const MOST_EACH: u64 = 2_048;

/// What one may cost who reads, in KiB: its queue is as full as that of any other while a busy machine holds it up.
const MOST_BUSY: u64 = 512;

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_subscribers_cost_bounded_memory_and_who_does_not_read_is_ended() {
    let nats = NatsServer::start();
    let server = serve(&nats);
    let api = Api::at(server.address());
    put_rule(&api).await;
    let address = Address::new(Mutex::new(server.address().to_owned()));
    let readers: Vec<_> = (0..READERS).map(|_| follow(Arc::clone(&address))).collect();
    let mut idlers = Vec::new();
    for _ in 0..IDLERS {
        let mut client = AlertingServiceClient::new(channel(server.address()));
        let request = SubscribeAlertsRequest { resume_token: "beginning".to_owned(), ..Default::default() };
        idlers.push(client.subscribe_alerts(request).await.expect("it answers").into_inner());
    }
    let before = memory(&server);
    let mut feeder = Feeder::on_nats(&nats.url()).await;
    let consumers = [
        "DEU", "JPN", "USA", "FRA", "ITA", "GBR", "CAN", "KOR", "IND", "AUS", "MEX", "BRA", "ESP", "POL",
        "NLD", "BEL", "SWE", "FIN", "AUT", "CZE",
    ];
    let mut last = 0;
    for consumer in consumers {
        last = feeder.publish(consumer, 1900, &swings(TRANSITIONS / consumers.len())).await;
    }
    evaluated(&api, last).await;
    let sent = sent(&api).await;
    assert_eq!(sent.len(), TRANSITIONS);
    for (task, all) in &readers {
        check("one of many who read", &sent, all).await;
        task.abort();
    }
    let after = memory(&server);
    println!(
        "memory in KiB, now and at most: {before:?} before, {after:?} after {} subscribers",
        READERS + IDLERS
    );
    let most = 100_000 + MOST_EACH * IDLERS as u64 + MOST_BUSY * READERS as u64;
    assert!(after[1] - before[0] < most, "{before:?} {after:?}");

    // Long after: each is told where it stopped, and goes on from there.
    let ended = async |mut stream: Streaming<SubscribeAlertsResponse>| {
        let mut all = Vec::new();
        loop {
            let response = next(&mut stream).await.expect("it ends with a reason");
            all.extend(id(&response).cloned());
            if let Some(Message::FellBehind(behind)) = &response.message {
                assert!(behind.ended && behind.head > behind.position, "{behind:?}");
                break (all, response.resume_token);
            }
        }
    };
    sleep(Duration::from_secs(35)).await;
    let mut resumed = 0;
    for stream in idlers {
        let (mut all, token) = ended(stream).await;
        assert!(all.len() < TRANSITIONS, "it was not ended");
        resumed += 1;
        let request = SubscribeAlertsRequest { resume_token: token, ..SubscribeAlertsRequest::default() };
        let mut rest = api.alerting.clone().subscribe_alerts(request).await.expect("it answers").into_inner();
        while all.len() < sent.len() {
            all.extend(id(&next(&mut rest).await.expect("the rest")).cloned());
        }
        assert_eq!(all, sent, "one who did not read");
    }
    println!("{resumed} who did not read: ended, resumed; sent {}, lost 0, duplicates 0", sent.len());
}

/// The public document about what is on NATS.
fn document() -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    DOCUMENT
        .get_or_init(|| serde_json::from_str(&read("contracts/asyncapi.json")).expect("the document is JSON"))
}

/// The subject, kind and headers of a real message are what the public document says.
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
