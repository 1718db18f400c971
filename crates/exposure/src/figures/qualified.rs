//! What is said of figures of trade whatever their formula: that product codes are not in them, and that most of the weights
//! are not known.

use std::collections::BTreeMap;

use orewatch_catalog::Consumer;
use orewatch_measures::{Estimate, Status, Weight};

use super::Figure;
use crate::scope::Scope;

const CODES_MISSING: &str = "some product codes of the market are not in the dataset that answers";
const FEW_WEIGHTS: &str =
    "weights are known for too little of the value of these imports to give a best estimate";

/// Least share of the value of a consumer's imports of which weights must be known for a best estimate by weight.
const LEAST_WEIGHED: f64 = 0.1;

/// What is to be said of a consumer's figures.
#[derive(Clone, Copy, Debug)]
struct Qualification {
    /// Share of the market's product codes that the datasets hold.
    held: f64,
    /// Weights are known for enough of the value.
    is_weighed: bool,
}

impl Qualification {
    fn of(scope: &Scope<'_>, code: &str) -> Self {
        let (accounts, consumer) = (scope.accounts(), code.parse().unwrap_or(Consumer::World));
        let weighed = accounts.weighed_share(consumer);
        Self {
            held: accounts.held_codes(consumer),
            is_weighed: weighed.is_none_or(|share| share >= LEAST_WEIGHED),
        }
    }

    fn apply(self, figure: &mut Figure) {
        let has_figure = matches!(figure.estimate.status, Status::Known | Status::Partial);
        if has_figure && self.held < 1.0 {
            let coverage = figure.estimate.coverage.map(|coverage| coverage * self.held);
            let reason =
                if figure.estimate.reason.is_empty() { CODES_MISSING } else { figure.estimate.reason };
            figure.estimate = Estimate { coverage, status: Status::Partial, reason, ..figure.estimate };
        }
        // What is so whatever the weights are, such as the share of an only supplier, stays.
        let is_open = figure.estimate.low != figure.estimate.high || figure.estimate.low.is_none();
        if has_figure && is_open && !self.is_weighed && figure.key.by == Weight::Quantity {
            figure.estimate =
                Estimate { value: None, status: Status::Partial, reason: FEW_WEIGHTS, ..figure.estimate };
            figure.names = [None; 3];
        }
    }
}

/// Qualifies figures of a market's trade.
pub(super) fn qualify(scope: &Scope<'_>, figures: &mut [Figure]) {
    if figures.is_empty() || scope.accounts().is_plain() {
        return;
    }
    let mut known = BTreeMap::new();
    for figure in figures {
        let code = figure.key.consumer;
        known.entry(code).or_insert_with(|| Qualification::of(scope, code)).apply(figure);
    }
}
