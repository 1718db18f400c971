//! Values of rows: the same value for JSON, CSV, tables and files.
use serde::ser::{Serialize, Serializer};

use crate::instants::{minute_text, time_text};

/// One value of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// A text. An empty text is null in JSON.
    Text(String),
    /// A number, if there is one.
    Number(Option<f64>),
    /// A count, if there is one.
    Count(Option<u64>),
    /// Several texts; CSV joins them with semicolons.
    List(Vec<String>),
    /// Several records; CSV joins their texts with semicolons.
    Records(Vec<Record>),
    /// True or false.
    Flag(bool),
    /// Named values: an object in JSON.
    Object(Vec<(String, Cell)>),
    /// A time in UTC, if there is one.
    Time(Option<prost_types::Timestamp>),
}

/// A nested value: an object in JSON, a text in CSV and tables.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The text for CSV and tables.
    pub text: String,
    /// The fields of the JSON object.
    pub fields: Vec<(&'static str, Cell)>,
}

impl Serialize for Record {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.fields.iter().map(|(name, cell)| (name, cell)))
    }
}

impl Cell {
    /// Creates a text cell.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// Creates a cell with a count.
    pub fn count(count: impl Into<u64>) -> Self {
        Self::Count(Some(count.into()))
    }

    /// Creates a cell with a time in UTC, empty without one.
    pub fn time(time: Option<prost_types::Timestamp>) -> Self {
        Self::Time(time)
    }

    /// The value as text for a table: a time without its seconds.
    pub fn table_text(&self) -> String {
        match self {
            Self::Time(time) => minute_text(*time),
            _ => self.display_text(),
        }
    }

    /// The value as text for people.
    pub fn display_text(&self) -> String {
        match self {
            Self::List(texts) => texts.join(", "),
            Self::Records(records) => Self::joined_texts(records, ", "),
            Self::Object(fields) => Self::named_texts(fields).join(", "),
            Self::Text(_) | Self::Number(_) | Self::Count(_) | Self::Flag(_) | Self::Time(_) => {
                self.csv_text()
            }
        }
    }

    /// The value as a CSV field, before quoting.
    pub fn csv_text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.map(|number| number.to_string()).unwrap_or_default(),
            Self::Count(count) => count.map(|count| count.to_string()).unwrap_or_default(),
            Self::List(texts) => texts.join(";"),
            Self::Records(records) => Self::joined_texts(records, ";"),
            Self::Object(fields) => Self::named_texts(fields).join(";"),
            Self::Flag(flag) => flag.to_string(),
            Self::Time(time) => time_text(*time),
        }
    }

    fn named_texts(fields: &[(String, Cell)]) -> Vec<String> {
        fields.iter().map(|(name, cell)| format!("{name}={}", cell.csv_text())).collect()
    }

    fn joined_texts(records: &[Record], separator: &str) -> String {
        records.iter().map(|record| record.text.as_str()).collect::<Vec<_>>().join(separator)
    }
}

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) if text.is_empty() => serializer.serialize_none(),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Number(number) => number.filter(|number| number.is_finite()).serialize(serializer),
            Self::Count(count) => count.serialize(serializer),
            Self::List(texts) => texts.serialize(serializer),
            Self::Records(records) => records.serialize(serializer),
            Self::Flag(flag) => serializer.serialize_bool(*flag),
            Self::Object(fields) => serializer.collect_map(fields.iter().map(|(name, cell)| (name, cell))),
            Self::Time(time) => time.map(|time| time_text(Some(time))).serialize(serializer),
        }
    }
}
