//! Floors for the size of a market in rules, warnings about proxies, and tests of both.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
use orewatch_contracts::Failure;
use orewatch_contracts::alerting::v1::Rule;
use orewatch_contracts::exposure::v1::MarketSize;
use orewatch_rules::floor::Floor;
use orewatch_rules::rules::rule_test::{Verdict, run};
use orewatch_rules::rules::{check, parse, warnings};
use proptest::prelude::*;

const RULE: &str = "id: r\ntitle: T\nmeasure: import-share\nwhen: {above: 0.5}\n";

fn read(more: &str) -> Result<Rule, Failure> {
    parse("r.yaml", format!("{RULE}{more}").as_bytes()).map(|mut rules| rules.remove(0))
}

#[test]
fn a_floor_is_read_stored_and_checked_again() {
    let rule = read("min_quantity: 100\nmin_value: 0.5\n").unwrap();
    assert_eq!((rule.min_quantity, rule.min_value), (Some(100.0), Some(0.5)));
    let floor = check(&check(&rule).unwrap().rule).unwrap().condition.floor;
    assert_eq!(floor, Floor { quantity: Some(100.0), value: Some(0.5) });
    assert_eq!(check(&read("").unwrap()).unwrap().condition.floor, Floor::default());
}

#[test]
fn a_floor_that_is_no_size_is_refused() {
    for (text, code, field) in [
        ("min_quantity: 0\n", "out-of-range", "min_quantity"),
        ("min_quantity: -1\n", "out-of-range", "min_quantity"),
        ("min_value: .inf\n", "out-of-range", "min_value"),
        ("min_value: .nan\n", "out-of-range", "min_value"),
    ] {
        let failure = read(text).unwrap_err();
        assert_eq!((&*failure.code, &*failure.field), (code, field), "{failure:?}");
        assert!(failure.hint.contains("above 0"), "{failure:?}");
    }
    let output = "id: r\ntitle: T\nmeasure: production-top1\nwhen: {above: 0.5}\nmin_value: 5\n";
    let failure = parse("r.yaml", output.as_bytes()).unwrap_err();
    assert_eq!((&*failure.code, &*failure.field), ("unexpected-field", "min_value"));
    assert!(failure.hint.contains("min_quantity"), "{failure:?}");
}

/// A test of a rule may give the size: below the floor nothing fires, and what fires resolves.
#[test]
fn rule_tests_know_the_size_of_a_market() {
    let text = format!(
        "tests:\n  - name: floor\n    rule:\n{}      min_quantity: 100\n    series: {{2020: {{value: 0.9, \
         quantity_t: 50}}, 2021: {{value: 0.9, quantity_t: 100}}, 2022: 0.9, 2023: {{value: 0.9, quantity_t: \
         99.9, value_kusd: 9}}}}\n    expect:\n      states: I F F I\n      reasons: {{2021: crossed, 2023: \
         small_market}}\n",
        RULE.lines().map(|line| format!("      {line}\n")).collect::<String>()
    );
    let report = run("tests.yaml", text.as_bytes(), &mut |_| panic!("no other file is read")).unwrap();
    assert_eq!(report.tests[0].verdict, Verdict::Pass, "{report:#?}");
}

#[test]
fn a_rule_on_proxies_says_so() {
    let warned = |select: &str| {
        let rule = check(&read(&format!("select: {{{select}}}\n")).unwrap()).unwrap();
        let all = warnings(&rule, Some(1));
        let mut all = all.into_iter().filter(|warning| warning.code == "proxy-products");
        all.next().map(|warning| warning.message).unwrap_or_default()
    };
    let gallium = warned("material: gallium, consumer: JPN");
    assert!(
        gallium.starts_with("gallium, refined, is measured by code 811292 (unwrought gallium together"),
        "{gallium}"
    );
    assert!(gallium.ends_with("so that its figures may be about other goods"), "{gallium}");
    assert_eq!(warned("material: magnesium, stage: refined"), "");
    assert!(
        warned("material: [antimony, magnesium]").contains("magnesium, mined, is measured by code 251910")
    );
    assert_eq!(warned("material: antimony"), "");
    assert_eq!(warned("consumer: JPN"), "", "a rule on everything names no material");
    let output =
        "id: r\ntitle: T\nmeasure: production-top1\nselect: {material: gallium}\nwhen: {above: 0.5}\n";
    let output = check(&parse("r.yaml", output.as_bytes()).unwrap()[0]).unwrap();
    assert!(warnings(&output, Some(1)).is_empty(), "output is about the material itself");
}

proptest! {
    /// A market misses a floor only by a size that is known and smaller.
    #[test]
    fn only_a_known_smaller_size_misses_a_floor(
        quantity in prop::option::of(0.0..1e6_f64),
        value in prop::option::of(0.0..1e6_f64),
        min_quantity in prop::option::of(1e-3..1e6_f64),
        min_value in prop::option::of(1e-3..1e6_f64),
    ) {
        let floor = Floor { quantity: min_quantity, value: min_value };
        let size = MarketSize { quantity_t: quantity, value_kusd: value };
        let is_below = |size: Option<f64>, floor: Option<f64>| {
            size.zip(floor).is_some_and(|(size, floor)| size < floor)
        };
        let missed = is_below(quantity, min_quantity) || is_below(value, min_value);
        prop_assert_eq!(floor.is_missed(Some(&size)), missed);
        prop_assert_eq!(floor.shortfall(Some(&size)).is_some(), missed);
        prop_assert!(!floor.is_missed(None));
    }
}
