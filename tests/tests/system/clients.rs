//! Tests of the example clients in `clients/`, which are written in other languages, on both logs.
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use orewatch_contracts::alerting::v1::subscribe_alerts_response::Message;
use orewatch_contracts::alerting::v1::{AlertState, SubscribeAlertsRequest};
use orewatch_tests::api::{Api, eventually};
use orewatch_tests::system::{Cluster, Embedded, System, file, run, spawn};
use orewatch_tests::tools::{output, read, root, text, tool};
use serde_json::Value;
use tempfile::TempDir;

#[allow(unreachable_pub, reason = "the file is made to be copied into other crates")]
#[path = "../../../clients/rust/verify_webhook.rs"]
mod verify_webhook;

use crate::feeder::trade;
use verify_webhook::{Headers, NotAuthentic, TOLERANCE, verify};

/// Reads the transitions after a token: their identifiers in order, the next token, and the last position of
/// the log.
async fn transitions_after(api: &Api, token: &str) -> (Vec<String>, String, u64) {
    let request =
        SubscribeAlertsRequest { resume_token: token.to_owned(), ..SubscribeAlertsRequest::default() };
    let mut stream = api.alerting.clone().subscribe_alerts(request).await.expect("it answers").into_inner();
    let mut all = Vec::new();
    loop {
        let response = stream.message().await.expect("no error").expect("a message");
        match response.message {
            Some(Message::Transition(transition)) => all.push(transition.event_id),
            Some(Message::CaughtUp(end)) => return (all, response.resume_token, end.position),
            _ => {}
        }
    }
}

/// The open alerts with their states, by identifier.
async fn open_alerts(api: &Api) -> BTreeMap<String, String> {
    let all = api.alerts().await.expect("they can be read");
    let open =
        all.into_iter().filter(|alert| matches!(alert.state(), AlertState::Pending | AlertState::Firing));
    open.map(|alert| (alert.id.clone(), alert.state().as_str_name().to_owned())).collect()
}

/// The Python client, over gRPC or NATS.
struct Client {
    folder: TempDir,
    transport: &'static str,
    nats: String,
}

impl Client {
    fn command(&self, system: &impl System) -> Command {
        let [.., alerting] = system.addresses();
        let mut command = Command::new(tool("python"));
        command.arg(root().join("clients/python/orewatch_client.py")).arg(self.transport);
        command.args(["--alerting", alerting, "--nats", &self.nats]);
        command.arg("--state").arg(self.folder.path().join("state.json"));
        command.stdin(Stdio::null());
        command
    }

    /// The file in which it records what it has processed.
    fn saved_state(&self) -> String {
        fs::read_to_string(self.folder.path().join("state.json")).unwrap_or_default()
    }

    /// Follows up to a position of the log. Returns the transitions that it printed, and its copy of the
    /// alerts.
    fn follow_until(&self, system: &impl System, position: u64) -> (Vec<String>, BTreeMap<String, String>) {
        let mut command = self.command(system);
        command.arg("--until").arg(position.to_string());
        let ended = output(&mut command);
        let message = text(&ended.stderr);
        assert!(ended.status.success(), "{message}\n{}", system.process_output());
        self.parse(&text(&ended.stdout))
    }

    /// Parses its output.
    fn parse(&self, lines: &str) -> (Vec<String>, BTreeMap<String, String>) {
        let mut printed = Vec::new();
        let mut copy = BTreeMap::new();
        for line in lines.lines() {
            let line: Value = serde_json::from_str(line).expect("a line is JSON");
            printed.extend(line["id"].as_str().map(str::to_owned));
            for (alert, state) in line["copy"].as_object().into_iter().flatten() {
                copy.insert(alert.clone(), state["state"].as_str().unwrap_or_default().to_owned());
            }
        }
        (printed, copy)
    }
}

async fn ingest(system: &impl System, folder: &TempDir, vintage: u32) {
    let path = file(folder, &format!("trade-{vintage}.csv"), &trade(vintage));
    run(system.client(&["ingest", &path]));
    system.api().settled().await.expect("the pipeline follows");
}

/// Checks that each client starts with a snapshot, continues where it stopped, and keeps the same copy of the
/// alerts as the service, although clients and service are killed meanwhile.
async fn check_clients(mut system: impl System, transports: &[&'static str], nats: &str) {
    let folder = TempDir::new().expect("a temporary folder");
    let rules = root().join("crates/rules/packs/g7-china.yaml");
    run(system.client(&["rules", "apply", rules.to_str().expect("UTF-8")]));
    ingest(&system, &folder, 1).await;
    let api = system.api();
    let new_client = |transport: &&'static str| {
        let folder = TempDir::new().expect("a folder");
        Client { folder, transport, nats: nats.to_owned() }
    };
    let clients: Vec<Client> = transports.iter().map(new_client).collect();

    let (_, mut token, mut head) = transitions_after(&api, "").await;
    for client in &clients {
        let (printed, copy) = client.follow_until(&system, head);
        assert_eq!(printed, [""; 0], "{}: a snapshot has no transitions", client.transport);
        assert_eq!(copy, open_alerts(&api).await, "{}", client.transport);
        assert!(!copy.is_empty(), "nothing is open");
    }

    for vintage in 2..=4 {
        // Each client is killed after it has received something live, and then the service is killed.
        let saved: Vec<_> = clients.iter().map(Client::saved_state).collect();
        let listening: Vec<_> = clients.iter().map(|client| spawn(client.command(&system))).collect();
        ingest(&system, &folder, vintage).await;
        for (client, saved) in clients.iter().zip(saved) {
            let has_received = async || Ok((client.saved_state() != saved).then_some(()));
            eventually("the client receives something", has_received).await.expect("the client follows");
        }
        let mut before: Vec<Vec<String>> = Vec::new();
        for (client, mut child) in clients.iter().zip(listening) {
            child.kill().expect("it runs");
            let ended = child.wait_with_output().expect("it ended");
            before.push(client.parse(&complete_lines(&ended.stdout)).0);
        }
        // In a cluster, this is the alerting service.
        system.kill_and_restart(2);
        let api = system.api();
        api.settled().await.expect("the service is back");
        let (sent, next, end) = transitions_after(&api, &token).await;
        assert!(!sent.is_empty(), "nothing happened");
        (token, head) = (next, end);
        for (client, mut printed) in clients.iter().zip(before) {
            let (rest, copy) = client.follow_until(&system, head);
            // A transition that was printed but not recorded before the kill is sent again with the same
            // identifier.
            let again =
                printed.iter().rev().zip(&rest).filter(|(printed, rest)| printed == rest).count().min(1);
            printed.extend(rest.into_iter().skip(again));
            println!(
                "{}: sent {}, received {}, again after the kill {again}, lost 0",
                client.transport,
                sent.len(),
                printed.len()
            );
            assert_eq!(printed, sent, "{} after vintage {vintage}", client.transport);
            assert_eq!(copy, open_alerts(&api).await, "{} after vintage {vintage}", client.transport);
        }
    }
}

/// The lines of an output, without an incomplete last line.
fn complete_lines(bytes: &[u8]) -> String {
    let text = text(bytes);
    text.rfind('\n').map_or_else(String::new, |end| text.get(..=end).unwrap_or_default().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_python_client_follows_the_embedded_log_over_grpc() {
    check_clients(Embedded::start(), &["grpc"], "nats://127.0.0.1:1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn python_clients_follow_a_cluster_over_grpc_and_over_nats() {
    let cluster = Cluster::start();
    let nats = cluster.nats();
    check_clients(cluster, &["grpc", "nats"], &nats).await;
}

/// Webhook messages that were signed by another program.
fn webhook_vectors() -> Vec<Value> {
    let file: Value =
        serde_json::from_str(&read("clients/webhook-vectors.json")).expect("the vectors are JSON");
    file["messages"].as_array().expect("messages").clone()
}

fn field<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().expect("a text")
}

#[test]
fn the_rust_example_verifies_webhooks() {
    for vector in webhook_vectors() {
        let headers = Headers {
            id: field(&vector, "id"),
            timestamp: field(&vector, "timestamp"),
            signature: field(&vector, "signature"),
        };
        let (about, body) = (field(&vector, "about"), field(&vector, "body").as_bytes());
        let keys: Vec<&str> =
            vector["keys"].as_array().expect("keys").iter().filter_map(Value::as_str).collect();
        let now: i64 = headers.timestamp.parse().expect("a number");
        assert_eq!(verify(headers, body, &keys, now), Ok(()), "{about}");
        assert_eq!(verify(headers, body, &keys, now + TOLERANCE), Ok(()), "{about}");
        let late = verify(headers, body, &keys, now + TOLERANCE + 1);
        assert_eq!(late, Err(NotAuthentic::Timestamp), "{about}");
        let other_body = [body, b" "].concat();
        let other_id = Headers { id: "another", ..headers };
        let unsigned = Headers { signature: "v1,AAAA v1a,AAAA v2,x", ..headers };
        for (headers, body, keys) in [
            (headers, other_body.as_slice(), keys.as_slice()),
            (other_id, body, keys.as_slice()),
            (unsigned, body, keys.as_slice()),
            (headers, body, &["whsec_AAAA", "whpk_AAAA", "none"]),
        ] {
            assert_eq!(verify(headers, body, keys, now), Err(NotAuthentic::Signature), "{about}");
        }
    }
}

#[test]
fn the_python_example_verifies_webhooks() {
    let script = "
import json, sys
import verify_webhook as w

def refused(*args):
    try:
        w.verify(*args)
    except w.NotAuthentic:
        return True
    return False

messages = json.load(open(sys.argv[1], encoding='utf-8'))['messages']
for m in messages:
    h = {'webhook-id': m['id'], 'webhook-timestamp': m['timestamp'], 'webhook-signature': m['signature']}
    body, keys, now = m['body'].encode(), m['keys'], int(m['timestamp'])
    assert w.verify(h, body, keys, now) == m['id'], m['about']
    assert w.verify(h, body, keys, now - w.TOLERANCE) == m['id'], m['about']
    assert refused(h, body, keys, now - w.TOLERANCE - 1), m['about']
    assert refused(h, body, keys), m['about']
    assert refused(h, body + b' ', keys, now), m['about']
    assert refused({**h, 'webhook-id': 'another'}, body, keys, now), m['about']
    assert refused({**h, 'webhook-signature': 'v1,AAAA v1a,AAAA v1,!'}, body, keys, now), m['about']
    assert refused({'webhook-id': m['id']}, body, keys, now), m['about']
    assert refused(h, body, ['whsec_AAAA'], now), m['about']
print(len(messages))
";
    let mut command = Command::new(tool("python"));
    command.args(["-c", script]).arg(Path::new(root()).join("clients/webhook-vectors.json"));
    let ended = output(command.env("PYTHONPATH", root().join("clients/python")));
    assert!(ended.status.success(), "{}", text(&ended.stderr));
    assert_eq!(text(&ended.stdout).trim(), webhook_vectors().len().to_string());
}
