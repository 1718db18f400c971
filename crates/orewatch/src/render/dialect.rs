//! CSV in two dialects: as programs read it everywhere, and as Excel opens it where the comma is the decimal
//! mark. A field never has line breaks.
use std::borrow::Cow;

use orewatch_contracts::Failure;

use super::cell::Cell;
use super::plain::one_line;
use crate::words::economy_name;

/// Columns with codes of economies. For Excel, each gets a column with the names.
const ECONOMIES: [&str; 7] =
    ["consumer", "supplier", "economy", "partner", "exporter", "importer", "reporter"];

/// Characters at which a spreadsheet takes a text for a formula.
const FORMULA_STARTS: [char; 4] = ['=', '+', '-', '@'];

/// How a CSV is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Comma between fields, decimal point.
    #[default]
    Standard,
    /// Semicolon between fields, decimal comma, and a column of names for each column of economies.
    Excel,
}

impl Dialect {
    fn delimiter(self) -> u8 {
        match self {
            Self::Standard => b',',
            Self::Excel => b';',
        }
    }

    /// A value as a field, before quoting.
    fn field(self, cell: &Cell) -> String {
        let text = cell.csv_text();
        match (self, cell) {
            (Self::Standard, _) => one_line(&text).into_owned(),
            (Self::Excel, Cell::Number(_)) => text.replace('.', ","),
            (Self::Excel, Cell::Count(_) | Cell::Flag(_)) => text,
            (Self::Excel, _) => harmless(&one_line(&text)).into_owned(),
        }
    }
}

/// A text that a spreadsheet does not take for a formula.
fn harmless(text: &str) -> Cow<'_, str> {
    if text.starts_with(FORMULA_STARTS) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

/// Writes a header and records as CSV. The header is written even without records.
pub(crate) fn write_records(
    dialect: Dialect,
    header: &[impl AsRef<str>],
    records: impl IntoIterator<Item = Vec<Cell>>,
) -> Result<String, Failure> {
    let broken = |error: &dyn std::error::Error| Failure::internal(format!("csv: {error}"));
    let mut writer = csv::WriterBuilder::new().delimiter(dialect.delimiter()).from_writer(Vec::new());
    let named: Vec<usize> = header
        .iter()
        .enumerate()
        .filter(|(_, name)| dialect == Dialect::Excel && ECONOMIES.contains(&name.as_ref()))
        .map(|(place, _)| place)
        .collect();
    let names = named.iter().filter_map(|place| Some(format!("{}_name", header.get(*place)?.as_ref())));
    let header = header.iter().map(|name| name.as_ref().to_owned()).chain(names);
    writer.write_record(header).map_err(|error| broken(&error))?;
    for record in records {
        let names = named.iter().filter_map(|place| record.get(*place));
        let names = names.map(|code| economy_name(&code.csv_text()).to_owned());
        let fields = record.iter().map(|cell| dialect.field(cell)).chain(names);
        writer.write_record(fields).map_err(|error| broken(&error))?;
    }
    let bytes = writer.into_inner().map_err(|error| broken(error.error()))?;
    String::from_utf8(bytes).map_err(|error| broken(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(dialect: Dialect) -> String {
        let record =
            vec![Cell::text("DEU"), Cell::Number(Some(0.5)), Cell::text("two\nlines; =1"), Cell::text("=1")];
        write_records(dialect, &["consumer", "value", "text", "formula"], [record]).unwrap()
    }

    #[test]
    fn fields_have_no_line_breaks() {
        assert_eq!(written(Dialect::Standard), "consumer,value,text,formula\nDEU,0.5,two lines; =1,=1\n");
    }

    #[test]
    fn excel_gets_its_separators_and_the_names_of_economies() {
        assert_eq!(
            written(Dialect::Excel),
            "consumer;value;text;formula;consumer_name\nDEU;0,5;\"two lines; =1\";'=1;Germany\n"
        );
    }
}
