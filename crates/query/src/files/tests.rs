//! Every format holds the same values, and a file that is cut off is none.
use std::io::{Cursor, Read as _};

use arrow_array::{Array as _, BooleanArray, Float64Array, Int64Array, StringArray};
use bytes::Bytes;
use parquet::errors::Result as ParquetResult;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::Field;

use super::*;

fn parquet_reader(file: &[u8]) -> ParquetResult<SerializedFileReader<Bytes>> {
    SerializedFileReader::new(Bytes::copy_from_slice(file))
}

/// The values of all rows of a Parquet file as texts, with `-` for none.
fn parquet_values(file: &[u8]) -> Vec<Vec<String>> {
    let reader = parquet_reader(file).unwrap();
    let text = |field: &Field| match field {
        Field::Null => "-".to_owned(),
        Field::Str(text) => text.clone(),
        Field::Double(number) => number.to_string(),
        Field::Long(count) => count.to_string(),
        Field::Bool(flag) => flag.to_string(),
        other => panic!("{other:?}"),
    };
    let rows = reader.get_row_iter(None).unwrap();
    rows.map(|row| row.unwrap().get_column_iter().map(|(_, field)| text(field)).collect()).collect()
}

fn form(format: FileFormat) -> FileForm {
    let heading = |name, kind| Heading { name, kind };
    FileForm {
        format,
        dialect: Dialect::Guarded,
        headings: vec![
            heading("code", ColumnKind::Text),
            heading("value", ColumnKind::Number),
            heading("count", ColumnKind::Count),
            heading("flag", ColumnKind::Flag),
            heading("names", ColumnKind::Text),
        ],
        notes: vec![["as_at".to_owned(), "@7".to_owned()]],
    }
}

fn rows() -> Vec<Vec<Cell>> {
    let list = |items: [&str; 2]| Cell::List(items.map(str::to_owned).to_vec());
    vec![
        vec![
            Cell::text("050100"),
            Cell::Number(Some(0.1 + 0.2)),
            Cell::Count(Some(3)),
            Cell::Flag(true),
            list(["a", "b"]),
        ],
        vec![
            Cell::text(""),
            Cell::Number(None),
            Cell::Count(None),
            Cell::Flag(false),
            Cell::List(Vec::new()),
        ],
        vec![
            Cell::text("=1+1"),
            Cell::Number(Some(f64::NAN)),
            Cell::Count(Some(0)),
            Cell::Flag(false),
            Cell::text("x"),
        ],
    ]
}

/// A file of these rows, in batches of one.
fn file(format: FileFormat) -> Vec<u8> {
    let form = form(format);
    let mut writer = form.writer().unwrap();
    let mut bytes = writer.begin().unwrap();
    for row in rows() {
        bytes.extend(writer.add(form.prepare(vec![row]).unwrap()).unwrap());
    }
    bytes.extend(writer.finish().unwrap());
    bytes
}

#[test]
fn csv_has_one_header_line_and_no_formula() {
    assert_eq!(
        String::from_utf8(file(FileFormat::Csv)).unwrap(),
        "code,value,count,flag,names\n050100,0.30000000000000004,3,true,a;b\n,,,false,\n'=1+1,NaN,0,false,x\n"
    );
}

#[test]
fn json_is_an_array_with_null_for_what_is_missing() {
    let rows: serde_json::Value = serde_json::from_slice(&file(FileFormat::Json)).unwrap();
    assert_eq!(
        rows,
        serde_json::json!([
            {"code": "050100", "value": 0.1 + 0.2, "count": 3, "flag": true, "names": ["a", "b"]},
            {"code": null, "value": null, "count": null, "flag": false, "names": []},
            {"code": "=1+1", "value": null, "count": 0, "flag": false, "names": "x"},
        ])
    );
}

#[test]
fn parquet_keeps_types_and_zeros() {
    assert_eq!(
        parquet_values(&file(FileFormat::Parquet)),
        [
            ["050100", "0.30000000000000004", "3", "true", "a;b"],
            ["-", "-", "-", "false", "-"],
            ["=1+1", "-", "0", "false", "x"],
        ]
    );
}

#[test]
fn arrow_keeps_types_and_zeros() {
    let bytes = file(FileFormat::Arrow);
    let reader = arrow_ipc::reader::FileReader::try_new(Cursor::new(bytes), None).unwrap();
    let mut found = Vec::new();
    for batch in reader {
        let batch = batch.unwrap();
        let column = |place: usize| batch.column(place).clone();
        let code = column(0).as_any().downcast_ref::<StringArray>().unwrap().clone();
        let value = column(1).as_any().downcast_ref::<Float64Array>().unwrap().clone();
        let count = column(2).as_any().downcast_ref::<Int64Array>().unwrap().clone();
        let flag = column(3).as_any().downcast_ref::<BooleanArray>().unwrap().clone();
        found.push((
            code.is_valid(0).then(|| code.value(0).to_owned()),
            value.is_valid(0).then(|| value.value(0)),
            count.is_valid(0).then(|| count.value(0)),
            flag.value(0),
        ));
    }
    assert_eq!(
        found,
        [
            (Some("050100".to_owned()), Some(0.1 + 0.2), Some(3), true),
            (None, None, None, false),
            (Some("=1+1".to_owned()), None, Some(0), false),
        ]
    );
}

#[test]
fn a_workbook_has_texts_as_texts() {
    let mut archive = zip::ZipArchive::new(Cursor::new(file(FileFormat::Xlsx))).unwrap();
    let mut part = |name: &str| {
        let mut text = String::new();
        archive.by_name(name).unwrap().read_to_string(&mut text).unwrap();
        text
    };
    let rows = part("xl/worksheets/sheet1.xml");
    for cell in [
        "<c r=\"A1\" s=\"1\" t=\"inlineStr\"><is><t xml:space=\"preserve\">code</t></is></c>",
        "<c r=\"A2\" t=\"inlineStr\"><is><t xml:space=\"preserve\">050100</t></is></c>",
        "<c r=\"B2\"><v>0.30000000000000004</v></c>",
        "<c r=\"D2\" t=\"b\"><v>1</v></c>",
        "<row r=\"3\"><c r=\"D3\" t=\"b\"><v>0</v></c></row>",
        "<c r=\"A4\" t=\"inlineStr\"><is><t xml:space=\"preserve\">=1+1</t></is></c>",
    ] {
        assert!(rows.contains(cell), "{cell} is not in {rows}");
    }
    assert!(!rows.contains("<f>"), "there is no formula");
    assert!(part("xl/worksheets/sheet2.xml").contains("@7"));
}

#[test]
fn a_file_that_is_cut_off_is_not_taken_for_a_whole_one() {
    for format in [FileFormat::Json, FileFormat::Xlsx, FileFormat::Parquet, FileFormat::Arrow] {
        let whole = file(format);
        for length in [whole.len() / 4, whole.len() / 2, whole.len() - 2] {
            let cut = &whole[..length];
            let is_read = match format {
                FileFormat::Json => serde_json::from_slice::<serde_json::Value>(cut).is_ok(),
                FileFormat::Xlsx => zip::ZipArchive::new(Cursor::new(cut)).is_ok(),
                FileFormat::Parquet => parquet_reader(cut).is_ok(),
                FileFormat::Arrow => {
                    arrow_ipc::reader::FileReader::try_new(Cursor::new(cut.to_vec()), None).is_ok()
                }
                FileFormat::Csv => unreachable!("its lines are all alike"),
            };
            assert!(!is_read, "{format:?} of {length} of {} bytes", whole.len());
        }
    }
    let csv = form(FileFormat::Csv).writer().unwrap();
    assert_eq!(csv.incomplete("the service\nis away"), b"# incomplete: the service is away\n");
}

#[test]
fn a_format_is_found_by_its_ending() {
    for format in FileFormat::ALL {
        assert_eq!(FileFormat::from_extension(format.extension()), Some(format));
        assert!(format.media_type().contains('/'));
    }
    assert_eq!(FileFormat::from_extension("exe"), None);
}
