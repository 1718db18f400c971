//! Doubts: amounts that are known only within bounds, each with wider bounds and a true value inside.

use orewatch_measures::{Amount, Estimate, Status};
use proptest::prelude::*;

/// Room for rounding in comparisons of bounds.
pub(crate) const EPSILON: f64 = 1e-9;

/// Bounds, a wider pair around them, and a truth within the narrow ones.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Doubt {
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) wide: (f64, f64),
    pub(crate) truth: f64,
    /// Known, so that the narrow form has no doubt at all.
    pub(crate) known: bool,
}

impl Doubt {
    pub(crate) fn narrow_amount(&self) -> Amount {
        if self.known { Amount::known(self.truth) } else { Amount::between(self.low, self.high) }
    }

    pub(crate) fn wide_amount(&self) -> Amount {
        Amount::between(self.wide.0, self.wide.1)
    }

    /// As a figure on a scale from 0 to `top`, of amounts from 0 to 100.
    pub(crate) fn narrow_figure(&self, top: f64) -> Estimate {
        let scale = top / 100.0;
        if self.known {
            return Estimate::known(self.truth * scale);
        }
        figure(self.low * scale, self.high * scale)
    }

    pub(crate) fn wide_figure(&self, top: f64) -> Estimate {
        figure(self.wide.0 * top / 100.0, self.wide.1.min(100.0) * top / 100.0)
    }

    pub(crate) fn at(&self, top: f64) -> f64 {
        self.truth * top / 100.0
    }
}

pub(crate) fn figure(low: f64, high: f64) -> Estimate {
    Estimate { low: Some(low), high: Some(high), ..Estimate::missing(Status::Partial, "bounded") }
}

pub(crate) fn doubt() -> impl Strategy<Value = Doubt> {
    let point = prop_oneof![1 => Just(0.0), 6 => 0.0..100.0_f64];
    (prop::array::uniform4(point), 0.0..=1.0_f64, any::<bool>(), 0..6_u8).prop_map(
        |(mut points, at, known, end)| {
            points.sort_by(f64::total_cmp);
            let [outer, low, high, top] = points;
            let truth = low + at * (high - low);
            let wide = (outer, if end == 0 { f64::INFINITY } else { top });
            if known {
                Doubt { low: truth, high: truth, wide, truth, known }
            } else {
                Doubt { low, high, wide, truth, known }
            }
        },
    )
}

pub(crate) fn encloses(estimate: &Estimate, truth: f64) -> bool {
    let room = EPSILON * truth.abs().max(1.0);
    estimate.low.is_none_or(|low| low <= truth + room)
        && estimate.high.is_none_or(|high| truth <= high + room)
}

/// Whether the wider input gave no narrower bounds.
pub(crate) fn contains(wide: &Estimate, narrow: &Estimate) -> bool {
    if narrow.status == Status::NotApplicable || wide.status == Status::NotApplicable {
        return wide.status != Status::NotApplicable || narrow.status == Status::NotApplicable;
    }
    let room = |bound: f64| EPSILON * bound.abs().max(1.0);
    wide.low.is_none_or(|low| narrow.low.is_some_and(|inner| low <= inner + room(inner)))
        && wide.high.is_none_or(|high| narrow.high.is_some_and(|inner| inner <= high + room(inner)))
}

pub(crate) fn is_sane(estimate: &Estimate) -> bool {
    let all = [estimate.value, estimate.low, estimate.high, estimate.coverage];
    let finite = all.into_iter().flatten().all(f64::is_finite);
    let ordered = estimate.low.zip(estimate.high).is_none_or(|(low, high)| low <= high);
    let within = estimate.value.is_none_or(|value| {
        estimate.low.is_none_or(|low| low <= value) && estimate.high.is_none_or(|high| value <= high)
    });
    finite && ordered && within && (estimate.status == Status::Known) == estimate.reason.is_empty()
}
