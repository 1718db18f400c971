//! Looks up what rules name: measures, weights, and codes of the catalogue.
use orewatch_catalog::{Consumer, Scheme, Stage, UnknownCode, material, resolve_economy};
use orewatch_contracts::Failure;
use orewatch_contracts::common::v1::By;
use orewatch_measures::{Measure, Method, Weight, methods};

use super::failure::{check_count, invalid};

/// Upper bound on the entries of a list of codes.
const MAX_CODES: usize = 500;

/// Parses the name of a measure.
pub(super) fn known_measure(text: &str, field: &str) -> Result<Measure, Failure> {
    text.parse().map_err(|error: orewatch_measures::UnknownMeasure| {
        let hint = error.suggestion.as_ref().map_or_else(
            || format!("use one of {}", methods().map(|method| method.name).collect::<Vec<_>>().join(", ")),
            |near| format!("did you mean {near}?"),
        );
        invalid("unknown-measure", format!("unknown measure {text:?}"), field, text).with_hint(hint)
    })
}

/// Weight of the flows: that of the rule or, if it sets none, the first weight of the measure.
pub(super) fn weighed_by(by: i32, method: &Method, field: &str) -> Result<By, Failure> {
    let only = || method.weights.first().copied().unwrap_or(Weight::Quantity);
    let weight = match By::try_from(by) {
        Ok(By::Unspecified) => only(),
        Ok(By::Quantity) => Weight::Quantity,
        Ok(By::Value) => Weight::Value,
        Err(_) => {
            let wrong =
                invalid("unknown-by", format!("{by} is not a weight of flows"), field, by.to_string());
            return Err(wrong.with_hint("use quantity or value"));
        }
    };
    if method.weights.contains(&weight) {
        return Ok(weight_by(weight).0);
    }
    let (_, other) = weight_by(weight);
    let (_, word) = weight_by(only());
    let message = format!("{} can only be weighed by {word}", method.name);
    Err(invalid("unknown-by", message, field, other).with_hint("leave `by` out"))
}

/// Contract value and name of a weight.
pub(super) fn weight_by(weight: Weight) -> (By, &'static str) {
    match weight {
        Weight::Quantity => (By::Quantity, "quantity"),
        Weight::Value => (By::Value, "value"),
    }
}

/// Checks lists of codes. Errors name fields of `parent`.
///
/// # Errors
/// [`Class::Invalid`](orewatch_contracts::Class::Invalid) for an unknown code, with a suggestion.
pub(crate) fn known_codes(
    parent: &str,
    consumers: &[String],
    materials: &[String],
    stages: &[String],
    suppliers: &[String],
) -> Result<(), Failure> {
    let consumer = |code: &str| code.parse().map(|consumer: Consumer| consumer.code());
    let economy = |code: &str| resolve_economy(Scheme::Iso3, code).map(|economy| economy.iso3);
    check_codes(&format!("{parent}.consumers"), consumers, consumer)?;
    check_codes(&format!("{parent}.materials"), materials, |id| material(id).map(|material| material.id))?;
    check_codes(&format!("{parent}.stages"), stages, |stage| stage.parse().map(Stage::as_str))?;
    check_codes(&format!("{parent}.suppliers"), suppliers, economy)
}

/// Checks the codes of a list, which must be spelled exactly as in the catalogue.
pub(super) fn check_codes(
    field: &str,
    codes: &[String],
    lookup: impl Fn(&str) -> Result<&'static str, UnknownCode>,
) -> Result<(), Failure> {
    check_count(field, codes.len(), MAX_CODES)?;
    let mut numbered = codes.iter().enumerate();
    numbered.try_for_each(|(k, code)| known_code(&format!("{field}[{k}]"), code, &lookup).map(drop))
}

/// Looks up a code, which must be spelled exactly as in the catalogue.
pub(super) fn known_code(
    field: &str,
    code: &str,
    lookup: impl Fn(&str) -> Result<&'static str, UnknownCode>,
) -> Result<&'static str, Failure> {
    match lookup(code) {
        Ok(known) if known == code => Ok(known),
        Ok(known) => {
            let message = format!("{code:?} is not how {known} is spelled");
            Err(invalid("unknown-code", message, field, code).with_hint(format!("did you mean {known}?")))
        }
        Err(error) => {
            Err(invalid(&error.code(), error.reason(), field, &error.value).with_hint(error.hint()))
        }
    }
}
