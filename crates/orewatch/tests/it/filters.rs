//! Filters of lists: lists of critical materials, names in the place of codes, and names of nothing, which
//! are errors and not empty answers. One set of names in every output, and notes of the user's own.
use std::fs;

use serde_json::json;

use crate::run::{err, json, ok, run};

const TRADE: &str = "\
# table: trade
# dataset: ours
# vintage: 1
# publisher: us
# hs: HS92
period,exporter,importer,product,value_kusd,quantity_t,note
2024,NLD,DEU,260200,30,300,\"Held in bond, then \"\"released\"\".\"
2024,MAR,DEU,260200,70,700,
";

const OUTPUT: &str = "\
# table: production
# dataset: our-output
# vintage: 1
period,economy,material,stage,quantity,unit,basis,note
2024,CHN,graphite,mined,60,kt,gross,Revised after a visit.
2024,MOZ,graphite,mined,40,kt,gross,Revised after a visit.
";

const RULES: &str = "\
rules:
  - id: manganese-line
    title: Too much manganese from one supplier
    measure: import-share
    select: {consumer: DEU, material: manganese, stage: mined}
    when: {above: 0.5}
    severity: {critical: 0.5}
    owner: desk
    labels: {team: ores}
  - id: any-line
    title: Too much of anything from one supplier
    measure: import-share
    select: {consumer: JPN, material: cobalt}
    when: {above: 0.9}
";

const RECEIVERS: &str = "\
receivers:
  - id: desk-feed
    feed: {entries: 5}
";

const SUBSCRIPTION: &str = "\
id: listed
receiver: desk-feed
select: {material: [helium, 'listed(USA-2025)']}
";

struct Desk {
    dir: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        let desk = Self { dir: tempfile::tempdir().unwrap() };
        for (name, content) in [
            ("trade.csv", TRADE),
            ("output.csv", OUTPUT),
            ("rules.yaml", RULES),
            ("receivers.yaml", RECEIVERS),
            ("subscription.yaml", SUBSCRIPTION),
        ] {
            fs::write(desk.path(name), content).unwrap();
        }
        desk.text(&["ingest", &desk.path("trade.csv"), &desk.path("output.csv")]);
        desk
    }

    fn with_rules() -> Self {
        let desk = Self::new();
        desk.text(&["rules", "apply", &desk.path("rules.yaml"), "--yes"]);
        desk
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }

    #[track_caller]
    fn text(&self, args: &[&str]) -> String {
        ok(&[args, &["--data", &self.path("data")]].concat())
    }

    #[track_caller]
    fn json(&self, args: &[&str]) -> serde_json::Value {
        json(&[args, &["--data", &self.path("data")]].concat())
    }

    /// The error of a command that is refused.
    #[track_caller]
    fn refused(&self, args: &[&str]) -> String {
        let output = run(&[args, &["--data", &self.path("data")]].concat());
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", err(&output));
        err(&output)
    }

    /// The identifiers of the rules that a filter lists.
    #[track_caller]
    fn rules(&self, filter: &[&str]) -> Vec<String> {
        let rules = self.json(&[&["rules", "list"], filter].concat());
        let ids = rules.as_array().unwrap().iter();
        ids.map(|rule| rule["rule"].as_str().unwrap().to_owned()).collect()
    }
}

#[test]
fn a_list_of_critical_materials_is_a_filter() {
    let desk = Desk::with_rules();
    let listed = "listed(usa-2025)";
    let figures = desk.json(&["exposure", "--consumer", "Germany", "--material", listed, "--by", "value"]);
    let figures = figures["exposures"].as_array().unwrap();
    assert!(!figures.is_empty() && figures.iter().all(|figure| figure["material"] == "manganese"));
    let alerts = desk.json(&["alerts", "--material", listed]);
    assert_eq!(alerts[0]["id"], "manganese-line/DEU/manganese/mined/MAR");
    let codes = ok(&["concordance", "--material", listed, "--format", "csv"]);
    assert!(codes.contains(",manganese,") && codes.contains(",cobalt,") && !codes.contains(",feldspar,"));
    for command in ["targets", "claims", "revisions"] {
        desk.json(&[command, "--material", listed]);
        let unknown = desk.refused(&[command, "--material", "listed(USA-2052)"]);
        assert!(unknown.contains("did you mean USA-2025?"), "{unknown}");
    }
    let single = desk.refused(&["explain", "--consumer", "DEU", "--material", listed, "--stage", "mined"]);
    assert!(single.contains("`orewatch lists`"), "{single}");

    desk.text(&["receivers", "apply", &desk.path("receivers.yaml")]);
    let stored = desk.json(&["subscriptions", "apply", &desk.path("subscription.yaml")]);
    let select = stored[0]["select"].as_str().unwrap();
    assert!(select.contains("helium") && select.contains("uranium"), "{select}");
    fs::write(desk.path("subscription.yaml"), SUBSCRIPTION.replace("2025", "2052")).unwrap();
    let unknown = desk.refused(&["subscriptions", "apply", &desk.path("subscription.yaml")]);
    assert!(unknown.contains("did you mean USA-2025?"), "{unknown}");
}

#[test]
fn rules_are_listed_by_what_they_are() {
    let desk = Desk::with_rules();
    let both = ["any-line", "manganese-line"];
    assert_eq!(desk.rules(&[]), both);
    for filter in [
        &["--material", "Manganese"][..],
        &["--material", "listed(EU-2024)", "--consumer", "Germany"],
        &["--severity", "critical"],
        &["--label", "team=ores"],
        &["--owner", "desk"],
        &["--state", "firing"],
    ] {
        assert_eq!(desk.rules(filter), ["manganese-line"], "{filter:?}");
    }
    assert_eq!(desk.rules(&["--severity", "warning,critical"]), both);
    assert_eq!(desk.rules(&["--state", "inactive"]), ["any-line"]);
    assert_eq!(desk.rules(&["--health", "suspended,failed"]), [""; 0]);
    assert_eq!(desk.rules(&["--pack", "g7-china"]), [""; 0], "it ships with the program");
}

#[test]
fn names_of_nothing_are_errors_with_a_suggestion() {
    let desk = Desk::with_rules();
    for (args, suggestion) in [
        (&["alerts", "--rule", "mangnese-line"][..], "did you mean manganese-line?"),
        (&["alerts", "--severity", "critcal"], "did you mean critical?"),
        (&["alerts", "--label", "team=oars"], "did you mean ores?"),
        (&["alerts", "--label", "tema=ores"], "did you mean team?"),
        (&["rules", "list", "--pack", "g7-chian"], "did you mean g7-china?"),
        (&["rules", "list", "--severity", "critcal"], "did you mean critical?"),
        (&["rules", "list", "--label", "team=oars"], "did you mean team=ores?"),
        (&["rules", "list", "--owner", "dsk"], "did you mean desk?"),
        (&["deliveries", "--receiver", "desk"], "no receiver is known yet"),
        (&["deliveries", "--subscription", "desk"], "no subscription is known yet"),
        (&["deliveries", "--alert", "no-line/DEU/manganese/mined/MAR"], "list the alerts"),
        (&["subscriptions", "list", "--owner", "dsk"], "no owner is known yet"),
        (&["releases", "--dataset", "our-outptu"], "did you mean our-output?"),
    ] {
        let error = desk.refused(args);
        assert!(error.contains(suggestion), "{args:?}: {error}");
    }
    desk.text(&["receivers", "apply", &desk.path("receivers.yaml")]);
    let error = desk.refused(&["deliveries", "--receiver", "desk-fed"]);
    assert!(error.contains("did you mean desk-feed?"), "{error}");
    assert_eq!(desk.json(&["deliveries", "--receiver", "desk-feed"]), json!([]));

    let mute = ["--for", "1d", "--author", "ann", "--reason", "typo"];
    let silence =
        run(&[&["silences", "add", "--rule", "mangnese-line"], &mute[..], &["--data", &desk.path("data")]]
            .concat());
    assert_eq!(silence.status.code(), Some(3), "{}", err(&silence));
    assert!(err(&silence).contains("did you mean manganese-line?"), "{}", err(&silence));
}

#[test]
fn labels_and_contributors_are_objects() {
    let desk = Desk::with_rules();
    let alert = &desk.json(&["alerts"])[0];
    assert_eq!(alert["labels"], json!({"team": "ores"}));
    assert_eq!(alert["contributors"][0], json!({"supplier": "MAR", "share": 0.7}));
    assert_eq!(alert["label"], json!(null));
    let shown = desk.json(&["alerts", "show", alert["id"].as_str().unwrap()]);
    assert_eq!(shown["transitions"][0]["labels"], json!({"team": "ores"}));
    assert_eq!(desk.json(&["rules", "show", "manganese-line"])["labels"], json!({"team": "ores"}));
    let csv = desk.text(&["alerts", "--format", "csv"]);
    assert!(csv.contains(",team=ores,") && csv.contains(",MAR 0.7;NLD 0.3,"), "{csv}");
}

#[test]
fn notes_of_the_users_own_are_kept_with_the_release() {
    let desk = Desk::new();
    let flow = ["--consumer", "DEU", "--material", "manganese", "--stage", "mined"];
    let notes = &desk.json(&[&["explain"], &flow[..]].concat())["notes"];
    assert_eq!(notes.as_array().unwrap().len(), 1, "{notes}");
    let of = ["note", "economy", "partner", "period"].map(|field| &notes[0][field]);
    assert_eq!(of, [r#"Held in bond, then "released"."#, "NLD", "DEU", "2024"]);

    let output = ["--consumer", "WLD", "--material", "graphite", "--stage", "mined"];
    let page = desk.text(&[&["explain"], &output[..], &["--measure", "production-hhi"]].concat());
    assert!(page.contains("What the publishers say") && page.contains("Revised after a visit."), "{page}");
    let release = desk.json(&["releases", "--dataset", "our-output"])[0]["release"].clone();
    let changes = desk.json(&["changes", release.as_str().unwrap(), "--material", "graphite"]);
    let note = &changes["notes"][0];
    assert_eq!((&note["note"], &note["economy"]), (&"Revised after a visit.".into(), &json!(null)));
}
