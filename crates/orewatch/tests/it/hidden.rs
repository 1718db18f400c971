//! Control characters and other hidden characters: refused in requests, and escaped in output where older
//! logs contain them.
use std::fs;

use orewatch_contracts::alerting::v1::{Condition, Rule, RulePut, Selector, condition};
use orewatch_eventlog::{NewEvent, StreamName, embedded};
use prost::Message as _;

use crate::run::{Up, err, run};

/// A title that clears the screen, hides what follows, forges a line, and reads from right to left.
const TITLE: &str = "safe\u{1b}[2J\u{1b}]0;owned\u{7}\u{1b}[8mhidden\r\nforged  9  firing\u{9b}31m\u{202e}\0";

/// Bytes and marks that a terminal obeys.
#[track_caller]
fn assert_shown(text: &str, colour: &str) {
    let plain = text.replace(colour, "");
    let acts =
        |letter: &char| letter.is_control() && *letter != '\n' || ('\u{202a}'..='\u{202e}').contains(letter);
    assert_eq!(plain.chars().find(acts), None, "{plain:?}");
}

#[test]
fn text_with_control_characters_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let up = Up::start(dir.path().join("data").to_str().unwrap());
    for (letter, name) in
        [("\\e", "U+001B"), ("\\0", "U+0000"), ("\\r", "U+000D"), ("\\n", "U+000A"), ("\\u202e", "U+202E")]
    {
        let rules = dir.path().join("rules.yaml");
        let yaml = format!("id: one\ntitle: \"a{letter}b\"\nmeasure: import-hhi\nwhen: {{above: 1}}\n");
        fs::write(&rules, yaml).unwrap();
        let output = run(&["rules", "apply", rules.to_str().unwrap(), "--server", &up.address]);
        let stderr = err(&output);
        assert_eq!(output.status.code(), Some(2), "{letter}: {stderr}");
        assert!(stderr.contains(name) && stderr.contains("rule.title"), "{stderr}");
        assert_shown(&stderr, "");
    }
    let rules = dir.path().join("rules.yaml");
    fs::write(&rules, "id: one\ntitle: ok\nmeasure: import-hhi\nwhen: {above: 1}\ntext: |\n  one\n  two\n")
        .unwrap();
    let args = ["rules", "apply", rules.to_str().unwrap(), "--server", &up.address];
    let output = run(&[&args[..], &["--actor", "ann\u{1b}[2J"]].concat());
    assert_eq!(output.status.code(), Some(2), "{}", err(&output));
    assert!(err(&output).contains("actor"), "{}", err(&output));
    assert_eq!(run(&args).status.code(), Some(0));
}

/// A log of an earlier version, in which a rule has such a title.
fn old_log(data: &std::path::Path) {
    let when = Condition { line: Some(condition::Line::Above(1.0)), ..Condition::default() };
    let rule = Rule {
        id: "one".to_owned(),
        title: TITLE.to_owned(),
        owner: TITLE.to_owned(),
        text: TITLE.to_owned(),
        measure: "import-hhi/1".to_owned(),
        select: Some(Selector::default()),
        when: Some(when),
        by: orewatch_contracts::common::v1::By::Quantity.into(),
        ..Rule::default()
    };
    let put = RulePut {
        rule: Some(rule),
        revision: 1,
        actor: TITLE.to_owned(),
        reason: TITLE.to_owned(),
        ..RulePut::default()
    };
    let event = NewEvent {
        id: "5a4f2c1e-7a7f-5a6e-9a51-000000000001".parse().unwrap(),
        kind: "orewatch.alerting.v1.RulePut".to_owned(),
        time: "2026-01-01T00:00:00Z".parse().unwrap(),
        data: put.encode_to_vec().into(),
        traceparent: None,
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let log = embedded::open(data, "alerts").unwrap();
    let stream = StreamName::new("alerts.rule.one").unwrap();
    runtime.block_on(log.append(&stream, 0, vec![event])).unwrap();
}

#[test]
fn control_characters_in_stored_text_are_shown_escaped() {
    let dir = tempfile::tempdir().unwrap();
    old_log(dir.path());
    let data = dir.path().to_str().unwrap();
    for args in [&["rules", "list"][..], &["rules", "show", "one"]] {
        for (format, colour) in [("table", "never"), ("table", "always"), ("json", "never"), ("csv", "never")]
        {
            let output = run(&[args, &["--data", data, "--format", format, "--color", colour]].concat());
            assert_eq!(output.status.code(), Some(0), "{args:?}: {}", err(&output));
            let mut shown = String::from_utf8(output.stdout).unwrap();
            if colour == "always" {
                for code in ["[1m", "[2m", "[31m", "[32m", "[33m", "[36m", "[0m"] {
                    shown = shown.replace(&format!("\u{1b}{code}"), "");
                }
            }
            assert!(shown.contains("\\u001b[2J"), "{args:?} {format}: {shown}");
            assert_shown(&shown, "");
            if format == "json" {
                let value: serde_json::Value = serde_json::from_str(&shown).unwrap();
                assert!(value.to_string().contains("owned"), "{value}");
            }
            if format == "table" && args == ["rules", "list"] {
                assert!(!shown.lines().any(|line| line.starts_with("forged")), "{shown}");
            }
        }
    }
}

/// What comes out damaged leaves nothing behind, and what is there stays.
#[test]
fn a_damaged_original_is_not_written() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let file = dir.path().join("trade.csv");
    let text = "# table: trade\n# dataset: test-trade\n# vintage: v1\n# hs: HS92\n\
                period,exporter,importer,product,value_kusd,quantity_t\n2020,CHN,DEU,250410,1,1\n";
    fs::write(&file, text).unwrap();
    let at = |args: &[&str]| run(&[args, &["--data", data.to_str().unwrap()]].concat());
    let output = at(&["ingest", file.to_str().unwrap(), "--format", "json"]);
    let done: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let digest = done[0]["release"]["originals"][0].as_str().unwrap().to_owned();
    let out = dir.path().join("out");
    fs::create_dir(&out).unwrap();
    let whole = out.join("whole.csv");
    let output = at(&["download", &digest, "-o", whole.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert_eq!(fs::read_to_string(&whole).unwrap(), text);
    // What is there is not written over.
    let again = at(&["download", &digest, "-o", whole.to_str().unwrap()]);
    assert_eq!(again.status.code(), Some(2), "{}", err(&again));

    let place = data.join("archive/sha256").join(&digest[..2]).join(&digest[2..]);
    let damaged = text.replace("CHN", "BRA");
    fs::write(&place, damaged).unwrap();
    let output = at(&["download", &digest, "-o", out.join("damaged.csv").to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(6), "{}", err(&output));
    assert!(err(&output).contains("damaged"), "{}", err(&output));
    // By its earlier name, to standard output: nothing of a damaged file is written.
    let output = at(&["fetch", &digest]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(6), 0), "{}", err(&output));
    let left: Vec<_> = fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["whole.csv"]);
}
