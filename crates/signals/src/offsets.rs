//! Where the characters of a text come from: a map from positions in a text to those in its source.
//!
//! Each step that changes a text (decoding, leaving out tags, normalising) records what it took from where.
//! Neighbouring pieces that are shifted alike are one run, so a map is small beside its text.

use std::ops::Range;

/// A stretch of a text whose pieces, of `unit.0` bytes each, come from pieces of `unit.1` bytes of the
/// source.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Run {
    text: Range<usize>,
    source: Range<usize>,
    unit: (usize, usize),
}

/// A map from a text to its source. It covers the whole text, in its order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct OffsetMap {
    runs: Vec<Run>,
}

impl OffsetMap {
    /// Records that the next bytes of the text are the same in the source.
    pub(crate) fn push_verbatim(&mut self, source: Range<usize>) {
        self.push_units(source.len(), source, (1, 1));
    }

    /// Records that the next `length` bytes of the text stand for a piece of the source.
    pub(crate) fn push_replaced(&mut self, length: usize, source: Range<usize>) {
        let unit = (length, source.len());
        self.push_units(length, source, unit);
    }

    fn push_units(&mut self, length: usize, source: Range<usize>, unit: (usize, usize)) {
        if length == 0 {
            return;
        }
        let start = self.text_end();
        if let Some(last) = self.runs.last_mut()
            && last.unit == unit
            && last.source.end == source.start
        {
            last.text.end = start + length;
            last.source.end = source.end;
            return;
        }
        self.runs.push(Run { text: start..start + length, source, unit });
    }

    /// Length of the text that is mapped so far, in bytes.
    pub(crate) fn text_end(&self) -> usize {
        self.runs.last().map_or(0, |run| run.text.end)
    }

    /// The bytes of the source that a part of the text comes from. An empty part comes from nowhere: the
    /// result is empty, at the place where the part would be.
    pub(crate) fn source_of(&self, part: Range<usize>) -> Range<usize> {
        let start = self.piece_at(part.start).map_or_else(|| self.source_end(), |piece| piece.start);
        if part.end <= part.start {
            return start..start;
        }
        let end = self.piece_at(part.end - 1).map_or_else(|| self.source_end(), |piece| piece.end);
        start..end.max(start)
    }

    fn source_end(&self) -> usize {
        self.runs.last().map_or(0, |run| run.source.end)
    }

    /// The piece of the source that a byte of the text comes from.
    fn piece_at(&self, position: usize) -> Option<Range<usize>> {
        let index = self.runs.partition_point(|run| run.text.end <= position);
        let run = self.runs.get(index).filter(|run| run.text.start <= position)?;
        let (text_unit, source_unit) = run.unit;
        let pieces = (position - run.text.start) / text_unit.max(1);
        let start = run.source.start + pieces * source_unit;
        Some(start..(start + source_unit).min(run.source.end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_text_leads_to_its_source() {
        // "a&amp;bc" read as "a&bc"
        let mut map = OffsetMap::default();
        map.push_verbatim(0..1);
        map.push_replaced(1, 1..6);
        map.push_verbatim(6..8);
        assert_eq!(map.source_of(0..4), 0..8);
        assert_eq!(map.source_of(1..2), 1..6);
        assert_eq!(map.source_of(2..3), 6..7);
        assert_eq!(map.source_of(2..2), 6..6);
        assert_eq!(map.source_of(9..12), 8..8);
    }

    #[test]
    fn pieces_of_equal_size_are_one_run() {
        // Two characters of GB 18030, two bytes each, are three bytes each in UTF-8.
        let mut map = OffsetMap::default();
        map.push_replaced(3, 0..2);
        map.push_replaced(3, 2..4);
        assert_eq!(map.runs.len(), 1);
        assert_eq!(map.source_of(3..6), 2..4);
    }
}
