//! A disk that fills up at any stage. Files may grow to a limit and no further, which the system refuses as it does on a disk
//! that is full; so no test needs a disk of its own, or the rights to make one. What was there before stays whole, nothing
//! half is visible, and with room again the same command ends as if nothing had been.
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::run::{command, err, json, ok};

/// Rows of a file that takes more room than the log takes for it.
const ROWS: u32 = 6_000;

/// Runs a command that may write no file beyond a size, in units of 512 bytes. The signal that comes with the refusal is ignored, so
/// that it is met as an error of writing.
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

/// Trade of which the second row cannot be recorded.
fn trade() -> String {
    let mut text =
        "# dataset: ours\n# vintage: 1\n# hs: HS92\nperiod,exporter,importer,product,value_kusd,quantity_t\n\
                    2022,MAR,DEU,260200,5o,100\n"
            .to_owned();
    let economies = ["NLD", "BEL", "ZAF", "FRA", "ITA", "ESP", "POL", "AUT", "SWE", "USA"];
    for row in 0..ROWS {
        let (year, month) = (2000 + row / 240, 1 + row / 20 % 12);
        let (exporter, importer) = (economies[row as usize % 10], if row % 20 < 10 { "DEU" } else { "CHN" });
        text.push_str(&format!(
            "{year}-{month:02},{exporter},{importer},260200,{}.{},{row}\n",
            row * 7919 % 99991,
            row % 9
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

/// What everyone sees: releases without times and positions, and what one consumer depends on.
fn seen(data: &str) -> (Value, Value) {
    let mut releases = json(&["releases", "--data", data]);
    for release in releases.as_array_mut().unwrap() {
        for time in ["opened_at", "closed_at", "committed_position"] {
            release[time].take();
        }
    }
    let ask = ["exposure", "--consumer", "DEU", "--material", "manganese", "--stage", "mined"];
    (releases, json(&[&ask[..], &["--data", data]].concat())["exposures"].take())
}

/// Takes a command through disks of all sizes. Before each the folder is as `prepare` leaves it; afterwards the same command without
/// a limit ends as `undisturbed`. Gives what the failures said.
fn through_all_sizes(
    prepare: &dyn Fn(&str),
    args: &[&str],
    undisturbed: &(Value, Value),
) -> BTreeSet<String> {
    let mut said = BTreeSet::new();
    for blocks in [1, 16, 64, 96, 128, 160, 256, 384, 512, 1_024, 4_096] {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data").to_str().unwrap().to_owned();
        prepare(&data);
        let args = [args, &["--data", &data]].concat();
        let output = limited(blocks, &args);
        match output.status.code() {
            Some(0) => {}
            Some(4) => {
                said.insert(err(&output));
                let (releases, _) = seen(&data);
                for release in releases.as_array().unwrap() {
                    let rows = release["rows_recorded"].as_u64().unwrap_or(0);
                    let whole = rows >= u64::from(ROWS);
                    assert!(release["state"] != "committed" || whole, "{blocks}: half is visible: {release}");
                }
            }
            code => panic!("{blocks}: {code:?} {}", err(&output)),
        }
        ok(&args);
        assert_eq!(&seen(&data), undisturbed, "{blocks}");
        let archive = Path::new(&data).join("archive");
        assert_eq!(files(&archive.join("incoming")), [""; 0].map(std::path::PathBuf::from), "{blocks}");
    }
    said
}

fn any(said: &BTreeSet<String>, words: &str) -> bool {
    said.iter().any(|said| said.contains(words))
}

/// The archive, the log of rows and the log of figures meet the end of the disk, whichever comes first.
#[test]
fn ingesting_onto_a_full_disk() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("trade.csv").to_str().unwrap().to_owned();
    fs::write(&file, trade()).unwrap();
    let data = dir.path().join("whole").to_str().unwrap().to_owned();
    let args = ["ingest", &file, "--max-rejects", "1"];
    ok(&[&args[..], &["--data", &data]].concat());
    let undisturbed = seen(&data);
    assert_eq!(undisturbed.0[0]["rows_recorded"], ROWS);
    let said = through_all_sizes(&|_| {}, &args, &undisturbed);
    assert!(any(&said, "the archive has no room left"), "{said:?}");
    assert!(any(&said, "observations"), "the log of rows was met: {said:?}");
    assert!(said.len() >= 3, "{said:?}");
}

/// Rows are held, mended and committed, each while the disk is full.
#[test]
fn mending_and_committing_on_a_full_disk() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("trade.csv"), trade()).unwrap();
    let mended =
        "rejection,period,exporter,importer,product,value_kusd,quantity_t\n0,2022,MAR,DEU,260200,50,100\n";
    fs::write(path("mended.csv"), mended).unwrap();
    let hold = |data: &str| {
        ok(&["ingest", &path("trade.csv"), "--hold", "--data", data]);
    };
    let repaired = |data: &str| {
        hold(data);
        ok(&["repair", "1", &path("mended.csv"), "--data", data]);
    };
    let whole = path("whole");
    repaired(&whole);
    let after_repair = seen(&whole);
    ok(&["commit", "1", "--data", &whole]);
    let after_commit = seen(&whole);
    let said = through_all_sizes(&hold, &["repair", "1", &path("mended.csv")], &after_repair);
    assert!(!said.is_empty(), "the disk was full for a repair");
    let said = through_all_sizes(&repaired, &["commit", "1"], &after_commit);
    assert!(!said.is_empty(), "the disk was full for a commit");
}
