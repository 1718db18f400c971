//! Much of everything, and what it costs.
use orewatch_alerting::notify::decide::put_subscription;
use orewatch_contracts::Class;
use orewatch_contracts::alerting::v1::*;

use crate::kit::*;

#[test]
fn a_message_tells_of_fifty_and_counts_the_rest_and_none_is_told_again() {
    let mut world = World::new();
    world.subscribe(paced(10, 60, None));
    for k in 0..120 {
        let severity = if k % 2 == 0 { "warning" } else { "critical" };
        world.fire_as(&format!("r{k:03}"), severity);
    }
    world.advance_to(20);
    assert_eq!(world.sent.len(), 1);
    let first = &world.sent[0];
    assert_eq!((first.alerts.len(), first.firing, first.omitted), (50, 120, 70));
    let severities = first.alerts.iter().map(|told| told.alert.as_ref().unwrap().severity.as_str());
    assert!(severities.clone().all(|severity| severity == "critical"), "the most severe first");
    world.advance_to(HOUR);
    assert_eq!(world.sent.len(), 1, "what was counted is told");
    for k in 0..120 {
        world.resolve(&format!("r{k:03}"));
    }
    world.advance_to(2 * HOUR);
    let last = &world.sent[1];
    assert_eq!((last.alerts.len(), last.resolved, last.omitted), (50, 120, 70));
    assert_eq!(last.reason(), NotificationReason::AllResolved);
    world.advance_to(DAY);
    assert_eq!(world.sent.len(), 2);
    assert!(world.state.subscriptions().get("all").unwrap().groups.is_empty());
    world.restarted();
}

#[test]
fn more_due_messages_than_are_planned_at_once_all_go_out() {
    let mut world = World::new();
    world.subscribe(Subscription { group_by: vec!["alert".to_owned()], ..prompt() });
    for k in 0..700 {
        world.fire(&format!("r{k}"));
    }
    world.flush();
    assert_eq!(world.sent.len(), 700);
}

#[test]
fn one_subscription_too_many_is_refused_and_a_revision_is_not() {
    let mut world = World::new();
    world.state.limits.subscriptions = 1;
    world.subscribe(prompt());
    let put = |id: &str, title: &str| {
        let subscription = Subscription { id: id.to_owned(), title: title.to_owned(), ..prompt() };
        put_subscription(&world.state, &subscription, "", world.now)
    };
    assert_eq!(put("two", "").unwrap_err().class, Class::Exhausted);
    assert!(put("all", "another title").unwrap().is_some());
}
