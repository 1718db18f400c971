//! Rules on the command line: their tests, their health, and the pack of early signs on the reference figures.
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::run::{Up, err, json, ok, run};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn tests_of_rules_pass_or_show_the_step_that_differs() {
    let pack = root().join("crates/alerting/packs/early-signs.tests.yaml");
    let cases = root().join("tests/cases/alerts.yaml");
    let [pack, cases] = [pack, cases].map(|path| path.to_str().unwrap().to_owned());
    let passed = run(&["rules", "test", &pack, &cases]);
    assert_eq!(passed.status.code(), Some(0), "{}", err(&passed));
    let shown = String::from_utf8(passed.stdout.clone()).unwrap();
    assert!(shown.contains("ours    R18  raising the hold"), "{shown}");
    assert!(shown.contains("our states: P F F F"), "{shown}");
    assert!(
        err(&passed).contains("section \"silence\" is not about rules and was left out"),
        "{}",
        err(&passed)
    );

    let told = json(&["rules", "test", &cases]);
    let tests = told[0]["tests"].as_array().unwrap();
    let verdicts = tests.iter().fold(BTreeMap::new(), |mut all: BTreeMap<&str, usize>, test| {
        *all.entry(test["verdict"].as_str().unwrap()).or_default() += 1;
        all
    });
    assert_eq!(verdicts.get("ours"), Some(&3), "{verdicts:?}");
    assert_eq!(verdicts.get("differs"), None, "{verdicts:?}");

    let dir = tempfile::tempdir().unwrap();
    let wrong = dir.path().join("wrong.yaml");
    fs::write(
        &wrong,
        fs::read_to_string(&cases).unwrap().replace("expect: {a: \"I F F I\"}", "expect: {a: \"I F I I\"}"),
    )
    .unwrap();
    let wrong = wrong.to_str().unwrap();
    let differs = run(&["rules", "test", wrong]);
    assert_eq!(differs.status.code(), Some(2), "{}", err(&differs));
    let shown = String::from_utf8(differs.stdout.clone()).unwrap();
    let step = shown.lines().find(|line| line.ends_with("<- differs")).unwrap_or_else(|| panic!("{shown}"));
    assert_eq!(step.split_whitespace().take(4).collect::<Vec<_>>(), ["2", "3", "I", "F"], "{shown}");
    assert!(err(&differs).contains("1 of "), "{}", err(&differs));
    assert!(ok(&["rules", "test", &cases, "--format", "csv"]).starts_with("file,test,title,verdict,step,"));
}

/// The first alerts of a rule: each is asked about anew.
fn of<'a>(alerts: &'a [Value], rule: &str) -> Vec<&'a Value> {
    alerts.iter().filter(|alert| alert["rule"] == rule).take(4).collect()
}

/// What the rules say must be so in the figures: each is held against what `exposure` answers.
#[test]
fn the_early_signs_are_in_the_reference_figures() {
    let dir = tempfile::tempdir().unwrap();
    let up = Up::start(dir.path().join("data").to_str().unwrap());
    let ask = |args: &[&str]| json(&[args, &["--server", &up.address, "--timeout", "600s"]].concat());
    ask(&["ingest", "--reference"]);
    let rules = ask(&["rules", "apply", "--pack", "early-signs"]);
    let health: Vec<_> =
        rules.as_array().unwrap().iter().map(|rule| (&rule["rule"], &rule["health"])).collect();
    assert!(
        health.iter().all(|(_, health)| **health == "ok" || **health == "stale" || **health == "unknown"),
        "{health:?}"
    );

    let alerts = ask(&["alerts"]);
    let alerts = alerts.as_array().unwrap();
    // China's share by period. A supplier that is not among those of a period sent nothing.
    let series = |alert: &Value| -> BTreeMap<String, f64> {
        let [consumer, material, stage] =
            ["consumer", "material", "stage"].map(|field| alert[field].as_str().unwrap());
        let about = ["--consumer", consumer, "--material", material, "--stage", stage];
        let what = ["--measure", "import-share", "--by", "quantity", "--as-of", "all"];
        let rows = ask(&[&["exposure"], &about[..], &what].concat());
        let mut series = BTreeMap::new();
        for row in rows["exposures"].as_array().unwrap() {
            let share = series.entry(row["period"].as_str().unwrap().to_owned()).or_insert(0.0);
            if row["supplier"] == "CHN" {
                *share = row["value"].as_f64().unwrap();
            }
        }
        series
    };

    // Twenty points more than three years before, at the crossing.
    for alert in of(alerts, "early-signs-rise") {
        let found = series(alert);
        let since: i32 = alert["since"].as_str().unwrap().parse().unwrap();
        let rise = found[&since.to_string()] - found[&(since - 3).to_string()];
        assert!(rise > 0.2, "{alert:#}");
    }
    // Above one half now, and above the year before.
    for alert in of(alerts, "early-signs-two-years") {
        let found = series(alert);
        let [a, b, c] = ["2022", "2023", "2024"].map(|year| found[year]);
        assert!(c > 0.5 && c > b && b > a, "{alert:#}");
    }
    // Where one economy makes more than half of the world's output.
    for alert in of(alerts, "early-signs-exposed") {
        assert!(alert["value"].as_f64().unwrap() > 0.55, "{alert:#}");
        let [material, stage] = ["material", "stage"].map(|field| alert[field].as_str().unwrap());
        let output = ask(&[
            "exposure",
            "--consumer",
            "WLD",
            "--material",
            material,
            "--stage",
            stage,
            "--measure",
            "production-top1",
        ]);
        assert!(output["exposures"][0]["value"].as_f64().unwrap() > 0.5, "{output:#}");
        assert!(!alert["contributors"].as_array().unwrap().is_empty(), "{alert:#}");
    }
    // Every figure is of 2024: none is too old as long as these releases are.
    for rule in ["early-signs-exposed", "early-signs-path", "early-signs-switch"] {
        assert!(!of(alerts, rule).is_empty(), "{rule} says nothing");
    }
    for alert in of(alerts, "early-signs-switch") {
        let finding = alert["finding"].as_str().unwrap();
        assert!(finding.contains(" in 2023, ") && finding.ends_with(" in 2024"), "{alert:#}");
    }
}
