//! Escapes control characters and other hidden characters, so that text from data cannot act on a terminal or
//! mislead a reader.
use std::borrow::Cow;

use orewatch_contracts::text::is_hidden;

use super::style;

/// Escapes hidden characters as `\\u001b`. Line breaks and tabs stay, and so do our own colour codes if
/// `has_colour`. Escaped JSON still has the same value.
pub(crate) fn plain(text: &str, has_colour: bool) -> Cow<'_, str> {
    let must_escape = |letter: char| is_hidden(letter) && !matches!(letter, '\n' | '\t');
    if !text.contains(must_escape) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        if has_colour && let Some(code) = style::leading_code(rest) {
            shown.push_str(code);
            rest = rest.get(code.len()..).unwrap_or_default();
            continue;
        }
        if must_escape(letter) {
            shown.push_str(&format!("\\u{:04x}", u32::from(letter)));
        } else {
            shown.push(letter);
        }
        rest = rest.get(letter.len_utf8()..).unwrap_or_default();
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_are_escaped() {
        let title = "safe\u{1b}]0;owned\u{7}\u{1b}[8mhidden\r\u{9b}2J\u{202e}\0";
        let shown = "safe\\u001b]0;owned\\u0007\\u001b[8mhidden\\u000d\\u009b2J\\u202e\\u0000";
        assert_eq!(plain(title, false), shown);
        assert_eq!(plain(title, true), shown);
        assert_eq!(
            plain("two\nlines\tand ▁█ \u{1b}[1mbold\u{1b}[0m", true),
            "two\nlines\tand ▁█ \u{1b}[1mbold\u{1b}[0m"
        );
        assert_eq!(
            plain("\u{1b}[1mbold", false),
            "\\u001b[1mbold",
            "without colour, no code of ours is kept"
        );
    }

    #[test]
    fn escaped_json_has_the_same_value() {
        let value = serde_json::json!({"title": "a\u{9b}b\u{202e}c\u{7f}"});
        let text = serde_json::to_string(&value).unwrap();
        let shown = plain(&text, false);
        assert_ne!(shown, text);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
    }
}
