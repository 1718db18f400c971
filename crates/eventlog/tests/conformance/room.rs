//! A full log: workers wait for room and go on by themselves.
use std::fs;
use std::sync::Arc;
use std::time::Duration;

use orewatch_eventlog::embedded::{self, Options};
use orewatch_eventlog::jetstream::JetStreamOptions;
use orewatch_eventlog::{Error, EventLog, Filter, NewEvent, WaitingLog};

use crate::harness::{Embedded, Harness as _, JetStream, read_now, soon};
use crate::jetstream::operator;
use crate::samples::{LOG, event, stream};

fn large(seed: u128) -> NewEvent {
    NewEvent { data: vec![1; 60_000].into(), ..event(seed) }
}

/// An append waits while others are refused and readers read, and is there once there is room.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_waits_for_room_and_goes_on() {
    let nats = JetStream::start().await;
    let small = JetStreamOptions { max_log_bytes: Some(150_000), ..JetStreamOptions::default() };
    let log = nats.open_with(small).await.unwrap();
    let mut expected = 0;
    while let Ok(positions) = log.append(&stream("a"), expected, vec![large(u128::from(expected) + 1)]).await
    {
        expected = positions[0];
    }
    let waiting = WaitingLog::new(Arc::clone(&log));
    let worker = Arc::clone(&waiting);
    let appended = tokio::spawn(async move { worker.append(&stream("b"), 0, vec![large(1_000)]).await });
    soon(waiting.until_full()).await;
    assert!(matches!(log.append(&stream("c"), 0, vec![large(2_000)]).await, Err(Error::Full { .. })));
    assert!(matches!(waiting.append_now(&stream("c"), 0, vec![large(2_000)]).await, Err(Error::Full { .. })));
    assert_eq!(read_now(&log, Filter::All, 0).await.len(), usize::try_from(expected).unwrap());
    assert!(!appended.is_finished());
    let context = operator(&nats).await;
    let mut config = context.get_stream("OBSERVATIONS").await.unwrap().cached_info().config.clone();
    config.max_bytes = 100_000_000;
    context.update_stream(config).await.unwrap();
    assert_eq!(soon(appended).await.unwrap(), Ok(vec![expected + 1]));
}

/// The same on a file with a largest size, and dropping the append is all that it takes to stop.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_stops_leaves_nothing() {
    let harness = Embedded::start().await;
    let options = Options { max_file_bytes: Some(180_000), ..Options::default() };
    let log = embedded::open_with(harness.0.path(), LOG, options).unwrap();
    assert_eq!(log.append(&stream("a"), 0, vec![large(1)]).await, Ok(vec![1]));
    let waiting = WaitingLog::new(Arc::clone(&log));
    let both = vec![large(2), large(3)];
    let name = stream("b");
    let append = waiting.append(&name, 0, both.clone());
    assert!(tokio::time::timeout(Duration::from_millis(500), append).await.is_err(), "it waits");
    assert_eq!(log.extent().await.unwrap().head, 1);
    drop((waiting, log));
    let log = harness.open().await;
    assert_eq!(log.append(&stream("b"), 0, both).await, Ok(vec![2, 3]), "with more room it goes on");
}

/// What SQLite needs to open a file is kept free beside it, and again after it was used.
#[tokio::test(flavor = "multi_thread")]
async fn room_for_opening_is_kept() {
    let harness = Embedded::start().await;
    let reserve = harness.0.path().join("observations.reserve");
    for _ in 0..2 {
        let log = harness.open().await;
        assert_eq!(fs::metadata(&reserve).unwrap().len(), 64 * 1024);
        fs::remove_file(&reserve).unwrap();
        drop(log);
        assert!(reserve.exists(), "a log that is closed leaves it behind");
    }
}
