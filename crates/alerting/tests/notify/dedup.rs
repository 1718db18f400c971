//! What was told is not told again without a cause. Cases of `resend` and `notify_dedup`.
use orewatch_contracts::alerting::v1::AlertEvent;
use orewatch_contracts::alerting::v1::alert_transition::Event as Transition;
use orewatch_contracts::alerting::v1::*;

use crate::kit::*;

fn repeating() -> World {
    let mut world = World::new();
    world.subscribe(paced(0, 0, Some(600)));
    world
}

#[test]
fn s01_a_message_at_once_then_repeats_then_the_resolution_at_once() {
    let mut world = repeating();
    world.advance_to(1).fire("a").advance_to(500);
    assert_eq!(world.new_messages(), ["1 FIRST ops +a"]);
    world.advance_to(700);
    assert_eq!(world.new_messages(), ["601 REPEAT ops +a"]);
    world.resolve("a").advance_to(5000);
    assert_eq!(world.new_messages(), ["700 ALL_RESOLVED ops -a"]);
}

#[test]
fn s02_pending_is_never_sent() {
    let mut world = repeating();
    let alert = Some(Alert { state: AlertState::Pending.into(), ..firing("a") });
    world.alert(Transition::Pending(AlertPending { alert }));
    world.advance_to(DAY);
    assert_eq!(world.new_messages(), [""; 0]);
}

#[test]
fn s03_the_repeat_is_due_once_the_interval_is_over_and_not_before() {
    let mut world = repeating();
    world.fire("a").advance_to(599);
    assert_eq!(world.new_messages(), ["0 FIRST ops +a"]);
    world.advance_to(600);
    assert_eq!(world.new_messages(), ["600 REPEAT ops +a"]);
}

#[test]
fn s04_an_alert_that_does_not_fire_is_sent_only_when_it_has_just_resolved() {
    let mut world = repeating();
    world.resolve("a").advance_to(HOUR);
    assert_eq!(world.new_messages(), [""; 0], "it never fired");
    world.fire("a").advance_to(HOUR);
    world.resolve("a").advance_to(DAY);
    assert_eq!(world.new_messages(), ["3600 FIRST ops +a", "3600 ALL_RESOLVED ops -a"]);
}

#[test]
fn s05_a_stale_alert_is_repeated_like_any_other() {
    let mut world = repeating();
    world.fire("a").advance_to(60);
    world.stale("a", true);
    world.advance_to(659);
    assert_eq!(world.new_messages(), ["0 FIRST ops +a", "60 CHANGED ops +a"]);
    world.advance_to(660);
    assert_eq!(world.new_messages(), ["660 REPEAT ops +a"]);
}

#[test]
fn s06_ours_the_resolution_is_planned_once_and_stays_in_the_outbox_until_delivered() {
    let mut world = repeating();
    world.fire("a").advance_to(1);
    world.resolve("a").advance_to(30 * DAY);
    assert_eq!(world.new_messages(), ["0 FIRST ops +a", "1 ALL_RESOLVED ops -a"]);
}

#[test]
fn n01_firing_and_never_notified() {
    let mut world = World::prompt();
    world.fire("a").advance_to(0);
    assert_eq!(world.new_messages(), ["0 FIRST ops +a"]);
}

#[test]
fn n02_never_told_and_over() {
    let mut world = World::new();
    world.subscribe(paced(60, 0, None));
    world.fire("a").advance_to(30);
    world.resolve("a").advance_to(DAY);
    assert_eq!(world.new_messages(), [""; 0]);
    assert!(world.state.alert(&firing("a").id).is_none(), "nothing is kept of it");
}

#[test]
fn n04_ours_a_message_without_a_time_counts_from_when_it_was_recorded() {
    let mut world = repeating();
    world.fire("a");
    let due = orewatch_alerting::notify::plan(&world.state, world.now).remove(0);
    world.planned(Notification { planned_at: None, ..due });
    world.sent.clear();
    world.advance_to(600);
    assert_eq!(world.new_messages(), ["600 REPEAT ops +a"]);
}

#[test]
fn n05_n06_the_same_alerts_inside_and_after_the_repeat_interval() {
    let mut world = repeating();
    world.fire("a").fire("b").advance_to(540);
    assert_eq!(world.new_messages(), ["0 FIRST ops +a +b"]);
    world.advance_to(660);
    assert_eq!(world.new_messages(), ["600 REPEAT ops +a +b"]);
}

#[test]
fn n08_some_are_resolved_and_the_receiver_wants_no_resolutions() {
    let mut world = World::new();
    world.subscribe(Subscription { without_resolved: true, ..prompt() });
    world.fire("a").fire("b").advance_to(0);
    world.resolve("b").advance_to(DAY);
    assert_eq!(world.new_messages(), ["0 FIRST ops +a +b"]);
    world.resolve("a").advance_to(2 * DAY);
    assert_eq!(world.new_messages(), [""; 0]);
}

#[test]
fn n09_some_are_resolved_and_the_receiver_wants_resolutions() {
    let mut world = World::prompt();
    world.fire("a").fire("b").advance_to(0);
    world.resolve("b").advance_to(9);
    assert_eq!(world.new_messages(), ["0 FIRST ops +a +b", "0 RESOLVED ops -b"]);
    assert_eq!((world.sent[1].firing, world.sent[1].resolved), (1, 1));
}

#[test]
fn n11_all_are_resolved_and_the_receiver_wants_resolutions() {
    let mut world = World::prompt();
    world.fire("a").fire("b").advance_to(0);
    world.resolve("a").resolve("b").advance_to(9);
    assert_eq!(world.new_messages(), ["0 FIRST ops +a +b", "0 ALL_RESOLVED ops -a -b"]);
}

#[test]
fn n12_the_clock_is_that_of_the_flush() {
    let mut world = repeating();
    world.fire("a");
    // Nobody was there to plan for five minutes.
    world.asleep_until(300).flush();
    assert_eq!(world.new_messages(), ["300 FIRST ops +a"]);
    world.advance_to(899);
    assert_eq!(world.new_messages(), [""; 0], "the repeat counts from the flush");
    let mut again = world.restarted();
    again.advance_to(900);
    world.advance_to(900);
    assert_eq!(world.new_messages(), ["900 REPEAT ops +a"]);
    assert_eq!(again.new_messages(), ["900 REPEAT ops +a"]);
}

#[test]
fn a_restatement_and_a_return_of_data_are_changes() {
    let mut world = World::prompt();
    world.fire("a").advance_to(1);
    let alert = Some(firing("a"));
    let (was, is) = (AlertState::Inactive.into(), AlertState::Firing.into());
    let restated = AlertRestated { alert, period: "2020".to_owned(), was, is, ..AlertRestated::default() };
    world.alert(Transition::Restated(restated));
    world.advance_to(2);
    world.stale("a", true);
    world.advance_to(3);
    world.stale("a", false);
    world.advance_to(4);
    assert_eq!(
        world.new_messages(),
        ["0 FIRST ops +a", "1 CHANGED ops +a", "2 CHANGED ops +a", "3 CHANGED ops +a"]
    );
    let told: Vec<&str> = world.sent.iter().map(|sent| sent.alerts[0].event_id.as_str()).collect();
    let ids: Vec<String> = world.log.iter().map(|event| event.id.to_string()).collect();
    assert!(told.iter().all(|id| ids.iter().any(|known| known == id)));
}

#[test]
fn the_identifier_of_a_message_follows_from_its_destination_and_number() {
    let mut world = World::prompt();
    world.fire("a").advance_to(0);
    let planned = world.log.last().unwrap();
    assert!(matches!(AlertEvent::read(planned).unwrap(), Some(AlertEvent::NotificationPlanned(_))));
    let sent = &world.sent[0];
    assert_eq!(planned.stream.as_str(), format!("alerts.notification.ops.{}", sent.id));
    assert_eq!((sent.sequence, sent.position), (1, planned.position - 1));
}

#[test]
fn a_repeat_shorter_than_the_interval_does_not_postpone_updates() {
    let mut world = World::new();
    world.subscribe(paced(0, 120, Some(60)));
    world.fire("a").advance_to(1);
    world.fire("b").advance_to(250);
    assert_eq!(world.new_messages(), ["0 FIRST ops +a", "120 NEW_ALERTS ops +b", "240 REPEAT ops +a +b"]);
}
