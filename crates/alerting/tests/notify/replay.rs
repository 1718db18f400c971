//! A dry run is the log once more, through the same planner.
use orewatch_alerting::notify::limits::Limits;
use orewatch_alerting::notify::replay::SubscriptionReplay;
use orewatch_contracts::alerting::v1::*;

use crate::kit::*;

fn rehearse(world: &World, subscription: Subscription, since: i64) -> (u64, Vec<Notification>) {
    let mut replay = SubscriptionReplay::new(subscription, time(since), Limits::default());
    world.log.iter().for_each(|event| replay.fold(event).unwrap());
    replay.finish(world.now)
}

/// Half a day in which much happens, without a subscription.
fn eventful() -> World {
    let mut world = World::new();
    world.asleep_until(10);
    world.fire("a");
    world.asleep_until(100);
    world.silence("s", &["b"], 100, 4000);
    world.fire("b").fire("c");
    world.asleep_until(2000);
    world.resolve("a").resolve("c");
    world.asleep_until(5000);
    world.acknowledge("b", None);
    world.asleep_until(12 * HOUR);
    world
}

#[test]
fn a_dry_run_gives_the_messages_that_the_subscription_would_have_sent() {
    let world = eventful();
    let subscription = paced(30, 600, Some(1800));
    let (count, sent) = rehearse(&world, subscription.clone(), 0);

    // The same history with the subscription there from the beginning.
    let mut lived = World::new();
    lived.subscribe(subscription);
    lived.advance_to(10).fire("a").advance_to(100);
    lived.silence("s", &["b"], 100, 4000);
    lived.fire("b").fire("c").advance_to(2000);
    lived.resolve("a").resolve("c").advance_to(5000);
    lived.acknowledge("b", None);
    lived.advance_to(12 * HOUR);

    let lines = |sent: Vec<Notification>| {
        let mut world = World::new();
        world.sent = sent;
        world.new_messages()
    };
    let mut newest_last = sent;
    newest_last.reverse();
    assert_eq!(count, lived.sent.len() as u64);
    assert_eq!(lines(newest_last), lived.new_messages());
}

#[test]
fn a_dry_run_begins_at_its_start_time() {
    let world = eventful();
    let (count, sent) = rehearse(&world, paced(30, 600, None), 4500);
    assert_eq!(count, 1, "what fires then is told, what was before is not");
    assert_eq!((seconds(&sent[0]), sent[0].alerts.len()), (4530, 1));
}

#[test]
fn a_dry_run_keeps_the_newest_messages_and_counts_all() {
    let mut world = World::new();
    world.fire("a");
    world.asleep_until(60 * 1000);
    let (count, sent) = rehearse(&world, paced(0, 0, Some(60)), 0);
    assert_eq!((count, sent.len()), (1001, 100));
    assert!(seconds(&sent[0]) > seconds(&sent[99]), "the newest first");
}
