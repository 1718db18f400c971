//! The text of a document: what rules read, with the way back to the bytes of the document.

use std::ops::Range;

use crate::offsets::OffsetMap;
use crate::span::Span;

/// A text that was taken from a document.
///
/// Its content is normalised: Unicode NFC; one blank for any space; full-width forms as ASCII; straight
/// quotation marks and apostrophes; no soft hyphens, no characters of zero width and no marks of direction;
/// a paragraph per line. [`Text::source_of`] leads from any part of it to the bytes of the document.
///
/// ```
/// use orewatch_signals::{Description, read_documents};
///
/// let bytes = "Graphite&nbsp;&amp; lithium".as_bytes();
/// let description = Description { media_type: "text/html", ..Description::default() };
/// let documents = read_documents(bytes, &description).unwrap();
/// let text = &documents[0].text;
/// assert_eq!(text.content(), "Graphite & lithium");
/// let start = text.content().find("lithium").unwrap();
/// assert_eq!(&bytes[text.source_of(start..start + 7)], b"lithium");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Text {
    content: String,
    /// Maps in the order of the steps: the first leads to the bytes of the document.
    maps: Vec<OffsetMap>,
}

impl Text {
    /// A text that is its own source.
    pub(crate) fn from_decoded(content: String, map: OffsetMap) -> Self {
        Self { content, maps: vec![map] }
    }

    /// The text that a step made of this one.
    pub(crate) fn then(&self, (content, map): (String, OffsetMap)) -> Self {
        let mut maps = self.maps.clone();
        maps.push(map);
        Self { content, maps }
    }

    /// The normalised text.
    pub fn content(&self) -> &str {
        &self.content
    }

    /// The bytes of the document that a part of the text, in bytes, comes from.
    pub fn source_of(&self, part: Range<usize>) -> Range<usize> {
        self.maps.iter().rev().fold(part, |part, map| map.source_of(part))
    }

    /// The bytes of the document that a span of the text comes from.
    pub fn source_span(&self, span: Span) -> Span {
        let source = self.source_of(span.start..span.end);
        Span::new(source.start, source.end)
    }
}
