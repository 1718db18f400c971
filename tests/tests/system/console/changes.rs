//! Changes over HTTP: rules, acknowledgements, silences and repairs.
use orewatch_tests::api::Api;
use orewatch_tests::system::{client, file};
use orewatch_tests::tools::output;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::Desk;

/// A rule on output that fires on the figures of the desk.
const RULE: &str = "\
id: half-of-output
title: More than half of the world's output
measure: production-share
select: {consumer: WLD, material: antimony, supplier: CHN}
when: {above: 0.4}
";

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_is_checked_and_applied_and_its_alert_handled() {
    let desk = Desk::with_figures().await;
    let wrong = RULE.replace("above:", "abov:");
    let refused = desk.post("/api/v1/rules/check", "application/yaml", &wrong);
    let problem: Value = refused.json();
    assert_eq!(refused.status, 400, "{problem}");
    let detail = problem["detail"].as_str().unwrap_or_default();
    assert!(detail.starts_with("body:5:8: "), "the line and column are named: {problem}");

    let checked = desk.post("/api/v1/rules/check", "application/yaml", RULE);
    assert_eq!(checked.status, 200, "{}", checked.text());
    let answer: Value = checked.json();
    assert_eq!(answer["rules"][0]["wouldChange"], true, "{answer}");
    assert!(answer["rules"][0].get("preview").is_some(), "{answer}");
    let none: Value = desk.get("/api/v1/rules").json();
    assert_eq!(none["rules"], json!([]), "a check stores nothing");

    let applied = desk.post("/api/v1/rules/apply?reason=a+test", "application/yaml", RULE);
    assert_eq!(applied.status, 200, "{}", applied.text());
    Api::at(desk.server.address()).settled().await.expect("the rule is evaluated");
    let rows: Vec<Value> = desk.get("/api/v1/alerts.json").json();
    let alert = rows.iter().find(|row| row["rule"] == "half-of-output").expect("it fires");
    let id = alert["alert"].as_str().expect("an identifier");

    let acknowledge = json!({"alert": id, "verdict": "VERDICT_CONFIRMED", "note": "seen", "owner": "ann"});
    let done = desk.post("/api/v1/alerts/acknowledge", "application/json", &acknowledge.to_string());
    assert_eq!(done.status, 200, "{}", done.text());
    assert_eq!(done.json::<Value>()["acknowledgement"]["owner"], "ann");
    let unknown = json!({"alrt": id});
    let refused = desk.post("/api/v1/alerts/acknowledge", "application/json", &unknown.to_string());
    assert_eq!(refused.status, 400);
    assert!(refused.json::<Value>()["hint"].as_str().is_some_and(|hint| hint.contains("alert")));

    let silence = json!({"silence": {
        "filter": {"rules": ["half-of-output"]},
        "startsAt": "2026-01-01T00:00:00Z",
        "endsAt": "2099-01-01T00:00:00Z",
        "author": "ann",
        "reason": "a test",
    }});
    let silenced = desk.post("/api/v1/silences", "application/json", &silence.to_string());
    assert_eq!(silenced.status, 200, "{}", silenced.text());
    let listed: Value = desk.get("/api/v1/silences").json();
    assert_eq!(listed["silences"][0]["alerts"], 1, "{listed}");

    let episodes: Value = desk.get("/api/v1/episodes?rule=half-of-output").json();
    let episode = &episodes["episodes"][0];
    assert_eq!((&episode["alert"], &episode["state"]), (&id.into(), &"firing".into()), "{episodes}");
}

#[tokio::test(flavor = "multi_thread")]
async fn quarantined_rows_are_repaired_by_a_file() {
    let desk = Desk::start(&[]);
    let folder = TempDir::new().expect("a temporary folder");
    let table = "# dataset: ours\n# vintage: 1\n# table: production\n\
                 period,material,stage,economy,quantity,unit\n2022,cobalt,mined,COD,100,t\n\
                 2022,cobalt,mined,XYZ,7,t\n";
    let path = file(&folder, "ours.csv", table);
    let ingested = output(&mut client(&desk.address(), &["ingest", &path, "--max-rejects", "1"]));
    assert!(ingested.status.success(), "{}", String::from_utf8_lossy(&ingested.stderr));
    let releases: Vec<Value> = desk.get("/api/v1/releases.json").json();
    let release = releases[0]["release"].as_str().expect("a release");
    assert_eq!(releases[0]["rows_rejected"], 1, "{releases:?}");
    let corrected = "period,material,stage,economy,quantity,unit\n2022,cobalt,mined,ZAF,7,t\n";
    let path = format!("/api/v1/releases/repair?release={release}&rejection=0&reason=a+code");
    let repaired = desk.post(&path, "text/csv", corrected);
    assert_eq!(repaired.status, 200, "{}", repaired.text());
    assert_eq!(repaired.json::<Value>()["recorded"], "1");
}
