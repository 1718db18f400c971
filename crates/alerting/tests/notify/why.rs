//! Why a subscription told of an alert, or did not.
use orewatch_alerting::notify::why::explain_subscriptions;
use orewatch_contracts::alerting::v1::*;

use crate::kit::*;

fn why(world: &World, name: &str) -> SubscriptionTelling {
    let alert =
        world.state.alert(&firing(name).id).map_or_else(|| firing(name), |one| Alert::clone(&one.alert));
    let telling = explain_subscriptions(&world.state, &alert, world.now).remove(0);
    assert!(!telling.text.is_empty());
    telling
}

#[test]
fn the_last_message_and_its_delivery_are_explained() {
    let mut world = World::prompt();
    world.fire("a").advance_to(5);
    let under_way = why(&world, "a");
    assert_eq!((under_way.telling(), &under_way.by), (Telling::UnderWay, &world.sent[0].id));
    let sent = world.sent[0].clone();
    world.deliver(&sent);
    assert_eq!(why(&world, "a").telling(), Telling::Told);
    world.stale("a", true);
    world.advance_to(6);
    let lost = world.sent[1].clone();
    world.give_up(&lost);
    let given_up = why(&world, "a");
    assert_eq!((given_up.telling(), given_up.by), (Telling::GivenUp, lost.id));
}

#[test]
fn the_mute_and_its_end_are_explained() {
    let mut world = World::prompt();
    world.silence("s", &["a"], 0, 500);
    let inhibition = Inhibition {
        id: "i".to_owned(),
        source: Some(alerts_of_rules(&["b"])),
        target: Some(alerts_of_rules(&["c"])),
        equal: vec![],
    };
    world.inhibit(inhibition);
    world.fire("a").fire("b").fire("c").advance_to(5);
    let silenced = why(&world, "a");
    assert_eq!((silenced.telling(), silenced.by.as_str()), (Telling::Silenced, "s"));
    assert_eq!(silenced.time, Some(proto_time(500)));
    assert!(silenced.text.contains("ann") && silenced.text.contains("known"), "{}", silenced.text);
    let inhibited = why(&world, "c");
    assert_eq!((inhibited.telling(), inhibited.by.as_str()), (Telling::Inhibited, "i"));
    assert_eq!(inhibited.inhibited_by, firing("b").id);
}

#[test]
fn what_it_waits_for() {
    let mut world = World::new();
    world.subscribe(paced(10, 300, None));
    world.fire("a").advance_to(5);
    let grouped = why(&world, "a");
    assert_eq!((grouped.telling(), grouped.time), (Telling::Grouped, Some(proto_time(10))));
    world.advance_to(20);
    world.fire("b").advance_to(40);
    assert_eq!(why(&world, "b").time, Some(proto_time(310)), "the interval of the group");

    let digest = Digest { at: "18:00".to_owned(), ..Digest::default() };
    let cadence = Some(Cadence { digest: Some(digest), ..Cadence::default() });
    world.subscribe(Subscription { cadence, ..prompt() });
    world.fire("c").advance_to(50);
    let digest = why(&world, "c");
    assert_eq!((digest.telling(), digest.time), (Telling::Digest, Some(proto_time(6 * HOUR))));

    let [from, until] = ["11:00", "14:00"].map(str::to_owned);
    let quiet = vec![QuietHours { from, until, ..QuietHours::default() }];
    world.subscribe(Subscription { quiet, ..prompt() });
    let quiet = why(&world, "c");
    assert_eq!((quiet.telling(), quiet.time), (Telling::Quiet, Some(proto_time(2 * HOUR))));
}

#[test]
fn a_missing_notification_is_explained() {
    let mut world = World::prompt();
    world.fire("a");
    world.disable("ops", "");
    let down = why(&world, "a");
    assert_eq!((down.telling(), down.time), (Telling::ReceiverDown, Some(proto_time(0))));
    world.enable("ops");
    world.subscribe(Subscription { select: Some(alerts_of_rules(&["b"])), ..prompt() });
    let not_selected = why(&world, "a");
    assert_eq!((not_selected.telling(), not_selected.by.as_str()), (Telling::NotSelected, "rules"));
    assert_eq!(why(&world, "b").telling(), Telling::NothingToTell);
    world.subscribe(Subscription { expires_at: Some(proto_time(50)), ..prompt() });
    world.asleep_until(60);
    let expired = why(&world, "a");
    assert_eq!((expired.telling(), expired.time), (Telling::Expired, Some(proto_time(50))));
    let mut world = World::new();
    world.state.limits.groups = 1;
    world.subscribe(Subscription { group_by: vec!["alert".to_owned()], ..prompt() });
    world.fire("a").fire("b");
    assert_eq!(why(&world, "b").telling(), Telling::Limited);
}

#[test]
fn subscriptions_that_do_not_select_it_come_last() {
    let mut world = World::new();
    world.subscribe(Subscription {
        id: "a-other".to_owned(),
        select: Some(alerts_of_rules(&["b"])),
        ..prompt()
    });
    world.subscribe(prompt());
    world.fire("a").advance_to(1);
    let alert = firing("a");
    let order: Vec<String> = explain_subscriptions(&world.state, &alert, world.now)
        .into_iter()
        .map(|telling| telling.subscription)
        .collect();
    assert_eq!(order, ["all", "a-other"]);
}
