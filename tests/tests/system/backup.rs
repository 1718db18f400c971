//! Restore drills: a system is backed up and restored, embedded or on NATS, and gives the same answers. Marks
//! of events that must not count are visible in answers.
use std::fs;
use std::path::Path;
use std::process::Command;

use orewatch_contracts::alerting::v1::SubscribeAlertsRequest;
use orewatch_contracts::alerting::v1::subscribe_alerts_response::Message;
use orewatch_testkit::NatsServer;
use orewatch_tests::api::Api;
use orewatch_tests::process::Server;
use orewatch_tests::recorded::Record;
use orewatch_tests::state::State;
use orewatch_tests::system::{Embedded, SERVICES, System, client, file, run};
use orewatch_tests::tools::{orewatch, output, text};
use serde_json::Value;
use tempfile::TempDir;

use crate::feeder::{put_rule, trade};

fn folder() -> TempDir {
    TempDir::new().expect("a temporary folder")
}

fn path(folder: &Path, name: &str) -> String {
    folder.join(name).to_str().expect("a UTF-8 path").to_owned()
}

/// Runs a command on the logs, and returns its rows.
fn log(args: &[&str]) -> Vec<Value> {
    let mut command = Command::new(orewatch());
    command.arg("log").args(args).args(["--format", "json"]);
    serde_json::from_slice(&run(command).stdout).expect("it prints JSON")
}

/// The head digests of the logs, by their names.
fn heads(rows: &[Value]) -> Vec<(String, String)> {
    let word = |row: &Value, name: &str| row[name].as_str().expect(name).to_owned();
    rows.iter().map(|row| (word(row, "log"), word(row, "head"))).collect()
}

/// Unpacks the recorded logs, which have the reference figures, and lets this version publish what it does
/// differently.
async fn recorded_system() -> (Embedded, State) {
    let folder = folder();
    let records = Record::all();
    records.first().expect("a record").unpack(folder.path());
    let mut system = Embedded::start_on(folder);
    let state = State::read(&system.api()).await.expect("it answers");
    system.stop();
    (system, state)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reference_figures_survive_a_move_to_nats_and_back() {
    let (system, expected) = recorded_system().await;
    let places = folder();
    let (first, second) = (path(places.path(), "first"), path(places.path(), "second"));
    let data = system.data().to_str().expect("a UTF-8 path");
    let backed_up = log(&["backup", "--to", &first, "--data", data]);
    assert_eq!(heads(&log(&["verify", &first])), heads(&backed_up));

    let nats = NatsServer::start();
    let restored = log(&["restore", "--from", &first, "--log", &nats.url()]);
    assert_eq!(heads(&restored), heads(&backed_up));
    let servers: Vec<_> =
        SERVICES.iter().map(|service| Server::start(&["serve", service, "--log", &nats.url()])).collect();
    let addresses: Vec<_> = servers.iter().map(Server::address).collect();
    let found = State::read(&Api::at_each([addresses[0], addresses[1], addresses[2]])).await;
    assert_eq!(expected.difference(&found.expect("it answers")), None);
    servers.into_iter().for_each(|server| assert!(server.stop().success()));

    // Back from NATS, with what the services recorded meanwhile, if anything.
    let backed_up = log(&["backup", "--to", &second, "--log", &nats.url()]);
    let back = folder();
    let restored = log(&["restore", "--from", &second, "--data", &path(back.path(), "data")]);
    assert_eq!(heads(&restored), heads(&backed_up));
    let system = Server::start(&["up", "--data", &path(back.path(), "data")]);
    let found = State::read(&Api::at(system.address())).await.expect("it answers");
    assert_eq!(expected.difference(&found), None);
}

/// Follows from a resume token to the present end. Returns identifiers of transitions, and the last token.
async fn follow(api: &Api, token: &str) -> (Vec<String>, String) {
    let request =
        SubscribeAlertsRequest { resume_token: token.to_owned(), ..SubscribeAlertsRequest::default() };
    let mut stream = api.alerting.clone().subscribe_alerts(request).await.expect("it answers").into_inner();
    let (mut all, mut token) = (Vec::new(), token.to_owned());
    while let Some(response) = stream.message().await.expect("no error") {
        token = response.resume_token;
        match response.message {
            Some(Message::Transition(transition)) => all.push(transition.event_id),
            Some(Message::CaughtUp(_)) => break,
            Some(_) | None => {}
        }
    }
    (all, token)
}

fn ingest(server: &Server, folder: &TempDir, vintage: u32) {
    let release = file(folder, &format!("trade-{vintage}.csv"), &trade(vintage));
    run(client(&format!("http://{}", server.address()), &["ingest", &release]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resume_token_holds_after_a_restore() {
    let (files, data) = (folder(), folder());
    let (before, after, place) =
        (path(data.path(), "before"), path(data.path(), "after"), path(data.path(), "backups"));
    let server = Server::start(&["up", "--data", &before]);
    put_rule(&Api::at(server.address())).await;
    ingest(&server, &files, 1);
    let (first, token) = follow(&Api::at(server.address()), "beginning").await;
    assert!(!first.is_empty(), "alerts fired");
    ingest(&server, &files, 2);
    let (expected, _) = follow(&Api::at(server.address()), &token).await;
    assert!(!expected.is_empty(), "alerts changed");
    // The server is running: a backup only reads.
    let backed_up = log(&["backup", "--to", &place, "--data", &before]);
    assert!(server.stop().success());
    let restored = log(&["restore", "--from", &place, "--data", &after]);
    assert_eq!(heads(&restored), heads(&backed_up));
    let server = Server::start(&["up", "--data", &after]);
    let (found, _) = follow(&Api::at(server.address()), &token).await;
    assert_eq!(found, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_restored_is_refused() {
    let (files, data) = (folder(), folder());
    let [ours, theirs, place] = ["ours", "theirs", "backups"].map(|name| path(data.path(), name));
    for (data, vintage) in [(&ours, 1), (&theirs, 2)] {
        let release = file(&files, "trade.csv", &trade(vintage));
        run(command(&["ingest", &release, "--data", data]));
    }
    log(&["backup", "--to", &place, "--data", &ours]);
    let check = |args: &[&str], code: i32, words: &str| {
        let refused = output(&mut command(args));
        let message = text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(code), "{message}");
        assert!(message.contains(words), "{message}");
    };
    check(&["log", "restore", "--from", &place, "--data", &theirs], 3, "is not empty");
    check(&["log", "backup", "--to", &place, "--data", &theirs], 3, "another log");
    check(&["log", "restore", "--from", &place], 2, "--data DIR");
    check(&["log", "stats", "--data", &path(data.path(), "none")], 2, "no such log");
    let segments = fs::read_dir(Path::new(&place).join("observations")).expect("a folder");
    let segment = segments
        .map(|entry| entry.expect("an entry").path())
        .find(|path| path.extension().is_some_and(|extension| extension == "segment"));
    fs::write(segment.expect("a segment"), "").expect("it can be written");
    check(&["log", "verify", &place], 6, "damaged at position 1");
}

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(orewatch());
    command.args(args);
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn a_marked_event_does_not_count_and_answers_say_so() {
    let (files, directory) = (folder(), folder());
    let data = path(directory.path(), "data");
    let data = data.as_str();
    let release = file(&files, "trade.csv", &trade(1));
    run(command(&["ingest", &release, "--data", data]));
    let tail = ["log", "tail", "--log-name", "observations", "--from", "1", "--format", "json"];
    let events = run(command(&[&tail[..], &["--kind", "ObservationsRecorded", "--data", data]].concat()));
    let event: Value =
        serde_json::from_str(text(&events.stdout).lines().next().expect("a chunk")).expect("JSON");
    let position = event["position"].to_string();
    let explain = ["explain", "--consumer", "DEU", "--material", "graphite", "--stage", "mined", "--data"];
    let explained = |what: &str| -> Value {
        let args = [&explain[..], &[data, "--format", "json"]].concat();
        serde_json::from_slice(&run(command(&args)).stdout).expect(what)
    };
    assert!(explained("before")["rows_total"].as_u64().expect("a number") > 0);

    let mark = ["log", "skip", "observations", position.as_str(), "--reason", "wrong", "--actor", "ops"];
    run(command(&[&mark[..], &["--data", data]].concat()));
    let listed = log(&["skipped", "--data", data]);
    assert_eq!(listed[0]["actor"], "ops");
    assert_eq!(listed[0]["reason"], "wrong");
    let releases = run(command(&["releases", "--data", data, "--format", "json"]));
    let releases: Value = serde_json::from_slice(&releases.stdout).expect("JSON");
    let shown = releases[0]["skipped"].to_string();
    assert!(shown.contains(&position) && shown.contains("wrong") && shown.contains("ops"), "{releases}");
    assert_eq!(explained("marked")["rows_total"], 0, "its rows do not count");

    run(command(&[&mark[..], &["--withdraw", "--data", data]].concat()));
    assert!(explained("again")["rows_total"].as_u64().expect("a number") > 0);
}
