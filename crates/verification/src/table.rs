//! Reading of the tables that are part of the program.

use std::collections::BTreeMap;
use std::io::Read;

use flate2::read::GzDecoder;
use orewatch_catalog::reference;
use orewatch_measures::Amount;

use crate::Source;

/// A table of the program that is damaged: a defect of the program, not a mistake of its user.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("table {table}: {what}")]
pub struct BadTable {
    /// Name of the table.
    pub table: String,
    /// What is wrong with it.
    pub what: String,
}

/// A table in CSV: comment lines `# key: value` with its source, a header, and rows.
#[derive(Debug)]
pub(crate) struct Table {
    name: String,
    keys: BTreeMap<String, String>,
    columns: Vec<String>,
    rows: Vec<csv::StringRecord>,
}

/// One row of a table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row<'a> {
    table: &'a Table,
    record: &'a csv::StringRecord,
}

impl Table {
    /// Reads a table from its text.
    ///
    /// # Errors
    /// It is not valid CSV.
    pub(crate) fn read(name: &str, text: &str) -> Result<Self, BadTable> {
        let bad = |what: String| BadTable { table: name.to_owned(), what };
        let comments = text.lines().filter_map(|line| line.strip_prefix("# ")?.split_once(": "));
        let mut keys = BTreeMap::<String, String>::new();
        for (key, value) in comments {
            let kept = keys.entry(key.to_owned()).or_default();
            kept.push_str(if kept.is_empty() { "" } else { " " });
            kept.push_str(value);
        }
        let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).from_reader(text.as_bytes());
        let columns = reader.headers().map_err(|error| bad(error.to_string()))?;
        let columns = columns.iter().map(str::to_owned).collect();
        let rows = reader.records().collect::<Result<_, _>>().map_err(|error| bad(error.to_string()))?;
        Ok(Self { name: name.to_owned(), keys, columns, rows })
    }

    /// Reads a reference table of the catalogue.
    ///
    /// # Errors
    /// The catalogue has no such table, or it is damaged.
    pub(crate) fn reference(name: &str) -> Result<Self, BadTable> {
        let bad = |what: &str| BadTable { table: name.to_owned(), what: what.to_owned() };
        let found = reference::tables().iter().find(|table| table.name == name);
        let found = found.ok_or_else(|| bad("is not part of the catalogue"))?;
        let mut text = String::new();
        GzDecoder::new(found.bytes).read_to_string(&mut text).map_err(|_| bad("cannot be decompressed"))?;
        Self::read(name, &text)
    }

    /// All rows, in the order of the table.
    pub(crate) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|record| Row { table: self, record })
    }

    /// Source of the table, from its comment lines.
    pub(crate) fn source(&self) -> Source {
        let key = |key: &str| self.keys.get(key).cloned().unwrap_or_default();
        let title = format!("{}: {}", key("publisher"), key("title"));
        Source { title, licence: key("licence"), location: key("where") }
    }
}

impl<'a> Row<'a> {
    /// The text in a column; empty where the column is missing.
    pub(crate) fn text(&self, column: &str) -> &'a str {
        let index = self.table.columns.iter().position(|name| name == column);
        index.and_then(|index| self.record.get(index)).unwrap_or_default()
    }

    /// The finite number in a column.
    ///
    /// # Errors
    /// There is no such number.
    pub(crate) fn number(&self, column: &str) -> Result<f64, BadTable> {
        let number = self.text(column).parse().ok().filter(|number: &f64| number.is_finite());
        number.ok_or_else(|| self.bad(&format!("`{}` in {column} is not a number", self.text(column))))
    }

    /// The amount in a column: a number, `W` (withheld), `NA` (not available) or `s` (less than half a unit).
    ///
    /// # Errors
    /// There is something else.
    pub(crate) fn amount(&self, column: &str) -> Result<Amount, BadTable> {
        match self.text(column) {
            "W" => Ok(Amount::withheld()),
            "NA" => Ok(Amount::unavailable()),
            "s" => Ok(Amount::between(0.0, 0.5)),
            _ => self.number(column).map(Amount::known),
        }
    }

    /// The error that something is wrong with the table of the row.
    pub(crate) fn bad(&self, what: &str) -> BadTable {
        BadTable { table: self.table.name.clone(), what: what.to_owned() }
    }
}
