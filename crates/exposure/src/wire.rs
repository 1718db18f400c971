//! Between the service's words and those of the contracts.

use jiff::Timestamp;
use orewatch_contracts::common::v1 as common;
use orewatch_contracts::exposure::v1 as exposure;
use orewatch_contracts::exposure::v1::LineVerdict;
use orewatch_measures::{Estimate, Line, Measure, Side, Standing, Status, Verdict, Weight};

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

/// A status that a contract names.
pub(crate) fn status_of(status: common::Status) -> Status {
    match status {
        common::Status::Known => Status::Known,
        common::Status::Partial => Status::Partial,
        common::Status::Withheld => Status::Withheld,
        common::Status::NotApplicable => Status::NotApplicable,
        common::Status::Stale => Status::Stale,
        common::Status::Unavailable | common::Status::Unspecified => Status::Unavailable,
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

/// Where a figure is against the lines that the source of its measure draws.
pub(crate) fn lines(measure: Measure, figure: &Estimate) -> Vec<LineVerdict> {
    let verdict = |line: &Line| {
        let Verdict { beyond, standing } = line.verdict(figure);
        LineVerdict {
            name: line.name.to_owned(),
            line: line.at,
            above: line.beyond == Side::Above,
            inclusive: line.inclusive,
            beyond,
            standing: self::standing(standing).into(),
        }
    };
    measure.method().lines.iter().map(verdict).collect()
}

/// The same for a figure out of the log.
pub(crate) fn lines_of(measure: Measure, figure: &common::Estimate) -> Vec<LineVerdict> {
    let common::Estimate { value, low, high, coverage, .. } = *figure;
    lines(measure, &Estimate { value, low, high, coverage, status: Status::Partial, reason: "" })
}

fn standing(standing: Standing) -> exposure::Standing {
    match standing {
        Standing::Crossed => exposure::Standing::Crossed,
        Standing::CrossedNotConfirmed => exposure::Standing::CrossedNotConfirmed,
        Standing::ClearNotConfirmed => exposure::Standing::ClearNotConfirmed,
        Standing::Clear => exposure::Standing::Clear,
        Standing::Unknown => exposure::Standing::Unknown,
    }
}
