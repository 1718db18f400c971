//! Rows and their columns. A kind of row declares its columns once; JSON, CSV, tables and pages are all
//! written from that declaration, so that a name or heading always belongs to the value under it.
//!
//! ```text
//! column("firing", |info: &RuleInfo| Cell::count(info.firing)).shown("firing alerts", Right)
//!        name in JSON and CSV, and the value                          heading in tables, and the alignment
//! ```
use std::fmt;
use std::ops::Range;

use orewatch_contracts::Failure;
use orewatch_query::{Cell, Dialect, one_line, write_records};
use serde::ser::{Serialize, SerializeMap as _, Serializer};

use super::out::Out;
use super::sheet::{Align, Sheet, TextColumn, column_width, has_room};
use super::wrap::wrap;
use crate::options::Format;

/// Width from which a page has room for the parts of a subject in columns of their own, in characters.
const WIDE_PAGE: usize = 110;

/// A value that is printed as a row.
pub(crate) trait Row: Sized {
    /// The columns, in the order in which they are printed.
    fn columns() -> Vec<Column<Self>>;
}

/// A column of rows of type `T`. It has a name, a heading, or both.
pub(crate) struct Column<T> {
    /// Name in JSON and CSV. `None`: only people see the column.
    name: Option<&'static str>,
    cell: Box<dyn Fn(&T) -> Cell>,
    /// Heading in tables. `None`: only programs see the column.
    heading: Option<Heading<T>>,
}

/// Writes a cell for people.
type CellText<T> = Box<dyn Fn(&T) -> String>;

/// How a table shows a column.
struct Heading<T> {
    text: &'static str,
    align: Align,
    /// Text of a cell, where it is not the text of the value for programs.
    cell_text: Option<CellText<T>>,
    needed: Needed<T>,
    /// Which columns a table gives up first where it would be wider than the page. 0: never.
    rank: u8,
    /// Widths of pages on which tables have the column, in characters.
    pages: Range<usize>,
}

impl<T> Heading<T> {
    fn new(text: &'static str, align: Align, cell_text: Option<CellText<T>>) -> Self {
        Self { text, align, cell_text, needed: Needed::Always, rank: 0, pages: 0..usize::MAX }
    }
}

/// When a table has a column.
enum Needed<T> {
    Always,
    /// If any of its cells is not empty.
    IfFilled,
    /// If any row satisfies the condition.
    IfAny(Box<dyn Fn(&T) -> bool>),
}

/// Creates a column that JSON and CSV have under this name.
pub(crate) fn column<T>(name: &'static str, cell: impl Fn(&T) -> Cell + 'static) -> Column<T> {
    Column { name: Some(name), cell: Box::new(cell), heading: None }
}

/// Creates a column that only tables have, under this heading.
pub(crate) fn only_shown<T>(
    heading: &'static str,
    align: Align,
    cell_text: impl Fn(&T) -> String + 'static,
) -> Column<T> {
    let cell = move |row: &T| Cell::Text(cell_text(row));
    Column { name: None, ..column("", cell) }.shown(heading, align)
}

impl<T> Column<T> {
    /// Shows the column in tables too, with the same values.
    pub(crate) fn shown(self, heading: &'static str, align: Align) -> Self {
        Self { heading: Some(Heading::new(heading, align, None)), ..self }
    }

    /// Shows the column in tables too, with values written for people.
    pub(crate) fn shown_as(
        self,
        heading: &'static str,
        align: Align,
        cell_text: impl Fn(&T) -> String + 'static,
    ) -> Self {
        Self { heading: Some(Heading::new(heading, align, Some(Box::new(cell_text)))), ..self }
    }

    /// Leaves the column out of tables in which all its cells are empty.
    pub(crate) fn unless_empty(self) -> Self {
        self.needed(Needed::IfFilled)
    }

    /// Leaves the column out of tables in which no row satisfies the condition.
    pub(crate) fn if_any(self, condition: impl Fn(&T) -> bool + 'static) -> Self {
        self.needed(Needed::IfAny(Box::new(condition)))
    }

    /// Leaves the column out of tables that would be wider than the page otherwise: first the columns of the
    /// highest rank.
    pub(crate) fn if_room(mut self, rank: u8) -> Self {
        if let Some(heading) = &mut self.heading {
            heading.rank = rank;
        }
        self
    }

    /// Shows the column only on wide pages.
    pub(crate) fn on_wide_pages(self) -> Self {
        self.on_pages(WIDE_PAGE..usize::MAX)
    }

    /// Shows the column only on narrow pages.
    pub(crate) fn on_narrow_pages(self) -> Self {
        self.on_pages(0..WIDE_PAGE)
    }

    fn on_pages(mut self, widths: Range<usize>) -> Self {
        if let Some(heading) = &mut self.heading {
            heading.pages = widths;
        }
        self
    }

    fn needed(mut self, needed: Needed<T>) -> Self {
        if let Some(heading) = &mut self.heading {
            heading.needed = needed;
        }
        self
    }

    /// The heading in tables. Empty for a column that tables do not have.
    pub(crate) fn heading(&self) -> &'static str {
        self.heading.as_ref().map_or("", |heading| heading.text)
    }

    /// The alignment in tables.
    pub(crate) fn align(&self) -> Align {
        self.heading.as_ref().map_or(Align::Left, |heading| heading.align)
    }

    /// Which columns a table gives up first where it would be wider than the page.
    pub(crate) fn rank(&self) -> u8 {
        self.heading.as_ref().map_or(0, |heading| heading.rank)
    }

    /// The text of a row's cell in tables.
    pub(crate) fn cell_text(&self, row: &T) -> String {
        match self.heading.as_ref().and_then(|heading| heading.cell_text.as_ref()) {
            Some(cell_text) => cell_text(row),
            None => (self.cell)(row).table_text(),
        }
    }
}

impl<T: 'static> Column<T> {
    /// The column of rows that contain a `T`.
    pub(crate) fn within<U>(self, part: impl Fn(&U) -> &T + Copy + 'static) -> Column<U> {
        let Self { name, cell, heading } = self;
        let heading = heading.map(|heading| Heading {
            text: heading.text,
            align: heading.align,
            cell_text: heading
                .cell_text
                .map(|cell_text| -> Box<dyn Fn(&U) -> String> { Box::new(move |row| cell_text(part(row))) }),
            needed: match heading.needed {
                Needed::Always => Needed::Always,
                Needed::IfFilled => Needed::IfFilled,
                Needed::IfAny(condition) => Needed::IfAny(Box::new(move |row| condition(part(row)))),
            },
            rank: heading.rank,
            pages: heading.pages,
        });
        Column { name, cell: Box::new(move |row| cell(part(row))), heading }
    }
}

impl<T> fmt::Debug for Column<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Column").field("name", &self.name).field("heading", &self.heading()).finish()
    }
}

/// The columns that programs see, with their names.
fn named<R: Row>(columns: &[Column<R>]) -> impl Iterator<Item = (&'static str, &Column<R>)> {
    columns.iter().filter_map(|column| Some((column.name?, column)))
}

/// The values of a row for programs, with the names of their columns.
pub(crate) fn fields<R: Row>(row: &R) -> Vec<(&'static str, Cell)> {
    named(&R::columns()).map(|(name, column)| (name, (column.cell)(row))).collect()
}

/// The values of some rows, of the columns at these places among those that programs see.
pub(crate) fn records<'a, R: Row + 'a>(
    rows: impl IntoIterator<Item = &'a R>,
    places: &[usize],
) -> Vec<Vec<Cell>> {
    let columns = R::columns();
    let all: Vec<&Column<R>> = named(&columns).map(|(_, column)| column).collect();
    let chosen: Vec<&Column<R>> = places.iter().filter_map(|place| all.get(*place).copied()).collect();
    rows.into_iter().map(|row| chosen.iter().map(|column| (column.cell)(row)).collect()).collect()
}

/// A row that serializes as a JSON object.
pub(crate) struct Object<'a, R>(&'a R);

impl<R: Row> Serialize for Object<'_, R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(fields(self.0))
    }
}

/// A row as a JSON object.
pub(crate) fn object<R: Row>(row: &R) -> Object<'_, R> {
    Object(row)
}

/// Rows that serialize as a JSON array.
pub(crate) struct Document<'a, R>(Vec<&'a R>);

/// One row of a [`Document`], which has built the columns for all of them.
struct DocumentRow<'a, R> {
    row: &'a R,
    columns: &'a [Column<R>],
}

impl<R: Row> Serialize for DocumentRow<'_, R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, column) in named(self.columns) {
            map.serialize_entry(name, &(column.cell)(self.row))?;
        }
        map.end()
    }
}

impl<R: Row> Serialize for Document<'_, R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let columns = R::columns();
        serializer.collect_seq(self.0.iter().map(|row| DocumentRow { row: *row, columns: &columns }))
    }
}

/// Rows as a JSON array.
pub(crate) fn document<'a, R: Row>(rows: impl IntoIterator<Item = &'a R>) -> Document<'a, R> {
    Document(rows.into_iter().collect())
}

/// Rows as CSV with a header, which is written even without rows.
pub(crate) fn write_csv<'a, R: Row + 'a>(
    dialect: Dialect,
    rows: impl IntoIterator<Item = &'a R>,
) -> Result<String, Failure> {
    let columns = R::columns();
    let header: Vec<&str> = named(&columns).map(|(name, _)| name).collect();
    let records = rows.into_iter().map(|row| named(&columns).map(|(_, column)| (column.cell)(row)).collect());
    write_records(dialect, &header, records)
}

impl Out {
    /// Writes rows as CSV without a header.
    pub(crate) fn csv_rows<'a, R: Row + 'a>(
        &self,
        rows: impl IntoIterator<Item = &'a R>,
    ) -> Result<(), Failure> {
        let text = write_csv(self.dialect, rows)?;
        self.text(text.split_once('\n').map_or("", |(_, rows)| rows))
    }

    /// Writes rows as CSV with a header.
    pub(crate) fn csv<'a, R: Row + 'a>(&self, rows: impl IntoIterator<Item = &'a R>) -> Result<(), Failure> {
        self.csv_text(&write_csv(self.dialect, rows)?)
    }

    /// Writes rows in the chosen format: a JSON array, CSV with a header, or a table.
    pub(crate) fn rows<R: Row>(&self, rows: &[R]) -> Result<(), Failure> {
        match self.format {
            Format::Json => self.json(&document(rows)),
            Format::Csv => self.csv(rows),
            Format::Table => self.text(&table(self, rows)),
        }
    }

    /// Writes one row in the chosen format: a JSON object, CSV with a header, or a page.
    pub(crate) fn row<R: Row>(&self, row: &R) -> Result<(), Failure> {
        match self.format {
            Format::Json => self.json(&object(row)),
            Format::Csv => self.csv([row]),
            Format::Table => self.text(&page(self, row)),
        }
    }
}

/// Rows as a table for people, with the headings of their columns. Where the page has no room for all of
/// them, a line below says which columns are missing.
pub(crate) fn table<'a, R: Row + 'a>(out: &Out, rows: impl IntoIterator<Item = &'a R>) -> String {
    let rows: Vec<&R> = rows.into_iter().collect();
    let columns = R::columns();
    let mut shown = Vec::new();
    for column in &columns {
        let Some(heading) = &column.heading else { continue };
        if !heading.pages.contains(&out.width) {
            continue;
        }
        let cells: Vec<String> = rows.iter().map(|row| column.cell_text(row)).collect();
        let is_needed = match &heading.needed {
            Needed::Always => true,
            Needed::IfFilled => cells.iter().any(|cell| !cell.is_empty()),
            Needed::IfAny(condition) => rows.iter().any(|row| condition(row)),
        };
        if is_needed {
            shown.push((heading.rank, (heading.text, heading.align, cells)));
        }
    }
    fitted_table(out, shown)
}

/// A table from columns of texts with their ranks, without those for which the page has no room.
pub(super) fn fitted_table(out: &Out, mut shown: Vec<(u8, TextColumn<'_>)>) -> String {
    let mut missing = Vec::new();
    let mut widths: Vec<usize> = shown.iter().map(|(_, column)| column_width(column)).collect();
    while !has_room(out, widths.iter().copied()) {
        let highest = shown.iter().map(|(rank, _)| *rank).max().unwrap_or_default();
        let Some(place) = shown.iter().rposition(|(rank, _)| *rank == highest && highest > 0) else { break };
        let (_, (heading, ..)) = shown.remove(place);
        widths.remove(place);
        missing.insert(0, heading);
    }
    let mut text = table_of_columns(out, shown.into_iter().map(|(_, column)| column).collect());
    if !missing.is_empty() {
        let note = format!("no room on this page for: {}", missing.join(", "));
        text.push_str(&wrap(&note, out.width, ""));
    }
    text
}

/// A table for people from columns of texts.
pub(crate) fn table_of_columns(out: &Out, columns: Vec<TextColumn<'_>>) -> String {
    let headings: Vec<(&str, Align)> = columns.iter().map(|(text, align, _)| (*text, *align)).collect();
    let mut sheet = Sheet::new(out, &headings);
    let mut columns: Vec<_> = columns.into_iter().map(|(_, _, cells)| cells.into_iter()).collect();
    loop {
        let row: Vec<String> = columns.iter_mut().filter_map(Iterator::next).collect();
        if row.is_empty() {
            return sheet.finish();
        }
        sheet.row(row);
    }
}

/// A row as a page: the first value as the title, then one line per value. Empty values are left out.
fn page<R: Row>(out: &Out, row: &R) -> String {
    let mut text = String::new();
    for (k, (name, cell)) in fields(row).into_iter().enumerate() {
        let value = cell.display_text();
        match (k, name, value.as_str()) {
            (_, _, "") => {}
            (0, _, title) => text.push_str(&format!("{}\n", out.style.bold(&one_line(title)))),
            (_, "text", words) => text.push_str(&format!("\n  {}\n", words.replace('\n', "\n  "))),
            (_, name, value) => {
                text.push_str(&format!("  {:<17} {}\n", name.replace('_', " "), one_line(value)))
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Pair(&'static str, Option<f64>);

    impl Row for Pair {
        fn columns() -> Vec<Column<Self>> {
            vec![
                column("zeta", |pair: &Self| Cell::text(pair.0)).shown("name", Align::Left),
                column("alpha", |pair: &Self| Cell::Number(pair.1)),
                column("names", |_| Cell::List(vec!["A".to_owned(), "B".to_owned()])),
                column("labels", |_| Cell::Object(vec![("theme".to_owned(), Cell::text("x"))])),
                only_shown("figure", Align::Right, |pair: &Self| {
                    pair.1.map(|figure| format!("{figure} %")).unwrap_or_default()
                })
                .unless_empty(),
            ]
        }
    }

    #[test]
    fn json_keeps_the_order_of_columns_and_says_null_for_no_value() {
        let json =
            serde_json::to_string(&document(&[Pair("x", Some(0.5)), Pair("", Some(f64::NAN))])).unwrap();
        assert_eq!(
            json,
            concat!(
                r#"[{"zeta":"x","alpha":0.5,"names":["A","B"],"labels":{"theme":"x"}},"#,
                r#"{"zeta":null,"alpha":null,"names":["A","B"],"labels":{"theme":"x"}}]"#
            )
        );
        let json = serde_json::to_string(&object(&Pair("x", None))).unwrap();
        assert_eq!(json, r#"{"zeta":"x","alpha":null,"names":["A","B"],"labels":{"theme":"x"}}"#);
    }

    #[test]
    fn csv_has_a_header_and_quotes_what_needs_it() {
        assert_eq!(write_csv::<Pair>(Dialect::Standard, &[]).unwrap(), "zeta,alpha,names,labels\n");
        let text = write_csv(Dialect::Standard, &[Pair("a,b", None)]).unwrap();
        assert_eq!(text, "zeta,alpha,names,labels\n\"a,b\",,A;B,theme=x\n");
    }

    #[test]
    fn a_table_has_only_the_columns_for_people_and_no_empty_optional_one() {
        let out = Out::for_tests(80);
        let words = |rows: &[Pair]| {
            table(&out, rows)
                .lines()
                .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
                .filter(|line| !line.starts_with('─'))
                .collect::<Vec<_>>()
        };
        assert_eq!(words(&[Pair("x", Some(2.0)), Pair("y", None)]), ["name figure", "x 2 %", "y"]);
        assert_eq!(words(&[Pair("x", None)]), ["name", "x"]);
    }
}
