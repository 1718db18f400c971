//! Appending events in order: cases that every adapter passes, and faults of a server in the middle.
use std::sync::Arc;
use std::time::Duration;

use async_nats::HeaderMap;
use futures_util::future::join_all;
use futures_util::{Stream, StreamExt as _, stream as streams};
use orewatch_eventlog::jetstream::JetStreamOptions;
use orewatch_eventlog::{
    Error, EventLog, Extent, Filter, MAX_EVENT_BYTES, NewEvent, StreamName, Unfinished, WaitingLog,
};
use orewatch_testkit::{Fault, FaultyLog};

use crate::harness::{Harness, JetStream, read_now, soon};
use crate::jetstream::operator;
use crate::samples::{event, events, stream};

/// An event of this size.
fn sized(seed: u128, size: usize) -> NewEvent {
    NewEvent { data: vec![7; size].into(), ..event(seed) }
}

/// Appends events in order, with a deadline.
async fn append(
    log: &Arc<dyn EventLog>,
    name: &StreamName,
    expected: u64,
    mut events: impl Stream<Item = NewEvent> + Send + Unpin,
) -> Result<u64, Unfinished> {
    soon(log.append_in_order(name, expected, &mut events)).await
}

/// Seeds of the events on a stream, in order.
async fn seeds(log: &Arc<dyn EventLog>, name: &StreamName) -> Vec<u128> {
    let stored = read_now(log, Filter::Under(name.clone()), 0).await;
    stored.iter().map(|event| event.id.as_u128()).collect()
}

/// A log may store them together. What one of them is refused does not concern the others.
pub(crate) async fn appends_at_once_are_each_on_their_own_terms(harness: &impl Harness) {
    let log = harness.open().await;
    log.append(&stream("s0"), 0, events(1..3)).await.unwrap();
    for round in [0_u64, 1] {
        let names: Vec<_> = (0..40).map(|number| stream(&format!("s{number}"))).collect();
        // The stream of the first is longer than it expects. Two expect to be the first on the last stream.
        let of = |number: u128| 100 + 2 * number..102 + 2 * number;
        let all = (0..40).zip(&names).chain([(40, &names[39])]);
        let appended = join_all(all.map(|(number, name)| log.append(name, 0, events(of(number)))));
        let outcomes = soon(appended).await;
        let conflict = Error::Conflict { stream: names[0].to_string(), expected: 0, actual: 2 };
        assert_eq!(outcomes[0], Err(conflict), "{round}");
        for outcome in &outcomes[1..39] {
            let positions = outcome.as_ref().unwrap();
            assert_eq!(positions[1], positions[0] + 1, "{round}");
        }
        assert!(outcomes[39].is_ok() != outcomes[40].is_ok(), "{round}: {:?}", &outcomes[39..]);
        for (number, name) in (1..39).zip(&names[1..]) {
            assert_eq!(seeds(&log, name).await, Vec::from_iter(of(number)), "{round}");
        }
        assert_eq!(log.extent().await.unwrap().head, 2 + 39 * 2, "{round}: repeated appends are recognised");
    }
}

pub(crate) async fn any_number_of_events_is_stored_in_order(harness: &impl Harness) {
    let log = harness.open().await;
    let (a, b) = (stream("a"), stream("b"));
    assert_eq!(append(&log, &a, 0, streams::iter([])).await, Ok(0));
    log.append(&b, 0, events(9_000..9_003)).await.unwrap();
    // More events than go into one append, and more bytes than may be on their way at the same time.
    let small = streams::iter(events(1..1_501));
    assert_eq!(append(&log, &a, 0, small).await, Ok(1_503));
    let large = (2_001..2_061).map(|seed| sized(seed, MAX_EVENT_BYTES / 2));
    assert_eq!(append(&log, &b, 3, streams::iter(large)).await, Ok(1_563));
    let slow = streams::iter(events(3_001..3_011)).then(async |event| {
        tokio::time::sleep(Duration::from_millis(5)).await;
        event
    });
    assert_eq!(append(&log, &a, 1_503, Box::pin(slow)).await, Ok(1_573));
    assert_eq!(log.extent().await, Ok(Extent { oldest: 1, head: 1_573 }));
    assert_eq!(seeds(&log, &a).await, Vec::from_iter((1..1_501).chain(3_001..3_011)));
    assert_eq!(seeds(&log, &b).await, Vec::from_iter((9_000..9_003).chain(2_001..2_061)));
}

pub(crate) async fn a_stale_expectation_stores_no_event_of_many(harness: &impl Harness) {
    let log = harness.open().await;
    let name = stream("a");
    log.append(&name, 0, events(1..3)).await.unwrap();
    for expected in [0, 1, 3] {
        let refused = append(&log, &name, expected, streams::iter(events(10..400))).await.unwrap_err();
        let conflict = Error::Conflict { stream: name.to_string(), expected, actual: 2 };
        assert_eq!((refused.error, refused.last), (conflict, expected));
        assert_eq!(refused.rest.first(), Some(&event(10)));
    }
    assert_eq!(log.extent().await.unwrap().head, 2);
}

/// Whoever appends in the middle is named, what came before stays, and nothing comes after.
pub(crate) async fn a_writer_in_the_middle_wins(harness: &impl Harness) {
    // The other one appends as many events as would have come: the expectations of later ones would hold.
    for others in [1_u64, 4, 256] {
        let log = harness.open().await;
        let name = stream(&format!("a{others}"));
        let base = 100_000 * u128::from(others);
        let intruders = events(base + 50_000..base + 50_000 + u128::from(others));
        let all = streams::iter(events(base..base + 2_000)).then({
            let (log, name) = (Arc::clone(&log), name.clone());
            move |event: NewEvent| {
                let (log, name, intruders) = (Arc::clone(&log), name.clone(), intruders.clone());
                async move {
                    while event.id.as_u128() == base + 600 {
                        let last = log.last(&name).await.unwrap();
                        if last > 0 && log.append(&name, last, intruders.clone()).await.is_ok() {
                            break;
                        }
                    }
                    event
                }
            }
        });
        let refused = append(&log, &name, 0, Box::pin(all)).await.unwrap_err();
        let stored = read_now(&log, Filter::Under(name.clone()), 0).await;
        let ids: Vec<_> = stored.iter().map(|event| event.id.as_u128()).collect();
        let kept = stored.len() - usize::try_from(others).unwrap();
        let first = base + u128::try_from(kept).unwrap();
        assert!((1..=600).contains(&kept), "{kept}");
        assert_eq!(
            ids,
            Vec::from_iter((base..first).chain(base + 50_000..base + 50_000 + u128::from(others)))
        );
        assert_eq!(refused.last, stored[kept - 1].position, "the beginning that is stored ends here");
        let actual = stored.last().unwrap().position;
        let conflict = Error::Conflict { stream: name.to_string(), expected: refused.last, actual };
        assert_eq!(refused.error, conflict);
        assert_eq!(refused.rest.first(), Some(&event(first)), "and nothing of the rest is");
        let decided_anew = streams::iter(refused.rest);
        assert!(append(&log, &name, actual, decided_anew).await.is_ok());
    }
}

pub(crate) async fn a_repetition_goes_on_where_the_first_attempt_ended(harness: &impl Harness) {
    let log = harness.open().await;
    let name = stream("a");
    let end = append(&log, &name, 0, streams::iter(events(1..401))).await.unwrap();
    log.append(&stream("b"), 0, events(5_000..5_002)).await.unwrap();
    // In other groups than before, from the beginning and from the middle, and with more events.
    for (expected, first, upto) in [(0, 1, 401), (0, 1, 701), (100, 101, 901), (300, 301, 901)] {
        let again = append(&log, &name, expected, streams::iter(events(first..upto))).await.unwrap();
        assert_eq!(again == end, upto == 401);
    }
    assert_eq!(seeds(&log, &name).await, Vec::from_iter(1..901));
    assert_eq!(log.extent().await.unwrap().head, 902);
}

pub(crate) async fn writers_of_the_same_events_store_them_once(harness: &impl Harness) {
    let log = harness.open().await;
    let name = stream("a");
    let writers = (1..4).map(|pause| {
        let (log, name) = (Arc::clone(&log), name.clone());
        let paced = streams::iter(events(1..1_001)).then(move |event| async move {
            if event.id.as_u128() % (50 * pause) == 0 {
                tokio::task::yield_now().await;
            }
            event
        });
        tokio::spawn(async move { append(&log, &name, 0, Box::pin(paced)).await })
    });
    for outcome in join_all(writers.collect::<Vec<_>>()).await {
        assert_eq!(outcome.unwrap(), Ok(1_000));
    }
    assert_eq!(seeds(&log, &name).await, Vec::from_iter(1..1_001));
    assert_eq!(log.extent().await.unwrap().head, 1_000);
}

pub(crate) async fn writers_of_several_streams_do_not_disturb_each_other(harness: &impl Harness) {
    let log = harness.open().await;
    let writers = (0..6_u128).map(|writer| {
        let (log, name) = (Arc::clone(&log), stream(&format!("w{writer}")));
        let first = 10_000 * (writer + 1);
        let all = streams::iter(first..first + 300).map(|seed| sized(seed, 30_000));
        tokio::spawn(async move { append(&log, &name, 0, all).await })
    });
    for outcome in join_all(writers.collect::<Vec<_>>()).await {
        assert!(outcome.unwrap().is_ok());
    }
    for writer in 0..6_u128 {
        let first = 10_000 * (writer + 1);
        let own = seeds(&log, &stream(&format!("w{writer}"))).await;
        assert_eq!(own, Vec::from_iter(first..first + 300));
    }
    assert_eq!(log.extent().await.unwrap().head, 1_800);
}

pub(crate) async fn an_event_that_cannot_be_stored_ends_it(harness: &impl Harness) {
    let log = harness.open().await;
    let name = stream("a");
    let mut all = events(1..1_001);
    all[700] = sized(701, MAX_EVENT_BYTES + 1);
    let refused = append(&log, &name, 0, streams::iter(all.clone())).await.unwrap_err();
    assert!(matches!(refused.error, Error::TooLarge { .. }), "{refused:?}");
    let stored = usize::try_from(refused.last).unwrap();
    assert!(stored <= 700);
    assert_eq!(refused.rest[..701 - stored], all[stored..701]);
    assert_eq!(seeds(&log, &name).await, Vec::from_iter(1..=u128::from(refused.last)));
    let elsewhere = StreamName::new("alerts.rule").unwrap();
    let refused = append(&log, &elsewhere, 0, streams::iter(events(5_000..5_002))).await.unwrap_err();
    assert!(matches!(refused.error, Error::Invalid { .. }), "{refused:?}");
}

/// Appends are lost before or after they are stored, again and again, and a log that waits goes on.
pub(crate) async fn a_waiting_log_settles_what_is_unknown(harness: &impl Harness) {
    let log = harness.open().await;
    let appends = std::sync::atomic::AtomicU64::new(0);
    let faulty = FaultyLog::new(Arc::clone(&log)).on_append(move |_, _| {
        match appends.fetch_add(1, std::sync::atomic::Ordering::SeqCst) % 3 {
            0 => Fault::Lost { stored: true },
            1 => Fault::Lost { stored: false },
            _ => Fault::None,
        }
    });
    let waiting: Arc<dyn EventLog> = WaitingLog::new(faulty.shared());
    let end = append(&waiting, &stream("a"), 0, streams::iter(events(1..1_101))).await;
    assert_eq!(end, Ok(1_100));
    assert_eq!(seeds(&log, &stream("a")).await, Vec::from_iter(1..1_101));
}

/// The server dies again and again under a writer of large events, which does not notice.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_leaves_no_gap_and_nothing_twice() {
    let mut harness = JetStream::start().await;
    let log = harness.open().await;
    let name = stream("a");
    let writer = tokio::spawn({
        let (log, name) = (Arc::clone(&log), name.clone());
        let all = streams::iter(1..901).map(|seed| sized(seed, 60_000));
        async move { append(&log, &name, 0, all).await }
    });
    for events_before_death in [1, 200, 500] {
        while log.extent().await.unwrap().head < events_before_death {}
        harness.0.kill();
        harness.0.restart();
    }
    assert_eq!(soon(writer).await.unwrap(), Ok(900));
    assert_eq!(seeds(&log, &name).await, Vec::from_iter(1..901));
    assert_eq!(log.extent().await, Ok(Extent { oldest: 1, head: 900 }));
}

/// A writer that gives up knows what is stored, all but what is unknown, and another one goes on from there.
#[tokio::test(flavor = "multi_thread")]
async fn what_ends_early_is_a_beginning_and_can_be_repeated() {
    let mut harness = JetStream::start().await;
    let impatient = JetStreamOptions { patience: Duration::from_secs(1), ..JetStreamOptions::default() };
    let (log, patient) = (harness.open_with(impatient).await.unwrap(), harness.open().await);
    let name = stream("a");
    let (mut last, mut rest) = (0, Vec::from_iter((1..901).map(|seed| sized(seed, 60_000))));
    for round in 1..=2 {
        let writer = tokio::spawn({
            let (log, name, left) = (Arc::clone(&log), name.clone(), std::mem::take(&mut rest));
            async move {
                let mut input = streams::iter(left);
                let ended = soon(log.append_in_order(&name, last, &mut input)).await;
                (ended, input.collect::<Vec<_>>().await)
            }
        });
        while !writer.is_finished() && patient.extent().await.unwrap().head < 200 * round {}
        harness.0.kill();
        let (ended, never_taken) = writer.await.unwrap();
        let unfinished = ended.unwrap_err();
        assert!(matches!(unfinished.error, Error::Unavailable { .. }), "{:?}", unfinished.error);
        harness.0.restart();
        while log.extent().await.is_err() {}
        let stored = seeds(&patient, &name).await;
        let end = u128::try_from(stored.len()).unwrap();
        assert_eq!(stored, Vec::from_iter(1..=end), "a beginning, without a gap");
        assert!(u128::from(unfinished.last) <= end, "what is known to be stored is");
        (last, rest) = (unfinished.last, [unfinished.rest, never_taken].concat());
        assert_eq!(rest.first().map(|event| event.id.as_u128()), Some(u128::from(last) + 1));
    }
    assert_eq!(append(&patient, &name, last, streams::iter(rest)).await, Ok(900));
    assert_eq!(seeds(&patient, &name).await, Vec::from_iter(1..901));
    assert_eq!(patient.extent().await.unwrap().head, 900, "stored exactly once");
}

/// Messages of another program, on the same subject and on others, move where the log ends.
#[tokio::test(flavor = "multi_thread")]
async fn messages_of_others_in_between_change_nothing() {
    let harness = JetStream::start().await;
    let log = harness.open().await;
    let name = stream("a");
    let context = operator(&harness).await;
    let all = streams::iter(1..1_301).then(move |seed: u128| {
        let context = context.clone();
        async move {
            if seed.is_multiple_of(100) {
                let subject = if seed.is_multiple_of(200) { "a" } else { "z" };
                let subject = format!("orewatch.observations.{subject}");
                let sent = context.publish_with_headers(subject, HeaderMap::new(), "oops".into()).await;
                sent.unwrap().await.unwrap();
            }
            event(seed)
        }
    });
    append(&log, &name, 0, Box::pin(all)).await.unwrap();
    assert_eq!(seeds(&log, &name).await, Vec::from_iter(1..1_301));
    assert_eq!(log.extent().await.unwrap().head, 1_313);
    assert_eq!(read_now(&log, Filter::All, 0).await.len(), 1_300);
    assert_eq!(log.passed_over().count, 13);
}

/// The server holds 50 unfinished batches at a time, each for ten seconds: those that are not needed must go.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_with_the_server() {
    let harness = JetStream::start().await;
    let impatient = JetStreamOptions { patience: Duration::from_secs(3), ..JetStreamOptions::default() };
    let log = harness.open_with(impatient).await.unwrap();
    for round in 0..80_u128 {
        let (name, first) = (stream(&format!("s{round}")), 1_000 * (round + 1));
        let mut all = events(first..first + 300);
        all[299] = sized(first + 299, MAX_EVENT_BYTES + 1);
        let refused = append(&log, &name, 0, streams::iter(all)).await.unwrap_err();
        assert!(matches!(refused.error, Error::TooLarge { .. }), "round {round}: {:?}", refused.error);
    }
    let end = append(&log, &stream("last"), 0, streams::iter(events(1..301))).await;
    assert_eq!(end, Ok(80 * 256 + 300));
}
