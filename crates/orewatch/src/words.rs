//! Words for people: names of economies and materials, of enumerations, instants.

use jiff::Timestamp;
use orewatch_catalog::{Consumer, OTHER, material};
use orewatch_contracts::common::v1::By;
use orewatch_measures::Measure;

/// A value of a protobuf enumeration as a word: `ALERT_STATE_FIRING` without its prefix is `firing`.
pub(crate) fn word(name: &str, prefix: &str) -> String {
    name.strip_prefix(prefix).unwrap_or(name).to_lowercase().replace('_', "-")
}

/// What flows are weighed by, as a word.
pub(crate) fn by_word(by: By) -> &'static str {
    match by {
        By::Unspecified | By::Quantity => "quantity",
        By::Value => "value",
    }
}

/// So many of something: `1 message`, `2 messages`.
pub(crate) fn counted(count: usize, what: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {what}{ending}")
}

/// An instant, to the second. One that no calendar has is shown as what it is.
pub(crate) fn instant(seconds: i64) -> String {
    let shown = Timestamp::from_second(seconds).map(|instant| instant.to_string());
    shown.unwrap_or_else(|_| format!("{seconds} s from 1970 on"))
}

/// Unit of a measure, whatever its version; of an unknown one none.
pub(crate) fn unit_of(measure: &str) -> &'static str {
    let name = measure.split('/').next().unwrap_or_default();
    name.parse::<Measure>().map_or("", |measure| measure.method().unit)
}

/// Name of a consumer or supplier; an unknown code is its own name.
pub(crate) fn name_of(code: &str) -> &str {
    match code.parse::<Consumer>() {
        Ok(consumer) => consumer.name(),
        Err(_) if code == OTHER => "Other economies",
        Err(_) => code,
    }
}

/// Name of a material, in small letters; an unknown one is its own name.
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
    fn a_time_is_shown_in_the_calendar_if_it_has_it() {
        assert_eq!(instant(0), "1970-01-01T00:00:00Z");
        assert_eq!(instant(253_600_000_000), "253600000000 s from 1970 on");
        assert_eq!(instant(i64::MIN), "-9223372036854775808 s from 1970 on");
    }
}
