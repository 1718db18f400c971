//! Assessments: whether the line of a condition is crossed or cleared, and how certain that is.
//!
//! The best estimate decides; the bounds say how certain it is. [`Likelihood`] has four ordered steps, so
//! that `all` is the minimum of its parts, `any` the maximum, and `not` the complement.
use std::cmp::Ordering;

use orewatch_contracts::alerting::v1::Certainty;
use orewatch_contracts::common::v1::Estimate;

use crate::spread::Spread;

/// How likely a statement is, given a best estimate and bounds. The order matters: the likelihood that all of
/// several statements hold is their minimum, that any holds is their maximum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Likelihood {
    /// It is false everywhere within the bounds.
    No,
    /// It is false by the best estimate, but may be true within the bounds.
    Possible,
    /// It is true by the best estimate, but may be false within the bounds.
    Likely,
    /// It is true everywhere within the bounds.
    Certain,
}

impl Likelihood {
    /// Whether it is true by the best estimate.
    #[must_use]
    pub fn holds(self) -> bool {
        self >= Self::Likely
    }

    /// Likelihood of the negation.
    #[must_use]
    pub fn negation(self) -> Self {
        match self {
            Self::No => Self::Certain,
            Self::Possible => Self::Likely,
            Self::Likely => Self::Possible,
            Self::Certain => Self::No,
        }
    }

    /// Likelihood of a statement that is true or false by the best estimate, and certain or not.
    #[must_use]
    pub fn new(holds: bool, is_certain: bool) -> Self {
        match (holds, is_certain) {
            (true, true) => Self::Certain,
            (true, false) => Self::Likely,
            (false, false) => Self::Possible,
            (false, true) => Self::No,
        }
    }
}

/// Result of a condition in one period.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Assessment {
    /// Likelihood that the line is crossed.
    pub crossed: Likelihood,
    /// Likelihood that a crossed line is cleared. It is never cleared while it is crossed; between the two
    /// lines it is neither.
    pub cleared: Likelihood,
    /// The value that was compared with the line, for the severity. `None`: it is not a number.
    pub value: Option<f64>,
    /// Whether as many datasets as the rule requires are beyond the line. Always true if it requires none.
    pub is_confirmed: bool,
    /// Whether the published figures are as firm as the rule requires. Always true if it requires nothing.
    pub is_firm: bool,
    /// Whether the market is below the floor of the rule: then the line is cleared, whatever the figure.
    pub is_small: bool,
}

impl Assessment {
    /// Whether the line is crossed by the best estimate.
    #[must_use]
    pub fn is_crossed(&self) -> bool {
        self.crossed.holds()
    }

    /// Whether a crossed line is cleared by the best estimate.
    #[must_use]
    pub fn is_cleared(&self) -> bool {
        self.cleared.holds()
    }

    /// Certainty that an alert shows.
    #[must_use]
    pub fn certainty(&self) -> Certainty {
        match self.crossed {
            Likelihood::Certain => Certainty::Confirmed,
            Likelihood::Likely => Certainty::NotConfirmed,
            Likelihood::Possible | Likelihood::No => Certainty::Unspecified,
        }
    }

    /// An assessment that is either crossed or cleared, without a second line.
    #[must_use]
    pub fn plain(crossed: Likelihood, value: Option<f64>) -> Self {
        let cleared = crossed.negation();
        Self { crossed, cleared, value, is_confirmed: true, is_firm: true, is_small: false }
    }

    /// The assessment of a market below the floor of the rule.
    #[must_use]
    pub fn in_small_market(self) -> Self {
        Self { crossed: Likelihood::No, cleared: Likelihood::Certain, is_small: true, ..self }
    }

    /// Applies the datasets that the rule requires. If too few of them confirm the crossing, it is not
    /// certain.
    #[must_use]
    pub fn confirmed(self, is_confirmed: bool) -> Self {
        let max = if is_confirmed { Likelihood::Certain } else { Likelihood::Likely };
        Self { crossed: self.crossed.min(max), is_confirmed, ..self }
    }

    /// The assessment of figures that are less firm than the rule requires: a crossing is not certain.
    #[must_use]
    pub fn not_firm(self) -> Self {
        Self { crossed: self.crossed.min(Likelihood::Likely), is_firm: false, ..self }
    }
}

/// On which side of a line the datasets that provide a figure are. Only the lowest and the highest of their
/// figures are known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sides {
    /// Number of datasets that are certainly beyond the line: all if the figure nearest to the line is beyond
    /// it, one if only the farthest is, and otherwise none.
    pub beyond: u32,
    /// Whether the lowest and the highest figure are on different sides.
    pub disagree: bool,
}

impl Sides {
    /// Sides from the lowest and the highest figure.
    #[must_use]
    pub fn new(spread: &Spread, line: &Line) -> Self {
        let is_beyond = |value: Option<f64>| value.is_some_and(|value| line.is_beyond(value));
        let (near, far) =
            if line.above { (spread.lowest, spread.highest) } else { (spread.highest, spread.lowest) };
        match (is_beyond(near), is_beyond(far)) {
            (true, _) => Self { beyond: spread.sources, disagree: false },
            (false, true) => Self { beyond: 1, disagree: near.is_some() },
            (false, false) => Self::default(),
        }
    }
}

/// A best estimate with its bounds. A bound that is not known is absent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// Best estimate; not NaN.
    pub value: f64,
    /// Lower bound.
    pub low: Option<f64>,
    /// Upper bound.
    pub high: Option<f64>,
}

impl Range {
    /// A number that is known exactly.
    #[must_use]
    pub fn exactly(value: f64) -> Self {
        Self { value, low: Some(value), high: Some(value) }
    }

    /// The range of an estimate. `None`: it has no value, or the value is NaN.
    #[must_use]
    pub fn from_estimate(estimate: &Estimate) -> Option<Self> {
        let number = |bound: Option<f64>| bound.filter(|bound| !bound.is_nan());
        let value = number(estimate.value)?;
        Some(Self { value, low: number(estimate.low), high: number(estimate.high) })
    }

    /// Whether both bounds equal the value.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.low == Some(self.value) && self.high == Some(self.value)
    }

    /// The difference to another range, with the widest bounds.
    #[must_use]
    pub fn less(&self, other: &Self) -> Self {
        let minus = |left: Option<f64>, right: Option<f64>| left.zip(right).map(|(left, right)| left - right);
        Self {
            value: self.value - other.value,
            low: minus(self.low, other.high),
            high: minus(self.high, other.low),
        }
    }

    /// How far this is beyond another range, in percent. `None`: this is negative, or the other is not
    /// positive.
    #[must_use]
    pub fn percent_beyond(&self, other: &Self) -> Option<Self> {
        let percent = |left: f64, right: f64| (left / right - 1.0) * 100.0;
        if self.value < 0.0 || other.value <= 0.0 {
            return None;
        }
        let bound = |left: Option<f64>, right: Option<f64>| {
            left.zip(right).filter(|(_, right)| *right > 0.0).map(|(left, right)| percent(left, right))
        };
        Some(Self {
            value: percent(self.value, other.value),
            low: bound(self.low, other.high),
            high: bound(self.high, other.low),
        })
    }
}

/// A line, in the unit of the values that are compared with it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// Value of the line.
    pub at: f64,
    /// Whether greater values cross it; otherwise smaller ones do.
    pub above: bool,
    /// Where a crossed line is cleared: strictly beyond this value, on the other side. `None`: as soon as it
    /// is no longer crossed.
    pub clear: Option<f64>,
}

impl Line {
    /// Assesses a range. The line is crossed strictly beyond it, and cleared strictly beyond the clear line
    /// or, without one, when it is not crossed.
    #[must_use]
    pub fn assess(&self, range: &Range) -> Assessment {
        let crossed = beyond(range, self.at, self.above);
        let cleared =
            self.clear.map_or_else(|| crossed.negation(), |clear| beyond(range, clear, !self.above));
        Assessment { cleared, value: Some(range.value), ..Assessment::plain(crossed, None) }
    }

    /// Whether a value is strictly beyond the line.
    #[must_use]
    pub fn is_beyond(&self, value: f64) -> bool {
        if self.above { value > self.at } else { value < self.at }
    }

    /// How far a value is beyond the line; negative if it is not beyond.
    #[must_use]
    pub fn margin(&self, value: f64) -> f64 {
        if self.above { value - self.at } else { self.at - value }
    }
}

/// Likelihood that a value is strictly beyond a line. A bound that is not known may lie anywhere.
fn beyond(range: &Range, line: f64, above: bool) -> Likelihood {
    let wanted = if above { Ordering::Greater } else { Ordering::Less };
    let is_beyond = |value: f64| value.partial_cmp(&line) == Some(wanted);
    let (near, far) = if above { (range.low, range.high) } else { (range.high, range.low) };
    let holds = is_beyond(range.value);
    let is_certain = if holds { near.is_some_and(is_beyond) } else { !far.is_none_or(is_beyond) };
    Likelihood::new(holds, is_certain)
}
