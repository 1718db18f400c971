//! Instants as text, in UTC.
use jiff::Timestamp;

/// Timestamp in UTC, to the second. One outside the calendar is shown as a number of seconds.
#[must_use]
pub fn instant(seconds: i64) -> String {
    let shown = Timestamp::from_second(seconds).map(|instant| instant.to_string());
    shown.unwrap_or_else(|_| format!("{seconds} s since 1970"))
}

/// A time in UTC, to the second. Empty if there is none.
#[must_use]
pub fn time_text(time: Option<prost_types::Timestamp>) -> String {
    time.map(|time| instant(time.seconds)).unwrap_or_default()
}

/// A time in UTC, to the minute: `2026-12-06 18:00`. Empty if there is none.
#[must_use]
pub fn minute_text(time: Option<prost_types::Timestamp>) -> String {
    let text = time_text(time);
    match text.strip_suffix('Z').and_then(|text| text.split_once('T')) {
        Some((day, clock)) => format!("{day} {}", clock.chars().take("18:00".len()).collect::<String>()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn every_number_of_seconds_is_shown(seconds: i64) {
            proptest::prop_assert!(!instant(seconds).is_empty());
        }
    }

    #[test]
    fn a_time_is_shown_in_the_calendar_if_it_has_it() {
        assert_eq!(instant(0), "1970-01-01T00:00:00Z");
        assert_eq!(instant(253_600_000_000), "253600000000 s since 1970");
        assert_eq!(instant(i64::MIN), "-9223372036854775808 s since 1970");
        assert_eq!(
            minute_text(Some(prost_types::Timestamp { seconds: 3_661, nanos: 0 })),
            "1970-01-01 01:01"
        );
        assert_eq!(minute_text(None), "");
    }
}
