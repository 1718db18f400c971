//! Rule tests in files: what they check, and mistakes in them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]
use orewatch_contracts::Failure;
use orewatch_rules::rules::rule_test::{TestReport, Verdict, run};

fn run_tests(text: &str) -> Result<TestReport, Failure> {
    run("tests.yaml", text.as_bytes(), &mut |file| {
        assert_eq!(file, "lines.yaml");
        Ok(b"id: line\ntitle: T\nmeasure: import-share\nwhen: {above: 0.5}\n".to_vec())
    })
}

#[test]
fn the_tests_of_the_pack_pass() {
    let report = run_tests(include_str!("../packs/early-signs.tests.yaml")).unwrap();
    for test in &report.tests {
        assert_eq!(test.verdict, Verdict::Pass, "{test:#?}");
        assert!(!test.steps.is_empty(), "{test:#?}");
    }
    assert_eq!(report.tests.len(), 13);
}

#[test]
fn the_tests_of_the_targets_of_the_g7_pass() {
    let report = run_tests(include_str!("../packs/g7-2030.tests.yaml")).unwrap();
    for test in &report.tests {
        assert_eq!(test.verdict, Verdict::Pass, "{test:#?}");
    }
    assert_eq!(report.tests.len(), 5);
}

#[test]
fn the_tests_of_the_monthly_pack_pass() {
    let report = run_tests(include_str!("../packs/uk-magnets.tests.yaml")).unwrap();
    for test in &report.tests {
        assert_eq!(test.verdict, Verdict::Pass, "{test:#?}");
    }
    assert_eq!(report.tests.len(), 3);
}

#[test]
fn a_series_of_a_basis_that_the_rule_does_not_read_is_a_mistake() {
    let text = include_str!("../packs/g7-2030.tests.yaml")
        .replace("import-share by value", "import-share by weight");
    let failure = run_tests(&text).unwrap_err();
    assert!(
        failure.message.ends_with("the rule does not use the measure \"import-share by weight\""),
        "{failure}"
    );
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
fn every_kind_of_expectation_is_compared() {
    let report = run_tests(TEST).unwrap();
    assert_eq!(report.tests[0].verdict, Verdict::Pass, "{report:#?}");
    for (old, new, step) in [
        ("states: F F F F I F", "states: F F F F F F", "2023"),
        ("{2020: critical}", "{2020: warning}", "2020 severities"),
        ("2019: confirmed", "2019: not_confirmed", "2019 certainty"),
        ("2022: no_data", "2022: stale_data", "2022 reasons"),
        ("stale: [2022]", "stale: [2022, 2023]", "stale"),
        ("episodes: 2", "episodes: 1", "episodes"),
    ] {
        let report = run_tests(&TEST.replace(old, new)).unwrap();
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
fn a_revision_keeps_the_episode_unless_it_re_evaluates() {
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
    assert_eq!(run_tests(text).unwrap().differing(), 0, "{:#?}", run_tests(text));
    let re_evaluated = text.replace("re_evaluate: false", "re_evaluate: true");
    let re_evaluated = re_evaluated.replace(
        "states: F F F F, episodes: 1",
        "states: F F P F, episodes: 2, reasons: {2023: rule_revised rule_revised}",
    );
    assert_eq!(run_tests(&re_evaluated).unwrap().differing(), 0, "{:#?}", run_tests(&re_evaluated));
}

#[test]
fn a_test_can_name_a_rule_of_another_file() {
    let text =
        "tests:\n  - {name: one, file: lines.yaml, rule: line, series: {2024: 0.6}, expect: {states: F}}\n";
    assert_eq!(run_tests(text).unwrap().tests[0].verdict, Verdict::Pass);
}

#[test]
fn restricted_share_can_be_tested_like_any_measure() {
    let text = "\
tests:
  - name: one
    rule:
      id: line
      title: T
      measure: restricted-share
      select: {consumer: EU27}
      when: {above: 0.5, clear: 0.3}
    series: {2021: 0.2, 2022: {value: 0.6, low: 0.4, high: 0.9}, 2023: 0.4, 2024: 0.1}
    expect: {states: I F F I, certainty: {2022: not_confirmed}}
";
    assert_eq!(run_tests(text).unwrap().differing(), 0, "{:#?}", run_tests(text));
}

/// Mistakes in a test file: old and new text, and the message.
const MISTAKES: &[(&str, &str, &str)] = &[
    ("tests:", "test:", "tests.yaml contains no rule tests"),
    ("expect:", "expects:", "tests.yaml:11:5: unknown field \"expects\""),
    ("states: F F F F I F", "states: F F", "tests.yaml:12:15: 2 states are expected for 6 periods"),
    ("{2020: critical}", "{2030: critical}", "tests.yaml:13:19: the series has no period 2030"),
    ("2019: 0.6,", "2O19: 0.6,", "tests.yaml:10:13: \"2O19\" is not a period"),
    ("2019: 0.6,", "2019-05: 0.6,", "tests.yaml:10:13: the rule watches years, but 2019-05 is given"),
    ("measure: import-share", "measure: import-shar", "tests.yaml:6:16: unknown measure \"import-shar\""),
    (
        "    series:",
        "    measures: {import-hhi: {2024: 1}}\n    series:",
        "tests.yaml:10:28: the rule does not use the measure \"import-hhi\"",
    ),
];

#[test]
fn a_mistake_in_a_test_is_reported_with_its_location() {
    let mut wrong = Vec::new();
    for (old, new, message) in MISTAKES {
        let text = TEST.replacen(old, new, 1);
        assert_ne!(text, TEST);
        match run_tests(&text) {
            Err(failure) if failure.message == *message => {}
            other => wrong.push(format!("{new:?}: {message:?}, got {other:?}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
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
    assert_eq!(run_tests(text).unwrap().differing(), 0, "{:#?}", run_tests(text));
}

/// Whether a rule fires in the last of two periods, given a verdict.
fn fires(when: &str, claim: &str) -> bool {
    let text = format!(
        "tests:\n  - name: one\n    rule: {{id: r, title: T, measure: import-share, when: {when}}}\n\
         \x20   series: {{2023: 0.6, 2024: 0.4}}\n{claim}    expect: {{states: I F}}\n"
    );
    run_tests(&text).unwrap().tests[0].verdict == Verdict::Pass
}

#[test]
fn a_verdict_counts_in_the_newest_period_alone_and_in_combinations() {
    let [contradicted, agrees] = ["contradicted", "agrees"].map(|verdict| format!("    claim: {verdict}\n"));
    let either = "{claim: [agrees-only-with, contradicted]}";
    assert!(fires("{claim: contradicted}", &contradicted) && fires(either, &contradicted));
    assert!(!fires("{claim: contradicted}", &agrees) && !fires(either, &agrees));
    let both = "{all: [{claim: contradicted}, {below: 0.5}]}";
    assert!(fires(both, &contradicted) && !fires(both, &agrees));
    assert!(!fires("{all: [{claim: contradicted}, {above: 0.5}]}", &contradicted));
    let any = "{any: [{claim: contradicted}, {above: 0.9}]}";
    assert!(fires(any, &contradicted) && !fires(any, &agrees));
    let other = "{all: [{claim: contradicted, measure: production-share, consumer: WLD}, {below: 0.5}]}";
    assert!(fires(other, &contradicted) && !fires(other, &agrees));
    assert!(!fires("{claim: contradicted}", ""), "a verdict that nobody gave is none");
}

#[test]
fn a_verdict_for_a_rule_that_reads_none_is_a_mistake() {
    let text = format!("{TEST}    claim: contradicted\n");
    let failure = run_tests(&text).unwrap_err();
    assert!(failure.message.ends_with("the rule reads no claims"), "{failure}");
    let text = "tests:\n  - name: one\n\
                \x20   rule: {id: r, title: T, measure: import-share, when: {claim: agrees}}\n\
                \x20   series: {2024: 0.4}\n    claim: agree\n    expect: {states: F}\n";
    let failure = run_tests(text).unwrap_err();
    assert_eq!((failure.code.as_ref(), failure.hint.as_str()), ("unknown-verdict", "did you mean agrees?"));
}
