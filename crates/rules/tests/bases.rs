//! Conditions on both bases: what an alert says of a figure by quantity and by value.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]
use std::sync::Arc;

use orewatch_catalog::Period;
use orewatch_contracts::common::v1::{By, Estimate, Status};
use orewatch_rules::condition::PeriodView;
use orewatch_rules::figures::{Figure, WatchedSubject, unavailable};
use orewatch_rules::period::end_of_period;
use orewatch_rules::rules::packs::pack;
use orewatch_rules::rules::{CheckedRule, check, parse};

type Series = Vec<(Period, Arc<Figure>)>;

/// Best estimate, lower and upper bound.
type Bounded = (f64, f64, f64);

/// Figures with their bounds; no figure for `None`.
fn series(figures: &[(i16, Option<Bounded>)]) -> Series {
    let figure = |(year, figure): &(i16, Option<Bounded>)| {
        let estimate = match figure {
            None => unavailable("missing"),
            Some((value, low, high)) => Estimate {
                value: Some(*value),
                low: Some(*low),
                high: Some(*high),
                coverage: Some(1.0),
                status: Status::Partial.into(),
                reason: String::new(),
            },
        };
        (Period::year(*year).unwrap(), Arc::new(Figure { estimate, ..Figure::default() }))
    };
    figures.iter().map(figure).collect()
}

fn exact(value: f64) -> Option<(f64, f64, f64)> {
    Some((value, value, value))
}

/// What a rule finds in the newest year, given the figures by its own basis and by the other one.
fn finding(rule: &CheckedRule, own: Series, other: Series) -> String {
    let watched = WatchedSubject { figures: own, others: vec![other], ..WatchedSubject::default() };
    let index = watched.figures.len() - 1;
    let time = end_of_period(watched.figures[index].0);
    rule.condition.finding(&PeriodView { watched: &watched, index, time }, "share")
}

fn pack_rule(id: &str) -> CheckedRule {
    let pack = pack("g7-2030").unwrap();
    let rules = parse(pack.name, pack.text.as_bytes()).unwrap();
    check(rules.iter().find(|rule| rule.id == id).unwrap()).unwrap()
}

fn rule(text: &str) -> CheckedRule {
    let text = format!("id: r\ntitle: R\nmeasure: import-share\n{text}\n");
    check(&parse("r.yaml", text.as_bytes()).unwrap_or_else(|failure| panic!("{failure}"))[0]).unwrap()
}

/// China's share of the G7's imports of rare earths in BACI 202601.
#[test]
fn an_alert_tells_the_figures_of_2024_by_quantity_and_by_value() {
    let rule = pack_rule("g7-2030-rare-earths");
    assert_eq!(rule.condition.describe("share"), "above 60 % by quantity or by value");
    let (by_quantity, by_value) = (series(&[(2024, exact(0.6773))]), series(&[(2024, exact(0.5073))]));
    assert_eq!(
        finding(&rule, by_quantity, by_value),
        "67.7 % by quantity (above 60 %), 50.7 % by value (not above 60 %)"
    );
}

#[test]
fn a_figure_that_is_missing_or_not_confirmed_is_told_as_such() {
    let rule = pack_rule("g7-2030-rare-earths");
    let wide = series(&[(2024, Some((0.65, 0.55, 0.7)))]);
    assert_eq!(
        finding(&rule, wide.clone(), series(&[(2024, None)])),
        "65 % by quantity (above 60 %, not confirmed), no figure by value"
    );
    assert_eq!(
        finding(&rule, wide, Vec::new()),
        "65 % by quantity (above 60 %, not confirmed), no figure by value"
    );
    let below = series(&[(2024, Some((0.58, 0.55, 0.62)))]);
    assert_eq!(
        finding(&rule, below, series(&[(2024, exact(0.7))])),
        "58 % by quantity (not above 60 %, not confirmed), 70 % by value (above 60 %)"
    );
}

#[test]
fn a_path_is_told_on_both_bases() {
    let rule = pack_rule("g7-2030-rare-earths-path");
    assert_eq!(
        rule.condition.describe("share"),
        "(the figure by quantity is off the path to at most 60 % by 2030 or the figure by value is off the \
         path to at most 60 % by 2030)"
    );
    let by_quantity = series(&[(2024, exact(0.66)), (2027, exact(0.65))]);
    let by_value = series(&[(2024, exact(0.5)), (2027, exact(0.55))]);
    assert_eq!(
        finding(&rule, by_quantity, by_value),
        "65 % by quantity (path 63 %), 55 % by value (path 60 %)"
    );
}

/// A rule by value names its bases the other way round, and a combination of other things stays as it is.
#[test]
fn only_the_same_figure_on_both_bases_is_told_so() {
    let by_value = rule("by: value\nwhen: {all: [{above: 0.5}, {by: quantity, above: 0.5}]}");
    assert_eq!(by_value.condition.describe("share"), "above 50 % by value and by quantity");
    assert_eq!(by_value.condition.other_series[0].by, By::Quantity);
    let [a, b] = [0.6, 0.7].map(|value| series(&[(2024, exact(value))]));
    assert_eq!(
        finding(&by_value, a.clone(), b.clone()),
        "60 % by value (above 50 %), 70 % by quantity (above 50 %)"
    );
    let elsewhere = rule("when: {all: [{above: 0.5}, {by: value, consumer: WLD, above: 0.5}]}");
    assert_eq!(
        elsewhere.condition.describe("share"),
        "(the figure is above 50 % and import-share of WLD is above 50 %)"
    );
    assert_eq!(finding(&elsewhere, a.clone(), b.clone()), "");
    let other = rule("when: {all: [{above: 0.5}, {measure: import-top1, above: 0.5}]}");
    assert_eq!(finding(&other, a, b), "");
}
