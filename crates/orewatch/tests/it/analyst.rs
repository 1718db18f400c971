//! What an analyst types and pastes: names, lists, spreadsheets, citations, and why there is no alert.
use std::fs;

use crate::run::{command, err, json, ok, run};

/// A file of purchases as Excel saves it on a German system, in Windows-1252.
const PURCHASES: &[u8] = b"Jahr;Herkunft;Ware;Wert;Menge;Bemerkung\r\n\
    2014;Netherlands;260200;10,5;100;\r\n\
    2014;Morocco;260200;31,5;300;\r\n\
    2024;Netherlands;260200;1.270,5;900;\"f\xfcr Werk 2\"\r\n\
    2024;Morocco;260200;30;100;\r\n";

const MAP: &str = "period=Jahr,exporter=Herkunft,importer==DEU,product=Ware,value_kusd=Wert,quantity_t=Menge";

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
  above: 0.95
";

/// A directory with data that was ingested from the file of purchases.
struct Desk {
    dir: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        let desk = Self { dir: tempfile::tempdir().unwrap() };
        fs::write(desk.path("einkauf.csv"), PURCHASES).unwrap();
        fs::write(desk.path("rule.yaml"), RULE).unwrap();
        let about = ["--dataset", "einkauf", "--vintage", "2026", "--publisher", "us", "--hs", "HS92"];
        let file = desk.path("einkauf.csv");
        let outcome = json(&[&["ingest", &file, "--map", MAP, "--data", &desk.data()], &about[..]].concat());
        assert_eq!(
            (&outcome[0]["known"], &outcome[0]["release"]["rows_recorded"]),
            (&false.into(), &4.into())
        );
        desk
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }

    fn data(&self) -> String {
        self.path("data")
    }

    #[track_caller]
    fn text(&self, args: &[&str]) -> String {
        ok(&[args, &["--data", &self.data()]].concat())
    }
}

#[test]
fn a_spreadsheet_is_read_and_answered_in_the_analysts_words() {
    let desk = Desk::new();
    let shares = ["exposure", "--consumer", "Germany", "--material", "Manganese", "--stage", "mining"];
    let shares = [&shares[..], &["--measure", "import share", "--by", "quantity"]].concat();
    let asked = [&shares[..], &["--supplier", "morocco,Netherlands", "--as-of", "2014,2024"]].concat();

    let wide = desk.text(&[&asked[..], &["--wide", "--format", "csv"]].concat());
    let lines: Vec<&str> = wide.lines().collect();
    assert_eq!(lines[0], "consumer,material,stage,supplier,measure,by,unit,2014,2024");
    assert!(lines.contains(&"DEU,manganese,mined,NLD,import-share/1,quantity,share,0.25,0.9"), "{wide}");

    let excel = desk.text(&[&asked[..], &["--excel"]].concat());
    assert!(excel.starts_with("\u{feff}consumer;material;"), "{excel}");
    assert!(excel.contains(";0,25;") && excel.contains(";Germany;Netherlands"), "{excel}");

    let above = [&asked[..], &["--above", "50%", "--sort=-value", "--format", "csv"]].concat();
    let above = desk.text(&above);
    let values: Vec<&str> = above.lines().skip(1).map(|line| line.split(',').nth(7).unwrap()).collect();
    assert_eq!(values, ["0.9", "0.75"], "{above}");

    let bloc = ["exposure", "--consumer", "G7", "--members", "--material", "manganese", "--as-of", "2024"];
    let bloc =
        [&bloc[..], &["--measure", "import-share", "--supplier", "MAR", "--by", "value", "--format", "csv"]];
    let bloc = desk.text(&bloc.concat());
    assert!(
        bloc.lines().any(|line| line.starts_with("G7,")) && bloc.lines().any(|line| line.starts_with("DEU,"))
    );

    let unknown = run(&["exposure", "--consumer", "Congo", "--data", &desk.data()]);
    assert_eq!(unknown.status.code(), Some(2), "{}", err(&unknown));
    assert!(err(&unknown).contains("COD"), "{}", err(&unknown));
}

#[test]
fn an_empty_answer_has_an_exit_code_on_request() {
    let desk = Desk::new();
    let asked = ["exposure", "--consumer", "Germany", "--above", "99%", "--measure", "import-share"];
    assert!(desk.text(&[&asked[..], &["--format", "csv"]].concat()).lines().count() == 1);
    let empty = run(&[&asked[..], &["--fail-if-empty", "--data", &desk.data()]].concat());
    assert_eq!(empty.status.code(), Some(1), "{}", err(&empty));
}

#[test]
fn an_alert_that_does_not_fire_is_explained() {
    let desk = Desk::new();
    desk.text(&["rules", "apply", &desk.path("rule.yaml"), "--yes"]);
    let why = desk.text(&["alerts", "why", "our-line", "Germany", "manganese"]);
    assert!(why.contains("DEU manganese mined from NLD: 90.0 %"), "{why}");
    assert!(why.contains("in 2024, threshold > 95 %: not crossed"), "{why}");
    let unwatched = run(&["alerts", "why", "our-line", "Japan", "--data", &desk.data()]);
    assert!(err(&unwatched).contains("does not watch this consumer"), "{}", err(&unwatched));

    fs::write(desk.path("rule.yaml"), RULE.replace("0.95", "0.5")).unwrap();
    desk.text(&["rules", "apply", &desk.path("rule.yaml"), "--yes"]);
    let listed = desk.text(&["alerts"]);
    let row = listed.lines().find(|line| line.contains("firing")).unwrap();
    let short = row.split_whitespace().next().unwrap();
    let shown = json(&["alerts", "show", short, "--data", &desk.data()]);
    assert_eq!(shown["alert"]["id"], "our-line/DEU/manganese/mined/NLD");
    let silenced = json(&[
        "silences",
        "add",
        "--rule",
        "our-line",
        "--for",
        "1week",
        "--author",
        "ann",
        "--reason",
        "known",
        "--yes",
        "--data",
        &desk.data(),
    ]);
    let begin = &silenced["silence"].as_str().unwrap()[..13];
    assert_eq!(json(&["silences", "end", begin, "--data", &desk.data()])["silence"], silenced["silence"]);
}

#[test]
fn a_source_is_cited_and_units_are_listed() {
    let desk = Desk::new();
    let cited = desk.text(&["cite", "einkauf"]).replace('\n', " ");
    assert!(cited.starts_with("us (no date): ") && cited.contains("Release einkauf/2026-"), "{cited}");
    let figure =
        ["explain", "--consumer", "Germany", "--material", "manganese", "--stage", "mined", "--cite"];
    let figure = desk.text(&figure).replace('\n', " ");
    assert!(figure.contains("computed as import-hhi/1"), "{figure}");
    let units = ok(&["units", "--format", "csv"]);
    assert!(units.contains("basis,lithium-carbonate,LCE,"), "{units}");
    let mixed = command(&["units", "--excel", "--format", "json"]).output().unwrap();
    assert_eq!(mixed.status.code(), Some(2), "{}", err(&mixed));
}
