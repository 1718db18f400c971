//! Cases of a state machine in a form that knows no periods and no measures: `rule_state`.
//!
//! A case that does not say after how many missing figures an alert resolves means one, as the systems do from which such cases
//! come. Where a case is marked `adapt`, we mean to differ: it is run as it is, and a second time with our own default, by which
//! a missing figure resolves nothing.
use std::collections::BTreeMap;

use orewatch_contracts::alerting::v1::Reason;
use orewatch_runtime::{Class, Failure};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{Report, Step, Tested, Verdict, at, letter, read_form};
use crate::episode::{Band, Change, Observation, Severities, Span, State, Terms, Tick, Transition, step};
use crate::judgement::{Line, Range};
use crate::rules::locate::locate;

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
    /// A hazard of other systems: here severity is never part of an alert's identity.
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

struct Course {
    states: Vec<State>,
    transitions: Vec<Vec<Transition>>,
}

/// Runs the cases of a file.
pub(super) fn run(name: &str, text: &str) -> Result<Report, Failure> {
    let file: File = read_form(name, text)?;
    let mut report = Report::default();
    for (k, case) in file.rule_state.iter().enumerate() {
        let placed = |mut failure: Failure| {
            let place = locate(text, &format!("rule_state[{k}].{}", failure.field));
            failure.message = format!("{}: {}", at(name, place), failure.message);
            failure
        };
        case.check().map_err(placed)?;
        for subject in case.series.keys() {
            report.tests.push(case.run(subject));
        }
    }
    report.notes = file
        .others
        .keys()
        .map(|section| format!("section {section:?} is not about rules and was left out"))
        .collect();
    Ok(report)
}

impl Case {
    fn check(&self) -> Result<(), Failure> {
        let invalid = |message: String, field: &str| {
            Failure::new(Class::Invalid, "invalid-case", message).at(field, &self.id)
        };
        if self.interval.is_none() && self.at.is_none() {
            return Err(invalid(format!("case {} does not say when it is evaluated", self.id), "id")
                .with_hint("add `interval:` or `at:`"));
        }
        for (subject, cells) in &self.series {
            let word = |cell: &&Cell| matches!(cell, Cell::Word(word) if word != "_" && word != "E");
            if let Some(Cell::Word(word)) = cells.iter().find(word) {
                return Err(invalid(format!("{word:?} is no figure"), &format!("series.{subject}"))
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
        bands.sort_by(|one, other| one.from.total_cmp(&other.from));
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

    fn course(&self, subject: &str, resolve_after: u32) -> Course {
        let mut terms = self.terms(resolve_after);
        let line = Line { at: self.rule.thr, above: self.rule.op == Side::Above, clear: self.rule.clear };
        let mut state = State::default();
        let mut course = Course { states: Vec::new(), transitions: Vec::new() };
        for (k, (index, cell)) in (0_u32..).zip(self.series.get(subject).into_iter().flatten()).enumerate() {
            if let Some(revision) = self.change.as_ref().filter(|change| change.before_eval == k) {
                terms.hold = Span::Seconds(revision.hold);
            }
            let listed = self.at.as_ref().and_then(|times| times.get(k)).copied();
            let time = listed.unwrap_or_else(|| i64::from(index) * self.interval.unwrap_or_default());
            let observation = match cell {
                Cell::Value(value) => Observation::Judged(line.judge(&Range::exactly(*value))),
                Cell::Word(word) if word == "E" => Observation::Failed,
                Cell::Word(_) => Observation::Missing,
            };
            let (next, transitions) = step(&terms, &state, Tick { index, time }, observation);
            state = next;
            course.states.push(state.clone());
            course.transitions.push(transitions);
        }
        course
    }

    fn run(&self, subject: &str) -> Tested {
        let cells = self.series.get(subject).map(Vec::as_slice).unwrap_or_default();
        let as_set = self.course(subject, self.rule.missing_evals.unwrap_or(1));
        let name = if self.series.len() > 1 { format!("{} ({subject})", self.id) } else { self.id.clone() };
        let expected = self.expected(subject);
        let mut steps = Vec::new();
        for (k, (cell, expected)) in cells.iter().zip(expected).enumerate() {
            let got = as_set.states.get(k).map(|state| self.shown(state)).unwrap_or_default();
            steps.push(Step { step: k.to_string(), value: cell.shown(), expected, got });
        }
        steps.extend(self.totals(subject, &as_set));
        let mut tested = Tested::new(&name, &self.title, steps);
        if self.verdict == Agreement::Adapt {
            tested.verdict = Verdict::Ours;
            tested.note = self.note(subject, &as_set);
        }
        tested
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

    /// A state, with its severity where the case names severities.
    fn shown(&self, state: &State) -> String {
        let letter = letter(state.phase);
        match &state.episode {
            Some(episode) if state.phase.is_open() && self.expect_ids.is_some() => {
                format!("{}:{letter}", episode.severity)
            }
            _ => letter.to_owned(),
        }
    }

    /// What is expected of the whole course.
    fn totals(&self, subject: &str, course: &Course) -> Vec<Step> {
        let all = || course.transitions.iter().flatten();
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
            // Other systems call a resolution for want of data by the name of what is missing.
            let expected = if reason == "MissingSeries" { word(Reason::NoData) } else { reason.clone() };
            expect("resolved by", expected, got.join(" "));
        }
        steps
    }

    /// What we do where we mean to differ.
    fn note(&self, subject: &str, as_set: &Course) -> String {
        let sequence = |course: &Course| {
            let shown = |state: &State| {
                let stale = if state.is_stale() { "*" } else { "" };
                format!("{}{stale}", self.shown(state))
            };
            course.states.iter().map(shown).collect::<Vec<_>>().join(" ")
        };
        let is_missing = |cell: &Cell| matches!(cell, Cell::Word(word) if word == "_");
        let is_open = self.rule.missing_evals.is_none()
            && self.series.get(subject).is_some_and(|cells| cells.iter().any(is_missing));
        let mut note = format!("ours: {}", self.ours.as_deref().unwrap_or("differs"));
        if is_open {
            // Our own default comes first: what the rule does not say does not happen.
            let own = sequence(&self.course(subject, 0));
            note.push_str(&format!("\nour states: {own} (* the figure is missing)"));
            note.push_str(&format!("\nwhere the rule resolves on a missing figure: {}", sequence(as_set)));
        } else {
            note.push_str(&format!("\nour states: {}", sequence(as_set)));
        }
        let moved = |(k, transitions): (usize, &Vec<Transition>)| {
            transitions.iter().any(|one| matches!(one.change, Change::Severity { .. })).then(|| k.to_string())
        };
        let moved: Vec<String> = as_set.transitions.iter().enumerate().filter_map(moved).collect();
        if !moved.is_empty() {
            note.push_str(&format!("\nseverity changes at: {}", moved.join(" ")));
        }
        note
    }
}

impl Cell {
    fn shown(&self) -> String {
        match self {
            Self::Value(value) => value.to_string(),
            Self::Word(word) if word == "E" => "failed".to_owned(),
            Self::Word(_) => "missing".to_owned(),
        }
    }
}

/// A reason as people write it: `no_data`.
pub(super) fn word(reason: Reason) -> String {
    reason.as_str_name().trim_start_matches("REASON_").to_lowercase()
}
