//! Rows as files, batch by batch: CSV, JSON, XLSX, Parquet and Arrow.
//!
//! A [`FileForm`] says how a file looks. [`FileForm::prepare`] does the part of the work that needs no other
//! batch, so that several threads can do it; a [`FileWriter`] puts the batches in order:
//!
//! ```
//! use orewatch_query::files::{ColumnKind, FileForm, FileFormat, Heading};
//! use orewatch_query::{Cell, Dialect};
//!
//! let form = FileForm {
//!     format: FileFormat::Csv,
//!     dialect: Dialect::Guarded,
//!     headings: vec![Heading { name: "consumer", kind: ColumnKind::Text }],
//!     notes: Vec::new(),
//! };
//! let mut file = form.writer()?;
//! let mut bytes = file.begin()?;
//! bytes.extend(file.add(form.prepare(vec![vec![Cell::text("DEU")]])?)?);
//! bytes.extend(file.finish()?);
//! assert_eq!(bytes, b"consumer\nDEU\n");
//! # Ok::<(), orewatch_contracts::Failure>(())
//! ```
//!
//! All formats have the same columns in the same order. Lists are texts joined by semicolons, except in JSON;
//! times, days and periods are ISO texts in all of them, so that every reader has the same values. A value
//! that is missing is an empty field, an empty cell or null, never zero.
mod arrow_file;
mod json;
mod parquet_file;
mod pending;
mod xlsx;

use orewatch_contracts::Failure;

use crate::cell::Cell;
use crate::dialect::{CsvRows, Dialect};

/// A format of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileFormat {
    /// Comma-separated values with one header line.
    Csv,
    /// An array of objects.
    Json,
    /// A workbook of Excel, with a sheet of rows and a sheet of notes.
    Xlsx,
    /// Apache Parquet.
    Parquet,
    /// Apache Arrow, in its file format.
    Arrow,
}

impl FileFormat {
    /// All formats.
    pub const ALL: [Self; 5] = [Self::Csv, Self::Xlsx, Self::Parquet, Self::Arrow, Self::Json];

    /// Ending of names of files, without a dot.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Xlsx => "xlsx",
            Self::Parquet => "parquet",
            Self::Arrow => "arrow",
        }
    }

    /// The format of files whose names end like this.
    #[must_use]
    pub fn from_extension(extension: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.extension() == extension)
    }

    /// Media type.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Json => "application/json",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::Parquet => "application/vnd.apache.parquet",
            Self::Arrow => "application/vnd.apache.arrow.file",
        }
    }
}

/// What the values of a column are in formats that have types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// Text: also codes, so that zeros at their start stay, and times, lists and records.
    Text,
    /// Numbers with a fraction.
    Number,
    /// Whole numbers.
    Count,
    /// True or false.
    Flag,
}

impl ColumnKind {
    /// The kind of a column that has this value.
    #[must_use]
    pub fn of(cell: &Cell) -> Self {
        match cell {
            Cell::Number(_) => Self::Number,
            Cell::Count(_) => Self::Count,
            Cell::Flag(_) => Self::Flag,
            Cell::Text(_) | Cell::List(_) | Cell::Records(_) | Cell::Object(_) | Cell::Time(_) => Self::Text,
        }
    }
}

/// A column of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heading {
    /// Its name.
    pub name: &'static str,
    /// What its values are.
    pub kind: ColumnKind,
}

/// How a file looks.
#[derive(Clone, Debug)]
pub struct FileForm {
    /// The format.
    pub format: FileFormat,
    /// The dialect of CSV.
    pub dialect: Dialect,
    /// The columns.
    pub headings: Vec<Heading>,
    /// What is said about the rows, as names and texts, in formats that have a place for it.
    pub notes: Vec<[String; 2]>,
}

/// Rows that are ready to be put into a file.
#[derive(Clone, Debug)]
pub enum Batch {
    /// As bytes of the file.
    Bytes(Vec<u8>),
    /// As values.
    Rows(Vec<Vec<Cell>>),
}

/// Puts batches into a file, in the order in which they come.
pub trait FileWriter: Send {
    /// The first bytes of the file.
    ///
    /// # Errors
    /// None but a defect.
    fn begin(&mut self) -> Result<Vec<u8>, Failure>;

    /// Adds a batch. Returns the next bytes of the file, of this or of earlier batches.
    ///
    /// # Errors
    /// Code `too-many` for more rows than the format has room for.
    fn add(&mut self, batch: Batch) -> Result<Vec<u8>, Failure>;

    /// The last bytes of the file. Without them no reader takes it for a whole one, except that the end of a
    /// CSV file cannot be told from a break between two lines.
    ///
    /// # Errors
    /// None but a defect.
    fn finish(&mut self) -> Result<Vec<u8>, Failure>;

    /// What ends a file whose rows have stopped because of an error, so that whoever looks at it sees it.
    /// Empty for formats that are broken without their last bytes.
    fn incomplete(&self, _reason: &str) -> Vec<u8> {
        Vec::new()
    }
}

impl FileForm {
    /// Prepares rows, each of which has a value for every column.
    ///
    /// # Errors
    /// None but a defect.
    pub fn prepare(&self, rows: Vec<Vec<Cell>>) -> Result<Batch, Failure> {
        Ok(match self.format {
            FileFormat::Csv => Batch::Bytes(self.csv().lines(&rows)?.into_bytes()),
            FileFormat::Json => Batch::Bytes(json::objects(&self.headings, &rows)?),
            FileFormat::Xlsx | FileFormat::Parquet | FileFormat::Arrow => Batch::Rows(rows),
        })
    }

    /// Starts a file.
    ///
    /// # Errors
    /// None but a defect.
    pub fn writer(&self) -> Result<Box<dyn FileWriter>, Failure> {
        let headings = self.headings.clone();
        let writer: Box<dyn FileWriter> = match self.format {
            FileFormat::Csv => Box::new(CsvFile { rows: self.csv() }),
            FileFormat::Json => Box::new(json::JsonFile::default()),
            FileFormat::Xlsx => Box::new(xlsx::XlsxFile::new(headings, self.notes.clone())),
            FileFormat::Parquet => Box::new(parquet_file::ParquetFile::new(headings, &self.notes)?),
            FileFormat::Arrow => Box::new(arrow_file::ArrowFile::new(headings, &self.notes)?),
        };
        Ok(writer)
    }

    fn csv(&self) -> CsvRows {
        let names: Vec<&str> = self.headings.iter().map(|heading| heading.name).collect();
        CsvRows::new(self.dialect, &names)
    }
}

/// A file of CSV. What is prepared is complete.
struct CsvFile {
    rows: CsvRows,
}

/// By which Excel knows UTF-8.
const BYTE_ORDER_MARK: &str = "\u{feff}";

impl FileWriter for CsvFile {
    fn begin(&mut self) -> Result<Vec<u8>, Failure> {
        let header = self.rows.header()?;
        let mark = if self.rows.is_for_excel() { BYTE_ORDER_MARK } else { "" };
        Ok(format!("{mark}{header}").into_bytes())
    }

    fn add(&mut self, batch: Batch) -> Result<Vec<u8>, Failure> {
        match batch {
            Batch::Bytes(bytes) => Ok(bytes),
            Batch::Rows(rows) => Ok(self.rows.lines(&rows)?.into_bytes()),
        }
    }

    fn finish(&mut self) -> Result<Vec<u8>, Failure> {
        Ok(Vec::new())
    }

    fn incomplete(&self, reason: &str) -> Vec<u8> {
        format!("# incomplete: {}\n", crate::dialect::one_line(reason)).into_bytes()
    }
}

/// The text of a value in a column of texts. `None`: there is none.
fn text_of(cell: Option<&Cell>) -> Option<String> {
    cell.map(Cell::csv_text).filter(|text| !text.is_empty())
}

/// The value in a column of numbers.
fn number_of(cell: Option<&Cell>) -> Option<f64> {
    match cell {
        Some(Cell::Number(number)) => number.filter(|number| number.is_finite()),
        _ => None,
    }
}

/// The value in a column of counts.
fn count_of(cell: Option<&Cell>) -> Option<i64> {
    match cell {
        Some(Cell::Count(count)) => count.and_then(|count| i64::try_from(count).ok()),
        _ => None,
    }
}

/// The value in a column of flags.
fn flag_of(cell: Option<&Cell>) -> Option<bool> {
    match cell {
        Some(Cell::Flag(flag)) => Some(*flag),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
