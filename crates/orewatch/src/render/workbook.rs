//! An Excel workbook (Office Open XML) with one sheet: a header, and records of texts, numbers and truth
//! values. No formula, style or macro is written.
use std::fmt::Write as _;
use std::io::{Cursor, Write as _};

use orewatch_contracts::{Class, Failure};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::cell::Cell;
use super::xml::escaped;

/// Upper bounds of Excel on the rows of a sheet and on the characters of a cell.
const MAX_ROWS: usize = 1_048_576;
const MAX_CELL_CHARS: usize = 32_767;

const XML: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>"#;
const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006";
const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006";
const SHEET: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const MEDIA: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml";

/// Writes a workbook. The same rows give the same bytes.
///
/// # Errors
/// More rows than a sheet has.
pub(super) fn workbook(header: &[String], records: &[Vec<Cell>]) -> Result<Vec<u8>, Failure> {
    if records.len() >= MAX_ROWS {
        let message = format!("a sheet has at most {MAX_ROWS} rows, and the answer has {}", records.len());
        return Err(Failure::new(Class::Invalid, "too-many", message)
            .at("xlsx", records.len().to_string())
            .with_hint("narrow the query, or write --format csv"));
    }
    let broken = |error: &dyn std::error::Error| Failure::internal(format!("xlsx: {error}"));
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts(header, records) {
        archive.start_file(name, SimpleFileOptions::default()).map_err(|error| broken(&error))?;
        archive.write_all(content.as_bytes()).map_err(|error| broken(&error))?;
    }
    Ok(archive.finish().map_err(|error| broken(&error))?.into_inner())
}

/// The files of the package: what they are, how they belong together, and the sheet.
fn parts(header: &[String], records: &[Vec<Cell>]) -> [(&'static str, String); 5] {
    let relation = |kind: &str, target: &str| {
        format!(
            "{XML}<Relationships xmlns=\"{PACKAGE}/relationships\"><Relationship Id=\"r1\" \
             Type=\"{OFFICE}/relationships/{kind}\" Target=\"{target}\"/></Relationships>"
        )
    };
    let types = format!(
        "{XML}<Types xmlns=\"{PACKAGE}/content-types\"><Default Extension=\"rels\" \
         ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/><Override \
         PartName=\"/xl/workbook.xml\" ContentType=\"{MEDIA}.sheet.main+xml\"/><Override \
         PartName=\"/xl/worksheets/sheet1.xml\" ContentType=\"{MEDIA}.worksheet+xml\"/></Types>"
    );
    let book = format!(
        "{XML}<workbook xmlns=\"{SHEET}\" xmlns:r=\"{OFFICE}/relationships\"><sheets><sheet \
         name=\"orewatch\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>"
    );
    [
        ("[Content_Types].xml", types),
        ("_rels/.rels", relation("officeDocument", "xl/workbook.xml")),
        ("xl/workbook.xml", book),
        ("xl/_rels/workbook.xml.rels", relation("worksheet", "worksheets/sheet1.xml")),
        ("xl/worksheets/sheet1.xml", sheet(header, records)),
    ]
}

fn sheet(header: &[String], records: &[Vec<Cell>]) -> String {
    let mut text = format!("{XML}<worksheet xmlns=\"{SHEET}\"><sheetData><row>");
    header.iter().for_each(|name| push_text(&mut text, name));
    text.push_str("</row>");
    for record in records {
        text.push_str("<row>");
        record.iter().for_each(|cell| push_cell(&mut text, cell));
        text.push_str("</row>");
    }
    text.push_str("</sheetData></worksheet>");
    text
}

fn push_cell(text: &mut String, cell: &Cell) {
    // Writing to a text does not fail.
    let _infallible = match cell {
        Cell::Number(Some(number)) if number.is_finite() => write!(text, "<c><v>{number}</v></c>"),
        Cell::Count(Some(count)) => write!(text, "<c><v>{count}</v></c>"),
        Cell::Flag(flag) => write!(text, "<c t=\"b\"><v>{}</v></c>", u8::from(*flag)),
        Cell::Number(_) | Cell::Count(None) => {
            text.push_str("<c/>");
            Ok(())
        }
        Cell::Text(_) | Cell::List(_) | Cell::Records(_) | Cell::Object(_) | Cell::Time(_) => {
            push_text(text, &cell.csv_text());
            Ok(())
        }
    };
}

/// Adds a cell of text, which no spreadsheet takes for a formula. An empty text is an empty cell.
fn push_text(text: &mut String, value: &str) {
    if value.is_empty() {
        text.push_str("<c/>");
        return;
    }
    let shown: String = value.chars().take(MAX_CELL_CHARS).collect();
    text.push_str("<c t=\"inlineStr\"><is><t xml:space=\"preserve\">");
    text.push_str(&escaped(&shown));
    text.push_str("</t></is></c>");
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn a_workbook_has_numbers_texts_and_no_formula() {
        let header = ["consumer", "value", "stale"].map(str::to_owned);
        let records = [
            vec![Cell::text("=1+1 <&>"), Cell::Number(Some(0.25)), Cell::Flag(true)],
            vec![Cell::text("\u{1b}DEU\u{fffe}"), Cell::Number(None), Cell::Flag(false)],
        ];
        let bytes = workbook(&header, &records).unwrap();
        assert_eq!(bytes, workbook(&header, &records).unwrap());
        let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
        assert_eq!(archive.len(), 5);
        let mut sheet = String::new();
        archive.by_name("xl/worksheets/sheet1.xml").unwrap().read_to_string(&mut sheet).unwrap();
        assert!(sheet.contains("<t xml:space=\"preserve\">=1+1 &lt;&amp;&gt;</t>"), "{sheet}");
        assert!(sheet.contains("<c><v>0.25</v></c><c t=\"b\"><v>1</v></c></row>"), "{sheet}");
        assert!(sheet.contains("<c/><c t=\"b\"><v>0</v></c></row></sheetData>"), "{sheet}");
        assert!(!sheet.contains('\u{1b}') && !sheet.contains("<f>"), "{sheet}");
    }
}
