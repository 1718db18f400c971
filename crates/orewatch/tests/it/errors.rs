//! What an error code means, as the command line says it.
use std::collections::BTreeSet;

use crate::run::{err, json, ok, run};

#[test]
fn the_list_of_codes_and_their_pages_agree() {
    let all = json(&["errors"]);
    let all = all.as_array().unwrap();
    assert!(all.len() > 200, "{}", all.len());
    let list = ok(&["errors"]);
    for row in all {
        assert!(list.contains(row["code"].as_str().unwrap()), "{row} is not listed");
        for column in ["area", "blame", "meaning", "remedy"] {
            assert!(row[column].is_string(), "{column} is missing in {row}");
        }
    }
    let one = json(&["errors", "invalid-period"]);
    assert!(all.contains(&one) && one["blame"] == "user", "{one}");
    let page = ok(&["errors", "invalid-period"]);
    for part in [one["meaning"].as_str().unwrap(), one["remedy"].as_str().unwrap(), "bad-period"] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
    let csv = ok(&["errors", "--format", "csv"]);
    assert!(csv.starts_with("code,area,blame,meaning,remedy,earlier\n"), "{csv}");
    assert_eq!(csv.lines().count(), all.len() + 1);
}

#[test]
fn an_old_code_is_shown_under_its_current_name() {
    let output = run(&["errors", "shutting-down", "--format", "json"]);
    assert!(output.status.success(), "{}", err(&output));
    assert!(err(&output).contains("shutting-down is now called stopping"), "{}", err(&output));
    assert_eq!(json(&["errors", "shutting-down"]), json(&["errors", "stopping"]));
}

#[test]
fn an_unknown_code_is_invalid_input_with_a_suggestion() {
    for (code, meant) in [("invalid-perod", "invalid-period"), ("zzzzzzzzzzzz", "orewatch errors")] {
        let output = run(&["errors", code]);
        assert_eq!(output.status.code(), Some(2), "{}", err(&output));
        assert!(err(&output).contains(code) && err(&output).contains(meant), "{}", err(&output));
    }
}

#[test]
fn remedies_name_existing_commands() {
    let all = json(&["errors"]);
    let remedies = all.as_array().unwrap().iter().map(|row| row["remedy"].as_str().unwrap().to_owned());
    let named = remedies.flat_map(|remedy| remedy.split('`').map(str::to_owned).collect::<Vec<_>>());
    let named: BTreeSet<String> = named.filter(|part| part.starts_with("orewatch ")).collect();
    assert!(named.len() > 10, "{named:?}");
    for command in named {
        let is_word = |word: &&str| word.bytes().all(|byte| byte.is_ascii_lowercase());
        let words: Vec<&str> = command.split(' ').skip(1).take_while(is_word).chain(["--help"]).collect();
        ok(&words);
    }
}
