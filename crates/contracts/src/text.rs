//! Hidden characters: those that a text for people does not need, and that act on whatever shows them.
//!
//! A terminal obeys escape sequences, a log takes a line break for the next entry, and marks of direction
//! make one text read like another. Requests with such characters are refused; where older logs hold them
//! they are shown escaped.
use std::borrow::Cow;

/// Whether a character acts instead of showing: a control character, a separator of lines or paragraphs, one
/// that reverses the direction of what follows, or an invisible one, with which two different texts look the
/// same. Joiners and marks of direction that scripts need are not hidden.
#[must_use]
pub fn is_hidden(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        || matches!(
            letter,
            '\u{ad}'
                | '\u{34f}'
                | '\u{115f}'
                | '\u{1160}'
                | '\u{180e}'
                | '\u{200b}'
                | '\u{2060}'..='\u{2065}'
                | '\u{206a}'..='\u{206f}'
                | '\u{3164}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// The first hidden character of a text. With `has_lines`, line feeds and tabs are allowed.
#[must_use]
pub fn first_hidden(text: &str, has_lines: bool) -> Option<char> {
    // Nearly all texts have none of these bytes, which are faster to look for than characters.
    let is_suspect =
        |byte: &u8| byte.is_ascii_control() || matches!(byte, 0xc2 | 0xcd | 0xe1..=0xe3 | 0xef | 0xf3);
    if !text.as_bytes().iter().any(is_suspect) {
        return None;
    }
    text.chars().find(|letter| is_hidden(*letter) && !(has_lines && matches!(letter, '\n' | '\t')))
}

/// Replaces hidden characters by spaces, for mail, chat and other text for people. With `has_lines`, line
/// feeds and tabs stay.
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
    fn hidden_characters_are_told_from_visible_ones() {
        for plain in [
            "",
            "China's share",
            "données",
            "中国 95 %",
            "\u{200f}שלום",
            "a\u{a0}b",
            "€ … ▁█",
            "می\u{200c}خواهم",
        ] {
            assert_eq!(first_hidden(plain, false), None, "{plain}");
        }
        for hidden in [
            '\0',
            '\u{1b}',
            '\r',
            '\n',
            '\t',
            '\u{7f}',
            '\u{9b}',
            '\u{85}',
            '\u{2028}',
            '\u{202e}',
            '\u{2066}',
            '\u{ad}',
            '\u{200b}',
            '\u{2060}',
            '\u{feff}',
            '\u{3164}',
            '\u{fffa}',
            '\u{e0041}',
        ] {
            assert_eq!(first_hidden(&format!("a{hidden}b"), false), Some(hidden));
        }
        assert_eq!(first_hidden("one\n\ttwo", true), None);
        assert_eq!(without_hidden("one\n\u{1b}[2Jtwo\0", true), "one\n [2Jtwo ");
        assert_eq!(without_hidden("one\ntwo", false), "one two");
        assert_eq!(first_hidden("one\r\ntwo", true), Some('\r'));
    }
}
