//! Lengths of time as people write them.
use jiff::{SpanRelativeTo, Unit};
use orewatch_contracts::{Class, Failure};

/// A failure about a text that is not a length of time.
pub(super) fn invalid_duration(field: &str, text: &str) -> Failure {
    let wrong = Failure::new(Class::Invalid, "invalid-duration", format!("{text:?} is not a duration"));
    wrong.at(field, text).with_hint("write a number with `s`, `m`, `h`, `d` or `w`, such as `30d`")
}

/// Parses a duration such as `30d` into whole seconds. Months and years have no fixed length and are refused.
pub fn parse_seconds(text: &str) -> Option<u64> {
    let span: jiff::Span = text.trim().parse().ok()?;
    let total = span.total((Unit::Second, SpanRelativeTo::days_are_24_hours())).ok()?;
    let whole = span.round(jiff::SpanRound::new().largest(Unit::Second).days_are_24_hours()).ok()?;
    (total >= 0.0).then(|| u64::try_from(whole.get_seconds()).ok()).flatten()
}
