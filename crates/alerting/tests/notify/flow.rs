//! Groups, their pace, and what a restart may not do. Cases of `notify_flow`.
use orewatch_alerting::notify::{next_due, plan};
use orewatch_contracts::alerting::v1::*;

use crate::kit::*;

#[test]
fn f01_an_unchanged_group_repeats_until_it_is_over() {
    let mut world = World::new();
    world.subscribe(paced(10, 60, Some(300)));
    world.fire("a").advance_to(620);
    world.resolve("a").advance_to(HOUR);
    let expected = ["10 FIRST ops +a", "310 REPEAT ops +a", "610 REPEAT ops +a", "670 ALL_RESOLVED ops -a"];
    assert_eq!(world.new_messages(), expected);
}

#[test]
fn f02_a_receiver_that_fails_does_not_make_another_be_told_again() {
    let mut world = World::prompt();
    world.subscribe(Subscription { id: "other".to_owned(), receiver: "boss".to_owned(), ..prompt() });
    world.fire("a").advance_to(1);
    let [first, second] = [world.sent[0].clone(), world.sent[1].clone()];
    assert_eq!(world.new_messages(), ["0 FIRST ops +a", "0 FIRST boss +a"]);
    world.deliver(&first);
    world.give_up(&second);
    world.advance_to(DAY);
    assert_eq!(world.new_messages(), [""; 0]);
}

#[test]
fn f03_the_wait_gathers_the_first_and_the_interval_spaces_the_rest() {
    let mut world = World::new();
    world.subscribe(paced(10, 60, None));
    world.fire("a").advance_to(4);
    world.fire("b").advance_to(20);
    assert_eq!(world.new_messages(), ["10 FIRST ops +a +b"]);
    world.fire("c").advance_to(30);
    world.fire("d").advance_to(69);
    assert_eq!(world.new_messages(), [""; 0]);
    world.advance_to(70);
    assert_eq!(world.new_messages(), ["70 NEW_ALERTS ops +c +d"]);
    assert_eq!(world.sent[1].firing, 4);
    world.advance_to(DAY);
    assert_eq!(world.new_messages(), [""; 0], "nothing changes, nothing is told");
    world.fire("e").advance_to(DAY + 9);
    assert_eq!(world.new_messages(), [""; 0], "the wait also gathers later ones");
    world.advance_to(DAY + 10);
    assert_eq!(world.new_messages(), [format!("{} NEW_ALERTS ops +e", DAY + 10)]);
}

#[test]
fn f04_ours_an_alert_that_nobody_hears_of_does_not_end() {
    let mut world = World::prompt();
    world.fire("a").advance_to(1);
    world.advance_to(365 * DAY);
    assert_eq!(world.new_messages(), ["0 FIRST ops +a"]);
}

#[test]
fn f07_a_restart_or_a_revision_repeats_no_message() {
    let mut world = World::prompt();
    world.fire("a").fire("b").advance_to(1);
    assert_eq!(world.new_messages(), ["0 FIRST ops +a +b"]);
    let mut world = world.restarted();
    world.advance_to(2);
    let by_rule = Subscription { group_by: vec!["rule".to_owned()], ..prompt() };
    world.subscribe(by_rule.clone());
    world.advance_to(3);
    world.subscribe(Subscription { title: "another title".to_owned(), ..by_rule });
    world.advance_to(4);
    assert_eq!(world.new_messages(), [""; 0]);
    world.resolve("a").advance_to(5);
    assert_eq!(world.new_messages(), ["4 ALL_RESOLVED ops -a"], "of its own group by now");
    world.subscribe(prompt());
    world.fire("a").advance_to(6);
    assert_eq!(world.new_messages(), ["5 NEW_ALERTS ops +a"], "the group of before goes on where it was");
    assert_eq!(world.sent.last().unwrap().sequence, 2);
}

#[test]
fn a_new_receiver_is_notified_and_the_old_one_gets_resolutions() {
    let mut world = World::prompt();
    world.fire("a").advance_to(1);
    world.subscribe(Subscription { receiver: "boss".to_owned(), ..prompt() });
    world.advance_to(2);
    world.resolve("a").advance_to(3);
    let expected = ["0 FIRST ops +a", "1 FIRST boss +a", "2 ALL_RESOLVED boss -a", "2 ALL_RESOLVED ops -a"];
    assert_eq!(world.new_messages(), expected);
}

#[test]
fn f10_a_resolved_alert_leaves_its_group_once_notified() {
    let mut world = World::new();
    world.subscribe(paced(0, 300, None));
    world.fire("a").advance_to(1);
    world.resolve("a").advance_to(200);
    let id = firing("a").id;
    assert!(world.state.alert(&id).is_some(), "somebody has yet to hear");
    world.advance_to(300);
    assert_eq!(world.new_messages(), ["0 FIRST ops +a", "300 ALL_RESOLVED ops -a"]);
    assert!(world.state.alert(&id).is_none());
    assert_eq!(next_due(&world.state, world.now), None, "nothing is left to wait for");
}

#[test]
fn f14_beyond_the_limit_groups_are_refused_and_counted_and_the_others_served() {
    let mut world = World::new();
    world.state.limits.groups = 2;
    world.subscribe(Subscription { group_by: vec!["rule".to_owned()], ..prompt() });
    for rule in ["a", "b", "c", "d"] {
        world.fire(rule);
    }
    world.advance_to(1);
    assert_eq!(world.new_messages(), ["0 FIRST ops +a", "0 FIRST ops +b"]);
    assert_eq!(world.state.refusals(), 2);
    assert_eq!(world.state.subscriptions().get("all").unwrap().refused.len(), 2);
    world.fire("a:JPN").advance_to(2);
    assert_eq!(world.new_messages(), ["1 NEW_ALERTS ops +a:JPN"], "a group that there is goes on");
    world.resolve("d").resolve("b").advance_to(3);
    assert_eq!(world.new_messages(), ["2 ALL_RESOLVED ops -b", "2 FIRST ops +c"], "whoever waits comes in");
    world.restarted();
}

#[test]
fn f15_a_resolution_has_the_figures_that_ended_and_began_the_episode() {
    let mut world = World::prompt();
    world.fire("a").advance_to(1);
    world.resolve("a").advance_to(2);
    let told = &world.sent[1].alerts[0];
    let value =
        |estimate: &Option<orewatch_contracts::common::v1::Estimate>| estimate.as_ref().unwrap().value;
    assert_eq!(value(&told.alert.as_ref().unwrap().estimate), Some(0.5));
    assert_eq!(value(&told.fired_with), Some(0.7));
    assert_eq!(told.fired_period, "2024");
    assert_eq!(world.sent[0].alerts[0].fired_with, None);
}

#[test]
fn all_changes_of_one_evaluation_are_in_one_message() {
    let mut world = World::prompt();
    world.evaluation(true);
    world.fire("a").advance_to(1);
    world.fire("b").advance_to(2);
    assert_eq!(world.new_messages(), [""; 0]);
    world.evaluation(false);
    world.advance_to(3);
    assert_eq!(world.new_messages(), ["2 FIRST ops +a +b"]);
}

#[test]
fn groups_differ_by_any_value() {
    let mut world = World::new();
    world.subscribe(Subscription {
        group_by: vec!["consumer".to_owned(), "label.team".to_owned()],
        ..prompt()
    });
    let labelled = |name: &str, team: &str| Alert {
        labels: [("team".to_owned(), team.to_owned())].into(),
        ..firing(name)
    };
    for (name, team) in [("a", "x"), ("b", "x"), ("c", "x,y"), ("d:JPN", "x")] {
        let alert = Some(labelled(name, team));
        world.alert(alert_transition::Event::Fired(AlertFired { alert }));
    }
    world.advance_to(1);
    let groups: Vec<&str> = world.sent.iter().map(|sent| sent.group.as_str()).collect();
    let expected =
        ["consumer=DEU,label.team=x", "consumer=DEU,label.team=x%2Cy", "consumer=JPN,label.team=x"];
    assert_eq!(groups, expected);
}

#[test]
fn an_alert_that_moves_to_another_group_is_not_new() {
    let mut world = World::new();
    world.subscribe(Subscription { group_by: vec!["severity".to_owned()], ..prompt() });
    world.fire("a").advance_to(1);
    world.change_severity("a", "warning", "critical");
    world.advance_to(2);
    world.resolve("a").advance_to(3);
    assert_eq!(world.new_messages(), ["0 FIRST ops +a", "1 CHANGED ops +a", "2 ALL_RESOLVED ops -a"]);
}

#[test]
fn a_notified_receiver_gets_updates_after_the_selection_stops_matching() {
    let mut world = World::new();
    let critical = AlertFilter { severities: vec!["critical".to_owned()], ..AlertFilter::default() };
    world.subscribe(Subscription { select: Some(critical), ..prompt() });
    world.fire("a").advance_to(1);
    world.change_severity("a", "warning", "critical");
    world.advance_to(2);
    world.change_severity("a", "critical", "warning");
    world.advance_to(3);
    world.resolve("a").advance_to(4);
    assert_eq!(world.new_messages(), ["1 FIRST ops +a", "2 CHANGED ops +a", "3 ALL_RESOLVED ops -a"]);
}

#[test]
fn a_new_episode_after_an_unnotified_resolution_is_new() {
    let mut world = World::new();
    world.subscribe(paced(0, 300, None));
    world.fire("a").advance_to(1);
    world.resolve("a");
    let again = Alert { episode: "again".to_owned(), ..firing("a") };
    world.alert(alert_transition::Event::Fired(AlertFired { alert: Some(again) }));
    world.advance_to(DAY);
    assert_eq!(world.new_messages(), ["0 FIRST ops +a", "300 NEW_ALERTS ops +a"]);
    world.resolve("a").advance_to(2 * DAY);
    assert_eq!(world.new_messages().len(), 1);
}

#[test]
fn a_later_subscription_is_notified_of_firing_alerts() {
    let mut world = World::new();
    world.fire("a").fire("b").advance_to(HOUR);
    world.subscribe(Subscription { select: Some(alerts_of_rules(&["b"])), ..paced(10, 300, None) });
    world.advance_to(2 * HOUR);
    assert_eq!(world.new_messages(), ["3610 FIRST ops +b"]);
}

#[test]
fn an_expired_subscription_sends_nothing() {
    let mut world = World::new();
    let expires_at = Some(proto_time(100));
    world.subscribe(Subscription { expires_at, ..paced(0, 0, Some(60)) });
    world.fire("a").advance_to(HOUR);
    assert_eq!(world.new_messages(), ["0 FIRST ops +a", "60 REPEAT ops +a"]);
    assert_eq!(next_due(&world.state, world.now), None);
}

#[test]
fn of_two_replicas_with_different_clocks_one_sends() {
    let mut world = World::prompt();
    world.fire("a");
    let ours = plan(&world.state, world.now);
    let theirs = plan(&world.state, plus_seconds(world.now, 7));
    assert_eq!(ours[0].id, theirs[0].id, "the same place on the log");
    assert_ne!(ours, theirs);
}

#[test]
fn members_stay_in_their_group_at_the_limit() {
    let mut world = World::new();
    world.state.limits.groups = 1;
    world.subscribe(Subscription { group_by: vec!["severity".to_owned()], ..prompt() });
    world.fire("a").fire("b").advance_to(1);
    world.change_severity("a", "warning", "critical");
    world.advance_to(2);
    world.resolve("a").advance_to(3);
    assert_eq!(world.new_messages(), ["0 FIRST ops +a +b", "1 CHANGED ops +a", "2 RESOLVED ops -a"]);
    assert_eq!(world.state.refusals(), 0);
}
