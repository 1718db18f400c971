//! Amounts that may not be known.

use std::ops::Add;

use crate::{Estimate, Status};

/// No amount is larger: the Earth weighs 6e21 tonnes. Sums and products of amounts therefore stay finite.
const MOST: f64 = 1e30;

/// A mass or a value, at least 0, as far as it is known.
///
/// Amounts add up: the sum is as uncertain as its parts. What is known of it stays apart from what is not, so that a
/// withheld part never turns into zero.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Amount {
    /// Sum of the known parts; none if there is no known part.
    best: Option<f64>,
    low: f64,
    /// Infinite if nothing bounds it.
    high: f64,
    status: Status,
}

impl Amount {
    /// Known to be zero.
    pub const NOTHING: Self = Self { best: Some(0.0), low: 0.0, high: 0.0, status: Status::Known };

    /// A known amount. What is no amount (NaN, negative, or above 1e30, which is more than the Earth weighs) is
    /// unavailable.
    #[must_use]
    pub fn known(amount: f64) -> Self {
        if (0.0..=MOST).contains(&amount) { Self::sum_of_known(amount) } else { Self::unavailable() }
    }

    /// A sum of known amounts.
    pub(crate) fn sum_of_known(sum: f64) -> Self {
        // Minus zero becomes zero: equal amounts have equal bits.
        let sum = sum + 0.0;
        Self { best: Some(sum), low: sum, high: sum, status: Status::Known }
    }

    /// An amount of which only bounds are known. Bounds that make no sense are widened to the whole range.
    #[must_use]
    pub fn between(low: f64, high: f64) -> Self {
        let low = if low > 0.0 && low <= MOST { low } else { 0.0 };
        let high = if high >= low && high <= MOST { high + 0.0 } else { f64::INFINITY };
        Self { best: None, low, high, status: Status::Partial }
    }

    /// An amount that the publisher holds back: at least 0, and nothing bounds it from above.
    #[must_use]
    pub const fn withheld() -> Self {
        Self { best: None, low: 0.0, high: f64::INFINITY, status: Status::Withheld }
    }

    /// An amount that no source gives: at least 0, and nothing bounds it from above.
    #[must_use]
    pub const fn unavailable() -> Self {
        Self { best: None, low: 0.0, high: f64::INFINITY, status: Status::Unavailable }
    }

    /// Sum of the known parts; none if there is no known part.
    #[must_use]
    pub fn best(&self) -> Option<f64> {
        self.best
    }

    /// Least that it can be.
    #[must_use]
    pub fn low(&self) -> f64 {
        self.low
    }

    /// Most that it can be; infinite if nothing bounds it.
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

    /// Whether the two are the same to the bit.
    /// This amount where up to all of `counted` is part of it and is counted elsewhere: at least `low - counted.high`, at most what
    /// it was, best `best - counted.best`; never below nothing.
    #[must_use]
    pub fn less_at_most(self, counted: Self) -> Self {
        if counted.is_nothing() {
            return self;
        }
        let low = (self.low - counted.high).max(0.0);
        let best = self.best.zip(counted.best.or(Some(0.0))).map(|(best, counted)| (best - counted).max(low));
        Self { best, low, high: self.high, status: Status::Partial }
    }

    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let bits =
            |amount: &Self| (amount.best.map(f64::to_bits), amount.low.to_bits(), amount.high.to_bits());
        self.status == other.status && bits(self) == bits(other)
    }

    /// An amount of these parts: bounds that the rules of doubt combined, see [`crate::uncertainty`].
    pub(crate) fn of_parts(best: Option<f64>, low: f64, high: f64, status: Status) -> Self {
        Self { best, low, high, status }
    }

    /// What a best value takes it for where it is one input of few. None: all of it is withheld or missing, and taking that for
    /// nothing would make a producer look like one that imports everything. An amount of which only bounds are known is
    /// that of an economy which the source does not list: next to nothing.
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

    /// The amount as a figure: its known part, with bounds around what is missing.
    #[must_use]
    pub fn estimate(&self) -> Estimate {
        if let (Status::Known, Some(best)) = (self.status, self.best) {
            return Estimate::known(best);
        }
        let reason = reason(self.status, self.best.is_some());
        let bounded = Estimate::between(self.best, self.low, self.high).because(self.status, reason);
        Estimate { high: bounded.high.filter(|high| high.is_finite()), ..bounded }
    }
}

/// Why an amount is not known.
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
            (one, None) | (None, one) => one,
        };
        let status = if self.status == other.status { self.status } else { Status::Partial };
        Self { best, low: self.low + other.low, high: self.high + other.high, status }
    }
}
