//! A program of somebody else, in another language: the clients of `clients/` against both logs.
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

#[allow(unreachable_pub, reason = "it is made to be copied into a crate of somebody else")]
#[path = "../../../clients/rust/verify_webhook.rs"]
mod verify_webhook;

use crate::feeder::trade;
use verify_webhook::{Headers, NotAuthentic, TOLERANCE, verify};

/// Transitions from a position on: identifiers in order. And where the log ends.
async fn told_after(api: &Api, token: &str) -> (Vec<String>, String, u64) {
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

/// The open alerts with their states.
async fn open(api: &Api) -> BTreeMap<String, String> {
    let all = api.alerts().await.expect("they can be read");
    let open =
        all.into_iter().filter(|alert| matches!(alert.state(), AlertState::Pending | AlertState::Firing));
    open.map(|alert| (alert.id.clone(), alert.state().as_str_name().to_owned())).collect()
}

struct Client {
    folder: TempDir,
    over: &'static str,
    nats: String,
}

impl Client {
    fn command(&self, system: &impl System) -> Command {
        let [.., alerting] = system.addresses();
        let mut command = Command::new(tool("python"));
        command.arg(root().join("clients/python/orewatch_client.py")).arg(self.over);
        command.args(["--alerting", alerting, "--nats", &self.nats]);
        command.arg("--state").arg(self.folder.path().join("state.json"));
        command.stdin(Stdio::null());
        command
    }

    /// What it has noted as processed.
    fn noted(&self) -> String {
        fs::read_to_string(self.folder.path().join("state.json")).unwrap_or_default()
    }

    /// Follows up to a position of the log. Returns the transitions that it told, and its copy of the alerts.
    fn upto(&self, system: &impl System, position: u64) -> (Vec<String>, BTreeMap<String, String>) {
        let mut command = self.command(system);
        command.arg("--until").arg(position.to_string());
        let ended = output(&mut command);
        let said = text(&ended.stderr);
        assert!(ended.status.success(), "{said}\n{}", system.said());
        self.read(&text(&ended.stdout))
    }

    fn read(&self, lines: &str) -> (Vec<String>, BTreeMap<String, String>) {
        let mut told = Vec::new();
        let mut copy = BTreeMap::new();
        for line in lines.lines() {
            let line: Value = serde_json::from_str(line).expect("a line is JSON");
            told.extend(line["id"].as_str().map(str::to_owned));
            for (alert, state) in line["copy"].as_object().into_iter().flatten() {
                copy.insert(alert.clone(), state["state"].as_str().unwrap_or_default().to_owned());
            }
        }
        (told, copy)
    }
}

async fn ingest(system: &impl System, folder: &TempDir, vintage: u32) {
    let path = file(folder, &format!("trade-{vintage}.csv"), &trade(vintage));
    run(system.client(&["ingest", &path]));
    system.api().settled().await.expect("the pipeline follows");
}

/// Each client begins with a snapshot, goes on where it stopped, and keeps the same copy as the service; one is killed on the way,
/// and the service as well.
async fn follow_as_an_outsider(mut system: impl System, over: &[&'static str], nats: &str) {
    let folder = TempDir::new().expect("a temporary folder");
    let rules = root().join("crates/alerting/packs/g7-china.yaml");
    run(system.client(&["rules", "apply", rules.to_str().expect("UTF-8")]));
    ingest(&system, &folder, 1).await;
    let api = system.api();
    let clients: Vec<Client> = over
        .iter()
        .map(|over| Client { folder: TempDir::new().expect("a folder"), over, nats: nats.to_owned() })
        .collect();

    let (_, mut token, mut head) = told_after(&api, "").await;
    for client in &clients {
        let (told, copy) = client.upto(&system, head);
        assert_eq!(told, [""; 0], "{}: a snapshot is no transition", client.over);
        assert_eq!(copy, open(&api).await, "{}", client.over);
        assert!(!copy.is_empty(), "nothing is open");
    }

    for vintage in 2..=4 {
        // One that listens live is killed when it has heard something; the service dies as well.
        let noted: Vec<_> = clients.iter().map(Client::noted).collect();
        let listening: Vec<_> = clients.iter().map(|client| spawn(client.command(&system))).collect();
        ingest(&system, &folder, vintage).await;
        for (client, noted) in clients.iter().zip(noted) {
            let heard = async || Ok((client.noted() != noted).then_some(()));
            eventually("the client hears something", heard).await.expect("it listens");
        }
        let mut before: Vec<Vec<String>> = Vec::new();
        for (client, mut child) in clients.iter().zip(listening) {
            child.kill().expect("it runs");
            let ended = child.wait_with_output().expect("it ended");
            before.push(client.read(&whole_lines(&ended.stdout)).0);
        }
        // The alerting service, where there are three processes.
        system.disturb(2);
        let api = system.api();
        api.settled().await.expect("the service is back");
        let (sent, next, end) = told_after(&api, &token).await;
        assert!(!sent.is_empty(), "nothing happened");
        (token, head) = (next, end);
        for (client, mut told) in clients.iter().zip(before) {
            let (rest, copy) = client.upto(&system, head);
            // What was told and not noted when the client was killed comes again under the same identifier.
            let again = told.iter().rev().zip(&rest).filter(|(told, rest)| told == rest).count().min(1);
            told.extend(rest.into_iter().skip(again));
            println!(
                "{}: sent {}, received {}, again after the kill {again}, lost 0",
                client.over,
                sent.len(),
                told.len()
            );
            assert_eq!(told, sent, "{} after vintage {vintage}", client.over);
            assert_eq!(copy, open(&api).await, "{} after vintage {vintage}", client.over);
        }
    }
}

/// All but a line that was cut off.
fn whole_lines(bytes: &[u8]) -> String {
    let text = text(bytes);
    text.rfind('\n').map_or_else(String::new, |end| text.get(..=end).unwrap_or_default().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_python_client_follows_over_grpc_on_the_embedded_log() {
    follow_as_an_outsider(Embedded::start(), &["grpc"], "nats://127.0.0.1:1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_python_client_follows_over_grpc_and_over_nats() {
    let cluster = Cluster::start();
    let nats = cluster.nats();
    follow_as_an_outsider(cluster, &["grpc", "nats"], &nats).await;
}

/// Messages that were signed by another program.
fn vectors() -> Vec<Value> {
    let file: Value =
        serde_json::from_str(&read("clients/webhook-vectors.json")).expect("the vectors are JSON");
    file["messages"].as_array().expect("messages").clone()
}

fn field<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().expect("a text")
}

#[test]
fn the_rust_snippet_verifies_webhooks_that_others_signed() {
    for vector in vectors() {
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
fn the_python_snippet_verifies_webhooks_that_others_signed() {
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
    assert_eq!(text(&ended.stdout).trim(), vectors().len().to_string());
}
