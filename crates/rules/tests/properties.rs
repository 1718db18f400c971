//! Properties of the state machine and of the recorded alerts, for every rule and every series.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]
use std::collections::BTreeMap;

use orewatch_catalog::Period;
use orewatch_contracts::alerting::v1::alert_transition::Event;
use orewatch_contracts::alerting::v1::{Alert, Reason};
use orewatch_contracts::common::v1::{Cause, Market, Status};
use orewatch_contracts::exposure::v1::{ExposureColumns, ExposuresChanged};
use orewatch_rules::alert::{RuleOnSubject, alert_of, phase};
use orewatch_rules::assessment::{Line, Range};
use orewatch_rules::episode::{
    Band, Change, MachineState, Observation, Phase, Severities, Span, Terms, Tick, Transition, step,
};
use orewatch_rules::figures::{Figures, KeptFigures, is_there};
use orewatch_rules::reconcile::{Trigger, reconcile};
use orewatch_rules::rules::{CheckedRule, check, parse};
use orewatch_rules::trajectory::Trajectory;
use proptest::prelude::*;

fn span() -> impl Strategy<Value = Span> {
    prop_oneof![(0..4u32).prop_map(Span::Periods), (0..400u64).prop_map(Span::Seconds)]
}

fn terms() -> impl Strategy<Value = (Line, Terms)> {
    let line = (any::<bool>(), prop::option::of(0.0..0.3f64)).prop_map(|(above, gap)| Line {
        at: 0.5,
        above,
        clear: gap.map(|gap| if above { 0.5 - gap } else { 0.5 + gap }),
    });
    (line, span(), span(), 0..4u32, any::<bool>()).prop_map(
        |(line, hold, keep_firing, resolve_after, bands)| {
            let from = if line.above { [0.5, 0.75] } else { [0.5, 0.25] };
            let band = |(severity, from): (&str, f64)| Band { severity: severity.into(), from };
            let bands = if bands {
                ["warning", "critical"].into_iter().zip(from).map(band).collect()
            } else {
                vec![]
            };
            let severities = Severities::new(bands, line.above);
            (line, Terms { hold, keep_firing, resolve_after, severities })
        },
    )
}

/// A figure, or the reason why there is none.
#[derive(Clone, Copy, Debug)]
enum Input {
    Value(f64),
    Missing,
    Stale,
    Failed,
}

impl Input {
    fn observe(self, line: &Line) -> Observation {
        match self {
            Self::Value(value) => Observation::Assessed(line.assess(&Range::exactly(value))),
            Self::Missing => Observation::Missing,
            Self::Stale => Observation::Stale,
            Self::Failed => Observation::Failed,
        }
    }
}

fn series() -> impl Strategy<Value = Vec<Input>> {
    let input = prop_oneof![
        8 => (0.0..1.0f64).prop_map(Input::Value),
        1 => Just(Input::Missing),
        1 => Just(Input::Stale),
        1 => Just(Input::Failed),
    ];
    prop::collection::vec(input, 0..40)
}

fn tick(k: usize) -> Tick {
    let index = u32::try_from(k).unwrap();
    Tick { index, time: i64::from(index) * 100 }
}

/// Runs the state machine through a part of a series; `first` is the number of its first evaluation.
fn fold(
    (line, terms): &(Line, Terms),
    mut state: MachineState,
    first: usize,
    series: &[Input],
) -> (Vec<MachineState>, Vec<Vec<Transition>>) {
    let mut all = (Vec::new(), Vec::new());
    for (k, input) in series.iter().enumerate() {
        let (next, transitions) = step(terms, &state, tick(first + k), input.observe(line));
        state = next;
        all.0.push(state.clone());
        all.1.push(transitions);
    }
    all
}

proptest! {
    #[test]
    fn a_replay_in_two_parts_gives_the_same_states_and_transitions(terms in terms(), series in series()) {
        let (states, transitions) = fold(&terms, MachineState::default(), 0, &series);
        for k in 0..=series.len() {
            let (head, tail) = series.split_at(k);
            let (mut first_states, mut first_transitions) = fold(&terms, MachineState::default(), 0, head);
            let middle = first_states.last().cloned().unwrap_or_default();
            let (later_states, later_transitions) = fold(&terms, middle, k, tail);
            first_states.extend(later_states);
            first_transitions.extend(later_transitions);
            prop_assert_eq!(&first_states, &states);
            prop_assert_eq!(&first_transitions, &transitions);
        }
    }

    #[test]
    fn an_alert_fires_only_after_its_hold_and_beyond_the_line(terms in terms(), series in series()) {
        let (states, transitions) = fold(&terms, MachineState::default(), 0, &series);
        for (k, transition) in transitions.iter().enumerate() {
            if transition.iter().any(|transition| transition.change == Change::Fired) {
                let episode = states[k].episode.as_ref().unwrap();
                prop_assert!(terms.1.hold.has_passed(episode.since, tick(k)));
                let is_crossed = |observation: Observation| {
                    matches!(observation, Observation::Assessed(assessment) if assessment.is_crossed())
                };
                prop_assert!(is_crossed(series[k].observe(&terms.0)));
                let since = usize::try_from(episode.since.index).unwrap();
                for observation in &series[since..=k] {
                    if let Observation::Assessed(assessment) = observation.observe(&terms.0) {
                        prop_assert!(!assessment.is_cleared());
                    }
                }
            }
        }
    }

    #[test]
    fn episodes_never_overlap(terms in terms(), series in series()) {
        let (states, transitions) = fold(&terms, MachineState::default(), 0, &series);
        let mut open = false;
        for (k, transitions) in transitions.iter().enumerate() {
            for transition in transitions {
                match transition.change {
                    Change::Pending => { prop_assert!(!open); open = true; }
                    Change::Fired => {
                        prop_assert_eq!(open, transition.reason == Reason::Held);
                        open = true;
                    }
                    Change::Resolved => { prop_assert!(open); open = false; }
                    Change::Stale | Change::Severity { .. } => prop_assert!(open),
                }
            }
            prop_assert_eq!(open, states[k].phase.is_open());
        }
    }

    #[test]
    fn missing_figures_resolve_only_if_the_rule_sets_it(mut terms in terms(), series in series()) {
        terms.1.resolve_after = 0;
        let (states, transitions) = fold(&terms, MachineState::default(), 0, &series);
        for (k, observation) in series.iter().enumerate() {
            let is_figure = matches!(observation, Input::Value(_));
            if !is_figure {
                let before = k.checked_sub(1).map_or(Phase::Inactive, |k| states[k].phase);
                prop_assert_eq!(before, states[k].phase);
                prop_assert!(transitions[k].iter().all(|transition| transition.change == Change::Stale));
            }
        }
    }
}

/// A change of a figure by a release: index into [`PAIRS`], year, month and new value.
#[derive(Clone, Debug)]
struct Row {
    pair: usize,
    year: i16,
    month: Option<i8>,
    value: NewValue,
}

/// New value of a figure.
#[derive(Clone, Copy, Debug, PartialEq)]
enum NewValue {
    Number(f64),
    /// The row has a status instead of a value.
    Missing(Status),
    /// The row is removed.
    Removed,
}

/// Consumers and suppliers with figures. The rule watches the first pair; the second has another supplier,
/// the third another consumer, whose figures keep a period that the others have lost.
const PAIRS: [(&str, &str); 3] = [("DEU", "CHN"), ("DEU", "VNM"), ("JPN", "CHN")];

/// Releases with corrections, new periods, and figures that go missing and come back.
fn releases() -> impl Strategy<Value = Vec<Vec<Row>>> {
    let status = prop::sample::select(vec![
        Status::Unavailable,
        Status::Withheld,
        Status::NotApplicable,
        Status::Stale,
    ]);
    let value = prop_oneof![
        6 => (0.0..1.0f64).prop_map(NewValue::Number),
        2 => status.prop_map(NewValue::Missing),
        2 => Just(NewValue::Removed),
    ];
    let month = prop_oneof![3 => Just(None), 1 => (1..13i8).prop_map(Some)];
    let row = (0..3usize, 2018..2024i16, month, value).prop_map(|(pair, year, month, value)| Row {
        pair,
        year,
        month,
        value,
    });
    // A release has at most one value of a figure.
    let once = |rows: Vec<Row>| {
        let by_cell: BTreeMap<_, _> =
            rows.into_iter().map(|row| ((row.pair, row.year, row.month), row)).collect();
        by_cell.into_values().collect()
    };
    prop::collection::vec(prop::collection::vec(row, 1..5).prop_map(once), 1..12)
}

fn changed(row: &Row, position: u64) -> ExposuresChanged {
    let (consumer, supplier) = PAIRS[row.pair];
    let period =
        row.month.map_or_else(|| Period::year(row.year), |month| Period::month(row.year, month)).unwrap();
    let (value, status) = match row.value {
        NewValue::Number(value) => (value, Status::Known),
        NewValue::Missing(status) => (f64::NAN, status),
        NewValue::Removed => (f64::NAN, Status::Unavailable),
    };
    let cause = Cause { position, release: format!("r/{position}"), ..Cause::default() };
    ExposuresChanged {
        market: Some(Market {
            material: "cobalt".to_owned(),
            stage: "refined".to_owned(),
            period: period.to_string(),
        }),
        cause: Some(cause),
        columns: Some(ExposureColumns {
            consumers: vec![consumer.to_owned()],
            suppliers: vec![String::new(), supplier.to_owned()],
            measures: vec!["import-share/1".to_owned()],
            consumer: vec![0],
            supplier: vec![1],
            measure: vec![0],
            value: vec![value],
            status: vec![status.into()],
            gone: vec![row.value == NewValue::Removed],
            ..ExposureColumns::default()
        }),
        ..ExposuresChanged::default()
    }
}

const RULE: &str = "id: r
title: R
measure: import-share
select: {consumer: DEU, supplier: CHN}
when: {above: 0.6, clear: 0.5}
severity: {warning: 0.6, critical: 0.8}
";

/// The rule with several holds and policies.
fn rules() -> impl Strategy<Value = String> {
    let more = prop::sample::select(vec![
        "",
        "hold: {periods: 1}",
        "hold: {periods: 1}\nkeep_firing: {periods: 1}\nno_data: {resolve_after: 2}",
        "no_data: {resolve_after: 1}",
    ]);
    more.prop_map(|more| format!("{RULE}{more}"))
}

/// Alert before a release, its events, and the trajectory after it, for each release.
fn reconcile_all(rule: &CheckedRule, releases: &[Vec<Row>]) -> Vec<(Option<Alert>, Vec<Event>, Trajectory)> {
    let mut figures = Figures::new(KeptFigures::for_rules([rule]));
    let mut recorded: Option<Alert> = None;
    let mut all = Vec::new();
    for (position, rows) in (1u64..).zip(releases) {
        let before = figures.clone();
        rows.iter().for_each(|row| figures.apply(position, &changed(row, position)).unwrap());
        let (then, now) = (before.material("cobalt"), figures.material("cobalt"));
        let Some(watched) = now.watched("cobalt", rule).pop() else {
            all.push((recorded.clone(), Vec::new(), Trajectory::default()));
            continue;
        };
        let watched = watched.remembering(0);
        let before = then.subject(rule, &watched.subject).map(|then| then.remembering(0)).unwrap_or_default();
        let before = Trajectory::fold(rule, &before, None);
        let after = Trajectory::fold(rule, &watched, None);
        let case = RuleOnSubject { rule, revision: 1, watched: &watched };
        let cause = Cause { position, ..Cause::default() };
        let trigger = Trigger::Figures { before: &before, cause: Some(&cause) };
        let events = reconcile(case, recorded.as_ref(), &after, &trigger);
        let was = recorded.clone();
        let transitions = events.iter().filter(|event| !matches!(event, Event::Restated(_)));
        recorded = transitions.filter_map(alert_of).next_back().cloned().or(recorded);
        let again = Trigger::Figures { before: &after, cause: Some(&cause) };
        let again = reconcile(case, recorded.as_ref(), &after, &again);
        assert!(again.is_empty(), "without a change there are no events: {again:?}");
        all.push((was, events, after));
    }
    all
}

proptest! {
    #[test]
    fn the_recorded_alert_follows_every_correction(releases in releases(), text in rules()) {
        let rule = check(&parse("r.yaml", text.as_bytes()).unwrap()[0]).unwrap();
        for (mut recorded, events, now) in reconcile_all(&rule, &releases) {
            for event in &events {
                let alert = alert_of(event).unwrap();
                let was = phase(recorded.as_ref());
                match event {
                    Event::Restated(restated) => {
                        prop_assert_ne!(restated.was, restated.is);
                        prop_assert_eq!(phase(Some(alert)), was, "the alert stays what it was");
                        continue;
                    }
                    Event::Pending(_) => prop_assert!(was != Phase::Pending),
                    Event::Fired(_) => prop_assert!(was != Phase::Firing),
                    Event::Resolved(_) => prop_assert!(was.is_open() && !alert.resolved_at.is_empty()),
                    Event::Stale(_) | Event::SeverityChanged(_) => prop_assert!(was.is_open()),
                }
                if was.is_open() {
                    prop_assert_eq!(&alert.episode, &recorded.as_ref().unwrap().episode);
                }
                recorded = Some(alert.clone());
            }
            let state = now.last().map(|point| point.state.clone()).unwrap_or_default();
            let is = phase(recorded.as_ref());
            // Where a figure was removed, the recorded alert knows more than the figures.
            let assessed = now.last().map(|point| point.assessed.clone());
            let decides = match &assessed {
                Some(Ok(assessment)) if state.phase.is_open() => assessment.is_crossed(),
                Some(Ok(assessment)) => assessment.is_cleared(),
                Some(Err(_)) | None => false,
            };
            // A period before the recorded one opens no alert.
            let recorded_period = recorded.as_ref().and_then(|alert| alert.period.parse::<Period>().ok());
            let is_behind = now.last().map(|point| point.period) < recorded_period;
            prop_assert!(is.is_open() == state.phase.is_open() || !decides || is_behind, "{:?}", events);
            if is.is_open() && state.phase.is_open() && matches!(assessed, Some(Ok(_))) {
                let alert = recorded.as_ref().unwrap();
                prop_assert_eq!(is, state.phase);
                prop_assert_eq!(&*alert.severity, &*state.episode.as_ref().unwrap().severity);
                prop_assert_eq!(alert.stale, state.is_stale());
            }
        }
    }

    #[test]
    fn a_missing_figure_neither_resolves_nor_restates(releases in releases(), text in rules()) {
        let rule = check(&parse("r.yaml", text.as_bytes()).unwrap()[0]).unwrap();
        for (was, events, _) in reconcile_all(&rule, &releases) {
            for event in &events {
                let alert = alert_of(event).unwrap();
                let figure = match event {
                    Event::Restated(restated) => restated.restatement.as_ref().unwrap().figure.as_ref(),
                    _ => alert.estimate.as_ref(),
                };
                let is_there = figure.is_some_and(is_there);
                match (event, alert.reason()) {
                    (_, Reason::Restated) => prop_assert!(is_there, "{:?}", event),
                    (Event::Resolved(_), Reason::NoData | Reason::StaleData) => {
                        prop_assert!(rule.terms.resolve_after > 0 && !is_there, "{:?}", event);
                    }
                    (Event::Resolved(_) | Event::Fired(_) | Event::Pending(_), _) => {
                        prop_assert!(is_there, "{:?} after {:?}", event, was);
                    }
                    (Event::Stale(_), Reason::DataBack) => prop_assert!(is_there && !alert.stale),
                    (Event::Stale(_), _) => prop_assert!(!is_there && alert.stale, "{:?}", event),
                    _ => {}
                }
            }
        }
    }

    #[test]
    fn months_do_not_affect_annual_rules(releases in releases(), text in rules()) {
        let annual = check(&parse("r.yaml", text.as_bytes()).unwrap()[0]).unwrap();
        let text = format!("{text}\nfrequency: monthly");
        let monthly = check(&parse("r.yaml", text.as_bytes()).unwrap()[0]).unwrap();
        let events = |rule: &CheckedRule, wanted: &dyn Fn(&Row) -> bool| {
            let releases: Vec<Vec<Row>> = releases
                .iter()
                .map(|rows| rows.iter().filter(|row| wanted(row)).cloned().collect())
                .collect();
            reconcile_all(rule, &releases).into_iter().map(|(_, events, _)| events).collect::<Vec<_>>()
        };
        prop_assert_eq!(events(&annual, &|_| true), events(&annual, &|row| row.month.is_none()));
        prop_assert_eq!(events(&monthly, &|_| true), events(&monthly, &|row| row.month.is_some()));
    }
}
