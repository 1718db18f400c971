//! Tests of `deploy/monitoring`: alert rules fire when they should, every name in rules and dashboards is a
//! metric that exists, and every alert has a runbook whose commands run.
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use orewatch_runtime::metrics::{Kind, Metric, catalogue};
use orewatch_tests::tools::{output, read, root, text, tool};
use serde_json::Value;
use tempfile::TempDir;

/// Dashboards of Grafana.
const DASHBOARDS: [&str; 3] = ["overview", "log", "delivery"];

/// Sections of a runbook, in their order.
const SECTIONS: [&str; 5] = ["Meaning", "Impact", "Check", "Act", "Verify"];

/// The rules as Prometheus takes them: what is below `spec`.
fn rules() -> Value {
    let document: Value = serde_saphyr::from_str(&read("deploy/monitoring/rules.yaml")).expect("YAML");
    assert_eq!(document["kind"], "PrometheusRule");
    document["spec"].clone()
}

/// Writes the rules into a folder, as a file that Prometheus takes. JSON is YAML.
pub(crate) fn rules_file(folder: &Path) -> PathBuf {
    let path = folder.join("rules.yaml");
    fs::write(&path, rules().to_string()).expect("a file");
    path
}

/// The alerts with their rules, by name.
fn alerts() -> BTreeMap<String, Value> {
    let rules = rules();
    let groups = rules["groups"].as_array().expect("groups");
    let rules = groups.iter().flat_map(|group| group["rules"].as_array().expect("rules"));
    rules.map(|rule| (rule["alert"].as_str().expect("an alert").to_owned(), rule.clone())).collect()
}

/// Every expression of a dashboard, with the title of its panel.
fn expressions(dashboard: &Value) -> Vec<(String, String)> {
    let panels = dashboard["panels"].as_array().expect("panels");
    let targets = panels.iter().flat_map(|panel| {
        let targets = panel["targets"].as_array().expect("targets");
        targets.iter().map(|target| (panel["title"].clone(), target["expr"].clone()))
    });
    let text = |value: Value| value.as_str().expect("text").to_owned();
    targets.map(|(title, expression)| (text(title), text(expression))).collect()
}

fn dashboard(name: &str) -> Value {
    let json = read(&format!("deploy/monitoring/dashboards/{name}.json"));
    serde_json::from_str(&json).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The names in an expression that look like metrics of ours.
fn names(expression: &str) -> BTreeSet<&str> {
    let words = expression.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    words.filter(|word| word.starts_with("orewatch_")).collect()
}

/// The metric that a name in an expression is of. A histogram has three names.
fn metric_of(name: &str) -> Option<&'static Metric> {
    catalogue::ALL.iter().copied().find(|metric| match metric.kind {
        Kind::Histogram(_) => {
            ["_bucket", "_count", "_sum"].iter().any(|end| format!("{}{end}", metric.name) == name)
        }
        _ => metric.name == name,
    })
}

/// What is wrong with an expression: names of metrics that are not there, and labels that none of them has.
fn faults(expression: &str) -> Vec<String> {
    let names = names(expression);
    let unknown = names.iter().filter(|name| metric_of(name).is_none());
    let mut faults: Vec<String> = unknown.map(|name| format!("there is no metric {name}")).collect();
    if names.is_empty() {
        faults.push("it names no metric".to_owned());
    }
    let known = names.iter().filter_map(|name| metric_of(name)).flat_map(|metric| metric.labels);
    // `le` and `instance` are labels that Prometheus adds.
    let labels: BTreeSet<&str> = known.map(|label| label.name).chain(["le", "instance"]).collect();
    faults.extend(
        used_labels(expression)
            .into_iter()
            .filter(|label| !labels.contains(label.as_str()))
            .map(|label| format!("no metric in it has a label {label}")),
    );
    faults
}

/// The labels that an expression groups by or matches.
fn used_labels(expression: &str) -> Vec<String> {
    let grouped = expression.split("by (").skip(1).filter_map(|rest| rest.split_once(')'));
    let grouped = grouped.flat_map(|(labels, _)| labels.split(','));
    let matched = expression.split('{').skip(1).filter_map(|rest| rest.split_once('}'));
    let matched = matched.flat_map(|(pairs, _)| pairs.split(',')).filter_map(|pair| pair.split('=').next());
    let all = grouped.chain(matched).map(|label| label.trim().trim_end_matches('!').to_owned());
    all.filter(|label| !label.is_empty()).collect()
}

/// Runs promtool in a folder. The error has its output.
fn promtool(folder: &Path, args: &[&str]) -> Result<String, String> {
    let run = output(Command::new(tool("promtool")).args(args).current_dir(folder));
    let message = text(&run.stdout) + &text(&run.stderr);
    if run.status.success() { Ok(message) } else { Err(message) }
}

#[test]
fn alert_rules_fire_on_their_faults_and_on_nothing_like_them() {
    let folder = TempDir::new().expect("a temporary folder");
    rules_file(folder.path());
    let tests = read("deploy/monitoring/tests/rules.test.yaml");
    fs::write(folder.path().join("rules.test.yaml"), &tests).expect("a file");
    promtool(folder.path(), &["check", "rules", "rules.yaml"]).unwrap();
    promtool(folder.path(), &["test", "rules", "rules.test.yaml"]).unwrap();
    for alert in alerts().keys() {
        let times = tests.matches(&format!("alertname: {alert}\n")).count();
        assert_eq!(times, 2, "{alert} is tested when it fires and when it does not");
    }
    // The tests would notice another threshold.
    for (from, to) in [("> 300", "> 3000"), ("0.8", "0.9"), ("\\\"stuck\\\"", "\\\"ready\\\"")] {
        let good = rules().to_string();
        assert!(good.contains(from), "the rules no longer say {from}");
        fs::write(folder.path().join("rules.yaml"), good.replacen(from, to, 1)).expect("a file");
        let tested = promtool(folder.path(), &["test", "rules", "rules.test.yaml"]);
        assert!(tested.is_err(), "{to:?} passed");
    }
}

#[test]
fn every_name_in_rules_and_dashboards_is_a_metric_with_these_labels() {
    let mut wrong = Vec::new();
    for (alert, rule) in alerts() {
        let expression = rule["expr"].as_str().expect("an expression");
        wrong.extend(faults(expression).into_iter().map(|fault| format!("{alert}: {fault}")));
    }
    for name in DASHBOARDS {
        for (title, expression) in expressions(&dashboard(name)) {
            let faults = faults(&expression).into_iter();
            wrong.extend(faults.map(|fault| format!("{name}, {title}: {fault}")));
        }
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn a_name_that_is_no_metric_is_found() {
    let faults_of = |expression: &str| faults(expression).len();
    assert_eq!(faults_of("sum by (service) (rate(orewatch_log_append_seconds_count[5m]))"), 0);
    for expression in [
        "rate(orewatch_log_append_seconds[5m])",
        "orewatch_no_such_metric > 0",
        "orewatch_log_lag_events_total",
        "sum by (material) (orewatch_alerts)",
        "orewatch_alerts{consumer=\"DEU\"}",
        "vector(1)",
    ] {
        assert_eq!(faults_of(expression), 1, "{expression}: {:?}", faults(expression));
    }
    let mut broken = dashboard("log");
    broken["panels"][0]["targets"][0]["expr"] = "orewatch_gone".into();
    assert!(expressions(&broken).iter().any(|(_, expression)| !faults(expression).is_empty()));
}

#[test]
fn every_metric_is_on_a_dashboard_and_every_expression_is_valid() {
    let folder = TempDir::new().expect("a temporary folder");
    let dashboards = DASHBOARDS.map(dashboard);
    let all: Vec<(String, String)> = dashboards.iter().flat_map(expressions).collect();
    let shown: BTreeSet<&str> = all
        .iter()
        .flat_map(|(_, expression)| names(expression))
        .filter_map(metric_of)
        .map(|metric| metric.name)
        .collect();
    let missing: Vec<&str> =
        catalogue::ALL.iter().map(|metric| metric.name).filter(|name| !shown.contains(name)).collect();
    assert_eq!(missing, [""; 0]);
    // A recording rule for each expression: promtool reads them all.
    let numbered = all.iter().enumerate();
    let rules: Vec<Value> = numbered.map(|(number, (_, expression))| record(number, expression)).collect();
    let document = serde_json::json!({"groups": [{"name": "panels", "rules": rules}]});
    fs::write(folder.path().join("panels.yaml"), document.to_string()).expect("a file");
    promtool(folder.path(), &["check", "rules", "panels.yaml"]).unwrap();
}

/// A recording rule for an expression.
fn record(number: usize, expression: &str) -> Value {
    serde_json::json!({ "record": format!("panel:{number}"), "expr": expression })
}

#[test]
fn dashboards_fit_the_grid_of_grafana() {
    let mut ids = BTreeSet::new();
    for name in DASHBOARDS {
        let dashboard = dashboard(name);
        assert!(ids.insert(dashboard["uid"].as_str().expect("an identifier").to_owned()), "{name}");
        let mut taken = BTreeSet::new();
        for panel in dashboard["panels"].as_array().expect("panels") {
            let place = |key: &str| panel["gridPos"][key].as_u64().expect("a place");
            assert!(place("x") + place("w") <= 24, "{name}: {}", panel["title"]);
            for x in place("x")..place("x") + place("w") {
                for y in place("y")..place("y") + place("h") {
                    assert!(taken.insert((x, y)), "{name}: {} covers another panel", panel["title"]);
                }
            }
            assert!(!panel["description"].as_str().expect("a description").is_empty(), "{name}");
            assert_eq!(panel["datasource"]["uid"], "${datasource}", "{name}");
        }
    }
}

#[test]
fn every_alert_has_a_runbook_and_every_runbook_an_alert() {
    let mut named = BTreeSet::new();
    for (alert, rule) in alerts() {
        assert!(["critical", "warning"].contains(&rule["labels"]["severity"].as_str().unwrap_or_default()));
        let path =
            rule["annotations"]["runbook"].as_str().unwrap_or_else(|| panic!("{alert} has no runbook"));
        let page = read(path);
        assert!(page.contains(&format!("\nAlert: `{alert}`.\n")), "{path} is not about {alert}");
        let sections: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("## ")).collect();
        assert_eq!(sections, SECTIONS, "{path}");
        named.insert(path.to_owned());
    }
    let folder = fs::read_dir(root().join("docs/runbooks")).expect("the runbooks");
    let names = folder.map(|entry| entry.expect("a file").file_name().to_string_lossy().into_owned());
    let pages: BTreeSet<String> =
        names.filter(|name| name != "README.md").map(|name| format!("docs/runbooks/{name}")).collect();
    assert_eq!(named, pages);
    let index = read("docs/runbooks/README.md");
    for alert in alerts().keys() {
        assert!(index.contains(&format!("| `{alert}` | ")), "{alert} is not in the index");
    }
}
