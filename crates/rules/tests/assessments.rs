//! Properties of assessments, for every kind of condition and every series.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]
use std::sync::Arc;

use orewatch_catalog::Period;
use orewatch_contracts::alerting::v1::{Condition, Rule, condition};
use orewatch_contracts::common::v1::{Estimate, Status};
use orewatch_contracts::exposure::v1::{ClaimVerdict, ClaimVerdictChanged};
use orewatch_rules::assessment::{Assessment, Likelihood, Line, Range};
use orewatch_rules::condition::{Gap, PeriodView};
use orewatch_rules::figures::{Figure, WatchedSubject, unavailable};
use orewatch_rules::period::end_of_period;
use orewatch_rules::rules::{CheckedRule, check, parse};
use orewatch_rules::trajectory::Trajectory;
use proptest::prelude::*;

/// A figure: best estimate, lower and upper bound, and the true value. `None`: the figure is missing.
type Cell = Option<(f64, f64, f64, f64)>;

fn cell() -> impl Strategy<Value = Cell> {
    let figure = (
        0.01..1.0f64,
        prop_oneof![Just(0.0), 0.0..0.3f64],
        prop_oneof![Just(0.0), 0.0..0.3f64],
        0.0..=1.0f64,
    );
    let figure = figure.prop_map(|(value, down, up, truth)| {
        let (low, high) = (value - down.min(value * 0.9), value + up);
        (value, low, high, low + (high - low) * truth)
    });
    prop_oneof![6 => figure.prop_map(Some), 1 => Just(None)]
}

fn cells() -> impl Strategy<Value = Vec<(Cell, Cell)>> {
    prop::collection::vec((cell(), cell()), 6)
}

fn figure(cell: Cell, is_true: bool) -> Arc<Figure> {
    let estimate = match cell {
        None => unavailable("missing"),
        Some((value, low, high, truth)) => {
            let [value, low, high] = if is_true { [truth; 3] } else { [value, low, high] };
            let status = if low < high { Status::Partial } else { Status::Known };
            Estimate {
                value: Some(value),
                low: Some(low),
                high: Some(high),
                coverage: Some(1.0),
                status: status.into(),
                reason: String::new(),
            }
        }
    };
    Arc::new(Figure { estimate, ..Figure::default() })
}

/// Figures of the rule's measure and of another measure, by year from 2019.
fn watched(cells: &[(Cell, Cell)], is_true: bool) -> WatchedSubject<'static> {
    let year = |k: usize| Period::year(2019 + i16::try_from(k).unwrap()).unwrap();
    let own = cells.iter().enumerate().map(|(k, (own, _))| (year(k), figure(*own, is_true))).collect();
    let other = cells.iter().enumerate().map(|(k, (_, other))| (year(k), figure(*other, is_true))).collect();
    let claim = ClaimVerdictChanged { after: ClaimVerdict::Contradicted.into(), ..Default::default() };
    let claims = vec![Arc::new(claim)];
    WatchedSubject { figures: own, others: vec![other], claims, ..WatchedSubject::default() }
}

fn rule(when: &str) -> CheckedRule {
    let text = format!("id: r\ntitle: R\nmeasure: import-top1\nwhen: {when}\n");
    check(&parse("r.yaml", text.as_bytes()).unwrap_or_else(|failure| panic!("{when}: {failure}"))[0]).unwrap()
}

fn assess(rule: &CheckedRule, watched: &WatchedSubject<'_>) -> Result<Assessment, Gap> {
    let index = watched.figures.len() - 1;
    rule.condition.assess(&PeriodView { watched, index, time: end_of_period(watched.figures[index].0) })
}

/// Conditions of all kinds.
const KINDS: &[&str] = &[
    "{above: 0.5}",
    "{below: 0.5, clear: 0.6}",
    "{change: absolute, above: 0.1, clear: 0.05}",
    "{change: {over: 3, in: percent}, below: -20}",
    "{window: {periods: 4, of: mean}, above: 0.1}",
    "{window: {periods: 3, of: median, in: percent, minimum: 0.4}, below: -10, clear: -5}",
    "{target: {at_most: 0.3, by: 2030, from: 2020}}",
    "{target: {at_least: 0.9, by: 2025, from: 2019, base: 0.2, tolerance: 0.1}}",
    "{claim: contradicted}",
    "{any: [{claim: [agrees, contradicted]}, {not: {claim: cannot-be-checked}}]}",
    "{all: [{above: 0.4}, {measure: production-top1, above: 0.5, clear: 0.3}]}",
    "{any: [{above: 0.6}, {change: absolute, above: 0.2}, {not: {measure: production-top1, below: 0.4}}]}",
    "{cel: 'value > 0.4 && value - previous(1) > 0.1'}",
    "{cel: 'value * 2.0 > measure(\"production-top1\") || !(value / previous(2) < 1.5)'}",
    "{cel: 'series.exists(x, x > 0.9) || value >= 0.5'}",
];

fn kinds() -> impl Strategy<Value = &'static str> {
    prop::sample::select(KINDS)
}

/// Parts of expressions, to be combined at random.
const CEL_WORDS: &[&str] = &[
    "value",
    "previous(1)",
    "series",
    "(",
    ")",
    "[",
    "]",
    "&&",
    "||",
    "!",
    ">",
    "<",
    "==",
    "+",
    "-",
    "*",
    "/",
    "%",
    "1",
    "0.5",
    "'a'",
    "?",
    ":",
    ".map(x, x)",
    ".all(x, x > 0.1)",
    "period",
    "{",
    "}",
    "in",
    "size(",
    "true",
    "9223372036854775807",
    "\\",
    "\"",
    "b'x'",
    ",",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn a_certain_assessment_holds_for_every_true_value(when in kinds(), cells in cells()) {
        let rule = rule(when);
        let assessment = assess(&rule, &watched(&cells, false));
        let truth = assess(&rule, &watched(&cells, true));
        if let (Ok(assessment), Ok(truth)) = (assessment, truth) {
            match assessment.crossed {
                Likelihood::Certain => prop_assert!(truth.is_crossed(), "{assessment:?} {truth:?}"),
                Likelihood::No => prop_assert!(!truth.is_crossed(), "{assessment:?} {truth:?}"),
                Likelihood::Likely | Likelihood::Possible => {}
            }
            match assessment.cleared {
                Likelihood::Certain => prop_assert!(truth.is_cleared(), "{assessment:?} {truth:?}"),
                Likelihood::No => prop_assert!(!truth.is_cleared(), "{assessment:?} {truth:?}"),
                Likelihood::Likely | Likelihood::Possible => {}
            }
        }
    }

    #[test]
    fn crossed_and_cleared_exclude_each_other(when in kinds(), cells in cells()) {
        if let Ok(assessment) = assess(&rule(when), &watched(&cells, false)) {
            prop_assert!(!(assessment.is_crossed() && assessment.is_cleared()), "{assessment:?}");
        }
    }

    #[test]
    fn a_missing_figure_decides_only_what_every_figure_would_decide(
        when in kinds(), cells in cells(), k in 0..6usize, own in any::<bool>(), value in 0.0..2.0f64,
    ) {
        // A window averages the figures that are there.
        prop_assume!(!when.contains("window") && !when.contains("series"));
        let with = |cell: Cell| {
            let mut cells = cells.clone();
            if own { cells[k].0 = cell } else { cells[k].1 = cell }
            assess(&rule(when), &watched(&cells, false))
        };
        if let (Ok(without), Ok(with)) = (with(None), with(Some((value, value, value, value)))) {
            prop_assert_eq!(without.is_crossed(), with.is_crossed());
            prop_assert!(!without.is_cleared() || with.is_cleared());
        }
    }

    #[test]
    fn a_line_above_is_crossed_by_greater_values_at_least_as_likely(
        value in 0.0..1.0f64, down in 0.0..0.5f64, up in 0.0..0.5f64, more in 0.0..0.5f64,
    ) {
        let line = Line { at: 0.5, above: true, clear: Some(0.4) };
        let range = |value: f64| Range { value, low: Some(value - down), high: Some(value + up) };
        let (before, after) = (line.assess(&range(value)), line.assess(&range(value + more)));
        prop_assert!(before.crossed <= after.crossed && before.cleared >= after.cleared);
    }

    #[test]
    fn a_condition_above_is_crossed_by_greater_figures_at_least_as_likely(
        k in 0..4usize, cells in cells(), more in 0.0..0.5f64,
    ) {
        let when = [
            "{above: 0.5}",
            "{change: absolute, above: 0.1}",
            "{window: {periods: 4}, above: 0.1}",
            "{target: {at_most: 0.3, by: 2030, from: 2020}}",
        ][k];
        let mut greater = cells.clone();
        if let Some((value, low, high, _)) = &mut greater[5].0 {
            for figure in [value, low, high] { *figure += more; }
        }
        let [before, after] = [&cells, &greater].map(|cells| assess(&rule(when), &watched(cells, false)));
        if let (Ok(before), Ok(after)) = (before, after) {
            prop_assert!(before.crossed <= after.crossed, "{before:?} {after:?}");
        }
    }

    #[test]
    fn order_double_negation_and_de_morgan_change_nothing(cells in cells(), all in any::<bool>()) {
        let parts = [
            "{above: 0.5, clear: 0.45}",
            "{measure: production-top1, below: 0.6}",
            "{change: absolute, above: 0.0}",
        ];
        let assess = |when: &str| assess(&rule(when), &watched(&cells, false));
        let word = if all { "all" } else { "any" };
        let ordered = |order: [usize; 3]| {
            let parts: Vec<&str> = order.iter().map(|k| parts[*k]).collect();
            assess(&format!("{{{word}: [{}]}}", parts.join(", ")))
        };
        let expected = ordered([0, 1, 2]);
        for order in [[0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            prop_assert_eq!(&ordered(order), &expected);
        }
        let negated_twice = assess(&format!("{{not: {{not: {{{word}: [{}]}}}}}}", parts.join(", ")));
        prop_assert_eq!(&negated_twice, &expected);
        let other = if all { "any" } else { "all" };
        let negated: Vec<String> = parts.iter().map(|part| format!("{{not: {part}}}")).collect();
        let negated = assess(&format!("{{not: {{{other}: [{}]}}}}", negated.join(", ")));
        let likelihoods = |assessment: Assessment| (assessment.crossed, assessment.cleared);
        prop_assert_eq!(negated.map(likelihoods), expected.map(likelihoods));
    }

    #[test]
    fn later_periods_do_not_change_earlier_states(when in kinds(), cells in cells()) {
        // A verdict is about the newest period.
        prop_assume!(!when.contains("claim"));
        let rule = rule(when);
        let whole = watched(&cells, false);
        let all = Trajectory::fold(&rule, &whole, None);
        for k in 0..=cells.len() {
            let part = WatchedSubject { figures: whole.figures[..k].to_vec(), ..whole.clone() };
            let part = Trajectory::fold(&rule, &part, None);
            prop_assert_eq!(part.points(), &all.points()[..k]);
        }
    }

    #[test]
    fn an_expression_never_panics(
        text in "\\PC{0,60}",
        words in prop::collection::vec(prop::sample::select(CEL_WORDS), 0..14),
    ) {
        for text in [text, words.join(" ")] {
            let rule = Rule {
                id: "r".to_owned(), title: "R".to_owned(), measure: "import-top1".to_owned(),
                when: Some(Condition { kind: Some(condition::Kind::Cel(text)), ..Default::default() }),
                ..Default::default()
            };
            if let Ok(rule) = check(&rule) {
                let cells = vec![(Some((0.5, 0.4, 0.6, 0.5)), None); 3];
                drop(assess(&rule, &watched(&cells, false)));
            }
        }
    }
}

#[test]
fn missing_stale_and_failed_are_distinguished() {
    let assess_with = |status: Status| {
        let mut watched = watched(&[(Some((0.9, 0.9, 0.9, 0.9)), None)], false);
        let mut figure = (*watched.figures[0].1).clone();
        figure.estimate.status = status.into();
        if status != Status::Stale {
            figure.estimate.value = None;
        }
        watched.figures[0].1 = Arc::new(figure);
        assess(&rule("{above: 0.5}"), &watched)
    };
    assert_eq!(
        assess_with(Status::Stale),
        Err(Gap::Stale),
        "a stale figure is no observation, whatever its value"
    );
    for status in [Status::Unavailable, Status::Withheld, Status::NotApplicable] {
        assert_eq!(assess_with(status), Err(Gap::Missing));
    }
    let failing = rule("{cel: '1 / int(value) > 0'}");
    let cells = [(Some((0.5, 0.5, 0.5, 0.5)), None)];
    assert!(
        matches!(assess(&failing, &watched(&cells, false)), Err(Gap::Failed(why)) if why.contains("zero"))
    );
}
