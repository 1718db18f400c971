//! What an analyst does, from a file to an alert; exit codes, formats and colour.
use std::fs;
use std::process::Stdio;

use crate::run::{Up, command, err, json, ok, run};

const TRADE: &str = "\
# table: trade
# dataset: ours
# vintage: 1
# publisher: us
# hs: HS92
period,exporter,importer,product,value_kusd,quantity_t
2022,NLD,DEU,260200,30,300
2022,BEL,DEU,260200,20,200
2022,MAR,DEU,260200,50,100
";

const RULE: &str = "\
id: our-line
title: Too much from one supplier
measure: import-share
select:
  consumer: DEU
  material: manganese
  stage: mined
  supplier: any
when:
  above: 0.4
";

/// A server with a file of trade and a rule, and a client of it.
struct Desk {
    dir: tempfile::TempDir,
    up: Up,
}

impl Desk {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("trade.csv"), TRADE).unwrap();
        fs::write(dir.path().join("rule.yaml"), RULE).unwrap();
        let up = Up::start(dir.path().join("data").to_str().unwrap());
        Self { dir, up }
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }

    #[track_caller]
    fn json(&self, args: &[&str]) -> serde_json::Value {
        json(&[args, &["--server", &self.up.address]].concat())
    }

    #[track_caller]
    fn text(&self, args: &[&str]) -> String {
        ok(&[args, &["--server", &self.up.address]].concat())
    }
}

/// One market, one rule, and every command in every form.
#[test]
fn an_analyst_gets_from_a_file_to_an_alert() {
    let desk = Desk::new();
    let release = a_file_is_ingested_once(&desk);
    figures_are_there_for_the_next_command(&desk);
    a_rule_fires_until_it_is_removed(&desk);
    let data = desk.path("data");
    let (status, _) = desk.up.stop();
    assert_eq!(status.code(), Some(0));

    // The same data without a server.
    assert_eq!(json(&["releases", "--data", &data])[0], release);
}

fn a_file_is_ingested_once(desk: &Desk) -> serde_json::Value {
    let first = desk.json(&["ingest", &desk.path("trade.csv")]);
    let release = first[0]["release"].clone();
    assert_eq!((&first[0]["known"], &release["rows_recorded"]), (&false.into(), &3.into()));
    let again = desk.json(&["ingest", &desk.path("trade.csv")]);
    assert_eq!((&again[0]["known"], &again[0]["release"]), (&true.into(), &release));
    assert_eq!(desk.json(&["releases"])[0], release);
    assert_eq!(desk.json(&["releases", "1"]), release);
    assert_eq!(desk.json(&["rejections", "1"]), serde_json::json!([]));
    release
}

fn figures_are_there_for_the_next_command(desk: &Desk) {
    let subject = ["--consumer", "DEU", "--material", "manganese", "--stage", "mined"];
    let view = desk.text(&[&["exposure"], &subject[..]].concat());
    let offset = |name: &str| view.find(name).unwrap_or_else(|| panic!("{name} is not in {view}"));
    assert!(offset("NLD") < offset("BEL") && offset("BEL") < offset("MAR"), "{view}");
    assert!(view.contains("50.0 %") && view.contains("ours/1-"), "{view}");
    let by_value = ["--measure", "import-share", "--by", "value", "--format", "csv"];
    let shares = desk.text(&[&["exposure"], &subject[..], &by_value].concat());
    let lines: Vec<&str> = shares.lines().collect();
    assert!(lines[0].starts_with("consumer,material,stage,supplier,measure,by,period,value"), "{shares}");
    assert!(lines[1].starts_with("DEU,manganese,mined,MAR,import-share/1,value,2022,0.5"), "{shares}");
    assert_eq!(lines.len(), 4, "{shares}");

    let explained = desk.json(&[&["explain"], &subject[..], &["--supplier", "NLD"]].concat());
    assert_eq!((&explained["exposure"]["value"], &explained["rows_total"]), (&0.5.into(), &3.into()));
    assert_eq!(explained["contributions"][0]["supplier"], "NLD");
}

fn a_rule_fires_until_it_is_removed(desk: &Desk) {
    let rules = desk.json(&["rules", "apply", &desk.path("rule.yaml")]);
    assert_eq!((&rules[0]["rule"], &rules[0]["firing"]), (&"our-line".into(), &1.into()));
    let alerts = desk.json(&["alerts"]);
    assert_eq!(alerts[0]["alert"], "our-line/DEU/manganese/mined/NLD");
    assert_eq!((&alerts[0]["state"], &alerts[0]["value"]), (&"firing".into(), &0.5.into()));
    let shown = desk.json(&["alerts", "show", "our-line/DEU/manganese/mined/NLD"]);
    assert_eq!(shown["transitions"][0]["event"], "fired");
    assert!(desk.text(&["alerts"]).contains("+10.0 pp"));

    desk.text(&["rules", "remove", "our-line"]);
    assert_eq!(desk.json(&["rules", "list"]), serde_json::json!([]));
}

#[test]
fn exit_codes_say_who_has_to_act() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let data = path("data");
    fs::write(path("bad.csv"), TRADE.replace("30,300", "30,3x0")).unwrap();
    fs::write(path("bad.yaml"), RULE.replace("above", "abov")).unwrap();

    let refused = run(&["ingest", &path("bad.csv"), "--data", &data]);
    assert_eq!(refused.status.code(), Some(3), "{}", err(&refused));
    assert!(err(&refused).contains("--max-rejects"), "{}", err(&refused));
    let rejected = json(&["rejections", "1", "--data", &data]);
    assert_eq!((&rejected[0]["line"], &rejected[0]["value"]), (&7.into(), &"3x0".into()));

    let missing = run(&["ingest", &path("nowhere.csv"), "--data", &data]);
    assert_eq!(missing.status.code(), Some(2), "{}", err(&missing));
    let unknown = run(&["exposure", "--consumer", "ZAR", "--data", &data]);
    assert_eq!(unknown.status.code(), Some(2), "{}", err(&unknown));
    assert!(err(&unknown).contains("COD"), "{}", err(&unknown));
    // Errors in a file need no server.
    let rule = run(&["rules", "apply", &path("bad.yaml")]);
    assert_eq!(rule.status.code(), Some(2), "{}", err(&rule));
    assert!(err(&rule).contains("bad.yaml"), "{}", err(&rule));
}

#[test]
fn the_schema_and_the_packs_need_no_server() {
    let schema: serde_json::Value = serde_json::from_str(&ok(&["rules", "schema"])).unwrap();
    assert!(schema["$schema"].is_string(), "{schema}");
    let packs = json(&["rules", "packs"]);
    let names: Vec<_> = packs.as_array().unwrap().iter().map(|pack| pack["pack"].as_str().unwrap()).collect();
    assert_eq!(names, ["crma-2030", "early-signs", "g7-2030", "g7-china", "uk-magnets"]);
    assert!(ok(&["rules", "packs", "--format", "csv"]).starts_with("pack,rules\n"));
}

#[test]
fn a_closed_output_pipe_is_no_error() {
    let mut child =
        command(&["rules", "schema"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), err(&output).as_str()), (Some(0), ""));
}

#[test]
fn colour_is_used_only_on_request() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().to_str().unwrap();
    fs::write(dir.path().join("trade.csv"), TRADE).unwrap();
    let file = dir.path().join("trade.csv");
    let plain = ok(&["ingest", file.to_str().unwrap(), "--data", data]);
    assert!(!plain.contains('\u{1b}'), "{plain}");
    let coloured = ok(&["releases", "1", "--data", data, "--color", "always"]);
    assert!(coloured.contains('\u{1b}'), "{coloured}");
}
