//! Truth values as text.
use super::Reject;

/// Reads a truth value; an empty text is false.
pub(super) fn flag(column: &str, text: &str) -> Result<bool, Reject> {
    match text {
        "" | "false" | "no" | "0" => Ok(false),
        "true" | "yes" | "1" => Ok(true),
        _ => Err(Reject::new("invalid-flag", column, text, "this is neither true nor false")
            .with_hint("write true or false")),
    }
}
