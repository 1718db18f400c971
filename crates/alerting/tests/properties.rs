//! What holds for every rule and every series.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]
use std::collections::BTreeMap;

use orewatch_alerting::alert::{Case, alert_of, phase};
use orewatch_alerting::episode::{
    Band, Change, Observation, Phase, Severities, Span, State, Terms, Tick, Transition, step,
};
use orewatch_alerting::figures::{Figures, Kept, is_there};
use orewatch_alerting::judgement::{Line, Range};
use orewatch_alerting::reconcile::{News, reconcile};
use orewatch_alerting::rules::{Checked, check, parse};
use orewatch_alerting::trajectory::Trajectory;
use orewatch_catalog::Period;
use orewatch_contracts::alerting::v1::alert_transition::Event;
use orewatch_contracts::alerting::v1::{Alert, Reason};
use orewatch_contracts::common::v1::{Cause, Market, Status};
use orewatch_contracts::exposure::v1::{ExposureColumns, ExposuresChanged};
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
                    Change::Fired => { prop_assert_eq!(open, transition.reason == Reason::Held); open = true; }
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

/// One figure of a release: whose, of which year and month, and what it is now. Months are figures of another kind.
#[derive(Clone, Debug)]
struct Row {
    who: usize,
    year: i16,
    month: Option<i8>,
    change: Moved,
}

/// What a figure is now.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Moved {
    To(f64),
    /// There is a row, and it has no value.
    NotThere(Status),
    /// It has ceased to exist.
    Gone,
}

/// Whose figures there are: the rule watches the first; the second is another supplier of the same consumer, the third another
/// consumer, whose figures keep a period alive that the others have lost.
const WHO: [(&str, &str); 3] = [("DEU", "CHN"), ("DEU", "VNM"), ("JPN", "CHN")];

/// Corrections, new periods, figures that go missing in whatever way, and come back.
fn releases() -> impl Strategy<Value = Vec<Vec<Row>>> {
    let status = prop::sample::select(vec![
        Status::Unavailable,
        Status::Withheld,
        Status::NotApplicable,
        Status::Stale,
    ]);
    let change = prop_oneof![
        6 => (0.0..1.0f64).prop_map(Moved::To),
        2 => status.prop_map(Moved::NotThere),
        2 => Just(Moved::Gone),
    ];
    let month = prop_oneof![3 => Just(None), 1 => (1..13i8).prop_map(Some)];
    let row = (0..3usize, 2018..2024i16, month, change).prop_map(|(who, year, month, change)| Row {
        who,
        year,
        month,
        change,
    });
    // A release says one thing of a figure.
    let once = |rows: Vec<Row>| {
        let by_cell: BTreeMap<_, _> =
            rows.into_iter().map(|row| ((row.who, row.year, row.month), row)).collect();
        by_cell.into_values().collect()
    };
    prop::collection::vec(prop::collection::vec(row, 1..5).prop_map(once), 1..12)
}

fn changed(row: &Row, position: u64) -> ExposuresChanged {
    let (consumer, supplier) = WHO[row.who];
    let period =
        row.month.map_or_else(|| Period::year(row.year), |month| Period::month(row.year, month)).unwrap();
    let (value, status) = match row.change {
        Moved::To(value) => (value, Status::Known),
        Moved::NotThere(status) => (f64::NAN, status),
        Moved::Gone => (f64::NAN, Status::Unavailable),
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
            gone: vec![row.change == Moved::Gone],
            ..ExposureColumns::default()
        }),
        releases: Vec::new(),
    }
}

const RULE: &str = "id: r
title: R
measure: import-share
select: {consumer: DEU, supplier: CHN}
when: {above: 0.6, clear: 0.5}
severity: {warning: 0.6, critical: 0.8}
";

/// The same rule with holds and policies.
fn rules() -> impl Strategy<Value = String> {
    let more = prop::sample::select(vec![
        "",
        "hold: {periods: 1}",
        "hold: {periods: 1}\nkeep_firing: {periods: 1}\nno_data: {resolve_after: 2}",
        "no_data: {resolve_after: 1}",
    ]);
    more.prop_map(|more| format!("{RULE}{more}"))
}

/// What is recorded of the subject, release by release: the alert before, what was told, the trajectory after.
fn story(rule: &Checked, releases: &[Vec<Row>]) -> Vec<(Option<Alert>, Vec<Event>, Trajectory)> {
    let mut figures = Figures::new(Kept::by([rule]));
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
        let before = then.one(rule, &watched.subject).map(|then| then.remembering(0)).unwrap_or_default();
        let before = Trajectory::fold(rule, &before, None);
        let after = Trajectory::fold(rule, &watched, None);
        let case = Case { rule, revision: 1, watched: &watched };
        let cause = Cause { position, ..Cause::default() };
        let news = News::Figures { before: &before, cause: Some(&cause) };
        let events = reconcile(case, recorded.as_ref(), &after, &news);
        let was = recorded.clone();
        let transitions = events.iter().filter(|event| !matches!(event, Event::Restated(_)));
        recorded = transitions.filter_map(alert_of).next_back().cloned().or(recorded);
        let again = News::Figures { before: &after, cause: Some(&cause) };
        let again = reconcile(case, recorded.as_ref(), &after, &again);
        assert!(again.is_empty(), "nothing new, nothing told: {again:?}");
        all.push((was, events, after));
    }
    all
}

proptest! {
    #[test]
    fn what_is_recorded_follows_the_figures_through_every_correction(releases in releases(), text in rules()) {
        let rule = check(&parse("r.yaml", text.as_bytes()).unwrap()[0]).unwrap();
        for (mut recorded, events, now) in story(&rule, &releases) {
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
            // Where a figure that is there was replaced by none, the record knows more than the figures.
            let judged = now.last().map(|point| point.judged.clone());
            let decides = judged.as_ref().and_then(|judged| judged.as_ref().ok()).is_some_and(|judgement| {
                if state.phase.is_open() { judgement.is_crossed() } else { judgement.is_cleared() }
            });
            // What was known before the period that the record stands at opens nothing.
            let at = recorded.as_ref().and_then(|alert| alert.period.parse::<Period>().ok());
            let is_behind = now.last().map(|point| point.period) < at;
            prop_assert!(is.is_open() == state.phase.is_open() || !decides || is_behind, "{:?}", events);
            if is.is_open() && state.phase.is_open() && matches!(judged, Some(Ok(_))) {
                let alert = recorded.as_ref().unwrap();
                prop_assert_eq!(is, state.phase);
                prop_assert_eq!(&*alert.severity, &*state.episode.as_ref().unwrap().severity);
                prop_assert_eq!(alert.stale, state.is_stale());
            }
        }
    }

    #[test]
    fn missing_is_never_over_and_never_restated(releases in releases(), text in rules()) {
        let rule = check(&parse("r.yaml", text.as_bytes()).unwrap()[0]).unwrap();
        for (was, events, _) in story(&rule, &releases) {
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
    fn months_change_nothing_in_years(releases in releases(), text in rules()) {
        let annual = check(&parse("r.yaml", text.as_bytes()).unwrap()[0]).unwrap();
        let monthly = check(&parse("r.yaml", format!("{text}\nfrequency: monthly").as_bytes()).unwrap()[0]).unwrap();
        let told = |rule: &Checked, wanted: &dyn Fn(&Row) -> bool| {
            let releases: Vec<Vec<Row>> = releases
                .iter()
                .map(|rows| rows.iter().filter(|row| wanted(row)).cloned().collect())
                .collect();
            story(rule, &releases).into_iter().map(|(_, events, _)| events).collect::<Vec<_>>()
        };
        prop_assert_eq!(told(&annual, &|_| true), told(&annual, &|row| row.month.is_none()));
        prop_assert_eq!(told(&monthly, &|_| true), told(&monthly, &|row| row.month.is_some()));
    }
}
