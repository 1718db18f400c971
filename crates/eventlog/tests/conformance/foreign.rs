//! Messages of other programs on the subjects of a log: nothing stops at them.
use std::sync::Arc;

use async_nats::HeaderMap;
use orewatch_eventlog::{Error, EventLog, Filter, Item, PassedOver};

use crate::harness::{Harness as _, JetStream, next, read_now};
use crate::jetstream::operator;
use crate::samples::{event, events, stream};

/// Publishes four bytes, as a client without our libraries would.
async fn publish(harness: &JetStream, subject: &str, headers: HeaderMap) {
    let context = operator(harness).await;
    let subject = format!("orewatch.observations.{subject}");
    context.publish_with_headers(subject, headers, "oops".into()).await.unwrap().await.unwrap();
}

async fn publish_bytes(harness: &JetStream, subject: &str) {
    publish(harness, subject, HeaderMap::new()).await;
}

fn positions(events: &[orewatch_eventlog::Event]) -> Vec<u64> {
    events.iter().map(|event| event.position).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_without_our_headers_is_passed_over_and_counted_once() {
    let harness = JetStream::start().await;
    let log = harness.open().await;
    log.append(&stream("a"), 0, events(1..3)).await.unwrap();
    publish_bytes(&harness, "x.y").await;
    let mut headers = HeaderMap::new();
    headers.insert("ce-id", "1");
    headers.insert("ce-source", "/somebody/else");
    publish(&harness, "a", headers).await;
    log.append(&stream("a"), 2, events(3..4)).await.unwrap();
    publish_bytes(&harness, "a").await;
    for _ in 0..2 {
        let mut items = log.read(Filter::All, 0);
        for position in [1, 2, 5] {
            let Ok(Item::Event(event)) = next(&mut items).await else { panic!("no event at {position}") };
            assert_eq!(event.position, position);
        }
        assert_eq!(next(&mut items).await, Ok(Item::CaughtUp(6)), "the position moves over them");
        assert_eq!(log.passed_over(), PassedOver { count: 3, last: 6 });
    }
    // A reader that is up to date hears that the position moves.
    let mut items = log.read(Filter::All, 6);
    assert_eq!(next(&mut items).await, Ok(Item::CaughtUp(6)));
    publish_bytes(&harness, "z").await;
    assert_eq!(next(&mut items).await, Ok(Item::CaughtUp(7)));
    assert_eq!(positions(&read_now(&log, Filter::Under(stream("a")), 0).await), [1, 2, 5]);
}

#[tokio::test(flavor = "multi_thread")]
async fn expectations_are_about_events_only() {
    let harness = JetStream::start().await;
    let log = harness.open().await;
    let name = stream("a");
    // Before the first event of a stream, between events, and many at its end.
    publish_bytes(&harness, "a").await;
    assert_eq!(log.last(&name).await, Ok(0));
    assert_eq!(log.append(&name, 0, events(1..3)).await, Ok(vec![2, 3]));
    for _ in 0..20 {
        publish_bytes(&harness, "a").await;
    }
    assert_eq!(log.last(&name).await, Ok(3));
    assert_eq!(log.append(&name, 3, vec![event(3)]).await, Ok(vec![24]));
    publish_bytes(&harness, "a").await;
    // An append is recognised behind them, and a stale expectation is refused.
    assert_eq!(log.append(&name, 0, events(1..3)).await, Ok(vec![2, 3]));
    assert_eq!(log.append(&name, 3, vec![event(3)]).await, Ok(vec![24]));
    let stale = log.append(&name, 3, vec![event(9)]).await;
    assert!(matches!(stale, Err(Error::Conflict { expected: 3, actual: 24, .. })), "{stale:?}");
    assert_eq!(log.append(&name, 24, events(10..13)).await, Ok(vec![26, 27, 28]));
    let log: Arc<dyn EventLog> = log;
    assert_eq!(positions(&read_now(&log, Filter::All, 0).await), [2, 3, 24, 26, 27, 28]);
}
