//! Cases of the state machine in a form without periods and measures: `rule_state`.
//!
//! Where a case does not set `missing_evals`, one missing figure resolves an alert, as in the systems that
//! such cases come from. In a case marked `adapt`, Orewatch differs on purpose: the case runs as it is, and
//! again with Orewatch's default, with which a missing figure resolves nothing.
use std::collections::BTreeMap;

use orewatch_contracts::alerting::v1::Reason;
use orewatch_contracts::{Class, Failure};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{Step, TestReport, TestResult, Verdict, letter};
use crate::assessment::{Line, Range};
use crate::episode::{
    Band, Change, MachineState, Observation, Severities, Span, Terms, Tick, Transition, step,
};
use crate::rules::locate::locate;
use crate::rules::yaml::{describe_location, parse_yaml};

#[derive(Deserialize)]
struct File {
    rule_state: Vec<Case>,
    #[serde(flatten)]
    others: BTreeMap<String, IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    id: String,
    title: String,
    /// Where the case comes from.
    #[serde(default, rename = "src")]
    _source: Option<String>,
    rule: Rule,
    interval: Option<i64>,
    at: Option<Vec<i64>>,
    change: Option<Revision>,
    series: BTreeMap<String, Vec<Cell>>,
    #[serde(default)]
    expect: BTreeMap<String, String>,
    expect_ids: Option<Vec<String>>,
    episodes: Option<usize>,
    #[serde(default)]
    reason: BTreeMap<String, String>,
    #[serde(default)]
    verdict: Agreement,
    ours: Option<String>,
}

#[derive(Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Agreement {
    #[default]
    Adopt,
    Adapt,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    op: Side,
    thr: f64,
    clear: Option<f64>,
    #[serde(rename = "for", default)]
    hold: u64,
    #[serde(default)]
    keep: u64,
    missing_evals: Option<u32>,
    /// A problem of other systems: in Orewatch, severity is never part of the identity of an alert.
    #[serde(default, rename = "severity_in_identity")]
    _severity_in_identity: Option<bool>,
    #[serde(default)]
    bands: Vec<(f64, String)>,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
enum Side {
    #[serde(rename = ">")]
    Above,
    #[serde(rename = "<")]
    Below,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Revision {
    before_eval: usize,
    #[serde(rename = "for")]
    hold: u64,
}

#[derive(Clone, Deserialize)]
#[serde(untagged, expecting = "expected a number, `_` or `E`")]
enum Cell {
    Value(f64),
    Word(String),
}

struct CaseRun {
    states: Vec<MachineState>,
    transitions: Vec<Vec<Transition>>,
}

/// Runs the cases of a file.
pub(super) fn run(name: &str, text: &str) -> Result<TestReport, Failure> {
    let file: File = parse_yaml(name, text)?;
    let mut report = TestReport::default();
    for (k, case) in file.rule_state.iter().enumerate() {
        let with_location = |mut failure: Failure| {
            let location = locate(text, &format!("rule_state[{k}].{}", failure.field));
            failure.message = format!("{}: {}", describe_location(name, location), failure.message);
            failure
        };
        case.check().map_err(with_location)?;
        for subject in case.series.keys() {
            report.tests.push(case.run(subject));
        }
    }
    report.notes = file
        .others
        .keys()
        .map(|section| format!("section {section:?} is not about rules and was ignored"))
        .collect();
    Ok(report)
}

impl Case {
    fn check(&self) -> Result<(), Failure> {
        let invalid = |message: String, field: &str| {
            Failure::new(Class::Invalid, "invalid-case", message).at(field, &self.id)
        };
        if self.interval.is_none() && self.at.is_none() {
            return Err(invalid(format!("case {} has no times of evaluation", self.id), "id")
                .with_hint("add `interval:` or `at:`"));
        }
        for (subject, cells) in &self.series {
            let word = |cell: &&Cell| matches!(cell, Cell::Word(word) if word != "_" && word != "E");
            if let Some(Cell::Word(word)) = cells.iter().find(word) {
                return Err(invalid(format!("{word:?} is not a figure"), &format!("series.{subject}"))
                    .with_hint("use a number, `_` for a missing one or `E` for a failed evaluation"));
            }
            let expected = self.expect.get(subject).map(|states| states.split_whitespace().count());
            let expected = expected.or_else(|| self.expect_ids.as_ref().map(Vec::len));
            if expected != Some(cells.len()) {
                let count = expected.unwrap_or_default();
                let message =
                    format!("subject {subject} has {} figures and {count} expected states", cells.len());
                return Err(invalid(message, &format!("series.{subject}")));
            }
        }
        Ok(())
    }

    fn terms(&self, resolve_after: u32) -> Terms {
        let above = self.rule.op == Side::Above;
        let mut bands: Vec<Band> = Vec::new();
        for (from, severity) in &self.rule.bands {
            bands.push(Band { severity: severity.as_str().into(), from: *from });
        }
        bands.sort_by(|a, b| a.from.total_cmp(&b.from));
        if !above {
            bands.reverse();
        }
        Terms {
            hold: Span::Seconds(self.rule.hold),
            keep_firing: Span::Seconds(self.rule.keep),
            resolve_after,
            severities: Severities::new(bands, above),
        }
    }

    fn simulate(&self, subject: &str, resolve_after: u32) -> CaseRun {
        let mut terms = self.terms(resolve_after);
        let line = Line { at: self.rule.thr, above: self.rule.op == Side::Above, clear: self.rule.clear };
        let mut state = MachineState::default();
        let mut run = CaseRun { states: Vec::new(), transitions: Vec::new() };
        for (k, (index, cell)) in (0_u32..).zip(self.series.get(subject).into_iter().flatten()).enumerate() {
            if let Some(revision) = self.change.as_ref().filter(|change| change.before_eval == k) {
                terms.hold = Span::Seconds(revision.hold);
            }
            let listed = self.at.as_ref().and_then(|times| times.get(k)).copied();
            let time = listed.unwrap_or_else(|| i64::from(index) * self.interval.unwrap_or_default());
            let observation = match cell {
                Cell::Value(value) => Observation::Assessed(line.assess(&Range::exactly(*value))),
                Cell::Word(word) if word == "E" => Observation::Failed,
                Cell::Word(_) => Observation::Missing,
            };
            let (next, transitions) = step(&terms, &state, Tick { index, time }, observation);
            state = next;
            run.states.push(state.clone());
            run.transitions.push(transitions);
        }
        run
    }

    fn run(&self, subject: &str) -> TestResult {
        let cells = self.series.get(subject).map(Vec::as_slice).unwrap_or_default();
        let as_set = self.simulate(subject, self.rule.missing_evals.unwrap_or(1));
        let name = if self.series.len() > 1 { format!("{} ({subject})", self.id) } else { self.id.clone() };
        let expected = self.expected(subject);
        let mut steps = Vec::new();
        for (k, (cell, expected)) in cells.iter().zip(expected).enumerate() {
            let got = as_set.states.get(k).map(|state| self.describe_state(state)).unwrap_or_default();
            steps.push(Step { step: k.to_string(), value: cell.describe(), expected, got });
        }
        steps.extend(self.totals(subject, &as_set));
        let mut result = TestResult::new(&name, &self.title, steps);
        if self.verdict == Agreement::Adapt {
            result.verdict = Verdict::Intended;
            result.note = self.note(subject, &as_set);
        }
        result
    }

    fn expected(&self, subject: &str) -> Vec<String> {
        match (self.expect.get(subject), &self.expect_ids) {
            (Some(states), _) => states.split_whitespace().map(str::to_owned).collect(),
            (None, Some(ids)) => {
                ids.iter().map(|id| if id.is_empty() { "I".to_owned() } else { id.clone() }).collect()
            }
            (None, None) => Vec::new(),
        }
    }

    /// A state, with its severity if the case names severities.
    fn describe_state(&self, state: &MachineState) -> String {
        let letter = letter(state.phase);
        match &state.episode {
            Some(episode) if state.phase.is_open() && self.expect_ids.is_some() => {
                format!("{}:{letter}", episode.severity)
            }
            _ => letter.to_owned(),
        }
    }

    /// Expectations about the whole run.
    fn totals(&self, subject: &str, run: &CaseRun) -> Vec<Step> {
        let all = || run.transitions.iter().flatten();
        let mut steps = Vec::new();
        let mut expect = |step: &str, expected: String, got: String| {
            steps.push(Step { step: step.to_owned(), value: String::new(), expected, got });
        };
        if let Some(episodes) = self.episodes {
            let begun = all().filter(|transition| transition.reason == Reason::Crossed).count();
            expect("episodes", episodes.to_string(), begun.to_string());
        }
        if let Some(reason) = self.reason.get(subject) {
            let ends = all().filter(|transition| transition.change == Change::Resolved);
            let got: Vec<String> = ends.map(|end| word(end.reason)).collect();
            // Other systems name a resolution without data after what is missing.
            let expected = if reason == "MissingSeries" { word(Reason::NoData) } else { reason.clone() };
            expect("resolved by", expected, got.join(" "));
        }
        steps
    }

    /// Describes what Orewatch does where it differs on purpose.
    fn note(&self, subject: &str, as_set: &CaseRun) -> String {
        let sequence = |run: &CaseRun| {
            let describe = |state: &MachineState| {
                let stale = if state.is_stale() { "*" } else { "" };
                format!("{}{stale}", self.describe_state(state))
            };
            run.states.iter().map(describe).collect::<Vec<_>>().join(" ")
        };
        let is_missing = |cell: &Cell| matches!(cell, Cell::Word(word) if word == "_");
        let is_open = self.rule.missing_evals.is_none()
            && self.series.get(subject).is_some_and(|cells| cells.iter().any(is_missing));
        let mut note = format!("ours: {}", self.ours.as_deref().unwrap_or("differs"));
        if is_open {
            // First with Orewatch's default, with which a missing figure resolves nothing.
            let own = sequence(&self.simulate(subject, 0));
            note.push_str(&format!("\nour states: {own} (* the figure is missing)"));
            note.push_str(&format!("\nwhere the rule resolves on a missing figure: {}", sequence(as_set)));
        } else {
            note.push_str(&format!("\nour states: {}", sequence(as_set)));
        }
        let moved = |(k, transitions): (usize, &Vec<Transition>)| {
            let changes_severity =
                |transition: &Transition| matches!(transition.change, Change::Severity { .. });
            transitions.iter().any(changes_severity).then(|| k.to_string())
        };
        let moved: Vec<String> = as_set.transitions.iter().enumerate().filter_map(moved).collect();
        if !moved.is_empty() {
            note.push_str(&format!("\nseverity changes at: {}", moved.join(" ")));
        }
        note
    }
}

impl Cell {
    fn describe(&self) -> String {
        match self {
            Self::Value(value) => value.to_string(),
            Self::Word(word) if word == "E" => "failed".to_owned(),
            Self::Word(_) => "missing".to_owned(),
        }
    }
}

/// A reason as it is written in tests: `no_data`.
pub(super) fn word(reason: Reason) -> String {
    reason.as_str_name().trim_start_matches("REASON_").to_lowercase()
}
