//! Messages to a receiver, sent by two processes over a real NATS server of which one is killed and all lose the server for a
//! while: what was planned, attempted, received, doubled and lost.
use std::collections::BTreeMap;
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

/// How many messages are planned, and in how many groups.
const MESSAGES: usize = 200;
const GROUPS: usize = 20;

/// How long the receiver thinks before it answers: long enough to be killed in.
const THINKS: Duration = Duration::from_millis(40);

/// How long all of it may take; an attempt that was lost is waited for half a minute.
const PATIENCE: Duration = Duration::from_secs(150);

/// A receiver that notes which messages come, in their order.
fn receiver() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&seen);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let noted = Arc::clone(&noted);
            thread::spawn(move || answer(stream, &noted));
        }
    });
    (url, seen)
}

fn answer(stream: TcpStream, noted: &Mutex<Vec<String>>) -> Option<()> {
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
    noted.lock().ok()?.push(id);
    thread::sleep(THINKS);
    reader.get_mut().write_all(b"HTTP/1.1 204 Taken\r\ncontent-length: 0\r\n\r\n").ok()
}

/// Plans a message as the service does: the first event of its stream.
async fn plan(log: &jetstream::Context, number: usize) -> String {
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
    let data = NotificationPlanned { notification: Some(notification) }.encode_to_vec();
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

/// The messages by the log, as a client is told of them.
fn deliveries(server: &Server) -> Vec<Value> {
    let output = run(client(&format!("http://{}", server.address()), &["deliveries", "--format", "json"]));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn wait(what: &str, mut is: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_between_send_and_record_and_without_its_log_for_a_while_nothing_is_lost() {
    let folder = TempDir::new().expect("a temporary folder");
    let key = file(&folder, "key", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    let secrets = folder.path().to_str().expect("a UTF-8 path").to_owned();
    let (url, seen) = receiver();
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
        planned.push(plan(&log, number).await);
    }
    let count = || seen.lock().expect("no thread has failed").len();
    wait("a quarter has arrived", || count() >= MESSAGES / 4);
    one.kill();
    let one = serve(&nats, &secrets);
    wait("half has arrived", || count() >= MESSAGES / 2);
    nats.restart();
    wait("all are delivered", || {
        deliveries(&other).iter().filter(|delivery| delivery["state"] == "delivered").count() == MESSAGES
    });

    let mut received: BTreeMap<String, u64> = BTreeMap::new();
    for id in seen.lock().expect("no thread has failed").iter() {
        *received.entry(id.clone()).or_default() += 1;
    }
    let told = deliveries(&other);
    let attempts: BTreeMap<String, u64> = told
        .iter()
        .map(|one| {
            (
                one["notification"].as_str().unwrap_or_default().to_owned(),
                one["attempt_count"].as_u64().unwrap_or_default(),
            )
        })
        .collect();
    let outcomes = told.iter().flat_map(|one| one["attempts"].as_array().cloned().unwrap_or_default());
    let failed: Vec<Value> = outcomes.filter(|attempt| attempt["outcome"] != "delivered").collect();
    let lost = planned.iter().filter(|id| !received.contains_key(*id)).count();
    let unaccounted = received
        .iter()
        .filter(|(id, count)| **count > attempts.get(*id).copied().unwrap_or_default())
        .count();
    let sent: u64 = attempts.values().sum();
    println!(
        "planned {MESSAGES}, attempts on the log {sent}, of them without an answer on record {}, received {}, distinct {}, \
         more often received than attempted {unaccounted}, lost {lost}",
        failed.len(),
        count(),
        received.len()
    );
    assert_eq!((received.len(), lost, unaccounted), (MESSAGES, 0, 0));
    assert_eq!(
        sent,
        u64::try_from(MESSAGES + failed.len()).expect("a small number"),
        "one attempt each, but for those that failed"
    );
    // In the order of each group, whoever sent them.
    let first: Vec<String> =
        seen.lock().expect("no thread has failed").iter().fold(Vec::new(), |mut first, id| {
            if !first.contains(id) {
                first.push(id.clone());
            }
            first
        });
    for group in 0..GROUPS {
        let wanted: Vec<&String> = planned.iter().skip(group).step_by(GROUPS).collect();
        let arrived: Vec<&String> = first.iter().filter(|id| wanted.contains(id)).collect();
        assert_eq!(arrived, wanted, "group {group}");
    }
    for mut server in [one, other] {
        server.signal("TERM");
        assert!(server.wait(orewatch_tests::process::STOP).success(), "{}", server.said());
    }
}
