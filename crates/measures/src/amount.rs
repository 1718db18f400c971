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

    /// One amount that two sides report: the best estimate is the importer's where it is known, else the exporter's, and the
    /// bounds span both reports. A side that does not report does not widen them; where neither does, nothing is reported.
    ///
    /// The two are never added up: they are figures of one flow. Their difference stays visible as the width of the bounds.
    #[must_use]
    pub fn reported(importer: Option<Self>, exporter: Option<Self>) -> Self {
        let (importer, exporter) = match (importer, exporter) {
            (Some(importer), Some(exporter)) => (importer, exporter),
            (one, other) => return one.or(other).unwrap_or(Self::NOTHING),
        };
        let low = importer.low.min(exporter.low);
        let high = importer.high.max(exporter.high);
        let agree = importer.is_known() && exporter.is_known() && low >= high;
        let same = importer.status == exporter.status && importer.best.is_none() && exporter.best.is_none();
        let status = if agree || same { importer.status } else { Status::Partial };
        Self { best: importer.best.or(exporter.best), low, high, status }
    }

    /// An amount of a basket of goods of which at least the fraction `purity` (0 to 1) is what is measured: between
    /// `purity * a` and `a`, best `a`. A purity that is no number counts as 0, one beyond 1 as 1.
    #[must_use]
    pub fn of_basket(self, purity: f64) -> Self {
        let purity = if purity > 0.0 { purity.min(1.0) } else { 0.0 };
        let low = self.low * purity;
        let status = if self.is_known() && low < self.high { Status::Partial } else { self.status };
        Self { low, status, ..self }
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
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let bits =
            |amount: &Self| (amount.best.map(f64::to_bits), amount.low.to_bits(), amount.high.to_bits());
        self.status == other.status && bits(self) == bits(other)
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
        let high = self.high.is_finite().then_some(self.high);
        let reason = reason(self.status, self.best.is_some());
        Estimate { value: self.best, low: Some(self.low), high, coverage: None, status: self.status, reason }
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
