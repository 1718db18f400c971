//! The conformance cases of `tests/cases`: each is run, or said why it does not apply.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]
use std::collections::{BTreeMap, BTreeSet};

use orewatch_alerting::episode::{Phase, overall};
use orewatch_alerting::rules::trial::{Report, Verdict, run};
use serde::Deserialize;

const CASES: &str = include_str!("../../../tests/cases/alerts.yaml");
const STATES: &str = include_str!("../../../tests/cases/states.yaml");

fn ran(text: &str) -> Report {
    run("cases.yaml", text.as_bytes(), &mut |_| panic!("no case names a file")).unwrap()
}

#[test]
fn the_state_machine_does_what_the_cases_say() {
    let report = ran(CASES);
    assert!(report.tests.len() >= 18, "{}", report.tests.len());
    for test in &report.tests {
        assert_ne!(test.verdict, Verdict::Differs, "{test:#?}");
    }
    assert!(report.notes.iter().any(|note| note.contains("\"notify_flow\"")), "{:?}", report.notes);
}

#[test]
fn the_state_machine_does_what_our_own_cases_say() {
    for test in &ran(STATES).tests {
        assert_eq!(test.verdict, Verdict::Pass, "{test:#?}");
    }
}

/// Where we mean to differ: the states that we have instead. A `*` is a figure that is missing.
const OURS: &[(&str, &[&str])] = &[
    ("R10", &["our states: F F* F (", "where the rule resolves on a missing figure: F I F"]),
    ("R18", &["our states: P F F F"]),
    (
        "R20",
        &[
            "our states: critical:P warning:F critical:F critical:F critical:F* (",
            "where the rule resolves on a missing figure: critical:P warning:F critical:F critical:F I",
            "severity changes at: 1 2",
        ],
    ),
];

#[test]
fn where_we_differ_our_own_states_are_shown() {
    let report = ran(CASES);
    let ours: Vec<_> = report.tests.iter().filter(|test| test.verdict == Verdict::Ours).collect();
    assert_eq!(
        ours.iter().map(|test| test.name.as_str()).collect::<Vec<_>>(),
        OURS.iter().map(|(id, _)| *id).collect::<Vec<_>>()
    );
    for (test, (_, told)) in ours.iter().zip(OURS) {
        for part in *told {
            assert!(test.note.contains(part), "{}: {:?} in {:?}", test.name, part, test.note);
        }
    }
}

#[test]
fn a_rule_is_in_the_furthest_state_of_its_alerts() {
    for (alerts, state) in [
        (&[Phase::Pending, Phase::Firing][..], Some(Phase::Firing)),
        (&[Phase::Inactive, Phase::Pending], Some(Phase::Pending)),
        (&[Phase::Inactive, Phase::Inactive], Some(Phase::Inactive)),
        (&[], None),
    ] {
        assert_eq!(overall(alerts.iter().copied()), state);
    }
}

#[derive(Deserialize)]
struct Told {
    id: String,
}

#[derive(Deserialize)]
struct Sections {
    rule_state: Vec<Told>,
    rule_set: Vec<Told>,
    restore: Vec<Told>,
    merge: Vec<Told>,
}

/// Where each case beyond `rule_state` is a test, or why it is none here.
const ELSEWHERE: &[(&str, &str)] = &[
    ("Q01", "a_rule_is_in_the_furthest_state_of_its_alerts; service: the_health_of_a_rule_is_told"),
    ("Q03", "service: a_limit_never_drops_live_state_and_what_it_holds_back_is_told_once_there_is_room"),
    ("Q04", "service: a_rule_that_moves_to_another_pack_or_watches_less_keeps_the_rest"),
    ("Q05", "service: a_removal_names_revision_actor_and_reason"),
    ("Q07", "states.yaml Q07"),
    ("Q09", "texts have no templates: there is nothing that can fail"),
    ("Q10", "texts have no templates; a label without a value stays as it was written"),
    ("Q11", "severity is of the rule alone: subjects bring no labels"),
    ("Q12", "what goes out is made of a copy: the delivery tests"),
    ("P01", "states.yaml P02: a restart is no evaluation, and moves nothing"),
    ("P02", "states.yaml P02"),
    ("P04", "states.yaml P04"),
    ("P05", "states.yaml P05"),
    ("P06", "properties: a_replay_split_anywhere_gives_the_same_states_and_transitions"),
    ("P07", "properties: a_replay_split_anywhere_gives_the_same_states_and_transitions; service: crash"),
    ("M01", "nobody reports alerts to us: what is recorded follows from figures alone"),
    ("M02", "as M01"),
    ("M03", "as M01"),
    ("M04", "as M01"),
    ("M05", "as M01"),
    ("M06", "service: crash, two replicas come to one log"),
    ("M07", "as M01"),
    ("M08", "states.yaml M08"),
];

#[test]
fn every_case_is_accounted_for() {
    let sections: Sections = serde_saphyr::from_str(CASES).unwrap();
    let elsewhere: BTreeMap<&str, &str> = ELSEWHERE.iter().copied().collect();
    let listed = sections.rule_set.iter().chain(&sections.restore).chain(&sections.merge);
    let listed: BTreeSet<&str> = listed.map(|case| case.id.as_str()).collect();
    assert_eq!(listed, elsewhere.keys().copied().collect::<BTreeSet<_>>());
    let run: BTreeSet<String> =
        ran(CASES).tests.iter().map(|test| test.name.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(run, sections.rule_state.into_iter().map(|case| case.id).collect::<BTreeSet<_>>());
}
