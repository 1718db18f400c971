//! The beginning of a file: all that is needed to recognise its format.
use std::io::Read as _;

use encoding_rs::Encoding;

use super::header::Preamble;
use super::lines::Lines;
use super::{Content, Input, Limits, SourceError, parquet, records};

/// Bytes of a file's beginning that formats may look at.
const HEAD_BYTES: u64 = 64 * 1024;

/// The beginning of a file.
#[derive(Clone, Debug)]
pub(super) struct Head {
    /// File name.
    pub(super) file: String,
    /// The first 64 KiB, decompressed; UTF-16 is converted to UTF-8.
    pub(super) bytes: Vec<u8>,
    /// It begins with a byte order mark of UTF-16.
    pub(super) is_utf16: bool,
    /// Lines that describe the file and names of its columns, or why they cannot be read.
    pub(super) preamble: Result<Preamble, SourceError>,
}

impl Head {
    /// Reads the beginning of an input.
    pub(super) fn read(input: &Input, limits: Limits) -> Result<Self, SourceError> {
        let file = input.name();
        let mut bytes = Vec::new();
        let mut content = input.open(limits)?;
        let read = (&mut content).take(HEAD_BYTES).read_to_end(&mut bytes);
        read.map_err(|error| Content::failed(&file, 0, &error))?;
        let mut content = input.open(limits)?;
        let preamble = if parquet::is_parquet(&bytes) {
            parquet::preamble(&file, &mut content)
        } else {
            Preamble::read(&file, &mut Lines::new(&file, &mut content, limits))
        };
        let utf16 = Encoding::for_bom(&bytes).filter(|(encoding, _)| *encoding != encoding_rs::UTF_8);
        if let Some((encoding, mark)) = utf16 {
            let (text, _) = encoding.decode_without_bom_handling(bytes.get(mark..).unwrap_or_default());
            bytes = text.into_owned().into_bytes();
        }
        Ok(Self { file, bytes, is_utf16: utf16.is_some(), preamble })
    }

    /// Number of the column with a name, from 1; 0 if there is none.
    pub(super) fn column_number(&self, name: &str) -> u32 {
        let found = self.names().iter().position(|column| column == name);
        found.and_then(|place| u32::try_from(place + 1).ok()).unwrap_or(0)
    }

    /// Names of the columns of any csv, even if it has more than the tidy formats allow; none if it is no
    /// csv.
    pub(super) fn names(&self) -> Vec<String> {
        match self.columns() {
            _ if self.is_json() => Vec::new(),
            [] => self.csv_header(),
            _ if records::detect_dialect(self).delimiter != b',' => self.csv_header(),
            names => names.to_vec(),
        }
    }

    /// The first record of a csv in any dialect; empty if there is none.
    pub(super) fn csv_header(&self) -> Vec<String> {
        records::sample(self).into_iter().next().unwrap_or_default()
    }

    /// Names of the columns of a file of lines; none if it has no header.
    pub(super) fn columns(&self) -> &[String] {
        self.preamble.as_ref().map_or(&[], |preamble| &preamble.header)
    }

    /// Whether it can only be csv, because it is neither JSON nor Parquet.
    pub(super) fn is_csv(&self) -> bool {
        !self.is_json() && !parquet::is_parquet(&self.bytes)
    }

    /// Whether it begins like JSON, with an object or an array. Locations in it are then numbers of records.
    pub(super) fn is_json(&self) -> bool {
        let bytes = self.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&self.bytes).trim_ascii_start();
        bytes.starts_with(b"{") || bytes.starts_with(b"[")
    }

    /// Whether it is empty JSON: `[]` or `{}`, with any blanks.
    pub(super) fn is_empty_json(&self) -> bool {
        let bytes = self.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&self.bytes);
        let mut marks = bytes.iter().filter(|byte| !byte.is_ascii_whitespace());
        let first_three = [marks.next(), marks.next(), marks.next()];
        matches!(first_three, [Some(b'['), Some(b']'), None] | [Some(b'{'), Some(b'}'), None])
    }

    /// The beginning as text, with replacement characters for what is not UTF-8.
    pub(super) fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.bytes)
    }
}
