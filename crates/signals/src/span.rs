//! Places in a text, and the small questions about them that every rule asks.
//!
//! Positions are bytes of UTF-8. Distances are characters, so that a limit means the same in every script.

use std::collections::BTreeMap;
use std::fmt;

/// A part of a text: bytes from `start` to before `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// The byte after the last one.
    pub end: usize,
}

impl Span {
    /// The span from `start` to before `end`.
    pub const fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// The characters of the span. Empty if it is not within the text.
    pub fn of(self, text: &str) -> &str {
        slice(text, self.start, self.end)
    }

    /// Whether two spans share a byte.
    pub(crate) fn overlaps(self, other: Self) -> bool {
        self.start < other.end && other.start < self.end
    }

    /// Whether the other span lies in this one.
    pub(crate) fn contains(self, other: Self) -> bool {
        self.start <= other.start && other.end <= self.end
    }

    /// Number of bytes.
    pub(crate) fn len(self) -> usize {
        self.end.saturating_sub(self.start)
    }

    /// Characters between this span and another one. 0 if they touch or overlap.
    pub(crate) fn distance(self, other: Self, text: &str) -> usize {
        chars_between(text, self.end, other.start).max(chars_between(text, other.end, self.start))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.start, self.end)
    }
}

/// Spans that do not overlap, such as those that longer matches have taken.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    /// End of each span by its start.
    ends: BTreeMap<usize, usize>,
}

impl Taken {
    /// Takes a span unless it overlaps one that is taken. Whether it was taken.
    pub(crate) fn take(&mut self, span: Span) -> bool {
        let before = self.ends.range(..span.end).next_back();
        let is_free = before.is_none_or(|(_, end)| *end <= span.start);
        if is_free {
            self.ends.insert(span.start, span.end);
        }
        is_free
    }
}

/// The text from `start` to before `end`. Empty if these are no boundaries of characters.
pub(crate) fn slice(text: &str, start: usize, end: usize) -> &str {
    text.get(start..end).unwrap_or_default()
}

/// Number of characters from `start` to before `end`. 0 if `end` is not behind `start`.
pub(crate) fn chars_between(text: &str, start: usize, end: usize) -> usize {
    slice(text, start, end).chars().count()
}

/// At most `chars` characters in front of `position`, but nothing in front of `limit`.
pub(crate) fn text_before(text: &str, limit: usize, position: usize, chars: usize) -> &str {
    let before = slice(text, limit, position);
    match before.char_indices().rev().take(chars).last() {
        Some((index, _)) => slice(before, index, before.len()),
        None => "",
    }
}

/// At most `chars` characters from `position` on, but nothing from `limit` on.
pub(crate) fn text_after(text: &str, position: usize, limit: usize, chars: usize) -> &str {
    let after = slice(text, position, limit);
    let end = after.char_indices().nth(chars).map_or(after.len(), |(index, _)| index);
    slice(after, 0, end)
}

/// Whether a character belongs to a script that is written without blanks between words.
pub(crate) fn is_cjk(letter: char) -> bool {
    matches!(letter, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}')
}

/// Whether a character is part of a word whose ends are seen.
pub(crate) fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() && !is_cjk(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_counted_in_characters() {
        let text = "对美国出口gallium";
        assert_eq!(text_before(text, 0, 9, 2), "美国");
        assert_eq!(text_before(text, 6, 9, 2), "国");
        assert_eq!(text_after(text, 9, text.len(), 3), "出口g");
        assert_eq!(Span::new(0, 3).distance(Span::new(9, 15), text), 2);
        assert_eq!(Span::new(9, 15).distance(Span::new(0, 3), text), 2);
    }

    #[test]
    fn a_span_outside_the_text_is_empty() {
        assert_eq!(Span::new(1, 2).of("国"), "");
        assert_eq!(Span::new(5, 9).of("abc"), "");
    }
}
