//! What operators get wrong about NATS: each is refused or named, and nothing is changed by it.
use std::process::Command;
use std::time::{Duration, Instant};

use async_nats::jetstream;
use async_nats::jetstream::stream::DiscardPolicy;
use orewatch_testkit::{FaultProxy, NatsServer};
use orewatch_tests::api::Api;
use orewatch_tests::process::{STOP, Server};
use orewatch_tests::state::State;
use orewatch_tests::system::{SERVICES, client, file, run};
use orewatch_tests::tools::{orewatch, output, reference_tables, text};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

use crate::feeder::{put_rule, trade};

/// Maximum time to wait for anything, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Exit code of what is not set up as it must be.
const NOT_SET_UP: Option<i32> = Some(7);

/// A way to a NATS server on which it says that it has another version. Returns its URL.
async fn pretend(nats: &NatsServer, version: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    let port = nats.port();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            // Either side may close the connection.
            tokio::spawn(relay(client, port, version));
        }
    });
    format!("nats://{address}")
}

/// Passes a connection on, with another version in the first line of the server.
async fn relay(mut client: TcpStream, port: u16, version: &str) -> std::io::Result<()> {
    let mut server = BufReader::new(TcpStream::connect(("127.0.0.1", port)).await?);
    let mut info = String::new();
    server.read_line(&mut info).await?;
    let (before, rest) = info.split_once("\"version\":\"").expect("a server says its version first");
    let (_, after) = rest.split_once('"').expect("the version ends");
    client.write_all(format!("{before}\"version\":\"{version}\"{after}").as_bytes()).await?;
    copy_bidirectional(&mut client, &mut server).await.map(drop)
}

/// Runs a service that has to end by itself. Returns its exit code, if it listened before, and its output.
fn end_of(args: &[&str]) -> (Option<i32>, String) {
    match Server::try_start(args) {
        Ok(mut server) => {
            let status = server.wait(STOP);
            (status.code(), server.process_output())
        }
        Err(output) => (NOT_SET_UP, output),
    }
}

/// Runs `orewatch setup`. Returns its exit code, its rows, and what it says.
fn set_up(args: &[&str]) -> (Option<i32>, Vec<Value>, String) {
    let done = output(Command::new(orewatch()).arg("setup").args(args).args(["--format", "json"]));
    let rows = serde_json::from_slice(&done.stdout).unwrap_or_default();
    (done.status.code(), rows, text(&done.stderr))
}

/// The findings that fail, as `SETTING: FOUND`.
fn failing(rows: &[Value]) -> Vec<String> {
    let word = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    let failing = rows.iter().filter(|row| row["verdict"] == "fail");
    failing.map(|row| format!("{}: {}", word(row, "setting"), word(row, "found"))).collect()
}

async fn operator(nats: &NatsServer) -> jetstream::Context {
    jetstream::new(async_nats::connect(nats.url()).await.expect("the server runs"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_batches_is_refused_and_nothing_is_made_on_it() {
    let nats = NatsServer::start();
    let url = pretend(&nats, "2.11.9").await;
    let reason = "the NATS server has version 2.11.9, but 2.12 is needed";
    let (code, _, said) = set_up(&["--log", &url]);
    assert_eq!(code, NOT_SET_UP, "{said}");
    assert!(said.contains(reason), "{said}");
    for service in SERVICES {
        let (code, output) = end_of(&["serve", service, "--log", &url]);
        assert_eq!(code, NOT_SET_UP, "{output}");
        assert!(output.contains(reason), "{output}");
    }
    assert!(operator(&nats).await.get_stream("OBSERVATIONS").await.is_err(), "a stream was made");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_may_lose_events_fails_the_check_and_services_warn() {
    let nats = NatsServer::start();
    let url = pretend(&nats, "2.14.6").await;
    let (code, rows, said) = set_up(&["--log", &url]);
    assert_eq!((code, failing(&rows)), (NOT_SET_UP, vec!["server version: 2.14.6".to_owned()]), "{said}");
    let server = Server::start(&["serve", "ingestion", "--log", &url, "--make-logs", "false"]);
    let api = Api::at(server.address());
    let deadline = Instant::now() + PATIENCE;
    while api.releases().await.is_err() {
        assert!(Instant::now() < deadline, "it does not answer:\n{}", server.process_output());
        sleep(Duration::from_millis(20)).await;
    }
    let output = server.process_output();
    assert!(output.contains("before 2.15.1 it may lose acknowledged events"), "{output}");
}

#[tokio::test(flavor = "multi_thread")]
async fn three_copies_on_one_server_are_refused() {
    let nats = NatsServer::start();
    let url = nats.url();
    let (code, _, said) = set_up(&["--log", &url, "--log-replicas", "3"]);
    assert_eq!(code, NOT_SET_UP, "{said}");
    assert!(said.contains("replicas"), "{said}");
    let (code, output) = end_of(&["serve", "ingestion", "--log", &url, "--log-replicas", "3"]);
    assert_eq!(code, NOT_SET_UP, "{output}");
    assert!(operator(&nats).await.get_stream("OBSERVATIONS").await.is_err(), "a stream was made");

    // Logs with one copy do not pass for logs with three.
    let (code, _, said) = set_up(&["--log", &url]);
    assert_eq!(code, Some(0), "{said}");
    let three = ["serve", "ingestion", "--log", &url, "--log-replicas", "3", "--make-logs", "false"];
    let (code, output) = end_of(&three);
    assert_eq!(code, NOT_SET_UP, "{output}");
    assert!(output.contains("num_replicas is 1, not 3"), "{output}");
    for copies in ["0", "2", "many"] {
        let refused = output_of(&["setup", "--log", &url, "--log-replicas", copies]);
        assert_eq!(refused.0, Some(2), "{copies}: {}", refused.1);
    }
}

/// Exit code and messages of a command.
fn output_of(args: &[&str]) -> (Option<i32>, String) {
    let done = output(Command::new(orewatch()).args(args));
    (done.status.code(), text(&done.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_was_edited_by_hand_is_named_and_not_repaired() {
    let nats = NatsServer::start();
    let url = nats.url();
    assert_eq!(set_up(&["--log", &url]).0, Some(0));
    let context = operator(&nats).await;
    let mut edited = context.get_stream("OBSERVATIONS").await.expect("made").cached_info().config.clone();
    (edited.max_age, edited.discard) = (Duration::from_secs(86_400), DiscardPolicy::Old);
    context.update_stream(&edited).await.expect("edited");

    let (code, _, said) = set_up(&["--log", &url]);
    assert_eq!(code, NOT_SET_UP, "{said}");
    let (code, rows, said) = set_up(&["--log", &url, "--check"]);
    assert_eq!(code, NOT_SET_UP, "{said}");
    let found = failing(&rows);
    assert_eq!(found, ["stream OBSERVATIONS: discard: Old", "stream OBSERVATIONS: max_age: 86400s"]);
    let (code, output) = end_of(&["serve", "exposure", "--log", &url, "--make-logs", "false"]);
    assert_eq!(code, NOT_SET_UP, "{output}");
    for difference in ["max_age is 86400s, not 0ns", "discard is Old, not New"] {
        assert!(output.contains(difference), "{difference} is not in {output}");
    }
    let after = context.get_stream("OBSERVATIONS").await.expect("still there").cached_info().config.clone();
    assert_eq!((after.max_age, after.discard), (edited.max_age, DiscardPolicy::Old), "nothing was repaired");
}

/// All services on a NATS server.
fn start_services(url: &str) -> Vec<Server> {
    SERVICES.iter().map(|service| Server::start(&["serve", service, "--log", url])).collect()
}

fn api(servers: &[Server]) -> Api {
    let [ingestion, exposure, alerting] = [0, 1, 2].map(|number| servers[number].address());
    Api::at_each([ingestion, exposure, alerting])
}

/// Ingests a file, and waits until everything follows from it.
async fn ingest(servers: &[Server], path: &str) {
    let mut command = Command::new(orewatch());
    command.args(["ingest", path]);
    for (service, server) in SERVICES.iter().zip(servers) {
        command.arg(format!("--{service}")).arg(format!("http://{}", server.address()));
    }
    run(command);
    api(servers).settled().await.expect("everything follows");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_logs_of_another_cluster_are_noticed_and_folded_anew() {
    let (ours, theirs) = (NatsServer::start(), NatsServer::start());
    let folder = TempDir::new().expect("a temporary folder");
    let other = start_services(&theirs.url());
    put_rule(&api(&other)).await;
    ingest(&other, &file(&folder, "trade.csv", &trade(1))).await;
    ingest(&other, &file(&folder, "again.csv", &trade(2))).await;
    let expected = State::read(&api(&other)).await.expect("it answers");
    other.into_iter().for_each(|server| assert!(server.stop().success()));

    // The address is the same, and leads elsewhere.
    let proxy = FaultProxy::start();
    proxy.forward_to(ours.port());
    let servers = start_services(&format!("nats://{}", proxy.address()));
    ingest(&servers, &reference_tables()[0]).await;
    proxy.forward_to(theirs.port());
    proxy.cut();
    let deadline = Instant::now() + PATIENCE;
    let difference = loop {
        let difference = match State::read(&api(&servers)).await {
            Ok(found) => expected.difference(&found),
            Err(status) => Some(status.to_string()),
        };
        if difference.is_none() || Instant::now() > deadline {
            break difference;
        }
        sleep(Duration::from_millis(100)).await;
    };
    let outputs: Vec<String> = servers.iter().map(Server::process_output).collect();
    assert_eq!(difference, None, "{}", outputs.join("\n---\n"));
    for output in &outputs {
        assert!(output.contains("is not the one that was read before"), "{output}");
    }
    servers.into_iter().for_each(|server| assert!(server.stop().success()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_into_a_nats_server_with_other_logs_is_refused() {
    let (nats, folder) = (NatsServer::start(), TempDir::new().expect("a temporary folder"));
    let [data, place] = ["data", "backups"].map(|name| folder.path().join(name).display().to_string());
    let release = file(&folder, "trade.csv", &trade(1));
    run(command(&["ingest", &release, "--data", &data]));
    run(command(&["log", "backup", "--to", &place, "--data", &data]));
    let other = file(&folder, "other.csv", &trade(2));
    let server = Server::start(&["up", "--log", &nats.url()]);
    run(client(&format!("http://{}", server.address()), &["ingest", &other]));
    let before = Api::at(server.address()).releases().await.expect("releases");
    let (code, said) = output_of(&["log", "restore", "--from", &place, "--log", &nats.url()]);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("is not empty"), "{said}");
    assert_eq!(Api::at(server.address()).releases().await.expect("releases"), before);
    assert!(server.stop().success());
}

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(orewatch());
    command.args(args);
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_with_one_ordinal_say_so_and_one_answers() {
    let nats = NatsServer::start();
    let serve = || Server::start(&["serve", "exposure", "--log", &nats.url(), "--ordinal", "0"]);
    let first = serve();
    Api::at(first.address()).answered(0).await.expect("it answers");
    let second = serve();
    let deadline = Instant::now() + PATIENCE;
    let says_so = |server: &Server| server.process_output().contains("is its ordinal used twice?");
    while !says_so(&first) && !says_so(&second) {
        let outputs = [&first, &second].map(Server::process_output).join("\n---\n");
        assert!(Instant::now() < deadline, "neither says so:\n{outputs}");
        sleep(Duration::from_millis(20)).await;
    }
    assert!(first.stop().success());
    Api::at(second.address()).answered(0).await.expect("the other one answers alone");
    assert!(second.stop().success());
}
