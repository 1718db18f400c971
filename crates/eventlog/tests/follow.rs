//! Following and appending over interruptions.
#![allow(
    clippy::unwrap_used,
    reason = "a test fails by a panic, and clippy sees only functions marked as tests"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use futures_util::TryStreamExt as _;
use orewatch_eventlog::{
    Error, Event, EventLog, Filter, Follower, NewEvent, Position, Progress, StreamName, append_with_retry,
    embedded, history,
};
use orewatch_testkit::{Fault, FaultyLog};
use tempfile::TempDir;

fn stream(name: &str) -> StreamName {
    StreamName::new(format!("observations.{name}")).unwrap()
}

fn event(seed: u32) -> NewEvent {
    NewEvent {
        id: uuid::Uuid::from_u128(seed.into()),
        kind: "kind".to_owned(),
        time: "2026-01-15T08:30:00Z".parse().unwrap(),
        data: bytes::Bytes::new(),
        traceparent: None,
    }
}

/// A log of five events on two streams.
async fn log(directory: &TempDir) -> Arc<dyn EventLog> {
    let log = embedded::open(directory.path(), "observations").unwrap();
    log.append(&stream("a"), 0, vec![event(1), event(2), event(3)]).await.unwrap();
    log.append(&stream("b"), 0, vec![event(4), event(5)]).await.unwrap();
    log
}

fn unavailable() -> Error {
    Error::Unavailable {
        log: "observations".to_owned(),
        reason: "it is away".to_owned(),
        outcome_unknown: false,
    }
}

#[tokio::test]
async fn a_follower_goes_on_after_an_interruption_without_a_gap_or_a_repeat() {
    let directory = tempfile::tempdir().unwrap();
    let reads = AtomicU32::new(0);
    let log = FaultyLog::new(log(&directory).await)
        .on_read(move |_, _| (reads.fetch_add(1, Ordering::SeqCst) == 0).then(|| (2, unavailable())))
        .shared();
    let mut follower = Follower::new(log, Filter::All, 0);
    let mut seen = Vec::new();
    for _ in 0..7 {
        seen.push(match follower.next().await.unwrap() {
            Progress::Event(event) => event.position.to_string(),
            Progress::CaughtUp(position) => format!("caught up at {position}"),
            Progress::Interrupted => "interrupted".to_owned(),
        });
    }
    assert_eq!(seen, ["1", "2", "interrupted", "3", "4", "5", "caught up at 5"]);
    assert_eq!(follower.position(), 5);
}

#[tokio::test]
async fn a_call_that_is_dropped_loses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let log = log(&directory).await;
    let mut follower = Follower::new(Arc::clone(&log), Filter::Under(stream("a")), 2);
    assert!(matches!(follower.next().await, Ok(Progress::Event(Event { position: 3, .. }))));
    assert!(matches!(follower.next().await, Ok(Progress::CaughtUp(_))));
    let waiting = tokio::time::timeout(std::time::Duration::from_millis(50), follower.next()).await;
    assert!(waiting.is_err(), "nothing more is there");
    log.append(&stream("a"), 3, vec![event(6)]).await.unwrap();
    assert!(matches!(follower.next().await, Ok(Progress::Event(Event { position: 6, .. }))));
}

#[tokio::test]
async fn an_error_that_does_not_pass_ends_a_follower() {
    let directory = tempfile::tempdir().unwrap();
    let mut follower = Follower::new(log(&directory).await, Filter::All, 9);
    assert!(matches!(follower.next().await, Err(Error::Misconfigured { .. })));
}

#[tokio::test]
async fn history_ends_where_the_log_ends() {
    let directory = tempfile::tempdir().unwrap();
    let log = log(&directory).await;
    let positions = |filter, after| {
        history(&*log, filter, after).map_ok(|event| event.position).try_collect::<Vec<Position>>()
    };
    assert_eq!(positions(Filter::All, 0).await, Ok(vec![1, 2, 3, 4, 5]));
    assert_eq!(positions(Filter::All, 3).await, Ok(vec![4, 5]));
    assert_eq!(positions(Filter::Under(stream("b")), 0).await, Ok(vec![4, 5]));
    assert_eq!(positions(Filter::Under(stream("c")), 0).await, Ok(vec![]));
    assert!(matches!(positions(Filter::All, 9).await, Err(Error::Misconfigured { .. })));
}

#[tokio::test]
async fn an_append_whose_answer_is_lost_is_repeated_and_stored_once() {
    for stored in [false, true] {
        let directory = tempfile::tempdir().unwrap();
        let appends = AtomicU32::new(0);
        let plain = log(&directory).await;
        let faulty = FaultyLog::new(Arc::clone(&plain)).on_append(move |_, _| {
            if appends.fetch_add(1, Ordering::SeqCst) == 0 { Fault::Lost { stored } } else { Fault::None }
        });
        let events = vec![event(6), event(7)];
        assert_eq!(append_with_retry(&faulty, &stream("a"), 3, events).await, Ok(7));
        assert_eq!(plain.extent().await.unwrap().head, 7, "stored before: {stored}");
    }
}

#[tokio::test]
async fn a_conflict_is_not_repeated() {
    let directory = tempfile::tempdir().unwrap();
    let log = log(&directory).await;
    let conflict = append_with_retry(&*log, &stream("a"), 2, vec![event(6)]).await;
    assert!(matches!(conflict, Err(Error::Conflict { expected: 2, actual: 3, .. })), "{conflict:?}");
}
