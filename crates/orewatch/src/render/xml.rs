//! Text in XML.
use orewatch_contracts::text::without_hidden;

/// A text in one line for XML: what is markup is escaped, and characters that XML or readers cannot have are
/// spaces.
pub(super) fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in without_hidden(text, false).chars() {
        match letter {
            '&' => shown.push_str("&amp;"),
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '"' => shown.push_str("&quot;"),
            // Not even escaped are these part of XML.
            '\u{fffe}' | '\u{ffff}' => shown.push(' '),
            other => shown.push(other),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_escaped_and_hidden_characters_are_spaces() {
        assert_eq!(escaped("a<b>&\"\u{1b}\n\u{ffff}é"), "a&lt;b&gt;&amp;&quot;   é");
    }
}
