//! Text for people: enumeration values, counts, timestamps, and names of economies and materials.

use jiff::Timestamp;
use orewatch_catalog::{Consumer, OTHER, material};
use orewatch_contracts::common::v1::By;
use orewatch_contracts::figure::number;
use orewatch_measures::Measure;

/// Value of a protobuf enumeration as a word: `ALERT_STATE_FIRING` without its prefix is `firing`.
pub(crate) fn enum_word(name: &str, prefix: &str) -> String {
    name.strip_prefix(prefix).unwrap_or(name).to_lowercase().replace('_', "-")
}

/// The quantity that flows are weighted by, as a word.
pub(crate) fn by_word(by: By) -> &'static str {
    match by {
        By::Unspecified | By::Quantity => "quantity",
        By::Value => "value",
    }
}

/// A count with its noun: `1 message`, `2 messages`.
pub(crate) fn count_text(count: usize, what: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {what}{ending}")
}

/// Timestamp in UTC, to the second. One outside the calendar is shown as a number of seconds.
pub(crate) fn instant(seconds: i64) -> String {
    let shown = Timestamp::from_second(seconds).map(|instant| instant.to_string());
    shown.unwrap_or_else(|_| format!("{seconds} s since 1970"))
}

/// A time in UTC, to the second. Empty if there is none.
pub(crate) fn time_text(time: Option<prost_types::Timestamp>) -> String {
    time.map(|time| instant(time.seconds)).unwrap_or_default()
}

/// A time in UTC, to the minute: `2026-12-06 18:00`. Empty if there is none.
pub(crate) fn minute_text(time: Option<prost_types::Timestamp>) -> String {
    let text = time_text(time);
    match text.strip_suffix('Z').and_then(|text| text.split_once('T')) {
        Some((day, clock)) => format!("{day} {}", clock.chars().take("18:00".len()).collect::<String>()),
        None => text,
    }
}

/// Length of a shortened identifier: up to the end of its second group.
const SHORT_UUID_LENGTH: usize = "0198c0de-0000".len();

/// An identifier for tables: the beginning of a UUID, which commands accept where only one begins like it.
/// Other identifiers stay whole.
pub(crate) fn short_uuid(id: &str) -> String {
    let is_uuid = id.len() == 36 && id.bytes().filter(|byte| *byte == b'-').count() == 4;
    if is_uuid { id.chars().take(SHORT_UUID_LENGTH).collect() } else { id.to_owned() }
}

/// A count with its thousands separated.
pub(crate) fn grouped(count: u64) -> String {
    u32::try_from(count).map_or_else(|_| count.to_string(), |count| number(f64::from(count), 0))
}

/// Unit of a measure, with or without its version. Empty for an unknown measure.
pub(crate) fn measure_unit(measure: &str) -> &'static str {
    let name = measure.split('/').next().unwrap_or_default();
    name.parse::<Measure>().map_or("", |measure| measure.method().unit)
}

/// Name of a consumer or supplier. An unknown code is returned as it is.
pub(crate) fn economy_name(code: &str) -> &str {
    match code.parse::<Consumer>() {
        Ok(consumer) => consumer.name(),
        Err(_) if code == OTHER => "Other economies",
        Err(_) => code,
    }
}

/// Name of a material in lower case. An unknown identifier is returned as it is.
pub(crate) fn material_name(id: &str) -> String {
    material(id).map_or_else(|_| id.to_owned(), |material| material.name.to_lowercase())
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
    fn tables_have_short_times_and_identifiers() {
        let time = prost_types::Timestamp { seconds: 3_661, nanos: 0 };
        assert_eq!(minute_text(Some(time)), "1970-01-01 01:01");
        assert_eq!(minute_text(None), "");
        assert_eq!(short_uuid("0198c0de-0000-7000-8000-000000000000"), "0198c0de-0000");
        assert_eq!(short_uuid("g7-china-rare-earths"), "g7-china-rare-earths");
    }

    #[test]
    fn a_time_is_shown_in_the_calendar_if_it_has_it() {
        assert_eq!(instant(0), "1970-01-01T00:00:00Z");
        assert_eq!(instant(253_600_000_000), "253600000000 s since 1970");
        assert_eq!(instant(i64::MIN), "-9223372036854775808 s since 1970");
    }
}
