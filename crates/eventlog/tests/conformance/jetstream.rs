//! Faults that only a log on a server can have.
use std::sync::Arc;
use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::jetstream::stream::{Config, DiscardPolicy};
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use orewatch_eventlog::jetstream::{self, JetStreamOptions};
use orewatch_eventlog::{Error, EventLog, Extent, Filter, Item, Items, NewEvent};
use orewatch_testkit::NatsServer;

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
async fn expect_positions(items: &mut Items, positions: std::ops::RangeInclusive<u64>) {
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
    let impatient =
        JetStreamOptions { patience: second, reader_patience: second, ..JetStreamOptions::default() };
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

/// Options of a process whose consumers have names that permissions can list.
fn named(instance: &str) -> JetStreamOptions {
    JetStreamOptions { instance: Some(instance.to_owned()), ..JetStreamOptions::default() }
}

/// Names of the consumers that the server holds.
async fn consumers(harness: &JetStream) -> Vec<String> {
    let stream = operator(harness).await.get_stream("OBSERVATIONS").await.unwrap();
    let names: Vec<_> = stream.consumer_names().collect().await;
    names.into_iter().map(Result::unwrap).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn any_number_of_readers_needs_few_consumers_with_names_known_beforehand() {
    let harness = JetStream::start().await;
    let log = harness.open_with(named("exposure-0")).await.unwrap();
    log.append(&stream("a"), 0, events(1..6)).await.unwrap();
    let mut readers = Vec::new();
    for _ in 0..60 {
        let mut items = log.read(Filter::All, 0);
        expect_positions(&mut items, 1..=5).await;
        assert_eq!(next(&mut items).await, Ok(Item::CaughtUp(5)));
        // From here on it waits for more, with all the others.
        assert!(futures_util::poll!(items.next()).is_pending());
        readers.push(items);
    }
    log.append(&stream("b"), 0, events(6..9)).await.unwrap();
    for items in &mut readers {
        expect_positions(items, 6..=8).await;
        assert_eq!(next(items).await, Ok(Item::CaughtUp(8)), "told once that it is up to date");
    }
    let names = consumers(&harness).await;
    assert!(names.len() <= jetstream::MAX_NAMES, "{names:?}");
    assert!(names.iter().all(|name| name.starts_with("exposure-0-")), "{names:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_of_the_tail_get_what_their_filter_selects() {
    let harness = JetStream::start().await;
    let log = harness.open().await;
    log.append(&stream("a"), 0, events(1..2)).await.unwrap();
    let mut all = log.read(Filter::All, 0);
    let mut only_b = log.read(Filter::Under(stream("b")), 0);
    expect_positions(&mut all, 1..=1).await;
    for items in [&mut all, &mut only_b] {
        assert!(matches!(next(items).await, Ok(Item::CaughtUp(_))));
        assert!(futures_util::poll!(items.next()).is_pending());
    }
    log.append(&stream("a"), 1, events(2..4)).await.unwrap();
    log.append(&stream("b"), 0, events(4..5)).await.unwrap();
    expect_positions(&mut all, 2..=4).await;
    assert_eq!(next_event(&mut only_b).await.position, 4, "what does not match is not told");
    assert_eq!(next(&mut only_b).await, Ok(Item::CaughtUp(4)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_falls_behind_the_tail_misses_nothing() {
    let harness = JetStream::start().await;
    let log = harness.open().await;
    let mut slow = log.read(Filter::All, 0);
    assert_eq!(next(&mut slow).await, Ok(Item::CaughtUp(0)));
    assert!(futures_util::poll!(slow.next()).is_pending());
    let mut quick = log.read(Filter::All, 0);
    assert_eq!(next(&mut quick).await, Ok(Item::CaughtUp(0)));
    let large = |seed| NewEvent { data: vec![1; 900_000].into(), ..event(seed) };
    let mut expected = 0;
    for seed in 1..=40 {
        expected = *log.append(&stream("a"), expected, vec![large(seed)]).await.unwrap().last().unwrap();
        assert_eq!(next_event(&mut quick).await.position, expected);
    }
    expect_positions(&mut slow, 1..=40).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ordinal_that_is_used_twice_is_named() {
    let harness = JetStream::start().await;
    let short = JetStreamOptions { reader_patience: Duration::from_secs(1), ..named("exposure-0") };
    let log = harness.open_with(short).await.unwrap();
    let other = jetstream_consumer(&harness, "exposure-0-0").await;
    let mut messages = other.messages().await.unwrap();
    let waiting = tokio::spawn(async move { messages.next().await.is_some() });
    let refused = next(&mut log.read(Filter::All, 0)).await;
    let Err(Error::Unavailable { reason, .. }) = refused else { panic!("{refused:?}") };
    assert!(reason.contains("exposure-0-0") && reason.contains("ordinal"), "{reason}");
    waiting.abort();
}

/// A consumer that another process has made.
async fn jetstream_consumer(
    harness: &JetStream,
    name: &str,
) -> async_nats::jetstream::consumer::PullConsumer {
    let stream = operator(harness).await.get_stream("OBSERVATIONS").await.unwrap();
    let config = async_nats::jetstream::consumer::pull::Config {
        name: Some(name.to_owned()),
        ack_policy: async_nats::jetstream::consumer::AckPolicy::None,
        metadata: [("orewatch-process".to_owned(), "another".to_owned())].into(),
        ..Default::default()
    };
    stream.create_consumer(config).await.unwrap()
}

/// A server on which `admin` may do all, and `limited` what is listed.
fn with_permissions(publish: &[&str]) -> JetStream {
    JetStream(NatsServer::start_with(&format!(
        "authorization {{ users: [\n\
           {{ user: admin, password: pw }}\n\
           {{ user: limited, password: pw, permissions: {{\n\
             publish: {{ allow: {publish:?} }}, subscribe: {{ allow: [\"_INBOX_limited.>\"] }} }} }}\n\
         ] }}"
    )))
}

async fn open_as(harness: &JetStream, user: &str, inbox: &str) -> Result<Arc<dyn EventLog>, Error> {
    let url = harness.0.url().replace("nats://", &format!("nats://{user}:pw@"));
    let options = JetStreamOptions { inbox_prefix: Some(inbox.to_owned()), ..named("limited-0") };
    jetstream::connect(&url, options).await?.open(LOG).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_forbids_is_named_instead_of_waited_for() {
    let harness = with_permissions(&[
        "$JS.API.STREAM.INFO.OBSERVATIONS",
        "$JS.API.STREAM.MSG.GET.OBSERVATIONS",
        "$JS.API.CONSUMER.INFO.OBSERVATIONS.limited-0-0",
    ]);
    let admin = open_as(&harness, "admin", "_INBOX").await.unwrap();
    admin.append(&stream("a"), 0, events(1..2)).await.unwrap();
    let log = open_as(&harness, "limited", "_INBOX_limited").await.unwrap();
    assert_eq!(log.extent().await.unwrap().head, 1, "this it may");
    let subject = |outcome: Result<_, Error>| match outcome {
        Err(Error::NotPermitted { what, .. }) => what,
        other => panic!("{other:?}"),
    };
    let appended = log.append(&stream("a"), 1, events(2..3)).await.map(|_| ());
    assert_eq!(subject(appended), "publish to orewatch.observations.a");
    let batch = log.append(&stream("a"), 1, events(2..5)).await.map(|_| ());
    assert_eq!(subject(batch), "publish to orewatch.observations.a");
    let read = next(&mut log.read(Filter::All, 0)).await.map(|_| ());
    let what = subject(read);
    assert!(what.starts_with("publish to $JS.API.CONSUMER.CREATE.OBSERVATIONS.limited-0-0"), "{what}");
    let elsewhere = open_as(&harness, "limited", "_INBOX").await.map(|_| ());
    assert!(subject(elsewhere).starts_with("subscribe to _INBOX."));
    assert_eq!(admin.extent().await.unwrap().head, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn setup_makes_what_is_missing_and_changes_nothing() {
    let harness = JetStream::start().await;
    let nats = jetstream::connect(&harness.0.url(), JetStreamOptions::default()).await.unwrap();
    let failing = async |nats: &jetstream::JetStream| {
        let findings = nats.check(&[LOG]).await.unwrap();
        let failed = findings.into_iter().filter(|one| one.verdict == jetstream::Verdict::Fail);
        failed.map(|one| (one.setting, one.wanted, one.found)).collect::<Vec<_>>()
    };
    assert_eq!(failing(&nats).await, [("stream OBSERVATIONS".into(), "there".into(), "missing".into())]);
    assert_eq!(nats.make(LOG).await, Ok(jetstream::Made::Now));
    assert_eq!(nats.make(LOG).await, Ok(jetstream::Made::Before));
    assert_eq!(failing(&nats).await, []);
    let context = operator(&harness).await;
    let mut edited = context.get_stream("OBSERVATIONS").await.unwrap().cached_info().config.clone();
    edited.max_bytes = 1 << 30;
    context.update_stream(&edited).await.unwrap();
    let Err(Error::Misconfigured { reason, .. }) = nats.make(LOG).await else { panic!("it differs") };
    assert!(reason.contains("max_bytes"), "{reason}");
    assert_eq!(
        failing(&nats).await,
        [("stream OBSERVATIONS: max_bytes".into(), "-1".into(), "1073741824".into())]
    );
    let served = JetStreamOptions { makes_streams: false, ..JetStreamOptions::default() };
    assert!(harness.open_with(served).await.is_ok(), "how much it may hold is not the service's business");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_administer_makes_no_stream() {
    let harness = JetStream::start().await;
    let served = JetStreamOptions {
        makes_streams: false,
        patience: Duration::from_secs(1),
        ..JetStreamOptions::default()
    };
    let refused = harness.open_with(served).await;
    let Err(Error::Unavailable { reason, .. }) = refused else { panic!("{refused:?}") };
    assert!(reason.contains("orewatch setup"), "{reason}");
}
