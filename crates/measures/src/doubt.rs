//! What is not known about a figure, and how a figure follows from that and its bounds.

use crate::{Amount, Estimate, Interval, Status};

const TOO_LARGE: &str = "the figures are too large to compute with";

/// The best value of an estimate. None: it has none, or one that is no number.
pub(crate) fn best(estimate: &Estimate) -> Option<f64> {
    estimate.value.filter(|value| value.is_finite())
}

/// What is not known of a figure's inputs: nothing, or a status with the reason of the first that is not.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Doubt(Option<(Status, &'static str)>);

impl Doubt {
    pub(crate) const NONE: Self = Self(None);

    pub(crate) const fn because(status: Status, reason: &'static str) -> Self {
        Self(Some((status, reason)))
    }

    /// The doubt about an estimate, with its own reason.
    pub(crate) fn of(estimate: &Estimate) -> Self {
        match estimate.status {
            Status::Known if best(estimate).is_some() => Self::NONE,
            Status::Known => Self::because(Status::Unavailable, TOO_LARGE),
            status => Self::because(status, estimate.reason),
        }
    }

    /// The doubt about an amount, with the reason given.
    pub(crate) fn of_amount(amount: Amount, reason: &'static str) -> Self {
        if amount.is_known() { Self::NONE } else { Self::because(amount.status(), reason) }
    }

    /// Both; of different statuses, part of the inputs is known.
    pub(crate) fn and(self, other: Self) -> Self {
        match (self.0, other.0) {
            (Some((one, reason)), Some((two, _))) if one != two => Self::because(Status::Partial, reason),
            (None, doubt) | (doubt, _) => Self(doubt),
        }
    }

    /// With one reason for whatever is not known.
    pub(crate) fn saying(self, reason: &'static str) -> Self {
        Self(self.0.map(|(status, _)| (status, reason)))
    }

    pub(crate) fn is_none(self) -> bool {
        self.0.is_none()
    }

    /// The figure: known if there is no doubt; otherwise a best value, moved between the bounds, and as many bounds as are
    /// finite. Without a best value it keeps the status of what is missing.
    pub(crate) fn figure(self, value: Option<f64>, bounds: Interval) -> Estimate {
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

/// A sum of amounts, from which one can be taken out again.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Sum {
    low: f64,
    /// Sum of the finite upper bounds.
    high: f64,
    /// How many amounts have no upper bound.
    unbounded: usize,
}

impl Sum {
    pub(crate) fn of(amounts: impl IntoIterator<Item = Amount>) -> Self {
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
