//! Measures: their list, published figures to compare with, and explanations of missing figures.
use std::fs;

use serde_json::Value;

use crate::run::{Up, err, json, ok, run};

fn texts<'a>(rows: &'a Value, key: &str) -> Vec<&'a str> {
    rows.as_array().unwrap().iter().map(|row| row[key].as_str().unwrap_or_default()).collect()
}

#[test]
fn the_list_of_measures_and_their_pages_agree() {
    let all = json(&["measures"]);
    let ids = texts(&all, "measure");
    assert!(ids.contains(&"import-share/1") && ids.contains(&"eu-supply-risk/1"), "{ids:?}");
    let list = ok(&["measures"]);
    for id in &ids {
        assert!(list.contains(id), "{id} is not listed");
    }
    let one = json(&["measures", "import-hhi"]);
    assert!(all.as_array().unwrap().contains(&one));
    assert_eq!((&one["unit"], &one["greatest"]), (&"hhi".into(), &10_000.0.into()));
    let page = ok(&["measures", "import-hhi/1"]);
    for part in ["10000 * sum(s_i^2)", "s_i", "imports by supplier", "Merger Guidelines"] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
    let csv = ok(&["measures", "--format", "csv"]);
    assert!(csv.starts_with("measure,family,title,unit,least,greatest"), "{csv}");
}

#[test]
fn an_unknown_measure_is_invalid_input_with_a_suggestion() {
    for (args, meant) in [
        (["measures", "eu-suply-risk"], "eu-supply-risk"),
        (["measures", "import-hhi/7"], "import-hhi/1"),
        (["verify", "geopolrisk-scor"], "geopolrisk-score"),
        (["measures", "zzzzzzzzzzzz"], "orewatch measures"),
    ] {
        let output = run(&args);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", err(&output));
        assert!(err(&output).contains(args[1]) && err(&output).contains(meant), "{}", err(&output));
    }
}

#[test]
fn published_figures_are_beside_ours_and_differences_have_a_reason() {
    let cases = json(&["verify"]);
    let cases = cases.as_array().unwrap();
    assert!(cases.iter().filter(|case| case["verdict"] == "reproduced").count() > 100);
    for case in cases {
        for column in ["measure", "case", "published", "source", "licence"] {
            assert!(case[column].is_string(), "{column} is missing in {case}");
        }
        assert!(case["verdict"] == "reproduced" || case["reason"].is_string(), "{case}");
    }
    let only = ok(&["verify", "geopolrisk-score"]);
    assert!(only.contains("0.11095590775245055") && !only.contains("net-import-reliance"), "{only}");
}

const TRADE: &str = "\
# table: trade
# dataset: ours
# vintage: 1
# publisher: us
# hs: HS92
period,exporter,importer,product,value_kusd,quantity_t
2021,NLD,DEU,260200,30,100
2021,BEL,DEU,260200,20,300
2022,NLD,DEU,260200,30,300
2022,BEL,DEU,260200,20,200
2022,MAR,DEU,260200,50,100
2022,DEU,AUT,260200,50,10
";

/// Queries without a result, and what each of them says.
#[test]
fn an_empty_result_says_what_is_missing_and_what_exists() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("trade.csv");
    fs::write(&file, TRADE).unwrap();
    let up = Up::start(dir.path().join("data").to_str().unwrap());
    ok(&["ingest", file.to_str().unwrap(), "--server", &up.address]);
    let ask = |command: &str, more: &[&str]| {
        let args = [&[command], more, &["--server", &up.address]].concat();
        let output = run(&args);
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned(), err(&output))
    };

    for (consumer, stage, as_of, expected) in [
        ("ATA", "mined", "2022", "no release has imports by Antarctica (ATA) that match"),
        ("MSP", "mined", "2021", "MSP has no members in 2021: the first joined in 2022"),
        ("DEU", "refined", "", "manganese has no figures at stage refined, only at mined"),
        ("DEU", "mined", "1950", "manganese, mined has no such figures for 1950, only for 2021 to 2022"),
    ] {
        let args = ["--consumer", consumer, "--material", "manganese", "--stage", stage, "--as-of", as_of];
        let (code, out, stderr) = ask("exposure", &args);
        assert_eq!((code, out.as_str()), (Some(0), ""), "{stderr}");
        assert!(stderr.contains("No figure matches.") && stderr.contains(expected), "{stderr}");
        let (code, out, _) = ask("exposure", &[&args[..], &["--format", "csv"]].concat());
        assert_eq!((code, out.lines().count()), (Some(0), 1), "no row is an answer: {out}");
    }

    let market = ["--consumer", "DEU", "--material", "manganese", "--stage", "mined"];
    let (code, out, stderr) = ask("explain", &[&market[..], &["--measure", "net-import-reliance"]].concat());
    assert_eq!(code, Some(0), "{stderr}");
    assert!(out.contains("unavailable"), "{out}");
    assert!(
        stderr.contains("the measure needs production data, and no release has any for manganese"),
        "{stderr}"
    );

    for (more, expected) in [
        (["--measure", "import-shar"], "did you mean import-share?"),
        (["--stage", "smelted"], "write mined, refined or manufactured"),
        (["--as-of", "2022-13"], "2022-13"),
        (["--measure", "import-share"], "about one supplier"),
    ] {
        let args: Vec<&str> = match more[0] {
            "--stage" => [&market[..4], &more].concat(),
            _ => [&market[..], &more].concat(),
        };
        let (code, _, stderr) = ask("explain", &args);
        assert_eq!(code, Some(2), "{stderr}");
        assert!(stderr.contains(expected), "{stderr}");
    }
}

#[test]
fn figures_have_their_threshold_and_trend() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("trade.csv");
    fs::write(&file, TRADE).unwrap();
    let up = Up::start(dir.path().join("data").to_str().unwrap());
    ok(&["ingest", file.to_str().unwrap(), "--server", &up.address]);
    let ask = |more: &[&str]| {
        let market = ["exposure", "--consumer", "DEU", "--material", "manganese", "--server", &up.address];
        [&market, more].concat().into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let get = |more: &[&str]| json(&ask(more).iter().map(String::as_str).collect::<Vec<_>>());
    let show = |more: &[&str]| ok(&ask(more).iter().map(String::as_str).collect::<Vec<_>>());

    let share = ["--measure", "import-share", "--supplier", "NLD", "--by", "quantity", "--trend"];
    let row = &get(&share)["exposures"][0];
    assert_eq!((&row["value"], &row["change"], &row["mean3"]), (&0.5.into(), &0.25.into(), &Value::Null));
    assert!(show(&share).contains("↑ +25.0 pp"), "{}", show(&share));

    // 600 t in, 10 t out.
    let ratio = ["--measure", "import-export-ratio", "--as-of", "2022"];
    let row = &get(&ratio)["exposures"][0];
    assert_eq!((&row["standing"], &row["lines"][0]["line"]), (&"crossed".into(), &1.0.into()), "{row}");
    assert!(show(&ratio).contains("> 1 crossed"), "{}", show(&ratio));
}
