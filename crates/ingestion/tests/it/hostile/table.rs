//! The table of hostile files: everything that may be wrong with a file, done to a file of every form, and
//! the verdict.
//!
//! `verdicts.txt` says of each why, and what is expected: the code of the error, the gates that block, or how
//! many rows are recorded. Whatever is refused leaves nothing that anyone sees.
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Cursor, Write as _};

use futures_util::StreamExt as _;
use orewatch_contracts::Class;
use orewatch_contracts::ingestion::v1::{ReleaseInfo, ReleaseState, Verdict};
use orewatch_eventlog::{Filter, Item};
use orewatch_formats::{Metadata, sources};
use orewatch_ingestion::client::{Options, ingest};

use super::forms::{FORMS, Form};
use crate::harness::{Service, file, gzip};

/// What is done to a file of a form. None: it cannot be done to this form.
type Make = fn(&Form) -> Option<Vec<u8>>;

/// What is wrong, what a user needs of its verdict, and how it is made.
const WRONGS: &[(&str, &str, Make)] = &[
    ("nothing", "what is as it should be is recorded, whatever the form", |form| Some(form.whole())),
    ("empty", "a failed download is told as one", |_| Some(Vec::new())),
    ("a blank line", "there is nothing to tell a format by", |_| Some(b"\n".to_vec())),
    (
        "header only",
        "a question without an answer, or a download that broke: no release of nothing",
        |form| text(form).map(|()| form.with(&[])),
    ),
    ("rows only", "columns are not guessed by their order", |form| {
        csv(form).map(|()| [form.row(form.figure).as_bytes(), b"\n"].concat())
    }),
    (
        "cut in the middle of a row",
        "a row cut short is quarantined with its line, the whole ones can go on; an open quote is refused, \
         as it may have held more rows",
        |form| {
            let row = form.row(form.figure);
            csv(form).map(|()| {
                [form.header, "\n", form.rows[1], "\n", &row[..row.len() / 2]].concat().into_bytes()
            })
        },
    ),
    ("cut in the middle", "the rest of the answer is missing, and which rows it had is not known", |form| {
        let mut whole = form.whole();
        whole.truncate(whole.len() * 2 / 3);
        (form.is_json() || form.is_binary()).then_some(whole)
    }),
    (
        "a row cut short before others",
        "the row is quarantined with its line, not filled up with nothing",
        |form| {
            let row = form.row(form.figure);
            let short = row.rsplitn(3, ',').last().unwrap_or_default();
            csv(form).map(|()| form.with(&[short, form.rows[1]]))
        },
    ),
    ("nothing but a byte order mark", "nothing was exported", |_| Some(BOM.to_vec())),
    ("UTF-16", "read where the encoding is told by its mark, refused where UTF-8 is the format", |form| {
        let whole = String::from_utf8(form.whole()).ok()?;
        let units = whole.encode_utf16().flat_map(u16::to_le_bytes);
        Some([0xff, 0xfe].into_iter().chain(units).collect())
    }),
    (
        "a byte of Windows-1252 in a row",
        "a letter that is told is read; in a figure it is no figure; our own formats are UTF-8",
        |form| with_bytes(form, b"\xe9"),
    ),
    (
        "a byte of no encoding in a row",
        "a figure is never made of what is left when bytes are dropped",
        |form| with_bytes(form, b"\x81"),
    ),
    ("NUL bytes in a row", "damage is quarantined, and never read around", |form| with_bytes(form, b"\0\0")),
    ("NUL bytes in the header", "a damaged header names no columns", |form| {
        csv(form).map(|()| [form.header, "\0\n", form.rows[1], "\n"].concat().into_bytes())
    }),
    ("nothing but NUL bytes", "a disk lost the content", |_| Some(vec![0; 1 << 17])),
    ("a million columns in the header", "no source has them; nothing is kept of them", |form| {
        csv(form)
            .map(|()| [form.header, &",x".repeat(1_000_000), "\n", form.rows[1], "\n"].concat().into_bytes())
    }),
    ("a million columns in a row", "a row that never ends is not waited for", |form| {
        csv(form).map(|()| form.with(&[form.rows[1], &(form.row(form.figure) + &",1".repeat(1_000_000))]))
    }),
    ("a doubled column", "which of the two counts would be chance", |form| {
        let (before, header) =
            form.header.rsplit_once('\n').map_or(("", form.header), |(keys, header)| (keys, header));
        let name = header.split(',').next_back()?;
        let row = form.rows[1];
        let value = row.rsplit(',').next()?;
        csv(form)
            .map(|()| format!("{before}\n{header},{name}\n{row},{value}\n").trim_start().as_bytes().to_vec())
    }),
    (
        "a quote that is not closed",
        "it would swallow the rows behind it: the line where it opened is named, or the row quarantined \
         where the quote ends on its line",
        |form| {
            let row = form.row(form.figure);
            csv(form).map(|()| [form.header, "\n\"", &row, "\n", form.rows[1], "\n"].concat().into_bytes())
        },
    ),
    (
        "a quote that is not closed, and megabytes",
        "the same, found within the longest record instead of at the end of the file",
        |form| {
            let rows = [form.rows[1], "\n"].concat().repeat(100_000);
            csv(form).map(|()| [form.header, "\n\"", &rows].concat().into_bytes())
        },
    ),
    (
        "a quote within a field",
        "where the field ends cannot be told: a figure may have been joined with another",
        |form| {
            let row = form.row(&format!("\"{}\"5", form.figure));
            csv(form).map(|()| form.with(&[form.rows[1], &row]))
        },
    ),
    ("a field of 100 KB", "it is no code and no figure; the others go on", |form| {
        text(form).map(|()| form.with(&[form.rows[1], &form.row(&long(form, 100_000))]))
    }),
    ("a field of 5 MB", "this is no table", |form| {
        text(form).map(|()| form.with(&[form.rows[1], &form.row(&long(form, 5_000_000))]))
    }),
    ("mixed line ends", "files that went through several systems are read", |form| {
        let row = form.row(form.figure);
        csv(form).map(|()| [form.header, "\r\n", &row, "\n", form.rows[1], "\r\n\r\n"].concat().into_bytes())
    }),
    ("line ends of old Macs", "read where csv allows them; our own formats say what to convert", |form| {
        csv(form).map(|()| String::from_utf8_lossy(&form.whole()).replace('\n', "\r").into_bytes())
    }),
    ("a byte order mark", "Excel writes one", |form| text(form).map(|()| [BOM, &form.whole()].concat())),
    (
        "two byte order marks",
        "made by joining files: told where the mark would become a part of a name",
        |form| text(form).map(|()| [BOM, BOM, &form.whole()].concat()),
    ),
    (
        "a byte order mark before a row",
        "the same, quarantined where it stands in a code or a figure",
        |form| {
            let row = form.row(form.figure);
            text(form).map(|()| form.with(&[form.rows[1], &format!("\u{feff}{row}")]))
        },
    ),
    ("figure 1e999", "beyond all numbers is no number", |form| number(form, "1e999")),
    ("figure NaN", "missing where the source writes so, quarantined elsewhere; never zero", |form| {
        number(form, "NaN")
    }),
    ("figure inf", "no statistic is infinite", |form| number(form, "inf")),
    ("figure -0", "an estimate may be; an amount below zero is a mistake of the source", |form| {
        number(form, "-0")
    }),
    ("figure 0x1F", "figures are decimal", |form| number(form, "0x1F")),
    ("figure of 400 digits", "beyond all numbers is no number", |form| number(form, &"9".repeat(400))),
    ("a record nested 100,000 deep", "refused before it takes the stack", |form| {
        json(form, &"[".repeat(100_000))
    }),
    ("a figure nested 100,000 deep", "refused before it takes the stack", |form| {
        let deep = format!("{}1{}", "{\"a\":".repeat(100_000), "}".repeat(100_000));
        form.is_json().then(|| form.with(&[form.rows[1], &form.row(&deep)]))
    }),
    ("a record of 20 MB", "refused before it takes the memory", |form| {
        let wide = format!("[{}1]", "1,".repeat(10_000_000));
        form.is_json().then(|| form.with(&[form.rows[1], &form.row(&wide)]))
    }),
    ("what is behind the end", "two answers in one file: which of them is meant is not guessed", |form| {
        form.is_json().then(|| [&form.whole()[..], b"{\"more\":1}"].concat())
    }),
    ("a row group that claims 2 GB", "what a file claims is not reserved", |form| {
        form.is_binary().then(|| crate::parquet::claims(&form.whole()))
    }),
    ("a directory that claims 2 GB", "what a file claims is not reserved", |form| {
        let mut whole = form.whole();
        let at = whole.len() - 8;
        whole[at..at + 4].copy_from_slice(&0x7fff_ffff_u32.to_le_bytes());
        form.is_binary().then_some(whole)
    }),
    ("within gzip", "what it is wrapped in does not matter", |form| Some(gzip(&form.whole()))),
    ("within zstd", "what it is wrapped in does not matter", |form| Some(zstd(&form.whole()))),
    ("within zip", "what it is wrapped in does not matter", |form| Some(zip(&[(form.file, &form.whole())]))),
    ("within 7z", "what it is wrapped in does not matter", |form| Some(seven(&[(form.file, &form.whole())]))),
    ("within gzip that is cut", "a broken download is told as one", |form| Some(cut(gzip(&form.whole())))),
    ("within zstd that is cut", "a broken download is told as one", |form| Some(cut(zstd(&form.whole())))),
    ("within zip that is cut", "a broken download is told as one", |form| {
        Some(cut(zip(&[(form.file, &form.whole())])))
    }),
    ("within 7z that is cut", "a broken download is told as one", |form| {
        Some(cut(seven(&[(form.file, &form.whole())])))
    }),
    ("an empty file within gzip", "empty, whatever it is wrapped in", |_| Some(gzip(b""))),
    ("an empty file within zstd", "empty, whatever it is wrapped in", |_| Some(zstd(b""))),
    ("an empty file within zip", "empty, whatever it is wrapped in", |form| Some(zip(&[(form.file, b"")]))),
    ("an empty file within 7z", "empty, whatever it is wrapped in", |form| Some(seven(&[(form.file, b"")]))),
    ("gzip within gzip", "one wrapping is taken off, so that room and time are known", |form| {
        Some(gzip(&gzip(&form.whole())))
    }),
    ("zip within zstd", "one wrapping is taken off, so that room and time are known", |form| {
        Some(zstd(&zip(&[(form.file, &form.whole())])))
    }),
    ("zstd within zip", "one wrapping is taken off, so that room and time are known", |form| {
        Some(zip(&[(form.file, &zstd(&form.whole()))]))
    }),
    ("7z within 7z", "one wrapping is taken off, so that room and time are known", |form| {
        Some(seven(&[(form.file, &seven(&[(form.file, &form.whole())]))]))
    }),
    ("../ within zip", "who makes such an archive means no good, or does not know what is in it", |form| {
        Some(zip(&[("../../etc/passwd", &form.whole())]))
    }),
    ("../ within 7z", "who makes such an archive means no good, or does not know what is in it", |form| {
        Some(seven(&[("../../etc/passwd", &form.whole())]))
    }),
    ("/ within 7z", "who makes such an archive means no good, or does not know what is in it", |form| {
        Some(seven(&[("/etc/passwd", &form.whole())]))
    }),
    ("a link within zip", "what it leads to is not in the archive", |form| {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        let options = zip::write::SimpleFileOptions::default();
        writer.add_symlink(form.file, "/etc/passwd", options).unwrap();
        Some(writer.finish().unwrap().into_inner())
    }),
    ("a link within 7z", "what it leads to is not in the archive", |form| {
        let mut writer = sevenz_rust2::ArchiveWriter::new(Cursor::new(Vec::new())).unwrap();
        let mut entry = sevenz_rust2::ArchiveEntry::new_file(form.file);
        (entry.has_windows_attributes, entry.windows_attributes) = (true, 0xa1ff_8000);
        writer.push_archive_entry(entry, Some(&b"/etc/passwd"[..])).unwrap();
        Some(writer.finish().unwrap().into_inner())
    }),
    ("a NUL byte in a name within zip", "programs read such a name in different ways", |form| {
        Some(zip(&[("a.csv\0.exe", &form.whole())]))
    }),
    ("C:\\ within zip", "who makes such an archive means no good, or does not know what is in it", |form| {
        Some(zip(&[("C:\\x.csv", &form.whole())]))
    }),
];

const BOM: &[u8] = "\u{feff}".as_bytes();

fn text(form: &Form) -> Option<()> {
    (!form.is_binary()).then_some(())
}

fn csv(form: &Form) -> Option<()> {
    (!form.is_binary() && !form.is_json()).then_some(())
}

fn json(form: &Form, record: &str) -> Option<Vec<u8>> {
    form.is_json().then(|| form.with(&[form.rows[1], record]))
}

fn number(form: &Form, figure: &str) -> Option<Vec<u8>> {
    text(form).map(|()| form.with(&[form.rows[1], &form.row(figure)]))
}

/// Text of a length where the figure stands.
fn long(form: &Form, length: usize) -> String {
    let text = "x".repeat(length);
    if form.is_json() { format!("\"{text}\"") } else { text }
}

/// A whole file, with some bytes in the figure of its last row.
fn with_bytes(form: &Form, bytes: &[u8]) -> Option<Vec<u8>> {
    let figure = if form.is_json() { "\"@\"" } else { "@" };
    let content = form.with(&[form.rows[1], &form.row(figure)]);
    let at = content.iter().rposition(|byte| *byte == b'@')?;
    text(form).map(|()| [&content[..at], bytes, &content[at + 1..]].concat())
}

fn cut(mut content: Vec<u8>) -> Vec<u8> {
    content.truncate(content.len() / 2);
    content
}

fn zstd(content: &[u8]) -> Vec<u8> {
    zstd::encode_all(content, 3).unwrap()
}

fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in members {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn seven(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = sevenz_rust2::ArchiveWriter::new(Cursor::new(Vec::new())).unwrap();
    for (name, content) in members {
        writer.push_archive_entry(sevenz_rust2::ArchiveEntry::new_file(name), Some(*content)).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// What became of a release, in a line.
fn verdict(release: &ReleaseInfo) -> String {
    let report = release.report.clone().unwrap_or_default();
    if release.state() == ReleaseState::Committed {
        return format!("recorded {} of {}", report.rows_recorded, report.rows_read);
    }
    let blocked =
        report.gates.iter().filter(|gate| gate.verdict() == Verdict::Block).map(|gate| gate.gate.as_str());
    let codes = report.rejected_by_code.keys().map(String::as_str);
    format!("refused by {}: {}", blocked.collect::<Vec<_>>().join(", "), codes.collect::<Vec<_>>().join(", "))
}

/// How many releases have become visible.
async fn commits_since(service: &Service, position: &mut u64) -> usize {
    let mut items = service.log.read(Filter::All, *position);
    let mut commits = 0;
    while let Item::Event(event) = items.next().await.unwrap().unwrap() {
        *position = event.position;
        commits += usize::from(event.kind.ends_with("ReleaseCommitted"));
    }
    commits
}

/// Ingests a hostile file and says what became of it.
async fn taken(service: &Service, form: &Form, number: usize, content: Vec<u8>) -> (usize, String) {
    let metadata = Metadata {
        dataset: Some(format!("{}-{number}", form.name)),
        vintage: Some("v".to_owned()),
        // The only file that holds two tables.
        table: (form.name == "usgs-long").then(|| "production".to_owned()),
        ..Metadata::default()
    };
    let options = Options { metadata, ..Options::default() };
    match ingest(service.channel.clone(), vec![file(form.file, content)], options, |_| {}).await {
        Ok(outcomes) => {
            let [outcome] = &outcomes[..] else { panic!("one release: {outcomes:?}") };
            assert_eq!(outcome.release.release.as_ref().unwrap().parser, form.parser);
            (usize::from(outcome.is_committed()), verdict(&outcome.release))
        }
        Err(failure) => {
            assert_eq!(failure.class, Class::Invalid, "{}: {failure}", form.name);
            assert!(failure.message.contains(form.file), "names the file: {failure}");
            (0, failure.code)
        }
    }
}

#[tokio::test]
async fn every_hostile_file_gets_its_verdict() {
    let service = Service::start().await;
    let (mut found, mut position) = (String::new(), 0);
    for (number, (wrong, why, make)) in WRONGS.iter().enumerate() {
        let made = FORMS.iter().filter_map(|form| Some((form, make(form)?)));
        let all = made.map(async |(form, content)| (form, taken(&service, form, number, content).await));
        let mut verdicts: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        let mut visible = 0;
        for (form, (committed, verdict)) in futures_util::future::join_all(all).await {
            visible += committed;
            verdicts.entry(verdict).or_default().push(form.name);
        }
        let commits = commits_since(&service, &mut position).await;
        assert_eq!(commits, visible, "{wrong}: what is refused is not visible");
        writeln!(found, "{wrong}: {why}").unwrap();
        for (verdict, forms) in verdicts {
            let forms = if forms.len() == FORMS.len() { "all".to_owned() } else { forms.join(" ") };
            writeln!(found, "    {verdict} <- {forms}").unwrap();
        }
    }
    service.stop().await;
    let expected = include_str!("verdicts.txt");
    let differs = found.lines().zip(expected.lines()).find(|(found, expected)| found != expected);
    assert!(found == expected, "first difference {differs:?} in\n{found}");
}

/// No format is forgotten.
#[test]
fn every_source_has_a_hostile_file() {
    for about in sources() {
        assert!(FORMS.iter().any(|form| form.parser == about.id), "{} has no form in the table", about.id);
    }
}
