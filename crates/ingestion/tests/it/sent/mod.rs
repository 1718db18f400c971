//! Files that people really send: for each parser a table of them, and the verdict on each.
//!
//! A verdict is written as
//!
//! - `= ROW; ROW`: read as these rows, and nothing is quarantined;
//! - `~ ROW; ROW | CODE: PART`: the same, and something is quarantined by this code, with this part in its
//!   reason or hint;
//! - `! CODE: PART`: refused by this code, with this part in its message, column, value or hint.
//!
//! Rows of trade are `PERIOD FROM TO CODE VALUE QUANTITY REPORTER`, others as their table has them. Every
//! figure is made up.
mod comtrade;
mod governance;
mod restrictions;
mod statistics;
mod tidy;
mod trade;
mod variants;

use orewatch_contracts::ingestion::v1::{Rejection, Table};
use orewatch_formats::Codes;
use orewatch_formats::{Limits, Metadata, SourceError, plan, sources};

use crate::taking::memory;

/// Least number of files in the table of a parser.
const FEWEST: usize = 12;

/// A file as it was sent, and its verdict.
pub(super) struct Sent {
    /// Why such files exist.
    what: &'static str,
    content: Vec<u8>,
    verdict: &'static str,
}

/// A file and its verdict.
pub(super) fn sent(what: &'static str, content: impl AsRef<[u8]>, verdict: &'static str) -> Sent {
    Sent { what, content: content.as_ref().to_vec(), verdict }
}

/// The table of a parser.
pub(super) struct Parser {
    /// Name without the version, such as `baci`.
    id: &'static str,
    /// What its files are called.
    file: &'static str,
    /// The revision of product codes that is said besides. Empty: none.
    hs: &'static str,
    files: Vec<Sent>,
}

/// Rows of a file, and what was quarantined.
fn read(name: &str, content: &[u8], given: &Metadata) -> Result<(Vec<String>, Vec<Rejection>), SourceError> {
    let plans = plan(vec![memory(name, content)], given, &Codes::default(), Limits::default(), &mut |_| {})?;
    if plans[0].release.table() == Table::Trade {
        let taken = crate::taking::take(vec![memory(name, content)], given, Limits::default())?;
        return Ok((taken.flows(), taken.rejections));
    }
    let taken = crate::tables::take(&[(name, content)], given)?;
    let bare = |row: &String| row.split(" @").next().unwrap_or_default().to_owned();
    Ok((taken.rows.iter().map(bare).collect(), taken.rejections))
}

/// The verdict on a file, as far as the expected verdict says: equal to it if that holds.
fn became(found: Result<(Vec<String>, Vec<Rejection>), SourceError>, verdict: &str) -> String {
    let (rows, rejections) = match found {
        Ok(found) => found,
        Err(error) => {
            let told =
                [&error.message, &error.hint, &error.column, &error.value].map(String::as_str).join(" / ");
            let part = verdict.split_once(": ").map_or("", |(_, part)| part);
            return match told.contains(part) && !error.hint.is_empty() {
                true => format!("! {}: {part}", error.code),
                false => format!("! {}: {told}", error.code),
            };
        }
    };
    let rows = rows.join("; ");
    let [] = &rejections[..] else {
        let (_, expected) = verdict.split_once(" | ").unwrap_or_default();
        let holds = |found: &Rejection| {
            let (code, part) = expected.split_once(": ").unwrap_or((expected, ""));
            found.code == code && format!("{} / {}", found.reason, found.hint).contains(part)
        };
        let told = |found: &Rejection| {
            format!("{} {} {}: {} / {}", found.line, found.column, found.code, found.reason, found.hint)
        };
        return match rejections.iter().all(holds) {
            true => format!("~ {rows} | {expected}"),
            false => format!("~ {rows} | {}", rejections.iter().map(told).collect::<Vec<_>>().join(" & ")),
        };
    };
    format!("= {rows}")
}

#[test]
fn every_parser_has_its_verdicts() {
    let parsers = [
        trade::parsers(),
        tidy::parsers(),
        governance::parsers(),
        restrictions::parsers(),
        statistics::parsers(),
    ];
    let mut wrong = Vec::new();
    let mut seen = std::collections::BTreeMap::new();
    for Parser { id, file, hs, files } in parsers.into_iter().flatten() {
        *seen.entry(id).or_insert(0) += files.len();
        let hs = Some(hs.to_owned()).filter(|hs| !hs.is_empty());
        let given = Metadata { hs, ..Metadata::default() };
        for Sent { what, content, verdict } in files {
            let found = became(read(file, &content, &given), verdict);
            if found != verdict {
                wrong.push(format!("{id}, {what}:\n  expected {verdict}\n  found    {found}"));
            }
        }
    }
    for about in sources() {
        let id = about.id.split('/').next().unwrap();
        let count = seen.get(id).copied().unwrap_or(0);
        if count < FEWEST {
            wrong.push(format!("{id}: {count} files, of {FEWEST} or more"));
        }
    }
    assert!(wrong.is_empty(), "{} verdicts do not hold:\n{}", wrong.len(), wrong.join("\n"));
}
