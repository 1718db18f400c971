//! Reads a publisher's CSV file: decompresses it, and finds values by column name.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result};
use csv::{ReaderBuilder, StringRecord};
use flate2::read::MultiGzDecoder;

/// A CSV file with a header, in memory.
pub(crate) struct Source {
    header: StringRecord,
    records: Vec<StringRecord>,
}

/// One row, with its line number.
#[derive(Clone, Copy)]
pub(crate) struct Row<'a> {
    header: &'a StringRecord,
    record: &'a StringRecord,
}

impl Source {
    /// Reads `path`, gzip-compressed if its name ends so.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = text(path).with_context(|| path.display().to_string())?;
        let mut reader = ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
        let header = reader.headers()?.iter().map(str::trim).collect();
        let records =
            reader.records().collect::<Result<_, _>>().with_context(|| path.display().to_string())?;
        Ok(Self { header, records })
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.records.iter().map(|record| Row { header: &self.header, record })
    }
}

impl<'a> Row<'a> {
    /// The trimmed value in the column `name`; empty if the row is too short.
    pub(crate) fn get(self, name: &str) -> Result<&'a str> {
        let column = self.header.iter().position(|column| column == name);
        let column = column.with_context(|| format!("no column `{name}`"))?;
        Ok(self.record.get(column).unwrap_or_default().trim())
    }

    /// Line in the file, from 1.
    pub(crate) fn line(self) -> u64 {
        self.record.position().map_or(0, csv::Position::line)
    }
}

fn text(path: &Path) -> Result<String> {
    let mut bytes = Vec::new();
    let mut file = File::open(path)?;
    if path.extension().is_some_and(|ending| ending == "gz") {
        MultiGzDecoder::new(file).read_to_end(&mut bytes)?;
    } else {
        file.read_to_end(&mut bytes)?;
    }
    let text = String::from_utf8(bytes)?;
    Ok(text.trim_start_matches('\u{feff}').to_owned())
}
