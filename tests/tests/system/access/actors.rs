//! Commands are recorded by pseudonyms, and names can be erased.
use std::fs;
use std::process::Command;

use orewatch_tests::system::{file, run};
use orewatch_tests::tools::{orewatch, text};
use serde_json::Value;
use tempfile::TempDir;

use super::RULES;
use super::server::SecuredServer;

/// A command on the data of a server that has stopped.
fn offline(folder: &TempDir, args: &[&str]) -> String {
    let mut command = Command::new(orewatch());
    command.args(args).arg("--data").arg(folder.path().join("data")).args(["--format", "json"]);
    text(&run(command).stdout)
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

#[test]
fn the_log_has_pseudonyms_and_an_erased_name_is_shown_nowhere() {
    let server = SecuredServer::start();
    let rules = file(&server.folder, "rules.yaml", RULES);
    server.run("acme-analyst", &["rules", "apply", &rules, "--tenant", "acme", "--yes"]);
    let mut list = server.command("acme-reader", &["rules", "list", "--format", "json"]);
    list.env("COLUMNS", "100");
    assert_eq!(json(&text(&run(list).stdout))[0]["actor"], "acme-analyst");
    let SecuredServer { process, folder, .. } = server;
    assert!(process.stop().success());

    let names = json(&offline(&folder, &["actors", "list"]));
    let ids: Vec<_> = names.as_array().expect("a list").iter().collect();
    let entry = ids.iter().find(|entry| entry["name"] == "acme-analyst").expect("the name is noted");
    let pseudonym = entry["actor"].as_str().expect("a text").to_owned();
    assert!(pseudonym.starts_with("id:") && pseudonym.len() == 19, "{pseudonym}");
    assert!(ids.iter().all(|entry| entry["name"] != "acme-reader"), "who only reads is not noted: {names}");
    let events = offline(&folder, &["log", "tail", "--log-name", "alerts", "--last", "100"]);
    assert!(events.contains(&pseudonym) && !events.contains("acme-analyst"), "{events}");
    assert_eq!(json(&offline(&folder, &["rules", "list"]))[0]["actor"], "acme-analyst");

    let mut erase = Command::new(orewatch());
    erase.args(["actors", "erase", "acme-analyst", "--data"]).arg(folder.path().join("data"));
    run(erase);
    assert_eq!(json(&offline(&folder, &["rules", "list"]))[0]["actor"], pseudonym.as_str());
    for file in fs::read_dir(folder.path().join("data/actors")).expect("the table") {
        let content = fs::read_to_string(file.expect("a file").path()).expect("text");
        assert!(!content.contains("acme-analyst"), "{content}");
    }
}
