//! Tidy tables as Parquet say what the csv says, and damaged files are errors.
use std::sync::Arc;

use orewatch_formats::{Metadata, SourceError};
use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{
    ByteArray, ByteArrayType, DoubleType, FixedLenByteArray, FixedLenByteArrayType, Int32Type, Int64Type,
};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use proptest::prelude::*;

use crate::harness::{Service, gzip};
use crate::tables::{Taken, take, take_one};

/// The values of a column; none is missing.
enum Values<'a> {
    Text(&'a [Option<&'a str>]),
    Double(&'a [Option<f64>]),
    Small(&'a [Option<i32>]),
    Large(&'a [Option<i64>]),
    Fixed(&'a [&'a [u8]]),
}
use Values::{Double, Fixed, Large, Small, Text};

fn levels<T: Clone>(values: &[Option<T>]) -> (Vec<T>, Vec<i16>) {
    let there = values.iter().flatten().cloned().collect();
    (there, values.iter().map(|value| i16::from(value.is_some())).collect())
}

/// A file with these columns, in as many row groups as there are.
fn written(
    schema: &str,
    keys: &[(&str, &str)],
    compression: Compression,
    groups: &[&[Values<'_>]],
) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(&format!("message table {{ {schema} }}")).unwrap());
    let keys = keys.iter().map(|(key, value)| KeyValue::new((*key).to_owned(), (*value).to_owned()));
    let properties = WriterProperties::builder()
        .set_compression(compression)
        .set_key_value_metadata(Some(keys.collect()))
        .build();
    let mut file = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut file, schema, Arc::new(properties)).unwrap();
    for group in groups {
        let mut row_group = writer.next_row_group().unwrap();
        for values in *group {
            let mut column = row_group.next_column().unwrap().unwrap();
            match values {
                Text(values) => {
                    let (values, levels) = levels(values);
                    let values: Vec<_> = values.into_iter().map(ByteArray::from).collect();
                    column.typed::<ByteArrayType>().write_batch(&values, Some(&levels), None).unwrap();
                }
                Double(values) => {
                    let (values, levels) = levels(values);
                    column.typed::<DoubleType>().write_batch(&values, Some(&levels), None).unwrap();
                }
                Small(values) => {
                    let (values, levels) = levels(values);
                    column.typed::<Int32Type>().write_batch(&values, Some(&levels), None).unwrap();
                }
                Large(values) => {
                    let (values, levels) = levels(values);
                    column.typed::<Int64Type>().write_batch(&values, Some(&levels), None).unwrap();
                }
                Fixed(values) => {
                    let values: Vec<_> =
                        values.iter().map(|value| FixedLenByteArray::from(value.to_vec())).collect();
                    column.typed::<FixedLenByteArrayType>().write_batch(&values, None, None).unwrap();
                }
            }
            column.close().unwrap();
        }
        row_group.close().unwrap();
    }
    writer.close().unwrap();
    file
}

const NAMED: &[(&str, &str)] = &[
    ("dataset", "my-survey"),
    ("vintage", "2026-11"),
    ("publisher", "Me"),
    ("ARROW:schema", "x"),
    ("pandas", "{}"),
];

const OUTPUT: &str = "optional int32 period; optional binary economy (STRING); optional binary material \
                      (STRING); \
                      optional binary stage (STRING); optional double quantity; optional binary unit \
                      (STRING); \
                      optional binary basis (STRING); optional binary estimated (STRING);";

const GOVERNANCE: &str = "optional int32 period; optional binary economy (STRING); optional binary indicator \
                          (STRING); \
                          optional double value;";

/// A file whose columns are all of text, with lines that describe it.
pub(crate) fn of_text(keys: &[(&str, &str)], columns: &[(&str, &[&str])]) -> Vec<u8> {
    let schema: String =
        columns.iter().map(|(name, _)| format!("optional binary {name} (STRING); ")).collect();
    let some: Vec<Vec<_>> =
        columns.iter().map(|(_, texts)| texts.iter().map(|text| Some(*text)).collect()).collect();
    let values: Vec<_> = some.iter().map(|texts| Text(texts)).collect();
    written(&schema, keys, Compression::UNCOMPRESSED, &[&values])
}

fn output(compression: Compression) -> Vec<u8> {
    let cobalt = [Some("cobalt"); 2];
    let first: [Values<'_>; 8] = [
        Small(&[Some(2024), Some(2025)]),
        Text(&[Some("COD"), Some("OTHER")]),
        Text(&cobalt),
        Text(&[Some("mined"); 2]),
        Double(&[Some(220_000.5), None]),
        Text(&[Some("t"); 2]),
        Text(&[Some("content"); 2]),
        Text(&[Some("true"), None]),
    ];
    let second: [Values<'_>; 8] = [
        Small(&[Some(2025), Some(2025)]),
        Text(&[Some("CAN"), Some("XXX")]),
        Text(&cobalt),
        Text(&[Some("mined"); 2]),
        Double(&[Some(f64::NAN), Some(1.0)]),
        Text(&[Some("kt"); 2]),
        Text(&[Some("content"); 2]),
        Text(&[None, None]),
    ];
    written(OUTPUT, NAMED, compression, &[&first, &second])
}

/// A small file that is as it should be.
pub(crate) fn small() -> Vec<u8> {
    let columns: [Values<'_>; 4] = [
        Small(&[Some(2022); 2]),
        Text(&[Some("CHL"), Some("DEU")]),
        Text(&[Some("rule-of-law"); 2]),
        Double(&[Some(0.5), Some(1.5)]),
    ];
    written(GOVERNANCE, NAMED, Compression::SNAPPY, &[&columns])
}

/// A file whose first page says of itself that it becomes larger than any.
pub(crate) fn claims(whole: &[u8]) -> Vec<u8> {
    // The first page's header follows the magic: its type, then its size as a zigzag varint.
    assert_eq!(whole[4..7], [0x15, 0x04, 0x15], "a dictionary comes first");
    let mut claims = whole.to_vec();
    let size = whole[7..].iter().position(|byte| byte & 0x80 == 0).unwrap() + 1;
    claims.splice(7..7 + size, [0xfe, 0xff, 0xff, 0xff, 0x0f]);
    claims
}

#[test]
fn output_is_read_from_numbers_and_text() {
    let zstd = Compression::ZSTD(ZstdLevel::default());
    for compression in [Compression::UNCOMPRESSED, Compression::SNAPPY, zstd, Compression::LZ4_RAW] {
        let taken = take_one("output.parquet", output(compression));
        assert_eq!(
            taken.rows,
            [
                "2024,COD,cobalt,mined,220000.5,content,estimated @1",
                "2025,OTHER,cobalt,mined,Unavailable,content @2",
                "2025,CAN,cobalt,mined,Unavailable,content @3",
            ]
        );
        assert_eq!(taken.aside(), ["4,economy,unknown-economy,XXX"]);
        assert_eq!(taken.rejections[0].text, "2025,XXX,cobalt,mined,1,kt,content,");
        assert_eq!(taken.counts(), (3, 0, 1));
        let release = &taken.release;
        let said = (&*release.dataset, &*release.vintage, &*release.parser);
        assert_eq!(said, ("my-survey", "2026-11", "tidy-parquet/2"));
        assert_eq!(release.provenance.as_ref().unwrap().publisher, "Me");
        assert_eq!(release.files[0].columns.len(), 8);
    }
    assert_eq!(take_one("x.gz", gzip(&output(zstd))).rows.len(), 3, "compressed once more");
}

/// Products as numbers lose their zeros, days are days or times, amounts are decimals of any width.
#[test]
fn decimals_days_and_codes_are_read() {
    let schema = "optional int32 period; optional binary exporter (STRING); optional binary importer \
                  (STRING); \
                  optional int64 product; required fixed_len_byte_array(5) value_kusd (DECIMAL(10, 2)); \
                  optional int64 quantity_t (DECIMAL(18, 3));";
    let columns: [Values<'_>; 6] = [
        Small(&[Some(2022); 3]),
        Text(&[Some("CHN"); 3]),
        Text(&[Some("DEU"), Some("FRA"), Some("ITA")]),
        Large(&[Some(250_410), Some(10_121), None]),
        Fixed(&[&[0, 0, 0, 4, 210], &[0, 0, 0, 0, 1], &[255, 255, 255, 255, 255]]),
        Large(&[Some(5), None, Some(1)]),
    ];
    let keys = [("dataset", "flows"), ("vintage", "1"), ("hs", "HS92")];
    let file = written(schema, &keys, Compression::SNAPPY, &[&columns]);
    let taken = take(&[("t.parquet", file)], &Metadata::default());
    let taken: Taken = taken.unwrap();
    assert_eq!((taken.totals.recorded, taken.totals.rejected_rows()), (1, 2));
    assert!(taken.rejections[0].text.ends_with(",10121,0.01,NA"), "{}", taken.rejections[0].text);
    assert_eq!(taken.aside(), ["2,product,invalid-product,10121", "3,product,invalid-product,NA"]);
    assert!(taken.rejections[1].text.ends_with(",-0.01,0.001"), "{}", taken.rejections[1].text);

    let schema = "optional int32 from (DATE); optional int64 until (TIMESTAMP(MICROS, true)); optional \
                  binary economy (STRING); \
                  optional binary material (STRING); optional binary stage (STRING); optional binary kind \
                  (STRING); \
                  optional binary evaluation (STRING);";
    let day = 86_400_000_000_i64;
    let columns: [Values<'_>; 7] = [
        Small(&[Some(18_262), Some(18_262), Some(i32::MAX)]),
        Large(&[None, Some(18_627 * day + 3), Some(i64::MIN)]),
        Text(&[Some("IDN"), Some("CHN"), Some("CHL")]),
        Text(&[Some("nickel"); 3]),
        Text(&[Some("mined"); 3]),
        Text(&[Some("prohibition"); 3]),
        Text(&[Some("red"), None, None]),
    ];
    let keys = [("dataset", "laws"), ("vintage", "1")];
    let taken = take_one("r.parquet", written(schema, &keys, Compression::SNAPPY, &[&columns]));
    assert_eq!(
        taken.rows,
        [
            "2020-01-01..,IDN,nickel,mined,prohibition,Red,,[] @1",
            "2020-01-01..2020-12-31,CHN,nickel,mined,prohibition,Unspecified,,[] @2",
        ]
    );
    assert_eq!(taken.aside(), ["3,from,invalid-day,2147483647"]);
}

fn refused(file: impl AsRef<[u8]>) -> SourceError {
    take(&[("x.parquet", file)], &Metadata::default()).unwrap_err()
}

#[test]
fn wrong_files_are_refused_with_their_reason() {
    let whole = output(Compression::SNAPPY);
    let column = |schema: &str| written(schema, NAMED, Compression::SNAPPY, &[]);
    let mut footer = whole.clone();
    let length = footer.len() - 8;
    footer[length..length + 4].copy_from_slice(&0x7fff_ffff_u32.to_le_bytes());
    let many = (0..22).fold(String::new(), |schema, number| format!("{schema} optional int32 c{number};"));
    for (file, code, message) in [
        (whole[..whole.len() - 1].to_vec(), "damaged-parquet", "does not end like Parquet"),
        (b"PAR1".to_vec(), "damaged-parquet", "cut off"),
        (b"PAR1PAR1".to_vec(), "damaged-parquet", "cut off"),
        (footer, "parquet-too-large", "footer"),
        (written(OUTPUT, NAMED, Compression::SNAPPY, &[]), "no-rows", "no rows"),
        (column("optional int32 period; optional binary x (STRING);"), "unknown-format", ""),
        (column("optional group period { optional int32 x; }"), "invalid-column", "a list or a structure"),
        (column("repeated int32 period;"), "invalid-column", "a list or a structure"),
        (column("optional int96 period;"), "invalid-column", "no table"),
        (column(&many), "too-many-columns", "22"),
    ] {
        let error = refused(&file);
        assert_eq!(error.code, code, "{error}");
        assert!(error.message.contains(message), "{error}");
    }
    let unnamed = written(OUTPUT, &[], Compression::SNAPPY, &[]);
    assert_eq!(refused(unnamed).code, "missing-metadata-key");
}

/// A page that says of itself that it becomes larger than any is not made room for.
#[test]
fn pages_that_claim_too_many_values_are_refused() {
    let error = refused(claims(&output(Compression::SNAPPY)));
    assert_eq!(error.code, "parquet-too-large");
    assert!(error.message.contains("2147483647 bytes"), "{error}");
}

#[tokio::test]
async fn a_parquet_file_is_committed() {
    let service = Service::start().await;
    let outcome = service.take("g.parquet", small()).await.unwrap();
    assert!(outcome.is_committed(), "{outcome:?}");
    service.stop().await;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Damaged anywhere, a file is read or refused.
    #[test]
    fn damage_is_an_error(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()),
        1..6), cut in any::<prop::sample::Index>(), whole in any::<bool>(), codec in 0..3) {
        let compression = [Compression::UNCOMPRESSED, Compression::SNAPPY,
            Compression::ZSTD(ZstdLevel::default())][usize::try_from(codec).unwrap()];
        let mut file = output(compression);
        for (at, byte) in changes {
            let at = at.index(file.len());
            file[at] = byte;
        }
        if !whole {
            file.truncate(cut.index(file.len()));
        }
        if let Ok(taken) = take(&[("x.parquet", file)], &Metadata::default()) {
            taken.counts();
        }
    }
}
