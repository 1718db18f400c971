//! Refusals in bounded memory, measured in a process of their own, and without reading on.
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::Command;

use orewatch_formats::Codes;
use orewatch_formats::{Input, Limits, Metadata, SourceError, plan, read};

/// Memory that a refusal may take beyond what the process has anyway, in KiB. The largest that is meant: a
/// window of zstd of 128 MiB. The rest is a line or record of 1 to 4 MiB in some copies, blocks of 1 MiB,
/// columns of a chunk, and what the allocator keeps.
const MOST_KIB: u64 = 200 << 10;

/// Stored bytes that may be read before a line that does not end is given up.
const MOST_READ: u64 = 8 << 20;

/// Says to the child which file it shall read.
const CASE: &str = "OREWATCH_TEST_HOSTILE_FILE";

const GIB: u64 = 1 << 30;

const BACI: &str = "t,i,j,k,v,q\n2020,36,360,250410,1,1\n";
const COMEXT: &str = "REPORTER,PARTNER,TRADE_TYPE,PRODUCT_NC,FLOW,STAT_PROCEDURE,SUPPL_UNIT,PERIOD,VALUE_EUR,\
                      QUANTITY_KG\n\
                      DE,CN,E,25041000,1,1,,202403,9000,1\n";
const COMTRADE: &str = "{\"elapsedTime\":\"0.1 secs\",\"count\":1,\"data\":[{\"typeCode\":\"C\",\"period\":\"2022\",\
                        \"classificationCode\":\"H6\",\"reporterCode\":276},{\"cmdCode\":\"";

/// Writes the content of a file.
type Make = fn(&mut dyn Write) -> std::io::Result<()>;

/// A file, the code it is refused with, whether it is read to its end for that, and how it is made.
const CASES: [(&str, &str, bool, Make); 11] = [
    ("baci-line.gz", "line-too-long", false, |to| gzipped_line(to, BACI, "")),
    ("comext-line.gz", "line-too-long", false, |to| gzipped_line(to, COMEXT, "")),
    ("comext-quote.gz", "unclosed-quote", false, |to| gzipped_line(to, COMEXT, "\"")),
    ("comtrade-record.gz", "record-too-long", false, |to| gzipped_line(to, COMTRADE, "")),
    ("header.gz", "line-too-long", false, |to| gzipped_line(to, "t,i,j,k,v,q,", "")),
    ("columns.csv", "too-many-columns", false, |to| {
        to.write_all(COMEXT.as_bytes())?;
        to.write_all(",1".repeat(1_000_000).as_bytes())
    }),
    ("names.csv", "line-too-long", false, |to| {
        to.write_all(b"t,i,j,k,v,q")?;
        to.write_all(",x".repeat(1_000_000).as_bytes())
    }),
    ("bomb.gz", "decompression-bomb", true, |to| {
        to.write_all(&gzip(BACI.as_bytes(), 9)?)?;
        let lines = gzip(&vec![b'\n'; 8 << 20], 9)?;
        (0..128).try_for_each(|_| to.write_all(&lines))
    }),
    ("bomb.zst", "decompression-bomb", true, |to| {
        to.write_all(&zstd::encode_all(COMEXT.as_bytes(), 3)?)?;
        let lines = zstd::encode_all(&vec![b'\n'; 8 << 20][..], 3)?;
        (0..128).try_for_each(|_| to.write_all(&lines))
    }),
    // A window of 1 GiB is refused before it is made, one of 128 MiB is what the highest level of zstd needs.
    ("window.zst", "damaged-zstd", true, |to| to.write_all(&frame(30))),
    ("window-27.zst", "truncated-zstd", true, |to| to.write_all(&frame(27))),
];

/// Content and a line of more than 10 GB, compressed to some MB: less than what is refused as a bomb at once.
fn gzipped_line(to: &mut dyn Write, begin: &str, opens: &str) -> std::io::Result<()> {
    to.write_all(&gzip(format!("{begin}{opens}").as_bytes(), 1)?)?;
    let mut state: u32 = 1;
    let mut piece = vec![b'x'; 8 << 20];
    // Some letters of many, so that a megabyte takes some kilobytes.
    for at in (0..piece.len()).step_by(640) {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        piece[at] = b'a' + (state >> 24) as u8 % 26;
    }
    let piece = gzip(&piece, 1)?;
    let ratio = (8 << 20) / piece.len();
    assert!((50..400).contains(&ratio), "{ratio} times as large");
    (0..1_280).try_for_each(|_| to.write_all(&piece))
}

/// The beginning of what zstd would have compressed with a window of so many bits: one block as it is, and no
/// end.
fn frame(window_log: u8) -> Vec<u8> {
    let size = u32::try_from(BACI.len()).unwrap() << 3;
    let header = [0x28, 0xb5, 0x2f, 0xfd, 0, (window_log - 10) << 3];
    [&header, &size.to_le_bytes()[..3], BACI.as_bytes()].concat()
}

fn gzip(content: &[u8], level: u32) -> std::io::Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(level));
    encoder.write_all(content)?;
    encoder.finish()
}

/// The code that a file is refused with, and how many of its stored bytes had been read by then.
fn refused(path: &Path) -> (String, u64) {
    let mut seen = 0;
    let said = Metadata { hs: Some("HS92".to_owned()), vintage: Some("1".to_owned()), ..Metadata::default() };
    let inputs = vec![Input::File(path.to_owned())];
    let plans = plan(inputs, &said, &Codes::default(), Limits::default(), &mut |now| seen = now.bytes);
    let read_all = |plans: Vec<_>| {
        plans.iter().try_for_each(|plan| read(plan, &mut |_, _| Ok::<_, SourceError>(())).map(drop))
    };
    match plans.and_then(read_all) {
        Ok(()) => ("read".to_owned(), seen),
        Err(error) => (error.code.to_owned(), seen),
    }
}

/// A figure of this process in KiB, as the system has it.
fn process_kib(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim_start_matches(':').trim().trim_end_matches(" kB").parse().unwrap()
}

/// Run by [`refusals_take_bounded_memory`] in a process of its own.
#[test]
#[ignore = "the child of another test"]
fn child() {
    let path = std::env::var_os(CASE).unwrap();
    let before = process_kib("VmHWM");
    let (code, seen) = refused(Path::new(&path));
    println!("refused {code} {seen} {before} {}", process_kib("VmHWM"));
}

/// What the child says of a file: code, bytes read, and the KiB by which its memory grew.
fn in_a_child(path: &Path) -> (String, u64, u64) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "hostile::bounded::child", "--ignored", "--nocapture"])
        .env(CASE, path)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let words = said.lines().find_map(|line| line.split_once("refused ").map(|(_, words)| words));
    let Some(words) = words else {
        panic!("{}: {said}{}", path.display(), String::from_utf8_lossy(&output.stderr))
    };
    let words: Vec<_> = words.split(' ').collect();
    let number = |place: usize| words[place].parse::<u64>().unwrap();
    (words[0].to_owned(), number(1), number(3) - number(2))
}

/// The files are megabytes that become gigabytes; each is refused, in memory that does not depend on them,
/// and those whose line or record does not end without reading on.
#[test]
fn refusals_take_bounded_memory() {
    let directory = tempfile::tempdir().unwrap();
    for (name, code, to_its_end, make) in CASES {
        let path = directory.path().join(name);
        let mut writer = BufWriter::new(File::create(&path).unwrap());
        make(&mut writer).unwrap();
        writer.into_inner().unwrap().sync_all().unwrap();
        let (found, seen, grown) = in_a_child(&path);
        assert_eq!(found, code, "{name}");
        assert!(grown < MOST_KIB, "{name}: {grown} KiB");
        let most = if to_its_end { u64::MAX } else { MOST_READ };
        assert!(seen < most, "{name}: {seen} of {} bytes were read", path.metadata().unwrap().len());
        std::fs::remove_file(&path).unwrap();
    }
}

/// 10 GB that are not even written: a file with a hole.
#[test]
fn a_line_of_ten_gigabytes_is_refused_at_once() {
    let directory = tempfile::tempdir().unwrap();
    for (name, begin, code) in [
        ("a.csv", BACI, "line-too-long"),
        ("b.csv", COMEXT, "line-too-long"),
        ("c.json", COMTRADE, "invalid-json"),
    ] {
        let path = directory.path().join(name);
        let mut file = File::create(&path).unwrap();
        file.write_all(begin.as_bytes()).unwrap();
        file.set_len(10 * GIB).unwrap();
        let (found, seen, grown) = in_a_child(&path);
        assert_eq!(found, code, "{name}");
        assert!(grown < MOST_KIB && seen < MOST_READ, "{name}: {grown} KiB, {seen} bytes");
    }
}
