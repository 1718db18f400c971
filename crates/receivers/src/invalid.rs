//! The failure of a receiver that cannot be stored or used as it is written.
use orewatch_contracts::{Class, Failure};

/// A failure about one field of a receiver: what is wrong with its value, and what to do.
#[must_use]
pub fn invalid_receiver(
    field: &str,
    value: impl AsRef<str>,
    message: impl Into<String>,
    hint: impl Into<String>,
) -> Failure {
    Failure::new(Class::Invalid, "invalid-receiver", message).at(field, value).with_hint(hint)
}
