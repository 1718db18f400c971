//! Text for people: enumeration values, counts, timestamps, and names of economies and materials.

use orewatch_catalog::material;
use orewatch_contracts::common::v1::By;
use orewatch_contracts::figure::number;
use orewatch_measures::Measure;
pub(crate) use orewatch_query::names::economy_name;
pub(crate) use orewatch_query::{instant, minute_text, time_text};

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

/// Name of a material in lower case. An unknown identifier is returned as it is.
pub(crate) fn material_name(id: &str) -> String {
    material(id).map_or_else(|_| id.to_owned(), |material| material.name.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_have_short_identifiers() {
        assert_eq!(short_uuid("0198c0de-0000-7000-8000-000000000000"), "0198c0de-0000");
        assert_eq!(short_uuid("g7-china-rare-earths"), "g7-china-rare-earths");
    }
}
