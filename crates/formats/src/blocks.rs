//! Reads content as blocks of whole lines of bounded length. Content reaches a parser of lines in no other
//! way.
use std::io::{self, ErrorKind, Read as _};

use super::input::Content;
use super::{Limits, SourceError};

/// Bounds on the bytes that are read at a time; between them it is the limit of a line.
const MAX_READ: usize = 1 << 20;
const MIN_READ: usize = 64 << 10;

/// Consecutive lines: UTF-8, each of bounded length, the last perhaps without its line feed.
#[derive(Debug)]
pub(super) struct Block {
    /// The lines with their ends.
    pub(super) text: String,
    /// Number of the first, from 1.
    pub(super) first: u64,
}

/// The blocks of a file.
pub(super) struct Blocks<'a> {
    file: String,
    content: &'a mut Content,
    limits: Limits,
    /// The beginning of a line whose end is not read yet.
    rest: Vec<u8>,
    /// Lines given so far.
    lines: u64,
    ended: bool,
    /// Why nothing can be read after the lines given so far.
    failed: Option<SourceError>,
}

impl<'a> Blocks<'a> {
    /// The blocks of a file.
    pub(super) fn new(file: &str, content: &'a mut Content, limits: Limits) -> Self {
        let file = file.to_owned();
        Self { file, content, limits, rest: Vec::new(), lines: 0, ended: false, failed: None }
    }

    /// The next block. None: the end.
    ///
    /// # Errors
    /// [`SourceError`] for a line that is too long or not UTF-8, with its number, and for content that cannot
    /// be read. The lines before it are returned first.
    pub(super) fn next(&mut self) -> Result<Option<Block>, SourceError> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let mut bytes = std::mem::take(&mut self.rest);
        while !self.ended && !self.fill(&mut bytes) && bytes.len() <= self.limits.line {}
        let first = self.lines + 1;
        let text = match self.lines_of(bytes) {
            Ok(text) => text,
            Err((good, error)) => {
                (self.ended, self.failed) = (true, Some(error));
                good
            }
        };
        if text.is_empty() {
            return self.failed.take().map_or(Ok(None), Err);
        }
        self.lines = self.lines.saturating_add(count_lines(text.as_bytes()));
        Ok(Some(Block { text, first }))
    }

    /// Reads on. True if the bytes are whole lines now; what follows them is kept in `rest`.
    fn fill(&mut self, bytes: &mut Vec<u8>) -> bool {
        let failed = self.read(bytes);
        let end = memchr::memrchr(b'\n', bytes).map_or(0, |at| at + 1);
        if let Some(error) = failed {
            // The line that was begun will never be complete.
            bytes.truncate(end);
            let after = self.lines.saturating_add(count_lines(bytes));
            self.failed = Some(Content::failed(&self.file, after, &error));
            return true;
        }
        if !self.ended && end > 0 {
            self.rest = bytes.split_off(end);
        }
        self.ended || end > 0
    }

    /// Reads up to [`MAX_READ`] bytes, or to the end. Returns the error that stopped it, if any.
    fn read(&mut self, bytes: &mut Vec<u8>) -> Option<io::Error> {
        let mut from = bytes.len();
        bytes.resize(from + self.limits.line.clamp(MIN_READ, MAX_READ), 0);
        let mut failed = None;
        while let Some(room) = bytes.get_mut(from..).filter(|room| !room.is_empty() && !self.ended) {
            match self.content.read(room) {
                Ok(0) => self.ended = true,
                Ok(count) => from += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => (self.ended, failed) = (true, Some(error)),
            }
        }
        bytes.truncate(from);
        failed
    }

    /// Checks bytes as lines. An error comes with the valid lines before it.
    fn lines_of(&self, bytes: Vec<u8>) -> Result<String, (String, SourceError)> {
        let bytes = match is_bounded(&bytes, self.limits.line) {
            true => match String::from_utf8(bytes) {
                Ok(text) => return Ok(text),
                Err(error) => error.into_bytes(),
            },
            false => bytes,
        };
        let mut good = String::new();
        for (line, number) in bytes.split_inclusive(|byte| *byte == b'\n').zip(self.lines + 1..) {
            match self.check_line(line, number) {
                Ok(line) => good.push_str(line),
                Err(error) => return Err((good, error)),
            }
        }
        Ok(good)
    }

    fn check_line<'b>(&self, line: &'b [u8], number: u64) -> Result<&'b str, SourceError> {
        if line.strip_suffix(b"\n").unwrap_or(line).len() > self.limits.line {
            let message = format!("the line is longer than {} bytes", self.limits.line);
            return Err(SourceError::new("line-too-long", &self.file, number, message).with_hint(
                "rows end with a line feed: is this csv, and are its line ends those of this system?",
            ));
        }
        if number == 1 && (line.starts_with(b"\xff\xfe") || line.starts_with(b"\xfe\xff")) {
            return Err(SourceError::utf16(&self.file));
        }
        str::from_utf8(line).map_err(|error| {
            let at = error.valid_up_to();
            let byte = line.get(at).copied().unwrap_or_default();
            let message = format!("byte {} of the line ({byte:#04x}) is not UTF-8", at + 1);
            SourceError::new("not-utf8", &self.file, number, message)
                .with_hint("save the file as UTF-8; `iconv -f WINDOWS-1252 -t UTF-8` converts most files")
        })
    }
}

fn count_lines(bytes: &[u8]) -> u64 {
    let ends = memchr::memchr_iter(b'\n', bytes).count();
    let open = usize::from(!bytes.ends_with(b"\n"));
    u64::try_from(ends.saturating_add(open)).unwrap_or(u64::MAX)
}

/// Whether no line is longer than so many bytes. Few line ends have to be found: from the beginning of a
/// line, the search goes on behind the last line end within that distance.
fn is_bounded(mut bytes: &[u8], longest: usize) -> bool {
    while bytes.len() > longest {
        let near = bytes.get(..longest.saturating_add(1)).unwrap_or(bytes);
        let Some(end) = memchr::memrchr(b'\n', near) else { return false };
        bytes = bytes.get(end + 1..).unwrap_or_default();
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_holds_for_each_line() {
        for (text, longest, fits) in [
            ("", 0, true),
            ("abc\nabc", 3, true),
            ("abc\nabcd", 3, false),
            ("\n\nabc\n", 3, true),
            ("abcd\n", 3, false),
        ] {
            assert_eq!(is_bounded(text.as_bytes(), longest), fits, "{text:?}");
        }
    }
}
