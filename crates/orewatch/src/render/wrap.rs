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

/// Fields with their labels, labels padded to `width` characters, each wrapped to the width of the page.
/// Empty fields are left out. A field keeps its own line breaks.
pub(crate) fn labels(fields: &[(&str, String)], width: usize, page: usize) -> String {
    let filled = fields.iter().filter(|(_, value)| !value.is_empty());
    filled.map(|(label, value)| hanging(&format!("  {label:<width$} {value}\n"), page, width + 3)).collect()
}

/// Wraps the lines that are longer than the page. Their further lines begin at `margin`. Shorter lines, and
/// the blanks at the beginning of a line, stay as they are.
pub(crate) fn hanging(text: &str, page: usize, margin: usize) -> String {
    text.lines().map(|line| hanging_line(line, page, margin)).collect()
}

fn hanging_line(line: &str, page: usize, margin: usize) -> String {
    let mut lines = String::new();
    let mut current = String::new();
    let mut has_word = false;
    for piece in line.split_inclusive(' ') {
        let length = current.chars().count() + piece.trim_end().chars().count();
        if has_word && !piece.trim().is_empty() && length > page {
            lines.push_str(&format!("{}\n", current.trim_end()));
            current = " ".repeat(margin);
            has_word = false;
        }
        current.push_str(piece);
        has_word |= !piece.trim().is_empty();
    }
    format!("{lines}{}\n", current.trim_end())
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
    fn long_lines_hang_below_their_beginning() {
        let text = "  now    fired  a b c d\n  then   x\n";
        assert_eq!(hanging(text, 40, 4), text);
        assert_eq!(hanging(text, 19, 4), "  now    fired  a b\n    c d\n  then   x\n");
        assert_eq!(hanging("  unbreakable\n", 5, 4), "  unbreakable\n");
        let fields = [("state", "one two three".to_owned()), ("empty", String::new())];
        assert_eq!(labels(&fields, 6, 16), "  state  one two\n         three\n");
    }

    #[test]
    fn text_stands_beside_its_label() {
        assert_eq!(labelled("a", "one two three", 12, 5), "  a  one two\n     three\n");
        assert_eq!(labelled("a", "", 12, 5), "");
    }
}
