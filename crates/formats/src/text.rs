//! Small questions about the texts of cells and headers that readers of several publishers ask.

/// A code without the decimals that programs append where a column of numbers has gaps: `842.0` is `842`.
pub(super) fn without_decimals(text: &str) -> &str {
    text.strip_suffix(".0").unwrap_or(text)
}

/// Whether a text is digits alone, at least one.
pub(super) fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A column name in lower case by its letters and digits alone, so that blanks and underscores do not matter.
pub(super) fn letters_and_digits(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
}
