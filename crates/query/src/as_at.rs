//! `--as-at`: the point of knowledge of a query.
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use orewatch_contracts::common::v1::AsAt;
use orewatch_contracts::common::v1::as_at::At;
use orewatch_contracts::time::timestamp;
use orewatch_contracts::{Class, Failure};

/// Help of `--as-at`.
pub const HELP: &str = "Use what was known then: a release (its identifier, or its vintage: the \
     publisher's name for the edition), a time (2026-01-31T12:00:00Z), a day (its end, UTC), or @POSITION of \
     the observations log";

/// Reads `--as-at`.
///
/// # Errors
/// [`Class::Invalid`] for a position that is not a number, and for an empty text.
pub fn parse(text: Option<&str>) -> Result<Option<AsAt>, Failure> {
    parse_named("as-at", text)
}

/// Reads a point of knowledge that is given with another option.
///
/// # Errors
/// As [`parse`].
pub fn parse_named(option: &str, text: Option<&str>) -> Result<Option<AsAt>, Failure> {
    let Some(text) = text.map(str::trim) else { return Ok(None) };
    let invalid = |text: &str| invalid(option, text);
    let at = if let Some(position) = text.strip_prefix('@') {
        At::Position(position.parse().map_err(|_| invalid(text))?)
    } else if let Ok(instant) = text.parse::<Timestamp>() {
        At::Time(timestamp(instant))
    } else if let Some(day) = day(text) {
        At::Time(timestamp(end_of(day).ok_or_else(|| invalid(text))?))
    } else if text.is_empty() {
        return Err(invalid(text));
    } else {
        At::Release(text.to_owned())
    };
    Ok(Some(AsAt { at: Some(at) }))
}

/// Reads a day written with dashes. Digits alone, such as `202601`, are a vintage.
fn day(text: &str) -> Option<Date> {
    if text.contains('-') { text.parse().ok() } else { None }
}

fn end_of(day: Date) -> Option<Timestamp> {
    let next = TimeZone::UTC.to_timestamp(day.checked_add(1.day()).ok()?.at(0, 0, 0, 0)).ok()?;
    next.checked_sub(1.nanosecond()).ok()
}

fn invalid(option: &str, text: &str) -> Failure {
    Failure::new(Class::Invalid, "invalid-as-at", "this is not a point in time or a release")
        .at(option, text)
        .with_hint("write a release or its vintage, a time (2026-01-31T12:00:00Z), a day, or @POSITION")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_a_position_an_instant_a_day_or_a_release() {
        let at = |text| parse(Some(text)).unwrap().unwrap().at.unwrap();
        assert_eq!(at("@17"), At::Position(17));
        assert_eq!(at("MCS2025"), At::Release("MCS2025".to_owned()));
        assert_eq!(at("202601"), At::Release("202601".to_owned()));
        assert_eq!(at("1970-01-01T00:00:05Z"), At::Time(prost_types::Timestamp { seconds: 5, nanos: 0 }));
        assert_eq!(
            at("1970-01-01"),
            At::Time(prost_types::Timestamp { seconds: 86_399, nanos: 999_999_999 })
        );
        assert_eq!(
            at("1969-07-20"),
            At::Time(prost_types::Timestamp { seconds: -14_169_601, nanos: 999_999_999 })
        );
        assert_eq!(parse(None).unwrap(), None);
        for wrong in ["@", "@-1", "@x", " "] {
            assert_eq!(parse(Some(wrong)).unwrap_err().field, "as-at");
        }
    }
}
