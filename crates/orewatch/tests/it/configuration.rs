//! Configuration: flags, environment and file, and what errors say about them.
use std::fs;

use crate::run::{Up, command, err, run};

#[test]
fn help_succeeds_and_a_missing_command_is_an_error() {
    let help = run(&["--help"]);
    assert_eq!(help.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&help.stdout).contains("Examples:"));
    assert_eq!(run(&[]).status.code(), Some(2));
    assert_eq!(run(&["expose"]).status.code(), Some(2));
}

#[test]
fn an_invalid_configuration_file_names_the_key_and_suggests_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("orewatch.toml");
    fs::write(&path, "lisen = '127.0.0.1:1'").unwrap();
    let output = run(&["up", "--config", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).contains("did you mean listen?"), "{}", err(&output));

    let missing = run(&["up", "--config", "/nowhere/orewatch.toml"]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(err(&missing).contains("/nowhere/orewatch.toml"), "{}", err(&missing));
}

#[test]
fn an_invalid_value_names_its_source() {
    let flag = run(&["releases", "--format", "yaml"]);
    assert_eq!(flag.status.code(), Some(2));
    assert!(err(&flag).contains("--format") && err(&flag).contains("yaml"), "{}", err(&flag));

    let variable = command(&["releases"]).env("OREWATCH_TIMEOUT", "soon").output().unwrap();
    assert_eq!(variable.status.code(), Some(2));
    assert!(err(&variable).contains("OREWATCH_TIMEOUT"), "{}", err(&variable));

    let typo = command(&["releases"]).env("OREWATCH_SERVR", "x").output().unwrap();
    assert_eq!(typo.status.code(), Some(2));
    assert!(err(&typo).contains("OREWATCH_SERVER"), "{}", err(&typo));
}

#[test]
fn a_flag_overrides_the_environment() {
    let output = command(&["releases", "--server", "http://127.0.0.1:1"])
        .env("OREWATCH_SERVER", "http://127.0.0.1:2")
        .output();
    assert!(err(&output.unwrap()).contains("http://127.0.0.1:1 "));
}

#[test]
fn an_unreachable_server_is_an_external_error_with_a_hint() {
    let output = run(&["alerts", "--server", "http://127.0.0.1:1"]);
    assert_eq!(output.status.code(), Some(4));
    assert!(err(&output).contains("orewatch up") && err(&output).contains("--data DIR"), "{}", err(&output));
    assert!(output.stdout.is_empty(), "talk is not data");
}

#[test]
fn a_single_service_needs_a_shared_log() {
    let output = run(&["serve", "exposure"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).contains("--log nats://"), "{}", err(&output));
}

#[test]
fn the_data_directory_goes_with_a_shared_log_and_not_with_another_embedded_one() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().to_str().unwrap();
    // It starts, and waits for its log.
    Up::start_with(data, &["--log", "nats://127.0.0.1:1"]).kill();
    let log = format!("embedded:{data}/log");
    let both = run(&["up", "--log", &log, "--data", data, "--listen", "127.0.0.1:0"]);
    assert_eq!(both.status.code(), Some(2), "{}", err(&both));
    assert!(err(&both).contains("leave out one of --log and --data"), "{}", err(&both));
}

#[test]
fn listening_beyond_this_machine_needs_callers_and_tls_or_their_absence_by_name() {
    let nowhere = ["serve", "exposure", "--log", "embedded:/dev/null/data", "--listen", "0.0.0.0:0"];
    let refused = run(&nowhere);
    assert_eq!(refused.status.code(), Some(2), "{}", err(&refused));
    for word in ["0.0.0.0:0", "--tokens-file", "--access-file", "--open-to-all"] {
        assert!(err(&refused).contains(word), "{word}: {}", err(&refused));
    }

    let dir = tempfile::tempdir().unwrap();
    let tokens = dir.path().join("tokens.toml");
    fs::write(&tokens, "[[token]]\nname = \"ann\"\ntoken = \"0123456789abcdef\"\nroles = [\"reader\"]\n")
        .unwrap();
    let config = dir.path().join("orewatch.toml");
    fs::write(&config, "open-to-all = true\nwithout-tls = true\n").unwrap();
    let with = |more: &[&str]| command(&[&nowhere, more].concat());
    let tokens = tokens.to_str().unwrap();
    for mut plain in [with(&["--open-to-all"]), with(&["--tokens-file", tokens])] {
        let output = plain.output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", err(&output));
        for word in ["0.0.0.0:0", "--tls-cert", "--without-tls"] {
            assert!(err(&output).contains(word), "{word}: {}", err(&output));
        }
    }
    for mut allowed in [
        with(&["--open-to-all", "--without-tls"]),
        with(&["--config", config.to_str().unwrap()]),
        with(&["--tokens-file", tokens, "--without-tls"]),
    ] {
        // Only the log cannot be used.
        let output = allowed.output().unwrap();
        assert_eq!(output.status.code(), Some(7), "{}", err(&output));
    }
    let output = with(&[]).env("OREWATCH_OPEN_TO_ALL", "true").env("OREWATCH_WITHOUT_TLS", "true").output();
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(7), "{}", err(&output));

    let wrong = with(&[]).env("OREWATCH_OPEN_TO_ALL", "perhaps").output().unwrap();
    assert_eq!(wrong.status.code(), Some(2), "{}", err(&wrong));
    for both in [
        ["--open-to-all", "--tokens-file", tokens, "--without-tls"],
        ["--without-tls", "--tls-cert", tokens, "--open-to-all"],
        ["--tls-client-ca", tokens, "--without-tls", "--open-to-all"],
        ["--require-client-cert", "--without-tls", "--open-to-all", "--gates=off"],
    ] {
        let output = with(&both).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{both:?}: {}", err(&output));
    }
}
