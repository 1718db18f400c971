//! Lines of text with bounds: the only way in which content reaches a parser.
use std::io::{BufRead as _, BufReader, Read as _};

use super::input::Content;
use super::{Limits, SourceError};

/// Byte order mark of UTF-8.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// The lines of one input: UTF-8, of bounded length, without line ends and byte order mark.
pub(super) struct Lines<'a> {
    file: String,
    content: BufReader<&'a mut Content>,
    limits: Limits,
    buffer: Vec<u8>,
    number: u64,
}

impl<'a> Lines<'a> {
    /// The lines of a file.
    pub(super) fn new(file: &str, content: &'a mut Content, limits: Limits) -> Self {
        let content = BufReader::with_capacity(128 * 1024, content);
        Self { file: file.to_owned(), content, limits, buffer: Vec::new(), number: 0 }
    }

    /// The next line with its number, from 1. None: the end.
    pub(super) fn next(&mut self) -> Result<Option<(u64, &str)>, SourceError> {
        if !self.fill()? {
            return Ok(None);
        }
        let line = trimmed(&self.buffer, self.number);
        let text = str::from_utf8(line).map_err(|error| {
            let at = error.valid_up_to();
            let byte = line.get(at).copied().unwrap_or_default();
            let message = format!("byte {} of the line ({byte:#04x}) is not UTF-8", at + 1);
            SourceError::new("not-utf8", &self.file, self.number, message)
                .with_hint("save the file as UTF-8; `iconv -f WINDOWS-1252 -t UTF-8` converts most others")
        })?;
        Ok(Some((self.number, text)))
    }

    /// Reads a line into the buffer; false at the end.
    fn fill(&mut self) -> Result<bool, SourceError> {
        self.buffer.clear();
        let longest = u64::try_from(self.limits.line).unwrap_or(u64::MAX);
        let mut bounded = (&mut self.content).take(longest.saturating_add(1));
        let read = bounded.read_until(b'\n', &mut self.buffer);
        let count = read.map_err(|error| Content::failed(&self.file, self.number, &error))?;
        if count == 0 {
            return Ok(false);
        }
        self.number += 1;
        if count > self.limits.line && !self.buffer.ends_with(b"\n") {
            let message = format!("the line is longer than {} bytes", self.limits.line);
            return Err(self
                .error("line-too-long", message)
                .with_hint("rows end with a line feed; is this file csv, and of this operating system?"));
        }
        Ok(true)
    }

    fn error(&self, code: &'static str, message: String) -> SourceError {
        SourceError::new(code, &self.file, self.number, message)
    }
}

/// A line without its end, and the first without the byte order mark.
fn trimmed(line: &[u8], number: u64) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if number == 1 { line.strip_prefix(BOM).unwrap_or(line) } else { line }
}
