//! The demo: its figures are those of the statistics that ship with it.
use serde_json::Value;

use crate::run::json;

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
}
