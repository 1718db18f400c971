//! `sources`: the formats that are read, and what a file is.
use std::path::PathBuf;

use orewatch_contracts::ingestion::v1::Table;
use orewatch_ingestion::sources::{About, Input, Limits, Metadata, identify, sources};
use orewatch_runtime::Failure;

use super::say;
use crate::options::{AnswerOptions, Format};
use crate::render::{Cell, Out, Row, document, labelled};
use crate::session::Session;
use crate::view::{SourceRow, table_word};

/// Where the text of an entry begins.
const MARGIN: usize = 14;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
A file is recognised by its content, whatever it is called.

Examples:
  orewatch sources
  orewatch sources mystery.csv
  orewatch sources --format json")]
pub(crate) struct Args {
    /// Say what these files are
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    answer: AnswerOptions,
}

/// Runs the command. The formats are part of the program: no server is asked.
pub(crate) fn run(args: &Args, session: &Session) -> Result<(), Failure> {
    let out = session.out(&session.settings(&[&args.answer])?)?;
    if args.files.is_empty() { all(&out) } else { each(&out, &args.files) }
}

fn all(out: &Out) -> Result<(), Failure> {
    let rows: Vec<_> = sources().map(SourceRow).collect();
    match out.format {
        Format::Json => out.json(&document(&rows)),
        Format::Csv => out.csv(&rows),
        Format::Table => out.text(&sources().map(|about| entry(out, about)).collect::<Vec<_>>().join("\n")),
    }
}

fn entry(out: &Out, about: &About) -> String {
    let tables: Vec<_> = about.tables.iter().map(|table| table_word(*table)).collect();
    let mut text = format!("{}  {}\n", out.style.bold(about.id), about.title);
    let fields = [
        ("publisher", about.publisher.to_owned()),
        ("tables", tables.join(", ")),
        ("licence", about.licence.to_owned()),
        ("address", about.url.to_owned()),
    ];
    for (label, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
        text.push_str(&labelled(label, value, out.width, MARGIN));
    }
    for (number, form) in about.forms.iter().enumerate() {
        let label = if number == 0 { "recognised" } else { "" };
        text.push_str(&labelled(label, form, out.width, MARGIN));
    }
    text
}

/// A table of a file, with what the file says of it.
struct FileRow {
    file: String,
    format: &'static About,
    table: Table,
    said: Metadata,
}

impl Row for FileRow {
    const COLUMNS: &'static [&'static str] =
        &["file", "source", "table", "dataset", "vintage", "hs", "publisher", "title", "licence", "url"];

    fn cells(&self) -> Vec<Cell> {
        let text = |value: &Option<String>| Cell::text(value.clone().unwrap_or_default());
        vec![
            Cell::text(&self.file),
            Cell::text(self.format.id),
            Cell::text(table_word(self.table)),
            text(&self.said.dataset),
            text(&self.said.vintage),
            text(&self.said.hs),
            text(&self.said.publisher),
            text(&self.said.title),
            text(&self.said.licence),
            text(&self.said.url),
        ]
    }
}

fn each(out: &Out, files: &[PathBuf]) -> Result<(), Failure> {
    let (mut rows, mut refused) = (Vec::new(), Ok(()));
    for path in files {
        let input = Input::File(path.clone());
        let found = match identify(&input, Limits::default()) {
            Ok(found) => found,
            // What is wrong with one file says nothing of the others; the last of several errors is that of the command.
            Err(error) => {
                if let Err(earlier) = std::mem::replace(&mut refused, Err(Failure::from(error))) {
                    say(&format!("error: {earlier}"));
                }
                continue;
            }
        };
        rows.extend(found.tables.into_iter().map(|(table, said)| FileRow {
            file: path.display().to_string(),
            format: found.format,
            table,
            said,
        }));
    }
    match out.format {
        Format::Json => out.json(&document(&rows)),
        Format::Csv => out.csv(&rows),
        Format::Table => out.text(&rows.iter().map(|row| page(out, row)).collect::<Vec<_>>().join("\n")),
    }?;
    refused
}

fn page(out: &Out, row: &FileRow) -> String {
    let mut text = format!("{}\n", out.style.bold(&row.file));
    text.push_str(&labelled(
        "source",
        &format!("{}, {}", row.format.id, row.format.title),
        out.width,
        MARGIN,
    ));
    let cells = row.cells();
    let fields = FileRow::COLUMNS.iter().zip(&cells).skip(2);
    for (name, cell) in fields.filter(|(_, cell)| !cell.shown().is_empty()) {
        text.push_str(&labelled(name, &cell.shown(), out.width, MARGIN));
    }
    text
}
