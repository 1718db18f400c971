//! Reads how firm published figures must be for an alert to be confirmed.
use orewatch_contracts::Failure;
use orewatch_contracts::alerting::v1::Rule;
use orewatch_contracts::common::v1::By;
use orewatch_contracts::exposure::v1 as exposure;
use orewatch_measures::{Firmness, Method};
use schemars::JsonSchema;
use serde::Deserialize;

use super::failure::invalid;
use crate::condition::{Condition, Criterion};
use crate::firmness::RequiredFirmness;

/// What an alert needs to be confirmed, beside the bounds of its figure. Without it the alert fires all the
/// same, and says that it is not confirmed.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Confirm {
    /// How firm published figures must be, by how much they were revised so far.
    revision: RevisionGrade,
}

/// How firm published figures are.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum RevisionGrade {
    /// Half of them were revised by less than 2 %.
    Firm,
    /// Half of them were revised by 5 % at most.
    Soft,
}

impl Confirm {
    pub(super) fn into_firmness(self) -> exposure::Firmness {
        match self.revision {
            RevisionGrade::Firm => exposure::Firmness::Firm,
            RevisionGrade::Soft => exposure::Firmness::Soft,
        }
    }
}

/// Checks and returns the firmness that a rule on a measure requires.
pub(super) fn read_firmness(
    rule: &Rule,
    method: &Method,
    by: By,
    condition: &Condition,
) -> Result<Option<RequiredFirmness>, Failure> {
    let field = "confirm.revision";
    let weakest = match exposure::Firmness::try_from(rule.confirm_revision) {
        Ok(exposure::Firmness::Unspecified) => return Ok(None),
        Ok(exposure::Firmness::Firm) => Firmness::Firm,
        Ok(exposure::Firmness::Soft) => Firmness::Soft,
        Ok(exposure::Firmness::Weak) | Err(_) => {
            let message = "published figures can only be required to be firm or soft";
            let wrong = invalid("out-of-range", message, field, rule.confirm_revision.to_string());
            return Err(wrong.with_hint("use firm or soft, or leave it out"));
        }
    };
    if matches!(condition.criterion, Criterion::Age { .. }) {
        let message = "the age of data does not depend on how much figures are revised";
        return Err(invalid("unexpected-field", message, field, "").with_hint("leave `confirm` out"));
    }
    Ok(Some(RequiredFirmness { weakest, table: method.table, by }))
}
