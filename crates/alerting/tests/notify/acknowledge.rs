//! Acknowledgement and escalation. Case `l10` of `silence`.
use orewatch_alerting::notify::decide::{acknowledge_alert, unacknowledge_alert};
use orewatch_contracts::Class;
use orewatch_contracts::alerting::v1::*;

use crate::kit::*;

/// Repeats every ten minutes, and one step up after half an hour.
fn escalating() -> World {
    let mut world = World::new();
    let step = Escalation { after: length(1800), receiver: "boss".to_owned(), severities: vec![] };
    world.subscribe(Subscription { escalation: Some(step), ..paced(0, 0, Some(600)) });
    world.bands("a", &["warning", "critical"]);
    world
}

#[test]
fn without_acknowledgement_the_escalation_receiver_is_notified_once_and_of_the_resolution() {
    let mut world = escalating();
    world.fire("a").advance_to(1799);
    assert_eq!(world.new_messages(), ["0 FIRST ops +a", "600 REPEAT ops +a", "1200 REPEAT ops +a"]);
    world.advance_to(3000);
    let told = world.new_messages();
    assert!(told.contains(&"1800 ESCALATED boss +a".to_owned()), "{told:?}");
    world.advance_to(DAY);
    assert!(world.new_messages().iter().all(|line| line.contains("REPEAT ops")));
    world.resolve("a").advance_to(DAY + 1);
    let told = world.new_messages();
    assert!(told.contains(&format!("{DAY} ALL_RESOLVED ops -a")), "{told:?}");
    assert!(told.contains(&format!("{DAY} ALL_RESOLVED boss -a")), "{told:?}");
}

#[test]
fn l10_it_stops_repeats_and_escalation_but_not_the_resolution() {
    let mut world = escalating();
    world.fire("a").advance_to(700);
    world.new_messages();
    world.acknowledge("a", None);
    let mut world = world.restarted();
    world.advance_to(DAY);
    assert_eq!(world.new_messages(), [""; 0], "also after a restart");
    world.resolve("a").advance_to(DAY + 1);
    assert_eq!(world.new_messages(), [format!("{DAY} ALL_RESOLVED ops -a")]);
}

#[test]
fn l10_it_ends_with_the_episode() {
    let mut world = escalating();
    world.fire("a").advance_to(1);
    world.acknowledge("a", None);
    world.resolve("a").advance_to(2);
    world.new_messages();
    world.fire("a").advance_to(HOUR);
    let told = world.new_messages();
    assert!(told.contains(&"602 REPEAT ops +a".to_owned()), "{told:?}");
    assert!(told.contains(&"1802 ESCALATED boss +a".to_owned()), "{told:?}");
}

#[test]
fn l10_it_is_void_when_the_severity_rises_and_stands_when_it_falls() {
    let mut world = escalating();
    world.fire_as("a", "critical");
    world.advance_to(1);
    world.acknowledge("a", None);
    world.change_severity("a", "critical", "warning");
    world.advance_to(HOUR);
    assert_eq!(world.new_messages(), ["0 FIRST ops +a", "1 CHANGED ops +a"]);
    world.change_severity("a", "warning", "critical");
    world.advance_to(HOUR + 1800);
    assert_eq!(
        world.new_messages(),
        [
            "3600 CHANGED ops +a",
            "4200 REPEAT ops +a",
            "4800 REPEAT ops +a",
            "5400 ESCALATED boss +a",
            "5400 REPEAT ops +a"
        ]
    );
}

#[test]
fn l10_its_expiry_is_notified() {
    let mut world = escalating();
    world.fire("a").advance_to(100);
    world.acknowledge("a", Some(4000));
    world.advance_to(4599);
    assert_eq!(world.new_messages(), ["0 FIRST ops +a", "4000 ACKNOWLEDGEMENT_OVER ops +a"]);
    world.advance_to(5800);
    let told = world.new_messages();
    assert_eq!(told[0], "4600 REPEAT ops +a");
    assert!(told.contains(&"5800 ESCALATED boss +a".to_owned()), "counted anew from its end: {told:?}");
}

#[test]
fn l10_its_withdrawal_is_notified() {
    let mut world = escalating();
    world.fire("a").advance_to(100);
    world.acknowledge("a", None);
    world.advance_to(200);
    world.unacknowledge("a");
    world.advance_to(300);
    assert_eq!(world.new_messages(), ["0 FIRST ops +a", "200 ACKNOWLEDGEMENT_OVER ops +a"]);
}

#[test]
fn only_unacknowledged_alerts_are_repeated() {
    let mut world = escalating();
    world.fire("a").fire("b").advance_to(1);
    world.acknowledge("a", None);
    world.advance_to(700);
    assert_eq!(world.new_messages(), ["0 FIRST ops +a +b", "600 REPEAT ops +b"]);
    assert_eq!(world.sent[1].firing, 2);
}

#[test]
fn only_the_severities_of_the_escalation_are_escalated() {
    let mut world = World::new();
    let severities = vec!["critical".to_owned()];
    let step = Escalation { after: length(60), receiver: "boss".to_owned(), severities };
    world.subscribe(Subscription { escalation: Some(step), ..prompt() });
    world.fire("a");
    world.fire_as("b", "critical");
    world.advance_to(HOUR);
    assert_eq!(world.new_messages(), ["0 FIRST ops +b +a", "60 ESCALATED boss +b"]);
}

#[test]
fn a_message_says_who_has_acknowledged_the_alert() {
    let mut world = World::prompt();
    world.fire("a").advance_to(1);
    world.acknowledge("a", None);
    world.stale("a", true);
    world.advance_to(2);
    let told = &world.sent[1].alerts[0];
    assert_eq!(told.acknowledgement.as_ref().unwrap().owner, "bob");
}

#[test]
fn only_an_open_alert_can_be_acknowledged() {
    let now = time(0);
    let request = |alert: &Alert, seconds: Option<u64>| AcknowledgeAlertRequest {
        alert: alert.id.clone(),
        verdict: Verdict::NoImpact.into(),
        note: "seen".to_owned(),
        owner: "bob".to_owned(),
        expires_in: seconds.and_then(length),
    };
    let alert = firing("a");
    let fact = acknowledge_alert(&alert, &request(&alert, Some(600)), now).unwrap();
    let acknowledgement = fact.acknowledgement.unwrap();
    assert_eq!(acknowledgement.until, Some(proto_time(600)));
    assert_eq!(
        (acknowledgement.episode, acknowledgement.severity),
        (alert.episode.clone(), alert.severity.clone())
    );
    let over = Alert { state: AlertState::Resolved.into(), ..alert.clone() };
    assert_eq!(acknowledge_alert(&over, &request(&over, None), now).unwrap_err().class, Class::Refused);
    let too_short = acknowledge_alert(&alert, &request(&alert, Some(1)), now).unwrap_err();
    assert_eq!(too_short.field, "expires_in");
    let wrong = AcknowledgeAlertRequest { verdict: 99, ..request(&alert, None) };
    assert_eq!(acknowledge_alert(&alert, &wrong, now).unwrap_err().field, "verdict");

    let mut world = World::new();
    world.fire("a");
    let back = UnacknowledgeAlertRequest { alert: alert.id, ..UnacknowledgeAlertRequest::default() };
    assert_eq!(unacknowledge_alert(&world.state, &back, now).unwrap(), None, "there is none");
    world.acknowledge("a", None);
    assert!(unacknowledge_alert(&world.state, &back, now).unwrap().is_some());
}
