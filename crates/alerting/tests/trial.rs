//! Tests of rules as people write them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]
use orewatch_alerting::rules::trial::{Report, Verdict, run};
use orewatch_runtime::Failure;

fn ran(text: &str) -> Result<Report, Failure> {
    run("tests.yaml", text.as_bytes(), &mut |file| {
        assert_eq!(file, "lines.yaml");
        Ok(b"id: line\ntitle: T\nmeasure: import-share\nwhen: {above: 0.5}\n".to_vec())
    })
}

#[test]
fn the_rules_of_the_pack_say_what_its_tests_expect() {
    let report = ran(include_str!("../packs/early-signs.tests.yaml")).unwrap();
    for test in &report.tests {
        assert_eq!(test.verdict, Verdict::Pass, "{test:#?}");
        assert!(!test.steps.is_empty(), "{test:#?}");
    }
    assert_eq!(report.tests.len(), 10);
}

const TEST: &str = "\
tests:
  - name: one
    rule:
      id: line
      title: T
      measure: import-share
      when: {above: 0.5, clear: 0.4}
      severity: {warning: 0.5, critical: 0.8}
      no_data: {resolve_after: 2}
    series: {2019: 0.6, 2020: {value: 0.9, low: 0.3}, 2021: failed, 2022: missing, 2023: stale, 2024: 0.6}
    expect:
      states: F F F F I F
      severities: {2020: critical}
      certainty: {2019: confirmed, 2020: not_confirmed}
      reasons: {2019: crossed, 2020: severity, 2021: '', 2022: no_data, 2023: stale_data, 2024: crossed}
      stale: [2022]
      episodes: 2
";

#[test]
fn everything_that_can_be_expected_is_looked_at() {
    let report = ran(TEST).unwrap();
    assert_eq!(report.tests[0].verdict, Verdict::Pass, "{report:#?}");
    for (old, new, step) in [
        ("states: F F F F I F", "states: F F F F F F", "2023"),
        ("{2020: critical}", "{2020: warning}", "2020 severities"),
        ("2019: confirmed", "2019: not_confirmed", "2019 certainty"),
        ("2022: no_data", "2022: stale_data", "2022 reasons"),
        ("stale: [2022]", "stale: [2022, 2023]", "stale"),
        ("episodes: 2", "episodes: 1", "episodes"),
    ] {
        let report = ran(&TEST.replace(old, new)).unwrap();
        assert_eq!(report.differing(), 1, "{new}");
        let differing: Vec<&str> = report.tests[0]
            .steps
            .iter()
            .filter(|step| step.differs())
            .map(|step| step.step.as_str())
            .collect();
        assert_eq!(differing, [step]);
    }
}

#[test]
fn a_revision_keeps_the_episode_of_a_firing_alert_unless_it_judges_anew() {
    let text = "\
tests:
  - name: kept
    rule: {id: line, title: T, measure: import-share, when: {above: 0.5}}
    series: {2021: 0.6, 2022: 0.6, 2023: 0.6, 2024: 0.6}
    revise:
      before: 2023
      rule: {id: line, title: T, measure: import-share, when: {above: 0.5}, hold: {periods: 3}}
      re_evaluate: false
    expect: {states: F F F F, episodes: 1}
";
    assert_eq!(ran(text).unwrap().differing(), 0, "{:#?}", ran(text));
    let anew = text.replace("re_evaluate: false", "re_evaluate: true");
    let anew = anew.replace(
        "states: F F F F, episodes: 1",
        "states: F F P F, episodes: 2, reasons: {2023: rule_revised rule_revised}",
    );
    assert_eq!(ran(&anew).unwrap().differing(), 0, "{:#?}", ran(&anew));
}

#[test]
fn a_rule_is_found_in_a_file_beside_the_tests() {
    let text =
        "tests:\n  - {name: one, file: lines.yaml, rule: line, series: {2024: 0.6}, expect: {states: F}}\n";
    assert_eq!(ran(text).unwrap().tests[0].verdict, Verdict::Pass);
}

#[test]
fn a_share_under_restriction_is_a_level_like_any_other() {
    let text = "\
tests:
  - name: one
    rule: {id: line, title: T, measure: restricted-share, select: {consumer: EU27}, when: {above: 0.5, clear: 0.3}}
    series: {2021: 0.2, 2022: {value: 0.6, low: 0.4, high: 0.9}, 2023: 0.4, 2024: 0.1}
    expect: {states: I F F I, certainty: {2022: not_confirmed}}
";
    assert_eq!(ran(text).unwrap().differing(), 0, "{:#?}", ran(text));
}

/// Each mistake in a file of tests: what is replaced in the example, by what, and what is said.
const MISTAKES: &[(&str, &str, &str)] = &[
    ("tests:", "test:", "tests.yaml holds no tests of rules"),
    ("expect:", "expects:", "tests.yaml:11:5: unknown field \"expects\""),
    ("states: F F F F I F", "states: F F", "tests.yaml:12:15: 2 states are expected of 6 periods"),
    ("{2020: critical}", "{2030: critical}", "tests.yaml:13:19: the series has no 2030"),
    ("2019: 0.6,", "2O19: 0.6,", "tests.yaml:10:13: \"2O19\" is no period"),
    ("2019: 0.6,", "2019-05: 0.6,", "tests.yaml:10:13: the rule watches years, and never sees 2019-05"),
    ("measure: import-share", "measure: import-shar", "tests.yaml:6:16: unknown measure \"import-shar\""),
    (
        "    series:",
        "    measures: {import-hhi: {2024: 1}}\n    series:",
        "tests.yaml:10:28: the rule looks at no measure \"import-hhi\" beside its own",
    ),
];

#[test]
fn a_mistake_in_a_test_is_told_with_its_place() {
    let mut untold = Vec::new();
    for (old, new, told) in MISTAKES {
        let text = TEST.replacen(old, new, 1);
        assert_ne!(text, TEST);
        match ran(&text) {
            Err(failure) if failure.message == *told => {}
            other => untold.push(format!("{new:?}: {told:?}, got {other:?}")),
        }
    }
    assert!(untold.is_empty(), "{}", untold.join("\n"));
}

#[test]
fn agreement_of_sources_and_months_can_be_tested() {
    let text = "\
tests:
  - name: one
    rule: {id: line, title: T, measure: import-share, when: {above: 0.5}, confirmed_by: 2, frequency: monthly}
    series:
      2024-01: 0.6
      2024-02: {value: 0.6, sources: 2, lowest: 0.4, highest: 0.6}
      2024-03: {value: 0.6, sources: 2, lowest: 0.55, highest: 0.6}
      2024-04: {value: 0.6, sources: 2, lowest: 0.4, highest: 0.6}
    expect:
      states: P P F F
      certainty: {2024-01: not_confirmed, 2024-03: confirmed}
      reasons: {2024-03: confirmed}
";
    assert_eq!(ran(text).unwrap().differing(), 0, "{:#?}", ran(text));
}
