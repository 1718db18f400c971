//! Reading a log: cases that every adapter passes.
use std::sync::Arc;

use orewatch_eventlog::{Error, EventLog, Filter, Item, Projection, StreamName};

use crate::harness::{Harness, history, next, next_event, read_now, soon};
use crate::samples::{LOG, event, events, stream};

pub(crate) async fn a_reader_starts_after_a_position(harness: &impl Harness) {
    let log = harness.open().await;
    log.append(&stream("a"), 0, events(1..11)).await.unwrap();
    for after in 0..=10 {
        let positions: Vec<_> =
            read_now(&log, Filter::All, after).await.iter().map(|event| event.position).collect();
        assert_eq!(positions, Vec::from_iter(after + 1..=10));
    }
}

pub(crate) async fn a_filter_selects_its_streams_only(harness: &impl Harness) {
    let log = harness.open().await;
    for (seed, name) in (1..).zip(["b", "b.c", "b.c.d", "b-c", "bc", "a", "c"]) {
        log.append(&stream(name), 0, vec![event(seed)]).await.unwrap();
    }
    let expected: [(&str, &[u64]); 5] =
        [("b", &[1, 2, 3]), ("b.c", &[2, 3]), ("b.c.d", &[3]), ("bc", &[5]), ("none", &[])];
    for (under, positions) in expected {
        let (given, caught_up) = history(&mut log.read(Filter::Under(stream(under)), 0)).await;
        let given: Vec<_> = given.iter().map(|event| event.position).collect();
        assert_eq!((given.as_slice(), caught_up), (positions, 7), "under {under}");
    }
    let whole = Filter::Under(StreamName::new(LOG).unwrap());
    assert_eq!(read_now(&log, whole, 0).await, read_now(&log, Filter::All, 0).await);
}

pub(crate) async fn caught_up_comes_once_after_the_last_event(harness: &impl Harness) {
    let log = harness.open().await;
    let mut items = log.read(Filter::All, 0);
    assert_eq!(next(&mut items).await, Ok(Item::CaughtUp(0)));
    log.append(&stream("a"), 0, events(1..3)).await.unwrap();
    assert_eq!([next_event(&mut items).await.position, next_event(&mut items).await.position], [1, 2]);
    assert_eq!(next(&mut items).await, Ok(Item::CaughtUp(2)));

    let (given, caught_up) = history(&mut log.read(Filter::All, 2)).await;
    assert_eq!((given, caught_up), (vec![], 2));
}

pub(crate) async fn an_append_is_seen_whole(harness: &impl Harness) {
    let log = harness.open().await;
    let mut items = log.read(Filter::All, 0);
    let writer = tokio::spawn({
        let log = Arc::clone(&log);
        async move {
            for round in 0..20_u64 {
                let seed = 100 * (u128::from(round) + 1);
                log.append(&stream("a"), round * 5, events(seed..seed + 5)).await.unwrap();
            }
        }
    });
    // Whenever the reader is up to date, it holds whole appends.
    let mut seen = 0;
    while seen < 100 {
        match next(&mut items).await.unwrap() {
            Item::Event(event) => seen = event.position,
            Item::CaughtUp(position) => assert_eq!((position % 5, position), (0, seen)),
        }
    }
    writer.await.unwrap();
}

pub(crate) async fn history_goes_over_to_live_without_gap_or_repeat(harness: &impl Harness) {
    let log = harness.open().await;
    let writers = (0..4_u128).map(|writer| tokio::spawn(write(Arc::clone(&log), writer)));
    let writers: Vec<_> = writers.collect();
    let readers = (0..4).map(|_| tokio::spawn(read_all(Arc::clone(&log), 4 * 100)));
    let readers: Vec<_> = readers.collect();
    for writer in writers {
        soon(writer).await.unwrap();
    }
    for reader in readers {
        assert_eq!(soon(reader).await.unwrap(), Vec::from_iter(1..=400));
    }
}

async fn write(log: Arc<dyn EventLog>, writer: u128) {
    let (name, mut expected) = (stream(&format!("w{writer}")), 0);
    for seed in 0..100 {
        let positions = log.append(&name, expected, vec![event(1_000 * (writer + 1) + seed)]).await.unwrap();
        expected = positions[0];
    }
}

/// Positions as given, from the beginning until `upto`.
async fn read_all(log: Arc<dyn EventLog>, upto: u64) -> Vec<u64> {
    let (mut items, mut positions) = (log.read(Filter::All, 0), Vec::new());
    while positions.last() != Some(&upto) {
        positions.push(next_event(&mut items).await.position);
    }
    positions
}

pub(crate) async fn a_filtered_reader_stays_live(harness: &impl Harness) {
    let log = harness.open().await;
    log.append(&stream("other"), 0, events(1..3)).await.unwrap();
    let mut items = log.read(Filter::Under(stream("own")), 0);
    assert_eq!(next(&mut items).await, Ok(Item::CaughtUp(2)));
    log.append(&stream("other"), 2, events(3..5)).await.unwrap();
    log.append(&stream("own.x"), 0, events(5..6)).await.unwrap();
    let given = next_event(&mut items).await;
    assert_eq!((given.position, given.stream), (5, stream("own.x")));
}

pub(crate) async fn a_filter_of_another_log_is_refused(harness: &impl Harness) {
    let log = harness.open().await;
    let mut items = log.read(Filter::Under(StreamName::new("alerts.rule").unwrap()), 0);
    let refused = next(&mut items).await;
    assert!(matches!(&refused, Err(Error::Invalid { .. })), "{refused:?}");
}

pub(crate) async fn a_reader_beyond_the_end_is_refused(harness: &impl Harness) {
    let log = harness.open().await;
    log.append(&stream("a"), 0, events(1..3)).await.unwrap();
    let refused = next(&mut log.read(Filter::All, 3)).await;
    assert!(matches!(&refused, Err(Error::Replaced { .. })), "{refused:?}");
}

pub(crate) async fn a_projection_never_passes_an_event_it_has_not_seen(harness: &impl Harness) {
    let log = harness.open().await;
    let writers: Vec<_> = (0..4_u128).map(|writer| tokio::spawn(write(Arc::clone(&log), writer))).collect();
    let mut counts: Projection<u64> = Projection::new(0);
    // The reader is stopped and started again all the time, from the position that the projection kept.
    while counts.position() < 400 {
        let mut items = log.read(Filter::All, counts.position());
        for _ in 0..7 {
            if counts.position() == 400 {
                break;
            }
            match next(&mut items).await.unwrap() {
                Item::Event(event) => assert!(
                    counts
                        .fold(&event, |count, _| {
                            *count += 1;
                            Ok(())
                        })
                        .unwrap()
                ),
                Item::CaughtUp(position) => counts.pass(position),
            }
            assert_eq!(*counts.state(), counts.position(), "as many events as positions");
        }
    }
    for writer in writers {
        soon(writer).await.unwrap();
    }
}
