//! Conversions between times and durations of the contracts and those that code computes with.
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// Converts an instant of the contracts. `None`: it lies outside of the years -9999 to 9999.
#[must_use]
pub fn instant(time: &prost_types::Timestamp) -> Option<Timestamp> {
    Timestamp::new(time.seconds, time.nanos).ok()
}

/// Converts an instant to the contracts, where nanoseconds count forwards also before 1970.
#[must_use]
pub fn timestamp(time: Timestamp) -> prost_types::Timestamp {
    let nanos = time.subsec_nanosecond();
    let borrow = i64::from(nanos < 0);
    let nanos = if nanos < 0 { nanos + 1_000_000_000 } else { nanos };
    prost_types::Timestamp { seconds: time.as_second() - borrow, nanos }
}

/// The instant `by` after another. Saturates at the end of the year 9999.
#[must_use]
pub fn later(time: Timestamp, by: Duration) -> Timestamp {
    let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
    time.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// Converts a duration of the contracts. `None`: it is negative, or its parts are out of range.
///
/// The conversion that comes with the type negates the seconds, which overflows for the least of all numbers,
/// and messages can hold any.
#[must_use]
pub fn duration(proto: &prost_types::Duration) -> Option<Duration> {
    let seconds = u64::try_from(proto.seconds).ok()?;
    let nanos = u32::try_from(proto.nanos).ok().filter(|nanos| *nanos < 1_000_000_000)?;
    Some(Duration::new(seconds, nanos))
}

/// A duration as messages to users name it, such as `90s` or `-1s 5ns`: the numbers as they came, in range
/// or not.
///
/// `Display` of the type itself negates the seconds, which overflows for the least of all numbers.
#[must_use]
pub fn display_duration(proto: &prost_types::Duration) -> String {
    match proto.nanos {
        0 => format!("{}s", proto.seconds),
        nanos => format!("{}s {nanos}ns", proto.seconds),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_before_1970_stays_within_the_contracts() {
        for text in [
            "1969-07-20T23:59:59.999999999Z",
            "1969-07-20T20:17:40Z",
            "1970-01-01T00:00:00Z",
            "2026-01-02T03:04:05.25Z",
        ] {
            let time: Timestamp = text.parse().unwrap();
            let written = timestamp(time);
            assert!((0..1_000_000_000).contains(&written.nanos), "{text}: {written:?}");
            assert_eq!(instant(&written), Some(time), "{text}");
        }
        let written = timestamp("1969-07-20T23:59:59.999999999Z".parse().unwrap());
        assert_eq!((written.seconds, written.nanos), (-14_169_601, 999_999_999));
    }

    #[test]
    fn any_numbers_are_a_duration_or_none() {
        let read = |seconds, nanos| duration(&prost_types::Duration { seconds, nanos });
        assert_eq!(read(90, 500_000_000), Some(Duration::from_millis(90_500)));
        assert_eq!(read(i64::MAX, 999_999_999), Some(Duration::new(i64::MAX.unsigned_abs(), 999_999_999)));
        for (seconds, nanos) in
            [(i64::MIN, 0), (-1, 0), (0, -1), (0, 1_000_000_000), (i64::MIN, i32::MIN), (i64::MAX, i32::MAX)]
        {
            assert_eq!(read(seconds, nanos), None, "{seconds} {nanos}");
        }
    }

    #[test]
    fn any_numbers_are_displayed() {
        let shown = |seconds, nanos| display_duration(&prost_types::Duration { seconds, nanos });
        assert_eq!(shown(90, 0), "90s");
        assert_eq!(shown(i64::MIN, i32::MIN), "-9223372036854775808s -2147483648ns");
    }
}
