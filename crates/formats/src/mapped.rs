//! Files with columns of the user's own, as a spreadsheet writes them: any separator, decimal commas, UTF-8
//! or Windows-1252, empty cells, and names of economies and materials in the place of codes.
//!
//! A map says which column of the file holds which column of a tidy table: `period=Jahr`. A name that
//! begins with `=` is a value that all rows have: `importer==DEU`. The file is rewritten as a tidy csv in
//! memory, each row on its own line of the original, and is then read like any other. Nothing is guessed: a
//! number that may be read in two ways stays as it is, so that its row is quarantined.
use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use orewatch_catalog::{resolve_material, resolve_stage, resolve_supplier};
use orewatch_contracts::ingestion::v1::Table;

use super::records::{CsvDialect, Record, Records, detect_dialect};
use super::separators::SeparatedNumber;
use super::table::TABLES;
use super::text::is_digits;
use super::{Head, Input, Limits, SourceError, nearest, tidy};

/// Upper bound on a rewritten file: 256 MiB.
const MAX_BYTES: usize = 256 << 20;

/// Tidy columns of numbers.
const NUMBERS: [&str; 4] = ["value_kusd", "quantity_t", "quantity", "value"];

/// Tidy columns of economies.
const ECONOMIES: [&str; 4] = ["exporter", "importer", "economy", "partner"];

/// Rewrites a file whose columns are mapped. Any other file stays as it is.
///
/// # Errors
/// A map that does not fit the file, or a file that cannot be read as csv.
pub fn translate(input: Input, limits: Limits) -> Result<Input, SourceError> {
    let Input::Archived { about, .. } = &input else { return Ok(input) };
    if about.column_map.is_empty() {
        return Ok(input);
    }
    let about = Arc::clone(about);
    let head = Head::read(&input, limits)?;
    if !head.is_csv() {
        let message = "columns can be mapped in csv files only";
        return Err(SourceError::new("unknown-format", &head.file, 0, message));
    }
    let dialect = detect_dialect(&head);
    let bytes = match rewrite(&input, &head.file, &about.column_map, limits, dialect) {
        // Letters beyond ASCII may come only after the beginning of the file.
        Err(error) if error.code == "not-utf8" && dialect.utf8 => {
            let latin = CsvDialect { utf8: false, ..dialect };
            rewrite(&input, &head.file, &about.column_map, limits, latin)?
        }
        other => other?,
    };
    Ok(Input::Translated { about, bytes: Bytes::from(bytes) })
}

/// Where the values of a tidy column come from.
enum Origin {
    /// A column of the file, from 0.
    Column(usize),
    /// The same value in all rows.
    Constant(String),
}

fn rewrite(
    input: &Input,
    file: &str,
    map: &BTreeMap<String, String>,
    limits: Limits,
    dialect: CsvDialect,
) -> Result<Vec<u8>, SourceError> {
    let mut content = input.open(limits)?;
    let mut records = Records::open(file, &mut content, limits, dialect)?;
    let columns = origins(file, map, &records.header)?;
    let has_decimal_comma = dialect.delimiter == b';';
    let mut text = String::new();
    let mut line = 1;
    if dialect.has_separator_line {
        text.push('\n');
        line += 1;
    }
    write_line(&mut text, columns.iter().map(|(name, _)| (*name).to_owned()));
    line += 1;
    while let Some(record) = records.next()? {
        if record.is_blank() {
            continue;
        }
        while line < record.line {
            text.push('\n');
            line += 1;
        }
        write_line(
            &mut text,
            columns.iter().map(|(name, origin)| cell(name, origin, record, has_decimal_comma)),
        );
        line += 1;
        if text.len() > MAX_BYTES {
            let message = format!("a file with mapped columns has at most {MAX_BYTES} bytes");
            return Err(SourceError::new("file-too-large", file, record.line, message)
                .with_hint("split the file by period"));
        }
    }
    Ok(text.into_bytes())
}

/// The tidy columns of the file with their origins: those that are mapped, and those that it names itself.
fn origins(
    file: &str,
    map: &BTreeMap<String, String>,
    header: &[String],
) -> Result<Vec<(&'static str, Origin)>, SourceError> {
    let known = || TABLES.iter().flat_map(|table| tidy::columns(*table));
    let mut columns: Vec<(&'static str, Origin)> = Vec::new();
    for (name, from) in map {
        let Some(column) = known().find(|column| column.eq_ignore_ascii_case(name)) else {
            let meant = nearest(name, known()).map(|near| format!("did you mean `{near}`?"));
            let hint = meant.unwrap_or_else(|| "write COLUMN=NAME with a column of a tidy table".to_owned());
            let message = format!("`{name}` is no column of a tidy table");
            return Err(SourceError::new("unknown-column", file, 1, message).at("map", name).with_hint(hint));
        };
        let origin = match from.strip_prefix('=') {
            Some(value) => Origin::Constant(value.to_owned()),
            None => Origin::Column(position(file, from, header)?),
        };
        columns.push((column, origin));
    }
    // A column that only another table has, such as a note, is none of this file's table.
    let has_all =
        |table: &&Table| columns.iter().all(|(name, _)| tidy::columns(**table).any(|own| own == *name));
    let tables: Vec<&Table> = TABLES.iter().filter(has_all).collect();
    for (place, name) in header.iter().enumerate() {
        let mut of_tables = tables.iter().flat_map(|table| tidy::columns(**table));
        let own = of_tables.find(|column| column.eq_ignore_ascii_case(name));
        let is_mapped = |own: &&str| columns.iter().any(|(column, _)| column == own);
        if let Some(own) = own.filter(|own| !is_mapped(own)) {
            columns.push((own, Origin::Column(place)));
        }
    }
    Ok(columns)
}

/// The column of the file with a name.
fn position(file: &str, name: &str, header: &[String]) -> Result<usize, SourceError> {
    let found = header.iter().position(|column| column.eq_ignore_ascii_case(name.trim()));
    found.ok_or_else(|| {
        let names = header.iter().map(String::as_str);
        let hint = match nearest(name, names) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the file has {}", header.join(", ")),
        };
        let message = format!("the file has no column `{name}`");
        SourceError::new("missing-column", file, 1, message).at("map", name).with_hint(hint)
    })
}

fn cell(column: &str, origin: &Origin, record: Record<'_>, has_decimal_comma: bool) -> String {
    let text = match origin {
        Origin::Column(place) => record.get(*place),
        Origin::Constant(value) => value.as_str(),
    };
    if NUMBERS.contains(&column) {
        return number(text, has_decimal_comma);
    }
    let resolved = match column {
        "material" => resolve_material(text).ok().map(|material| material.id),
        "stage" => resolve_stage(text).ok().map(|stage| stage.as_str()),
        _ if ECONOMIES.contains(&column) => resolve_supplier(text).ok().map(|economy| economy.iso3),
        _ => None,
    };
    resolved.unwrap_or(text).to_owned()
}

/// A number with a decimal point and without other separators; `NA` for an empty cell.
fn number(text: &str, has_decimal_comma: bool) -> String {
    if text.is_empty() {
        return "NA".to_owned();
    }
    match SeparatedNumber::parse(text) {
        Some(SeparatedNumber::DecimalComma(number) | SeparatedNumber::Thousands(number)) => number,
        Some(SeparatedNumber::Either(number, _)) if has_decimal_comma => number,
        None if has_decimal_comma && is_ambiguous(text) => format!("{text}?"),
        Some(SeparatedNumber::Either(..)) | None => text.to_owned(),
    }
}

/// Whether the point of a number may separate thousands where commas separate decimals: `1.234`.
fn is_ambiguous(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    unsigned.split_once('.').is_some_and(|(whole, rest)| {
        (1..=3).contains(&whole.len())
            && is_digits(whole)
            && whole != "0"
            && rest.len() == 3
            && is_digits(rest)
    })
}

/// Writes fields as a line of csv, without line breaks in them.
fn write_line(text: &mut String, fields: impl Iterator<Item = String>) {
    for (place, field) in fields.enumerate() {
        if place > 0 {
            text.push(',');
        }
        let field = field.replace(['\n', '\r'], " ");
        if field.contains([',', '"']) {
            text.push_str(&format!("\"{}\"", field.replace('"', "\"\"")));
        } else {
            text.push_str(&field);
        }
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use orewatch_contracts::ingestion::v1::SourceFile;

    use super::*;

    /// A file of purchases as Excel saves it on a German system.
    const PURCHASES: &str = "Jahr;Herkunft;Ware;Wert;Menge;Bemerkung\r\n\
         2024;China;284690;1.270,5;97,63;\"f\u{fc}r\r\nWerk 2\"\r\n\
         2024;Vietnam;284690;30;;\r\n\
         ;;;;;\r\n\
         2024;Burma;284690;1.234;1,5;\r\n";

    fn translated(content: &[u8], map: &[(&str, &str)]) -> Result<String, SourceError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("purchases.csv");
        std::fs::write(&path, content).unwrap();
        let column_map = map.iter().map(|(name, from)| ((*name).to_owned(), (*from).to_owned())).collect();
        let about = SourceFile { name: "purchases.csv".to_owned(), column_map, ..SourceFile::default() };
        let input = Input::Archived { path, about: Arc::new(about), seen: None };
        let input = translate(input, Limits::default())?;
        assert_eq!(input.source_file().name, "purchases.csv");
        let mut text = String::new();
        input.open(Limits::default())?.read_to_string(&mut text).unwrap();
        Ok(text)
    }

    const MAP: &[(&str, &str)] = &[
        ("period", "Jahr"),
        ("exporter", "Herkunft"),
        ("importer", "=DEU"),
        ("product", "ware"),
        ("value_kusd", "Wert"),
        ("quantity_t", "Menge"),
    ];

    #[test]
    fn a_file_of_a_german_excel_becomes_a_tidy_csv() {
        let (latin, _, _) = encoding_rs::WINDOWS_1252.encode(PURCHASES);
        let tidy = "exporter,importer,period,product,quantity_t,value_kusd\n\
             CHN,DEU,2024,284690,97.63,1270.5\n\
             \n\
             VNM,DEU,2024,284690,NA,30\n\
             \n\
             MMR,DEU,2024,284690,1.5,1.234?\n";
        assert_eq!(translated(&latin, MAP).unwrap(), tidy, "rows keep their lines");
        assert_eq!(translated(PURCHASES.as_bytes(), MAP).unwrap(), tidy);
    }

    #[test]
    fn a_map_has_to_fit_the_tables_and_the_file() {
        let refused = |name, from| translated(PURCHASES.as_bytes(), &[(name, from)]).unwrap_err();
        let unknown = refused("perio", "Jahr");
        assert_eq!((unknown.code, unknown.hint.contains("`period`")), ("unknown-column", true));
        let missing = refused("period", "Jahre");
        assert_eq!((missing.code, missing.hint.contains("`Jahr`")), ("missing-column", true));
    }

    #[test]
    fn columns_with_tidy_names_need_no_map_and_files_without_one_stay() {
        let text = translated(b"period;economy;indicator;W\n2024;Japan;x;1,5\n", &[("value", "W")]).unwrap();
        assert_eq!(text, "value,period,economy,indicator\n1.5,2024,JPN,x\n");
        assert_eq!(translated(b"a;b\n", &[]).unwrap(), "a;b\n");
    }

    #[test]
    fn a_number_is_never_read_as_another() {
        for (text, comma, point) in [
            ("97,63", "97.63", "97.63"),
            ("1,234", "1.234", "1,234"),
            ("1.234", "1.234?", "1.234"),
            ("0.400", "0.400", "0.400"),
            ("1.234.567", "1234567", "1234567"),
            ("", "NA", "NA"),
            ("W", "W", "W"),
            ("12 t", "12 t", "12 t"),
        ] {
            assert_eq!((&*number(text, true), &*number(text, false)), (comma, point), "{text}");
        }
    }
}
