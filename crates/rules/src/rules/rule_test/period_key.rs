//! Periods as keys in rule test files.
use orewatch_catalog::Period;
use orewatch_contracts::{Class, Failure};
use serde::Deserialize;

/// A period: a year may be written without quotes.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(untagged, expecting = "expected a period such as 2024 or 2024-03")]
pub(super) enum PeriodKey {
    Year(i16),
    Text(String),
}

impl PeriodKey {
    pub(super) fn period(&self, field: &str) -> Result<Period, Failure> {
        let text = match self {
            Self::Year(year) => year.to_string(),
            Self::Text(text) => text.clone(),
        };
        text.parse().map_err(|_| {
            invalid("invalid-period", format!("{text:?} is not a period"), field, &text)
                .with_hint("write a year such as 2024 or a month such as 2024-03")
        })
    }
}

/// A failure about a field of a rule test.
pub(super) fn invalid(code: &str, message: String, field: &str, value: &str) -> Failure {
    Failure::new(Class::Invalid, code, message).at(field, value)
}
