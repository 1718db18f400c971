//! CSV in three dialects: as programs read it everywhere, the same without texts that act in a spreadsheet,
//! and as Excel opens it where the comma is the decimal mark. A field never has line breaks.
use std::borrow::Cow;

use orewatch_contracts::Failure;

use crate::cell::Cell;
use crate::names::economy_name;

/// Columns with codes of economies. For Excel, each gets a column with the names.
const ECONOMIES: [&str; 7] =
    ["consumer", "supplier", "economy", "partner", "exporter", "importer", "reporter"];

/// Characters at which a spreadsheet takes a text for a formula. Tabs and line breaks count because some drop
/// them and look at what follows.
const FORMULA_STARTS: [char; 7] = ['=', '+', '-', '@', '\t', '\r', '\n'];

/// Capacity of the text of some rows, in bytes for each row: most rows are shorter.
const ROW_BYTES: usize = 256;

/// How a CSV is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// Comma between fields, decimal point.
    #[default]
    Standard,
    /// The same, and no text is taken for a formula: such a text begins with an apostrophe. For files that
    /// people may open in a spreadsheet.
    Guarded,
    /// Semicolon between fields, decimal comma, a column of names for each column of economies, and no text
    /// is taken for a formula.
    Excel,
}

impl Dialect {
    fn delimiter(self) -> u8 {
        match self {
            Self::Standard | Self::Guarded => b',',
            Self::Excel => b';',
        }
    }

    /// A value as a field, before quoting.
    fn field(self, cell: &Cell) -> Cow<'_, str> {
        let text = match cell {
            Cell::Text(text) => Cow::Borrowed(text.as_str()),
            other => Cow::Owned(other.csv_text()),
        };
        match (self, cell) {
            (Self::Excel, Cell::Number(_)) => Cow::Owned(text.replace('.', ",")),
            (_, Cell::Number(_) | Cell::Count(_) | Cell::Flag(_)) => text,
            (Self::Standard, _) => flattened(text),
            (Self::Guarded | Self::Excel, _) if text.starts_with(FORMULA_STARTS) => {
                Cow::Owned(format!("'{}", one_line(&text)))
            }
            (Self::Guarded | Self::Excel, _) => flattened(text),
        }
    }
}

/// Replaces line breaks and tabs with spaces.
#[must_use]
pub fn one_line(text: &str) -> Cow<'_, str> {
    if text.contains(['\n', '\t']) {
        Cow::Owned(text.replace(['\n', '\t'], " "))
    } else {
        Cow::Borrowed(text)
    }
}

/// The same for a text that may be owned.
fn flattened(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => one_line(text),
        Cow::Owned(text) if text.contains(['\n', '\t']) => Cow::Owned(text.replace(['\n', '\t'], " ")),
        Cow::Owned(text) => Cow::Owned(text),
    }
}

/// Writes rows with the same columns as CSV, some at a time.
#[derive(Clone, Debug)]
pub struct CsvRows {
    dialect: Dialect,
    header: Vec<String>,
    /// Places of the columns that get a column of names.
    economies: Vec<usize>,
}

impl CsvRows {
    /// CSV with the columns of a header.
    #[must_use]
    pub fn new(dialect: Dialect, header: &[impl AsRef<str>]) -> Self {
        let header: Vec<String> = header.iter().map(|name| name.as_ref().to_owned()).collect();
        let has_names = |name: &String| dialect == Dialect::Excel && ECONOMIES.contains(&name.as_str());
        let economies = header.iter().enumerate().filter(|(_, name)| has_names(name));
        let economies = economies.map(|(place, _)| place).collect();
        Self { dialect, header, economies }
    }

    /// Whether the file is for Excel, which knows UTF-8 by the mark at its start only.
    #[must_use]
    pub fn is_for_excel(&self) -> bool {
        self.dialect == Dialect::Excel
    }

    /// The line with the names of the columns.
    ///
    /// # Errors
    /// None but a defect.
    pub fn header(&self) -> Result<String, Failure> {
        let names = self.economies.iter().filter_map(|place| self.header.get(*place));
        let names = names.map(|name| Cow::<str>::Owned(format!("{name}_name")));
        let header = self.header.iter().map(|name| Cow::Borrowed(name.as_str()));
        self.written(0, std::iter::once(header.chain(names)))
    }

    /// The lines of some rows, each of which has a value for every column.
    ///
    /// # Errors
    /// None but a defect.
    pub fn lines(&self, rows: &[Vec<Cell>]) -> Result<String, Failure> {
        let (dialect, economies) = (self.dialect, &self.economies);
        let records = rows.iter().map(move |row| {
            let named = economies.iter().filter_map(move |place| row.get(*place));
            let names = named.map(|code| Cow::<str>::Owned(economy_name(&code.csv_text()).to_owned()));
            row.iter().map(move |cell| dialect.field(cell)).chain(names)
        });
        self.written(rows.len(), records)
    }

    fn written<'a>(
        &self,
        count: usize,
        records: impl Iterator<Item = impl Iterator<Item = Cow<'a, str>>>,
    ) -> Result<String, Failure> {
        let broken = |error: &dyn std::error::Error| Failure::internal(format!("csv: {error}"));
        let buffer = Vec::with_capacity(count.saturating_mul(ROW_BYTES));
        let mut writer = csv::WriterBuilder::new().delimiter(self.dialect.delimiter()).from_writer(buffer);
        for record in records {
            for field in record {
                writer.write_field(field.as_bytes()).map_err(|error| broken(&error))?;
            }
            writer.write_record(None::<&[u8]>).map_err(|error| broken(&error))?;
        }
        let bytes = writer.into_inner().map_err(|error| broken(error.error()))?;
        String::from_utf8(bytes).map_err(|error| broken(&error))
    }
}

/// Writes a header and records as CSV. The header is written even without records.
///
/// # Errors
/// None but a defect.
pub fn write_records(
    dialect: Dialect,
    header: &[impl AsRef<str>],
    records: impl IntoIterator<Item = Vec<Cell>>,
) -> Result<String, Failure> {
    let rows = CsvRows::new(dialect, header);
    let mut text = rows.header()?;
    let records: Vec<Vec<Cell>> = records.into_iter().collect();
    text.push_str(&rows.lines(&records)?);
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(dialect: Dialect) -> String {
        let record =
            vec![Cell::text("DEU"), Cell::Number(Some(-0.5)), Cell::text("two\nlines; =1"), Cell::text("=1")];
        write_records(dialect, &["consumer", "value", "text", "formula"], [record]).unwrap()
    }

    #[test]
    fn fields_have_no_line_breaks() {
        assert_eq!(written(Dialect::Standard), "consumer,value,text,formula\nDEU,-0.5,two lines; =1,=1\n");
    }

    #[test]
    fn excel_gets_its_separators_and_the_names_of_economies() {
        assert_eq!(
            written(Dialect::Excel),
            "consumer;value;text;formula;consumer_name\nDEU;-0,5;\"two lines; =1\";'=1;Germany\n"
        );
    }

    #[test]
    fn a_guarded_text_is_no_formula_and_a_negative_number_stays_one() {
        assert_eq!(written(Dialect::Guarded), "consumer,value,text,formula\nDEU,-0.5,two lines; =1,'=1\n");
        for text in ["=1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1"] {
            let line = CsvRows::new(Dialect::Guarded, &["a"]).lines(&[vec![Cell::text(text)]]).unwrap();
            assert!(line.trim_start_matches('"').starts_with('\''), "{text:?}: {line:?}");
        }
        let list = Cell::List(vec!["=1".to_owned(), "b".to_owned()]);
        let line = CsvRows::new(Dialect::Guarded, &["a"]).lines(&[vec![list]]).unwrap();
        assert_eq!(line, "'=1;b\n");
    }

    #[test]
    fn a_line_break_forges_no_line() {
        assert_eq!(one_line("title\n  forged  line"), "title   forged  line");
    }

    #[test]
    fn codes_keep_their_zeros_and_an_empty_row_of_one_column_stays_a_row() {
        let rows = [vec![Cell::text("050100")], vec![Cell::text("")], vec![Cell::Number(None)]];
        assert_eq!(CsvRows::new(Dialect::Guarded, &["code"]).lines(&rows).unwrap(), "050100\n\"\"\n\"\"\n");
    }
}
