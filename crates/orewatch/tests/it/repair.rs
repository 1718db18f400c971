//! Repair of a release with invalid rows, from the first look to the commit.
use std::fs;
use std::process::Output;

use serde_json::Value;
use tempfile::TempDir;

use crate::run::{err, json, ok, run};

/// Two rows that can be recorded and two that cannot.
const TRADE: &str = "\
# dataset: ours
# vintage: 1
# hs: HS92
period,exporter,importer,product,value_kusd,quantity_t
2022,NLD,DEU,260200,30,300
2022,BEX,DEU,260200,20,200
2022,MAR,DEU,260200,5o,100
2022,ZAF,DEU,260200,10,100
";

/// A folder with the file, and a log of its own.
struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        fs::write(desk.path("trade.csv"), TRADE).unwrap();
        desk
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    fn run(&self, args: &[&str]) -> Output {
        run(&[args, &["--data", &self.path("data")]].concat())
    }

    #[track_caller]
    fn ok(&self, args: &[&str]) -> String {
        ok(&[args, &["--data", &self.path("data")]].concat())
    }

    #[track_caller]
    fn json(&self, args: &[&str]) -> Value {
        json(&[args, &["--data", &self.path("data")]].concat())
    }

    /// Runs a command that ends with a code, and says all of these.
    #[track_caller]
    fn fails(&self, args: &[&str], code: i32, says: &[&str]) {
        let output = self.run(args);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {}", err(&output));
        for words in says {
            assert!(err(&output).contains(words), "{words:?} is not in {}", err(&output));
        }
    }

    /// State of the release, recorded rows and quarantined rows.
    fn release(&self) -> (String, u64, u64) {
        let release = self.json(&["releases", "1"]);
        let count = |name: &str| release[name].as_u64().unwrap();
        (release["state"].as_str().unwrap().to_owned(), count("rows_recorded"), count("rows_rejected"))
    }

    /// Suppliers of Germany's manganese ore.
    fn suppliers(&self) -> Vec<String> {
        let ask =
            ["exposure", "--consumer", "DEU", "--material", "manganese", "--stage", "mined", "--measure"];
        let found = self.json(&[&ask[..], &["import-share"]].concat());
        let names = found["exposures"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["supplier"].as_str().unwrap().to_owned());
        let mut names: Vec<_> = names.collect();
        names.sort();
        // Of each there is a share by quantity and one by value.
        names.dedup();
        names
    }

    /// The file to correct, with words replaced.
    fn corrected(&self, name: &str, words: &[(&str, &str)]) -> String {
        let text = fs::read_to_string(self.path("wrong.csv")).unwrap();
        let text = words.iter().fold(text, |text, (wrong, right)| text.replace(wrong, right));
        fs::write(self.path(name), text).unwrap();
        self.path(name)
    }
}

/// A release is held, listed, exported, corrected in two attempts and committed.
#[test]
fn a_held_release_is_repaired_and_committed() {
    let desk = Desk::new();
    let held = desk.run(&["ingest", &desk.path("trade.csv"), "--hold"]);
    assert_eq!(held.status.code(), Some(0), "{}", err(&held));
    assert_eq!(desk.release(), ("open".to_owned(), 2, 2));
    assert_eq!(desk.suppliers(), [""; 0], "nothing of it is visible");
    desk.fails(&["commit", "1"], 3, &["and none is allowed", "orewatch repair", "--max-rejects"]);

    let shown = desk.ok(&["rejections", "1", "--show", "0"]);
    let lines: Vec<_> = shown.lines().collect();
    let at = lines.iter().position(|line| line.ends_with("2022,BEX,DEU,260200,20,200")).unwrap();
    assert!(lines[at + 1].trim_start() == "^^^", "{shown}");
    assert!(shown.contains("trade.csv:6") && shown.contains("unknown-economy"), "{shown}");
    desk.fails(
        &["rejections", "1", "--show", "2"],
        2,
        &["no quarantined row with this", "2 quarantined rows, numbered from 0"],
    );

    let wrong = desk.path("wrong.csv");
    let exported = desk.run(&["rejections", "1", "--export", &wrong]);
    assert!(err(&exported).contains(&format!("orewatch repair 1 {wrong}")), "{}", err(&exported));
    let text = fs::read_to_string(&wrong).unwrap();
    assert_eq!(
        text,
        "rejection,period,exporter,importer,product,value_kusd,quantity_t\n\
         0,2022,BEX,DEU,260200,20,200\n1,2022,MAR,DEU,260200,5o,100\n"
    );

    // Uncorrected, then half corrected: nothing is recorded, and each row has its reason.
    let output =
        desk.run(&["repair", "1", &desk.corrected("half.csv", &[("BEX", "BEL")]), "--format", "csv"]);
    assert_eq!(output.status.code(), Some(3), "{}", err(&output));
    assert!(err(&output).contains("1 row still wrong; nothing was recorded"), "{}", err(&output));
    let listed = String::from_utf8(output.stdout).unwrap();
    assert!(listed.lines().count() == 2 && listed.contains("invalid-number"), "{listed}");
    assert_eq!(desk.release(), ("refused".to_owned(), 2, 2));

    let whole = desk.corrected("whole.csv", &[("BEX", "BEL"), ("5o", "50")]);
    let repaired = desk.run(&["repair", "1", &whole, "--reason", "typing errors", "--actor", "us"]);
    assert!(err(&repaired).contains("orewatch commit 1"), "{}", err(&repaired));
    assert_eq!(desk.json(&["releases", "1"])["state"], "open");
    assert_eq!(desk.suppliers(), [""; 0], "a repair commits nothing");
    let committed = desk.json(&["commit", "1"]);
    assert_eq!(committed["state"], "committed", "{committed}");
    assert_eq!(desk.suppliers(), ["BEL", "MAR", "NLD", "ZAF"]);
    let again = desk.json(&["repair", "1", &whole]);
    assert_eq!((&again["state"], &again["rows_recorded"]), (&"committed".into(), &4.into()));
}

/// The correction of a committed release is visible at once, and a second one does not replace it.
#[test]
fn a_committed_release_is_corrected() {
    let desk = Desk::new();
    desk.ok(&["ingest", &desk.path("trade.csv"), "--max-rejects", "2"]);
    assert_eq!(desk.suppliers(), ["NLD", "ZAF"]);
    desk.ok(&["rejections", "1", "--export", &desk.path("wrong.csv")]);
    let whole = desk.corrected("whole.csv", &[("BEX", "BEL"), ("5o", "50")]);
    desk.ok(&["repair", "1", &whole]);
    assert_eq!(desk.release(), ("committed".to_owned(), 4, 0));
    assert_eq!(desk.suppliers(), ["BEL", "MAR", "NLD", "ZAF"]);
    let other = desk.corrected("other.csv", &[("BEX", "FRA"), ("5o", "51")]);
    desk.fails(&["repair", "1", &other], 3, &["it was repaired before", "newer vintage"]);
    assert_eq!(desk.suppliers(), ["BEL", "MAR", "NLD", "ZAF"]);
}

/// What cannot be done says what to do instead, before anything is changed.
#[test]
fn invalid_requests_say_what_to_do() {
    let desk = Desk::new();
    let trade = desk.path("trade.csv");
    desk.fails(&["ingest", &trade], 3, &["and none is allowed", "--max-rejects"]);
    desk.ok(&["rejections", "1", "--export", &desk.path("wrong.csv")]);
    let before = desk.json(&["releases"]);

    desk.fails(&["commit", "2"], 2, &["2", "orewatch releases"]);
    desk.fails(&["repair", "2", &trade], 2, &["2", "orewatch releases"]);
    desk.fails(&["repair", "1", &desk.path("nowhere.csv")], 2, &["nowhere.csv", "cannot be read"]);
    desk.fails(&["repair", "1", &desk.path("")], 2, &["cannot be read"]);
    desk.fails(&["repair", "1", &trade], 2, &["rejection", "--export"]);
    // As long as anyone reads it.
    desk.fails(&["repair", "1", "/dev/zero"], 2, &["at most", "several files"]);
    let header = "rejection,period,exporter,importer,product,value_kusd,quantity_t\n";
    for (name, content, says) in [
        ("empty.csv", String::new(), "empty"),
        ("rows.csv", header.to_owned(), "no rows"),
        ("number.csv", format!("{header}first,2022,BEL,DEU,260200,20,200\n"), "first"),
        ("seven.csv", format!("{header}7,2022,BEL,DEU,260200,20,200\n"), "7"),
        ("twice.csv", format!("{header}0,2022,BEL,DEU,260200,2,2\n0,2022,LUX,DEU,260200,2,2\n"), "0"),
        ("quote.csv", format!("{header}0,\"2022,BEL,DEU,260200,2,2\n"), "quote"),
    ] {
        fs::write(desk.path(name), content).unwrap();
        let output = desk.run(&["repair", "1", &desk.path(name)]);
        let code = if name == "quote.csv" { 3 } else { 2 };
        assert_eq!(output.status.code(), Some(code), "{name}: {}", err(&output));
        let stderr = [err(&output), String::from_utf8_lossy(&output.stdout).into_owned()].concat();
        assert!(stderr.contains(says), "{name}: {stderr}");
    }
    desk.fails(&["commit", "1", "--accept", "scope"], 2, &["no such gate", "scope-jump"]);
    desk.fails(&["commit", "1", "--accept", "duplicates"], 2, &["it always blocks"]);
    desk.fails(&["commit", "1", "--max-rejects", "some"], 2, &["--max-rejects"]);
    desk.fails(&["ingest", &trade, "--hold", "--dry-run"], 2, &["--hold", "--dry-run"]);
    desk.fails(&["rejections", "1", "--export", &desk.path("no/such/folder.csv")], 4, &["folder.csv"]);
    assert_eq!(desk.json(&["releases"]), before, "nothing was changed");
    desk.ok(&["commit", "1", "--max-rejects", "2"]);
    assert_eq!(desk.release(), ("committed".to_owned(), 2, 2));
}

/// The gates as an operator sees them, and as they are configured.
#[test]
fn gates_are_listed_as_they_are_configured() {
    let desk = Desk::new();
    let gates = desk.json(&["gates"]);
    let of = |gates: &Value, name: &str| {
        let gates = gates.as_array().unwrap();
        gates.iter().find(|gate| gate["gate"] == name).unwrap().clone()
    };
    let jump = of(&gates, "scope-jump");
    assert_eq!(
        (&jump["mode"], &jump["default_mode"], &jump["final"]),
        (&"block".into(), &"block".into(), &false.into())
    );
    assert_eq!(of(&gates, "duplicates")["final"], true);
    let table = desk.ok(&["gates"]);
    assert!(table.contains("always blocks") && table.contains("scope-jump"), "{table}");
    let csv = desk.ok(&["gates", "--format", "csv"]);
    assert!(csv.starts_with("gate,mode,default_mode,final,looks_at,argument\n"), "{csv}");
    assert_eq!(csv.lines().count(), gates.as_array().unwrap().len() + 1);
    desk.fails(&["gates", "--dataset", "No Such"], 2, &["No Such"]);
    let trade = desk.path("trade.csv");
    desk.fails(&["ingest", &trade, "--gate", "scop-jump=warn"], 2, &["scop-jump", "scope-jump"]);
    desk.fails(&["ingest", &trade, "--gate", "scope-jump=maybe"], 2, &["off", "warn", "block"]);
    desk.fails(&["ingest", &trade, "--gate", "empty=off"], 2, &["it always blocks"]);
    desk.ok(&["ingest", &trade, "--gate", "rejects=warn"]);
    assert_eq!(desk.release(), ("committed".to_owned(), 2, 2));
}
