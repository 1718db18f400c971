//! Conversion between the types of this crate and the messages of the contracts.

use orewatch_contracts::common::v1 as common;
use orewatch_contracts::exposure::v1 as exposure;
use orewatch_contracts::exposure::v1::{LineVerdict, MarketSize, ProductInfo};
use orewatch_measures::{Estimate, Line, LineState, Measure, Side, Status, Weight};

use crate::accounts::{Accounts, Product, Size};
use crate::book::Market;
use crate::figures::Figures;

/// The message of a market.
pub(crate) fn market(market: &Market) -> common::Market {
    common::Market {
        material: market.material.to_owned(),
        stage: market.stage.to_string(),
        period: market.period.to_string(),
    }
}

/// Identifiers of the releases from which figures of a market are computed, each once, those of the first
/// measures first.
pub(crate) fn releases(figures: &Figures<'_>) -> Vec<String> {
    let mut ids = Vec::new();
    for content in figures.releases.values().flatten() {
        if !ids.contains(&content.release.id) {
            ids.push(content.release.id.clone());
        }
    }
    ids
}

/// The messages of a market's products.
pub(crate) fn products(accounts: &Accounts<'_>) -> Vec<ProductInfo> {
    let message = |product: Product| ProductInfo {
        code: product.code,
        name: product.name.to_owned(),
        proxy: product.is_proxy,
        purity: product.purity,
    };
    accounts.products().into_iter().map(message).collect()
}

/// The message of a size. `None`: nothing of it is known.
pub(crate) fn size(size: &Size) -> Option<MarketSize> {
    let message = MarketSize { quantity_t: size.quantity, value_kusd: size.value };
    (!size.is_unknown()).then_some(message)
}

/// The message of a status.
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

/// The status of a message. An unspecified one is UNAVAILABLE.
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

/// The message of a weight.
pub(crate) fn weight(weight: Weight) -> common::By {
    match weight {
        Weight::Quantity => common::By::Quantity,
        Weight::Value => common::By::Value,
    }
}

/// The message of a figure.
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

/// The verdicts of a figure on all lines of its measure.
pub(crate) fn lines(measure: Measure, figure: &Estimate) -> Vec<LineVerdict> {
    let verdict = |line: &Line| {
        let orewatch_measures::LineVerdict { beyond, state } = line.verdict(figure);
        LineVerdict {
            name: line.name.to_owned(),
            line: line.at,
            above: line.beyond == Side::Above,
            inclusive: line.inclusive,
            beyond,
            standing: standing(state).into(),
        }
    };
    measure.method().lines.iter().map(verdict).collect()
}

/// The verdicts of a figure from the log on all lines of its measure.
pub(crate) fn lines_of(measure: Measure, figure: &common::Estimate) -> Vec<LineVerdict> {
    let common::Estimate { value, low, high, coverage, .. } = *figure;
    lines(measure, &Estimate { value, low, high, coverage, status: Status::Partial, reason: "" })
}

/// The message of the state of a line.
fn standing(state: LineState) -> exposure::Standing {
    match state {
        LineState::Crossed => exposure::Standing::Crossed,
        LineState::CrossedNotConfirmed => exposure::Standing::CrossedNotConfirmed,
        LineState::ClearNotConfirmed => exposure::Standing::ClearNotConfirmed,
        LineState::Clear => exposure::Standing::Clear,
        LineState::Unknown => exposure::Standing::Unknown,
    }
}
