//! Faults that only a log on a server can have.
use std::sync::Arc;
use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::jetstream::stream::{Config, DiscardPolicy};
use futures_util::future::join_all;
use orewatch_eventlog::jetstream::{self, JetStreamOptions};
use orewatch_eventlog::{Error, EventLog, Extent, Filter, Item, Items, NewEvent};

use crate::harness::{Harness as _, JetStream, next, next_event, read_now, soon};
use crate::samples::{LOG, event, events, stream};

/// The server as an operator's own tools see it.
pub(crate) async fn operator(harness: &JetStream) -> async_nats::jetstream::Context {
    async_nats::jetstream::new(async_nats::connect(harness.0.url()).await.unwrap())
}

/// Appends 1, 2, 3, 1, 2, 3, ... events to a stream of its own, as fast as it can. Returns how many.
async fn write(log: Arc<dyn EventLog>, writer: u128) -> u64 {
    let (name, mut expected, mut seed) = (stream(&format!("w{writer}")), 0, 10_000 * (writer + 1));
    let first = seed;
    for size in [1, 2, 3].repeat(60) {
        let positions = soon(log.append(&name, expected, events(seed..seed + size))).await.unwrap();
        expected = *positions.last().unwrap();
        seed += size;
    }
    u64::try_from(seed - first).unwrap()
}

/// Checks that the next events are those at `positions`, each once.
pub(crate) async fn expect_positions(items: &mut Items, positions: std::ops::RangeInclusive<u64>) {
    for position in positions {
        assert_eq!(next_event(items).await.position, position);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_loses_and_repeats_nothing() {
    let mut harness = JetStream::start().await;
    let log = harness.open().await;
    log.append(&stream("before"), 0, events(1..6)).await.unwrap();
    let mut begun = log.read(Filter::All, 0);
    expect_positions(&mut begun, 1..=5).await;
    // This one has been given nothing when the server dies: it must not begin at the beginning.
    let mut waiting = log.read(Filter::All, 5);
    assert_eq!(next(&mut waiting).await, Ok(Item::CaughtUp(5)));

    let writers: Vec<_> = (0..4).map(|writer| tokio::spawn(write(Arc::clone(&log), writer))).collect();
    for events_before_death in [20, 60, 200] {
        while log.extent().await.unwrap().head < 5 + events_before_death {}
        harness.0.kill();
        harness.0.restart();
    }
    let written: u64 = join_all(writers).await.into_iter().map(Result::unwrap).sum();
    let head = 5 + written;
    assert_eq!(log.extent().await.unwrap(), Extent { oldest: 1, head }, "stored exactly once");
    expect_positions(&mut begun, 6..=head).await;
    expect_positions(&mut waiting, 6..=head).await;
    for writer in 0..4_u128 {
        let own = read_now(&log, Filter::Under(stream(&format!("w{writer}"))), 0).await;
        let ids: Vec<_> = own.iter().map(|event| event.id.as_u128() - 10_000 * (writer + 1)).collect();
        assert_eq!(ids, Vec::from_iter(0..360), "in order, none missing");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_that_is_half_on_disk_when_the_server_dies_is_stored_whole() {
    let mut harness = JetStream::start().await;
    let log = harness.open().await;
    let mut expected = 0;
    for round in 0..3_u64 {
        let first = u128::from(round) * 10_000 + 1;
        let large = |seed| NewEvent { data: vec![1; 4_000].into(), ..event(seed) };
        let batch: Vec<_> = (first..first + 1_000).map(large).collect();
        let before = harness.0.stored_bytes();
        let appended = tokio::spawn({
            let log = Arc::clone(&log);
            async move { log.append(&stream("a"), expected, batch).await }
        });
        // Four million bytes are on the way to the disk: some of them have arrived.
        while harness.0.stored_bytes() < before + 500_000 * (round + 1) {}
        harness.0.kill();
        harness.0.restart();
        let positions = soon(appended).await.unwrap().unwrap();
        assert_eq!(positions, Vec::from_iter(expected + 1..=expected + 1_000));
        expected += 1_000;
        assert_eq!(log.extent().await.unwrap().head, expected);
    }
    assert_eq!(read_now(&log, Filter::All, 0).await.len(), 3_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quiet_reader_survives_a_restart() {
    let mut harness = JetStream::start().await;
    let log = harness.open().await;
    log.append(&stream("a"), 0, events(1..4)).await.unwrap();
    let mut items = log.read(Filter::Under(stream("a")), 3);
    assert_eq!(next(&mut items).await, Ok(Item::CaughtUp(3)));
    harness.0.kill();
    harness.0.restart();
    log.append(&stream("a"), 3, events(4..5)).await.unwrap();
    expect_positions(&mut items, 4..=4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_with_an_unknown_outcome_is_repeated() {
    let harness = JetStream::start().await;
    let impatient = JetStreamOptions { patience: Duration::from_secs(1), ..JetStreamOptions::default() };
    let (log, patient) = (harness.open_with(impatient).await.unwrap(), harness.open().await);
    let name = stream("a");
    for (expected, batch) in [(0, events(1..2)), (1, events(2..5))] {
        harness.0.pause();
        let unknown = log.append(&name, expected, batch.clone()).await;
        assert!(matches!(&unknown, Err(Error::Unavailable { outcome_unknown: true, .. })), "{unknown:?}");
        harness.0.resume();
        let positions = Vec::from_iter(expected + 1..=expected + u64::try_from(batch.len()).unwrap());
        assert_eq!(patient.append(&name, expected, batch).await, Ok(positions));
    }
    assert_eq!(patient.extent().await.unwrap().head, 4, "stored exactly once");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_that_arrives_late_does_not_overwrite() {
    let harness = JetStream::start().await;
    let impatient = JetStreamOptions { patience: Duration::from_secs(1), ..JetStreamOptions::default() };
    let (log, other) = (harness.open_with(impatient).await.unwrap(), harness.open().await);
    let name = stream("a");
    harness.0.pause();
    let unknown = log.append(&name, 0, events(1..3)).await;
    assert!(matches!(&unknown, Err(Error::Unavailable { outcome_unknown: true, .. })), "{unknown:?}");
    harness.0.resume();
    let outcomes = [other.append(&name, 0, events(1..3)).await, other.append(&name, 0, events(7..8)).await];
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    let winner = outcomes.iter().flatten().next().unwrap();
    assert_eq!(read_now(&other, Filter::All, 0).await.len(), winner.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_append_is_recognised_beyond_the_duplicate_window() {
    let harness = JetStream::start().await;
    let duplicate_window = Duration::from_millis(100);
    let forgetful = JetStreamOptions { duplicate_window, ..JetStreamOptions::default() };
    let log = harness.open_with(forgetful).await.unwrap();
    let name = stream("a");
    assert_eq!(log.append(&name, 0, events(1..2)).await, Ok(vec![1]));
    assert_eq!(log.append(&name, 1, events(2..5)).await, Ok(vec![2, 3, 4]));
    // The server has forgotten an id once it takes it again elsewhere.
    let forgotten = async {
        while log.append(&stream("other"), 0, vec![event(4)]).await.is_err() {
            tokio::time::sleep(duplicate_window).await;
        }
    };
    soon(forgotten).await;
    assert_eq!(log.append(&name, 0, events(1..2)).await, Ok(vec![1]));
    assert_eq!(log.append(&name, 1, events(2..5)).await, Ok(vec![2, 3, 4]));
    assert_eq!(log.extent().await.unwrap().head, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn creators_on_two_connections_race_and_one_wins() {
    let harness = JetStream::start().await;
    let logs = [harness.open().await, harness.open().await];
    for round in 0..10_u128 {
        let name = stream(&format!("race-{round}"));
        let racers = logs.iter().zip(0..).map(|(log, racer)| {
            let seed = 100 * (round + 1) + 10 * racer;
            log.append(&name, 0, events(seed..seed + 1 + round % 3))
        });
        let outcomes = join_all(racers).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_with_another_configuration_is_refused() {
    let harness = JetStream::start().await;
    let config = Config {
        name: "OBSERVATIONS".to_owned(),
        subjects: vec!["orewatch.observations.>".to_owned()],
        max_age: Duration::from_secs(3600),
        ..Config::default()
    };
    operator(&harness).await.create_stream(config).await.unwrap();
    let Err(Error::Misconfigured { reason, .. }) = harness.open_with(JetStreamOptions::default()).await
    else {
        panic!("the stream drops events after an hour, and should be refused");
    };
    for difference in
        ["max_age is 3600s, not 0ns", "discard is Old, not New", "allow_atomic_publish is false, not true"]
    {
        assert!(reason.contains(difference), "{reason}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_replicas_than_servers_are_refused() {
    let harness = JetStream::start().await;
    let refused = harness.open_with(JetStreamOptions { replicas: 3, ..JetStreamOptions::default() }).await;
    assert!(matches!(&refused, Err(Error::Misconfigured { .. })), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_log_refuses_and_stays_readable() {
    let harness = JetStream::start().await;
    let small = JetStreamOptions { max_log_bytes: Some(4_000), ..JetStreamOptions::default() };
    let log = harness.open_with(small).await.unwrap();
    let mut expected = 0;
    let full = loop {
        let seed = u128::from(expected) + 1;
        match log.append(&stream("a"), expected, vec![event(seed)]).await {
            Ok(positions) => expected = positions[0],
            Err(error) => break error,
        }
    };
    assert!(matches!(&full, Error::Full { .. }), "{full:?}");
    let full = log.append(&stream("b"), 0, events(100..103)).await;
    assert!(matches!(&full, Err(Error::Full { .. })), "{full:?}");
    assert_eq!(read_now(&log, Filter::All, 0).await.len(), usize::try_from(expected).unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_is_too_late_gets_an_error() {
    let harness = JetStream::start().await;
    let log = harness.open().await;
    log.append(&stream("a"), 0, events(1..11)).await.unwrap();
    cut(&harness).await;
    assert_eq!(log.extent().await, Ok(Extent { oldest: 8, head: 10 }));
    for after in [0, 6] {
        let gone = next(&mut log.read(Filter::All, after)).await;
        assert_eq!(gone, Err(Error::Gone { log: LOG.to_owned(), wanted: after + 1, oldest: 8 }));
    }
    assert_eq!(read_now(&log, Filter::All, 7).await.len(), 3);
}

/// Removes all but the last three events, as only an operator can.
async fn cut(harness: &JetStream) {
    let context = operator(harness).await;
    let mut config = context.get_stream("OBSERVATIONS").await.unwrap().cached_info().config.clone();
    (config.max_messages, config.discard) = (3, DiscardPolicy::Old);
    context.update_stream(config).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_never_skips_what_was_removed() {
    let harness = JetStream::start().await;
    let log = harness.open().await;
    // More than a reader asks for at a time.
    for position in 0..40 {
        let large = NewEvent { data: vec![0; 500_000].into(), ..event(u128::from(position) + 1) };
        log.append(&stream("a"), position, vec![large]).await.unwrap();
    }
    let mut items = log.read(Filter::All, 0);
    expect_positions(&mut items, 1..=1).await;
    cut(&harness).await;
    let mut position = 1;
    let gone = loop {
        match next(&mut items).await {
            Ok(Item::Event(event)) if event.position == position + 1 => position += 1,
            Ok(other) => panic!("after {position} came {other:?}"),
            Err(error) => break error,
        }
    };
    assert_eq!(gone, Error::Gone { log: LOG.to_owned(), wanted: position + 1, oldest: 38 });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_another_program_is_named() {
    let harness = JetStream::start().await;
    let log = harness.open().await;
    log.append(&stream("a"), 0, events(1..2)).await.unwrap();
    let mut headers = HeaderMap::new();
    headers.insert("ce-specversion", "1.0");
    headers.insert("ce-subject", "%C0%A0");
    let context = operator(&harness).await;
    let subject = "orewatch.observations.a";
    context.publish_with_headers(subject, headers, "x".into()).await.unwrap().await.unwrap();
    let mut items = log.read(Filter::All, 0);
    assert!(matches!(next(&mut items).await, Ok(Item::Event(_))));
    let Err(Error::Corrupt { position: 2, reason, .. }) = next(&mut items).await else {
        panic!("a message that is not an event should be refused");
    };
    assert!(reason.contains("ce-subject"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn any_client_sees_cloudevents() {
    let harness = JetStream::start().await;
    let log = harness.open().await;
    log.append(&stream("a"), 0, events(1..3)).await.unwrap();
    let stored = operator(&harness).await.get_stream("OBSERVATIONS").await.unwrap();
    let message = stored.get_raw_message(2).await.unwrap();
    let id = "00000000-0000-0000-0000-000000000002";
    for (name, value) in [
        ("Nats-Msg-Id", id),
        ("ce-id", id),
        ("ce-specversion", "1.0"),
        ("ce-source", "/orewatch/observations"),
        ("ce-subject", "observations.a"),
        ("ce-type", "orewatch.ingestion.v1.ReleaseOpened"),
        ("ce-time", "2026-01-15T08:30:00.123456789Z"),
        ("ce-datacontenttype", "application/protobuf"),
    ] {
        assert_eq!(message.headers.get(name).map(|value| value.as_str()), Some(value), "{name}");
    }
    assert_eq!((message.subject.as_str(), message.payload), ("orewatch.observations.a", event(2).data));
}

/// CloudEvents, NATS protocol binding, 3.1.3.2.
#[tokio::test(flavor = "multi_thread")]
async fn d14_attributes_are_percent_encoded_headers_and_overlong_encodings_are_refused() {
    let harness = JetStream::start().await;
    let log = harness.open().await;
    let odd = NewEvent { kind: "a \"kind\" 100 % für 鉱物 😀".to_owned(), ..event(1) };
    log.append(&stream("a"), 0, vec![odd.clone()]).await.unwrap();
    let stored = operator(&harness).await.get_stream("OBSERVATIONS").await.unwrap();
    let message = stored.get_raw_message(1).await.unwrap();
    let header = |name: &str| message.headers.get(name).map(|value| value.as_str().to_owned());
    let encoded = "a%20%22kind%22%20100%20%25%20f%C3%BCr%20%E9%89%B1%E7%89%A9%20%F0%9F%98%80";
    assert_eq!(header("ce-type").as_deref(), Some(encoded));
    let Item::Event(read) = next(&mut log.read(Filter::All, 0)).await.unwrap() else { panic!("no event") };
    assert_eq!(read.kind, odd.kind);

    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("ce-id", "00000000-0000-0000-0000-000000000009"),
        ("ce-specversion", "1.0"),
        ("ce-subject", "observations.a"),
        ("ce-time", "2026-01-15T08:30:00Z"),
        // A space in two bytes, which no decoder may take for one.
        ("ce-type", "kind%C0%A0"),
    ] {
        headers.insert(name, value);
    }
    let context = operator(&harness).await;
    context
        .publish_with_headers("orewatch.observations.a", headers, "x".into())
        .await
        .unwrap()
        .await
        .unwrap();
    let refused = next(&mut log.read(Filter::All, 1)).await;
    let Err(Error::Corrupt { position: 2, reason, .. }) = refused else { panic!("{refused:?}") };
    assert!(reason.contains("ce-type"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_for_a_server_ends() {
    let mut harness = JetStream::start().await;
    let second = Duration::from_secs(1);
    let impatient = JetStreamOptions {
        opening_patience: second,
        patience: second,
        reader_patience: second,
        ..JetStreamOptions::default()
    };
    let log = harness.open_with(impatient.clone()).await.unwrap();
    let mut items = log.read(Filter::All, 0);
    assert_eq!(next(&mut items).await, Ok(Item::CaughtUp(0)));
    harness.0.kill();
    let read = next(&mut items).await;
    assert!(matches!(&read, Err(Error::Unavailable { .. })), "{read:?}");
    let appended = log.append(&stream("a"), 0, events(1..2)).await;
    assert!(matches!(&appended, Err(Error::Unavailable { .. })), "{appended:?}");
    assert!(matches!(log.last(&stream("a")).await, Err(Error::Unavailable { .. })));
    assert!(matches!(log.extent().await, Err(Error::Unavailable { .. })));
    let Err(Error::Unavailable { reason, .. }) = jetstream::connect(&harness.0.url(), impatient).await else {
        panic!("there is no server to connect to");
    };
    assert!(reason.contains("127.0.0.1"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_that_cannot_work_is_named() {
    let refused = jetstream::connect("nats://:secret@not a host", JetStreamOptions::default()).await;
    let Err(Error::Misconfigured { reason, .. }) = refused else { panic!("{refused:?}") };
    assert!(!reason.contains("secret"), "{reason}");
    let options =
        JetStreamOptions { credentials: Some("/nowhere/nats.creds".into()), ..JetStreamOptions::default() };
    let refused = jetstream::connect("nats://127.0.0.1:1", options).await;
    let Err(Error::Misconfigured { reason, .. }) = refused else { panic!("{refused:?}") };
    assert!(reason.contains("/nowhere/nats.creds"), "{reason}");
}
