//! `orewatch audit`: who did what when, read from the logs of a running process.
use std::fs;

use serde_json::Value;
use tempfile::TempDir;

use crate::run::{Up, err, json, ok, run};

/// Mine production of antimony (US Geological Survey, Mineral Commodity Summaries 2025; US public domain).
const TABLE: &str = "\
# table: production
# dataset: usgs-mcs
# vintage: MCS2025
# publisher: US Geological Survey
# licence: US public domain
period,economy,material,stage,quantity,unit,basis
2024,CHN,antimony,mined,60000,t,content
2024,RUS,antimony,mined,13000,t,content
2024,TJK,antimony,mined,17000,t,content
";

/// A process with some history.
struct Desk {
    dir: TempDir,
    up: Up,
}

impl Desk {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let table = dir.path().join("table.csv");
        fs::write(&table, TABLE).unwrap();
        let up = Up::start(dir.path().join("data").to_str().unwrap());
        let desk = Self { dir, up };
        desk.run(&["ingest", table.to_str().unwrap()]);
        desk.run(&[
            "rules",
            "apply",
            "--pack",
            "g7-china",
            "--actor",
            "ann",
            "--reason",
            "first rules",
            "--yes",
        ]);
        desk.run(&["withdraw", "MCS2025", "--actor", "bob", "--reason", "typing error"]);
        desk
    }

    #[track_caller]
    fn run(&self, args: &[&str]) {
        ok(&[args, &["--server", &self.up.address]].concat());
    }

    fn data(&self) -> String {
        self.dir.path().join("data").to_str().unwrap().to_owned()
    }

    #[track_caller]
    fn audit(&self, args: &[&str]) -> Vec<Value> {
        let rows = json(&[&["audit", "--data", &self.data()], args].concat());
        rows.as_array().unwrap().clone()
    }
}

fn words<'a>(rows: &'a [Value], column: &str) -> Vec<&'a str> {
    rows.iter().map(|row| row[column].as_str().unwrap_or_default()).collect()
}

#[test]
fn who_did_what_and_why_is_read_while_services_run() {
    let desk = Desk::new();
    let all = desk.audit(&[]);
    let times = words(&all, "time");
    assert!(times.is_sorted(), "{times:?}");
    let opened = all.iter().find(|row| row["action"] == "open release").unwrap();
    assert!(opened["object"].as_str().unwrap().starts_with("usgs-mcs/MCS2025-"));
    assert!(opened["actor"].is_null(), "nobody said who ingests it");
    assert_eq!(opened["log"], "observations");
    assert_eq!(opened["id"].as_str().unwrap().len(), 36);

    let by_bob = desk.audit(&["--actor", "bob"]);
    assert_eq!(words(&by_bob, "action"), ["withdraw release"]);
    assert_eq!(words(&by_bob, "reason"), ["typing error"]);
    assert_eq!(words(&by_bob, "object"), [opened["object"].as_str().unwrap()]);

    let rules = desk.audit(&["--kind", "RulePut"]);
    assert!(!rules.is_empty());
    assert!(rules.iter().all(|row| row["actor"] == "ann" && row["reason"] == "first rules"), "{rules:?}");
    let full = desk.audit(&["--kind", "orewatch.alerting.v1.RulePut", "--log-name", "alerts"]);
    assert_eq!(full, rules);
    let both = desk.audit(&["--actor", "ann", "--actor", "bob"]);
    assert_eq!(both.len(), rules.len() + by_bob.len());
}

#[test]
fn times_narrow_an_audit_and_csv_has_the_same_columns() {
    let desk = Desk::new();
    let time = desk.audit(&["--actor", "bob"])[0]["time"].as_str().unwrap().to_owned();
    assert!(desk.audit(&["--since", "2999-01-01"]).is_empty());
    assert!(desk.audit(&["--before", "1999-01-01"]).is_empty());
    let since = desk.audit(&["--since", &time]);
    assert!(words(&since, "action").contains(&"withdraw release"), "{since:?}");
    let csv = ok(&["audit", "--data", &desk.data(), "--actor", "bob", "--format", "csv"]);
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines[0], "time,actor,action,object,reason,log,position,kind,id,stream");
    assert!(lines[1].contains(",bob,withdraw release,usgs-mcs/MCS2025-"), "{csv}");
    let table = run(&["audit", "--data", &desk.data()]);
    assert!(String::from_utf8_lossy(&table.stdout).contains("unrecorded"));
    let nobody = run(&["audit", "--data", &desk.data(), "--actor", "nobody"]);
    assert_eq!(nobody.status.code(), Some(0));
    assert!(nobody.stdout.is_empty() && err(&nobody).contains("Nobody"), "{}", err(&nobody));
}
