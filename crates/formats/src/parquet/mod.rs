//! Orewatch's own tidy tables as Parquet (<https://parquet.apache.org>), as users and programs write them:
//! the columns are those of the tidy csv, its `# key: value` lines are in the file's metadata.
//!
//! Columns may be text, numbers, decimals, days or truth values; each value becomes the text that csv would
//! have. A missing number is not available, a missing text is empty. Rows are rejected like those of tidy
//! csv.
//!
//! The file is copied first, since its footer is at its end, and then read page by page. A file that declares
//! larger pages than usual is refused before memory is allocated for them.

mod cells;
mod guard;
mod stored;
mod thrift;

use std::panic::{AssertUnwindSafe, catch_unwind};

use parquet::column::reader::ColumnReader;
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::serialized_reader::ReadOptionsBuilder;

use self::cells::{Kind, read_texts};
use self::stored::Stored;
use super::header::Preamble;
use super::input::Content;
use super::line_reader::parse_row;
use super::location::SourceLocation;
use super::metadata::KEYS;
use super::row::{MAX_FIELDS, Row};
use super::sink::{Halt, RowSink};
use super::table::TABLES;
use super::tidy::{ReaderFactory, Tidy, tidy_reader};
use super::{
    About, FileFacts, Head, Limits, Part, Reader, RowParser, Setup, Source, SourceError, baci, tidy,
};

/// Tidy tables as Parquet.
#[derive(Debug)]
pub(super) struct TidyParquet;

/// The first and last bytes of a file.
const MAGIC: &[u8] = b"PAR1";

/// Rows that are read at once.
const BATCH_ROWS: usize = 1_024;

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

    fn parts(&self, file: &FileFacts<'_>) -> Result<Vec<Part>, SourceError> {
        let head = file.head;
        if let Ok(preamble) = &head.preamble
            && !tidy::has_columns_like(&preamble.header)
        {
            let message = format!("the columns are those of no tidy table: {}", preamble.header.join(", "));
            return Err(SourceError::new("unknown-format", &head.file, 0, message)
                .at("schema", preamble.header.join(","))
                .with_hint(match baci::has_columns_like(&preamble.header) {
                    true => "BACI is read as csv, not as Parquet: hand in the files as CEPII publishes them",
                    false => {
                        "Parquet is read with the columns of the tidy csv, such as \
                         period,exporter,importer,product,value_kusd,quantity_t"
                    }
                }));
        }
        Tidy.parts(file)
    }

    fn reader(&self, head: &Head, part: &Part, setup: &Setup) -> Result<Box<dyn Reader>, SourceError> {
        let pages = PagesOf { file: head.file.clone(), limits: setup.limits };
        tidy_reader(head, part, setup, pages)
    }
}

/// Whether content begins like Parquet.
pub(super) fn is_parquet(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// The metadata that describe a release, and the names of the columns.
///
/// # Errors
/// [`SourceError`] for a damaged file, and for columns that no tidy table has.
pub(super) fn preamble(file: &str, content: &mut Content) -> Result<Preamble, SourceError> {
    let reader = open(file, &Stored::copy(file, content)?)?;
    let about = reader.metadata().file_metadata();
    let columns = about.schema_descr();
    if columns.num_columns() > MAX_FIELDS {
        let names = columns.columns().iter().take(MAX_FIELDS).map(|column| column.path().string());
        let names = names.collect::<Vec<_>>().join(", ");
        let count = columns.num_columns();
        let message = format!("the file has {count} columns, more than any tidy table: {names}, ...");
        return Err(SourceError::new("too-many-columns", file, 0, message).with_hint(
            "Parquet is read with the columns of the tidy csv; hand in files of publishers as published",
        ));
    }
    for column in columns.columns() {
        Kind::of_column(column).map_err(|reason| {
            let name = column.path().string();
            SourceError::new("invalid-column", file, 0, format!("column `{name}` is {reason}"))
                .at("schema", name)
                .with_hint("columns are text, numbers, decimals, days or truth values")
        })?;
    }
    let header = columns.columns().iter().map(|column| column.path().string()).collect();
    let pairs = about.key_value_metadata().into_iter().flatten();
    let ours = pairs.filter(|pair| KEYS.contains(&pair.key.as_str()));
    let keys = ours.map(|pair| (0, pair.key.clone(), pair.value.clone().unwrap_or_default())).collect();
    Ok(Preamble { file: file.to_owned(), keys, line: 0, header })
}

fn open(file: &str, stored: &Stored) -> Result<SerializedFileReader<Stored>, SourceError> {
    guard::check_footer(file, stored)?;
    catch_panic(file, || {
        SerializedFileReader::new_with_options(stored.clone(), ReadOptionsBuilder::new().build())
    })
}

/// Reads with the library. Its panics on damaged content become errors.
fn catch_panic<T>(file: &str, read: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, SourceError> {
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(result) => result.map_err(|error| damaged(file, &error.to_string())),
        Err(_) => Err(damaged(file, "its parts contradict each other")),
    }
}

fn damaged(file: &str, reason: &str) -> SourceError {
    SourceError::new("damaged-parquet", file, 0, format!("the Parquet file is damaged: {reason}"))
        .with_hint("download or write the file again; nothing of it has been recorded")
}

/// Makes readers of pages.
struct PagesOf {
    file: String,
    limits: Limits,
}

impl ReaderFactory for PagesOf {
    fn reader<P: RowParser + 'static>(self, parser: P) -> Box<dyn Reader> {
        Box::new(Pages { parser, file: self.file, limits: self.limits })
    }
}

/// Reads a file page by page with a parser of its rows.
struct Pages<P> {
    parser: P,
    file: String,
    limits: Limits,
}

impl<P: RowParser> Reader for Pages<P> {
    fn read(&mut self, content: &mut Content, out: &mut dyn RowSink) -> Result<(), Halt> {
        let stored = Stored::copy(&self.file, content)?;
        let reader = open(&self.file, &stored)?;
        let mut progress = Progress { rows: 0, left: self.limits.bytes };
        for group in 0..reader.num_row_groups() {
            self.read_group(&reader, &stored, group, &mut progress, out)?;
        }
        if progress.rows > 0 {
            return Ok(());
        }
        let error = SourceError::new("no-rows", &self.file, 0, "the file has columns and no rows");
        Err(error.with_hint("is the download complete?").into())
    }
}

/// How far a file was read.
struct Progress {
    rows: u64,
    /// Bytes of text that may still follow: few bytes of Parquet may stand for any number of rows.
    left: u64,
}

impl<P: RowParser> Pages<P> {
    fn read_group(
        &self,
        reader: &SerializedFileReader<Stored>,
        stored: &Stored,
        number: usize,
        progress: &mut Progress,
        out: &mut dyn RowSink,
    ) -> Result<(), Halt> {
        let about = reader.metadata().row_group(number);
        guard::check_pages(&self.file, stored, about)?;
        let mut left = usize::try_from(about.num_rows())
            .map_err(|_| damaged(&self.file, "its number of rows is negative"))?;
        let mut columns = catch_panic(&self.file, || {
            let group = reader.get_row_group(number)?;
            (0..group.num_columns())
                .map(|column| group.get_column_reader(column))
                .collect::<Result<Vec<_>, _>>()
        })?;
        let kinds: Vec<_> =
            about.columns().iter().filter_map(|it| Kind::of_column(it.column_descr()).ok()).collect();
        while left > 0 {
            let count = left.min(BATCH_ROWS);
            let batch = self.read_batch(&mut columns, &kinds, count)?;
            for row in 0..count {
                let fields = batch.iter().map(|column| column.get(row).map_or("", String::as_str));
                self.read_row(fields, progress, out)?;
            }
            left -= count;
        }
        Ok(())
    }

    /// The next rows of a group, column by column.
    fn read_batch(
        &self,
        columns: &mut [ColumnReader],
        kinds: &[Kind],
        count: usize,
    ) -> Result<Vec<Vec<String>>, SourceError> {
        let read = |(column, kind): (&mut ColumnReader, &Kind)| {
            let column = catch_panic(&self.file, || read_texts(column, *kind, count))?;
            let whole = column.len() == count;
            whole.then_some(column).ok_or_else(|| damaged(&self.file, "a column ends before the others"))
        };
        columns.iter_mut().zip(kinds).map(read).collect()
    }

    fn read_row<'a>(
        &self,
        fields: impl Iterator<Item = &'a str> + Clone,
        progress: &mut Progress,
        out: &mut dyn RowSink,
    ) -> Result<(), Halt> {
        progress.rows += 1;
        let bytes = fields.clone().fold(1_usize, |sum, field| sum.saturating_add(field.len() + 1));
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        progress.left = progress.left.checked_sub(bytes).ok_or_else(|| {
            let message = format!("the content is larger than {} bytes", self.limits.bytes);
            SourceError::new("file-too-large", &self.file, 0, message).with_hint("split the file by period")
        })?;
        let row = Row::from_fields(fields.clone());
        let (parsed, note) = match parse_row(&self.parser, &row, out.names()) {
            Ok((row, note)) => (Ok(row), note),
            Err(reject) => (Err(reject), ""),
        };
        if let (Ok(Some(row)), false) = (&parsed, note.is_empty()) {
            out.note(row, note);
        }
        out.take(parsed, SourceLocation::row(progress.rows), || fields.collect::<Vec<_>>().join(","))
    }
}
