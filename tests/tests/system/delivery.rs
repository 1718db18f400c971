//! Delivery of messages by two processes on a real NATS server. One process is killed, and both lose the
//! server for a while. The test compares what was planned, attempted and received.
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use async_nats::{HeaderMap, jetstream};
use orewatch_contracts::alerting::v1::{Notification, NotificationPlanned, NotificationReason};
use orewatch_testkit::NatsServer;
use orewatch_tests::process::Server;
use orewatch_tests::system::{client, file, run};
use orewatch_tests::tools::text;
use prost::Message as _;
use serde_json::Value;
use tempfile::TempDir;

/// Number of messages, and of groups that they are in.
const MESSAGES: usize = 200;
const GROUPS: usize = 20;

/// Time that the receiver takes to respond: long enough for a kill to hit a delivery attempt.
const RESPONSE_TIME: Duration = Duration::from_millis(40);

/// Maximum time to wait for anything. A lost attempt alone takes half a minute.
const PATIENCE: Duration = Duration::from_secs(150);

/// Starts a receiver. Returns its URL, and the identifiers of the messages that it receives, in order.
pub(crate) fn start_receiver() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    let received = Arc::new(Mutex::new(Vec::new()));
    let ids = Arc::clone(&received);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let ids = Arc::clone(&ids);
            thread::spawn(move || respond(stream, &ids));
        }
    });
    (url, received)
}

/// Reads one request, notes its identifier, and accepts it.
fn respond(stream: TcpStream, ids: &Mutex<Vec<String>>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let (mut id, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let line = line.trim();
        match line.to_ascii_lowercase().split_once(": ") {
            Some(("webhook-id", _)) => id = line.split(": ").nth(1)?.to_owned(),
            Some(("content-length", size)) => length = size.parse().ok()?,
            _ if line.is_empty() => break,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    ids.lock().ok()?.push(id);
    thread::sleep(RESPONSE_TIME);
    reader.get_mut().write_all(b"HTTP/1.1 204 Taken\r\ncontent-length: 0\r\n\r\n").ok()
}

/// Plans a message as the service does: writes the first event of its stream.
async fn plan_message(log: &jetstream::Context, number: usize) -> String {
    let id = format!("5a4f2c1e-7a7f-5a6e-9a51-{number:012x}");
    let notification = Notification {
        id: id.clone(),
        receiver: "hook".to_owned(),
        subscription: "all".to_owned(),
        group: format!("consumer={}", number % GROUPS),
        sequence: u32::try_from(number / GROUPS + 1).expect("a small number"),
        reason: NotificationReason::First.into(),
        ..Notification::default()
    };
    let stream = format!("alerts.notification.hook.{id}");
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("ce-specversion", "1.0"),
        ("ce-id", &*format!("00000000-0000-4000-8000-{number:012x}")),
        ("ce-source", "/orewatch/alerts"),
        ("ce-subject", &stream),
        ("ce-type", "orewatch.alerting.v1.NotificationPlanned"),
        ("ce-time", "2026-11-27T10:00:00Z"),
    ] {
        headers.insert(name, value);
    }
    let planned = NotificationPlanned { notification: Some(notification), ..NotificationPlanned::default() };
    let data = planned.encode_to_vec();
    let sent = log.publish_with_headers(format!("orewatch.{stream}"), headers, data.into()).await;
    sent.expect("published").await.expect("stored");
    id
}

fn serve(nats: &NatsServer, secrets: &str) -> Server {
    let log = nats.url();
    Server::start(&[
        "serve",
        "alerting",
        "--log",
        &log,
        "--allow-private",
        "127.0.0.0/8",
        "--secrets-dir",
        secrets,
    ])
}

/// Lists the messages with the client.
fn deliveries(server: &Server) -> Vec<Value> {
    let output = run(client(&format!("http://{}", server.address()), &["deliveries", "--format", "json"]));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn wait_until(what: &str, mut is_true: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_true() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// What happened to the messages, by the log and by the receiver.
struct Outcome {
    /// Identifiers in the order in which the receiver got them, with duplicates.
    received: Vec<String>,
    /// Number of attempts on the log, by identifier.
    attempts: BTreeMap<String, u64>,
    /// Number of attempts on the log without a success.
    failed_attempts: usize,
}

impl Outcome {
    fn read(server: &Server, received: &Mutex<Vec<String>>) -> Self {
        let deliveries = deliveries(server);
        let id = |delivery: &Value| delivery["notification"].as_str().unwrap_or_default().to_owned();
        let attempts = deliveries
            .iter()
            .map(|delivery| (id(delivery), delivery["attempt_count"].as_u64().unwrap_or_default()))
            .collect();
        let listed = deliveries.iter().filter_map(|delivery| delivery["attempts"].as_array()).flatten();
        Self {
            received: received.lock().expect("no thread has failed").clone(),
            attempts,
            failed_attempts: listed.filter(|attempt| attempt["outcome"] != "delivered").count(),
        }
    }

    /// Checks that every message arrived, and that the log has every attempt and no needless one.
    fn check_counts(&self, planned: &[String]) {
        let mut times: BTreeMap<&String, u64> = BTreeMap::new();
        for id in &self.received {
            *times.entry(id).or_default() += 1;
        }
        let lost = planned.iter().filter(|id| !times.contains_key(id)).count();
        let attempted = |id: &String| self.attempts.get(id).copied().unwrap_or_default();
        let unrecorded = times.iter().filter(|(id, times)| **times > attempted(id)).count();
        let sent: u64 = self.attempts.values().sum();
        println!(
            "planned {MESSAGES}, attempts on the log {sent}, of them without a success {}, received {}, \
             distinct {}, received more often than attempted {unrecorded}, lost {lost}",
            self.failed_attempts,
            self.received.len(),
            times.len()
        );
        assert_eq!((times.len(), lost, unrecorded), (MESSAGES, 0, 0));
        let expected = u64::try_from(MESSAGES + self.failed_attempts).expect("a small number");
        assert_eq!(sent, expected, "one attempt per message, and one more after each failure");
    }

    /// Checks that the messages of each group arrived in order, whichever process sent them.
    fn check_order(&self, planned: &[String]) {
        let mut seen = BTreeSet::new();
        let distinct: Vec<&String> = self.received.iter().filter(|id| seen.insert(*id)).collect();
        for group in 0..GROUPS {
            let expected: Vec<&String> = planned.iter().skip(group).step_by(GROUPS).collect();
            let arrived: Vec<&String> = distinct.iter().filter(|id| expected.contains(id)).copied().collect();
            assert_eq!(arrived, expected, "group {group}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_message_is_lost_when_a_sender_is_killed_and_the_log_goes_away() {
    let folder = TempDir::new().expect("a temporary folder");
    let key = file(&folder, "key", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    let secrets = folder.path().to_str().expect("a UTF-8 path").to_owned();
    let (url, received) = start_receiver();
    let receivers = file(
        &folder,
        "receivers.yaml",
        &format!("id: hook\nwebhook: {{url: '{url}', keys: [{{file: '{key}'}}]}}\ntimeout: 1s\n"),
    );
    let mut nats = NatsServer::start();
    let (one, other) = (serve(&nats, &secrets), serve(&nats, &secrets));
    let address = format!("http://{}", other.address());
    let applied = run(client(&address, &["receivers", "apply", &receivers, "--format", "csv"]));
    assert!(text(&applied.stdout).contains("hook,"), "{}", text(&applied.stdout));

    let log = jetstream::new(async_nats::connect(nats.url()).await.expect("a connection"));
    let mut planned = Vec::new();
    for number in 0..MESSAGES {
        planned.push(plan_message(&log, number).await);
    }
    let count = || received.lock().expect("no thread has failed").len();
    wait_until("a quarter has arrived", || count() >= MESSAGES / 4);
    one.kill();
    let one = serve(&nats, &secrets);
    wait_until("half has arrived", || count() >= MESSAGES / 2);
    nats.restart();
    wait_until("all are delivered", || {
        deliveries(&other).iter().filter(|delivery| delivery["state"] == "delivered").count() == MESSAGES
    });

    let outcome = Outcome::read(&other, &received);
    outcome.check_counts(&planned);
    outcome.check_order(&planned);
    for mut server in [one, other] {
        server.signal("TERM");
        assert!(server.wait(orewatch_tests::process::STOP).success(), "{}", server.process_output());
    }
}
