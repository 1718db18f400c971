//! Reads csv as publishers and spreadsheets write it: any number of columns, quoted fields with line feeds in
//! them, separated by commas, semicolons, tabs or bars, in UTF-8, Windows-1252, or UTF-16 with a byte order
//! mark.
use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::sync::atomic::Ordering;

use csv_core::ReadRecordResult;
use encoding_rs::WINDOWS_1252;
use encoding_rs_io::{DecodeReaderBytes, DecodeReaderBytesBuilder};

use super::input::Content;
use super::location::SourceLocation;
use super::quotes::{Quotes, Stray};
use super::sink::{Halt, RowSink};
use super::{Head, Limits, Reject, SourceError};

/// Upper bound on the distinct texts that are collected of a column.
const MAX_DISTINCT_TEXTS: usize = 4_096;

/// Upper bound on the columns of a file.
const MAX_COLUMNS: usize = 4_096;

/// Reason and hint of a record with a quote too many, or one too few.
const STRAY: &str = "text follows the end of a quoted field, so that its end is unknown";
const DOUBLE: &str = "double the quotes within a field, or remove those that enclose it";

/// How a csv file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CsvDialect {
    /// It is UTF-8; otherwise Windows-1252, unless a byte order mark says UTF-16.
    pub(super) utf8: bool,
    /// The byte that separates its fields.
    pub(super) delimiter: u8,
    /// Its first line is `sep=;`, which tells spreadsheets what separates fields.
    pub(super) has_separator_line: bool,
}

/// The records of a csv file below its header. The limit of a line bounds a record, however many lines it
/// has.
pub(super) struct Records<'a> {
    file: String,
    input: BufReader<DecodeReaderBytes<&'a mut Content, Vec<u8>>>,
    parser: csv_core::Reader,
    quotes: Quotes,
    /// Bytes of the fields of the current record, one after another, and where each ends.
    fields: Vec<u8>,
    ends: Vec<usize>,
    /// Names of the columns, trimmed.
    pub(super) header: Vec<String>,
    /// Number of columns in the header.
    pub(super) columns: usize,
}

/// The fields of a record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record<'a> {
    /// Line on which it begins, from 1.
    pub(super) line: u64,
    text: &'a str,
    ends: &'a [usize],
    /// Text follows the end of a quoted field in it.
    stray: bool,
}

impl<'a> Record<'a> {
    /// The field of a column from 0, trimmed; empty if there is none.
    pub(super) fn get(&self, column: usize) -> &'a str {
        let start = match column.checked_sub(1) {
            None => Some(0),
            Some(before) => self.ends.get(before).copied(),
        };
        let field = start.zip(self.ends.get(column)).and_then(|(start, end)| self.text.get(start..*end));
        field.unwrap_or_default().trim()
    }

    /// Number of fields.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Checks that its quotes are paired and that it has a field for each of so many columns. Empty fields
    /// beyond them are allowed: some publishers end their rows, but not their header, with a comma.
    pub(super) fn check_shape(&self, columns: usize) -> Result<(), Reject> {
        if self.stray {
            return Err(Reject::new("stray-quote", "", &self.to_text(), STRAY).with_hint(DOUBLE));
        }
        let surplus = (columns..self.len()).any(|column| !self.get(column).is_empty());
        if self.len() >= columns && !surplus {
            return Ok(());
        }
        let reason = format!("the row has {} fields, the header has {columns}", self.len());
        let hint = match surplus {
            true => "is there a separator inside a field? Quote the field, and write decimals with a point",
            false => "is the line cut off?",
        };
        Err(Reject::new("field-count-mismatch", "", &self.to_text(), reason).with_hint(hint))
    }

    /// Whether all fields are empty.
    pub(super) fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }

    /// The record as a line of csv.
    pub(super) fn to_text(self) -> String {
        let field = |column| {
            let field = self.get(column);
            let quoted = field.contains([',', '"', '\n', '\r']);
            if quoted { format!("\"{}\"", field.replace('"', "\"\"")) } else { field.to_owned() }
        };
        (0..self.len()).map(field).collect::<Vec<_>>().join(",")
    }
}

impl<'a> Records<'a> {
    /// Opens a file and reads its header. A byte order mark, if there is one, decides the encoding.
    pub(super) fn open(
        file: &str,
        content: &'a mut Content,
        limits: Limits,
        dialect: CsvDialect,
    ) -> Result<Self, SourceError> {
        let encoding = if dialect.utf8 { None } else { Some(WINDOWS_1252) };
        let decoded = DecodeReaderBytesBuilder::new()
            .encoding(encoding)
            .bom_override(true)
            .strip_bom(true)
            .build_with_buffer(content, vec![0; 64 * 1024])
            .map_err(|error| Content::failed(file, 0, &error))?;
        let mut records = Self {
            file: file.to_owned(),
            input: BufReader::with_capacity(64 * 1024, decoded),
            parser: csv_core::ReaderBuilder::new().delimiter(dialect.delimiter).build(),
            quotes: Quotes::new(dialect.delimiter),
            fields: vec![0; limits.line],
            ends: vec![0; MAX_COLUMNS],
            header: Vec::new(),
            columns: 0,
        };
        if dialect.has_separator_line {
            records.next()?;
        }
        let header = records.next()?;
        if header.is_some_and(|record| record.stray) {
            return Err(SourceError::new("invalid-header", file, 1, STRAY).with_hint(DOUBLE));
        }
        let names =
            header.map(|record| (0..record.len()).map(|column| record.get(column).to_owned()).collect());
        records.header = names.unwrap_or_default();
        records.columns = records.header.len();
        Ok(records)
    }

    /// Gives every record that has a field for each column of the header to `take`, and rejects the others.
    /// Blank records are skipped.
    pub(super) fn for_each(
        &mut self,
        out: &mut dyn RowSink,
        mut take: impl FnMut(Record<'_>, &mut dyn RowSink) -> Result<(), Halt>,
    ) -> Result<(), Halt> {
        let columns = self.columns;
        while let Some(record) = self.next()? {
            match record.check_shape(columns) {
                _ if record.is_blank() => {}
                Ok(()) => take(record, out)?,
                Err(reject) => out.reject(reject, SourceLocation::row(record.line), &record.to_text())?,
            }
        }
        Ok(())
    }

    /// The next record. None: the end.
    ///
    /// The parser of the library accepts any quotes: one that is missing joins rows, one too many joins
    /// fields. [`Quotes`] follows the same bytes and finds both, so that no figure disappears in a text.
    pub(super) fn next(&mut self) -> Result<Option<Record<'_>>, SourceError> {
        let (mut written, mut ended) = (0, 0);
        let mut line = self.parser.line();
        let mut stray = false;
        loop {
            let at = self.parser.line();
            let input = self.input.fill_buf().map_err(|error| Content::failed(&self.file, line, &error))?;
            if let (true, Some(opened)) = (input.is_empty(), self.quotes.open()) {
                let message = "the quoted field that begins here has no end";
                return Err(unclosed(&self.file, opened, message.to_owned()));
            }
            let (output, ends) = (self.fields.get_mut(written..), self.ends.get_mut(ended..));
            let (result, read, wrote, closed) =
                self.parser.read_record(input, output.unwrap_or_default(), ends.unwrap_or_default());
            let passed = input.get(..read).unwrap_or_default();
            match self.quotes.pass(passed, at) {
                Some(Stray { opened, line }) if opened < line => {
                    let message = format!("the quoted field that begins here ends at a quote of line {line}");
                    return Err(unclosed(&self.file, opened, message));
                }
                found => stray |= found.is_some(),
            }
            if written == 0 && ended == 0 && read > 0 {
                // Empty lines before the record are skipped.
                let blank = passed.iter().take_while(|byte| matches!(byte, b'\n' | b'\r'));
                line += u64::try_from(blank.filter(|byte| **byte == b'\n').count()).unwrap_or(0);
            }
            self.input.consume(read);
            written += wrote;
            ended += closed;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => return Err(self.too_long(line)),
                ReadRecordResult::OutputEndsFull => {
                    let message = format!("the record has more than {MAX_COLUMNS} fields");
                    return Err(SourceError::new("too-many-columns", &self.file, line, message));
                }
                ReadRecordResult::End => return Ok(None),
                ReadRecordResult::Record => break,
            }
        }
        let text = self.fields.get(..written).unwrap_or_default();
        let text = str::from_utf8(text).map_err(|error| {
            let message = format!("byte {} of the record is not UTF-8", error.valid_up_to() + 1);
            SourceError::new("not-utf8", &self.file, line, message)
                .with_hint("save the file as UTF-8; `iconv -f WINDOWS-1252 -t UTF-8` converts most files")
        })?;
        Ok(Some(Record { line, text, ends: self.ends.get(..ended).unwrap_or_default(), stray }))
    }

    /// The error of a record that is longer than a line may be.
    fn too_long(&self, line: u64) -> SourceError {
        let limit = self.fields.len();
        match self.quotes.open() {
            Some(opened) => {
                let message =
                    format!("the quoted field that begins here makes its record longer than {limit} bytes");
                unclosed(&self.file, opened, message)
            }
            None => {
                let message = format!("the record is longer than {limit} bytes");
                SourceError::new("line-too-long", &self.file, line, message).with_hint("is this csv?")
            }
        }
    }
}

fn unclosed(file: &str, line: u64, message: String) -> SourceError {
    SourceError::new("unclosed-quote", file, line, message)
        .with_hint("close the quote, or double it if it is part of the text; is the download complete?")
}

/// Reads a csv file to its end before anything of it is recorded, and refuses one that cannot be read as
/// records or has none below its header. Returns the distinct texts of a column, if one is named.
pub(super) fn check_records(
    head: &Head,
    content: &mut Content,
    limits: Limits,
    column: Option<&str>,
    mut progress: impl FnMut(u64),
) -> Result<BTreeSet<String>, SourceError> {
    let meter = content.meter();
    let mut reported = 0;
    let mut records = Records::open(&head.file, content, limits, detect_dialect(head))?;
    let place = column.and_then(|column| records.header.iter().position(|name| name == column));
    let mut values = BTreeSet::new();
    let mut any = false;
    while let Some(record) = records.next()? {
        any |= !record.is_blank();
        place.into_iter().for_each(|place| collect_text(&mut values, record.get(place)));
        let bytes = meter.load(Ordering::Relaxed);
        if std::mem::replace(&mut reported, bytes) != bytes {
            progress(bytes);
        }
    }
    if any { Ok(values) } else { Err(SourceError::no_rows(&head.file, 1)) }
}

/// Adds a text to a set, up to [`MAX_DISTINCT_TEXTS`].
pub(super) fn collect_text(values: &mut BTreeSet<String>, text: &str) {
    if !text.is_empty() && values.len() < MAX_DISTINCT_TEXTS && !values.contains(text) {
        values.insert(text.to_owned());
    }
}

/// The records that are complete within the beginning of a csv file, header first. What is not UTF-8 is
/// replaced.
pub(super) fn sample(head: &Head) -> Vec<Vec<String>> {
    let bytes = head.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&head.bytes);
    let dialect = detect_dialect(head);
    let mut parser = csv_core::ReaderBuilder::new().delimiter(dialect.delimiter).build();
    let (mut fields, mut ends) = (vec![0; bytes.len().max(1)], vec![0; MAX_COLUMNS]);
    let (mut rest, mut records) = (bytes, Vec::new());
    loop {
        let (result, read, _, ended) = parser.read_record(rest, &mut fields, &mut ends);
        rest = rest.get(read..).unwrap_or_default();
        if result != ReadRecordResult::Record {
            if dialect.has_separator_line && !records.is_empty() {
                records.remove(0);
            }
            return records;
        }
        let mut start = 0;
        let record = ends.iter().take(ended).map(|&end| {
            let field = fields.get(std::mem::replace(&mut start, end)..end).unwrap_or_default();
            String::from_utf8_lossy(field).trim().to_owned()
        });
        records.push(record.collect());
    }
}

/// How a file is written, by its beginning. The separator is the one that occurs most between column names.
pub(super) fn detect_dialect(head: &Head) -> CsvDialect {
    let utf8 = str::from_utf8(&head.bytes).map_or_else(|error| error.error_len().is_none(), |_| true);
    let bytes = head.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&head.bytes);
    let lines = bytes.split(|byte| matches!(byte, b'\n' | b'\r'));
    let mut lines = lines.filter(|line| !line.trim_ascii().is_empty() && !line.starts_with(b"#"));
    let header = lines.next().unwrap_or_default();
    if let [b's', b'e', b'p', b'=', delimiter @ (b',' | b';' | b'\t' | b'|'), ..] = *header {
        return CsvDialect { utf8, delimiter, has_separator_line: true };
    }
    CsvDialect { utf8, delimiter: delimiter(header), has_separator_line: false }
}

/// The separator that occurs most in a line, outside of quotes; the comma if several are equal.
fn delimiter(line: &[u8]) -> u8 {
    let mut quoted = false;
    let mut counts = [(b'|', 0_usize), (b'\t', 0), (b';', 0), (b',', 0)];
    for byte in line {
        quoted ^= *byte == b'"';
        let known = counts.iter_mut().find(|(delimiter, _)| delimiter == byte && !quoted);
        known.into_iter().for_each(|(_, count)| *count += 1);
    }
    // `max_by_key` takes the last of equals.
    counts.iter().max_by_key(|(_, count)| *count).map_or(b',', |(delimiter, _)| *delimiter)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::Input;

    const COMMAS: CsvDialect = CsvDialect { utf8: true, delimiter: b',', has_separator_line: false };

    fn count_records(content: &str) -> Result<usize, SourceError> {
        let input =
            Input::Memory { name: "f.csv".to_owned(), bytes: Bytes::copy_from_slice(content.as_bytes()) };
        let mut content = input.open(Limits::default())?;
        let mut records = Records::open("f.csv", &mut content, Limits::default(), COMMAS)?;
        let mut count = 0;
        while records.next()?.is_some() {
            count += 1;
        }
        Ok(count)
    }

    #[test]
    fn a_quote_without_an_end_is_refused_with_its_line() {
        for (open, line) in [
            ("a,b\n\"1,2\n3,4\n", 2),
            ("a,b\n1,\"2", 2),
            ("a,b\n1,2\n\"", 3),
            ("a,b\n1,\"2\"\"\n", 2),
            ("a,b\n\"1\n\",\"2\n3,4\n", 3),
            ("a,b\n1,\"2\n3,\"4\"\n", 2),
        ] {
            let refused = count_records(open).map_err(|error| (error.code, error.line));
            assert_eq!(refused, Err(("unclosed-quote", line)), "{open:?}");
        }
        for (closed, rows) in
            [("a,b\n1,\"2\"", 1), ("a,b\n\"1\n\",2\n", 1), ("a,b\n1,2\"\n", 1), ("a,b\n1,\"2\"\"\"\n", 1)]
        {
            assert_eq!(count_records(closed), Ok(rows), "{closed:?}");
        }
    }

    #[test]
    fn a_quote_too_many_rejects_its_record_alone() {
        let content = "a,b\n1,\"2\"3\n4,\"5\"\n";
        let input = Input::Memory { name: "f.csv".to_owned(), bytes: Bytes::from_static(content.as_bytes()) };
        let mut content = input.open(Limits::default()).unwrap();
        let mut records = Records::open("f.csv", &mut content, Limits::default(), COMMAS).unwrap();
        let codes = [(); 2].map(|()| {
            let record = records.next().unwrap().unwrap();
            record.check_shape(2).map_err(|reject| reject.code.into_owned())
        });
        assert_eq!(codes, [Err("stray-quote".to_owned()), Ok(())]);
    }
}
