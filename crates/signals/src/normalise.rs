//! Normalises a text, so that rules meet one spelling of everything: the characters first, then the lines.

use icu_normalizer::ComposingNormalizerBorrowed;
use unicode_segmentation::UnicodeSegmentation;

use crate::language::Language;
use crate::offsets::OffsetMap;
use crate::rules::Rules;
use crate::span::is_cjk;

/// A line with fewer characters ends its paragraph: it is a headline, or the last line of one.
const MIN_WRAPPED_LINE: usize = 50;

/// Distance of a full-width form from its ASCII character.
const FULL_WIDTH: u32 = 0xfee0;

/// Normalises the characters: NFC, one spelling of spaces, quotation marks, apostrophes and full-width
/// forms, without characters that are not seen.
pub(crate) fn normalise_characters(source: &str) -> (String, OffsetMap) {
    let nfc = ComposingNormalizerBorrowed::new_nfc();
    let mut out = Writer::default();
    for (start, cluster) in source.grapheme_indices(true) {
        if nfc.is_normalized(cluster) {
            let characters = cluster.char_indices();
            characters.for_each(|(index, letter)| out.take(letter, start + index, letter.len_utf8()));
        } else {
            let composed: String = nfc.normalize(cluster).chars().filter_map(folded).collect();
            out.replace(&composed, start, cluster.len());
        }
    }
    (out.text, out.map)
}

/// How a character is written in normalised text. `None` if it is left out.
fn folded(letter: char) -> Option<char> {
    match letter {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(letter) - FULL_WIDTH),
        '\u{a0}' | '\u{2002}'..='\u{200a}' | '\u{202f}' | '\u{3000}' | '\t' => Some(' '),
        '\u{2018}' | '\u{2019}' | '\u{2bc}' => Some('\''),
        '“' | '”' | '„' | '«' | '»' | '「' | '」' | '『' | '』' => Some('"'),
        '\u{2028}' | '\u{2029}' | '\u{85}' => Some('\n'),
        '\u{ad}'
        | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}'
        | '\u{feff}' => None,
        '\n' => Some('\n'),
        letter if letter.is_control() => None,
        letter => Some(letter),
    }
}

/// A text with its map, as it is written.
#[derive(Default)]
struct Writer {
    text: String,
    map: OffsetMap,
}

impl Writer {
    /// Takes a character of the source as it is written in normalised text.
    fn take(&mut self, letter: char, start: usize, length: usize) {
        let Some(written) = folded(letter) else { return };
        self.text.push(written);
        if written == letter {
            self.map.push_verbatim(start..start + length);
        } else {
            self.map.push_replaced(written.len_utf8(), start..start + length);
        }
    }

    /// Writes something else in place of a piece of the source.
    fn replace(&mut self, written: &str, start: usize, length: usize) {
        self.text.push_str(written);
        self.map.push_replaced(written.len(), start..start + length);
    }
}

/// A line of the source without blanks at its ends.
#[derive(Clone, Copy)]
struct Line<'a> {
    content: &'a str,
    start: usize,
}

impl Line<'_> {
    fn end(&self) -> usize {
        self.start + self.content.len()
    }
}

/// Joins lines to paragraphs, a line each, and writes one blank for several.
///
/// A paragraph ends at an empty line, at a short line, and around a line that gives the day of publication.
pub(crate) fn join_lines(source: &str) -> (String, OffsetMap) {
    let mut out = Writer::default();
    let mut ended = true;
    let mut previous: Option<Line<'_>> = None;
    for line in lines(source) {
        if line.content.is_empty() {
            ended = true;
            continue;
        }
        let header = is_header(line.content);
        if let Some(before) = previous {
            let joint = joint(&out.text, ended || header);
            out.replace(joint, before.end(), line.start - before.end());
        }
        write_line(&mut out, line);
        ended = header || line.content.chars().count() < MIN_WRAPPED_LINE;
        previous = Some(line);
    }
    (out.text, out.map)
}

/// What stands between a line and the text in front of it.
fn joint(before: &str, paragraph: bool) -> &'static str {
    match before.chars().next_back() {
        _ if paragraph => "\n",
        Some(letter) if is_cjk(letter) => "",
        _ => " ",
    }
}

fn lines(source: &str) -> impl Iterator<Item = Line<'_>> {
    let mut position = 0;
    source.split('\n').map(move |line| {
        let start = position + line.len() - line.trim_start_matches(' ').len();
        position += line.len() + 1;
        Line { content: line.trim_matches(' '), start: start.min(position - 1) }
    })
}

fn write_line(out: &mut Writer, line: Line<'_>) {
    let mut blank = false;
    for (index, letter) in line.content.char_indices() {
        let is_blank = letter == ' ';
        if !(is_blank && blank) {
            out.text.push(letter);
            let start = line.start + index;
            out.map.push_verbatim(start..start + letter.len_utf8());
        }
        blank = is_blank;
    }
}

/// Whether a line gives the day of publication, as web pages do.
fn is_header(line: &str) -> bool {
    Rules::of(Language::English).patterns("header").iter().any(|pattern| pattern.regex.is_match(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_are_folded_and_lead_back() {
        let source = "７０％ des\u{a0}cafe\u{301}s\u{202e}";
        let (text, map) = normalise_characters(source);
        assert_eq!(text, "70% des cafés");
        let start = text.find('é').unwrap_or_default();
        let accent = map.source_of(start..start + 2);
        assert_eq!(source.get(accent), Some("e\u{301}"));
        assert_eq!(source.get(map.source_of(0..3)), Some("７０％"));
    }

    #[test]
    fn wrapped_lines_are_one_paragraph() {
        let wrapped =
            "A line that is long enough to be one of a paragraph that was\nwrapped.  It\ngoes on.\n\n\nNext";
        let (text, map) = join_lines(wrapped);
        let expected =
            "A line that is long enough to be one of a paragraph that was wrapped. It\ngoes on.\nNext";
        assert_eq!(text, expected);
        let start = text.find("Next").unwrap_or_default();
        assert_eq!(wrapped.get(map.source_of(start..start + 4)), Some("Next"));
        let chinese = format!("{}\n下一行", "这是一行很长的文字".repeat(6));
        assert!(join_lines(&chinese).0.ends_with("文字下一行"));
    }
}
