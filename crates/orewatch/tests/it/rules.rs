//! Rules on the command line: their tests, their health, and the pack of early signs on the reference
//! figures.
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::run::{Up, err, json, ok, run};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn rule_tests_pass_or_show_the_step_that_differs() {
    let pack = root().join("crates/rules/packs/early-signs.tests.yaml");
    let cases = root().join("tests/cases/alerts.yaml");
    let [pack, cases] = [pack, cases].map(|path| path.to_str().unwrap().to_owned());
    let passed = run(&["rules", "test", &pack, &cases]);
    assert_eq!(passed.status.code(), Some(0), "{}", err(&passed));
    let shown = String::from_utf8(passed.stdout.clone()).unwrap();
    assert!(shown.contains("ours    R18  raising the hold"), "{shown}");
    assert!(shown.contains("our states: P F F F"), "{shown}");
    assert!(
        err(&passed).contains("section \"silence\" is not about rules and was ignored"),
        "{}",
        err(&passed)
    );

    let reports = json(&["rules", "test", &cases]);
    let tests = reports[0]["tests"].as_array().unwrap();
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

/// A server with the reference figures and the pack of early signs.
struct Desk {
    _dir: tempfile::TempDir,
    up: Up,
}

impl Desk {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let up = Up::start(dir.path().join("data").to_str().unwrap());
        let desk = Self { _dir: dir, up };
        desk.json(&["ingest", "--reference"]);
        let rules = desk.json(&["rules", "apply", "--pack", "early-signs"]);
        let health: Vec<_> =
            rules.as_array().unwrap().iter().map(|rule| (&rule["rule"], &rule["health"])).collect();
        assert!(
            health.iter().all(|(_, health)| **health == "ok" || **health == "stale" || **health == "unknown"),
            "{health:?}"
        );
        desk
    }

    #[track_caller]
    fn json(&self, args: &[&str]) -> Value {
        json(&[args, &["--server", &self.up.address, "--timeout", "600s"]].concat())
    }

    /// China's share by period. A supplier that is not among those of a period supplied nothing.
    fn shares_of_china(&self, alert: &Value) -> BTreeMap<String, f64> {
        let [consumer, material, stage] = ["consumer", "material", "stage"].map(|field| text(alert, field));
        let subject = ["--consumer", consumer, "--material", material, "--stage", stage];
        let measure = ["--measure", "import-share", "--by", "quantity", "--as-of", "all"];
        let rows = self.json(&[&["exposure"], &subject[..], &measure].concat());
        let mut series = BTreeMap::new();
        for row in rows["exposures"].as_array().unwrap() {
            let share = series.entry(text(row, "period").to_owned()).or_insert(0.0);
            if row["supplier"] == "CHN" {
                *share = row["value"].as_f64().unwrap();
            }
        }
        series
    }

    /// Share of the largest producer in the world's output of what the alert is about.
    fn largest_producer_share(&self, alert: &Value) -> f64 {
        let [material, stage] = ["material", "stage"].map(|field| text(alert, field));
        let subject = ["--consumer", "WLD", "--material", material, "--stage", stage];
        let rows = self.json(&[&["exposure"], &subject[..], &["--measure", "production-top1"]].concat());
        rows["exposures"][0]["value"].as_f64().unwrap()
    }
}

fn text<'a>(row: &'a Value, field: &str) -> &'a str {
    row[field].as_str().unwrap()
}

/// The first alerts of a rule. Each takes queries of its own to check, so a few have to do.
fn first_alerts<'a>(alerts: &'a [Value], rule: &str) -> Vec<&'a Value> {
    alerts.iter().filter(|alert| alert["rule"] == rule).take(4).collect()
}

/// What the rules claim is checked against what `exposure` answers.
#[test]
fn the_early_signs_are_in_the_reference_figures() {
    let desk = Desk::new();
    let alerts = desk.json(&["alerts"]);
    let alerts = alerts.as_array().unwrap();
    // At the crossing, the share was twenty points above that of three years before.
    for alert in first_alerts(alerts, "early-signs-rise") {
        let shares = desk.shares_of_china(alert);
        let since: i32 = text(alert, "since").parse().unwrap();
        let rise = shares[&since.to_string()] - shares[&(since - 3).to_string()];
        assert!(rise > 0.2, "{alert:#}");
    }
    // Above one half now, and above the year before, twice.
    for alert in first_alerts(alerts, "early-signs-two-years") {
        let shares = desk.shares_of_china(alert);
        let [a, b, c] = ["2022", "2023", "2024"].map(|year| shares[year]);
        assert!(c > 0.5 && c > b && b > a, "{alert:#}");
    }
    // Where one economy produces more than half of the world's output.
    for alert in first_alerts(alerts, "early-signs-exposed") {
        assert!(alert["value"].as_f64().unwrap() > 0.55, "{alert:#}");
        assert!(desk.largest_producer_share(alert) > 0.5, "{alert:#}");
        assert!(!alert["contributors"].as_array().unwrap().is_empty(), "{alert:#}");
    }
    // Every figure is of 2024, so none is too old as long as these releases are.
    for rule in ["early-signs-exposed", "early-signs-path", "early-signs-switch"] {
        assert!(!first_alerts(alerts, rule).is_empty(), "{rule} does not fire");
    }
    for alert in first_alerts(alerts, "early-signs-switch") {
        let finding = text(alert, "finding");
        assert!(finding.contains(" in 2023, ") && finding.ends_with(" in 2024"), "{alert:#}");
    }
}

#[test]
fn rules_are_stored_although_exposure_does_not_answer_and_their_cost_is_listed() {
    let dir = tempfile::tempdir().unwrap();
    let up = Up::start(dir.path().join("data").to_str().unwrap());
    let file = dir.path().join("rule.yaml");
    fs::write(&file, "id: line\ntitle: T\nmeasure: import-share\nwhen: {above: 0.5}\n").unwrap();
    let unreachable = "http://127.0.0.1:9";
    let elsewhere = ["--alerting", &up.address, "--exposure", unreachable, "--timeout", "5s"];
    let apply = run(&[&["rules", "apply", file.to_str().unwrap()][..], &elsewhere].concat());
    assert_eq!(apply.status.code(), Some(0), "{}", err(&apply));
    assert!(
        err(&apply).contains("The rules are stored, but their evaluation is not awaited"),
        "{}",
        err(&apply)
    );

    let list = |format: &str| ok(&["rules", "list", "--server", &up.address, "--format", format]);
    let table = list("table");
    let head = table.lines().next().unwrap().to_lowercase();
    assert!(head.contains("cost") && table.contains("line"), "{table}");
    let csv = list("csv");
    let head: Vec<&str> = csv.lines().next().unwrap().split(',').collect();
    for column in ["cost_steps", "cost_limit", "cost_last_steps", "periods"] {
        assert!(head.contains(&column), "{csv}");
    }
    // The cost is known once the rule is evaluated, which `apply` did not wait for.
    let cost = (0..200).find_map(|_| {
        let rules = json(&["rules", "list", "--server", &up.address]);
        assert_eq!(rules[0]["rule"], "line", "{rules}");
        let cost = rules[0]["cost_steps"].as_u64().zip(rules[0]["cost_limit"].as_u64());
        cost.or_else(|| {
            std::thread::sleep(std::time::Duration::from_millis(50));
            None
        })
    });
    let (steps, limit) = cost.expect("the rule is evaluated, and its cost is listed");
    assert!(steps < limit, "{steps} of {limit}");
}
