//! Points in time on the command line.
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use orewatch_contracts::common::v1::AsAt;
use orewatch_contracts::common::v1::as_at::At;
use orewatch_runtime::{Class, Failure};

/// Help of `--as-at`.
pub(crate) const AS_AT: &str = "What was known then: a release (its identifier or vintage), an instant (2026-01-31T12:00:00Z), a day (its end, \
     UTC), or @POSITION of the observations log";

/// Reads `--as-at`.
///
/// # Errors
/// [`Class::Invalid`] for a position that is no number.
pub(crate) fn as_at(text: Option<&str>) -> Result<Option<AsAt>, Failure> {
    let Some(text) = text.map(str::trim) else { return Ok(None) };
    let at = if let Some(position) = text.strip_prefix('@') {
        At::Position(position.parse().map_err(|_| wrong(text))?)
    } else if let Ok(instant) = text.parse::<Timestamp>() {
        At::Time(proto(instant))
    } else if let Some(day) = day(text) {
        At::Time(proto(end_of(day).ok_or_else(|| wrong(text))?))
    } else if text.is_empty() {
        return Err(wrong(text));
    } else {
        At::Release(text.to_owned())
    };
    Ok(Some(AsAt { at: Some(at) }))
}

/// `20260131` is a day to the calendar, but `202601` and its like are vintages: only dashes make a day here.
fn day(text: &str) -> Option<Date> {
    if text.contains('-') { text.parse().ok() } else { None }
}

fn end_of(day: Date) -> Option<Timestamp> {
    let next = TimeZone::UTC.to_timestamp(day.checked_add(1.day()).ok()?.at(0, 0, 0, 0)).ok()?;
    next.checked_sub(1.nanosecond()).ok()
}

fn proto(instant: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: instant.as_second(), nanos: instant.subsec_nanosecond() }
}

fn wrong(text: &str) -> Failure {
    Failure::new(Class::Invalid, "bad-as-at", "this is no point of knowledge")
        .at("as-at", text)
        .with_hint("write a release or its vintage, an instant (2026-01-31T12:00:00Z), a day, or @POSITION")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_a_position_an_instant_a_day_or_a_release() {
        let at = |text| as_at(Some(text)).unwrap().unwrap().at.unwrap();
        assert_eq!(at("@17"), At::Position(17));
        assert_eq!(at("MCS2025"), At::Release("MCS2025".to_owned()));
        assert_eq!(at("202601"), At::Release("202601".to_owned()));
        assert_eq!(at("1970-01-01T00:00:05Z"), At::Time(prost_types::Timestamp { seconds: 5, nanos: 0 }));
        assert_eq!(
            at("1970-01-01"),
            At::Time(prost_types::Timestamp { seconds: 86_399, nanos: 999_999_999 })
        );
        assert_eq!(as_at(None).unwrap(), None);
        for wrong in ["@", "@-1", "@x", " "] {
            assert_eq!(as_at(Some(wrong)).unwrap_err().field, "as-at");
        }
    }
}
