//! The text of an HTML page: without tags, scripts, styles and comments, with entities as characters.
//!
//! The page is read as a sequence of tags and texts, as browsers split it; no tree is built, so that nested
//! elements cost nothing. Elements that begin a block begin a paragraph. Nothing is executed or fetched.

use html5gum::{DefaultEmitter, Span as TagSpan, Token, Tokenizer};

use crate::offsets::OffsetMap;
use crate::span::slice;

/// Elements whose content is no text of the page.
const SKIPPED: [&str; 10] =
    ["button", "iframe", "math", "noscript", "script", "select", "style", "svg", "template", "textarea"];

/// Elements within a paragraph. All others begin and end one.
const INLINE: [&str; 21] = [
    "a", "abbr", "b", "bdi", "bdo", "cite", "code", "em", "font", "i", "img", "mark", "q", "s", "small",
    "span", "strong", "sub", "sup", "u", "wbr",
];

/// Longest character reference, in bytes.
const MAX_REFERENCE: usize = 34;

/// A page as a text.
pub(crate) struct Page {
    /// The text, with the way back to the source.
    pub(crate) body: (String, OffsetMap),
    /// Content of the element `title`. Empty if there is none.
    pub(crate) title: String,
}

/// Reads the text of a page, or of a part of one.
pub(crate) fn read_page(source: &str) -> Page {
    let mut emitter = DefaultEmitter::<usize>::new_with_span();
    emitter.naively_switch_states(true);
    let mut reader = PageReader::new(source);
    // Reading from a text cannot fail.
    for token in Tokenizer::new_with_emitter(source, emitter).flatten() {
        reader.take(&token);
    }
    reader.take_text(source.len());
    Page { body: (reader.body, reader.map), title: reader.title }
}

struct PageReader<'a> {
    source: &'a str,
    body: String,
    map: OffsetMap,
    title: String,
    in_title: bool,
    /// Name of the element that is skipped, and how often it is open.
    skipping: Option<(Vec<u8>, usize)>,
    /// End of the last tag.
    position: usize,
}

impl<'a> PageReader<'a> {
    fn new(source: &'a str) -> Self {
        Self {
            source,
            body: String::new(),
            map: OffsetMap::default(),
            title: String::new(),
            in_title: false,
            skipping: None,
            position: 0,
        }
    }

    fn take(&mut self, token: &Token<usize>) {
        match token {
            Token::StartTag(tag) => {
                self.take_text(tag.span.start);
                self.open(&tag.name, tag.self_closing);
                self.end_tag(&tag.name, tag.span);
            }
            Token::EndTag(tag) => {
                self.take_text(tag.span.start);
                self.close(&tag.name);
                self.end_tag(&tag.name, tag.span);
            }
            Token::Comment(comment) => {
                self.take_text(comment.span.start);
                self.position = self.position.max(comment.span.end);
            }
            Token::Doctype(doctype) => {
                self.take_text(doctype.span.start);
                self.position = self.position.max(doctype.span.end);
            }
            Token::String(_) | Token::Error(_) => {}
        }
    }

    fn open(&mut self, name: &[u8], self_closing: bool) {
        if let Some((skipped, depth)) = &mut self.skipping {
            *depth += usize::from(skipped.as_slice() == name && !self_closing);
        } else if is_in(&SKIPPED, name) && !self_closing {
            self.skipping = Some((name.to_vec(), 1));
        } else {
            self.in_title = name == b"title";
        }
    }

    fn close(&mut self, name: &[u8]) {
        if let Some((skipped, depth)) = &mut self.skipping
            && skipped.as_slice() == name
        {
            *depth -= 1;
            if *depth == 0 {
                self.skipping = None;
            }
        }
        self.in_title = false;
    }

    /// Goes on behind a tag, in a new paragraph if the tag makes one.
    fn end_tag(&mut self, name: &[u8], span: TagSpan<usize>) {
        self.position = self.position.max(span.end);
        if self.skipping.is_none() && !is_in(&INLINE, name) {
            self.body.push_str("\n\n");
            self.map.push_replaced(2, span.start.min(self.position)..self.position);
        }
    }

    /// Takes the text up to the tag that begins at `end`, with character references as characters.
    fn take_text(&mut self, end: usize) {
        let start = self.position;
        self.position = self.position.max(end);
        if self.skipping.is_some() {
            return;
        }
        let text = slice(self.source, start, end);
        let mut next = 0;
        while let Some(found) = slice(text, next, text.len()).find('&') {
            let at = next + found;
            self.write_verbatim(slice(text, next, at), start + next);
            let length = reference_length(slice(text, at, text.len()));
            let reference = slice(text, at, at + length);
            let characters = if length > 1 { decoded(reference) } else { reference.to_owned() };
            self.write(&characters, start + at..start + at + length);
            next = at + length;
        }
        self.write_verbatim(slice(text, next, text.len()), start + next);
    }

    fn write(&mut self, text: &str, source: std::ops::Range<usize>) {
        if self.in_title {
            self.title.push_str(text);
            return;
        }
        self.body.push_str(text);
        self.map.push_replaced(text.len(), source);
    }

    /// Writes text as it is. A line break of the source is a blank of the page.
    fn write_verbatim(&mut self, text: &str, start: usize) {
        let text = text.replace(['\n', '\r', '\t'], " ");
        if self.in_title {
            self.title.push_str(&text);
            return;
        }
        self.map.push_verbatim(start..start + text.len());
        self.body.push_str(&text);
    }
}

/// Length of the character reference that a text begins with, from its ampersand on. 1 if there is none.
fn reference_length(text: &str) -> usize {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'#';
    let name = text.bytes().skip(1).take(MAX_REFERENCE).take_while(|byte| is_part(*byte)).count();
    let ends = name > 0 && text.as_bytes().get(name + 1) == Some(&b';');
    1 + name + usize::from(ends)
}

/// The characters of a piece of text with its character reference, as browsers read it.
fn decoded(piece: &str) -> String {
    let mut out = String::new();
    for token in Tokenizer::new(piece).flatten() {
        if let Token::String(text) = token {
            out.push_str(&String::from_utf8_lossy(&text));
        }
    }
    out
}

fn is_in(names: &[&str], name: &[u8]) -> bool {
    names.iter().any(|known| known.as_bytes() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(source: &str) -> String {
        read_page(source).body.0.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn tags_scripts_and_comments_are_no_text() {
        let page =
            "<title>T</title><style>p{}</style><p>Tin <b>and</b><!-- no --> <script>zinc()</script>lead</p>";
        assert_eq!(text(page), "Tin and lead");
        assert_eq!(read_page(page).title, "T");
        assert_eq!(text("<p>a<p>b<br>c"), "a b c");
    }

    #[test]
    fn character_references_lead_back_to_all_of_their_bytes() {
        let source = "<p>A&nbsp;&amp;&#46; B&copy C&nonsense; D&";
        let Page { body: (body, map), .. } = read_page(source);
        assert_eq!(body.trim(), "A\u{a0}&. B© C&nonsense; D&");
        let start = body.find('&').unwrap();
        assert_eq!(source.get(map.source_of(start..start + 1)), Some("&amp;"));
        let start = body.find('B').unwrap();
        assert_eq!(source.get(map.source_of(start..start + 1)), Some("B"));
    }

    #[test]
    fn unclosed_and_nested_markup_is_read_to_its_end() {
        assert_eq!(text(&"<div>".repeat(100_000)), "");
        assert_eq!(text("tin <svg><svg></svg> zinc </svg> lead"), "tin lead");
        assert_eq!(text("a < b"), "a < b");
    }
}
