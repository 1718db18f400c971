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

/// One market, one rule, and every command in every form.
#[test]
fn a_session_from_a_file_to_an_alert() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("trade.csv"), TRADE).unwrap();
    fs::write(path("rule.yaml"), RULE).unwrap();
    let up = Up::start(&path("data"));
    let ask = |args: &[&str]| {
        [args, &["--server", &up.address]].concat().into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let as_json = |args: &[&str]| json(&ask(args).iter().map(String::as_str).collect::<Vec<_>>());
    let as_text = |args: &[&str]| ok(&ask(args).iter().map(String::as_str).collect::<Vec<_>>());

    let first = as_json(&["ingest", &path("trade.csv")]);
    assert_eq!((&first[0]["known"], &first[0]["release"]["rows_recorded"]), (&false.into(), &3.into()));
    let again = as_json(&["ingest", &path("trade.csv")]);
    assert_eq!((&again[0]["known"], &again[0]["release"]), (&true.into(), &first[0]["release"]));
    assert_eq!(as_json(&["releases"])[0], first[0]["release"]);
    assert_eq!(as_json(&["releases", "1"]), first[0]["release"]);
    assert_eq!(as_json(&["rejections", "1"]), serde_json::json!([]));

    // The next command sees what was ingested.
    let market = ["exposure", "--consumer", "DEU", "--material", "manganese", "--stage", "mined"];
    let view = as_text(&market);
    let place = |name: &str| view.find(name).unwrap_or_else(|| panic!("{name} is not in {view}"));
    assert!(place("NLD") < place("BEL") && place("BEL") < place("MAR"), "{view}");
    assert!(view.contains("50.0 %") && view.contains("ours/1-"), "{view}");
    let shares =
        as_text(&[&market[..], &["--measure", "import-share", "--by", "value", "--format", "csv"]].concat());
    let lines: Vec<&str> = shares.lines().collect();
    assert!(lines[0].starts_with("consumer,material,stage,supplier,measure,by,period,value"), "{shares}");
    assert!(lines[1].starts_with("DEU,manganese,mined,MAR,import-share/1,value,2022,0.5"), "{shares}");
    assert_eq!(lines.len(), 4, "{shares}");

    let explained = as_json(&[
        "explain",
        "--consumer",
        "DEU",
        "--material",
        "manganese",
        "--stage",
        "mined",
        "--supplier",
        "NLD",
    ]);
    assert_eq!((&explained["exposure"]["value"], &explained["rows_total"]), (&0.5.into(), &3.into()));
    assert_eq!(explained["contributions"][0]["supplier"], "NLD");

    let rules = as_json(&["rules", "apply", &path("rule.yaml")]);
    assert_eq!((&rules[0]["rule"], &rules[0]["firing"]), (&"our-line".into(), &1.into()));
    let alerts = as_json(&["alerts"]);
    assert_eq!(alerts[0]["alert"], "our-line/DEU/manganese/mined/NLD");
    assert_eq!((&alerts[0]["state"], &alerts[0]["value"]), (&"firing".into(), &0.5.into()));
    let shown = as_json(&["alerts", "show", "our-line/DEU/manganese/mined/NLD"]);
    assert_eq!(shown["transitions"][0]["event"], "fired");
    assert!(as_text(&["alerts"]).contains("+10.0 pp"));

    as_text(&["rules", "remove", "our-line"]);
    assert_eq!(as_json(&["rules", "list"]), serde_json::json!([]));
    let (status, _) = up.stop();
    assert_eq!(status.code(), Some(0));

    // The same data without a server.
    assert_eq!(json(&["releases", "--data", &path("data")])[0], first[0]["release"]);
}

#[test]
fn exit_codes_tell_who_has_to_act() {
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
    // What is wrong in a file is said without a server.
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
    assert_eq!(names, ["crma-2030", "early-signs", "g7-china"]);
    assert!(ok(&["rules", "packs", "--format", "csv"]).starts_with("pack,rules\n"));
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let mut child =
        command(&["rules", "schema"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), err(&output).as_str()), (Some(0), ""));
}

#[test]
fn colour_is_only_where_it_is_wanted() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().to_str().unwrap();
    fs::write(dir.path().join("trade.csv"), TRADE).unwrap();
    let file = dir.path().join("trade.csv");
    let plain = ok(&["ingest", file.to_str().unwrap(), "--data", data]);
    assert!(!plain.contains('\u{1b}'), "{plain}");
    let coloured = ok(&["releases", "1", "--data", data, "--color", "always"]);
    assert!(coloured.contains('\u{1b}'), "{coloured}");
}
