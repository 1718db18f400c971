//! The failure for a policy that makes no sense.
use orewatch_contracts::{Class, Failure};

/// A [`Class::Invalid`] failure at a field of the policy.
pub(super) fn invalid_policy(
    field: impl Into<String>,
    value: impl AsRef<str>,
    message: impl Into<String>,
) -> Failure {
    Failure::new(Class::Invalid, "invalid-policy", message).at(field, value)
}
