//! Inhibition. Cases of `inhibit`.
use orewatch_contracts::alerting::v1::*;

use crate::kit::*;

fn rule(equal: &[&str]) -> Inhibition {
    Inhibition {
        id: "i".to_owned(),
        source: Some(alerts_of_rules(&["source"])),
        target: Some(alerts_of_rules(&["target"])),
        equal: equal.iter().map(|field| (*field).to_owned()).collect(),
    }
}

fn inhibited(equal: &[&str]) -> World {
    let mut world = World::prompt();
    world.inhibit(rule(equal));
    world
}

#[test]
fn i01_the_target_is_muted_and_the_source_notified() {
    let mut world = inhibited(&["consumer"]);
    world.fire("source").fire("target").advance_to(1);
    assert_eq!(world.new_messages(), ["0 FIRST ops +source"]);
    assert_eq!(world.state.inhibitions()["i"].muted_count(), 1);
}

#[test]
fn i02_the_target_is_in_the_next_message_once_the_source_is_resolved() {
    let mut world = inhibited(&["consumer"]);
    world.subscribe(paced(10, 60, None));
    world.fire("source").fire("target").advance_to(100);
    assert_eq!(world.new_messages(), ["10 FIRST ops +source"]);
    world.resolve("source").advance_to(HOUR);
    assert_eq!(world.new_messages(), ["110 INHIBITION_OVER ops +target -source"]);
}

#[test]
fn i02_a_target_that_was_notified_before_is_notified_again() {
    let mut world = inhibited(&[]);
    world.fire("target").advance_to(10);
    world.fire("source").advance_to(20);
    world.resolve("source").advance_to(30);
    assert_eq!(
        world.new_messages(),
        ["0 FIRST ops +target", "10 NEW_ALERTS ops +source", "20 INHIBITION_OVER ops +target -source"]
    );
}

#[test]
fn i03_a_target_with_another_value_is_not_muted() {
    let mut world = inhibited(&["consumer"]);
    world.fire("source").fire("target:JPN").advance_to(1);
    assert_eq!(world.new_messages(), ["0 FIRST ops +source +target:JPN"]);
}

#[test]
fn i04_without_equal_fields_any_source_mutes() {
    let mut world = inhibited(&[]);
    world.fire("source").fire("target:JPN").advance_to(1);
    assert_eq!(world.new_messages(), ["0 FIRST ops +source"]);
}

#[test]
fn i05_resolved_sources_mute_nothing() {
    let mut world = inhibited(&["consumer"]);
    world.fire("source").advance_to(1);
    world.resolve("source").advance_to(2);
    world.fire("target").advance_to(3);
    let expected = ["0 FIRST ops +source", "1 ALL_RESOLVED ops -source", "2 FIRST ops +target"];
    assert_eq!(world.new_messages(), expected);
}

#[test]
fn i08_source_and_target_end_together() {
    let mut world = inhibited(&["consumer"]);
    world.subscribe(paced(10, 60, None));
    world.fire("source").fire("target").advance_to(20);
    world.resolve("source").resolve("target").advance_to(HOUR);
    assert_eq!(world.new_messages(), ["10 FIRST ops +source", "70 ALL_RESOLVED ops -source -target"]);
}

#[test]
fn i09_an_empty_rule_mutes_nothing() {
    let mut world = World::prompt();
    world.inhibit(Inhibition { id: "empty".to_owned(), ..Inhibition::default() });
    let half = Inhibition { target: None, ..rule(&[]) };
    world.inhibit(half);
    world.fire("source").fire("target").advance_to(1);
    assert_eq!(world.new_messages(), ["0 FIRST ops +source +target"]);
}

#[test]
fn alerts_on_both_sides_do_not_mute_each_other() {
    let mut world = World::prompt();
    let both = Some(alerts_of_rules(&["a", "b"]));
    world.inhibit(Inhibition { id: "i".to_owned(), source: both.clone(), target: both, equal: vec![] });
    world.fire("a").fire("b").advance_to(1);
    assert_eq!(world.new_messages(), ["0 FIRST ops +a +b"]);
}

#[test]
fn a_second_source_keeps_the_target_muted() {
    let mut world = inhibited(&[]);
    world
        .fire("source")
        .fire("source:JPN")
        .fire("source:FRA")
        .fire("source:ITA")
        .fire("target")
        .advance_to(1);
    world.new_messages();
    for source in ["source", "source:JPN", "source:FRA"] {
        world.resolve(source);
    }
    world.advance_to(2);
    assert!(!world.new_messages().concat().contains("target"));
    world.resolve("source:ITA").advance_to(3);
    assert_eq!(world.new_messages(), ["2 INHIBITION_OVER ops +target -source:ITA"]);
}

#[test]
fn a_silenced_source_still_inhibits() {
    let mut world = inhibited(&[]);
    world.silence("s", &["source"], 0, DAY);
    world.fire("source").fire("target").advance_to(1);
    assert_eq!(world.new_messages(), [""; 0]);
}

#[test]
fn removing_the_rule_unmutes_the_target() {
    let mut world = inhibited(&[]);
    world.fire("source").fire("target").advance_to(1);
    let removed = InhibitionRemoved { inhibition: "i".to_owned(), revision: 1, actor: String::new() };
    let stream = orewatch_rules::facts::inhibition_stream("i").unwrap();
    world.append(stream, AlertEvent::InhibitionRemoved(removed));
    world.advance_to(2);
    assert_eq!(world.new_messages(), ["0 FIRST ops +source", "1 INHIBITION_OVER ops +target"]);
    world.restarted();
}
