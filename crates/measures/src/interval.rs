//! Bounds, and how a figure follows from what is known of its inputs.

use crate::{Amount, Estimate, Status};

const TOO_LARGE: &str = "the figures are too large to compute with";

/// Bounds of a figure; an end may be infinite, none is NaN, and the low one is not above the high one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Interval {
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Interval {
    /// Zero for certain.
    pub(crate) const ZERO: Self = Self { low: 0.0, high: 0.0 };

    /// Any figure that is not below zero.
    pub(crate) const POSITIVE: Self = Self { low: 0.0, high: f64::INFINITY };

    /// An end that is no number is no bound; ends the wrong way round are turned.
    pub(crate) fn new(low: f64, high: f64) -> Self {
        let low = if low.is_nan() { f64::NEG_INFINITY } else { low };
        let high = if high.is_nan() { f64::INFINITY } else { high };
        Self { low: low.min(high), high: low.max(high) }
    }

    pub(crate) fn exact(value: f64) -> Self {
        Self::new(value, value)
    }

    /// What an estimate says of its figure.
    pub(crate) fn of(estimate: &Estimate) -> Self {
        let value = best(estimate);
        if let (Status::Known, Some(value)) = (estimate.status, value) {
            return Self::exact(value);
        }
        let low = estimate.low.filter(|low| *low < f64::INFINITY).unwrap_or(f64::NEG_INFINITY);
        let high = estimate.high.filter(|high| *high > f64::NEG_INFINITY).unwrap_or(f64::INFINITY);
        let around = |value| Self::new(low.min(value), high.max(value));
        value.map_or_else(|| Self::new(low, high), around)
    }

    pub(crate) fn of_amount(amount: Amount) -> Self {
        Self::new(amount.low(), amount.high())
    }

    /// The part of it that lies within a range; all of it moves to the nearer end if none does.
    pub(crate) fn within(self, low: f64, high: f64) -> Self {
        Self { low: self.low.clamp(low, high), high: self.high.clamp(low, high) }
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self::new(self.low + other.low, self.high + other.high)
    }

    pub(crate) fn minus(self, other: Self) -> Self {
        Self::new(self.low - other.high, self.high - other.low)
    }

    /// The product of two that are not below zero; nothing times anything is nothing.
    pub(crate) fn times(self, other: Self) -> Self {
        Self::new(product(self.low, other.low), product(self.high, other.high))
    }

    /// The quotient of two that are not below zero; without upper bound where the divisor may be nothing.
    pub(crate) fn over(self, other: Self) -> Self {
        let low = if other.high > 0.0 && other.high.is_finite() { self.low / other.high } else { 0.0 };
        let high = match (self.high, other.low) {
            (own, _) if own <= 0.0 => 0.0,
            (own, divisor) if divisor > 0.0 && own.is_finite() => own / divisor,
            _ => f64::INFINITY,
        };
        Self::new(low.min(high), high)
    }
}

fn product(a: f64, b: f64) -> f64 {
    if a <= 0.0 || b <= 0.0 { 0.0 } else { a * b }
}

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
