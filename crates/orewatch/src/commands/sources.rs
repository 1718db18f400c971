//! `sources`: lists the file formats, or identifies files.
use std::path::PathBuf;

use orewatch_catalog::{licences, passing_on};
use orewatch_contracts::Failure;
use orewatch_contracts::ingestion::v1::Table;
use orewatch_formats::{About, Input, Limits, Metadata, identify, sources};

use super::print_message;
use crate::options::{Format, OutputOptions};
use crate::render::{Cell, Column, Out, Row, column, document, fields, labelled};
use crate::session::Session;
use crate::view::{licence_text, table_word};

/// Column in which the text of an entry begins.
const MARGIN: usize = 14;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Files are recognised by their content, whatever their names.

Examples:
  orewatch sources
  orewatch sources mystery.csv
  orewatch sources --licences
  orewatch sources --format json")]
pub(crate) struct Args {
    /// Files to identify [default: list the formats]
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// List licences instead, and whether data under them may be passed on
    #[arg(long, conflicts_with = "files")]
    licences: bool,
    #[command(flatten)]
    output: OutputOptions,
}

/// Runs the command. The formats are part of the program, so no server is needed.
pub(crate) fn run(args: &Args, session: &Session) -> Result<(), Failure> {
    let out = args.output.output(session.out(&session.settings(&[&args.output])?)?)?;
    if args.licences {
        return out.rows(licences());
    }
    if args.files.is_empty() { list_formats(&out) } else { identify_files(&out, &args.files) }
}

fn list_formats(out: &Out) -> Result<(), Failure> {
    match out.format {
        Format::Json => out.json(&document(sources())),
        Format::Csv => out.csv(sources()),
        Format::Table => out.text(&sources().map(|about| entry(out, about)).collect::<Vec<_>>().join("\n")),
    }
}

fn entry(out: &Out, about: &About) -> String {
    let tables: Vec<_> = about.tables.iter().map(|table| table_word(*table)).collect();
    let mut text = format!("{}  {}\n", out.style.bold(about.id), about.title);
    let fields = [
        ("publisher", about.publisher.to_owned()),
        ("tables", tables.join(", ")),
        ("licence", licence_text(about.licence)),
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

/// A table in a file, with the file's metadata.
struct FileRow {
    file: String,
    format: &'static About,
    table: Table,
    metadata: Metadata,
}

impl Row for FileRow {
    fn columns() -> Vec<Column<Self>> {
        let text = |value: &Option<String>| Cell::text(value.clone().unwrap_or_default());
        vec![
            column("file", |row: &Self| Cell::text(&row.file)),
            column("source", |row: &Self| Cell::text(row.format.id)),
            column("table", |row: &Self| Cell::text(table_word(row.table))),
            column("dataset", move |row: &Self| text(&row.metadata.dataset)),
            column("vintage", move |row: &Self| text(&row.metadata.vintage)),
            column("hs", move |row: &Self| text(&row.metadata.hs)),
            column("publisher", move |row: &Self| text(&row.metadata.publisher)),
            column("title", move |row: &Self| text(&row.metadata.title)),
            column("licence", move |row: &Self| text(&row.metadata.licence)),
            column("url", move |row: &Self| text(&row.metadata.url)),
            column("may_pass_on", |row: &Self| {
                let licence = row.metadata.licence.as_deref().unwrap_or_default();
                Cell::text(passing_on(licence).as_str())
            }),
        ]
    }
}

fn identify_files(out: &Out, files: &[PathBuf]) -> Result<(), Failure> {
    let (mut rows, mut refused) = (Vec::new(), Ok(()));
    for path in files {
        let input = Input::File(path.clone());
        let found = match identify(&input, Limits::default()) {
            Ok(found) => found,
            // Other files are identified all the same. The last error becomes the error of the command.
            Err(error) => {
                if let Err(earlier) = std::mem::replace(&mut refused, Err(Failure::from(error))) {
                    print_message(&format!("error: {earlier}"));
                }
                continue;
            }
        };
        rows.extend(found.tables.into_iter().map(|(table, metadata)| FileRow {
            file: path.display().to_string(),
            format: found.format,
            table,
            metadata,
        }));
    }
    match out.format {
        Format::Json | Format::Csv => out.rows(&rows),
        Format::Table => out.text(&rows.iter().map(|row| page(out, row)).collect::<Vec<_>>().join("\n")),
    }?;
    refused
}

fn page(out: &Out, row: &FileRow) -> String {
    let mut text = format!("{}\n", out.style.bold(&row.file));
    for (name, cell) in fields(row) {
        let value = match name {
            "file" => String::new(),
            "source" => format!("{}, {}", row.format.id, row.format.title),
            _ => cell.display_text(),
        };
        text.push_str(&labelled(name, &value, out.width, MARGIN));
    }
    text
}
