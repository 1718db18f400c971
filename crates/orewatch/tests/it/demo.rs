//! The demo: its figures are those of the statistics that ship with it.
use serde_json::Value;

use crate::run::{Up, command, err, json, ok, run};

fn find<'a>(list: &'a Value, pairs: &[(&str, &str)]) -> &'a Value {
    let list = list.as_array().unwrap();
    let fits = |entry: &&Value| pairs.iter().all(|(key, value)| entry[*key] == *value);
    list.iter().find(fits).unwrap_or_else(|| panic!("no entry with {pairs:?}"))
}

fn near(value: &Value, expected: f64) {
    let value = value.as_f64().unwrap();
    assert!((value - expected).abs() < 0.0006, "{value} is not {expected}");
}

/// Expected figures were counted by hand from the source's rows.
#[test]
fn the_demo_shows_the_figures_of_the_reference_tables() {
    let demo = json(&["demo"]);
    for (consumer, material, first, last) in [
        ("G7", "rare-earths", 0.6107, 0.6773),
        ("EU27", "rare-earths", 0.2917, 0.4416),
        ("JPN", "graphite", 0.951, 0.8903),
    ] {
        let headline = find(&demo["headlines"], &[("consumer", consumer), ("material", material)]);
        let series = headline["series"].as_array().unwrap();
        near(&series.first().unwrap()["value"], first);
        near(&series.last().unwrap()["value"], last);
        assert_eq!((&series[0]["period"], &headline["line"]), (&"2018".into(), &0.65.into()));
    }
    let entry = find(&demo["table"], &[("consumer", "JPN"), ("material", "graphite"), ("stage", "mined")]);
    near(&entry["share"], 0.8903);
    assert_eq!(entry["top_supplier"], "CHN");
    assert!(entry["hhi"].as_f64().unwrap() > 7_900.0);

    // Germany buys its manganese ore from traders; the direct shares were counted by hand, the origins are
    // Kastner's.
    let ore = &demo["origins"];
    assert_eq!(
        (&ore["consumer"], &ore["material"], &ore["period"]),
        (&"DEU".into(), &"manganese".into(), &"2024".into())
    );
    let bought = &ore["bought_from"]["shares"];
    near(&find(bought, &[("economy", "NLD")])["share"], 0.2838);
    let (hand, true_share) =
        (find(bought, &[("economy", "ZAF")]), find(&ore["comes_from"]["shares"], &[("economy", "ZAF")]));
    assert!(true_share["share"].as_f64().unwrap() > 10.0 * hand["share"].as_f64().unwrap(), "{ore}");
    assert_eq!(ore["comes_from"]["shares"][0]["economy"], "ZAF");

    let graphite = find(&demo["alerts"], &[("alert", "g7-china-graphite/JPN/graphite/mined/CHN")]);
    near(&graphite["value"], 0.8903);
    assert_eq!((&graphite["state"], &graphite["since"]), (&"firing".into(), &"2018".into()));

    let restated = &demo["restatement"];
    let antimony = find(&restated["largest_producers"], &[("material", "antimony"), ("stage", "mined")]);
    near(&antimony["old"]["share"], 0.577);
    near(&antimony["new"]["share"], 0.336);
    assert_eq!(&restated["largest_producers"][0], antimony, "the largest difference comes first");
    let flip = &restated["alerts"][0];
    assert_eq!(flip["alert"]["alert"], "world-production-concentration/WLD/antimony/mined/-");
    assert_eq!((&flip["event"], &flip["alert"]["reason"]), (&"resolved".into(), &"restated".into()));
    near(&find(&restated["as_at"], &[("as_at", "MCS2025")])["value"], 0.577);
    near(&find(&restated["as_at"], &[("as_at", "MCS2026")])["value"], 0.336);
    check_months(&demo);
}

/// A block of the page: its lines with figures, and its commands, each on one line.
struct Block {
    title: String,
    figures: Vec<String>,
    commands: Vec<String>,
}

/// The blocks of the page. The first, without a heading, and the last, about other commands, are left out.
fn blocks(page: &str) -> Vec<Block> {
    let whole = page.replace(" \\\n", " ");
    let mut blocks: Vec<Block> = Vec::new();
    for line in whole.lines() {
        if let Some(title) = line.strip_prefix("━━ ") {
            let title = title.trim_end_matches(['━', ' ']).to_owned();
            blocks.push(Block { title, figures: Vec::new(), commands: Vec::new() });
        } else if let Some(block) = blocks.last_mut() {
            let lines = if line.trim_start().starts_with("orewatch ") {
                &mut block.commands
            } else {
                &mut block.figures
            };
            lines.push(line.to_owned());
        }
    }
    assert_eq!(blocks.pop().map(|block| block.title).as_deref(), Some("Next"));
    blocks
}

/// The numbers with decimals in a text, such as `67.7`.
fn decimals(text: &str) -> Vec<&str> {
    let words = text.split(|letter: char| !letter.is_ascii_digit() && letter != '.');
    words
        .filter(|word| {
            word.split_once('.').is_some_and(|(whole, part)| !whole.is_empty() && !part.is_empty())
        })
        .collect()
}

/// Runs each command that the page prints, on the data of the page.
#[test]
fn every_figure_is_in_what_the_command_beside_it_prints() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data").to_str().unwrap().to_owned();
    let done = run(&["demo", "--data", &data]);
    assert_eq!((done.status.code(), err(&done).as_str()), (Some(0), ""), "no warning");
    let page = String::from_utf8(done.stdout).unwrap();
    assert!(page.lines().count() <= 72, "one and a half screens of 48 lines:\n{page}");
    assert!(page.lines().all(|line| line.chars().count() <= 100), "{page}");

    let up = Up::start(&data);
    let blocks = blocks(&page);
    assert_eq!(blocks.len(), 7, "{page}");
    for block in &blocks {
        let outputs = block.commands.iter().map(|command| {
            let words: Vec<&str> = command.split_whitespace().skip(1).collect();
            ok(&[&words[..], &["--server", &up.address]].concat())
        });
        let outputs: String = outputs.collect();
        assert!(!block.commands.is_empty(), "{}", block.title);
        for figure in block.figures.iter().flat_map(|line| decimals(line)) {
            assert!(outputs.contains(figure), "{}: {figure} is in none of\n{outputs}", block.title);
        }
    }
    let count = |block: &str| {
        let title = &blocks.iter().find(|found| found.title.contains(block)).unwrap().title;
        title.split(' ').find_map(|word| word.parse::<usize>().ok()).unwrap_or_else(|| panic!("{title}"))
    };
    let on_server = |args: &[&str]| json(&[args, &["--server", &up.address]].concat());
    let alerts = on_server(&["alerts", "--state", "firing"]);
    assert_eq!(count("thresholds are crossed"), alerts.as_array().unwrap().len());
    let changes = on_server(&[
        "changes",
        "MCS2026",
        "--consumer",
        "WLD",
        "--measure",
        "production-top1",
        "--as-of",
        "2024",
    ]);
    assert_eq!(changes["changes_total"], count("shares of largest producers"));
    check_widths(&up);
}

/// Tables wrap between words, or leave columns out and say which. The headers of files that `sources` lists
/// are not among them: people copy them, so that they stay on one line.
fn check_widths(up: &Up) {
    for asked in [
        &["alerts"][..],
        &["claims"],
        &["releases"],
        &["revisions"],
        &["rules", "list"],
        &["scenarios"],
        &["targets"],
        &["policy"],
        &["exposure", "--consumer", "G7", "--measure", "import-top1", "--as-of", "2024"],
        &["exposure", "--consumer", "G7", "--measure", "import-share", "--supplier", "China", "--trend"],
        &["exposure", "--consumer", "G7", "--measure", "import-share", "--supplier", "China", "--firmness"],
        &["changes", "MCS2026"],
    ] {
        for width in [80, 100, 120] {
            let mut asking = command(&[asked, &["--server", &up.address]].concat());
            let text = String::from_utf8(asking.env("COLUMNS", width.to_string()).output().unwrap().stdout);
            let text = text.unwrap();
            let widest = text.lines().map(|line| line.chars().count()).max().unwrap_or_default();
            assert!((1..=width).contains(&widest), "{asked:?}: {widest} of {width}\n{text}");
        }
    }
}

/// The customs of the United Kingdom, June 2024 to June 2026, counted by hand from the source's rows.
fn check_months(demo: &Value) {
    let months = &demo["monthly"]["series"];
    near(&find(months, &[("period", "2025-06")])["value"], 0.278);
    near(&find(months, &[("period", "2026-06")])["value"], 0.966);
    let rules = &demo["monthly"]["rules"];
    let drop = &find(rules, &[("rule", "uk-magnets-drop")])["alert"];
    assert_eq!((&drop["state"], &drop["fired_at"]), (&"resolved".into(), &"2025-06".into()));
    let surge = &find(rules, &[("rule", "uk-magnets-surge")])["alert"];
    assert_eq!((&surge["state"], &surge["fired_at"]), (&"firing".into(), &"2026-06".into()));
}
