//! Several datasets with the same figures: declarations, supplements, extracts, and the source policy.
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

    /// Writes a file and returns its path.
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

    /// Runs a command that must fail with an exit code and an error that has all of these texts and none of
    /// those.
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
fn declarations_supplements_and_extracts_coexist() {
    let desk = Desk::new();
    let baci =
        desk.flows("baci-hs22", "1", &["2022,CHL,DEU,283691,9000,3000,", "2022,CHN,DEU,283691,4000,1000,"]);
    let germany = ["2022,CHL,DEU,283691,9000,3000,importer", "2022,CHN,DEU,283691,4000,1000,importer"];
    let whole = desk.flows("customs", "1", &germany);
    let part = desk.flows("customs", "2", &germany[1..]);
    desk.ok(&["ingest", &baci]);
    let dry = desk.ok(&["ingest", &whole, "--kind", "declarations", "--dry-run"]);
    for words in [
        "Figures it would restate\n  nothing is restated",
        "Rank among datasets\n  it answers nowhere; first comes baci-hs22",
    ] {
        assert!(dry.contains(words), "{words:?} is not in {dry}");
    }
    let dry = desk.json(&["ingest", &whole, "--kind", "declarations", "--dry-run"]);
    assert!(dry[0]["gates"].as_array().unwrap().iter().any(|gate| gate["gate"] == "outranked"));
    let ingested = desk.json(&["ingest", &whole, "--kind", "declarations"]);
    assert_eq!(ingested[0]["release"]["kind"], "declarations");
    assert_eq!(ingested[0]["release"]["covers"], "DEU; CHL, CHN; 283691");

    // Following the hint does no damage: the extract is committed with its scope.
    let says = ["DEU imports 283691 from CHL in 2022", "--scope partner=CHN", "if they are really gone"];
    desk.fails(&["ingest", &part, "--kind", "declarations"], 3, &says, &["--max-rejects"]);
    let extract = desk.json(&["ingest", &part, "--kind", "declarations", "--scope", "partner=CHN"]);
    assert_eq!(extract[0]["release"]["state"], "committed");
    assert_eq!(extract[0]["release"]["scope"], "partner=CHN");
    let shown = desk.ok(&["releases", "customs/2"]);
    assert!(
        shown.contains("scope       partner=CHN") && shown.contains("kind        declarations"),
        "{shown}"
    );
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
    assert!(shown.starts_with("Default order: no policy has been applied."), "{shown}");
    let rows = desk.json(&["policy"]);
    assert_eq!((&rows["revision"], rows["datasets"].as_array().unwrap().len()), (&Value::from(0), 2));
    assert_eq!(rows["datasets"][0]["dataset"], "baci-hs22");
    assert_eq!(rows["datasets"][1]["kind"], "declarations");

    let text = "\
preferences:
  - table: trade
    materials: [lithium]
    economies: [EU27]
    from: 2020
    datasets: [comtrade-hs22, baci-hs22]
datasets: []
";
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

/// A comparison shows each dataset's figure, and which of them is the published one.
#[test]
fn comparisons_show_what_each_dataset_says() {
    let desk = Desk::new();
    let baci =
        ["2022,CHL,FRA,283691,100,100,", "2022,CHN,DEU,283691,100,100,", "2022,CHN,ITA,283691,100,100,"];
    desk.ok(&["ingest", &desk.flows("baci-hs22", "1", &baci)]);
    let germany = ["2022,CHL,DEU,283691,300,300,importer"];
    desk.ok(&["ingest", &desk.flows("comtrade-hs22", "1", &germany)]);
    let france = ["2021,CHL,FRA,283691,300,300,importer", "2022,CHL,FRA,283691,300,300,importer"];
    desk.ok(&["ingest", &desk.flows("comtrade-hs22", "2", &france)]);

    // Both releases of the dataset are current: neither restates the other.
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
    let share_of = |consumer, more: &[&'static str]| {
        [
            &["exposure", "--consumer", consumer, "--measure", "import-share", "--by", "quantity"],
            &market[..],
            more,
        ]
        .concat()
    };
    let shown = desk.ok(&share_of("EU27", &["--sources", "--as-of", "2022"]));
    let line = |words: &str| shown.lines().find(|line| line.contains(words)).unwrap_or_default().to_owned();
    assert!(line("combined").contains("85.7 %"), "{shown}");
    assert!(
        line("baci-hs22 ").contains("published in part") && line("baci-hs22 ").contains("33.3 %"),
        "{shown}"
    );
    let shown = desk.ok(&share_of("FRA", &["--sources", "--as-of", "2022"]));
    assert!(shown.contains("2 datasets agree: 100.0 %"), "{shown}");
    assert!(!shown.contains("(comtrade-hs22)"), "{shown}");

    // Withdrawn content can be ingested again under another vintage, as the hint says.
    desk.ok(&["withdraw", "comtrade-hs22/2", "--reason", "wrong"]);
    let again = desk.path("comtrade-hs22-2.csv");
    desk.fails(&["ingest", &again], 3, &["under another vintage (--vintage)"], &[]);
    desk.ok(&["ingest", &again, "--vintage", "3"]);
}

/// Figures of the other frequency are named, and the suggested `explain` command can be run as it is.
#[test]
fn monthly_figures_are_not_reported_as_missing() {
    let desk = Desk::new();
    let rows = ["2023-06,CHL,JPN,283691,100,100,importer", "2023,CHL,DEU,283691,100,100,importer"];
    desk.ok(&["ingest", &desk.flows("comtrade-hs22", "1", &rows)]);
    let asked = |more: &[&str]| {
        let market = ["exposure", "--material", "lithium", "--stage", "refined"];
        let output = run(&[&market[..], more, &["--data", &desk.path("data")]].concat());
        assert_eq!(output.status.code(), Some(0));
        err(&output)
    };
    let stderr = asked(&["--consumer", "JPN"]);
    assert!(
        stderr.contains("only monthly figures exist, 2023-06: query them with --frequency monthly"),
        "{stderr}"
    );
    assert!(!stderr.contains("no release has"), "{stderr}");
    let stderr = asked(&["--consumer", "DEU", "--frequency", "monthly"]);
    assert!(
        stderr.contains("only annual figures exist, 2023: query them with --frequency annual"),
        "{stderr}"
    );
    let stderr = asked(&["--consumer", "FRA", "--measure", "import-share", "--supplier", "CHL"]);
    let command = stderr.split('`').nth(1).unwrap_or_default().to_owned();
    let words: Vec<_> = command.split(' ').skip(1).collect();
    desk.ok(&words);
}

#[test]
fn a_quarantined_row_is_exported_as_written() {
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

#[test]
fn the_summary_says_how_much_is_known() {
    let desk = Desk::new();
    let rows = ["2022,CHL,DEU,283691,9000,3000,", "2022,CHN,DEU,283691,4000,1000,"];
    desk.ok(&["ingest", &desk.flows("baci-hs22", "1", &rows)]);
    let card = desk.ok(&[
        "exposure",
        "--consumer",
        "DEU",
        "--material",
        "lithium",
        "--stage",
        "refined",
        "--top",
        "2",
    ]);
    let from = card.find("Certainty").unwrap_or_else(|| panic!("no certainty in {card}"));
    let to = card.find("Codes without data").unwrap_or_else(|| panic!("nothing is missing in {card}"));
    let words: Vec<_> = card[from..to].split_whitespace().collect();
    assert_eq!(
        words.join(" "),
        "Certainty import-hhi by quantity is partial; 50.0 % of the required product codes, reports and \
         amounts are covered; some product codes of the market are not in the dataset that answers \
         Products lithium carbonate (283691) Imports 4 000 t, $13.0m"
    );
    assert!(card[to..].contains("282520"), "{card}");
}
