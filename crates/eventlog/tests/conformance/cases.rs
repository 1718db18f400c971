//! Appending to a log: cases that every adapter passes.
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::join_all;
use orewatch_eventlog::{
    Error, EventLog, Extent, Filter, MAX_APPEND_BYTES, MAX_APPEND_EVENTS, MAX_EVENT_BYTES, NewEvent,
    StreamName,
};

use crate::harness::{Harness, read_now, soon};
use crate::samples::{event, events, stream};

pub(crate) async fn every_field_comes_back(harness: &impl Harness) {
    let log = harness.open().await;
    let name = stream("baci-hs92.202601-0a1b2c3d4e5f");
    let odd = NewEvent {
        kind: "a kind with spaces, \"quotes\", 100 % and Erz für 鉱物 😀".to_owned(),
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
        data: Bytes::from_iter(0..=255),
        ..event(1)
    };
    let empty = NewEvent { data: Bytes::new(), time: "1969-12-31T23:59:59.5Z".parse().unwrap(), ..event(2) };
    let given = [odd, empty];
    let positions = log.append(&name, 0, given.to_vec()).await.unwrap();

    let stored = read_now(&log, Filter::All, 0).await;
    assert_eq!(stored.len(), 2);
    for ((stored, given), position) in stored.into_iter().zip(given).zip(positions) {
        assert_eq!((stored.position, &stored.stream), (position, &name));
        let back = NewEvent {
            id: stored.id,
            kind: stored.kind,
            time: stored.time,
            data: stored.data,
            traceparent: stored.traceparent,
        };
        assert_eq!(back, given);
    }
}

pub(crate) async fn positions_grow_in_order(harness: &impl Harness) {
    let log = harness.open().await;
    let (a, b) = (stream("a"), stream("b"));
    assert_eq!(log.append(&a, 0, events(1..4)).await, Ok(vec![1, 2, 3]));
    assert_eq!(log.append(&b, 0, events(4..5)).await, Ok(vec![4]));
    assert_eq!(log.append(&a, 3, events(5..7)).await, Ok(vec![5, 6]));
    assert_eq!((log.last(&a).await, log.last(&b).await), (Ok(6), Ok(4)));
    assert_eq!(log.extent().await, Ok(Extent { oldest: 1, head: 6 }));
    let usage = log.usage().await.unwrap().expect("the store knows the size of the log");
    assert!(usage.bytes > 0 && usage.max_bytes.is_none_or(|max| max >= usage.bytes), "{usage:?}");
    let read: Vec<_> = read_now(&log, Filter::All, 0)
        .await
        .iter()
        .map(|event| (event.position, event.id.as_u128()))
        .collect();
    assert_eq!(read, [(1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 6)]);
}

pub(crate) async fn a_new_log_is_empty(harness: &impl Harness) {
    let log = harness.open().await;
    assert_eq!(log.extent().await, Ok(Extent { oldest: 1, head: 0 }));
    assert_eq!(log.last(&stream("a")).await, Ok(0));
    assert_eq!(read_now(&log, Filter::All, 0).await, []);
}

pub(crate) async fn a_stale_expectation_stores_nothing(harness: &impl Harness) {
    let log = harness.open().await;
    let name = stream("a");
    log.append(&name, 0, events(1..3)).await.unwrap();
    for (expected, count) in [(0, 1), (1, 1), (3, 1), (u64::MAX, 1), (0, 3), (1, 3), (3, 3)] {
        let refused = log.append(&name, expected, events(10..10 + count)).await;
        assert_eq!(refused, Err(Error::Conflict { stream: name.to_string(), expected, actual: 2 }));
    }
    assert_eq!(log.extent().await.unwrap().head, 2);
    let reloaded = log.last(&name).await.unwrap();
    assert_eq!(log.append(&name, reloaded, events(10..12)).await, Ok(vec![3, 4]));
}

pub(crate) async fn two_creators_race_and_one_wins(harness: &impl Harness) {
    let log = harness.open().await;
    for round in 0..10_u128 {
        let name = stream(&format!("race-{round}"));
        // One event takes another road than several: both must race, also against each other.
        let sizes = [1, 1, 2, 3];
        let racers = sizes.iter().zip(0..).map(|(size, racer)| {
            let first = 1_000 * (round + 1) + 100 * racer;
            log.append(&name, 0, events(first..first + size))
        });
        let outcomes = join_all(racers).await;
        let winners: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().ok()).collect();
        assert_eq!(winners.len(), 1, "{outcomes:?}");
        let conflicts = outcomes.iter().filter(|outcome| matches!(outcome, Err(Error::Conflict { .. })));
        assert_eq!(conflicts.count(), sizes.len() - 1, "{outcomes:?}");
        let stored: Vec<_> =
            read_now(&log, Filter::Under(name), 0).await.iter().map(|event| event.position).collect();
        assert_eq!(&stored, winners[0]);
    }
}

pub(crate) async fn a_repeated_append_is_recognised(harness: &impl Harness) {
    let log = harness.open().await;
    let name = stream("a");
    for batch in [events(1..2), events(2..5), events(5..905)] {
        let expected = log.last(&name).await.unwrap();
        let first = log.append(&name, expected, batch.clone()).await.unwrap();
        for _ in 0..3 {
            assert_eq!(log.append(&name, expected, batch.clone()).await, Ok(first.clone()));
        }
    }
    assert_eq!(log.extent().await.unwrap().head, 904);
}

pub(crate) async fn an_append_is_recognised_after_later_ones(harness: &impl Harness) {
    let log = harness.open().await;
    let (name, other) = (stream("a"), stream("b"));
    log.append(&name, 0, events(1..2)).await.unwrap();
    log.append(&other, 0, events(2..3)).await.unwrap();
    log.append(&name, 1, events(3..5)).await.unwrap();
    log.append(&other, 2, events(5..6)).await.unwrap();
    log.append(&name, 4, events(6..9)).await.unwrap();
    assert_eq!(log.append(&name, 0, events(1..2)).await, Ok(vec![1]));
    assert_eq!(log.append(&name, 1, events(3..5)).await, Ok(vec![3, 4]));
    assert_eq!(log.append(&name, 4, events(6..9)).await, Ok(vec![6, 7, 8]));
    assert_eq!(log.extent().await.unwrap().head, 8);
}

pub(crate) async fn part_of_an_append_is_not_the_append(harness: &impl Harness) {
    let log = harness.open().await;
    let name = stream("a");
    log.append(&name, 0, events(1..4)).await.unwrap();
    let conflict = Err(Error::Conflict { stream: name.to_string(), expected: 0, actual: 3 });
    let reversed: Vec<_> = events(1..4).into_iter().rev().collect();
    for other in [events(1..5), reversed, vec![event(1), event(9), event(3)], events(2..4)] {
        assert_eq!(log.append(&name, 0, other).await, conflict);
    }
    assert_eq!(log.extent().await.unwrap().head, 3);
}

pub(crate) async fn an_id_that_is_used_elsewhere_is_refused(harness: &impl Harness) {
    let log = harness.open().await;
    log.append(&stream("a"), 0, events(1..4)).await.unwrap();
    let attempts = [
        (stream("b"), 0, vec![event(2)]),
        (stream("b"), 0, vec![event(9), event(2)]),
        (stream("a"), 3, vec![event(3)]),
        (stream("a"), 3, vec![event(3), event(9)]),
        (stream("c"), 0, vec![event(9), event(9)]),
    ];
    for (name, expected, batch) in attempts {
        let refused = log.append(&name, expected, batch).await;
        assert!(matches!(&refused, Err(Error::Invalid { .. })), "{refused:?}");
    }
    assert_eq!(log.extent().await.unwrap().head, 3, "nothing of a refused append is stored");
    assert_eq!(
        log.append(&stream("b"), 0, vec![event(9)]).await,
        Ok(vec![4]),
        "its other ids are still free"
    );
}

pub(crate) async fn limits_are_checked_before_anything_is_stored(harness: &impl Harness) {
    let log = harness.open().await;
    let name = stream("a");
    let sized = |seed: u128, size: usize| NewEvent { data: vec![7; size].into(), ..event(seed) };
    let most = u128::try_from(MAX_APPEND_EVENTS).unwrap();
    let full = MAX_APPEND_BYTES / MAX_EVENT_BYTES;
    let beyond = [
        vec![sized(1, MAX_EVENT_BYTES + 1)],
        events(1..most + 2),
        (0..=full).map(|n| sized(n.try_into().unwrap(), MAX_EVENT_BYTES)).collect(),
    ];
    for batch in beyond {
        let refused = log.append(&name, 0, batch).await;
        assert!(matches!(&refused, Err(Error::TooLarge { size, limit, .. }) if size > limit), "{refused:?}");
    }
    assert_eq!(log.extent().await.unwrap().head, 0);

    let largest = log.append(&name, 0, vec![sized(1, MAX_EVENT_BYTES)]).await.unwrap();
    let most = soon(log.append(&name, 1, events(2..most + 2))).await.unwrap();
    let many: Vec<_> =
        (0..full).map(|n| sized(u128::try_from(n).unwrap() + 10_000, MAX_EVENT_BYTES)).collect();
    let many = soon(log.append(&name, 1_001, many)).await.unwrap();
    assert_eq!((largest.len(), most.len(), many.len()), (1, MAX_APPEND_EVENTS, full));
    let read = read_now(&log, Filter::All, 0).await;
    assert_eq!(read.len(), 1 + MAX_APPEND_EVENTS + full);
}

pub(crate) async fn an_append_that_makes_no_sense_is_refused(harness: &impl Harness) {
    let log = harness.open().await;
    let attempts = [
        (stream("a"), vec![]),
        (StreamName::new("alerts.rule").unwrap(), events(1..2)),
        (StreamName::new("observations").unwrap(), events(1..2)),
        (StreamName::new("observationsx.a").unwrap(), events(1..2)),
        (stream("a"), vec![NewEvent { kind: String::new(), ..event(1) }]),
        (stream("a"), vec![NewEvent { kind: "two\r\nlines".to_owned(), ..event(1) }]),
        (stream("a"), vec![NewEvent { traceparent: Some("x".repeat(10_000)), ..event(1) }]),
    ];
    for (name, batch) in attempts {
        let refused = log.append(&name, 0, batch).await;
        assert!(matches!(&refused, Err(Error::Invalid { .. })), "{refused:?}");
    }
    assert_eq!(log.extent().await.unwrap().head, 0);
}

pub(crate) async fn many_writers_lose_nothing(harness: &impl Harness) {
    let log = harness.open().await;
    let writers = (0..16_u128).map(|writer| write_chain(Arc::clone(&log), writer));
    soon(join_all(writers.map(tokio::spawn))).await.into_iter().for_each(Result::unwrap);

    let read = read_now(&log, Filter::All, 0).await;
    let positions: Vec<_> = read.iter().map(|event| event.position).collect();
    assert_eq!(positions, Vec::from_iter(1..=16 * 30));
    for writer in 0..16_u128 {
        let own = read_now(&log, Filter::Under(stream(&format!("writer-{writer}"))), 0).await;
        let ids: Vec<_> = own.iter().map(|event| event.id.as_u128() - 1_000 * (writer + 1)).collect();
        assert_eq!(ids, Vec::from_iter(0..30));
    }
}

/// Ten single events and ten pairs on a stream of its own.
async fn write_chain(log: Arc<dyn EventLog>, writer: u128) {
    let name = stream(&format!("writer-{writer}"));
    let (mut expected, mut seed) = (0, 1_000 * (writer + 1));
    for size in [1, 2].repeat(10) {
        let positions = log.append(&name, expected, events(seed..seed + size)).await.unwrap();
        expected = *positions.last().unwrap();
        seed += size;
    }
}

pub(crate) async fn a_log_is_complete_after_reopening(harness: &impl Harness) {
    let log = harness.open().await;
    log.append(&stream("a"), 0, events(1..4)).await.unwrap();
    let before = read_now(&log, Filter::All, 0).await;
    drop(log);
    let log = harness.open().await;
    assert_eq!(read_now(&log, Filter::All, 0).await, before);
    assert_eq!(log.append(&stream("a"), 3, events(4..5)).await, Ok(vec![4]));
    assert_eq!(log.append(&stream("a"), 0, events(1..4)).await, Ok(vec![1, 2, 3]));
}
