//! Between the service's words and those of the contracts.

use jiff::Timestamp;
use orewatch_contracts::common::v1 as common;
use orewatch_measures::{Estimate, Status, Weight};

use crate::book::Market;
use crate::figures::Figures;

/// An instant.
pub(crate) fn timestamp(time: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: time.as_second(), nanos: time.subsec_nanosecond() }
}

/// A market.
pub(crate) fn market(market: &Market) -> common::Market {
    common::Market {
        material: market.material.to_owned(),
        stage: market.stage.to_string(),
        period: market.period.to_string(),
    }
}

/// The releases that figures of a market rest on, each once, those of the first measures first.
pub(crate) fn releases(figures: &Figures<'_>) -> Vec<String> {
    let mut ids = Vec::new();
    for content in figures.releases.values().flatten() {
        if !ids.contains(&content.release.id) {
            ids.push(content.release.id.clone());
        }
    }
    ids
}

/// A status.
pub(crate) fn status(status: Status) -> common::Status {
    match status {
        Status::Known => common::Status::Known,
        Status::Partial => common::Status::Partial,
        Status::Withheld => common::Status::Withheld,
        Status::Unavailable => common::Status::Unavailable,
        Status::NotApplicable => common::Status::NotApplicable,
        Status::Stale => common::Status::Stale,
    }
}

/// A weight.
pub(crate) fn by(weight: Weight) -> common::By {
    match weight {
        Weight::Quantity => common::By::Quantity,
        Weight::Value => common::By::Value,
    }
}

/// A figure.
pub(crate) fn estimate(estimate: &Estimate) -> common::Estimate {
    common::Estimate {
        value: estimate.value,
        low: estimate.low,
        high: estimate.high,
        coverage: estimate.coverage,
        status: status(estimate.status).into(),
        reason: estimate.reason.to_owned(),
    }
}
