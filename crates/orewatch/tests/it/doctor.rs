//! `orewatch doctor`: what it finds, what it says to do, and what it keeps to itself.
//!
//! The disk of the machine that runs the tests may be slow or full, so that verdicts on it are not expected
//! to be good ones.
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::run::{Up, command, err, ok, run};

/// The checks that a doctor printed.
fn checks(output: &Output) -> Vec<Value> {
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}{}", err(output)))
}

/// Runs a doctor, whose exit code says whether a check fails.
fn doctor(args: &[&str]) -> Vec<Value> {
    let output = run(&[&["doctor", "--format", "json"], args].concat());
    let checks = checks(&output);
    let fails = checks.iter().any(|check| check["verdict"] == "fail");
    assert_eq!(output.status.code(), Some(if fails { 7 } else { 0 }), "{}", err(&output));
    for check in &checks {
        assert_eq!(check["verdict"] == "pass", check["remedy"].is_null(), "{check}");
    }
    checks
}

fn text<'a>(check: &'a Value, column: &str) -> &'a str {
    check[column].as_str().unwrap_or_default()
}

/// The check on something, and that it has a verdict.
#[track_caller]
fn find<'a>(checks: &'a [Value], area: &str, subject: &str) -> &'a Value {
    let is_it = |check: &&Value| check["area"] == area && text(check, "subject").contains(subject);
    checks.iter().find(is_it).unwrap_or_else(|| panic!("no check of {area} {subject} in {checks:#?}"))
}

fn path(folder: &Path, name: &str) -> String {
    folder.join(name).to_str().unwrap().to_owned()
}

#[test]
fn a_running_process_is_in_good_health() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let up = Up::start(data);
    ok(&["releases", "--server", &up.address]);
    let checks = doctor(&["--data", data, "--server", &up.address]);
    let bad = |check: &&Value| check["verdict"] != "pass" && check["area"] != "disk";
    let bad: Vec<_> = checks.iter().filter(bad).collect();
    assert!(bad.is_empty(), "{bad:#?}");
    for service in ["ingestion", "exposure", "alerting"] {
        assert_eq!(text(find(&checks, "service", service), "found"), "ready");
    }
    assert!(text(find(&checks, "clock", &up.address), "found").ends_with("s apart"));
    for log in ["observations", "exposures", "alerts"] {
        assert!(text(find(&checks, "log", log), "found").starts_with("positions: "));
    }
    find(&checks, "store", "archive");
    assert!(text(find(&checks, "disk", "flushing"), "found").contains("p99 of "));
    assert!(text(find(&checks, "disk", "space"), "found").contains("MiB free of "));
    let left: Vec<_> =
        fs::read_dir(folder.path()).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().contains("doctor")), "{left:?}");
}

#[test]
fn what_is_wrong_fails_with_its_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let (file, missing) = (path(folder.path(), "file"), path(folder.path(), "missing.pem"));
    fs::write(&file, "x").unwrap();
    let checks = doctor(&[
        "--data",
        &path(folder.path(), "data"),
        "--server",
        "http://127.0.0.1:1",
        "--archive",
        &file,
        "--ca-file",
        &missing,
        "--public-url",
        "no address",
    ]);
    for (area, subject) in
        [("service", "http://127.0.0.1:1"), ("settings", "ca-file"), ("settings", "services")]
    {
        assert_eq!(find(&checks, area, subject)["verdict"], "fail");
    }
    assert_eq!(find(&checks, "log", "data")["verdict"], "warn", "there may be no logs yet");
    assert!(!folder.path().join("data").exists(), "a doctor makes nothing");

    let checks = doctor(&["--data", &path(folder.path(), "data"), "--archive", &file]);
    let archive = find(&checks, "store", "archive");
    assert_eq!(archive["verdict"], "fail");
    assert!(text(archive, "found").starts_with("write fails: "), "{archive}");
}

#[test]
fn a_server_that_shows_no_certificate_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let up = Up::start(folder.path().to_str().unwrap());
    let https = up.address.replace("http://", "https://");
    let checks = doctor(&["--data", folder.path().to_str().unwrap(), "--server", &https]);
    let certificate = find(&checks, "tls", https.trim_start_matches("https://"));
    assert_eq!(certificate["verdict"], "fail");
    assert!(text(certificate, "found").contains("no handshake"), "{certificate}");
}

/// A doctor with a secret in every place that may have one.
fn with_planted_secrets(folder: &Path) -> Command {
    let secret = |name: &str, content: &str| {
        let path = path(folder, name);
        fs::write(&path, content).unwrap();
        path
    };
    let config = secret(
        "orewatch.toml",
        "otlp-endpoint = 'http://ann:planted-collector@127.0.0.1:2/v1?key=planted-query'\n\
         [[poll]]\nname = 'un'\nkind = 'comtrade'\nkey = 'planted-poll'\n",
    );
    let token = secret("token", "planted-token-of-a-client");
    let mut doctor = command(&["doctor", "--config", &config, "--token-file", &token, "--format", "json"]);
    doctor
        .args(["--server", "http://ann:planted-server@127.0.0.1:1"])
        .args(["--nats-nkey", &secret("seed", "SUplantedseedthatisnone")])
        .args(["--data", &path(folder, "data"), "--log", "nats://ann:planted-nats@127.0.0.1:1"])
        .env("AWS_ACCESS_KEY_ID", "planted-aws-id")
        .env("AWS_SECRET_ACCESS_KEY", "planted-aws-secret")
        .env("COMTRADE_KEY", "planted-variable");
    doctor
}

#[test]
fn neither_output_nor_bundle_has_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    let places = [path(folder.path(), "support.tar.gz"), path(folder.path(), "support")];
    let mut shown = String::new();
    for place in &places {
        let output = with_planted_secrets(folder.path()).args(["--bundle", place]).output().unwrap();
        assert_eq!(output.status.code(), Some(7), "{}", err(&output));
        checks(&output);
        shown.push_str(&String::from_utf8_lossy(&output.stdout));
        shown.push_str(&err(&output));
    }
    let unpacked = Command::new("tar").args(["-xOzf", &places[0]]).output().unwrap();
    assert!(unpacked.status.success(), "{}", err(&unpacked));
    shown.push_str(&String::from_utf8_lossy(&unpacked.stdout));
    for name in ["about", "checks", "health", "positions", "settings"] {
        shown.push_str(&fs::read_to_string(folder.path().join(format!("support/{name}.json"))).unwrap());
    }
    assert!(!shown.contains("planted"), "{shown}");
    for kept in ["nats://127.0.0.1:1", "--token-file", "orewatch.toml", env!("CARGO_PKG_VERSION")] {
        assert!(shown.contains(kept), "{kept} is in {shown}");
    }
    let again = with_planted_secrets(folder.path()).args(["--bundle", &places[0]]).output().unwrap();
    assert_eq!(again.status.code(), Some(2), "a bundle is never overwritten: {}", err(&again));
}
