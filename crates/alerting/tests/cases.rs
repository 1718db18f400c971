//! The cases of `cases.yaml`, through the public state machine.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]
use std::collections::BTreeMap;

use orewatch_alerting::episode::{
    Band, Change, Line, Observation, Phase, Span, State, Terms, Tick, Transition, overall, step,
};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    machine: Vec<Case>,
    rule: Vec<Overall>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    id: String,
    title: String,
    rule: Rule,
    #[serde(default)]
    every: i64,
    #[serde(default)]
    at: Vec<i64>,
    revise: Option<Revision>,
    series: BTreeMap<String, Vec<Cell>>,
    states: BTreeMap<String, String>,
    #[serde(default)]
    severities: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    severity_changes: BTreeMap<String, Vec<usize>>,
    #[serde(default)]
    stale: BTreeMap<String, Vec<usize>>,
    #[serde(default)]
    reasons: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    since: BTreeMap<String, i64>,
    episodes: Option<usize>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    above: Option<f64>,
    below: Option<f64>,
    clear: Option<f64>,
    #[serde(default)]
    hold: u64,
    #[serde(default)]
    keep_firing: u64,
    #[serde(default)]
    resolve_after: u32,
    #[serde(default)]
    bands: Vec<(String, f64)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Revision {
    before: usize,
    hold: u64,
}

#[derive(Clone, Deserialize)]
#[serde(untagged)]
enum Cell {
    Value(f64),
    Word(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Overall {
    id: String,
    alerts: String,
    rule: String,
}

struct Run {
    states: Vec<State>,
    transitions: Vec<Vec<Transition>>,
}

fn cases() -> Cases {
    serde_saphyr::from_str(include_str!("cases.yaml")).expect("cases.yaml is well-formed")
}

fn terms(rule: &Rule) -> Terms {
    let at = rule.above.or(rule.below).expect("a line");
    let band = |(severity, from): &(String, f64)| Band { severity: severity.as_str().into(), from: *from };
    Terms {
        line: Line { at, above: rule.above.is_some(), clear: rule.clear },
        hold: Span::Seconds(rule.hold),
        keep_firing: Span::Seconds(rule.keep_firing),
        resolve_after: rule.resolve_after,
        bands: rule.bands.iter().map(band).collect(),
    }
}

fn observation(cell: &Cell) -> Observation {
    match cell {
        Cell::Value(value) => Observation::Value(*value),
        Cell::Word(word) if word == "missing" => Observation::Missing,
        Cell::Word(word) if word == "failed" => Observation::Failed,
        Cell::Word(word) => panic!("{word} is no figure"),
    }
}

fn run(case: &Case, subject: &str) -> Run {
    let mut terms = terms(&case.rule);
    let mut state = State::default();
    let mut run = Run { states: Vec::new(), transitions: Vec::new() };
    for (k, cell) in case.series[subject].iter().enumerate() {
        if let Some(revision) = case.revise.as_ref().filter(|revision| revision.before == k) {
            terms.hold = Span::Seconds(revision.hold);
        }
        let index = u32::try_from(k).unwrap();
        let time = case.at.get(k).copied().unwrap_or_else(|| i64::from(index) * case.every);
        let (next, transitions) = step(&terms, &state, Tick { index, time }, observation(cell));
        state = next;
        run.states.push(state.clone());
        run.transitions.push(transitions);
    }
    run
}

fn letter(phase: Phase) -> &'static str {
    match phase {
        Phase::Inactive | Phase::Resolved => "I",
        Phase::Pending => "P",
        Phase::Firing => "F",
    }
}

fn ticks_with(run: &Run, wanted: impl Fn(&Transition) -> bool) -> Vec<usize> {
    let has = |(k, transitions): (usize, &Vec<Transition>)| transitions.iter().any(&wanted).then_some(k);
    run.transitions.iter().enumerate().filter_map(has).collect()
}

fn episodes(run: &Run) -> usize {
    let begun =
        |transition: &&Transition| transition.reason == orewatch_contracts::alerting::v1::Reason::Crossed;
    run.transitions.iter().flatten().filter(begun).count()
}

fn check(case: &Case, subject: &str) {
    let what = format!("{} {} ({subject})", case.id, case.title);
    let run = run(case, subject);
    let letters: Vec<&str> = run.states.iter().map(|state| letter(state.phase)).collect();
    assert_eq!(letters.join(" "), case.states[subject], "{what}");
    if let Some(expected) = case.severities.get(subject) {
        let severity = |state: &State| state.episode.as_ref().expect("an episode").severity.to_string();
        assert_eq!(&run.states.iter().map(severity).collect::<Vec<_>>(), expected, "{what}");
    }
    if let Some(expected) = case.severity_changes.get(subject) {
        let found = ticks_with(&run, |transition| matches!(transition.change, Change::Severity { .. }));
        assert_eq!(&found, expected, "{what}");
    }
    if let Some(expected) = case.stale.get(subject) {
        let stale: Vec<usize> = (0..run.states.len()).filter(|k| run.states[*k].is_stale()).collect();
        assert_eq!(&stale, expected, "{what}");
    }
    if let Some(expected) = case.reasons.get(subject) {
        let ends =
            run.transitions.iter().flatten().filter(|transition| transition.change == Change::Resolved);
        let reasons: Vec<String> =
            ends.map(|end| end.reason.as_str_name().trim_start_matches("REASON_").to_lowercase()).collect();
        assert_eq!(&reasons, expected, "{what}");
    }
    if let Some(expected) = case.since.get(subject) {
        let last = run.states.last().and_then(|state| state.episode.as_ref()).expect("an episode");
        assert_eq!(last.since.time, *expected, "{what}");
    }
    if let Some(expected) = case.episodes {
        assert_eq!(episodes(&run), expected, "{what}");
    }
}

#[test]
fn the_state_machine_does_what_the_cases_say() {
    for case in cases().machine {
        assert_eq!(
            case.series.keys().collect::<Vec<_>>(),
            case.states.keys().collect::<Vec<_>>(),
            "{}: every subject has its states",
            case.id
        );
        for subject in case.series.keys() {
            check(&case, subject);
        }
    }
}

#[test]
fn a_rule_is_in_the_furthest_state_of_its_alerts() {
    for case in cases().rule {
        let phase = |letter: &str| match letter {
            "P" => Phase::Pending,
            "F" => Phase::Firing,
            _ => Phase::Inactive,
        };
        let state = overall(case.alerts.split_whitespace().map(phase));
        assert_eq!(state.map_or("U", letter), case.rule, "{}", case.id);
    }
}
