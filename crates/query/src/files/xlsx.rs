//! Rows as a workbook of Excel: a sheet of rows with a header that stays in view, and a sheet of notes.
//!
//! A workbook is a zip archive of XML documents. The rows are written into it as they come, so that a file of
//! any length takes the same memory; libraries for workbooks keep all rows, or a copy of them on disk, until
//! the last one is there. Only what such a file needs is written: texts stand in their cells, and a cell
//! without a value is left out.
use std::fmt::Write as _;
use std::io::Write as _;

use orewatch_contracts::{Class, Failure};
use zip::write::{SimpleFileOptions, StreamWriter};
use zip::{CompressionMethod, ZipWriter};

use super::pending::Pending;
use super::{Batch, ColumnKind, FileWriter, Heading, count_of, flag_of, number_of, text_of};
use crate::cell::Cell;

/// Rows that a sheet has room for, the header included.
const MAX_SHEET_ROWS: u32 = 1 << 20;

/// Characters that a cell has room for.
const MAX_CELL_CHARS: usize = 32_767;

/// Parts of the workbook that are always the same.
const PARTS: [(&str, &str); 5] = [
    ("[Content_Types].xml", include_str!("xlsx/content-types.xml")),
    ("_rels/.rels", include_str!("xlsx/package.rels")),
    ("xl/workbook.xml", include_str!("xlsx/workbook.xml")),
    ("xl/_rels/workbook.xml.rels", include_str!("xlsx/workbook.rels")),
    ("xl/styles.xml", include_str!("xlsx/styles.xml")),
];

/// Name of the sheet of rows, and of that of notes.
const ROWS_SHEET: &str = "xl/worksheets/sheet1.xml";
const NOTES_SHEET: &str = "xl/worksheets/sheet2.xml";

const SHEET_START: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n<worksheet \
                           xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\">";

/// Keeps the header in view.
const FROZEN_HEADER: &str = "<sheetViews><sheetView workbookViewId=\"0\"><pane ySplit=\"1\" \
                             topLeftCell=\"A2\" activePane=\"bottomLeft\" state=\"frozen\"/></sheetView>\
                             </sheetViews>";

/// A workbook.
pub(super) struct XlsxFile {
    headings: Vec<Heading>,
    notes: Vec<[String; 2]>,
    /// `None`: the workbook is complete.
    zip: Option<ZipWriter<StreamWriter<Pending>>>,
    pending: Pending,
    /// Number of the last row.
    row: u32,
}

impl XlsxFile {
    /// Starts a workbook.
    pub(super) fn new(headings: Vec<Heading>, notes: Vec<[String; 2]>) -> Self {
        let pending = Pending::default();
        let zip = Some(ZipWriter::new_stream(pending.clone()));
        Self { headings, notes, zip, pending, row: 0 }
    }

    fn start_part(&mut self, name: &str, text: &str) -> Result<(), Failure> {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        let zip = self.zip.as_mut().ok_or_else(already_complete)?;
        zip.start_file(name, options).map_err(|error| broken(&error))?;
        self.write(text)
    }

    fn write(&mut self, text: &str) -> Result<(), Failure> {
        let zip = self.zip.as_mut().ok_or_else(already_complete)?;
        zip.write_all(text.as_bytes()).map_err(|error| broken(&error))
    }

    /// The next row with these cells.
    fn row_text(&mut self, cells: &[Cell]) -> Result<String, Failure> {
        self.row += 1;
        if self.row > MAX_SHEET_ROWS {
            let message = format!("a sheet of Excel has room for {MAX_SHEET_ROWS} rows, and there are more");
            return Err(Failure::new(Class::Invalid, "too-many", message)
                .with_hint("ask for .csv or .parquet, or for fewer rows"));
        }
        let mut text = format!("<row r=\"{}\">", self.row);
        for (place, heading) in self.headings.iter().enumerate() {
            push_cell(&mut text, (place, self.row), heading.kind, cells.get(place));
        }
        text.push_str("</row>");
        Ok(text)
    }
}

impl FileWriter for XlsxFile {
    fn begin(&mut self) -> Result<Vec<u8>, Failure> {
        for (name, text) in PARTS {
            self.start_part(name, text)?;
        }
        let notes = notes_sheet(&self.notes);
        self.start_part(NOTES_SHEET, &notes)?;
        self.start_part(ROWS_SHEET, SHEET_START)?;
        let mut head = format!("{FROZEN_HEADER}<sheetData><row r=\"1\">");
        for (place, heading) in self.headings.iter().enumerate() {
            push_text(&mut head, (place, 1), heading.name, " s=\"1\"");
        }
        head.push_str("</row>");
        self.row = 1;
        self.write(&head)?;
        Ok(self.pending.take())
    }

    fn add(&mut self, batch: Batch) -> Result<Vec<u8>, Failure> {
        let Batch::Rows(rows) = batch else {
            return Err(Failure::internal("rows of a workbook are values"));
        };
        for cells in &rows {
            let text = self.row_text(cells)?;
            self.write(&text)?;
        }
        Ok(self.pending.take())
    }

    fn finish(&mut self) -> Result<Vec<u8>, Failure> {
        self.write("</sheetData></worksheet>")?;
        let zip = self.zip.take().ok_or_else(already_complete)?;
        zip.finish().map_err(|error| broken(&error))?;
        Ok(self.pending.take())
    }
}

fn broken(error: &dyn std::error::Error) -> Failure {
    Failure::internal(format!("xlsx: {error}"))
}

fn already_complete() -> Failure {
    Failure::internal("the workbook is complete already")
}

/// The sheet of notes: names and texts.
fn notes_sheet(notes: &[[String; 2]]) -> String {
    let mut sheet = format!(
        "{SHEET_START}<cols><col min=\"1\" max=\"1\" width=\"20\" customWidth=\"1\"/>\
         <col min=\"2\" max=\"2\" width=\"110\" customWidth=\"1\"/></cols><sheetData>"
    );
    for (row, [name, text]) in (1..).zip(notes) {
        push_row_start(&mut sheet, row);
        push_text(&mut sheet, (0, row), name, " s=\"1\"");
        push_text(&mut sheet, (1, row), text, "");
        sheet.push_str("</row>");
    }
    sheet.push_str("</sheetData></worksheet>");
    sheet
}

fn push_row_start(sheet: &mut String, row: u32) {
    sheet.push_str(&format!("<row r=\"{row}\">"));
}

/// Adds the value of a row in a column, if there is one.
fn push_cell(text: &mut String, at: (usize, u32), kind: ColumnKind, cell: Option<&Cell>) {
    let number = match kind {
        ColumnKind::Text => {
            if let Some(value) = text_of(cell) {
                push_text(text, at, &value, "");
            }
            return;
        }
        ColumnKind::Number => number_of(cell).map(|number| ("", number.to_string())),
        ColumnKind::Count => count_of(cell).map(|count| ("", count.to_string())),
        ColumnKind::Flag => flag_of(cell).map(|flag| (" t=\"b\"", u8::from(flag).to_string())),
    };
    if let Some((attribute, number)) = number {
        // A write into a text does not fail.
        let _written = write!(text, "<c r=\"{}{}\"{attribute}><v>{number}</v></c>", letters(at.0), at.1);
    }
}

/// Adds a text. A cell of this type is never taken for a formula or a number.
fn push_text(sheet: &mut String, at: (usize, u32), value: &str, attributes: &str) {
    let _written = write!(
        sheet,
        "<c r=\"{}{}\"{attributes} t=\"inlineStr\"><is><t xml:space=\"preserve\">{}</t></is></c>",
        letters(at.0),
        at.1,
        escaped(value)
    );
}

/// The letters of a column: A to Z, AA, AB and so on.
fn letters(place: usize) -> String {
    let mut letters = Vec::new();
    let mut rest = place + 1;
    while rest > 0 {
        let digit = u8::try_from((rest - 1) % 26).unwrap_or_default();
        letters.push(char::from(b'A' + digit));
        rest = (rest - 1) / 26;
    }
    letters.iter().rev().collect()
}

/// A text in XML. Characters that XML has no room for become the replacement character, and `_x0041_`, which
/// Excel would take for a character, stays as it is written.
fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for (at, letter) in value.char_indices().take(MAX_CELL_CHARS) {
        match letter {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '_' if is_character_code(value.get(at..).unwrap_or_default()) => text.push_str("_x005F_"),
            '\n' | '\t' => text.push(letter),
            '\r' => text.push('\n'),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => text.push(char::REPLACEMENT_CHARACTER),
            letter => text.push(letter),
        }
    }
    text
}

/// Whether a text begins with a character as Excel writes it: `_x0041_`.
fn is_character_code(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digits = bytes.get(2..6).unwrap_or_default();
    text.starts_with("_x")
        && digits.len() == 4
        && digits.iter().all(u8::is_ascii_hexdigit)
        && bytes.get(6) == Some(&b'_')
}
