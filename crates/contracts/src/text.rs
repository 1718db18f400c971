//! Characters that no text for people needs, and that do something to whoever shows it.
//!
//! A terminal obeys escape sequences, a log takes a line break for the next entry, and marks that turn the direction of writing round
//! make a text read as another. Requests with such characters are refused; where older logs hold them, they are shown as what they
//! are.
use std::borrow::Cow;

/// Whether a character acts instead of showing: a control character, a separator of lines or paragraphs, or one that turns the
/// direction of what follows round.
#[must_use]
pub fn is_hidden(letter: char) -> bool {
    letter.is_control() || matches!(letter, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The first character of a text that cannot be shown as it is. Texts of several lines may have line feeds and tabs.
#[must_use]
pub fn first_hidden(text: &str, has_lines: bool) -> Option<char> {
    // Nearly all texts have none of these bytes, which are quicker to look for than characters.
    let is_suspect = |byte: &u8| byte.is_ascii_control() || matches!(byte, 0xc2 | 0xe2);
    if !text.as_bytes().iter().any(is_suspect) {
        return None;
    }
    text.chars().find(|letter| is_hidden(*letter) && !(has_lines && matches!(letter, '\n' | '\t')))
}

/// A text with spaces in the place of what cannot be shown, for mail, chat and other programs that people read.
#[must_use]
pub fn without_hidden(text: &str, has_lines: bool) -> Cow<'_, str> {
    if first_hidden(text, has_lines).is_none() {
        return Cow::Borrowed(text);
    }
    let stays = |letter: char| !is_hidden(letter) || has_lines && matches!(letter, '\n' | '\t');
    Cow::Owned(text.chars().map(|letter| if stays(letter) { letter } else { ' ' }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_is_told_from_what_shows() {
        for plain in ["", "China's share", "données", "中国 95 %", "\u{200f}שלום", "a\u{a0}b", "€ … ▁█"]
        {
            assert_eq!(first_hidden(plain, false), None, "{plain}");
        }
        for hidden in [
            '\0', '\u{1b}', '\r', '\n', '\t', '\u{7f}', '\u{9b}', '\u{85}', '\u{2028}', '\u{202e}',
            '\u{2066}',
        ] {
            assert_eq!(first_hidden(&format!("a{hidden}b"), false), Some(hidden));
        }
        assert_eq!(first_hidden("one\n\ttwo", true), None);
        assert_eq!(without_hidden("one\n\u{1b}[2Jtwo\0", true), "one\n [2Jtwo ");
        assert_eq!(without_hidden("one\ntwo", false), "one two");
        assert_eq!(first_hidden("one\r\ntwo", true), Some('\r'));
    }
}
