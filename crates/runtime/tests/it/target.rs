//! Targets: a directory or a NATS server.
use std::path::PathBuf;

use orewatch_eventlog::jetstream::JetStreamOptions;
use orewatch_runtime::LogTarget;

#[test]
fn a_target_is_a_directory_or_a_nats_server() {
    let embedded: LogTarget = "embedded:./data".parse().unwrap();
    assert_eq!(embedded, LogTarget::Embedded(PathBuf::from("./data")));
    let nats: LogTarget = "nats://localhost:4222".parse().unwrap();
    assert_eq!(nats, LogTarget::Nats("nats://localhost:4222".to_owned()));
    for text in ["embedded:./data", "nats://localhost:4222", "tls://nats:4222"] {
        assert_eq!(text.parse::<LogTarget>().unwrap().to_string(), text);
    }
}

#[test]
fn a_wrong_target_says_what_to_write() {
    for wrong in ["", "data", "embedded:", "nats://", "nats:host", "kafka://host:9092", "nats://a b"] {
        let error = wrong.parse::<LogTarget>().unwrap_err().to_string();
        assert!(error.contains("embedded:DIR or nats://HOST:PORT"), "{wrong}: {error}");
    }
}

#[tokio::test]
async fn a_directory_in_use_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let store =
        LogTarget::Embedded(dir.path().to_owned()).connect(&JetStreamOptions::default()).await.unwrap();
    let _held = store.open("alerts").await.unwrap();
    let failure = store.open("alerts").await.unwrap_err();
    assert!(failure.message.contains("alerts"), "{failure}");
    assert_eq!(failure.class.exit_code(), 4);
}
