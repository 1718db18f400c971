//! What a licence forbids to pass on: it is shown, a person may look, and what is written needs a word.
use std::fs;

use serde_json::Value;

use crate::run::{err, json, ok, run};

/// Made-up trade under a licence.
fn table(licence: &str) -> String {
    format!(
        "# table: trade\n# dataset: test-trade\n# vintage: v1\n# licence: {licence}\n# hs: HS92\n\
         period,exporter,importer,product,value_kusd,quantity_t\n2020,CHN,DEU,250410,1,1\n\
         2020,BRA,DEU,250410,1,3\n"
    )
}

/// A directory with one release under a licence, and the digest of its file.
fn release(licence: &str) -> (tempfile::TempDir, String, String) {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data").to_str().unwrap().to_owned();
    let file = dir.path().join("trade.csv");
    fs::write(&file, table(licence)).unwrap();
    let done = json(&["ingest", file.to_str().unwrap(), "--data", &data]);
    let digest = done[0]["release"]["originals"][0].as_str().unwrap().to_owned();
    (dir, data, digest)
}

const FIGURE: [&str; 7] = ["explain", "--consumer", "DEU", "--material", "graphite", "--stage", "mined"];

#[test]
fn what_may_not_be_passed_on_is_written_for_own_use_only() {
    let (dir, data, digest) = release("UN-Comtrade-terms");
    let listed = json(&["releases", "--data", &data]);
    assert_eq!(
        (listed[0]["may_pass_on"].as_str(), listed[0]["originals_kept"].as_str()),
        (Some("no"), Some("always"))
    );
    let datasets = json(&["releases", "--datasets", "--data", &data]);
    assert_eq!(datasets[0]["dataset"], "test-trade");
    assert_eq!(
        (&datasets[0]["licences"][0], &datasets[0]["may_pass_on"]),
        (&"UN-Comtrade-terms".into(), &"no".into())
    );
    assert_eq!(datasets[0]["originals_kept"][0], "always: 1");
    let page = ok(&["releases", "v1", "--data", &data]);
    assert!(page.contains("may not be passed on") && page.contains("originals are kept"), "{page}");

    let out = dir.path().join("original.csv");
    let download = ["download", &digest, "-o", out.to_str().unwrap(), "--data", &data];
    let refused = run(&download);
    assert_eq!(refused.status.code(), Some(3), "{}", err(&refused));
    assert!(
        err(&refused).contains("UN-Comtrade-terms") && err(&refused).contains("--own-use"),
        "{}",
        err(&refused)
    );
    assert!(!out.exists());
    ok(&[&download[..], &["--own-use"]].concat());
    assert_eq!(fs::read_to_string(&out).unwrap(), table("UN-Comtrade-terms"));

    for format in ["json", "csv"] {
        let explain = [&FIGURE[..], &["--data", &data, "--format", format]].concat();
        let refused = run(&explain);
        assert_eq!(refused.status.code(), Some(3), "{}", err(&refused));
        assert!(refused.stdout.is_empty() && err(&refused).contains("--own-use"), "{}", err(&refused));
        assert!(ok(&[&explain[..], &["--own-use"]].concat()).contains("trade.csv"));
    }
    let table = ok(&[&FIGURE[..], &["--data", &data]].concat());
    assert!(table.contains("trade:"), "a person may look: {table}");
    let figures =
        ["exposure", "--consumer", "DEU", "--material", "graphite", "--stage", "mined", "--data", &data];
    ok(&[&figures[..], &["--format", "csv"]].concat());
}

#[test]
fn other_licences_refuse_nothing() {
    for (licence, may) in [("CC-BY-4.0", "yes"), ("terms of somebody", "unknown")] {
        let (dir, data, digest) = release(licence);
        assert_eq!(json(&["releases", "--data", &data])[0]["may_pass_on"], may);
        let out = dir.path().join("original.csv");
        ok(&["download", &digest, "-o", out.to_str().unwrap(), "--data", &data]);
        ok(&[&FIGURE[..], &["--data", &data, "--format", "csv"]].concat());
    }
}

#[test]
fn licences_are_listed_with_their_sources() {
    let licences = json(&["sources", "--licences"]);
    let of = |name: &str| -> Value {
        let all = licences.as_array().unwrap();
        all.iter().find(|one| one["licence"] == name).unwrap_or_else(|| panic!("{name}: {licences}")).clone()
    };
    assert_eq!(of("UN-Comtrade-terms")["may_pass_on"], "no");
    assert_eq!(of("etalab-2.0")["may_pass_on"], "yes");
    assert!(licences.as_array().unwrap().iter().all(|one| one["source"].is_string()));
    let formats = json(&["sources"]);
    let comtrade =
        formats.as_array().unwrap().iter().find(|one| one["licence"] == "UN-Comtrade-terms").unwrap();
    assert_eq!(comtrade["may_pass_on"], "no");
}
