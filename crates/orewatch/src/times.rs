//! Lengths of time and points in time as people write them: `48h`, `7d`, `1week`, `2026-12-06`.
use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp, ToSpan as _};
use orewatch_contracts::{Class, Failure};

/// How a duration is written.
const DURATION_FORM: &str = "write a duration such as 48h, 7d or 2w";

/// How an end is written.
const END_FORM: &str = "write a time such as 2026-12-06T18:00:00Z, a day such as 2026-12-06, or a duration \
     such as 48h, 7d or 2w";

/// Reads a duration: hours and less, days of 24 hours, and weeks. `None` for months and years, which have no
/// fixed length, and for other text.
pub(crate) fn duration(text: &str) -> Option<SignedDuration> {
    let span: Span = text.trim().parse().ok()?;
    span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()
}

/// Reads a duration that is longer than zero, as an argument.
pub(crate) fn positive_duration(text: &str) -> Result<SignedDuration, &'static str> {
    duration(text).filter(|length| length.is_positive()).ok_or(DURATION_FORM)
}

/// Reads the beginning of something: a time, or a day, which is its beginning in UTC.
pub(crate) fn start(text: &str) -> Result<Timestamp, &'static str> {
    let form = "write a time such as 2026-12-06T18:00:00Z, or a day such as 2026-12-06";
    let text = text.trim();
    text.parse().ok().or_else(|| beginning(text.parse().ok()?)).ok_or(form)
}

/// The beginning of a day in UTC.
pub(crate) fn beginning(day: Date) -> Option<Timestamp> {
    TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).ok()
}

/// The end of something, as an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// A time. A day ends where the next one begins, in UTC.
    At(Timestamp),
    /// This long after the beginning.
    After(SignedDuration),
}

impl FromStr for End {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let day = || beginning(text.parse::<Date>().ok()?.checked_add(1.day()).ok()?);
        let time = text.parse().ok().or_else(day).map(Self::At);
        let after = || positive_duration(text).ok().map(Self::After);
        time.or_else(after).ok_or(END_FORM)
    }
}

impl End {
    /// The time of the end of what begins at `start`. `field` is the argument.
    ///
    /// # Errors
    /// The end is beyond the calendar.
    pub(crate) fn from_start(self, start: Timestamp, field: &str) -> Result<Timestamp, Failure> {
        match self {
            Self::At(time) => Ok(time),
            Self::After(length) => start.checked_add(length).map_err(|_| {
                let message = "the end would be after the last date of the calendar";
                Failure::new(Class::Invalid, "out-of-range", message).at(field, length.to_string())
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(text: &str) -> Option<String> {
        let start: Timestamp = "2026-11-30T10:00:00Z".parse().unwrap();
        Some(text.parse::<End>().ok()?.from_start(start, "until").unwrap().to_string())
    }

    #[test]
    fn an_end_is_a_time_a_day_or_a_duration() {
        for (text, end) in [
            ("48h", "2026-12-02T10:00:00Z"),
            ("7d", "2026-12-07T10:00:00Z"),
            ("1week", "2026-12-07T10:00:00Z"),
            ("2w", "2026-12-14T10:00:00Z"),
            ("1d 12h", "2026-12-01T22:00:00Z"),
            ("2026-12-06", "2026-12-07T00:00:00Z"),
            ("2026-12-06T18:00:00Z", "2026-12-06T18:00:00Z"),
        ] {
            assert_eq!(ends(text).as_deref(), Some(end), "{text}");
        }
        for wrong in ["", "soon", "7", "-7d", "0h", "1month", "2026-13-01"] {
            assert_eq!(wrong.parse::<End>(), Err(END_FORM), "{wrong}");
        }
        assert_eq!(positive_duration("7 days"), Ok(SignedDuration::from_hours(168)));
        assert_eq!(positive_duration("tomorrow"), Err(DURATION_FORM));
    }

    #[test]
    fn a_day_begins_and_ends_at_midnight_in_utc() {
        assert_eq!(start("2026-12-06").unwrap().to_string(), "2026-12-06T00:00:00Z");
        assert!(start("7d").is_err());
    }

    #[test]
    fn an_end_beyond_the_calendar_is_refused() {
        let far = End::After(SignedDuration::MAX);
        assert_eq!(far.from_start(Timestamp::UNIX_EPOCH, "lasts").unwrap_err().field, "lasts");
    }
}
