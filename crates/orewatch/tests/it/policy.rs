//! Several sources beside one another, as whoever keeps them goes about it: files of reporters, supplements, extracts, the policy.
use std::fs;

use serde_json::Value;
use tempfile::TempDir;

use crate::run::{err, json, ok, run};

const HEADER: &str = "period,exporter,importer,product,value_kusd,quantity_t,reporter";

/// A folder with files, and a log of its own.
struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    /// Writes a file; its path.
    fn file(&self, name: &str, content: &str) -> String {
        fs::write(self.path(name), content).unwrap();
        self.path(name)
    }

    /// Tidy trade of a dataset.
    fn flows(&self, dataset: &str, vintage: &str, rows: &[&str]) -> String {
        let rows = rows.join("\n");
        let content = format!("# dataset: {dataset}\n# vintage: {vintage}\n# hs: HS22\n{HEADER}\n{rows}\n");
        self.file(&format!("{dataset}-{vintage}.csv"), &content)
    }

    #[track_caller]
    fn ok(&self, args: &[&str]) -> String {
        ok(&[args, &["--data", &self.path("data")]].concat())
    }

    #[track_caller]
    fn json(&self, args: &[&str]) -> Value {
        json(&[args, &["--data", &self.path("data")]].concat())
    }

    /// Runs a command that ends with a code, and says all of these and none of those.
    #[track_caller]
    fn fails(&self, args: &[&str], code: i32, says: &[&str], not: &[&str]) {
        let output = run(&[args, &["--data", &self.path("data")]].concat());
        assert_eq!(output.status.code(), Some(code), "{args:?}: {}", err(&output));
        for words in says {
            assert!(err(&output).contains(words), "{words:?} is not in {}", err(&output));
        }
        for words in not {
            assert!(!err(&output).contains(words), "{words:?} is in {}", err(&output));
        }
    }
}

#[test]
fn reporters_supplements_and_extracts_stand_beside_one_another() {
    let desk = Desk::new();
    let baci =
        desk.flows("baci-hs22", "1", &["2022,CHL,DEU,283691,9000,3000,", "2022,CHN,DEU,283691,4000,1000,"]);
    let germany = ["2022,CHL,DEU,283691,9000,3000,importer", "2022,CHN,DEU,283691,4000,1000,importer"];
    let whole = desk.flows("customs", "1", &germany);
    let part = desk.flows("customs", "2", &germany[1..]);
    desk.ok(&["ingest", &baci]);
    let dry = desk.ok(&["ingest", &whole, "--kind", "declarations", "--dry-run"]);
    for words in [
        "What it would restate\n  nothing is restated",
        "Where it would answer\n  it answers nowhere; first comes baci-hs22",
    ] {
        assert!(dry.contains(words), "{words:?} is not in {dry}");
    }
    let dry = desk.json(&["ingest", &whole, "--kind", "declarations", "--dry-run"]);
    assert!(dry[0]["gates"].as_array().unwrap().iter().any(|gate| gate["gate"] == "outranked"));
    let ingested = desk.json(&["ingest", &whole, "--kind", "declarations"]);
    assert_eq!(ingested[0]["release"]["kind"], "declarations");
    assert_eq!(ingested[0]["release"]["covers"], "DEU; CHL, CHN; 283691");

    // What is advised is right, and does no damage: the extract is committed with its scope.
    let says = ["DEU imports 283691 from CHL in 2022", "--scope partner=CHN", "if they are really gone"];
    desk.fails(&["ingest", &part, "--kind", "declarations"], 3, &says, &["--max-rejects"]);
    let extract = desk.json(&["ingest", &part, "--kind", "declarations", "--scope", "partner=CHN"]);
    assert_eq!(extract[0]["release"]["state"], "committed");
    assert_eq!(extract[0]["release"]["scope"], "partner=CHN");
    let shown = desk.ok(&["releases", "customs/2"]);
    assert!(shown.contains("scope      partner=CHN") && shown.contains("kind       declarations"), "{shown}");
    let says = ["f", "scope that is stated: partner is one of CHN", "add CHL to --scope partner="];
    desk.fails(&["ingest", &whole, "--vintage", "3", "--scope", "partner=CHN"], 2, &says, &[]);
    desk.fails(&["ingest", &whole, "--scope", "party=CHN"], 2, &["no such dimension"], &[]);
    desk.fails(&["ingest", &whole, "--kind", "reconcild"], 2, &["reconciled"], &[]);
}

#[test]
fn the_policy_is_shown_applied_and_exported() {
    let desk = Desk::new();
    for dataset in ["baci-hs22", "comtrade-hs22"] {
        desk.ok(&["ingest", &desk.flows(dataset, "1", &["2022,CHL,DEU,283691,9000,3000,"])]);
    }
    let shown = desk.ok(&["policy"]);
    assert!(shown.starts_with("The default order holds"), "{shown}");
    let rows = desk.json(&["policy"]);
    assert_eq!((&rows["revision"], rows["datasets"].as_array().unwrap().len()), (&Value::from(0), 2));
    assert_eq!(rows["datasets"][0]["dataset"], "baci-hs22");
    assert_eq!(rows["datasets"][1]["kind"], "declarations");

    let text = "preferences:\n  - table: trade\n    materials: [lithium]\n    economies: [EU27]\n    from: 2020\n    datasets: [comtrade-hs22, baci-hs22]\ndatasets: []\n";
    let policy = desk.file("policy.yaml", text);
    let dry = desk.json(&["policy", "apply", &policy, "--dry-run"]);
    assert_eq!((&dry["revision"], &dry["unchanged"]), (&Value::from(0), &Value::from(false)));
    assert_eq!(
        dry["changes"][0]["what"],
        "trade of lithium for EU27 from 2020: comtrade-hs22, then baci-hs22"
    );
    let applied = desk.ok(&["policy", "apply", &policy, "--reason", "the months"]);
    assert!(applied.contains("added") && applied.contains("comtrade-hs22, then baci-hs22"), "{applied}");
    assert!(desk.ok(&["policy"]).starts_with("Revision 1, since"));
    assert_eq!(desk.ok(&["policy", "export"]), text);
    let again = desk.json(&["policy", "apply", &policy]);
    assert_eq!((&again["revision"], &again["unchanged"]), (&Value::from(1), &Value::from(true)));
    let json = desk.file("policy.json", &desk.json(&["policy", "export"]).to_string());
    assert_eq!(desk.json(&["policy", "apply", &json])["unchanged"], Value::from(true));

    let wrong = desk.file("wrong.yaml", "preferences:\n  - {table: trade, datasets: [comtrade-hs2]}\n");
    desk.fails(&["policy", "apply", &wrong], 2, &["comtrade-hs2", "did you mean comtrade-hs22?"], &[]);
    let wrong = desk.file("wrong.yaml", "preference: []\n");
    desk.fails(&["policy", "apply", &wrong], 2, &["wrong.yaml:1:1", "did you mean preferences?"], &[]);
}

/// What is said of several datasets side by side is what they say, and which of it is the answer.
#[test]
fn several_datasets_are_told_as_what_they_are() {
    let desk = Desk::new();
    let baci =
        ["2022,CHL,FRA,283691,100,100,", "2022,CHN,DEU,283691,100,100,", "2022,CHN,ITA,283691,100,100,"];
    desk.ok(&["ingest", &desk.flows("baci-hs22", "1", &baci)]);
    let germany = ["2022,CHL,DEU,283691,300,300,importer"];
    desk.ok(&["ingest", &desk.flows("comtrade-hs22", "1", &germany)]);
    let france = ["2021,CHL,FRA,283691,300,300,importer", "2022,CHL,FRA,283691,300,300,importer"];
    desk.ok(&["ingest", &desk.flows("comtrade-hs22", "2", &france)]);

    // The two releases of one dataset stand beside one another.
    let rows = desk.json(&["policy"]);
    let comtrade = &rows["datasets"][1];
    assert_eq!(
        (&comtrade["dataset"], &comtrade["vintage"]),
        (&Value::from("comtrade-hs22"), &Value::from("2"))
    );
    assert_eq!(comtrade["periods"], "2021..2022");
    assert_eq!(comtrade["covers"], "DEU, FRA; CHL; 283691");

    let preferred = "preferences:\n  - {table: trade, economies: [EU27], datasets: [comtrade-hs22]}\n";
    desk.ok(&["policy", "apply", &desk.file("policy.yaml", preferred)]);
    let market = ["--material", "lithium", "--stage", "refined", "--supplier", "CHL"];
    let of = |consumer, more: &[&'static str]| {
        [
            &["exposure", "--consumer", consumer, "--measure", "import-share", "--by", "quantity"],
            &market[..],
            more,
        ]
        .concat()
    };
    let shown = desk.ok(&of("EU27", &["--sources", "--as-of", "2022"]));
    let line = |words: &str| shown.lines().find(|line| line.contains(words)).unwrap_or_default().to_owned();
    assert!(line("the answer").contains("85.7 %"), "{shown}");
    assert!(
        line("baci-hs22 ").contains("answers in part") && line("baci-hs22 ").contains("33.3 %"),
        "{shown}"
    );
    let shown = desk.ok(&of("FRA", &["--sources", "--as-of", "2022"]));
    assert!(shown.contains("2 datasets agree: 100.0 %"), "{shown}");
    assert!(!shown.contains("(comtrade-hs22)"), "{shown}");

    // Content that was withdrawn comes back under another vintage, as is said.
    desk.ok(&["withdraw", "comtrade-hs22/2", "--reason", "wrong"]);
    let again = desk.path("comtrade-hs22-2.csv");
    desk.fails(&["ingest", &again], 3, &["under another vintage (--vintage)"], &[]);
    desk.ok(&["ingest", &again, "--vintage", "3"]);
}

/// Years and months are not each other's absence, and what explains a figure can be run as it is told.
#[test]
fn figures_of_months_are_not_missing() {
    let desk = Desk::new();
    let rows = ["2023-06,CHL,JPN,283691,100,100,importer", "2023,CHL,DEU,283691,100,100,importer"];
    desk.ok(&["ingest", &desk.flows("comtrade-hs22", "1", &rows)]);
    let asked = |more: &[&str]| {
        let market = ["exposure", "--material", "lithium", "--stage", "refined"];
        let output = run(&[&market[..], more, &["--data", &desk.path("data")]].concat());
        assert_eq!(output.status.code(), Some(0));
        err(&output)
    };
    let said = asked(&["--consumer", "JPN"]);
    assert!(said.contains("of months alone, 2023-06: ask for them with --frequency monthly"), "{said}");
    assert!(!said.contains("no release records"), "{said}");
    let said = asked(&["--consumer", "DEU", "--frequency", "monthly"]);
    assert!(said.contains("of years alone, 2023: ask for them with --frequency annual"), "{said}");
    let said = asked(&["--consumer", "FRA", "--measure", "import-share", "--supplier", "CHL"]);
    let command = said.split('`').nth(1).unwrap_or_default().to_owned();
    let words: Vec<_> = command.split(' ').skip(1).collect();
    desk.ok(&words);
}

/// A row that was set aside is handed back as it is written, whichever publisher's csv it is from.
#[test]
fn a_row_of_a_publisher_is_exported_as_it_is_written() {
    let desk = Desk::new();
    let header = "period,reporterCode,partnerCode,flowCode,cmdCode,primaryValue,netWgt,classificationCode";
    let content =
        format!("{header}\n2023,276,704,M,811010,20000,20x00,H6\n2023,276,156,M,811010,20000,20000,H6\n");
    let file = desk.file("comtrade.csv", &content);
    desk.ok(&["ingest", &file, "--vintage", "1", "--max-rejects", "1"]);
    let wrong = desk.path("wrong.csv");
    let output = run(&["rejections", "comtrade-hs22/1", "--export", &wrong, "--data", &desk.path("data")]);
    assert!(!err(&output).contains("no text of their own"), "{}", err(&output));
    let text = fs::read_to_string(&wrong).unwrap();
    assert_eq!(text, format!("rejection,{header}\n0,2023,276,704,M,811010,20000,20x00,H6\n"));
    desk.ok(&["repair", "comtrade-hs22/1", &desk.file("right.csv", &text.replace("20x00", "20500"))]);
}
