//! Reads the floor of a rule for the size of a market.
use orewatch_contracts::Failure;
use orewatch_contracts::alerting::v1::Rule;
use orewatch_measures::{Method, Table};

use super::failure::invalid;
use crate::floor::Floor;

/// Checks and returns the floor of a rule on a measure.
pub(super) fn read_floor(rule: &Rule, method: &Method) -> Result<Floor, Failure> {
    let (quantity, value) = (rule.min_quantity, rule.min_value);
    check_size("min_quantity", quantity, "tonnes")?;
    check_size("min_value", value, "thousands of US dollars")?;
    if let Some(value) = value.filter(|_| method.table == Table::Production) {
        let message = format!("{} is about output, which has no value", method.name);
        let wrong = invalid("unexpected-field", message, "min_value", value.to_string());
        return Err(wrong.with_hint("use `min_quantity`"));
    }
    Ok(Floor { quantity, value })
}

fn check_size(field: &str, size: Option<f64>, unit: &str) -> Result<(), Failure> {
    match size {
        Some(size) if !size.is_finite() || size <= 0.0 => {
            let message = format!("{size} is no size of a market");
            let wrong = invalid("out-of-range", message, field, size.to_string());
            Err(wrong.with_hint(format!("use a number above 0, in {unit}, or leave it out")))
        }
        _ => Ok(()),
    }
}
