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

/// An instant, to the second.
pub(crate) fn instant(seconds: i64) -> String {
    Timestamp::from_second(seconds).map(|instant| instant.to_string()).unwrap_or_default()
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
