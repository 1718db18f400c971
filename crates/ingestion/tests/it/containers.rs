//! What data comes wrapped in: told by content, taken off once, bounded.
use std::io::{Cursor, Write as _};
use std::sync::Arc;

use orewatch_contracts::Class;
use orewatch_contracts::ingestion::v1::SourceFile;
use orewatch_formats::{Input, Limits, Metadata, SourceError};
use proptest::prelude::*;
use sevenz_rust2::{ArchiveEntry, ArchiveWriter};
use zip::CompressionMethod;
use zip::write::SimpleFileOptions;

use crate::harness::gzip;
use crate::taking::{Taken, memory, take, take_one};

const Y2020: &str = "BACI_HS92_Y2020_V202401b.csv";
const Y2021: &str = "BACI_HS92_Y2021_V202401b.csv";

fn baci(year: u16) -> Vec<u8> {
    format!("t,i,j,k,v,q\n{year},36,360,250410,26.628,40.261\n{year},36,842,250410,5,NA\n").into_bytes()
}

/// As the command line tool writes it: with a checksum, without which a byte that is another would pass
/// unnoticed.
fn zstd(content: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn zip_of(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in members {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::DEFLATE);
        writer.start_file(*name, options).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn seven(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ArchiveWriter::new(Cursor::new(Vec::new())).unwrap();
    for (name, content) in members {
        writer.push_archive_entry(ArchiveEntry::new_file(name), Some(*content)).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn refused(name: &str, content: impl AsRef<[u8]>) -> SourceError {
    take_one(name, content).map(drop).unwrap_err()
}

/// The names of a release's files.
fn names(taken: &Taken) -> Vec<&str> {
    taken.plan.release.files.iter().map(|file| file.name.as_str()).collect()
}

/// The same content is the same release, whatever it is wrapped in and whatever its name ends in.
#[test]
fn a_file_gives_the_same_rows_however_it_is_compressed() {
    let content = baci(2020);
    let plain = take_one(Y2020, &content).unwrap();
    let (zipped, sevened) = (zip_of(&[(Y2020, &content)]), seven(&[(Y2020, &content)]));
    let stored = {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        writer.start_file(format!("data/{Y2020}"), options).unwrap();
        writer.write_all(&content).unwrap();
        writer.finish().unwrap().into_inner()
    };
    for (wrapped, name) in [
        (gzip(&content), Y2020.to_owned()),
        ([gzip(&content[..20]), gzip(&content[20..])].concat(), Y2020.to_owned()),
        (zstd(&content), format!("{Y2020}.zip")),
        ([zstd(&content[..20]), zstd(&content[20..])].concat(), Y2020.to_owned()),
        (zipped, "download".to_owned()),
        (stored, "download.csv".to_owned()),
        (sevened, "download.gz".to_owned()),
    ] {
        let taken = take_one(&name, wrapped).unwrap();
        assert_eq!(taken.plan.release.id, plain.plan.release.id, "{name}");
        assert_eq!(taken.flows(), plain.flows(), "{name}");
        assert_eq!(taken.reasons(), [""; 0]);
    }
}

/// The archive that CEPII publishes: a file a year, and lists of codes beside them.
#[test]
fn an_archive_of_years_is_one_release() {
    let (first, second) = (baci(2020), baci(2021));
    let members: [(&str, &[u8]); 5] = [
        (Y2020, &first),
        (
            "country_codes_V202401b.csv",
            b"country_code,country_name,country_iso2,country_iso3\n36,Australia,AU,AUS\n",
        ),
        ("product_codes_HS92_V202401b.csv", b"code,description\n250410,Graphite\n"),
        (Y2021, &second),
        ("Readme.txt", b"About these files.\n"),
    ];
    for (name, content) in [("BACI_HS92_V202401b.zip", zip_of(&members)), ("BACI.7z", seven(&members))] {
        let taken = take_one(name, content).unwrap();
        assert_eq!(names(&taken), [format!("{name}/{Y2020}"), format!("{name}/{Y2021}")]);
        assert_eq!(taken.plan.release.dataset, "baci-hs92");
        assert_eq!(taken.plan.release.vintage, "202401b");
        let passed = ["country_codes_V202401b.csv", "product_codes_HS92_V202401b.csv", "Readme.txt"];
        let notes = passed.map(|file| format!("{name}/{file} is of no known format and was skipped"));
        assert_eq!(taken.plan.notes, notes);
        assert_eq!((taken.totals.read, taken.totals.recorded), (4, 4));
        assert_eq!(taken.flows()[2], "2021 AUS IDN 250410 26.628 40.261 -");
        let with_years = take(
            vec![memory(Y2020, &first), memory(Y2021, &second)],
            &Metadata::default(),
            Limits::default(),
        );
        assert_eq!(with_years.unwrap().plan.release.id, taken.plan.release.id);
    }
}

/// Where the files say nothing, the archive's name does.
#[test]
fn members_take_the_name_of_their_archive() {
    let content = zip_of(&[("2020.csv", &baci(2020))]);
    let taken = take_one("BACI_HS17_V202501.zip", content).unwrap();
    assert_eq!((&*taken.plan.release.dataset, &*taken.plan.release.vintage), ("baci-hs17", "202501"));
}

/// An original in an archive of originals goes by its digest there, and by its user's name here.
#[test]
fn a_file_is_recognised_by_its_content() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a3f1");
    std::fs::write(&path, zip_of(&[(Y2020, &baci(2020))])).unwrap();
    let about = SourceFile {
        name: "BACI.zip".to_owned(),
        stored_sha256: "a3f1".to_owned(),
        url: "https://example.org/BACI.zip".to_owned(),
        ..SourceFile::default()
    };
    let input = Input::Archived { path, about: Arc::new(about), seen: None };
    let taken = take(vec![input], &Metadata::default(), Limits::default()).unwrap();
    let [file] = &taken.plan.release.files[..] else { panic!("one file") };
    let known = ["BACI.zip/BACI_HS92_Y2020_V202401b.csv", "a3f1", "https://example.org/BACI.zip"];
    assert_eq!([&*file.name, &*file.stored_sha256, &*file.url], known);
    assert_eq!(taken.totals.recorded, 2);
}

/// These bytes with the bits of a mask flipped in one of them.
fn flipped(bytes: &[u8], index: usize, mask: u8) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[index] ^= mask;
    bytes
}

#[test]
fn wrong_archives_are_refused_with_their_reason() {
    let content = baci(2020);
    let whole = zip_of(&[(Y2020, &content)]);
    let cut = &whole[..whole.len() / 2];
    let sevened = seven(&[(Y2020, &content)]);
    let gzipped = gzip(&content);
    let many: Vec<_> = (0..1_001).map(|number| number.to_string()).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|name| (name.as_str(), &b""[..])).collect();
    // The first bit of the flags, in the local header and in the directory.
    let directory = whole.windows(4).position(|bytes| bytes == b"PK\x01\x02").unwrap();
    let locked = flipped(&flipped(&whole, 6, 1), directory + 8, 1);
    let damaged = flipped(&whole, 30 + Y2020.len() + 20, 0xff);
    let damaged_seven = flipped(&sevened, 60, 0xff);
    let cases: [(&str, Vec<u8>, &str, &str); 23] = [
        ("a.zip", cut.to_vec(), "damaged-zip", "a.zip"),
        ("a.zip", damaged, "damaged-zip", "a.zip/"),
        ("a.7z", sevened[..sevened.len() - 9].to_vec(), "truncated-7z", "a.7z"),
        ("a.7z", damaged_seven, "damaged-7z", "a.7z/"),
        ("a.7z", sevened[..20].to_vec(), "truncated-7z", "a.7z"),
        ("a.zst", zstd(&content)[..40].to_vec(), "truncated-zstd", "a.zst"),
        ("a.zst", b"\x28\xb5\x2f\xfdgarbage that is no zstd".to_vec(), "damaged-zstd", "a.zst"),
        ("a.zip", zip_of(&[]), "empty-archive", "a.zip"),
        ("a.zip", zip_of(&many), "too-many-members", "a.zip"),
        ("a.zip", locked, "encrypted-archive", "a.zip"),
        ("a.zip", zip_of(&[("in.zip", &whole)]), "nested-archive", "a.zip/in.zip"),
        ("a.7z", seven(&[("in.csv", &gzipped)]), "nested-archive", "a.7z/in.csv"),
        ("a.gz", gzip(&whole), "nested-archive", "a.gz"),
        ("a.zst", zstd(&gzipped), "nested-archive", "a.zst"),
        ("a.zip", zip_of(&[("../x.csv", &content)]), "unsafe-member", "a.zip"),
        ("a.zip", zip_of(&[("a\\..\\x.csv", &content)]), "unsafe-member", "a.zip"),
        ("a.zip", zip_of(&[("C:\\x.csv", &content)]), "unsafe-member", "a.zip"),
        ("a.7z", seven(&[("/etc/x.csv", &content)]), "unsafe-member", "a.7z"),
        ("a.zip", zip_of(&[("x\0.csv", &content)]), "unsafe-member", "a.zip"),
        ("a.zip", zip_of(&[("a/x.csv", &content), ("b/x.csv", &content)]), "duplicate-member", "a.zip"),
        (
            "a.zip",
            zip_of(&[("[Content_Types].xml", b"<Types/>"), ("xl/sheet.xml", b"<x/>")]),
            "unknown-format",
            "a.zip",
        ),
        ("a.zip", zip_of(&[("Readme.txt", b"Nothing here.")]), "unknown-format", "a.zip/Readme.txt"),
        ("a.xz", b"\xfd7zXZ\x00 and so on".to_vec(), "unknown-format", "a.xz"),
    ];
    for (name, content, code, file) in cases {
        let error = refused(name, content);
        assert_eq!((error.code, error.class), (code, Class::Invalid), "{error}");
        assert!(error.file.starts_with(file), "{error}");
        assert!(!error.hint.is_empty() || ["empty-archive", "too-many-members"].contains(&code), "{error}");
    }
}

/// A small file that becomes a large one is given up long before it has become that.
#[test]
fn decompression_bombs_are_refused() {
    let zeros = [baci(2020), vec![b'\n'; 1 << 20]].concat();
    let mut best = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    best.write_all(&zeros).unwrap();
    let bombs =
        [best.finish().unwrap(), zstd(&zeros), zip_of(&[("a.csv", &zeros)]), seven(&[("a.csv", &zeros)])];
    let limits = Limits { unquestioned: 1 << 18, ..Limits::default() };
    for bomb in bombs {
        let error = take(vec![memory(Y2020, bomb)], &Metadata::default(), limits).map(drop).unwrap_err();
        assert_eq!(error.code, "decompression-bomb", "{error}");
    }
    assert_eq!(take_one(Y2020, gzip(&zeros)).unwrap().totals.recorded, 2, "a small one harms nobody");
    // Two names for the same bytes, as in an archive of kilobytes that becomes petabytes.
    let content = baci(2020);
    let mut overlapping = zip_of(&[(Y2020, &content), (Y2021, &content)]);
    let places: Vec<_> =
        (0..overlapping.len() - 4).filter(|at| overlapping[*at..].starts_with(b"PK\x01\x02")).collect();
    overlapping[places[1] + 42..places[1] + 46].fill(0);
    assert_eq!(refused("a.zip", overlapping).code, "decompression-bomb");
}

/// What an archive says that it holds is believed where it is too much, and checked where it is less.
#[test]
fn size_limits_apply_to_decompressed_content() {
    let content = baci(2020);
    let limits = Limits { bytes: 50, ..Limits::default() };
    for archive in [zip_of(&[(Y2020, &content)]), seven(&[(Y2020, &content)])] {
        let error = take(vec![memory("a", archive)], &Metadata::default(), limits).map(drop).unwrap_err();
        assert_eq!(error.code, "file-too-large", "{error}");
    }
    let mut lying = zip_of(&[(Y2020, &content)]);
    let directory = lying.windows(4).position(|bytes| bytes == b"PK\x01\x02").unwrap();
    lying[directory + 24] -= 1;
    assert_eq!(refused("a.zip", lying).code, "damaged-zip");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever happens to an archive, it is read to its end as it was or refused.
    #[test]
    fn damage_is_noticed(which in 0..4_usize, at in 0.0..1.0_f64, byte: u8, cut: bool) {
        let content = baci(2020).repeat(5);
        let rows = content.split(|byte| *byte == b'\n').count();
        let mut bytes = match which {
            0 => gzip(&content),
            1 => zstd(&content),
            2 => zip_of(&[(Y2020, &content), ("x.txt", b"y")]),
            _ => seven(&[(Y2020, &content), ("x.txt", b"y")]),
        };
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in the bytes")]
        let at = (at * bytes.len() as f64) as usize;
        if cut { bytes.truncate(at) } else { bytes[at] ^= byte }
        if let Ok(taken) = take_one(Y2020, bytes) {
            prop_assert!(taken.totals.read < rows as u64);
        }
    }
}
