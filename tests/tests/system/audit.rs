//! `orewatch audit` on NATS, as an operator without the rights of a service, and on a log with damage.
use std::process::Command;

use orewatch_tests::system::{Cluster, Embedded, System, file, run};
use orewatch_tests::tools::{orewatch, output, text};
use rusqlite::Connection;
use serde_json::Value;
use tempfile::TempDir;

use crate::feeder::trade;

fn audit(args: &[&str]) -> Command {
    let mut command = Command::new(orewatch());
    command.args(["audit", "--format", "json"]).args(args);
    command
}

/// Ingests a release and withdraws it.
fn make_history(system: &dyn System) {
    let files = TempDir::new().expect("a folder");
    let release = file(&files, "trade.csv", &trade(1));
    run(system.client(&["ingest", &release]));
    let listed = run(system.client(&["releases", "--format", "json"]));
    let listed: Value = serde_json::from_slice(&listed.stdout).expect("JSON");
    let id = listed[0]["release"].as_str().expect("an identifier");
    run(system.client(&["withdraw", id, "--actor", "ann", "--reason", "typing error"]));
}

fn actions(rows: &[u8]) -> Vec<String> {
    let rows: Vec<Value> = serde_json::from_slice(rows).expect("JSON");
    rows.iter().map(|row| row["action"].as_str().expect("an action").to_owned()).collect()
}

#[test]
fn deeds_on_nats_are_read_from_the_logs() {
    let cluster = Cluster::start();
    make_history(&cluster);
    let found = run(audit(&["--log", &cluster.nats(), "--actor", "ann"]));
    assert_eq!(actions(&found.stdout), ["withdraw release"]);
    let all = run(audit(&["--log", &cluster.nats(), "--log-name", "observations"]));
    assert_eq!(actions(&all.stdout), ["open release", "commit release", "withdraw release"]);
}

#[test]
fn an_event_that_cannot_be_read_is_named_and_what_follows_is_shown() {
    let mut system = Embedded::start();
    make_history(&system);
    system.stop();
    let log = Connection::open(system.data().join("observations.db")).expect("a database");
    let changed = log.execute("UPDATE event SET data = x'00' WHERE position = 2", []).expect("it is written");
    assert_eq!(changed, 1);
    drop(log);
    let data = system.data().to_str().expect("a UTF-8 path");
    let found = output(&mut audit(&["--data", data]));
    let said = text(&found.stderr);
    assert_eq!(found.status.code(), Some(6), "{said}");
    assert!(said.contains("position 2 cannot be read"), "{said}");
    assert_eq!(actions(&found.stdout), ["open release", "commit release", "withdraw release"]);
}
