//! Many processes on one server: few consumers for many readers, names and permissions, setting up.
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use orewatch_eventlog::jetstream::{self, JetStreamOptions};
use orewatch_eventlog::{Error, EventLog, Filter, Item, NewEvent};
use orewatch_testkit::NatsServer;

use crate::harness::{Harness as _, JetStream, next, next_event};
use crate::jetstream::{expect_positions, operator};
use crate::samples::{LOG, event, events, stream};

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
        opening_patience: Duration::from_secs(1),
        ..JetStreamOptions::default()
    };
    let refused = harness.open_with(served).await;
    let Err(Error::Unavailable { reason, .. }) = refused else { panic!("{refused:?}") };
    assert!(reason.contains("orewatch setup"), "{reason}");
}
