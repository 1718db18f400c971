//! Failures about fields of rules, and the limits on their lengths.
use orewatch_contracts::{Class, Failure};

/// Upper bound on title, owner and label, in characters.
pub(crate) const MAX_LINE_CHARS: usize = 200;
/// Upper bound on a text, in characters.
pub(crate) const MAX_TEXT_CHARS: usize = 4000;

/// A failure about a field of a rule.
pub(super) fn invalid(
    code: &str,
    message: impl Into<String>,
    field: impl Into<String>,
    value: impl AsRef<str>,
) -> Failure {
    Failure::new(Class::Invalid, code, message).at(field, value)
}

/// Refuses a text with more than `max` characters.
pub(crate) fn check_length(field: &str, text: &str, max: usize) -> Result<(), Failure> {
    let length = text.chars().count();
    if length <= max {
        return Ok(());
    }
    Err(invalid("too-long", format!("{field} has {length} characters, the limit is {max}"), field, text))
}

/// Refuses more than `max` entries.
pub(super) fn check_count(field: &str, count: usize, max: usize) -> Result<(), Failure> {
    if count <= max {
        return Ok(());
    }
    let message = format!("{field} has {count} entries, the limit is {max}");
    Err(invalid("too-many", message, field, count.to_string()))
}
