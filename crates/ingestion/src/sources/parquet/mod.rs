//! Our tidy tables as Parquet: the columns are those of the tidy csv, what its `# key: value` lines say is in the file's metadata.
//!
//! Columns may be text, numbers, decimals, days or truth values; each becomes the text that the csv has. In a column of numbers
//! what is missing is not available, in one of text it is empty. The file is copied first, since its directory is at its end, and
//! then read page by page: what claims to need more memory than pages have is refused, and what is damaged is an error.

mod cells;
mod guard;
mod stored;
mod thrift;

use std::collections::BTreeSet;

use std::panic::{AssertUnwindSafe, catch_unwind};

use parquet::column::reader::ColumnReader;
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::serialized_reader::ReadOptionsBuilder;

use self::cells::{Kind, texts};
use self::stored::Stored;
use super::header::Preamble;
use super::input::Content;
use super::metadata::{KEYS, Metadata};
use super::out::{Halt, Out, Place};
use super::row::{MOST_FIELDS, Row};
use super::tidy::{TABLES, Tidy, Use, read_by};
use super::{About, Head, Limits, Parsed, Part, Reader, Reject, RowParser, Setup, Source, SourceError};
use super::{baci, tidy};

/// Tidy tables as Parquet.
#[derive(Debug)]
pub(super) struct TidyParquet;

/// What a file begins and ends with.
const MAGIC: &[u8] = b"PAR1";

/// Rows that are read at once.
const BATCH: usize = 1_024;

static ABOUT: About = About {
    id: "tidy-parquet/2",
    title: "Our own tidy tables as Parquet",
    publisher: "",
    url: "",
    licence: "",
    tables: &TABLES,
    forms: &["Parquet with the columns of the tidy csv; dataset, vintage, ... in the file's metadata"],
};

impl Source for TidyParquet {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn probe(&self, head: &Head) -> Option<usize> {
        is_parquet(&head.bytes).then_some(usize::MAX)
    }

    fn parts(
        &self,
        head: &Head,
        given: &Metadata,
        texts: &BTreeSet<String>,
    ) -> Result<Vec<Part>, SourceError> {
        if let Ok(preamble) = &head.preamble
            && !tidy::has_columns_like(&preamble.header)
        {
            let message = format!("the columns are {}, and of no table of ours", preamble.header.join(", "));
            return Err(SourceError::new("unknown-format", &head.file, 0, message)
                .at("schema", preamble.header.join(","))
                .with_hint(match baci::has_columns_like(&preamble.header) {
                    true => "of BACI its csv is read, not Parquet: hand in the files as CEPII publishes them",
                    false => "Parquet is read with the columns of the tidy csv, such as period,exporter,importer,product,value_kusd,quantity_t",
                }));
        }
        Tidy.parts(head, given, texts)
    }

    fn reader(&self, head: &Head, part: &Part, setup: &Setup) -> Result<Box<dyn Reader>, SourceError> {
        let how = ByPage { file: head.file.clone(), limits: setup.limits };
        read_by(head, part, setup, how)
    }
}

/// Whether content begins like Parquet.
pub(super) fn is_parquet(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// What a file says of itself: the metadata that describes a release, and the names of its columns.
pub(super) fn preamble(file: &str, content: &mut Content) -> Result<Preamble, SourceError> {
    let reader = open(file, &Stored::keep(file, content)?)?;
    let about = reader.metadata().file_metadata();
    let columns = about.schema_descr();
    if columns.num_columns() > MOST_FIELDS {
        let names = columns.columns().iter().take(MOST_FIELDS).map(|column| column.path().string());
        let names = names.collect::<Vec<_>>().join(", ");
        let message = format!(
            "the file has {} columns, more than any table of ours: {names}, ...",
            columns.num_columns()
        );
        return Err(SourceError::new("too-many-columns", file, 0, message).with_hint(
            "Parquet is read with the columns of the tidy csv; hand in what others publish in the form in which they publish it",
        ));
    }
    for column in columns.columns() {
        Kind::of(column).map_err(|reason| {
            let name = column.path().string();
            SourceError::new("bad-column", file, 0, format!("column `{name}` is {reason}"))
                .at("schema", name)
                .with_hint("columns are text, numbers, decimals, days or truth values")
        })?;
    }
    let header = columns.columns().iter().map(|column| column.path().string()).collect();
    let said = about.key_value_metadata().into_iter().flatten();
    let ours = said.filter(|pair| KEYS.contains(&pair.key.as_str()));
    let keys = ours.map(|pair| (0, pair.key.clone(), pair.value.clone().unwrap_or_default())).collect();
    Ok(Preamble { file: file.to_owned(), keys, line: 0, header })
}

fn open(file: &str, stored: &Stored) -> Result<SerializedFileReader<Stored>, SourceError> {
    guard::footer(file, stored)?;
    caught(file, || SerializedFileReader::new_with_options(stored.clone(), ReadOptionsBuilder::new().build()))
}

/// The result of reading, with panics of the library on damaged content as errors.
fn caught<T>(file: &str, read: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, SourceError> {
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(result) => result.map_err(|error| damaged(file, &error.to_string())),
        Err(_) => Err(damaged(file, "its parts contradict each other")),
    }
}

fn damaged(file: &str, reason: &str) -> SourceError {
    SourceError::new("damaged-parquet", file, 0, format!("the Parquet file is damaged: {reason}"))
        .with_hint("fetch or write the file again; nothing of it has been recorded")
}

/// Makes readers by page.
struct ByPage {
    file: String,
    limits: Limits,
}

impl Use for ByPage {
    fn reader<P: RowParser + 'static>(self, parser: P) -> Box<dyn Reader> {
        Box::new(Pages { parser, file: self.file, limits: self.limits })
    }
}

/// Reads a file by a parser of its rows.
struct Pages<P> {
    parser: P,
    file: String,
    limits: Limits,
}

impl<P: RowParser> Reader for Pages<P> {
    fn read(&mut self, content: &mut Content, out: &mut dyn Out) -> Result<(), Halt> {
        let stored = Stored::keep(&self.file, content)?;
        let reader = open(&self.file, &stored)?;
        let mut progress = Progress { rows: 0, left: self.limits.bytes };
        for group in 0..reader.num_row_groups() {
            self.group(&reader, &stored, group, &mut progress, out)?;
        }
        if progress.rows > 0 {
            return Ok(());
        }
        let error = SourceError::new("no-rows", &self.file, 0, "the file has columns and no rows");
        Err(error.with_hint("is the download complete?").into())
    }
}

/// How far a file is read.
struct Progress {
    rows: u64,
    /// Bytes of text that may still come: few bytes of Parquet may stand for any number of rows.
    left: u64,
}

impl<P: RowParser> Pages<P> {
    fn group(
        &self,
        reader: &SerializedFileReader<Stored>,
        stored: &Stored,
        number: usize,
        progress: &mut Progress,
        out: &mut dyn Out,
    ) -> Result<(), Halt> {
        let about = reader.metadata().row_group(number);
        guard::pages(&self.file, stored, about)?;
        let mut left =
            usize::try_from(about.num_rows()).map_err(|_| damaged(&self.file, "rows below zero"))?;
        let mut columns = caught(&self.file, || {
            let group = reader.get_row_group(number)?;
            (0..group.num_columns())
                .map(|column| group.get_column_reader(column))
                .collect::<Result<Vec<_>, _>>()
        })?;
        let kinds: Vec<_> =
            about.columns().iter().filter_map(|it| Kind::of(it.column_descr()).ok()).collect();
        while left > 0 {
            let count = left.min(BATCH);
            let batch = self.batch(&mut columns, &kinds, count)?;
            for row in 0..count {
                self.row(
                    batch.iter().map(|column| column.get(row).map_or("", String::as_str)),
                    progress,
                    out,
                )?;
            }
            left -= count;
        }
        Ok(())
    }

    /// The next rows of a group, column by column.
    fn batch(
        &self,
        columns: &mut [ColumnReader],
        kinds: &[Kind],
        count: usize,
    ) -> Result<Vec<Vec<String>>, SourceError> {
        let read = |(column, kind): (&mut ColumnReader, &Kind)| {
            let column = caught(&self.file, || texts(column, *kind, count))?;
            let whole = column.len() == count;
            whole.then_some(column).ok_or_else(|| damaged(&self.file, "a column ends before the others"))
        };
        columns.iter_mut().zip(kinds).map(read).collect()
    }

    fn row<'a>(
        &self,
        fields: impl Iterator<Item = &'a str> + Clone,
        progress: &mut Progress,
        out: &mut dyn Out,
    ) -> Result<(), Halt> {
        progress.rows += 1;
        let bytes = fields.clone().fold(1_usize, |sum, field| sum.saturating_add(field.len() + 1));
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        progress.left = progress.left.checked_sub(bytes).ok_or_else(|| {
            let message = format!("the content is larger than {} bytes", self.limits.bytes);
            SourceError::new("file-too-large", &self.file, 0, message).with_hint("split the file by period")
        })?;
        let place = Place::line(progress.rows);
        let row = Row::of(fields.clone());
        let parsed = match row.oversized() {
            None => self.parser.parse(&row, out.names()),
            Some(field) => {
                let reason = format!("a field has {} bytes: no code or figure is that long", field.len());
                Err(Reject::new("field-too-long", "", field, reason))
            }
        };
        match parsed {
            Ok(Parsed::Row(row)) => out.row(row, place),
            Ok(Parsed::OutOfScope) => {
                out.outside(place);
                Ok(())
            }
            Err(reject) => out.reject(reject, place, &fields.collect::<Vec<_>>().join(",")),
        }
    }
}
