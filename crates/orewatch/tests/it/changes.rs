//! What a release changed, why a figure differs, and how firm figures are, as a person asks for it.
use std::fs;

use serde_json::Value;

use crate::run::{Up, err, json, ok, run};

/// A file of the Survey from 2026 on, cut to antimony of three producers; the figures are those of the
/// editions of 2025 and 2026 (US public domain), the notes are shortened.
const SURVEY: &str = "\
MCS chapter,Section,Commodity,Country,Statistics,Statistics_detail,Unit,Year,Value,Notes,Other notes
ANTIMONY,World Mine Production,Antimony,China,Production,Mine production,metric tons,2024,40000,Estimated.,\
Significant revisions were made to 2024 production.
ANTIMONY,World Mine Production,Antimony,Russia,Production,Mine production,metric tons,2024,40000,Estimated.,\
Significant revisions were made to 2024 production.
ANTIMONY,World Mine Production,Antimony,Tajikistan,Production,Mine production,metric tons,2024,22000,,
ANTIMONY,World Mine Production,Antimony,China,Production,Mine production,metric tons,2025,40000,Estimated.,
";

/// The same of the edition before.
const BEFORE: &str = "\
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

/// A server with both editions.
struct Desk {
    _dir: tempfile::TempDir,
    up: Up,
}

impl Desk {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
        let (before, survey) = (path("before.csv"), path("survey.csv"));
        fs::write(&before, BEFORE).unwrap();
        fs::write(&survey, SURVEY).unwrap();
        let up = Up::start(&path("data"));
        for file in [before, survey] {
            ok(&["ingest", &file, "--table", "production", "--server", &up.address]);
        }
        Self { _dir: dir, up }
    }

    #[track_caller]
    fn json(&self, args: &[&str]) -> Value {
        json(&[args, &["--server", &self.up.address]].concat())
    }

    #[track_caller]
    fn text(&self, args: &[&str]) -> String {
        ok(&[args, &["--server", &self.up.address]].concat())
    }
}

const SHARE: [&str; 10] = [
    "--consumer",
    "WLD",
    "--material",
    "antimony",
    "--stage",
    "mined",
    "--measure",
    "production-share",
    "--as-of",
    "2024",
];

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn an_analyst_asks_what_a_release_changed_and_why() {
    let desk = Desk::new();
    what_the_release_changed(&desk);
    why_a_figure_changed(&desk);
    how_firm_figures_are(&desk);
    what_is_not_there_is_refused(&desk);
}

fn what_the_release_changed(desk: &Desk) {
    let asked = [&["changes", "MCS2026"], &SHARE[..]].concat();
    let found = desk.json(&asked);
    assert_eq!(found["changes_total"], 3);
    let first = &found["changes"][0];
    assert_eq!((&first["supplier"], &first["period"]), (&"CHN".into(), &"2024".into()));
    let close = |actual: &Value, expected: f64| (actual.as_f64().unwrap() - expected).abs() < 1e-12;
    assert!(close(&first["old"], 60.0 / 90.0) && close(&first["value"], 40.0 / 102.0), "{first}");
    assert!(close(&first["difference"], 40.0 / 102.0 - 60.0 / 90.0), "{first}");
    assert_eq!(found["notes"][0]["note"], "Significant revisions were made to 2024 production.");

    let text = words(&desk.text(&asked));
    assert!(text.starts_with("MCS2026 became visible. 3 figures differ"), "{text}");
    assert!(text.contains("66.7 % 39.2 % -27.5 pp MCS2025 > MCS2026"), "{text}");
    let csv = desk.text(&[&asked[..], &["--format", "csv", "--limit", "1"]].concat());
    assert_eq!(csv.lines().count(), 2, "a header and the largest difference: {csv}");
    let both = desk.json(&[&["changes", "--from", "MCS2025", "--to", "MCS2026"], &SHARE[..]].concat());
    assert_eq!(both, found);
}

fn why_a_figure_changed(desk: &Desk) {
    let asked = [&["explain", "--supplier", "CHN", "--against", "MCS2025"], &SHARE[..]].concat();
    let found = desk.json(&asked);
    assert_eq!(found["reasons"], serde_json::json!(["source rows: 3 rows changed"]));
    let rows = found["rows"].as_array().unwrap();
    let figures: Vec<_> = rows.iter().map(|row| (&row["economy"], &row["old_quantity_t"])).collect();
    let expected = [("RUS", 13_000.0), ("CHN", 60_000.0), ("TJK", 17_000.0)];
    assert_eq!(figures.len(), 3);
    for (found, (economy, old)) in figures.iter().zip(expected) {
        assert_eq!((found.0, found.1.as_f64()), (&Value::from(economy), Some(old)));
    }
    assert_eq!((&found["before"]["period"], &found["after"]["period"]), (&"2024".into(), &"2024".into()));

    let text = words(&desk.text(&asked));
    assert!(text.contains("because source rows: 3 rows changed"), "{text}");
    assert!(text.contains("difference -27.5 pp"), "{text}");
    let plain = words(&desk.text(&[&["explain", "--supplier", "CHN"], &SHARE[..]].concat()));
    assert!(plain.contains("Significant revisions were made to 2024 production."), "{plain}");
    assert!(plain.contains("firmness weak: half of the published figures"), "{plain}");
}

fn how_firm_figures_are(desk: &Desk) {
    let bands = desk.json(&["revisions", "--dataset", "usgs-mcs", "--material", "antimony"]);
    let of_economies = &bands[0];
    assert_eq!((&of_economies["figures"], &of_economies["firmness"]), (&3.into(), &"weak".into()));
    assert_eq!(of_economies["largest"][0]["economy"], "RUS");
    let close = |actual: &Value, expected: f64| (actual.as_f64().unwrap() - expected).abs() < 1e-12;
    assert!(close(&of_economies["median"], 1.0 / 3.0), "{of_economies}");
    assert!(close(&bands[1]["median"], 12.0 / 90.0), "the world: {}", bands[1]);

    let asked = [&["exposure"], &SHARE[..]].concat();
    let firm = words(&desk.text(&[&asked[..], &["--firmness"]].concat()));
    assert!(firm.contains("firmness") && firm.contains("weak (33.3 %)"), "{firm}");
    assert!(!desk.text(&asked).contains("firmness"), "only when asked");
}

fn what_is_not_there_is_refused(desk: &Desk) {
    let refused = |args: &[&str]| {
        let output = run(&[args, &["--server", &desk.up.address]].concat());
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        err(&output)
    };
    assert!(refused(&["changes", "MCS2031"]).contains("MCS2031"));
    assert!(refused(&["changes"]).contains("RELEASE"), "what is to be compared is asked for");
    assert!(refused(&["changes", "MCS2026", "--from", "MCS2025"]).contains("--from"));
    assert!(refused(&["revisions", "--material", "antimoni"]).contains("antimony"));
    assert!(refused(&["changes", "--from", "@x"]).contains("from"));
}
