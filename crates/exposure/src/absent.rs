//! Says which product codes are absent where a market has no trade at all. A share there is no data, and
//! never zero.

use orewatch_catalog::{HsRevision, Stage};
use orewatch_contracts::common::v1 as common;
use orewatch_contracts::exposure::v1::Exposure;
use orewatch_measures::Measure;

use crate::accounts::NO_TRADE;
use crate::book::codes_of_market;
use crate::figures::{NO_DATA, is_about_trade};

/// Adds the product codes of a market to an exposure that has no figure because no release has its trade.
pub(crate) fn name_absent_codes(exposure: &mut Exposure, measure: Measure, material: &str, stage: Stage) {
    let Some(estimate) = &mut exposure.estimate else { return };
    let is_absent = estimate.status() == common::Status::Unavailable
        && [NO_DATA, NO_TRADE].contains(&estimate.reason.as_str());
    if !is_absent || !is_about_trade(measure) {
        return;
    }
    let codes = codes_of_market(HsRevision::Hs22, material, stage);
    if codes.is_empty() {
        return;
    }
    estimate.reason = format!("{}: no rows of product codes {}", estimate.reason, codes.join(", "));
    exposure.missing_codes = codes.into_iter().map(str::to_owned).collect();
}
