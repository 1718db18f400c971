//! Receivers that are down, and who stands in for them.
use orewatch_alerting::notify::drill::plan_drill;
use orewatch_contracts::alerting::v1::*;

use orewatch_runtime::Identity;

use crate::kit::*;

/// `ops` with `boss` as its fallback, told of everything at once.
fn backed() -> World {
    let mut world = World::new();
    world.receiver("ops", "boss");
    world.subscribe(prompt());
    world
}

#[test]
fn a_disabled_receiver_without_fallback_is_notified_once_enabled() {
    let mut world = World::prompt();
    world.fire("a").advance_to(1);
    world.disable("ops", "");
    world.fire("b").advance_to(10);
    world.resolve("a").advance_to(DAY);
    assert_eq!(world.new_messages(), ["0 FIRST ops +a"]);
    world.enable("ops");
    world.advance_to(DAY + 1);
    assert_eq!(world.new_messages(), [format!("{DAY} NEW_ALERTS ops +b -a")]);
}

#[test]
fn the_fallback_gets_the_messages_of_a_disabled_receiver_and_their_resolutions() {
    let mut world = backed();
    world.fire("a").advance_to(1);
    world.disable("ops", "");
    world.advance_to(10);
    world.fire("b").advance_to(20);
    let told = world.new_messages();
    assert_eq!(told, ["0 FIRST ops +a", "1 RECEIVER_DOWN boss +a", "10 RECEIVER_DOWN boss +b"]);
    assert!(world.sent[1].text.contains("ops cannot be reached"), "{}", world.sent[1].text);
    world.enable("ops");
    world.advance_to(30);
    assert_eq!(world.new_messages(), ["20 NEW_ALERTS ops +b"], "what it has missed");
    world.resolve("b").advance_to(40);
    assert_eq!(world.new_messages(), ["30 RESOLVED boss -b", "30 RESOLVED ops -b"]);
}

#[test]
fn the_fallback_is_notified_once_of_a_message_that_is_given_up() {
    let mut world = backed();
    world.fire("a").advance_to(1);
    let lost = world.sent[0].clone();
    world.give_up(&lost);
    world.advance_to(HOUR);
    assert_eq!(
        world.new_messages(),
        ["0 FIRST ops +a", "11 RECEIVER_DOWN boss +a"],
        "after a wait for others"
    );
    assert!(world.sent[1].text.contains("out of retries"), "{}", world.sent[1].text);
    let mut world = world.restarted();
    world.advance_to(2 * HOUR);
    assert_eq!(world.new_messages(), [""; 0]);
    world.resolve("a").advance_to(DAY);
    let told = world.new_messages();
    assert_eq!(told.len(), 2, "both hear the end: {told:?}");
}

#[test]
fn a_message_that_disables_and_is_given_up_is_notified_once() {
    let mut world = backed();
    world.fire("a").advance_to(1);
    let lost = world.sent[0].clone();
    world.disable("ops", &lost.id);
    world.give_up(&lost);
    world.advance_to(HOUR);
    let down = world.new_messages().into_iter().filter(|line| line.contains("boss")).count();
    assert!((1..=2).contains(&down), "the message that was lost, and who stands in now: {down}");
    world.advance_to(DAY);
    assert_eq!(world.new_messages(), [""; 0]);
}

#[test]
fn a_drill_has_no_fallback() {
    let mut world = backed();
    let drill = plan_drill(&world.state, "ops", None, &Identity::open(), world.now).unwrap();
    world.planned(drill[0].clone());
    world.give_up(&drill[0]);
    world.advance_to(DAY);
    assert_eq!(world.new_messages(), ["0 DRILL ops +drill:WLD"]);
}

#[test]
fn a_drill_is_marked_and_changes_nothing() {
    let mut world = World::prompt();
    world.fire("a").advance_to(1);
    let own = plan_drill(&world.state, "", Some(firing("a")), &Identity::open(), world.now).unwrap();
    assert_eq!(own.len(), 1);
    assert!(own[0].drill && own[0].alerts.len() == 1 && own[0].sequence == 2);
    world.planned(own[0].clone());
    world.advance_to(DAY);
    world.resolve("a").advance_to(DAY + 1);
    let expected =
        ["0 FIRST ops +a".to_owned(), "1 DRILL ops +a".to_owned(), format!("{DAY} ALL_RESOLVED ops -a")];
    assert_eq!(world.new_messages(), expected);
    assert_eq!(world.sent[2].sequence, 3);
    let made = plan_drill(&world.state, "boss", None, &Identity::open(), world.now).unwrap();
    assert_eq!(made[0].alerts[0].alert.as_ref().unwrap().rule, "drill");
    let unknown = plan_drill(&world.state, "bos", None, &Identity::open(), world.now).unwrap_err();
    assert_eq!((unknown.field.as_str(), unknown.hint.as_str()), ("receiver", "did you mean boss?"));
    world.subscribe(Subscription { select: Some(alerts_of_rules(&["other"])), ..prompt() });
    assert_eq!(
        plan_drill(&world.state, "", None, &Identity::open(), world.now).unwrap_err().code,
        "no-recipient"
    );
}

#[test]
fn an_escalation_goes_to_whoever_stands_in() {
    let mut world = World::new();
    world.receiver("boss", "ops2");
    world.receiver("ops2", "");
    let step = Escalation { after: length(60), receiver: "boss".to_owned(), severities: vec![] };
    world.subscribe(Subscription { escalation: Some(step), ..prompt() });
    world.disable("boss", "");
    world.fire("a").advance_to(HOUR);
    assert_eq!(world.new_messages(), ["0 FIRST ops +a", "60 ESCALATED ops2 +a"]);
    assert!(world.sent[1].text.contains("boss"));
}
