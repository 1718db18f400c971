//! Csv files of publishers: what their beginning shows, how they are opened, and where their columns are.
//!
//! A reader of a publisher's csv has a [`CsvFile`] and, if it knows its columns by name, a [`ColumnMap`].
//! What is left for it to say is what its publisher's files look like.
use super::input::Content;
use super::records::{self, CsvDialect, Record, Records};
use super::sink::{Halt, RowSink};
use super::{Head, Limits, Setup, SourceError};

/// A csv file that can be read from its beginning.
#[derive(Clone, Debug)]
pub(super) struct CsvFile {
    /// File name, for errors.
    pub(super) name: String,
    limits: Limits,
    dialect: CsvDialect,
}

impl CsvFile {
    /// The file with this beginning.
    pub(super) fn new(head: &Head, setup: &Setup) -> Self {
        Self { name: head.file.clone(), limits: setup.limits, dialect: records::detect_dialect(head) }
    }

    /// Opens the file and reads its header.
    pub(super) fn records<'a>(&self, content: &'a mut Content) -> Result<Records<'a>, SourceError> {
        Records::open(&self.name, content, self.limits, self.dialect)
    }

    /// Reads every record below the header, in order. Records whose fields do not match the header are
    /// rejected; blank ones are skipped.
    pub(super) fn for_each_record(
        &self,
        content: &mut Content,
        out: &mut dyn RowSink,
        take: impl FnMut(Record<'_>, &mut dyn RowSink) -> Result<(), Halt>,
    ) -> Result<(), Halt> {
        self.records(content)?.for_each(out, take)
    }
}

/// What the beginning of a csv file shows.
#[derive(Clone, Debug, Default)]
pub(super) struct Sample {
    /// Names of the columns; none if the file has no header.
    pub(super) header: Vec<String>,
    /// Rows that are complete within the beginning, field by field.
    pub(super) rows: Vec<Vec<String>>,
}

impl Sample {
    /// Reads the beginning of a file.
    pub(super) fn new(head: &Head) -> Self {
        let mut rows = records::sample(head);
        if rows.is_empty() {
            return Self::default();
        }
        let header = rows.remove(0);
        Self { header, rows }
    }

    /// The rows, for formats that need one to know what a file is about.
    ///
    /// # Errors
    /// [`SourceError`] if there is none.
    pub(super) fn rows(&self, file: &str) -> Result<&[Vec<String>], SourceError> {
        if self.rows.is_empty() { Err(SourceError::no_rows(file, 1)) } else { Ok(&self.rows) }
    }
}

/// Where the columns that a format reads are in one file, and what that file calls them. Columns are numbered
/// as the format lists them.
#[derive(Clone, Debug)]
pub(super) struct ColumnMap<const N: usize> {
    places: [Option<usize>; N],
    names: [String; N],
}

impl<const N: usize> ColumnMap<N> {
    /// Finds columns in a header, each by the first of its known names that is there. Names are compared as
    /// `folded`. A column that is missing keeps its first known name.
    pub(super) fn find(header: &[String], known: [&[&str]; N], folded: fn(&str) -> String) -> Self {
        let own: Vec<_> = header.iter().map(|name| folded(name)).collect();
        let position = |name: &&str| {
            let name = folded(name);
            own.iter().position(|column| *column == name)
        };
        let places = known.map(|names| names.iter().find_map(position));
        let mut names = known.map(|names| names.first().copied().unwrap_or_default().to_owned());
        for (name, place) in names.iter_mut().zip(places) {
            if let Some(own) = place.and_then(|place| header.get(place)) {
                name.clone_from(own);
            }
        }
        Self { places, names }
    }

    /// Whether the file has the first so many columns.
    pub(super) fn has_first(&self, count: usize) -> bool {
        self.places.iter().take(count).all(Option::is_some)
    }

    /// How many of the columns the file has.
    pub(super) fn count(&self) -> usize {
        self.places.iter().flatten().count()
    }

    /// Place of a column in the file, from 0. None: the file does not have it.
    pub(super) fn place(&self, column: impl Into<usize>) -> Option<usize> {
        self.places.get(column.into()).copied().flatten()
    }

    /// Number of a column in the file, from 1; 0 if the file does not have it.
    pub(super) fn number(&self, column: impl Into<usize>) -> u32 {
        let number = self.place(column).and_then(|place| place.checked_add(1));
        number.and_then(|number| u32::try_from(number).ok()).unwrap_or(0)
    }

    /// Name of a column, as the file spells it.
    pub(super) fn name(&self, column: impl Into<usize>) -> &str {
        self.names.get(column.into()).map_or("", String::as_str)
    }

    /// Names of all columns.
    pub(super) fn names(&self) -> &[String; N] {
        &self.names
    }

    /// A column's text in a row whose fields `field` gives by their place; empty if there is none.
    pub(super) fn text<'a>(&self, column: impl Into<usize>, field: impl Fn(usize) -> &'a str) -> &'a str {
        self.place(column).map_or("", field)
    }

    /// The texts of all columns of such a row.
    pub(super) fn texts<'a>(&self, field: impl Fn(usize) -> &'a str) -> [&'a str; N] {
        self.places.map(|place| place.map_or("", &field))
    }
}
