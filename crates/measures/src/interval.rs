//! Interval arithmetic: the bounds of figures.
//!
//! This is the one interval type of the workspace, for shares, amounts, indices and weights. Best value,
//! status and reason of a figure are in [`crate::Estimate`].

use crate::{Amount, Estimate, Status};

/// Bounds of a figure: `low <= x <= high`, in the unit of the figure.
///
/// An infinite end means that the figure is unbounded on that side. No end is NaN, and `low` is never above
/// `high`. Every operation encloses: the result contains `f(x, y)` for every `x` and `y` within the operands.
/// It is as narrow as possible, up to rounding, where `x` and `y` are independent; where a figure enters a
/// formula twice, the bounds are wider than necessary.
///
/// ```
/// use orewatch_measures::{Amount, Interval};
///
/// let imports = Interval::new(40.0, 90.0);
/// let exports = Interval::from(Amount::known(10.0));
/// assert_eq!(imports.minus(exports), Interval::new(30.0, 80.0));
/// // Nothing bounds a quotient whose divisor may be zero.
/// assert_eq!(exports.over(Interval::new(0.0, 4.0)), Interval::new(2.5, f64::INFINITY));
/// assert!(imports.contains(40.0) && imports.encloses(Interval::exact(65.0)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Interval {
    /// Zero for certain.
    pub const ZERO: Self = Self { low: 0.0, high: 0.0 };

    /// Zero to infinity: any amount.
    pub const POSITIVE: Self = Self { low: 0.0, high: f64::INFINITY };

    /// Zero to one: any share.
    pub const SHARE: Self = Self { low: 0.0, high: 1.0 };

    /// Any number.
    pub const EVERYTHING: Self = Self { low: f64::NEG_INFINITY, high: f64::INFINITY };

    /// Bounds from two ends. NaN becomes the infinite end on its side; ends in the wrong order are swapped.
    #[must_use]
    pub fn new(low: f64, high: f64) -> Self {
        let low = if low.is_nan() { f64::NEG_INFINITY } else { low };
        let high = if high.is_nan() { f64::INFINITY } else { high };
        Self { low: low.min(high), high: low.max(high) }
    }

    /// A certain figure: both ends are `value`.
    #[must_use]
    pub fn exact(value: f64) -> Self {
        Self::new(value, value)
    }

    /// Bounds of which rounding may have put the upper one below the lower: it is raised to it.
    pub(crate) fn raised(low: f64, high: f64) -> Self {
        Self { low, high: high.max(low) }
    }

    /// Lower end; negative infinity where the figure is unbounded.
    #[must_use]
    pub const fn low(self) -> f64 {
        self.low
    }

    /// Upper end; infinity where the figure is unbounded.
    #[must_use]
    pub const fn high(self) -> f64 {
        self.high
    }

    /// Distance of the ends, at least 0; infinite if one of them is.
    #[must_use]
    pub fn width(self) -> f64 {
        if self.is_exact() { 0.0 } else { self.high - self.low }
    }

    /// Whether both ends are the same.
    #[must_use]
    pub fn is_exact(self) -> bool {
        self.high <= self.low
    }

    /// Whether a value lies within the bounds, ends included.
    #[must_use]
    pub fn contains(self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }

    /// Whether all of another interval lies within this one.
    #[must_use]
    pub fn encloses(self, other: Self) -> bool {
        self.low <= other.low && other.high <= self.high
    }

    /// The smallest interval that encloses both.
    #[must_use]
    pub fn hull(self, other: Self) -> Self {
        Self::new(self.low.min(other.low), self.high.max(other.high))
    }

    /// Both ends clamped to a range that the figure cannot leave, such as 0 to 1 for a share.
    #[must_use]
    pub fn within(self, low: f64, high: f64) -> Self {
        Self { low: self.low.clamp(low, high), high: self.high.clamp(low, high) }
    }

    /// `f(x)`, for an `f` that never falls within the bounds.
    #[must_use]
    pub fn map(self, f: impl Fn(f64) -> f64) -> Self {
        Self::raised(f(self.low), f(self.high))
    }

    /// `f(x)`, for an `f` that never rises within the bounds.
    #[must_use]
    pub fn map_falling(self, f: impl Fn(f64) -> f64) -> Self {
        Self::raised(f(self.high), f(self.low))
    }

    /// `x + y`.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self::new(self.low + other.low, self.high + other.high)
    }

    /// `x - y`.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self::new(self.low - other.high, self.high - other.low)
    }

    /// `x * y`. Zero times anything is zero, also times infinity.
    #[must_use]
    pub fn times(self, other: Self) -> Self {
        if self.low >= 0.0 && other.low >= 0.0 {
            return Self::new(product(self.low, other.low), product(self.high, other.high));
        }
        let corners = [
            product(self.low, other.low),
            product(self.low, other.high),
            product(self.high, other.low),
            product(self.high, other.high),
        ];
        let low = corners.into_iter().fold(f64::INFINITY, f64::min);
        let high = corners.into_iter().fold(f64::NEG_INFINITY, f64::max);
        Self::new(low, high)
    }

    /// `x / y`, over every `y` that is not zero. It is unbounded on a side where the divisor may come close
    /// to zero; zero over anything is zero. A divisor that is zero for certain counts as just above zero.
    #[must_use]
    pub fn over(self, divisor: Self) -> Self {
        if divisor.low < 0.0 {
            return match divisor.high <= 0.0 {
                true => self.negated().over(divisor.negated()),
                false => Self::EVERYTHING,
            };
        }
        match (self.low < 0.0, self.high <= 0.0) {
            (false, _) => self.positive_over(divisor),
            (true, true) => self.negated().positive_over(divisor).negated(),
            (true, false) => {
                let below = Self::new(0.0, -self.low).positive_over(divisor);
                let above = Self::new(0.0, self.high).positive_over(divisor);
                Self::new(-below.high, above.high)
            }
        }
    }

    /// `x / y` where neither is negative.
    fn positive_over(self, divisor: Self) -> Self {
        let low = if divisor.high > 0.0 && divisor.high.is_finite() { self.low / divisor.high } else { 0.0 };
        let high = match (self.high, divisor.low) {
            (own, _) if own <= 0.0 => 0.0,
            (own, least) if least > 0.0 && own.is_finite() => own / least,
            _ => f64::INFINITY,
        };
        Self::new(low.min(high), high)
    }

    /// `-x`.
    fn negated(self) -> Self {
        Self { low: -self.high, high: -self.low }
    }
}

impl From<Amount> for Interval {
    /// The bounds of an amount, within 0 to infinity.
    fn from(amount: Amount) -> Self {
        Self::new(amount.low(), amount.high())
    }
}

impl From<&Estimate> for Interval {
    /// The bounds of an estimate. A missing bound is infinite; a value outside of the bounds widens them.
    fn from(estimate: &Estimate) -> Self {
        let value = estimate.value.filter(|value| value.is_finite());
        if let (Status::Known, Some(value)) = (estimate.status, value) {
            return Self::exact(value);
        }
        let low = estimate.low.filter(|low| *low < f64::INFINITY).unwrap_or(f64::NEG_INFINITY);
        let high = estimate.high.filter(|high| *high > f64::NEG_INFINITY).unwrap_or(f64::INFINITY);
        let around = |value| Self::new(low.min(value), high.max(value));
        value.map_or_else(|| Self::new(low, high), around)
    }
}

impl From<Estimate> for Interval {
    fn from(estimate: Estimate) -> Self {
        Self::from(&estimate)
    }
}

/// `a * b`, and 0 where either is 0, even if the other is infinite.
pub(crate) fn product(a: f64, b: f64) -> f64 {
    if a == 0.0 || b == 0.0 { 0.0 } else { a * b }
}
