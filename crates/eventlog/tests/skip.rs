//! Tests of marks: readers pass over events that must not count.
#![allow(clippy::unwrap_used, reason = "a panic in a test says where it failed")]

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use orewatch_contracts::common::v1::EventSkipped;
use orewatch_eventlog::{
    EVENT_SKIPPED, Error, EventLog, Filter, NewEvent, OpeningLog, Position, SkippingLog, StreamName,
    embedded, history, skips_stream,
};
use prost::Message as _;
use uuid::Uuid;

const LOG: &str = "observations";

fn new_event(number: u64, kind: &str, data: Vec<u8>) -> NewEvent {
    NewEvent {
        id: Uuid::from_u128(u128::from(number)),
        kind: kind.to_owned(),
        time: "2026-01-15T08:30:00Z".parse().unwrap(),
        data: Bytes::from(data),
        traceparent: None,
    }
}

/// Appends five events, one at a time.
async fn fill(log: &dyn EventLog) {
    let stream = StreamName::new("observations.a.1").unwrap();
    for number in 1..=5 {
        log.append(&stream, number - 1, vec![new_event(number, "kind", vec![7; 100])]).await.unwrap();
    }
}

async fn mark(log: &dyn EventLog, position: Position, withdrawn: bool) {
    let (reason, actor) = ("unreadable".to_owned(), "ops".to_owned());
    let data = EventSkipped { position, reason, actor, withdrawn, ..EventSkipped::default() }.encode_to_vec();
    let stream = skips_stream(LOG).unwrap();
    let expected = log.last(&stream).await.unwrap();
    log.append(&stream, expected, vec![new_event(100 + expected, EVENT_SKIPPED, data)]).await.unwrap();
}

/// Positions of the events of the stream that readers of a log yield.
async fn read(log: &dyn EventLog) -> Result<Vec<Position>, Error> {
    let stream = Filter::Under(StreamName::new("observations.a").unwrap());
    let [all, some]: [Vec<_>; 2] = [
        history(log, Filter::All, 0).try_collect::<Vec<_>>().await?,
        history(log, stream, 0).try_collect::<Vec<_>>().await?,
    ];
    let positions = |events: Vec<orewatch_eventlog::Event>| -> Vec<Position> {
        events.iter().filter(|event| event.kind == "kind").map(|event| event.position).collect()
    };
    let (all, some) = (positions(all), positions(some));
    assert_eq!(all, some, "with and without a filter");
    Ok(all)
}

#[tokio::test]
async fn readers_pass_over_what_is_marked() {
    let dir = tempfile::tempdir().unwrap();
    let plain = embedded::open(dir.path(), LOG).unwrap();
    fill(plain.as_ref()).await;
    mark(plain.as_ref(), 2, false).await;
    mark(plain.as_ref(), 5, false).await;
    let log = SkippingLog::open(Arc::clone(&plain)).await.unwrap();
    assert_eq!(read(log.as_ref()).await.unwrap(), [1, 3, 4]);
    assert_eq!((log.skipped().up_to(4), log.skipped().up_to(9)), (vec![2], vec![2, 5]));
    // A mark that comes later would divide a fold from what it looks up: it takes effect with the next
    // opening.
    mark(plain.as_ref(), 3, false).await;
    mark(plain.as_ref(), 2, true).await;
    assert_eq!(read(log.as_ref()).await.unwrap(), [1, 3, 4]);
    let log = SkippingLog::open(plain).await.unwrap();
    assert_eq!(read(log.as_ref()).await.unwrap(), [1, 2, 4]);
}

/// Changes the stored data of an event.
fn damage(dir: &Path, position: Position) {
    let file = rusqlite::Connection::open(dir.join("observations.db")).unwrap();
    let position = i64::try_from(position).unwrap();
    file.execute("UPDATE event SET data = x'00' WHERE position = ?1", [position]).unwrap();
}

#[tokio::test]
async fn a_damaged_event_is_passed_over_once_it_is_marked() {
    let dir = tempfile::tempdir().unwrap();
    let plain = embedded::open(dir.path(), LOG).unwrap();
    fill(plain.as_ref()).await;
    drop(plain);
    damage(dir.path(), 3);
    let plain = embedded::open(dir.path(), LOG).unwrap();
    let log = SkippingLog::open(Arc::clone(&plain)).await.unwrap();
    let error = read(log.as_ref()).await.unwrap_err();
    assert!(matches!(error, Error::Corrupt { position: 3, .. }), "{error}");
    mark(plain.as_ref(), 3, false).await;
    assert_eq!(read(log.as_ref()).await.unwrap(), [1, 2, 4, 5], "without opening the log again");
    assert_eq!(read(SkippingLog::open(plain).await.unwrap().as_ref()).await.unwrap(), [1, 2, 4, 5]);
}

#[tokio::test]
async fn the_marks_of_a_log_that_was_replaced_are_those_of_the_other() {
    let [first, second] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let (opening, opener) = OpeningLog::new(LOG);
    let plain = embedded::open(first.path(), LOG).unwrap();
    fill(plain.as_ref()).await;
    mark(plain.as_ref(), 2, false).await;
    opener.open(plain);
    let log = SkippingLog::new(opening);
    assert_eq!(log.extent().await.unwrap().head, 6);
    assert_eq!(read(log.as_ref()).await.unwrap(), [1, 3, 4, 5]);
    // An older copy, from before the mark.
    let older = embedded::open(second.path(), LOG).unwrap();
    fill(older.as_ref()).await;
    opener.open(older);
    assert_eq!(log.extent().await.unwrap().head, 5);
    assert_eq!(read(log.as_ref()).await.unwrap(), [1, 2, 3, 4, 5]);
}
