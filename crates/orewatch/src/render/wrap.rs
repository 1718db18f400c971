//! Wraps text.

/// Wraps text into lines of at most `width` characters, each after the same margin. Words are never broken.
pub(crate) fn wrap(text: &str, width: usize, margin: &str) -> String {
    let mut lines = String::new();
    let mut line = String::new();
    for word in text.split([' ', '\n']).filter(|word| !word.is_empty()) {
        if !line.is_empty() && margin.len() + line.chars().count() + 1 + word.chars().count() > width {
            lines.push_str(&format!("{margin}{line}\n"));
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if line.is_empty() { lines } else { format!("{lines}{margin}{line}\n") }
}

/// Wraps text beside a label, with all lines aligned at `margin`: `  source    text`. Empty if the text is
/// empty.
pub(crate) fn labelled(label: &str, text: &str, width: usize, margin: usize) -> String {
    let wrapped = wrap(text, width, &" ".repeat(margin));
    let head = format!("  {label}");
    let rest: String = wrapped.chars().skip(head.chars().count().min(margin)).collect();
    if wrapped.is_empty() { wrapped } else { format!("{head}{rest}") }
}

/// Fields with their labels, one per line, labels padded to `width` characters. Empty fields are left out.
pub(crate) fn labels(fields: &[(&str, String)], width: usize) -> String {
    let filled = fields.iter().filter(|(_, value)| !value.is_empty());
    filled.map(|(label, value)| format!("  {label:<width$} {value}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words() {
        assert_eq!(wrap("one two three", 9, "  "), "  one two\n  three\n");
        assert_eq!(wrap("", 9, "  "), "");
    }

    #[test]
    fn text_stands_beside_its_label() {
        assert_eq!(labelled("a", "one two three", 12, 5), "  a  one two\n     three\n");
        assert_eq!(labelled("a", "", 12, 5), "");
    }
}
