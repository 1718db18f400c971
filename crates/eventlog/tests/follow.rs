//! Following and appending over interruptions.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by a panic, and clippy sees only functions marked as tests"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use futures_util::TryStreamExt as _;
use orewatch_contracts::common::v1::EventSkipped;
use orewatch_eventlog::{
    EVENT_SKIPPED, Error, Event, EventLog, Filter, Follower, NewEvent, OpeningLog, Position, Progress,
    SkippingLog, StreamName, WaitingLog, append_with_retry, embedded, history, skips_stream,
};
use orewatch_testkit::{Fault, FaultyLog};
use prost::Message as _;
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

/// Marks an event as not to count.
async fn mark(log: &dyn EventLog, position: Position) {
    let (reason, actor) = ("unreadable".to_owned(), "ops".to_owned());
    let data = EventSkipped { position, reason, actor, ..EventSkipped::default() }.encode_to_vec();
    let new = NewEvent { kind: EVENT_SKIPPED.to_owned(), data: data.into(), ..event(100) };
    log.append(&skips_stream("observations").unwrap(), 0, vec![new]).await.unwrap();
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
            Progress::Interrupted(_) => "interrupted".to_owned(),
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
    assert!(matches!(follower.next().await, Err(Error::Replaced { .. })));
}

fn corrupt(position: Position) -> Error {
    Error::Corrupt { log: "observations".to_owned(), position, reason: "a test says so".to_owned() }
}

/// A log whose event 3 cannot be read.
async fn damaged_log(directory: &TempDir) -> Arc<dyn EventLog> {
    let before = |after: Position| usize::try_from(2_u64.saturating_sub(after)).unwrap();
    FaultyLog::new(log(directory).await)
        .on_read(move |_, after| (after < 3).then(|| (before(after), corrupt(3))))
        .shared()
}

#[tokio::test]
async fn a_log_that_is_away_for_hours_ends_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let reads = AtomicU32::new(0);
    let log = FaultyLog::new(log(&directory).await)
        .on_read(move |_, _| (reads.fetch_add(1, Ordering::SeqCst) < 10_000).then(|| (0, unavailable())))
        .shared();
    let mut follower = Follower::new(log, Filter::All, 0);
    tokio::time::pause();
    let mut since = None;
    loop {
        match follower.next().await.unwrap() {
            Progress::Interrupted(interruption) => {
                assert_eq!(*since.get_or_insert(interruption.since), interruption.since);
                assert_eq!(interruption.error, unavailable());
            }
            progress => break assert!(matches!(progress, Progress::Event(Event { position: 1, .. }))),
        }
    }
    assert!(since.unwrap().elapsed().as_secs() >= 9_999);
}

#[tokio::test]
async fn a_damaged_event_stops_a_follower_until_it_is_marked() {
    let directory = tempfile::tempdir().unwrap();
    let plain = damaged_log(&directory).await;
    let log = SkippingLog::new(Arc::clone(&plain));
    tokio::time::pause();
    let mut follower = Follower::new(log, Filter::All, 0);
    for position in 1..=2 {
        let Progress::Event(event) = follower.next().await.unwrap() else { panic!("event {position}") };
        assert_eq!(event.position, position);
    }
    for _ in 0..3 {
        let Progress::Interrupted(interruption) = follower.next().await.unwrap() else { panic!("passed") };
        assert_eq!((interruption.error, follower.position()), (corrupt(3), 2));
    }
    // An append waits for a thread, which a clock that runs ahead would not.
    tokio::time::resume();
    mark(plain.as_ref(), 3).await;
    assert!(matches!(follower.next().await.unwrap(), Progress::Event(Event { position: 4, .. })));
}

#[tokio::test]
async fn an_event_that_is_put_back_stops_a_follower_until_it_is_marked() {
    let directory = tempfile::tempdir().unwrap();
    let plain = log(&directory).await;
    let log = SkippingLog::new(Arc::clone(&plain));
    tokio::time::pause();
    let mut follower = Follower::new(log, Filter::All, 0);
    assert!(matches!(follower.next().await.unwrap(), Progress::Event(Event { position: 1, .. })));
    let Progress::Event(event) = follower.next().await.unwrap() else { panic!("no event") };
    assert_eq!(follower.put_back(&event, corrupt(2)).error, corrupt(2));
    for _ in 0..3 {
        let Progress::Interrupted(interruption) = follower.next().await.unwrap() else { panic!("passed") };
        assert_eq!((interruption.error, follower.position()), (corrupt(2), 1));
    }
    // An append waits for a thread, which a clock that runs ahead would not.
    tokio::time::resume();
    mark(plain.as_ref(), 2).await;
    assert!(matches!(follower.next().await.unwrap(), Progress::Event(Event { position: 3, .. })));
}

/// A follower that has read the log to its end, and what gives it another log.
async fn follower_of(first: Arc<dyn EventLog>) -> (Follower, orewatch_eventlog::Opener) {
    let (log, opener) = OpeningLog::new("observations");
    let once = FaultyLog::new(first).on_read(|_, _| Some((6, unavailable()))).shared();
    opener.open(once);
    let mut follower = Follower::new(log, Filter::All, 0);
    while follower.next().await.unwrap() != Progress::CaughtUp(5) {}
    (follower, opener)
}

#[tokio::test]
async fn a_log_that_is_not_the_one_before_is_noticed_after_an_interruption() {
    let cases: [(&[u32], &str); 3] = [
        (&[1, 2, 3, 4, 6], "another event is at position 5"),
        (&[1, 2, 3, 4], "no event at position 5"),
        (&[1, 2, 3], "it ends at 3"),
    ];
    for (ids, expected) in cases {
        let [first, second] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let (mut follower, opener) = follower_of(log(&first).await).await;
        let other = embedded::open(second.path(), "observations").unwrap();
        other.append(&stream("a"), 0, ids.iter().map(|id| event(*id)).collect()).await.unwrap();
        opener.open(other);
        assert!(matches!(follower.next().await, Ok(Progress::Interrupted(_))));
        let Err(Error::Replaced { reason, .. }) = follower.next().await else { panic!("not noticed") };
        assert!(reason.contains(expected), "{reason}");
    }
}

#[tokio::test]
async fn a_log_that_is_not_open_is_away_until_it_is_opened() {
    let directory = tempfile::tempdir().unwrap();
    let (opening, opener) = OpeningLog::new("observations");
    opener.set_reason("nobody is there".to_owned());
    let waiting = WaitingLog::new(Arc::clone(&opening) as _);
    let asked = tokio::spawn(async move { waiting.extent().await });
    opener.open(log(&directory).await);
    assert_eq!(asked.await.unwrap().unwrap().head, 5);
    assert_eq!(opening.last(&stream("a")).await, Ok(3));
}

#[tokio::test]
async fn a_worker_waits_for_a_log_that_is_away() {
    let directory = tempfile::tempdir().unwrap();
    let (appends, reads) = (AtomicU32::new(0), AtomicU32::new(0));
    let away = FaultyLog::new(log(&directory).await)
        .on_append(move |_, _| match appends.fetch_add(1, Ordering::SeqCst) {
            0..3 => Fault::Lost { stored: false },
            _ => Fault::None,
        })
        .on_read(move |_, _| (reads.fetch_add(1, Ordering::SeqCst) < 3).then(|| (2, unavailable())));
    let waiting = WaitingLog::new(Arc::new(away));
    assert_eq!(waiting.append(&stream("a"), 3, vec![event(6)]).await, Ok(vec![6]));
    let positions = history(&*waiting, Filter::All, 0).map_ok(|event| event.position);
    assert_eq!(positions.try_collect::<Vec<Position>>().await, Ok(vec![1, 2, 3, 4, 5, 6]));
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
    assert!(matches!(positions(Filter::All, 9).await, Err(Error::Replaced { .. })));
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
