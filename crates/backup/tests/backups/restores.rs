//! A restored log equals the original, and a log with something else on it is refused.
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::FutureExt as _;
use orewatch_contracts::{Class, Failure};
use orewatch_eventlog::EventLog;
use orewatch_eventlog::jetstream::{self, JetStreamOptions};
use orewatch_testkit::{Fault, FaultyLog, NatsServer};
use proptest::prelude::*;

use crate::kit::{LOG, backup, contents, event, fill, folder, head, open, place, restore, stream, verify};

/// An append: the number of a stream, and of how many events.
fn appends() -> impl Strategy<Value = Vec<(u8, usize)>> {
    prop::collection::vec((0_u8..4, 1_usize..5), 1..12)
}

async fn append_all(log: &dyn EventLog, appends: &[(u8, usize)], seed: u64) {
    let mut number = seed;
    for (name, count) in appends {
        let stream = stream(&format!("s{name}"));
        let expected = log.last(&stream).await.unwrap();
        let numbers = number..number + u64::try_from(*count).unwrap();
        number = numbers.end;
        log.append(&stream, expected, numbers.map(event).collect()).await.unwrap();
    }
}

/// Backs random appends up in two runs, restores them, and compares the logs.
async fn check_round_trip(appends: &[(u8, usize)], seed: u64, split: usize) {
    let (data, copies, restored) = (folder(), folder(), folder());
    let (log, place, copy) = (open(data.path()), place(copies.path()), open(restored.path()));
    let split = split.min(appends.len());
    append_all(log.as_ref(), &appends[..split], seed).await;
    backup(log.as_ref(), &place).await.unwrap();
    append_all(log.as_ref(), &appends[split..], seed + 1_000).await;
    let backed_up = backup(log.as_ref(), &place).await.unwrap();
    let verified = verify(&place).await.unwrap();
    let report = restore(&place, copy.as_ref()).await.unwrap();
    assert_eq!(contents(copy.as_ref()).await, contents(log.as_ref()).await);
    assert_eq!((verified.head, report.head), (backed_up.head, backed_up.head));
    assert_eq!(head(copy.as_ref()).await, backed_up.head);
    assert_eq!((Some(verified.identity), Some(report.identity)), (backed_up.identity, backed_up.identity));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]
    #[test]
    fn a_restored_log_equals_the_original(
        appends in appends(),
        seed in 0_u64..1_000_000,
        split in 0_usize..12,
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(check_round_trip(&appends, seed, split));
    }
}

async fn nats_log(server: &NatsServer) -> Arc<dyn EventLog> {
    jetstream::connect(&server.url(), JetStreamOptions::default()).await.unwrap().open(LOG).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_moves_to_jetstream_and_back() {
    let (data, back, to_nats, from_nats) = (folder(), folder(), folder(), folder());
    let server = NatsServer::start();
    let (embedded, nats) = (open(data.path()), nats_log(&server).await);
    fill(embedded.as_ref(), 0..40).await;
    let first = backup(embedded.as_ref(), &place(to_nats.path())).await.unwrap();
    let moved = restore(&place(to_nats.path()), nats.as_ref()).await.unwrap();
    assert_eq!(moved.head, first.head);
    fill(nats.as_ref(), 40..50).await;
    let second = backup(nats.as_ref(), &place(from_nats.path())).await.unwrap();
    let back = open(back.path());
    let returned = restore(&place(from_nats.path()), back.as_ref()).await.unwrap();
    assert_eq!((returned.position, returned.head), (50, second.head));
    assert_eq!(contents(back.as_ref()).await, contents(nats.as_ref()).await);
    // The place that the embedded log was backed up to takes the log that went on elsewhere.
    assert_eq!(backup(nats.as_ref(), &place(to_nats.path())).await.unwrap().added, 10);
}

fn refused(failure: &Failure, code: &str, position: u64) {
    assert_eq!((failure.class, failure.code.as_str()), (Class::Refused, code), "{failure}");
    assert_eq!(failure.value, position.to_string(), "{failure}");
}

#[tokio::test]
async fn an_interrupted_restore_is_continued() {
    let (data, copies, restored) = (folder(), folder(), folder());
    let (log, place, copy) = (open(data.path()), place(copies.path()), open(restored.path()));
    fill(log.as_ref(), 0..20).await;
    backup(log.as_ref(), &place).await.unwrap();
    fill(copy.as_ref(), 0..7).await;
    let found = contents(copy.as_ref()).await.len();
    let report = restore(&place, copy.as_ref()).await.unwrap();
    assert_eq!(report.found, u64::try_from(found).unwrap());
    assert_eq!(contents(copy.as_ref()).await, contents(log.as_ref()).await);
    let again = restore(&place, copy.as_ref()).await.unwrap();
    assert_eq!((again.found, again.position), (20, 20), "a restore that is complete does nothing");
}

#[tokio::test]
async fn a_log_with_something_else_is_refused() {
    let (data, copies, other, branched, longer) = (folder(), folder(), folder(), folder(), folder());
    let (log, place) = (open(data.path()), place(copies.path()));
    fill(log.as_ref(), 0..10).await;
    backup(log.as_ref(), &place).await.unwrap();
    let other = open(other.path());
    fill(other.as_ref(), 100..101).await;
    refused(&restore(&place, other.as_ref()).await.unwrap_err(), "log-not-empty", 1);
    assert_eq!(contents(other.as_ref()).await.len(), 1, "nothing was changed");
    let branched = open(branched.path());
    fill(branched.as_ref(), 0..3).await;
    fill(branched.as_ref(), 200..201).await;
    refused(&restore(&place, branched.as_ref()).await.unwrap_err(), "log-not-empty", 4);
    let longer = open(longer.path());
    fill(longer.as_ref(), 0..11).await;
    refused(&restore(&place, longer.as_ref()).await.unwrap_err(), "log-not-empty", 11);
}

#[tokio::test]
async fn another_writer_is_noticed() {
    let (data, copies, restored) = (folder(), folder(), folder());
    let (log, place, copy) = (open(data.path()), place(copies.path()), open(restored.path()));
    fill(log.as_ref(), 0..20).await;
    backup(log.as_ref(), &place).await.unwrap();
    let (appends, inner) = (AtomicU64::new(0), Arc::clone(&copy));
    let shared = FaultyLog::new(copy)
        .on_append(move |_, _| match appends.fetch_add(1, Ordering::SeqCst) {
            2 => {
                let inner = Arc::clone(&inner);
                let foreign = async move { inner.append(&stream("foreign"), 0, vec![event(500)]).await };
                Fault::Delay(foreign.map(|appended| drop(appended.unwrap())).boxed())
            }
            _ => Fault::None,
        })
        .shared();
    let failure = restore(&place, shared.as_ref()).await.unwrap_err();
    assert_eq!((failure.class, failure.code.as_str()), (Class::Refused, "restore-mismatch"), "{failure}");
}
