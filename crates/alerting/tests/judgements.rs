//! What holds for every kind of condition on every series.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]
use std::sync::Arc;

use orewatch_alerting::condition::{Gap, Sight};
use orewatch_alerting::figures::{Figure, Watched, unavailable};
use orewatch_alerting::judgement::{Judgement, Likelihood, Line, Range};
use orewatch_alerting::rules::{Checked, check, parse};
use orewatch_alerting::trajectory::{Trajectory, end};
use orewatch_catalog::Period;
use orewatch_contracts::common::v1::{Estimate, Status};
use proptest::prelude::*;

/// A figure: best estimate, bounds, and where between the bounds the truth lies. None: it is missing.
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

/// Six years of a measure and of another.
fn watched(cells: &[(Cell, Cell)], is_true: bool) -> Watched<'static> {
    let year = |k: usize| Period::year(2019 + i16::try_from(k).unwrap()).unwrap();
    let own = cells.iter().enumerate().map(|(k, (own, _))| (year(k), figure(*own, is_true))).collect();
    let other = cells.iter().enumerate().map(|(k, (_, other))| (year(k), figure(*other, is_true))).collect();
    Watched { figures: own, others: vec![other], ..Watched::default() }
}

fn rule(when: &str) -> Checked {
    let text = format!("id: r\ntitle: R\nmeasure: import-top1\nwhen: {when}\n");
    check(&parse("r.yaml", text.as_bytes()).unwrap_or_else(|failure| panic!("{when}: {failure}"))[0]).unwrap()
}

fn judge(rule: &Checked, watched: &Watched<'_>) -> Result<Judgement, Gap> {
    let at = watched.figures.len() - 1;
    rule.condition.judge(&Sight { watched, at, time: end(watched.figures[at].0) })
}

/// One of each kind.
const KINDS: &[&str] = &[
    "{above: 0.5}",
    "{below: 0.5, clear: 0.6}",
    "{change: absolute, above: 0.1, clear: 0.05}",
    "{change: {over: 3, in: percent}, below: -20}",
    "{window: {periods: 4, of: mean}, above: 0.1}",
    "{window: {periods: 3, of: median, in: percent, minimum: 0.4}, below: -10, clear: -5}",
    "{target: {at_most: 0.3, by: 2030, from: 2020}}",
    "{target: {at_least: 0.9, by: 2025, from: 2019, base: 0.2, tolerance: 0.1}}",
    "{all: [{above: 0.4}, {measure: production-top1, above: 0.5, clear: 0.3}]}",
    "{any: [{above: 0.6}, {change: absolute, above: 0.2}, {not: {measure: production-top1, below: 0.4}}]}",
    "{cel: 'value > 0.4 && value - previous(1) > 0.1'}",
    "{cel: 'value * 2.0 > measure(\"production-top1\") || !(value / previous(2) < 1.5)'}",
    "{cel: 'series.exists(x, x > 0.9) || value >= 0.5'}",
];

fn kinds() -> impl Strategy<Value = &'static str> {
    prop::sample::select(KINDS)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn what_is_certain_holds_wherever_the_truth_lies(when in kinds(), cells in cells()) {
        let rule = rule(when);
        let told = judge(&rule, &watched(&cells, false));
        let truth = judge(&rule, &watched(&cells, true));
        if let (Ok(told), Ok(truth)) = (told, truth) {
            match told.crossed {
                Likelihood::Certain => prop_assert!(truth.is_crossed(), "{told:?} {truth:?}"),
                Likelihood::No => prop_assert!(!truth.is_crossed(), "{told:?} {truth:?}"),
                Likelihood::Likely | Likelihood::Possible => {}
            }
            match told.cleared {
                Likelihood::Certain => prop_assert!(truth.is_cleared(), "{told:?} {truth:?}"),
                Likelihood::No => prop_assert!(!truth.is_cleared(), "{told:?} {truth:?}"),
                Likelihood::Likely | Likelihood::Possible => {}
            }
        }
    }

    #[test]
    fn what_is_crossed_is_not_cleared(when in kinds(), cells in cells()) {
        if let Ok(told) = judge(&rule(when), &watched(&cells, false)) {
            prop_assert!(!(told.is_crossed() && told.is_cleared()), "{told:?}");
        }
    }

    #[test]
    fn a_missing_figure_decides_nothing_that_some_figure_would_turn(
        when in kinds(), cells in cells(), k in 0..6usize, own in any::<bool>(), instead in 0.0..2.0f64,
    ) {
        // A window averages what there is: it is about the figures that are there.
        prop_assume!(!when.contains("window") && !when.contains("series"));
        let with = |cell: Cell| {
            let mut cells = cells.clone();
            if own { cells[k].0 = cell } else { cells[k].1 = cell }
            judge(&rule(when), &watched(&cells, false))
        };
        if let (Ok(without), Ok(with)) = (with(None), with(Some((instead, instead, instead, instead)))) {
            prop_assert_eq!(without.is_crossed(), with.is_crossed());
            prop_assert!(!without.is_cleared() || with.is_cleared());
        }
    }

    #[test]
    fn a_greater_value_is_never_less_beyond_a_line_above(value in 0.0..1.0f64, down in 0.0..0.5f64, up in 0.0..0.5f64, more in 0.0..0.5f64) {
        let line = Line { at: 0.5, above: true, clear: Some(0.4) };
        let range = |more: f64| Range { value: value + more, low: Some(value + more - down), high: Some(value + more + up) };
        let (one, other) = (line.judge(&range(0.0)), line.judge(&range(more)));
        prop_assert!(one.crossed <= other.crossed && one.cleared >= other.cleared);
    }

    #[test]
    fn a_greater_figure_is_never_less_beyond(k in 0..4usize, cells in cells(), more in 0.0..0.5f64) {
        let when = ["{above: 0.5}", "{change: absolute, above: 0.1}", "{window: {periods: 4}, above: 0.1}", "{target: {at_most: 0.3, by: 2030, from: 2020}}"][k];
        let mut greater = cells.clone();
        if let Some((value, low, high, _)) = &mut greater[5].0 {
            for one in [value, low, high] { *one += more; }
        }
        if let (Ok(one), Ok(other)) = (judge(&rule(when), &watched(&cells, false)), judge(&rule(when), &watched(&greater, false))) {
            prop_assert!(one.crossed <= other.crossed, "{one:?} {other:?}");
        }
    }

    #[test]
    fn the_order_of_parts_and_double_negation_change_nothing(cells in cells(), all in any::<bool>()) {
        let parts = ["{above: 0.5, clear: 0.45}", "{measure: production-top1, below: 0.6}", "{change: absolute, above: 0.0}"];
        let word = if all { "all" } else { "any" };
        let of = |order: [usize; 3]| {
            let parts: Vec<&str> = order.iter().map(|k| parts[*k]).collect();
            judge(&rule(&format!("{{{word}: [{}]}}", parts.join(", "))), &watched(&cells, false))
        };
        let one = of([0, 1, 2]);
        for order in [[0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            prop_assert_eq!(&of(order), &one);
        }
        let twice = judge(&rule(&format!("{{not: {{not: {{{word}: [{}]}}}}}}", parts.join(", "))), &watched(&cells, false));
        prop_assert_eq!(twice, one);
        let other = if all { "any" } else { "all" };
        let contrary: Vec<String> = parts.iter().map(|part| format!("{{not: {part}}}")).collect();
        let contrary = judge(&rule(&format!("{{not: {{{other}: [{}]}}}}", contrary.join(", "))), &watched(&cells, false));
        prop_assert_eq!(contrary.map(|one| (one.crossed, one.cleared)), of([0, 1, 2]).map(|one| (one.crossed, one.cleared)));
    }

    #[test]
    fn what_comes_later_changes_no_earlier_state(when in kinds(), cells in cells()) {
        let rule = rule(when);
        let whole = watched(&cells, false);
        let all = Trajectory::fold(&rule, &whole, None);
        for k in 0..=cells.len() {
            let part = Watched { figures: whole.figures[..k].to_vec(), ..whole.clone() };
            let part = Trajectory::fold(&rule, &part, None);
            prop_assert_eq!(part.points(), &all.points()[..k]);
        }
    }

    #[test]
    fn an_expression_never_panics_however_it_is_written(text in "\\PC{0,60}", words in prop::collection::vec(prop::sample::select(vec![
        "value", "previous(1)", "series", "(", ")", "[", "]", "&&", "||", "!", ">", "<", "==", "+", "-", "*", "/", "%", "1", "0.5", "'a'", "?", ":", ".map(x, x)", ".all(x, x > 0.1)", "period", "{", "}", "in", "size(", "true", "9223372036854775807", "\\", "\"", "b'x'", ",",
    ]), 0..14)) {
        for text in [text, words.join(" ")] {
            let rule = orewatch_contracts::alerting::v1::Rule {
                id: "r".to_owned(), title: "R".to_owned(), measure: "import-top1".to_owned(),
                when: Some(orewatch_contracts::alerting::v1::Condition {
                    kind: Some(orewatch_contracts::alerting::v1::condition::Kind::Cel(text)), ..Default::default()
                }),
                ..Default::default()
            };
            if let Ok(rule) = check(&rule) {
                let cells = vec![(Some((0.5, 0.4, 0.6, 0.5)), None); 3];
                drop(judge(&rule, &watched(&cells, false)));
            }
        }
    }
}

#[test]
fn every_kind_of_missing_is_told_apart() {
    let of = |status: Status| {
        let mut watched = watched(&[(Some((0.9, 0.9, 0.9, 0.9)), None)], false);
        let mut figure = (*watched.figures[0].1).clone();
        figure.estimate.status = status.into();
        if status != Status::Stale {
            figure.estimate.value = None;
        }
        watched.figures[0].1 = Arc::new(figure);
        judge(&rule("{above: 0.5}"), &watched)
    };
    assert_eq!(of(Status::Stale), Err(Gap::Stale), "a stale figure is no observation, whatever its value");
    for status in [Status::Unavailable, Status::Withheld, Status::NotApplicable] {
        assert_eq!(of(status), Err(Gap::Missing));
    }
    let failing = rule("{cel: '1 / int(value) > 0'}");
    let cells = [(Some((0.5, 0.5, 0.5, 0.5)), None)];
    assert!(
        matches!(judge(&failing, &watched(&cells, false)), Err(Gap::Failed(why)) if why.contains("zero"))
    );
}
