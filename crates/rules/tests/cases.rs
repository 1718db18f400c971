//! The conformance cases in `tests/cases`: each runs, or has a reason why it does not apply.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]
use std::collections::{BTreeMap, BTreeSet};

use orewatch_rules::episode::{Phase, overall};
use orewatch_rules::rules::rule_test::{TestReport, Verdict, run};
use serde::Deserialize;

const CASES: &str = include_str!("../../../tests/cases/alerts.yaml");
const STATES: &str = include_str!("../../../tests/cases/states.yaml");

fn run_cases(text: &str) -> TestReport {
    run("cases.yaml", text.as_bytes(), &mut |_| panic!("no case names a file")).unwrap()
}

#[test]
fn the_state_machine_conforms_to_the_cases() {
    let report = run_cases(CASES);
    assert!(report.tests.len() >= 18, "{}", report.tests.len());
    for test in &report.tests {
        assert_ne!(test.verdict, Verdict::Differs, "{test:#?}");
    }
    assert!(report.notes.iter().any(|note| note.contains("\"notify_flow\"")), "{:?}", report.notes);
}

#[test]
fn the_state_machine_conforms_to_the_own_cases() {
    for test in &run_cases(STATES).tests {
        assert_eq!(test.verdict, Verdict::Pass, "{test:#?}");
    }
}

/// Cases from which Orewatch differs on purpose, with its states. A `*` marks a missing figure.
const DIFFERENT: &[(&str, &[&str])] = &[
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
fn intended_differences_list_the_own_states() {
    let report = run_cases(CASES);
    let different: Vec<_> = report.tests.iter().filter(|test| test.verdict == Verdict::Intended).collect();
    assert_eq!(
        different.iter().map(|test| test.name.as_str()).collect::<Vec<_>>(),
        DIFFERENT.iter().map(|(id, _)| *id).collect::<Vec<_>>()
    );
    for (test, (_, parts)) in different.iter().zip(DIFFERENT) {
        for part in *parts {
            assert!(test.note.contains(part), "{}: {:?} in {:?}", test.name, part, test.note);
        }
    }
}

#[test]
fn the_state_of_a_rule_is_the_furthest_of_its_alerts() {
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
struct CaseId {
    id: String,
}

#[derive(Deserialize)]
struct Sections {
    rule_state: Vec<CaseId>,
    rule_set: Vec<CaseId>,
    restore: Vec<CaseId>,
    merge: Vec<CaseId>,
}

/// The tests that cover the cases outside of `rule_state`, or why a case does not apply.
const ELSEWHERE: &[(&str, &str)] = &[
    ("Q01", "the_state_of_a_rule_is_the_furthest_of_its_alerts; service: rules_show_their_health"),
    ("Q03", "service: a_limit_drops_no_open_alert_and_held_back_subjects_fire_once_there_is_room"),
    ("Q04", "service: a_rule_that_changes_its_pack_or_watches_less_keeps_its_other_alerts"),
    ("Q05", "service: a_removal_names_revision_actor_and_reason"),
    ("Q07", "states.yaml Q07"),
    ("Q09", "texts have no templates, so none can fail"),
    ("Q10", "texts have no templates; a label without a value stays as written"),
    ("Q11", "the rule alone sets the severity: subjects have no labels"),
    ("Q12", "messages are built from a copy: delivery tests"),
    ("P01", "states.yaml P02: a restart is not an evaluation and changes nothing"),
    ("P02", "states.yaml P02"),
    ("P04", "states.yaml P04"),
    ("P05", "states.yaml P05"),
    ("P06", "properties: a_replay_in_two_parts_gives_the_same_states_and_transitions"),
    ("P07", "properties: a_replay_in_two_parts_gives_the_same_states_and_transitions; service: crash"),
    ("M01", "alerts are not reported by others: they follow from figures alone"),
    ("M02", "as M01"),
    ("M03", "as M01"),
    ("M04", "as M01"),
    ("M05", "as M01"),
    ("M06", "service: crash, two replicas append to one log"),
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
        run_cases(CASES).tests.iter().map(|test| test.name.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(run, sections.rule_state.into_iter().map(|case| case.id).collect::<BTreeSet<_>>());
}
