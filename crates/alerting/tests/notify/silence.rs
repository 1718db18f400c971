//! Silences. Cases of `silence`, but for acknowledgements.
use orewatch_alerting::notify::decide::{end_silence, put_silence};
use orewatch_contracts::Class;
use orewatch_contracts::alerting::v1::*;

use crate::kit::*;

#[test]
fn l01_a_silenced_alert_is_left_out_until_the_silence_ends() {
    let mut world = World::prompt();
    world.silence("s", &["a"], 0, 100);
    world.fire("a").fire("b").advance_to(50);
    assert_eq!(world.new_messages(), ["0 FIRST ops +b"]);
    assert_eq!(world.sent[0].firing, 1, "who is silenced is not counted");
    world.advance_to(HOUR);
    assert_eq!(world.new_messages(), ["100 SILENCE_OVER ops +a"]);
}

#[test]
fn l02_ending_a_silence_unmutes_the_alert() {
    let mut world = World::prompt();
    world.silence("s", &["a"], 0, DAY);
    world.fire("a").advance_to(50);
    world.end_silence("s");
    world.advance_to(51);
    assert_eq!(world.new_messages(), ["50 SILENCE_OVER ops +a"]);
    world.advance_to(2 * DAY);
    assert_eq!(world.new_messages(), [""; 0], "its end of before is no end any more");
}

fn wanted(from: i64, until: i64) -> Silence {
    Silence {
        filter: Some(alerts_of_rules(&["a"])),
        starts_at: Some(proto_time(from)),
        ends_at: Some(proto_time(until)),
        author: "ann".to_owned(),
        reason: "known".to_owned(),
        ..Silence::default()
    }
}

#[test]
fn l03_late_or_invalid_changes_of_a_silence_are_refused() {
    let mut world = World::new();
    world.silence("active", &["a"], 0, 1000);
    world.silence("over", &["a"], 0, 10);
    world.silence("pending", &["a"], 500, 1000);
    world.advance_to(100);
    let put = |id: &str, from, until| {
        let silence = Silence { id: id.to_owned(), ..wanted(from, until) };
        put_silence(&world.state, &silence, "new", world.now)
    };
    let refused = [
        (put("active", 0, -5), "end-in-the-past", "ends_at"),
        (put("pending", 900, 800), "end-before-start", "ends_at"),
        (put("over", 0, 2000), "silence-over", "id"),
        (put("active", 50, 2000), "silence-begun", "starts_at"),
        (put("active", 0, 100), "end-in-the-past", "ends_at"),
        (put("nowhere", 0, 2000), "unknown-silence", "silence"),
    ];
    for (result, code, field) in refused {
        let failure = result.unwrap_err();
        assert_eq!((failure.code.as_str(), failure.field.as_str()), (code, field), "{failure}");
        assert!(!failure.hint.is_empty());
    }
    let changed = put("active", 0, 2000).unwrap();
    assert_eq!((changed.revision, changed.silence.unwrap().starts_at), (2, Some(proto_time(0))));
    assert_eq!(put("pending", 700, 2000).unwrap().silence.unwrap().starts_at, Some(proto_time(700)));
    let new = put_silence(&world.state, &wanted(-50, 2000), "new", world.now).unwrap();
    let silence = new.silence.unwrap();
    assert_eq!((silence.id.as_str(), silence.starts_at), ("new", Some(proto_time(100))), "not in the past");
    assert_eq!(end_silence(&world.state, "over", "ann", world.now).unwrap(), None);
    assert!(end_silence(&world.state, "active", "ann", world.now).unwrap().is_some());
}

#[test]
fn l03_a_silence_needs_an_author_a_reason_and_a_filter() {
    let world = World::new();
    let put = |silence: Silence| put_silence(&world.state, &silence, "new", world.now).unwrap_err();
    let sound = wanted(0, 100);
    for (silence, field) in [
        (Silence { author: String::new(), ..sound.clone() }, "author"),
        (Silence { reason: " ".to_owned(), ..sound.clone() }, "reason"),
        (Silence { ends_at: None, ..sound.clone() }, "ends_at"),
        (Silence { filter: None, ..sound }, "filter"),
    ] {
        let failure = put(silence);
        assert_eq!((failure.class, failure.field.as_str()), (Class::Invalid, field), "{failure}");
    }
}

#[test]
fn l06_limits_hold_and_a_change_counts_once() {
    let mut world = World::new();
    world.state.limits.silences = 2;
    world.state.limits.bytes = 200;
    world.silence("one", &["a"], 0, 1000);
    world.silence("two", &["a"], 0, 1000);
    world.silence("gone", &["a"], -10, 0);
    let put = |silence: &Silence| put_silence(&world.state, silence, "new", world.now);
    assert_eq!(put(&wanted(0, 100)).unwrap_err().class, Class::Exhausted);
    put(&Silence { id: "one".to_owned(), ..wanted(0, 2000) }).unwrap();
    let large = Silence { id: "one".to_owned(), reason: "x".repeat(300), ..wanted(0, 2000) };
    assert_eq!(put(&large).unwrap_err().code, "too-large");
    assert_eq!(put(&Silence { id: "gone".to_owned(), ..wanted(0, 9) }).unwrap_err().code, "silence-over");
}

#[test]
fn ended_silences_are_kept_up_to_a_limit() {
    let mut world = World::new();
    world.state.limits.ended_silences = 3;
    for k in 0..10 {
        world.silence(&format!("s{k}"), &["a"], k, k + 1);
        world.advance_to(k + 2);
    }
    let kept: Vec<&str> = world.state.silences().keys().map(|id| &**id).collect();
    assert_eq!(kept, ["s7", "s8", "s9"]);
}

#[test]
fn l07_the_newest_update_wins() {
    let mut world = World::prompt();
    world.silence("s", &["a"], 0, 1000);
    world.silence("s", &["b"], 0, 50);
    world.fire("a").fire("b").advance_to(HOUR);
    assert_eq!(world.new_messages(), ["0 FIRST ops +a", "50 SILENCE_OVER ops +b"]);
    assert_eq!(world.state.silences().get("s").unwrap().revision, 2);
}

#[test]
fn l08_a_notified_receiver_gets_the_resolution_despite_a_silence() {
    let mut world = World::prompt();
    world.fire("a").advance_to(1);
    world.silence("s", &["a"], 1, DAY);
    world.resolve("a").advance_to(2);
    assert_eq!(world.new_messages(), ["0 FIRST ops +a", "1 ALL_RESOLVED ops -a"]);
    world.silence("t", &["b"], 1, DAY);
    world.fire("b").advance_to(3);
    world.resolve("b").advance_to(2 * DAY);
    assert_eq!(world.new_messages(), [""; 0], "who was never told is not told of the end");
}

#[test]
fn l09_the_end_of_a_silence_is_notified_at_once() {
    let mut world = World::new();
    world.subscribe(paced(10, 300, Some(DAY.unsigned_abs())));
    world.fire("a").advance_to(20);
    world.silence("s", &["a"], 20, 120);
    world.advance_to(HOUR);
    assert_eq!(
        world.new_messages(),
        ["10 FIRST ops +a", "120 SILENCE_OVER ops +a"],
        "neither wait nor interval"
    );
    world.advance_to(DAY + 119);
    assert_eq!(world.new_messages(), [""; 0]);
    world.advance_to(DAY + 120);
    assert_eq!(world.new_messages().len(), 1, "the repeat counts from there");
}

#[test]
fn adjoining_silences_end_once() {
    let mut world = World::prompt();
    world.silence("s", &["a"], 0, 100);
    world.silence("t", &["a"], 90, 200);
    world.silence("u", &["a"], 200, 300);
    world.fire("a").advance_to(HOUR);
    assert_eq!(world.new_messages(), ["300 SILENCE_OVER ops +a"]);
}

#[test]
fn a_pending_silence_mutes_nothing() {
    let mut world = World::prompt();
    world.silence("s", &["a"], 100, 200);
    world.fire("a").advance_to(50);
    assert_eq!(world.new_messages(), ["0 FIRST ops +a"]);
    world.fire("b").advance_to(150);
    world.stale("a", true);
    world.advance_to(HOUR);
    assert_eq!(world.new_messages(), ["50 NEW_ALERTS ops +b", "200 SILENCE_OVER ops +a"]);
}

#[test]
fn a_silence_whose_filter_no_longer_matches_unmutes_the_alert() {
    let mut world = World::prompt();
    world.silence("s", &["a"], 0, DAY);
    world.fire("a").advance_to(10);
    world.silence("s", &["b"], 0, DAY);
    world.advance_to(11);
    assert_eq!(world.new_messages(), ["10 SILENCE_OVER ops +a"]);
}
