//! A log that is deleted, emptied or replaced while somebody follows it.
use std::sync::Arc;
use std::time::Duration;

use orewatch_eventlog::jetstream::JetStreamOptions;
use orewatch_eventlog::{Error, EventLog, Filter, Follower, Item, Progress};

use crate::harness::{Harness as _, JetStream, next, soon};
use crate::jetstream::operator;
use crate::samples::{LOG, event, events, stream};

const STREAM: &str = "OBSERVATIONS";

/// A log with five events, and a follower that has read them.
async fn followed(harness: &JetStream) -> (Arc<dyn EventLog>, Follower) {
    let quick = JetStreamOptions { reader_patience: Duration::from_secs(1), ..JetStreamOptions::default() };
    let log = harness.open_with(quick).await.unwrap();
    log.append(&stream("a"), 0, events(1..6)).await.unwrap();
    let mut follower = Follower::new(Arc::clone(&log), Filter::All, 0);
    while soon(follower.next()).await.unwrap() != Progress::CaughtUp(5) {}
    (log, follower)
}

/// The error with which a follower ends.
async fn end(follower: &mut Follower) -> Error {
    loop {
        match soon(follower.next()).await {
            Ok(Progress::Interrupted(_)) => {}
            Ok(other) => panic!("{other:?}"),
            Err(error) => return error,
        }
    }
}

fn assert_replaced(error: &Error) {
    assert!(matches!(error, Error::Replaced { log, .. } if log == LOG), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_deleted_is_named_and_one_made_anew_is_another() {
    let harness = JetStream::start().await;
    let (_log, mut follower) = followed(&harness).await;
    let context = operator(&harness).await;
    let config = context.get_stream(STREAM).await.unwrap().cached_info().config.clone();
    context.delete_stream(STREAM).await.unwrap();
    let Ok(Progress::Interrupted(interruption)) = soon(follower.next()).await else { panic!("unnoticed") };
    assert!(interruption.error.to_string().contains("deleted"), "{}", interruption.error);
    context.create_stream(config).await.unwrap();
    assert_replaced(&end(&mut follower).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_the_same_length_is_another() {
    let harness = JetStream::start().await;
    let (_log, mut follower) = followed(&harness).await;
    operator(&harness).await.delete_stream(STREAM).await.unwrap();
    let other = harness.open().await;
    other.append(&stream("b"), 0, events(11..20)).await.unwrap();
    assert_replaced(&end(&mut follower).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_copy_is_another_log_however_it_goes_on() {
    for more in [0, 1, 3] {
        let mut harness = JetStream::start().await;
        let log = harness.open().await;
        log.append(&stream("a"), 0, events(1..4)).await.unwrap();
        harness.0.keep_copy();
        log.append(&stream("a"), 3, events(4..6)).await.unwrap();
        let mut follower = Follower::new(Arc::clone(&log), Filter::All, 0);
        while soon(follower.next()).await.unwrap() != Progress::CaughtUp(5) {}
        harness.0.restore_copy();
        for position in 3..3 + more {
            log.append(&stream("a"), position, vec![event(u128::from(position) + 100)]).await.unwrap();
        }
        assert_replaced(&end(&mut follower).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_emptied_is_noticed_without_a_new_event() {
    let harness = JetStream::start().await;
    let (log, mut follower) = followed(&harness).await;
    let mut items = log.read(Filter::All, 5);
    assert_eq!(next(&mut items).await, Ok(Item::CaughtUp(5)));
    let context = operator(&harness).await;
    let mut config = context.get_stream(STREAM).await.unwrap().cached_info().config.clone();
    // Everything is too old.
    (config.max_age, config.duplicate_window) = (Duration::from_millis(100), Duration::from_millis(100));
    context.update_stream(config).await.unwrap();
    assert_replaced(&end(&mut follower).await);
    assert_replaced(&next(&mut items).await.unwrap_err());
    let gone = next(&mut log.read(Filter::All, 0)).await;
    assert_eq!(gone, Err(Error::Gone { log: LOG.to_owned(), wanted: 1, oldest: 6 }));
}
