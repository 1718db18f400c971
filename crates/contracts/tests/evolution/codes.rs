//! Error codes are promised as the contracts are: programs compare them, and logs hold them.
//!
//! `snapshot/codes.txt` says which codes there are and who has to act; `docs/errors.md` lists them for
//! people. After an addition renew both with `UPDATE_SNAPSHOT=1 cargo test -p orewatch-contracts --test
//! evolution`; a code that is gone, or has another blame, is never written.
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::{env, fs};

use orewatch_contracts::codes::{self, AREAS, ErrorCode};
use orewatch_contracts::common::v1::Blame;

const RENEW: &str = "renew it with `UPDATE_SNAPSHOT=1 cargo test -p orewatch-contracts --test evolution`";

/// Marks in the page between which the list of codes stands.
const BEGIN: &str = "<!-- codes: begin -->\n";
const END: &str = "<!-- codes: end -->";

fn snapshot_path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("snapshot/codes.txt")
}

fn page_path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/errors.md")
}

fn is_update() -> bool {
    env::var_os("UPDATE_SNAPSHOT").is_some()
}

fn blame(entry: &ErrorCode) -> &'static str {
    match entry.blame {
        Blame::User => "user",
        Blame::External => "external",
        Blame::Internal => "internal",
        Blame::Unspecified => panic!("{} has no blame", entry.code),
    }
}

/// A line a code with its blame, then a line an alias with its code.
fn present() -> BTreeSet<String> {
    let codes = codes::entries().map(|entry| format!("{} {}", entry.code, blame(entry)));
    codes.chain(codes::aliases().map(|(old, new)| format!("{old} -> {new}"))).collect()
}

fn promised() -> BTreeSet<String> {
    let text = fs::read_to_string(snapshot_path()).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn no_promised_code_is_gone_or_has_another_blame() {
    let (promised, present) = (promised(), present());
    let broken: Vec<_> = promised.difference(&present).collect();
    assert!(broken.is_empty(), "programs and logs know these codes and aliases as they were:\n{broken:#?}");
}

#[test]
fn the_snapshot_holds_every_code() {
    let (promised, present) = (promised(), present());
    if is_update() && promised.is_subset(&present) {
        let lines = present.iter().fold(String::new(), |text, line| text + line + "\n");
        fs::write(snapshot_path(), lines).expect("the snapshot can be written");
        return;
    }
    let added: Vec<_> = present.difference(&promised).collect();
    assert!(added.is_empty(), "snapshot/codes.txt lacks these; {RENEW}:\n{added:#?}");
}

#[test]
fn the_page_lists_every_code() {
    let text = fs::read_to_string(page_path()).expect("docs/errors.md is in the repository");
    let (before, rest) = text.split_once(BEGIN).expect("the page has a place for the codes");
    let (_, after) = rest.split_once(END).expect("the place for the codes ends");
    let wanted = format!("{before}{BEGIN}{}{END}{after}", listed());
    if is_update() {
        fs::write(page_path(), wanted).expect("the page can be written");
        return;
    }
    assert!(text == wanted, "docs/errors.md is not what the register says; {RENEW}");
}

/// The list of codes as Markdown: a table an area, then the aliases.
fn listed() -> String {
    let mut text = String::from("\n<!-- Generated from crates/contracts/src/codes: edit the register. -->\n");
    for area in AREAS {
        write!(text, "\n### {}\n\n{}\n\n", area.name, area.about).expect("a text can be written");
        text.push_str("| code | meaning | who acts | what to do |\n| --- | --- | --- | --- |\n");
        for entry in area.codes {
            let ErrorCode { code, meaning, remedy, retired, .. } = entry;
            assert!(!meaning.contains('|') && !remedy.contains('|'), "{code} would break its table");
            let retired = if *retired { " Only logs of earlier versions hold it." } else { "" };
            writeln!(text, "| `{code}` | {meaning}{retired} | {} | {remedy} |", blame(entry))
                .expect("a text can be written");
        }
    }
    text.push_str("\n### Codes of earlier versions\n\n");
    text.push_str("Logs that hold one of these are read as if they held the present code.\n\n");
    text.push_str("| earlier | now |\n| --- | --- |\n");
    for (old, new) in codes::aliases() {
        writeln!(text, "| `{old}` | `{new}` |").expect("a text can be written");
    }
    text.push('\n');
    text
}
