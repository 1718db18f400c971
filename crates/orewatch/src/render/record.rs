//! Rows that read the same as JSON and as csv.
use orewatch_runtime::Failure;
use serde::ser::{Serialize, SerializeMap as _, Serializer};

/// One value of a row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell {
    /// A text; an empty one is no value.
    Text(String),
    /// A number, if there is one.
    Number(Option<f64>),
    /// A count, if there is one.
    Count(Option<u64>),
    /// Several texts; csv joins them with semicolons.
    List(Vec<String>),
    /// Several records; csv joins what each says for people with semicolons.
    Records(Vec<Record>),
    /// Yes or no.
    Flag(bool),
}

/// A part of a row that has parts itself.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Record {
    /// What it says, for people.
    pub(crate) text: String,
    /// Its values, by name.
    pub(crate) fields: Vec<(&'static str, Cell)>,
}

impl Serialize for Record {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.fields.iter().map(|(name, cell)| (name, cell)))
    }
}

impl Cell {
    /// A text.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// The value for people.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::List(texts) => texts.join(", "),
            Self::Records(records) => Self::told(records, ", "),
            Self::Text(_) | Self::Number(_) | Self::Count(_) | Self::Flag(_) => self.csv(),
        }
    }

    fn told(records: &[Record], between: &str) -> String {
        records.iter().map(|record| record.text.as_str()).collect::<Vec<_>>().join(between)
    }

    fn csv(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.map(|number| number.to_string()).unwrap_or_default(),
            Self::Count(count) => count.map(|count| count.to_string()).unwrap_or_default(),
            Self::List(texts) => texts.join(";"),
            Self::Records(records) => Self::told(records, ";"),
            Self::Flag(flag) => flag.to_string(),
        }
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
        }
    }
}

/// Something that is shown as a row: the same columns, in the same order, as keys in JSON and as header in csv.
pub(crate) trait Row {
    /// Names of the columns.
    const COLUMNS: &'static [&'static str];

    /// The values, one a column.
    fn cells(&self) -> Vec<Cell>;
}

/// A row as a JSON object.
pub(crate) struct Object<'a, R>(&'a R);

impl<R: Row> Serialize for Object<'_, R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(R::COLUMNS.len()))?;
        for (name, cell) in R::COLUMNS.iter().zip(self.0.cells()) {
            map.serialize_entry(name, &cell)?;
        }
        map.end()
    }
}

/// A row as a JSON object.
pub(crate) fn object<R: Row>(row: &R) -> Object<'_, R> {
    Object(row)
}

/// Rows as a JSON array.
pub(crate) fn document<R: Row>(rows: &[R]) -> Vec<Object<'_, R>> {
    rows.iter().map(Object).collect()
}

/// Rows as csv with a header; the header is there without rows too.
pub(crate) fn write_csv<R: Row>(rows: &[R]) -> Result<String, Failure> {
    let broken = |error: &dyn std::error::Error| Failure::internal(format!("csv: {error}"));
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(R::COLUMNS).map_err(|error| broken(&error))?;
    for row in rows {
        writer.write_record(row.cells().iter().map(Cell::csv)).map_err(|error| broken(&error))?;
    }
    let bytes = writer.into_inner().map_err(|error| broken(error.error()))?;
    String::from_utf8(bytes).map_err(|error| broken(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Pair(&'static str, Option<f64>);

    impl Row for Pair {
        const COLUMNS: &'static [&'static str] = &["zeta", "alpha", "names"];

        fn cells(&self) -> Vec<Cell> {
            vec![Cell::text(self.0), Cell::Number(self.1), Cell::List(vec!["A".to_owned(), "B".to_owned()])]
        }
    }

    #[test]
    fn json_keeps_the_order_of_columns_and_says_null_for_no_value() {
        let json =
            serde_json::to_string(&document(&[Pair("x", Some(0.5)), Pair("", Some(f64::NAN))])).unwrap();
        assert_eq!(
            json,
            r#"[{"zeta":"x","alpha":0.5,"names":["A","B"]},{"zeta":null,"alpha":null,"names":["A","B"]}]"#
        );
    }

    #[test]
    fn csv_has_a_header_and_quotes_what_needs_it() {
        assert_eq!(write_csv::<Pair>(&[]).unwrap(), "zeta,alpha,names\n");
        let text = write_csv(&[Pair("a,b", None)]).unwrap();
        assert_eq!(text, "zeta,alpha,names\n\"a,b\",,A;B\n");
    }
}
