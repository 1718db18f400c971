//! Lines of text with bounds: the only way in which content reaches a parser.
use std::io::{BufRead as _, BufReader, Read as _};

use orewatch_runtime::Class;

use super::input::{Content, Input};
use super::{Limits, SourceError};

/// Byte order mark of UTF-8.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// The lines of one input: UTF-8, of bounded length, without line ends and byte order mark.
pub(super) struct Lines {
    file: String,
    content: BufReader<Content>,
    limits: Limits,
    buffer: Vec<u8>,
    number: u64,
}

impl Lines {
    /// Opens an input.
    pub(super) fn open(input: &Input, limits: Limits) -> Result<Self, SourceError> {
        let content = BufReader::with_capacity(128 * 1024, input.open()?);
        Ok(Self { file: input.name(), content, limits, buffer: Vec::new(), number: 0 })
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
        let count = read.map_err(|error| self.broken(&error))?;
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
        if self.content.get_ref().plain() > self.limits.bytes {
            let message = format!("the content is larger than {} bytes", self.limits.bytes);
            return Err(self.error("file-too-large", message).with_hint("split the file by period"));
        }
        Ok(true)
    }

    fn broken(&self, error: &std::io::Error) -> SourceError {
        let (code, class, message) = self.content.get_ref().diagnose(error);
        let hint = match class {
            Class::Invalid => "fetch the file again; nothing of it has been recorded",
            _ => "",
        };
        let place = format!("{message}, after line {}", self.number);
        self.error(code, place).of_class(class).with_hint(hint)
    }

    fn error(&self, code: &'static str, message: String) -> SourceError {
        SourceError::new(code, &self.file, self.number, message)
    }

    /// Stored and decompressed bytes read so far, and the digest of the latter: of all content at the end.
    pub(super) fn measure(&self) -> (u64, u64, String) {
        let content = self.content.get_ref();
        (content.stored(), content.plain(), content.sha256())
    }

    /// Stored bytes read so far.
    pub(super) fn stored(&self) -> u64 {
        self.content.get_ref().stored()
    }
}

/// A line without its end, and the first without the byte order mark.
fn trimmed(line: &[u8], number: u64) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if number == 1 { line.strip_prefix(BOM).unwrap_or(line) } else { line }
}
