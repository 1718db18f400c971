//! What holds inside: evaluating what a release touches is evaluating everything, and a snapshot is what was folded.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]
use jiff::Timestamp;
use orewatch_catalog::Period;
use orewatch_contracts::alerting::v1::{EvaluationBegun, ExposuresEvaluated, Rule, RulePut};
use orewatch_contracts::common::v1::{Cause, Market, Status};
use orewatch_contracts::exposure::v1::{ExposureColumns, ExposuresChanged};
use proptest::prelude::*;

use crate::cost::{Cost, Limits};
use crate::decide::{Intake, Look, Outcome, Present, Restated, RuleOutcome, Take, evaluate, evaluate_each};
use crate::evolve::{Mark, State};
use crate::facts::Fact;
use crate::figures::saved::Folded;
use crate::figures::{Figures, Touched};
use crate::rulebook::Rulebook;
use crate::rules::parse;
use crate::snapshot::Fold as _;

const CONSUMERS: [&str; 3] = ["DEU", "JPN", "USA"];
const SUPPLIERS: [&str; 3] = ["CHN", "AUS", "VNM"];
const STAGES: [&str; 2] = ["mined", "refined"];
const MEASURES: [&str; 2] = ["import-share/1", "import-hhi/1"];

/// One figure of a release.
#[derive(Clone, Debug)]
struct Row {
    stage: usize,
    /// A year, or a month of it.
    period: (i16, Option<i8>),
    measure: usize,
    consumer: usize,
    supplier: usize,
    moved: Moved,
    /// How many datasets give it, and the lowest and the highest of them.
    sources: (u32, f64, f64),
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

fn row() -> impl Strategy<Value = Row> {
    let status = prop::sample::select(vec![Status::Unavailable, Status::Withheld, Status::Stale]);
    let moved = prop_oneof![
        6 => (0.0..1.0f64).prop_map(Moved::To),
        1 => status.prop_map(Moved::NotThere),
        1 => Just(Moved::Gone),
    ];
    let period = (2019..2024i16, prop_oneof![3 => Just(None), 1 => (1..4i8).prop_map(Some)]);
    let sources = (0..4u32, 0.0..1.0f64, 0.0..1.0f64);
    let sources = sources.prop_map(|(count, one, other)| (count, one.min(other), one.max(other)));
    (0..2usize, period, 0..2usize, 0..3usize, 0..3usize, moved, sources).prop_map(
        |(stage, period, measure, consumer, supplier, moved, sources)| Row {
            stage,
            period,
            measure,
            consumer,
            supplier,
            moved,
            sources,
        },
    )
}

fn change(row: &Row, position: u64) -> ExposuresChanged {
    let period = match row.period {
        (year, None) => Period::year(year),
        (year, Some(month)) => Period::month(year, month),
    };
    let (value, status) = match row.moved {
        Moved::To(value) => (value, Status::Known),
        Moved::NotThere(status) => (f64::NAN, status),
        Moved::Gone => (f64::NAN, Status::Unavailable),
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
            gone: vec![row.moved == Moved::Gone],
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
    }
}

fn rule() -> impl Strategy<Value = String> {
    let condition = prop::sample::select(vec![
        "measure: import-share\nwhen: {above: 0.5, clear: 0.4}\nhold: {periods: 1}",
        "measure: import-share\nwhen: {above: 0.6}\nno_data: {resolve_after: 1}\nseverity: {warning: 0.6, critical: 0.8}",
        "measure: import-share\nwhen: {below: 0.2}\nselect: {supplier: CHN}",
        "measure: import-hhi\nwhen: {above: 0.3}\nkeep_firing: {periods: 1}",
        "measure: import-share\nwhen: {all: [{above: 0.3}, {measure: import-hhi, above: 0.2}]}",
        "measure: import-share\nwhen: {above: 0.5}\nselect: {consumer: [JPN, USA], material: cobalt, stage: mined}",
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

fn follow(state: &mut State, position: &mut u64, fact: Fact) {
    *position += 1;
    state.fold(*position, Timestamp::UNIX_EPOCH, fact).unwrap();
}

fn begun(mark: Mark) -> Fact {
    Fact::Begun(EvaluationBegun::from(mark))
}

/// Takes in what an evaluation comes to, as its worker does.
fn told(present: &mut Present, look: Look<'_>, book: &Rulebook, outcome: &Outcome) {
    present.take_in(outcome.seen.more.clone());
    for id in &outcome.anew {
        present.look_at(look, &book.get(id).unwrap().unwrap().rule, "cobalt");
    }
}

/// What an evaluation comes to, rule by rule.
#[derive(Default)]
struct Told(Vec<RuleOutcome>);

impl Take for Told {
    fn begins(&mut self, cost: Cost) -> bool {
        cost.steps < u64::MAX
    }

    fn take(&mut self, outcome: RuleOutcome) {
        self.0.push(outcome);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn what_a_release_touches_is_all_that_there_is_to_evaluate(
        texts in prop::collection::vec(rule(), 1..5),
        releases in prop::collection::vec(prop::collection::vec(row(), 1..6), 1..12),
    ) {
        let (mut state, mut position) = (State::default(), 0);
        for rule in rules(&texts) {
            follow(&mut state, &mut position, Fact::RulePut(RulePut { rule: Some(rule), revision: 1, ..RulePut::default() }));
        }
        let put = position;
        let mark = Mark { rules: put, ..Mark::default() };
        follow(&mut state, &mut position, begun(mark));
        follow(&mut state, &mut position, Fact::Evaluated(ExposuresEvaluated { position: 0, ..ExposuresEvaluated::default() }));
        let book = Rulebook::at(&state, put);
        let mut figures = Figures::new(book.kept());
        let mut present = Present::default();
        for (k, rows) in (1u64..).zip(&releases) {
            let before = figures.clone();
            let mut touched = Touched::default();
            for row in rows {
                figures.apply_noting(k, &change(row, k), &mut touched).unwrap();
            }
            let mark = Mark { exposures: k, rules: put, as_at: None };
            follow(&mut state, &mut position, begun(mark));
            let restated = Restated { material: "cobalt", cause: None, before: &before, touched: Some(&touched) };
            let limits = Limits::default();
            let intake = Intake { state: &state, mark, rules: &book, figures: &figures, restated: Some(restated), limits };
            let indexed = evaluate(intake);
            let naive = evaluate(Intake { restated: Some(Restated { touched: None, ..restated }), ..intake });
            prop_assert_eq!(&indexed.planned, &naive.planned);

            let look = Look { state: &state, mark, figures: &figures, planned: &indexed.planned };
            told(&mut present, look, &book, &indexed);
            let mut anew = Present::default();
            for standing in book.rules() {
                anew.look_at(look, &standing.rule, "cobalt");
            }
            for (id, count) in &anew.subjects {
                prop_assert_eq!(present.subjects.get(id).copied().unwrap_or_default(), *count, "subjects of {}", id);
            }
            prop_assert_eq!(&present.untold, &anew.untold);

            for event in indexed.planned.into_iter().flat_map(|planned| planned.events) {
                follow(&mut state, &mut position, Fact::Alert(event));
                let again = State::load(&state.save()).unwrap();
                prop_assert_eq!(&again, &state);
            }
            follow(&mut state, &mut position, Fact::Evaluated(ExposuresEvaluated { position: k, ..ExposuresEvaluated::default() }));
            let again = State::load(&state.save()).unwrap();
            prop_assert_eq!(&again, &state);
        }
    }

    #[test]
    fn no_rule_takes_more_than_it_may_and_none_is_changed_by_the_others(
        texts in prop::collection::vec(rule(), 1..6),
        rows in prop::collection::vec(row(), 1..40),
        (one, all) in (0..600u64, 0..1500u64),
    ) {
        let (mut state, mut position) = (State::default(), 0);
        for rule in rules(&texts) {
            follow(&mut state, &mut position, Fact::RulePut(RulePut { rule: Some(rule), revision: 1, ..RulePut::default() }));
        }
        let mark = Mark { rules: position, exposures: 1, as_at: None };
        follow(&mut state, &mut position, begun(mark));
        let book = Rulebook::at(&state, mark.rules);
        let mut figures = Figures::new(book.kept());
        for row in &rows {
            figures.apply(1, &change(row, 1)).unwrap();
        }
        let limits = Limits { rule: one, all };
        let intake = Intake { state: &state, mark, rules: &book, figures: &figures, restated: None, limits };
        let mut told = Told::default();
        prop_assert!(evaluate_each(intake, &mut told));
        let mut unlimited = Told::default();
        let limits = Limits { rule: u64::MAX, all: u64::MAX };
        let free = Intake { limits, ..intake };
        prop_assert!(evaluate_each(free, &mut unlimited));

        let mut sum = 0;
        for (one, free) in told.0.iter().zip(&unlimited.0) {
            prop_assert_eq!((&one.rule, one.cost), (&free.rule, free.cost));
            match &one.suspended {
                Some(suspended) => {
                    prop_assert!(suspended.steps > suspended.limit || sum + one.cost.steps > all);
                    prop_assert!(one.planned.is_empty(), "nothing was open that could become stale");
                }
                None => {
                    sum += one.cost.steps;
                    prop_assert_eq!(&one.planned, &free.planned);
                }
            }
        }
        prop_assert!(sum <= all);

        // A rule that is suspended is not evaluated again, and a snapshot knows it.
        let suspended: Vec<_> = told.0.iter().filter_map(|one| one.suspended.clone()).collect();
        let names: Vec<String> = suspended.iter().map(|one| one.rule.clone()).collect();
        for fact in suspended.into_iter().map(Fact::RuleSuspended).chain([Fact::Evaluated(ExposuresEvaluated { position: 1, ..ExposuresEvaluated::default() })]) {
            follow(&mut state, &mut position, fact);
        }
        prop_assert_eq!(&State::load(&state.save()).unwrap(), &state);
        let mark = Mark { exposures: 2, ..mark };
        follow(&mut state, &mut position, begun(mark));
        let restated = Some(Restated { material: "cobalt", cause: None, before: &figures, touched: None });
        let mut again = Told::default();
        evaluate_each(Intake { state: &state, mark, rules: &book, figures: &figures, restated, limits }, &mut again);
        prop_assert!(again.0.iter().all(|one| !names.contains(&one.rule)));
    }

    #[test]
    fn a_snapshot_and_the_tail_are_the_whole(
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
        let empty = || Figures::new(crate::figures::Kept::by(&checked));
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
    fn no_bytes_make_a_snapshot_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        // What comes out does not matter.
        drop(State::load(&bytes));
        drop(Folded::load(&bytes));
    }
}

/// The rules that a change of import shares in a period makes an evaluation look at.
fn looked_at(texts: &[&str], period: (i16, Option<i8>)) -> Vec<String> {
    let (mut state, mut position) = (State::default(), 0);
    for (k, text) in texts.iter().enumerate() {
        let rule = parse("r.yaml", format!("id: r{k}\ntitle: R\n{text}").as_bytes()).unwrap().remove(0);
        let put = RulePut {
            rule: Some(crate::rules::check(&rule).unwrap().rule),
            revision: 1,
            ..RulePut::default()
        };
        follow(&mut state, &mut position, Fact::RulePut(put));
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
        moved: Moved::To(0.9),
        sources: (0, 0.0, 0.0),
    };
    figures.apply_noting(1, &change(&row, 1), &mut touched).unwrap();
    let rules = book.touched("cobalt", Some(&touched), []);
    rules.iter().map(|standing| standing.rule.rule.id.clone()).collect()
}

#[test]
fn months_make_no_annual_rule_be_evaluated_and_years_no_monthly_one() {
    let rules = [
        "measure: import-share\nwhen: {above: 0.5}",
        "measure: import-share\nwhen: {above: 0.5}\nfrequency: monthly",
        "measure: import-hhi\nwhen: {all: [{above: 0.5}, {measure: import-share, supplier: CHN, above: 0.5}]}",
    ];
    assert_eq!(looked_at(&rules, (2024, None)), ["r0", "r2"]);
    assert_eq!(looked_at(&rules, (2024, Some(3))), ["r1"]);
}
