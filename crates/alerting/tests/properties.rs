//! What holds for every rule and every series.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]
use std::collections::BTreeMap;
use std::sync::Arc;

use orewatch_alerting::alert::{Case, alert_of, phase};
use orewatch_alerting::episode::{
    Band, Change, Observation, Phase, Severities, Span, State, Terms, Tick, Transition, step,
};
use orewatch_alerting::figures::{Figure, Watched, unavailable};
use orewatch_alerting::judgement::{Line, Range};
use orewatch_alerting::reconcile::{News, reconcile};
use orewatch_alerting::rules::{check, parse};
use orewatch_alerting::trajectory::Trajectory;
use orewatch_catalog::Period;
use orewatch_contracts::alerting::v1::Alert;
use orewatch_contracts::alerting::v1::alert_transition::Event;
use orewatch_contracts::common::v1::{Estimate, Status};
use orewatch_contracts::exposure::v1::Subject;
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

/// What an evaluation meets, before a line judges it.
#[derive(Clone, Copy, Debug)]
enum Met {
    Value(f64),
    Missing,
    Stale,
    Failed,
}

impl Met {
    fn observed(self, line: &Line) -> Observation {
        match self {
            Self::Value(value) => Observation::Judged(line.judge(&Range::exactly(value))),
            Self::Missing => Observation::Missing,
            Self::Stale => Observation::Stale,
            Self::Failed => Observation::Failed,
        }
    }
}

fn series() -> impl Strategy<Value = Vec<Met>> {
    let met = prop_oneof![
        8 => (0.0..1.0f64).prop_map(Met::Value),
        1 => Just(Met::Missing),
        1 => Just(Met::Stale),
        1 => Just(Met::Failed),
    ];
    prop::collection::vec(met, 0..40)
}

fn tick(k: usize) -> Tick {
    let index = u32::try_from(k).unwrap();
    Tick { index, time: i64::from(index) * 100 }
}

/// Steps from a state through a part of a series; `first` is the number of its first evaluation.
fn fold(
    (line, terms): &(Line, Terms),
    mut state: State,
    first: usize,
    series: &[Met],
) -> (Vec<State>, Vec<Vec<Transition>>) {
    let mut all = (Vec::new(), Vec::new());
    for (k, met) in series.iter().enumerate() {
        let (next, transitions) = step(terms, &state, tick(first + k), met.observed(line));
        state = next;
        all.0.push(state.clone());
        all.1.push(transitions);
    }
    all
}

proptest! {
    #[test]
    fn a_replay_split_anywhere_gives_the_same_states_and_transitions(terms in terms(), series in series()) {
        let (states, transitions) = fold(&terms, State::default(), 0, &series);
        for k in 0..=series.len() {
            let (head, tail) = series.split_at(k);
            let (mut first_states, mut first_transitions) = fold(&terms, State::default(), 0, head);
            let middle = first_states.last().cloned().unwrap_or_default();
            let (later_states, later_transitions) = fold(&terms, middle, k, tail);
            first_states.extend(later_states);
            first_transitions.extend(later_transitions);
            prop_assert_eq!(&first_states, &states);
            prop_assert_eq!(&first_transitions, &transitions);
        }
    }

    #[test]
    fn nothing_fires_before_its_hold_or_off_the_line(terms in terms(), series in series()) {
        let (states, transitions) = fold(&terms, State::default(), 0, &series);
        for (k, transition) in transitions.iter().enumerate() {
            if transition.iter().any(|transition| transition.change == Change::Fired) {
                let episode = states[k].episode.as_ref().unwrap();
                prop_assert!(terms.1.hold.has_passed(episode.since, tick(k)));
                prop_assert!(matches!(series[k].observed(&terms.0), Observation::Judged(judgement) if judgement.is_crossed()));
                let since = usize::try_from(episode.since.index).unwrap();
                for observation in &series[since..=k] {
                    if let Observation::Judged(judgement) = observation.observed(&terms.0) {
                        prop_assert!(!judgement.is_cleared());
                    }
                }
            }
        }
    }

    #[test]
    fn episodes_never_overlap(terms in terms(), series in series()) {
        let (states, transitions) = fold(&terms, State::default(), 0, &series);
        let mut open = false;
        for (k, transitions) in transitions.iter().enumerate() {
            for transition in transitions {
                match transition.change {
                    Change::Pending => { prop_assert!(!open); open = true; }
                    Change::Fired => { prop_assert_eq!(open, transition.reason == orewatch_contracts::alerting::v1::Reason::Held); open = true; }
                    Change::Resolved => { prop_assert!(open); open = false; }
                    Change::Stale | Change::Severity { .. } => prop_assert!(open),
                }
            }
            prop_assert_eq!(open, states[k].phase.is_open());
        }
    }

    #[test]
    fn missing_figures_resolve_only_where_the_rule_says_so(mut terms in terms(), series in series()) {
        terms.1.resolve_after = 0;
        let (states, transitions) = fold(&terms, State::default(), 0, &series);
        for (k, observation) in series.iter().enumerate() {
            let is_figure = matches!(observation, Met::Value(_));
            if !is_figure {
                let before = k.checked_sub(1).map_or(Phase::Inactive, |k| states[k].phase);
                prop_assert_eq!(before, states[k].phase);
                prop_assert!(transitions[k].iter().all(|transition| transition.change == Change::Stale));
            }
        }
    }
}

/// Corrections, new periods and vanished ones: what some years hold after each release. None: the year is gone.
fn releases() -> impl Strategy<Value = Vec<BTreeMap<i16, Option<Option<f64>>>>> {
    let figure = prop_oneof![4 => (0.0..1.0f64).prop_map(Some), 1 => Just(None)];
    let change = prop_oneof![6 => figure.prop_map(Some), 1 => Just(None)];
    prop::collection::vec(prop::collection::btree_map(2015..2025i16, change, 1..4), 1..12)
}

fn figure(value: Option<f64>) -> Arc<Figure> {
    let estimate = match value {
        Some(_) => {
            Estimate { value, low: value, high: value, status: Status::Known.into(), ..Estimate::default() }
        }
        None => unavailable("missing"),
    };
    Arc::new(Figure { estimate, names: "".into(), ground: Arc::default() })
}

fn seen(series: &BTreeMap<Period, Arc<Figure>>) -> Watched<'static> {
    let subject =
        Subject { consumer: "DEU".to_owned(), measure: "import-share/1".to_owned(), ..Subject::default() };
    let figures = series.iter().map(|(period, figure)| (*period, Arc::clone(figure))).collect();
    Watched { subject: Arc::new(subject), figures, ..Watched::default() }
}

const RULE: &str = "id: r
title: R
measure: import-share
when: {above: 0.6, clear: 0.5}
severity: {warning: 0.6, critical: 0.8}
hold: {periods: 1}
keep_firing: {periods: 1}
no_data: {resolve_after: 2}
";

proptest! {
    #[test]
    fn what_is_recorded_follows_the_figures_through_every_correction(releases in releases(), lenient in any::<bool>()) {
        let text = if lenient { RULE.replace("hold: {periods: 1}\nkeep_firing: {periods: 1}\n", "") } else { RULE.to_owned() };
        let rule = check(&parse("r.yaml", text.as_bytes()).unwrap()[0]).unwrap();
        let mut series = BTreeMap::new();
        let mut before = Trajectory::default();
        let mut recorded: Option<Alert> = None;
        for release in releases {
            for (year, change) in release {
                let period = Period::year(year).unwrap();
                match change {
                    Some(value) => { series.insert(period, figure(value)); }
                    None => { series.remove(&period); }
                }
            }
            let watched = seen(&series);
            let case = Case { rule: &rule, revision: 1, watched: &watched };
            let now = Trajectory::fold(&rule, &watched, None);
            let events = reconcile(case, recorded.as_ref(), &now, &News::Figures { before: &before, cause: None });
            for event in &events {
                let alert = alert_of(event).unwrap();
                let was = phase(recorded.as_ref());
                match event {
                    Event::Restated(restated) => { prop_assert_ne!(restated.was, restated.is); continue; }
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
            prop_assert_eq!(is.is_open(), state.phase.is_open());
            if is.is_open() {
                let alert = recorded.as_ref().unwrap();
                prop_assert_eq!(is, state.phase);
                prop_assert_eq!(&*alert.severity, &*state.episode.as_ref().unwrap().severity);
                prop_assert_eq!(alert.stale, state.is_stale());
            }
            let again = reconcile(case, recorded.as_ref(), &now, &News::Figures { before: &now, cause: None });
            prop_assert!(again.is_empty(), "nothing new, nothing told: {:?}", again);
            before = now;
        }
    }
}
