//! Properties of evaluations: the rules that a release touches are all that need an evaluation, and a
//! snapshot equals the folded state.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]
use jiff::Timestamp;
use orewatch_catalog::Period;
use orewatch_contracts::alerting::v1::{AlertEvent, EvaluationBegun, ExposuresEvaluated, Rule, RulePut};
use orewatch_contracts::common::v1::{Cause, Market, Status};
use orewatch_contracts::exposure::v1::{ExposureColumns, ExposuresChanged};
use proptest::prelude::*;

use crate::cost::{Cost, Limits};
use crate::decide::{
    EvaluationInput, EvaluationOutcome, MaterialChange, OutcomeSink, RuleOutcome, RuleStatuses, StatusView,
    evaluate, evaluate_each,
};
use crate::evolve::{Mark, RulesState};
use crate::figures::saved::Folded;
use crate::figures::{Figures, Touched};
use crate::rulebook::Rulebook;
use crate::rules::parse;

const CONSUMERS: [&str; 3] = ["DEU", "JPN", "USA"];
const SUPPLIERS: [&str; 3] = ["CHN", "AUS", "VNM"];
const STAGES: [&str; 2] = ["mined", "refined"];
const MEASURES: [&str; 2] = ["import-share/1", "import-hhi/1"];

/// One figure of a release.
#[derive(Clone, Debug)]
struct Row {
    stage: usize,
    /// Year and month.
    period: (i16, Option<i8>),
    measure: usize,
    consumer: usize,
    supplier: usize,
    value: NewValue,
    /// Number of datasets with the figure, and the lowest and the highest of their values.
    sources: (u32, f64, f64),
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

fn row() -> impl Strategy<Value = Row> {
    let status = prop::sample::select(vec![Status::Unavailable, Status::Withheld, Status::Stale]);
    let value = prop_oneof![
        6 => (0.0..1.0f64).prop_map(NewValue::Number),
        1 => status.prop_map(NewValue::Missing),
        1 => Just(NewValue::Removed),
    ];
    let period = (2019..2024i16, prop_oneof![3 => Just(None), 1 => (1..4i8).prop_map(Some)]);
    let sources = (0..4u32, 0.0..1.0f64, 0.0..1.0f64);
    let sources = sources.prop_map(|(count, a, b)| (count, a.min(b), a.max(b)));
    (0..2usize, period, 0..2usize, 0..3usize, 0..3usize, value, sources).prop_map(
        |(stage, period, measure, consumer, supplier, value, sources)| Row {
            stage,
            period,
            measure,
            consumer,
            supplier,
            value,
            sources,
        },
    )
}

fn change(row: &Row, position: u64) -> ExposuresChanged {
    let period = match row.period {
        (year, None) => Period::year(year),
        (year, Some(month)) => Period::month(year, month),
    };
    let (value, status) = match row.value {
        NewValue::Number(value) => (value, Status::Known),
        NewValue::Missing(status) => (f64::NAN, status),
        NewValue::Removed => (f64::NAN, Status::Unavailable),
    };
    let (sources, lowest, highest) = row.sources;
    ExposuresChanged {
        market: Some(Market {
            material: "cobalt".to_owned(),
            stage: STAGES[row.stage].to_owned(),
            period: period.unwrap().to_string(),
        }),
        cause: Some(Cause { release: format!("a/{position}"), position, ..Cause::default() }),
        columns: Some(ExposureColumns {
            consumers: vec![CONSUMERS[row.consumer].to_owned()],
            suppliers: vec![String::new(), SUPPLIERS[row.supplier].to_owned()],
            measures: vec![MEASURES[row.measure].to_owned()],
            consumer: vec![0],
            supplier: vec![u32::from(row.measure == 0)],
            measure: vec![0],
            value: vec![value],
            gone: vec![row.value == NewValue::Removed],
            status: vec![status.into()],
            datasets: ["", "baci", "comtrade"].map(str::to_owned).to_vec(),
            sources: vec![sources],
            lowest: vec![lowest],
            highest: vec![highest],
            lowest_dataset: vec![1],
            highest_dataset: vec![2],
            ..ExposureColumns::default()
        }),
        releases: vec![format!("a/{position}")],
        ..ExposuresChanged::default()
    }
}

fn rule() -> impl Strategy<Value = String> {
    let condition = prop::sample::select(vec![
        "measure: import-share\nwhen: {above: 0.5, clear: 0.4}\nhold: {periods: 1}",
        "measure: import-share\nwhen: {above: 0.6}\nno_data: {resolve_after: 1}\n\
         severity: {warning: 0.6, critical: 0.8}",
        "measure: import-share\nwhen: {below: 0.2}\nselect: {supplier: CHN}",
        "measure: import-hhi\nwhen: {above: 0.3}\nkeep_firing: {periods: 1}",
        "measure: import-share\nwhen: {all: [{above: 0.3}, {measure: import-hhi, above: 0.2}]}",
        "measure: import-share\nwhen: {above: 0.5}\n\
         select: {consumer: [JPN, USA], material: cobalt, stage: mined}",
        "measure: import-share\nwhen: {above: 0.5, clear: 0.3}\nconfirmed_by: 2",
        "measure: import-share\nwhen: {cel: 'series.all(a, series.all(b, a + b >= 0.4))'}",
    ]);
    let limit = prop::sample::select(vec!["", "limit: 1", "limit: 2"]);
    let frequency = prop::sample::select(vec!["", "", "frequency: monthly"]);
    (condition, limit, frequency)
        .prop_map(|(condition, limit, frequency)| format!("title: R\n{condition}\n{limit}\n{frequency}\n"))
}

fn rules(texts: &[String]) -> Vec<Rule> {
    let all = texts.iter().enumerate();
    all.filter_map(|(k, text)| parse("r.yaml", format!("id: r{k}\n{text}").as_bytes()).ok())
        .flatten()
        .collect()
}

fn follow(state: &mut RulesState, position: &mut u64, event: AlertEvent) {
    *position += 1;
    state.fold(*position, Timestamp::UNIX_EPOCH, event).unwrap();
}

fn put(rule: Rule) -> AlertEvent {
    AlertEvent::RulePut(RulePut { rule: Some(rule), revision: 1, ..RulePut::default() })
}

fn evaluated(position: u64) -> AlertEvent {
    AlertEvent::ExposuresEvaluated(ExposuresEvaluated { position, ..ExposuresEvaluated::default() })
}

fn begun(mark: Mark) -> AlertEvent {
    AlertEvent::EvaluationBegun(EvaluationBegun::from(mark))
}

/// Updates statuses with the outcome of an evaluation, as the service does.
fn update(statuses: &mut RuleStatuses, view: StatusView<'_>, book: &Rulebook, outcome: &EvaluationOutcome) {
    statuses.add_subjects(outcome.new_subjects.clone());
    for id in &outcome.needs_recheck {
        statuses.update(view, &book.get(id).unwrap().unwrap().rule, "cobalt");
    }
}

/// Collects the outcomes of the rules.
#[derive(Default)]
struct Outcomes(Vec<RuleOutcome>);

impl OutcomeSink for Outcomes {
    fn start_rule(&mut self, cost: Cost) -> bool {
        cost.steps < u64::MAX
    }

    fn accept(&mut self, outcome: RuleOutcome) {
        self.0.push(outcome);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn evaluating_only_what_a_release_touches_is_sufficient(
        texts in prop::collection::vec(rule(), 1..5),
        releases in prop::collection::vec(prop::collection::vec(row(), 1..6), 1..12),
    ) {
        let (mut state, mut position) = (RulesState::default(), 0);
        for rule in rules(&texts) {
            follow(&mut state, &mut position, put(rule));
        }
        let rules = position;
        let mark = Mark { rules, ..Mark::default() };
        follow(&mut state, &mut position, begun(mark));
        follow(&mut state, &mut position, evaluated(0));
        let book = Rulebook::at(&state, rules);
        let mut figures = Figures::new(book.kept());
        let mut statuses = RuleStatuses::default();
        for (k, rows) in (1u64..).zip(&releases) {
            let before = figures.clone();
            let mut touched = Touched::default();
            for row in rows {
                figures.apply_recording(k, &change(row, k), &mut touched).unwrap();
            }
            let mark = Mark { exposures: k, rules, as_at: None };
            follow(&mut state, &mut position, begun(mark));
            let change = MaterialChange {
                materials: &["cobalt"], cause: None, before: &before, touched: Some(&touched),
            };
            let full = MaterialChange { touched: None, ..change };
            let (state_now, figures_now) = (&state, &figures);
            let input = |change| EvaluationInput {
                state: state_now, mark, rules: &book, figures: figures_now, change, limits: Limits::default(),
            };
            let indexed = evaluate(input(Some(change)));
            prop_assert_eq!(&indexed.planned, &evaluate(input(Some(full))).planned);

            let view = StatusView { state: &state, mark, figures: &figures, planned: &indexed.planned };
            update(&mut statuses, view, &book, &indexed);
            let mut recomputed = RuleStatuses::default();
            for active in book.rules() {
                recomputed.update(view, &active.rule, "cobalt");
            }
            for (id, count) in &recomputed.subjects {
                let updated = statuses.subjects.get(id).copied().unwrap_or_default();
                prop_assert_eq!(updated, *count, "subjects of {}", id);
            }
            prop_assert_eq!(&statuses.unreported, &recomputed.unreported);

            for event in indexed.planned.into_iter().flat_map(|planned| planned.events) {
                follow(&mut state, &mut position, AlertEvent::from(event));
                let again = RulesState::load(&state.save()).unwrap();
                prop_assert_eq!(&again, &state);
            }
            follow(&mut state, &mut position, evaluated(k));
            let again = RulesState::load(&state.save()).unwrap();
            prop_assert_eq!(&again, &state);
        }
    }

    #[test]
    fn each_rule_stays_within_its_limit_and_does_not_affect_others(
        texts in prop::collection::vec(rule(), 1..6),
        rows in prop::collection::vec(row(), 1..40),
        (rule_limit, limit_of_all) in (0..600u64, 0..1500u64),
    ) {
        let (mut state, mut position) = (RulesState::default(), 0);
        for rule in rules(&texts) {
            follow(&mut state, &mut position, put(rule));
        }
        let mark = Mark { rules: position, exposures: 1, as_at: None };
        follow(&mut state, &mut position, begun(mark));
        let book = Rulebook::at(&state, mark.rules);
        let mut figures = Figures::new(book.kept());
        for row in &rows {
            figures.apply(1, &change(row, 1)).unwrap();
        }
        let limits = Limits { rule: rule_limit, all: limit_of_all };
        let input =
            EvaluationInput { state: &state, mark, rules: &book, figures: &figures, change: None, limits };
        let mut limited = Outcomes::default();
        prop_assert!(evaluate_each(input, &mut limited));
        let mut unlimited = Outcomes::default();
        let limits = Limits { rule: u64::MAX, all: u64::MAX };
        let free = EvaluationInput { limits, ..input };
        prop_assert!(evaluate_each(free, &mut unlimited));

        let mut sum = 0;
        for (outcome, free) in limited.0.iter().zip(&unlimited.0) {
            prop_assert_eq!((&outcome.rule, outcome.cost), (&free.rule, free.cost));
            match &outcome.suspended {
                Some(suspended) => {
                    prop_assert!(
                        suspended.steps > suspended.limit || sum + outcome.cost.steps > limit_of_all
                    );
                    prop_assert!(outcome.planned.is_empty(), "no alert was open that could become stale");
                }
                None => {
                    sum += outcome.cost.steps;
                    prop_assert_eq!(&outcome.planned, &free.planned);
                }
            }
        }
        prop_assert!(sum <= limit_of_all);

        // A suspended rule is not evaluated again, and a snapshot contains the suspension.
        let suspended: Vec<_> = limited.0.iter().filter_map(|outcome| outcome.suspended.clone()).collect();
        let names: Vec<String> = suspended.iter().map(|suspended| suspended.rule.clone()).collect();
        for event in suspended.into_iter().map(AlertEvent::RuleSuspended).chain([evaluated(1)]) {
            follow(&mut state, &mut position, event);
        }
        prop_assert_eq!(&RulesState::load(&state.save()).unwrap(), &state);
        let mark = Mark { exposures: 2, ..mark };
        follow(&mut state, &mut position, begun(mark));
        let change =
            Some(MaterialChange { materials: &["cobalt"], cause: None, before: &figures, touched: None });
        let input =
            EvaluationInput { state: &state, mark, rules: &book, figures: &figures, change, limits };
        let mut again = Outcomes::default();
        evaluate_each(input, &mut again);
        prop_assert!(again.0.iter().all(|outcome| !names.contains(&outcome.rule)));
    }

    #[test]
    fn a_snapshot_and_the_later_changes_give_the_same_figures(
        texts in prop::collection::vec(rule(), 1..5),
        rows in prop::collection::vec(row(), 1..30),
    ) {
        let checked: Vec<_> = rules(&texts).iter().map(|rule| crate::rules::check(rule).unwrap()).collect();
        let fold = |mut figures: Figures, first: usize, rows: &[Row]| {
            for (k, row) in rows.iter().enumerate() {
                figures.apply((first + k) as u64, &change(row, (first + k) as u64)).unwrap();
            }
            figures
        };
        let empty = || Figures::new(crate::figures::KeptFigures::for_rules(&checked));
        let whole = fold(empty(), 0, &rows);
        for split in 0..=rows.len() {
            let (head, tail) = rows.split_at(split);
            let folded = Folded { figures: fold(empty(), 0, head), resume: split as u64 };
            let loaded = Folded::load(&folded.save()).unwrap();
            prop_assert_eq!(&loaded, &folded);
            prop_assert_eq!(&fold(loaded.figures, split, tail), &whole);
        }
    }

    #[test]
    fn loading_a_snapshot_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        // Only that it returns matters.
        drop(RulesState::load(&bytes));
        drop(Folded::load(&bytes));
    }
}

/// Identifiers of the rules to evaluate after a change of an import share in a period.
fn affected_rules(texts: &[&str], period: (i16, Option<i8>)) -> Vec<String> {
    let (mut state, mut position) = (RulesState::default(), 0);
    for (k, text) in texts.iter().enumerate() {
        let rule = parse("r.yaml", format!("id: r{k}\ntitle: R\n{text}").as_bytes()).unwrap().remove(0);
        follow(&mut state, &mut position, put(crate::rules::check(&rule).unwrap().rule));
    }
    let book = Rulebook::at(&state, position);
    let mut figures = Figures::new(book.kept());
    let mut touched = Touched::default();
    let row = Row {
        stage: 0,
        period,
        measure: 0,
        consumer: 0,
        supplier: 0,
        value: NewValue::Number(0.9),
        sources: (0, 0.0, 0.0),
    };
    figures.apply_recording(1, &change(&row, 1), &mut touched).unwrap();
    let rules = book.touched("cobalt", Some(&touched), []);
    rules.iter().map(|active| active.rule.rule.id.clone()).collect()
}

#[test]
fn a_change_affects_only_rules_of_its_frequency() {
    let rules = [
        "measure: import-share\nwhen: {above: 0.5}",
        "measure: import-share\nwhen: {above: 0.5}\nfrequency: monthly",
        "measure: import-hhi\n\
         when: {all: [{above: 0.5}, {measure: import-share, supplier: CHN, above: 0.5}]}",
    ];
    assert_eq!(affected_rules(&rules, (2024, None)), ["r0", "r2"]);
    assert_eq!(affected_rules(&rules, (2024, Some(3))), ["r1"]);
}

/// Evaluates a rule on a release that removes all figures, with a limit of `times` the estimated steps.
/// Returns the outcome and the estimate.
fn evaluated_without_figures(times: u64) -> (RuleOutcome, u64) {
    let text = "title: R\nmeasure: import-share\n\
        when: {cel: 'value > 0.3 && series.all(a, series.all(b, a + b > 0.4))'}";
    let (mut state, mut position) = (RulesState::default(), 0);
    for rule in rules(&[text.to_owned()]) {
        follow(&mut state, &mut position, put(rule));
    }
    let book = Rulebook::at(&state, position);
    let rule = &book.get("r0").unwrap().unwrap().rule;
    let row = |year: i16, value: NewValue| Row {
        stage: 0,
        period: (year, None),
        measure: 0,
        consumer: 0,
        supplier: 0,
        value,
        sources: (0, 0.0, 0.0),
    };
    let mut before = Figures::new(book.kept());
    (2019..2024).for_each(|year| before.apply(1, &change(&row(year, NewValue::Number(0.9)), 1)).unwrap());
    let mark = Mark { rules: position, exposures: 1, as_at: None };
    follow(&mut state, &mut position, begun(mark));
    let limits = Limits { rule: u64::MAX, all: u64::MAX };
    let first = EvaluationInput { state: &state, mark, rules: &book, figures: &before, change: None, limits };
    for event in evaluate(first).planned.into_iter().flat_map(|planned| planned.events) {
        follow(&mut state, &mut position, AlertEvent::from(event));
    }
    follow(&mut state, &mut position, evaluated(1));

    let mut figures = before.clone();
    let missing = NewValue::Missing(Status::Withheld);
    (2019..2024).for_each(|year| figures.apply(2, &change(&row(year, missing), 2)).unwrap());
    let mark = Mark { exposures: 2, ..mark };
    follow(&mut state, &mut position, begun(mark));
    let steps = figures.cost(rule).steps;
    let limits = Limits { rule: steps * times, all: u64::MAX };
    let change = Some(MaterialChange { materials: &["cobalt"], cause: None, before: &before, touched: None });
    let input = EvaluationInput { state: &state, mark, rules: &book, figures: &figures, change, limits };
    let mut outcomes = Outcomes::default();
    evaluate_each(input, &mut outcomes);
    (outcomes.0.remove(0), steps)
}

#[test]
fn a_rule_that_exceeds_its_estimate_is_stopped_and_its_alerts_become_stale() {
    // Figures that were there are assessed once, those that went missing twice: three times the estimate,
    // where twice the estimate is allowed.
    let (outcome, steps) = evaluated_without_figures(1);
    let suspended = outcome.suspended.unwrap();
    assert_eq!((suspended.limit, suspended.steps > 2 * steps), (2 * steps, true), "{suspended:?}");
    assert!(suspended.reason.starts_with("its evaluation was stopped after"), "{}", suspended.reason);
    assert_eq!(outcome.planned.len(), 1);
    let events = format!("{:?}", outcome.planned[0].events);
    assert!(events.starts_with("[Stale(") && events.contains("the rule is suspended"), "{events}");

    let (outcome, _) = evaluated_without_figures(2);
    assert_eq!(outcome.suspended, None);
}
