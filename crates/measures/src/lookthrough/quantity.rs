//! Amounts inside the solver: a best estimate in tonnes, with bounds.
//!
//! [`Amount`](crate::Amount) says why something is unknown; the solver only needs numbers. A [`Quantity`] is
//! what is left of an amount: where to compute with, and between which ends it lies.

use crate::{Amount, Estimate, Interval, Status};

use super::trade::index;

/// Stands for "no upper bound" where a finite number is needed, in tonnes. No real amount is as large.
pub(super) const UNBOUNDED: f64 = 1e30;

/// Reason of figures that rest on amounts between bounds.
pub(super) const INCOMPLETE: &str = "some output or flows are not known";

/// A best estimate in tonnes, with bounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Quantity {
    /// At least 0, at most [`UNBOUNDED`].
    pub(super) best: f64,
    /// The upper end is infinite where nothing bounds the amount.
    pub(super) bounds: Interval,
}

impl Quantity {
    /// Known to be zero.
    pub(super) const NOTHING: Self = Self { best: 0.0, bounds: Interval::ZERO };

    /// The numbers of an amount. Without a best estimate, bounds that meet give one, and otherwise it is 0:
    /// what is unknown takes no part in best estimates.
    pub(super) fn from_amount(amount: Amount) -> Self {
        let possible = |amount: f64| amount.min(UNBOUNDED);
        let bounds = Interval { low: possible(amount.low()), high: amount.high() };
        let only = if bounds.is_exact() { bounds.low } else { 0.0 };
        Self { best: possible(amount.best().unwrap_or(only)), bounds }
    }

    /// Whether the bounds meet.
    pub(super) fn is_exact(self) -> bool {
        self.bounds.is_exact()
    }

    /// Lower bound.
    pub(super) fn low(self) -> f64 {
        self.bounds.low
    }

    /// Upper bound; infinite where there is none.
    pub(super) fn high(self) -> f64 {
        self.bounds.high
    }

    /// Adds an amount. Best estimate and lower bound stay finite.
    pub(super) fn add(&mut self, other: Self) {
        self.best = (self.best + other.best).min(UNBOUNDED);
        self.bounds.low = (self.bounds.low + other.bounds.low).min(UNBOUNDED);
        self.bounds.high += other.bounds.high;
    }

    /// Upper bound as a finite number: at most [`UNBOUNDED`].
    pub(super) fn capped_high(self) -> f64 {
        self.bounds.high.min(UNBOUNDED)
    }

    /// As a figure: known, or partial between its bounds.
    pub(super) fn estimate(self) -> Estimate {
        if self.is_exact() {
            return Estimate::known(self.best);
        }
        let Interval { low, high } = self.bounds;
        let high = high.is_finite().then_some(high.max(self.best));
        let (value, low) = (Some(self.best), Some(low.min(self.best)));
        Estimate { value, low, high, ..Estimate::missing(Status::Partial, INCOMPLETE) }
    }
}

/// The entry of an economy; [`Quantity::NOTHING`] where there is none.
pub(super) fn quantity_of(quantities: &[Quantity], economy: u32) -> Quantity {
    quantities.get(index(economy)).copied().unwrap_or(Quantity::NOTHING)
}

/// The sum of quantities, in their order.
pub(super) fn sum(quantities: impl Iterator<Item = Quantity>) -> Quantity {
    quantities.fold(Quantity::NOTHING, |mut sum, quantity| {
        sum.add(quantity);
        sum
    })
}
