//! Combines what is not known about the inputs of a formula into status and reason of its figure.

use crate::{Amount, Estimate, Interval, Status};

const TOO_LARGE: &str = "the figures are too large to compute with";

/// The value of an estimate. `None`: it has none, or one that is not finite.
pub(crate) fn best(estimate: &Estimate) -> Option<f64> {
    estimate.value.filter(|value| value.is_finite())
}

/// What is not known about the inputs of a figure: nothing, or a status with the reason of the first unknown
/// input.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Doubt(Option<(Status, &'static str)>);

impl Doubt {
    /// Every input is known.
    pub(crate) const NONE: Self = Self(None);

    /// Some input is not known.
    pub(crate) const fn new(status: Status, reason: &'static str) -> Self {
        Self(Some((status, reason)))
    }

    /// The doubt about an estimate, with the estimate's reason.
    pub(crate) fn from_estimate(estimate: &Estimate) -> Self {
        match estimate.status {
            Status::Known if best(estimate).is_some() => Self::NONE,
            Status::Known => Self::new(Status::Unavailable, TOO_LARGE),
            status => Self::new(status, estimate.reason),
        }
    }

    /// The doubt about an amount, with the given reason.
    pub(crate) fn from_amount(amount: Amount, reason: &'static str) -> Self {
        if amount.is_known() { Self::NONE } else { Self::new(amount.status(), reason) }
    }

    /// Both doubts together: PARTIAL where their statuses differ. The first reason stays.
    pub(crate) fn and(self, other: Self) -> Self {
        match (self.0, other.0) {
            (Some((a, reason)), Some((b, _))) if a != b => Self::new(Status::Partial, reason),
            (None, doubt) | (doubt, _) => Self(doubt),
        }
    }

    /// The same doubt with another reason.
    pub(crate) fn with_reason(self, reason: &'static str) -> Self {
        Self(self.0.map(|(status, _)| (status, reason)))
    }

    pub(crate) fn is_none(self) -> bool {
        self.0.is_none()
    }

    /// The figure of a formula, given its best value and bounds.
    ///
    /// Without doubt it is known. Otherwise the value is moved between the bounds and the figure is PARTIAL;
    /// without a value it has the status of what is missing. Bounds that are not finite are left out.
    pub(crate) fn estimate(self, value: Option<f64>, bounds: Interval) -> Estimate {
        let value = value.filter(|value| value.is_finite());
        let Some((status, reason)) = self.0 else {
            return value.map_or(Estimate::missing(Status::Unavailable, TOO_LARGE), Estimate::known);
        };
        let finite = |end: f64| Some(end).filter(|end| end.is_finite());
        let value = value.and_then(|value| finite(value.clamp(bounds.low, bounds.high)));
        Estimate {
            value,
            low: finite(bounds.low),
            high: finite(bounds.high),
            coverage: None,
            status: if value.is_some() { Status::Partial } else { status },
            reason,
        }
    }
}

/// Bounds of a sum of amounts, from which one amount can be taken out again.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct AmountSum {
    low: f64,
    /// Sum of the finite upper bounds.
    high: f64,
    /// Number of amounts without an upper bound.
    unbounded: usize,
}

impl AmountSum {
    pub(crate) fn from_amounts(amounts: impl IntoIterator<Item = Amount>) -> Self {
        amounts.into_iter().fold(Self::default(), Self::and)
    }

    fn and(self, amount: Amount) -> Self {
        let (high, unbounded) = if amount.high().is_finite() { (amount.high(), 0) } else { (0.0, 1) };
        Self {
            low: self.low + amount.low(),
            high: self.high + high,
            unbounded: self.unbounded.saturating_add(unbounded),
        }
    }

    /// Bounds of the sum without one of its amounts.
    pub(crate) fn without(&self, amount: Amount) -> Interval {
        let own = if amount.high().is_finite() { (amount.high(), 0) } else { (0.0, 1) };
        let low = (self.low - amount.low()).max(0.0);
        let unbounded = self.unbounded.saturating_sub(own.1) > 0;
        let high = if unbounded { f64::INFINITY } else { (self.high - own.0).max(0.0) };
        Interval::new(low, high.max(low))
    }
}
