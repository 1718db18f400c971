//! A disk that fills up at any stage. The tests limit the size of files, which the system refuses to exceed
//! as it refuses to write to a full disk; so no test needs a disk of its own, or the rights to create one.
//! What was there before stays intact, nothing partial is visible, and once there is room again the same
//! command has the result that it would have had without the interruption.
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::run::{command, err, json, ok};

/// Figures of the file, of which the first cannot be recorded.
pub(crate) const FIGURES: u64 = 60 * 120;

/// Disks that are too small for the log, and one that is not.
const LOGS: [u32; 7] = [1, 24, 64, 128, 256, 512, 4_096];

/// Runs a command that may write no file beyond a size, in units of 512 bytes. The signal that comes with the
/// refusal is ignored, so that it is met as an error of writing.
fn limited(blocks: u32, args: &[&str]) -> Output {
    let own = command(args);
    let script = "trap '' XFSZ && ulimit -f \"$0\" && exec \"$@\"";
    let mut shell = Command::new("sh");
    shell.args(["-c", script, &blocks.to_string()]).arg(own.get_program()).args(own.get_args());
    for (name, value) in own.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell.output().unwrap()
}

/// A wide table of an indicator. It takes less room than the log takes for it, and no figures follow from it,
/// so that what is full is the archive or the log of rows.
pub(crate) fn indicator() -> String {
    let codes = "AUS AUT BEL BGR BRA CAN CHE CHL CHN COD COL CYP CZE DEU DNK ESP EST FIN FRA GBR GRC HRV \
                 HUN IDN IND IRL ISL ISR ITA JPN KAZ KEN KOR LTU LUX LVA MAR MEX MLT MYS NLD NOR NZL PER \
                 PHL POL PRT ROU RUS SAU SGP SVK SVN SWE THA TUR UKR USA VNM ZAF";
    let years = (1900..2020).map(|year| year.to_string()).collect::<Vec<_>>().join(",");
    let mut text = format!("Country/Territory,Code,{years}\n");
    for (number, code) in codes.split_whitespace().enumerate() {
        let first = if number == 0 { "x" } else { "2" };
        text.push_str(&format!(
            "{code},{code},{first}{}\n",
            ",1,-1,0".repeat(40).strip_suffix(",0").unwrap_or_default()
        ));
    }
    text
}

/// Files below a folder.
fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

/// The visible releases, without times and positions.
pub(crate) fn visible_releases(data: &str) -> Value {
    let mut releases = json(&["releases", "--data", data]);
    for release in releases.as_array_mut().unwrap() {
        for time in ["opened_at", "closed_at", "committed_position"] {
            release[time].take();
        }
    }
    releases
}

/// Runs a command on disks of several sizes, in units of 512 bytes, each time on a folder that `prepare`
/// made. Afterwards the same command without a limit must give `undisturbed`. Returns the errors of the
/// failures.
fn run_on_disks(
    sizes: &[u32],
    prepare: &dyn Fn(&str),
    args: &[&str],
    undisturbed: &Value,
) -> BTreeSet<String> {
    let mut errors = BTreeSet::new();
    for blocks in sizes.iter().copied() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data").to_str().unwrap().to_owned();
        prepare(&data);
        let args = [args, &["--data", &data]].concat();
        let output = limited(blocks, &args);
        match output.status.code() {
            Some(0) => {}
            Some(4) => {
                errors.insert(err(&output));
                for release in visible_releases(&data).as_array().unwrap() {
                    let whole = release["rows_recorded"].as_u64().unwrap_or(0) >= FIGURES - 1;
                    assert!(
                        release["state"] != "committed" || whole,
                        "{blocks}: a partial release is visible: {release}"
                    );
                }
            }
            code => panic!("{blocks}: {code:?} {}", err(&output)),
        }
        ok(&args);
        assert_eq!(&visible_releases(&data), undisturbed, "{blocks}");
        let left = files(&Path::new(&data).join("archive/incoming"));
        assert!(left.is_empty(), "{blocks}: {left:?}");
    }
    errors
}

fn any_contains(errors: &BTreeSet<String>, words: &str) -> bool {
    errors.iter().any(|error| error.contains(words))
}

/// The disk is full when the log is created, while it grows, and at the commit.
#[test]
fn the_log_survives_a_full_disk() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("wgi_pv.csv").to_str().unwrap().to_owned();
    fs::write(&file, indicator()).unwrap();
    let data = dir.path().join("whole").to_str().unwrap().to_owned();
    let args = ["ingest", &file, "--max-rejects", "1"];
    ok(&[&args[..], &["--data", &data]].concat());
    let undisturbed = visible_releases(&data);
    assert_eq!(undisturbed[0]["rows_recorded"], FIGURES - 1);
    let errors = run_on_disks(&LOGS, &|_| {}, &args, &undisturbed);
    assert!(any_contains(&errors, "observations.db"), "{errors:?}");
}

/// The disk is full while the archive stores a large file that has few rows.
#[test]
fn the_archive_survives_a_full_disk() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("wgi_pv.csv").to_str().unwrap().to_owned();
    fs::write(&file, indicator() + &"\n".repeat(2 << 20)).unwrap();
    let data = dir.path().join("whole").to_str().unwrap().to_owned();
    let args = ["ingest", &file, "--max-rejects", "1"];
    ok(&[&args[..], &["--data", &data]].concat());
    let errors = run_on_disks(&[1_024, 4_096, 8_192], &|_| {}, &args, &visible_releases(&data));
    assert_eq!(errors.len(), 2, "the larger disk has room: {errors:?}");
    for error in errors {
        assert!(
            error.contains("the archive has no room left") && error.contains("make room on its disk"),
            "{error}"
        );
    }
}

/// A release is held, corrected and committed, each while the disk is full.
#[test]
fn repair_and_commit_survive_a_full_disk() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("wgi_pv.csv"), indicator()).unwrap();
    let corrected = "rejection,period,economy,indicator,value\n0,1900,AUS,political-stability,2\n";
    fs::write(path("corrected.csv"), corrected).unwrap();
    let hold = |data: &str| {
        ok(&["ingest", &path("wgi_pv.csv"), "--hold", "--data", data]);
    };
    let repaired = |data: &str| {
        hold(data);
        ok(&["repair", "undated", &path("corrected.csv"), "--data", data]);
    };
    let whole = path("whole");
    repaired(&whole);
    let after_repair = visible_releases(&whole);
    ok(&["commit", "undated", "--data", &whole]);
    let after_commit = visible_releases(&whole);
    assert_eq!(
        (&after_commit[0]["state"], &after_commit[0]["rows_recorded"]),
        (&"committed".into(), &FIGURES.into())
    );
    let errors = run_on_disks(&LOGS, &hold, &["repair", "undated", &path("corrected.csv")], &after_repair);
    assert!(!errors.is_empty(), "the disk was full for a repair");
    let errors = run_on_disks(&LOGS, &repaired, &["commit", "undated"], &after_commit);
    assert!(!errors.is_empty(), "the disk was full for a commit");
}
