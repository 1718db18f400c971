//! Amounts that may not be known.

use std::ops::Add;

use crate::{Estimate, Status};

/// Upper bound of valid amounts. The Earth weighs 6e21 tonnes, and sums and products of amounts stay finite.
const MAX_AMOUNT: f64 = 1e30;

/// A mass or a value, at least 0, which may be unknown in part.
///
/// Amounts add up, and the sum is as uncertain as its parts: the known part, the bounds and the status are
/// kept apart, so that a withheld part never turns into zero.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Amount {
    /// Sum of the known parts. `None`: there is no known part.
    best: Option<f64>,
    low: f64,
    /// Infinite where there is no upper bound.
    high: f64,
    status: Status,
}

impl Amount {
    /// Known to be zero.
    pub const NOTHING: Self = Self { best: Some(0.0), low: 0.0, high: 0.0, status: Status::Known };

    /// A known amount. NaN, a negative number or one above 1e30, which is more than the Earth weighs, gives
    /// an unavailable amount.
    #[must_use]
    pub fn known(amount: f64) -> Self {
        if (0.0..=MAX_AMOUNT).contains(&amount) { Self::sum_of_known(amount) } else { Self::unavailable() }
    }

    /// A sum of known amounts.
    pub(crate) fn sum_of_known(sum: f64) -> Self {
        // Minus zero becomes zero: equal amounts have equal bits.
        let sum = sum + 0.0;
        Self { best: Some(sum), low: sum, high: sum, status: Status::Known }
    }

    /// An amount of which only bounds are known. Invalid bounds become 0 and infinity.
    #[must_use]
    pub fn between(low: f64, high: f64) -> Self {
        let low = if low > 0.0 && low <= MAX_AMOUNT { low } else { 0.0 };
        let high = if high >= low && high <= MAX_AMOUNT { high + 0.0 } else { f64::INFINITY };
        Self { best: None, low, high, status: Status::Partial }
    }

    /// An amount that the publisher withholds: between 0 and infinity.
    #[must_use]
    pub const fn withheld() -> Self {
        Self { best: None, low: 0.0, high: f64::INFINITY, status: Status::Withheld }
    }

    /// An amount that no source gives: between 0 and infinity.
    #[must_use]
    pub const fn unavailable() -> Self {
        Self { best: None, low: 0.0, high: f64::INFINITY, status: Status::Unavailable }
    }

    /// Sum of the known parts. `None`: there is no known part.
    #[must_use]
    pub fn best(&self) -> Option<f64> {
        self.best
    }

    /// Lower bound, at least 0.
    #[must_use]
    pub fn low(&self) -> f64 {
        self.low
    }

    /// Upper bound; infinite where there is none.
    #[must_use]
    pub fn high(&self) -> f64 {
        self.high
    }

    /// How much is known.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status
    }

    /// Whether all of it is known.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.status == Status::Known
    }

    /// This amount without an overlap that is counted elsewhere, and of which anything from none to all may
    /// be part of this amount: at least `low - overlap.high`, at most what it was, best `best -
    /// overlap.best`, never below zero.
    #[must_use]
    pub fn minus_possible_overlap(self, overlap: Self) -> Self {
        if overlap.is_nothing() {
            return self;
        }
        let low = (self.low - overlap.high).max(0.0);
        let best = self.best.zip(overlap.best.or(Some(0.0))).map(|(best, overlap)| (best - overlap).max(low));
        Self { best, low, high: self.high, status: Status::Partial }
    }

    /// Whether both are the same, to the bit.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let bits =
            |amount: &Self| (amount.best.map(f64::to_bits), amount.low.to_bits(), amount.high.to_bits());
        self.status == other.status && bits(self) == bits(other)
    }

    /// An amount whose parts were combined by the rules of [`crate::uncertainty`].
    pub(crate) fn from_parts(best: Option<f64>, low: f64, high: f64, status: Status) -> Self {
        Self { best, low, high, status }
    }

    /// The number with which a best value computes where this amount is one of few inputs.
    ///
    /// None where all of it is withheld or missing: zero would make a producer look like an economy that
    /// imports everything. 0 where only bounds are known: that is an economy which the source does not list,
    /// so it has next to nothing.
    pub(crate) fn best_part(&self) -> Option<f64> {
        match self.status {
            Status::Withheld | Status::Unavailable => self.best,
            _ => Some(self.best.unwrap_or(0.0)),
        }
    }

    /// Whether it is zero for certain.
    pub(crate) fn is_nothing(&self) -> bool {
        self.high <= 0.0
    }

    /// The amount as a figure: the known part as value, with the bounds.
    #[must_use]
    pub fn estimate(&self) -> Estimate {
        if let (Status::Known, Some(best)) = (self.status, self.best) {
            return Estimate::known(best);
        }
        let reason = reason(self.status, self.best.is_some());
        let bounded = Estimate::between(self.best, self.low, self.high).with_status(self.status, reason);
        Estimate { high: bounded.high.filter(|high| high.is_finite()), ..bounded }
    }
}

/// Reason of an amount that is not known.
fn reason(status: Status, has_known_part: bool) -> &'static str {
    match status {
        Status::Withheld => "the publisher withholds the figure",
        Status::Unavailable => "no source gives the figure",
        _ if has_known_part => "a part of the amount is not known",
        _ => "only bounds of the amount are known",
    }
}

impl Add for Amount {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        let best = match (self.best, other.best) {
            (Some(a), Some(b)) => Some(a + b),
            (best, None) | (None, best) => best,
        };
        let status = if self.status == other.status { self.status } else { Status::Partial };
        Self { best, low: self.low + other.low, high: self.high + other.high, status }
    }
}
