//! `errors`: what error codes mean, who has to act, and what to do.
use orewatch_catalog::closest;
use orewatch_contracts::codes::{self, AREAS, Area, ErrorCode};
use orewatch_contracts::common::v1::Blame;
use orewatch_contracts::{Class, Failure};

use super::print_message;
use crate::options::{Format, OutputOptions};
use crate::render::{Cell, Column, Out, Row, column, labelled, wrap};
use crate::session::Session;

/// Column in which the meanings begin in the list.
const MEANING_MARGIN: usize = 28;

/// Column in which the text of a field begins.
const MARGIN: usize = 14;

/// Maximum width of the texts, in characters: long lines of prose are hard to read.
const MAX_WIDTH: usize = 100;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Every error has a code for programs. It is in the responses of the services, in the messages of
the command line, and beside quarantined rows. Codes of earlier versions are recognised too.

Examples:
  orewatch errors
  orewatch errors invalid-period
  orewatch errors --format csv > errors.csv")]
pub(crate) struct Args {
    /// Explain this code
    #[arg(value_name = "CODE")]
    code: Option<String>,
    #[command(flatten)]
    output: OutputOptions,
}

/// An error code with its area.
#[derive(Clone, Copy, Debug)]
struct CodeRow {
    area: &'static Area,
    entry: &'static ErrorCode,
}

impl CodeRow {
    /// The names of the code in earlier versions.
    fn earlier(self) -> String {
        let earlier = codes::aliases().filter(|(_, new)| *new == self.entry.code).map(|(old, _)| old);
        earlier.collect::<Vec<_>>().join(" ")
    }
}

impl Row for CodeRow {
    fn columns() -> Vec<Column<Self>> {
        vec![
            column("code", |row: &Self| Cell::text(row.entry.code)),
            column("area", |row: &Self| Cell::text(row.area.name)),
            column("blame", |row: &Self| Cell::text(blame(row.entry.blame))),
            column("meaning", |row: &Self| Cell::text(row.entry.meaning)),
            column("remedy", |row: &Self| Cell::text(row.entry.remedy)),
            column("earlier", |row: &Self| Cell::text(row.earlier())),
        ]
    }
}

/// Runs the command. The register is part of the program, so no server is needed.
pub(crate) fn run(args: &Args, session: &Session) -> Result<(), Failure> {
    let out = args.output.output(session.out(&session.settings(&[&args.output])?)?)?;
    if let Some(code) = &args.code {
        return explain_code(&out, code.trim());
    }
    let rows: Vec<CodeRow> = rows().collect();
    match out.format {
        Format::Json | Format::Csv => out.rows(&rows),
        Format::Table => out.text(&list(&out)),
    }
}

fn rows() -> impl Iterator<Item = CodeRow> {
    AREAS.iter().flat_map(|area| area.codes.iter().map(move |entry| CodeRow { area, entry }))
}

fn explain_code(out: &Out, code: &str) -> Result<(), Failure> {
    let present = codes::current(code);
    let row = rows().find(|row| row.entry.code == present).ok_or_else(|| unknown(code))?;
    if present != code {
        print_message(&format!("{code} is now called {present}."));
    }
    match out.format {
        Format::Json | Format::Csv => out.row(&row),
        Format::Table => out.text(&page(out, row)),
    }
}

fn unknown(code: &str) -> Failure {
    let known = codes::entries().map(|entry| entry.code).chain(codes::aliases().map(|(old, _)| old));
    let near = closest(code, known).map(|near| format!("did you mean {near}? ")).unwrap_or_default();
    Failure::new(Class::NotFound, "unknown-error", "no error has this code")
        .at("code", code)
        .with_hint(format!("{near}`orewatch errors` lists all"))
}

fn list(out: &Out) -> String {
    let width = out.width.min(MAX_WIDTH);
    let mut text = String::new();
    for area in AREAS {
        text.push_str(&format!("{}\n", out.style.bold(area.name)));
        for entry in area.codes {
            text.push_str(&labelled(entry.code, entry.meaning, width, MEANING_MARGIN));
        }
        text.push('\n');
    }
    text.push_str(&out.style.dim("`orewatch errors CODE` says who has to act, and what to do.\n"));
    text
}

fn page(out: &Out, row: CodeRow) -> String {
    let width = out.width.min(MAX_WIDTH);
    let CodeRow { area, entry } = row;
    let field = |label: &str, value: &str| labelled(label, value, width, MARGIN);
    let mut text = format!("{}\n{}\n", out.style.bold(entry.code), wrap(entry.meaning, width, "  "));
    text.push_str(&field("remedy", entry.remedy));
    text.push_str(&field("who acts", who_acts(entry.blame)));
    text.push_str(&field("area", area.name));
    text.push_str(&field("earlier", &row.earlier()));
    if entry.retired {
        text.push_str(&field("retired", "Only logs of earlier versions contain it."));
    }
    text
}

/// Who has to act, as the contract names it.
fn blame(blame: Blame) -> &'static str {
    match blame {
        Blame::User => "user",
        Blame::External => "external",
        Blame::Internal => "internal",
        Blame::Unspecified => "",
    }
}

/// Who has to act, one sentence.
fn who_acts(blame: Blame) -> &'static str {
    match blame {
        Blame::User => "You: the same request will fail again until it is corrected.",
        Blame::External => "The operator of what Orewatch depends on; a later attempt may succeed.",
        Blame::Internal => "The developers of Orewatch: this is a defect.",
        Blame::Unspecified => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_readable_in_eighty_columns() {
        let out = Out::for_tests(80);
        for line in rows().map(|row| page(&out, row)).chain([list(&out)]).collect::<String>().lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
        for area in AREAS {
            assert!(area.codes.iter().all(|entry| entry.code.len() + 4 <= MEANING_MARGIN), "{}", area.name);
        }
    }
}
