//! Processes that die, clocks that jump, and two replicas: what is planned, sent, received, duplicated and
//! lost.
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jiff::SignedDuration;
use orewatch_alerting::Logs;
use orewatch_contracts::alerting::v1::*;
use orewatch_eventlog::{EventLog, NewEvent};
use orewatch_runtime::Clock as _;
use orewatch_testkit::{Fault, FaultyLog};

use crate::bench::{Bench, eventually};
use crate::receiver::{Manner, Server, status};
use crate::samples::message;

/// A log whose user dies when it records a certain outcome of an attempt: neither that nor anything later is
/// stored.
fn dying_log(log: Arc<dyn EventLog>, dies_at: usize) -> Arc<dyn EventLog> {
    let outcomes = AtomicUsize::new(0);
    let on_append = move |_: &_, events: &[NewEvent]| {
        let is_outcome =
            events[0].kind.ends_with("DeliverySucceeded") || events[0].kind.ends_with("DeliveryFailed");
        let number = if is_outcome {
            outcomes.fetch_add(1, Ordering::SeqCst)
        } else {
            outcomes.load(Ordering::SeqCst)
        };
        let is_dead = number >= dies_at && (is_outcome || number > dies_at);
        if is_dead { Fault::death(false) } else { Fault::None }
    };
    FaultyLog::new(log).on_append(on_append).shared()
}

#[tokio::test]
async fn e06_a_message_whose_outcome_was_not_recorded_is_sent_again_with_the_same_id() {
    let mut sent_again = 0;
    for dies_at in 0..4 {
        let bench = Bench::new();
        let server = Server::healthy().await;
        let alerts = dying_log(Arc::clone(&bench.logs.alerts), dies_at);
        let doomed = Bench::on(
            Logs { exposures: Arc::clone(&bench.logs.exposures), alerts },
            tempfile::tempdir().unwrap(),
        );
        let mut first = doomed.start().await;
        first.put(doomed.webhook("hook", &server.url("/"))).await;
        let mut ids = Vec::new();
        for sequence in 1..=4 {
            ids.push(bench.plan(message("hook", "g", sequence)).await);
        }
        eventually("the receiver has what the dead process sent", async || {
            (server.arrived().len() > dies_at).then_some(())
        })
        .await;
        // It is dead: nothing of it reaches the log any more.
        first.context.shutdown.cancel();

        let mut second = bench.start().await;
        // Its key is where the first one's was.
        second.put(bench.webhook("hook", &server.url("/"))).await;
        let before = second.reaches(&ids[dies_at], DeliveryState::Sending, 1).await;
        assert_eq!(before.attempts.len(), 1, "nobody sends while the lease holds");
        bench.clock.turn(SignedDuration::from_secs(46));
        for (k, id) in ids.iter().enumerate() {
            second.reaches(id, DeliveryState::Delivered, if k == dies_at { 2 } else { 1 }).await;
        }
        let wanted: BTreeMap<String, usize> =
            ids.iter().enumerate().map(|(k, id)| (id.clone(), if k == dies_at { 2 } else { 1 })).collect();
        assert_eq!(server.by_id(), wanted);
        let story = bench.story(&ids[dies_at]).await;
        assert_eq!(story, ["planned", "attempted 1", "failed 1: lost", "attempted 2", "succeeded 2: 204"]);
        sent_again += 1;
        second.stop().await;
    }
    assert_eq!(sent_again, 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e15_two_replicas_send_each_message_once() {
    let bench = Bench::new();
    let server = Server::healthy().await;
    let (mut one, mut other) = tokio::join!(bench.start(), bench.start());
    one.put(bench.webhook("hook", &server.url("/"))).await;
    let mut ids = Vec::new();
    for sequence in 1..=100 {
        ids.push(bench.plan(message("hook", &format!("g{}", sequence % 10), sequence)).await);
    }
    for id in &ids {
        one.reaches(id, DeliveryState::Delivered, 1).await;
        other.reaches(id, DeliveryState::Delivered, 1).await;
    }
    let received = server.by_id();
    let doubled = received.values().filter(|count| **count > 1).count();
    let lost = ids.iter().filter(|id| !received.contains_key(*id)).count();
    println!("planned {}, received {}, doubled {doubled}, lost {lost}", ids.len(), server.arrived().len());
    assert_eq!((server.arrived().len(), doubled, lost), (100, 0, 0));
    for group in 0..10_u32 {
        let of_group: Vec<&String> = ids.iter().skip(((group + 9) % 10) as usize).step_by(10).collect();
        let arrived: Vec<String> = server.arrived().iter().map(|one| one.id().to_owned()).collect();
        let order: Vec<&String> = arrived.iter().filter(|id| of_group.contains(id)).collect();
        assert_eq!(order, of_group, "in the order of the group");
    }
    tokio::join!(one.stop(), other.stop());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_failing_receiver_and_a_dying_replica_no_message_is_lost_and_only_retries_repeat_one() {
    let bench = Bench::new();
    let server = Server::start(|n| match n % 5 {
        3 => status(500),
        4 => Manner::Cut,
        _ => status(200),
    })
    .await;
    let (mut one, other) = tokio::join!(bench.start(), bench.start());
    one.put(bench.webhook("hook", &server.url("/"))).await;
    let mut ids = Vec::new();
    for sequence in 1..=60 {
        ids.push(bench.plan(message("hook", &format!("g{}", sequence % 6), sequence)).await);
        if sequence == 30 {
            other.context.shutdown.cancel();
        }
    }
    let mut client = one.client.clone();
    eventually("all are delivered", async || {
        bench.clock.turn(SignedDuration::from_secs(60));
        let all = client.list_receivers(ListReceiversRequest {}).await.unwrap().into_inner().receivers;
        (all[0].delivered == 60).then_some(())
    })
    .await;
    let events = bench.recorded().await;
    let count = |kind: &str| events.iter().filter(|event| event.kind.ends_with(kind)).count();
    let (attempts, failed) = (count("DeliveryAttempted"), count("DeliveryFailed"));
    let received = server.by_id();
    let lost = ids.iter().filter(|id| !received.contains_key(*id)).count();
    println!(
        "planned {}, attempts {attempts}, of them failed {failed}, received {}, distinct {}, lost {lost}",
        ids.len(),
        server.arrived().len(),
        received.len()
    );
    assert_eq!((lost, received.len(), attempts), (0, 60, 60 + failed));
    assert!(server.arrived().len() <= attempts, "nothing arrives that is not on the log");
    one.stop().await;
}

#[tokio::test]
async fn a_receiver_that_was_down_gets_all_messages_in_order() {
    let bench = Bench::new();
    let server = Server::start(|n| status(if n < 6 { 503 } else { 200 })).await;
    let mut service = bench.start().await;
    service.put(bench.webhook("hook", &server.url("/"))).await;
    let mut ids = Vec::new();
    for sequence in 1..=20 {
        ids.push(bench.plan(message("hook", "g", sequence)).await);
    }
    for attempt in 1..=6 {
        let delivery = service.reaches(&ids[0], DeliveryState::Waiting, attempt).await;
        let due = jiff::Timestamp::from_second(delivery.next_at.unwrap().seconds + 1).unwrap();
        bench.clock.set(due);
    }
    for (k, id) in ids.iter().enumerate() {
        service.reaches(id, DeliveryState::Delivered, if k == 0 { 7 } else { 1 }).await;
    }
    let arrived: Vec<String> = server.arrived()[6..].iter().map(|one| one.id().to_owned()).collect();
    assert_eq!(arrived, ids, "the rest follows at once, in its order");
    service.stop().await;
}

#[tokio::test]
async fn a_clock_that_jumps_back_delays_no_message_and_one_that_jumps_ahead_loses_none() {
    let bench = Bench::new();
    let server = Server::start(|n| status(if n == 0 { 500 } else { 200 })).await;
    let mut service = bench.start().await;
    service.put(bench.webhook("hook", &server.url("/"))).await;
    // Planned and tried by a clock that is a year ahead.
    bench.clock.turn(SignedDuration::from_hours(365 * 24));
    let id = bench.plan(message("hook", "g", 1)).await;
    service.reaches(&id, DeliveryState::Waiting, 1).await;
    bench.clock.turn(SignedDuration::from_hours(-365 * 24));
    // Something makes the worker look; the clock alone wakes nobody when it goes back.
    let next = bench.plan(message("hook", "g", 2)).await;
    service.reaches(&id, DeliveryState::Delivered, 2).await;
    service.reaches(&next, DeliveryState::Delivered, 1).await;

    // An attempt is under way when the clock jumps on, far past its lease: its own process knows better than
    // to send again.
    let slow = Server::start(|_| Manner::Silent).await;
    let timeout = Some(prost_types::Duration { seconds: 1, nanos: 0 });
    service.put(Receiver { timeout, ..bench.webhook("slow", &slow.url("/")) }).await;
    let id = bench.plan(message("slow", "g", 1)).await;
    service.reaches(&id, DeliveryState::Sending, 1).await;
    bench.clock.turn(SignedDuration::from_hours(24));
    service.reaches(&id, DeliveryState::Waiting, 1).await;
    assert_eq!(bench.story(&id).await, ["planned", "attempted 1", "failed 1: connection"]);
    service.stop().await;
}

#[tokio::test]
async fn a_stop_waits_for_attempts_within_the_grace_period_and_records_the_others_as_lost() {
    let bench = Bench::new();
    let (quick, never) = (Server::healthy().await, Server::start(|_| Manner::Silent).await);
    let mut service = bench.start().await;
    service.put(bench.webhook("quick", &quick.url("/"))).await;
    service.put(bench.webhook("never", &never.url("/"))).await;
    let id = bench.plan(message("never", "g", 1)).await;
    service.reaches(&id, DeliveryState::Sending, 1).await;
    let began = tokio::time::Instant::now();
    service.stop().await;
    assert!(began.elapsed() < Duration::from_secs(10), "within the budget, not the timeout of the attempt");
    assert_eq!(bench.story(&id).await, ["planned", "attempted 1", "failed 1: lost"]);
    // The next process need not wait for a lease: it goes on at once, although the clock stands.
    let before = bench.clock.now();
    let service = bench.start().await;
    eventually("it is sent again", async || (never.arrived().len() == 2).then_some(())).await;
    assert_eq!((bench.clock.now(), never.by_id()[&id]), (before, 2));
    service.stop().await;
}
