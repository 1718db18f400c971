//! Reads lines of text, one at a time.
use super::blocks::{Block, Blocks};
use super::input::Content;
use super::{Limits, SourceError};

/// Byte order mark of UTF-8.
pub(super) const BOM: char = '\u{feff}';

/// The lines of a file: UTF-8, of bounded length, without line ends and byte order mark.
pub(super) struct Lines<'a> {
    blocks: Blocks<'a>,
    block: Block,
    /// Where the next line of the block begins, and its number.
    at: usize,
    number: u64,
}

impl<'a> Lines<'a> {
    /// The lines of a file.
    pub(super) fn new(file: &str, content: &'a mut Content, limits: Limits) -> Self {
        let blocks = Blocks::new(file, content, limits);
        Self { blocks, block: Block { text: String::new(), first: 1 }, at: 0, number: 1 }
    }

    /// The next line with its number, from 1. None: the end.
    pub(super) fn next(&mut self) -> Result<Option<(u64, &str)>, SourceError> {
        if self.at >= self.block.text.len() {
            let Some(block) = self.blocks.next()? else { return Ok(None) };
            (self.at, self.number, self.block) = (0, block.first, block);
        }
        let (line, next) = line_at(&self.block.text, self.at);
        let number = self.number;
        (self.at, self.number) = (next, number + 1);
        let line = if number == 1 { line.strip_prefix(BOM).unwrap_or(line) } else { line };
        Ok(Some((number, line)))
    }

    /// The lines that are left: the rest of the current block, and the blocks behind it.
    pub(super) fn rest(self) -> (Block, Blocks<'a>) {
        let text = self.block.text.get(self.at..).unwrap_or_default().to_owned();
        (Block { text, first: self.number }, self.blocks)
    }
}

/// The line that begins at an offset, without its line end, and where the next begins.
pub(super) fn line_at(text: &str, at: usize) -> (&str, usize) {
    let rest = text.get(at..).unwrap_or_default();
    let end = memchr::memchr(b'\n', rest.as_bytes());
    let line = end.and_then(|end| rest.get(..end)).unwrap_or(rest);
    let next = at + end.map_or(rest.len(), |end| end + 1);
    (line.strip_suffix('\r').unwrap_or(line), next)
}
