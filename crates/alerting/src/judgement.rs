//! What a condition says about a figure: whether its line is crossed, whether it is cleared, and how sure that is.
use std::cmp::Ordering;

use orewatch_contracts::alerting::v1::Certainty;
use orewatch_contracts::common::v1::Estimate;

use crate::figures::Spread;

/// How likely something is, by a best estimate and the bounds of the truth. In this order, so that of several conditions the
/// least is that of all of them, and the greatest that of any.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Likelihood {
    /// It is not so, wherever within the bounds the truth lies.
    No,
    /// By the best estimate it is not so, and it may be.
    Possible,
    /// By the best estimate it is so, and it may not be.
    Likely,
    /// It is so, wherever within the bounds the truth lies.
    Certain,
}

impl Likelihood {
    /// Whether it is so by the best estimate.
    #[must_use]
    pub fn holds(self) -> bool {
        self >= Self::Likely
    }

    /// How likely the contrary is.
    #[must_use]
    pub fn contrary(self) -> Self {
        match self {
            Self::No => Self::Certain,
            Self::Possible => Self::Likely,
            Self::Likely => Self::Possible,
            Self::Certain => Self::No,
        }
    }

    /// For something that holds or not, and of which that is certain or not.
    #[must_use]
    pub fn of(holds: bool, is_certain: bool) -> Self {
        match (holds, is_certain) {
            (true, true) => Self::Certain,
            (true, false) => Self::Likely,
            (false, false) => Self::Possible,
            (false, true) => Self::No,
        }
    }
}

/// What a condition says in one period.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judgement {
    /// How likely it is that the line is crossed.
    pub crossed: Likelihood,
    /// How likely it is that a crossed line is cleared. Never so while it is crossed; between the two lines it is neither.
    pub cleared: Likelihood,
    /// What was held against the line, for the severity. None: nothing that is a number.
    pub value: Option<f64>,
    /// As many datasets as the rule asks for are beyond the line. Always so where it does not ask.
    pub is_confirmed: bool,
}

impl Judgement {
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

    /// What an alert says of it.
    #[must_use]
    pub fn certainty(&self) -> Certainty {
        match self.crossed {
            Likelihood::Certain => Certainty::Confirmed,
            Likelihood::Likely => Certainty::NotConfirmed,
            Likelihood::Possible | Likelihood::No => Certainty::Unspecified,
        }
    }

    /// Something that is crossed or else cleared, without a line between.
    #[must_use]
    pub fn plain(crossed: Likelihood, value: Option<f64>) -> Self {
        Self { crossed, cleared: crossed.contrary(), value, is_confirmed: true }
    }

    /// The same where the rule asks for several datasets: a line that is not beyond doubt among them is crossed by the best estimate
    /// alone.
    #[must_use]
    pub fn confirmed(self, is_confirmed: bool) -> Self {
        let most = if is_confirmed { Likelihood::Certain } else { Likelihood::Likely };
        Self { crossed: self.crossed.min(most), is_confirmed, ..self }
    }
}

/// On which side of a line the datasets are that can give a figure. Of each only the lowest and the highest figure are known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sides {
    /// How many of them are beyond the line for certain: all, if the one nearest to it is; otherwise none or one, the other end.
    pub beyond: u32,
    /// The lowest and the highest are on different sides.
    pub disagree: bool,
}

impl Sides {
    /// What is certain, given the lowest and the highest figure.
    #[must_use]
    pub fn of(spread: &Spread, line: &Line) -> Self {
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

/// A best estimate and the bounds of the truth; one that is not known is absent.
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
    /// A number that is known for certain.
    #[must_use]
    pub fn exactly(value: f64) -> Self {
        Self { value, low: Some(value), high: Some(value) }
    }

    /// The range of an estimate. None: it has no value, or none that is a number.
    #[must_use]
    pub fn of(estimate: &Estimate) -> Option<Self> {
        let number = |bound: Option<f64>| bound.filter(|bound| !bound.is_nan());
        let value = number(estimate.value)?;
        Some(Self { value, low: number(estimate.low), high: number(estimate.high) })
    }

    /// Whether the bounds leave no room.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.low == Some(self.value) && self.high == Some(self.value)
    }

    /// This less another: each bound at its worst.
    #[must_use]
    pub fn less(&self, other: &Self) -> Self {
        let minus = |one: Option<f64>, two: Option<f64>| one.zip(two).map(|(one, two)| one - two);
        Self {
            value: self.value - other.value,
            low: minus(self.low, other.high),
            high: minus(self.high, other.low),
        }
    }

    /// This in percent beyond another, both of them not negative. None: the other is nothing, or negative.
    #[must_use]
    pub fn percent_beyond(&self, other: &Self) -> Option<Self> {
        let percent = |one: f64, two: f64| (one / two - 1.0) * 100.0;
        if self.value < 0.0 || other.value <= 0.0 {
            return None;
        }
        let bound = |one: Option<f64>, two: Option<f64>| {
            one.zip(two).filter(|(_, two)| *two > 0.0).map(|(one, two)| percent(one, two))
        };
        Some(Self {
            value: percent(self.value, other.value),
            low: bound(self.low, other.high),
            high: bound(self.high, other.low),
        })
    }
}

/// A line, in the unit of what is held against it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// Where it is.
    pub at: f64,
    /// True: crossed by a greater value; false: by a smaller one.
    pub above: bool,
    /// Where a crossed line is cleared: strictly beyond it on the other side. None: as soon as it is no longer crossed.
    pub clear: Option<f64>,
}

impl Line {
    /// What the line says about a value: it is crossed strictly beyond it, and cleared strictly beyond the clear line on the near
    /// side or, without one, when it is not crossed.
    #[must_use]
    pub fn judge(&self, range: &Range) -> Judgement {
        let crossed = beyond(range, self.at, self.above);
        let cleared =
            self.clear.map_or_else(|| crossed.contrary(), |clear| beyond(range, clear, !self.above));
        Judgement { crossed, cleared, value: Some(range.value), is_confirmed: true }
    }

    /// Whether a value is strictly beyond the line.
    #[must_use]
    pub fn is_beyond(&self, value: f64) -> bool {
        if self.above { value > self.at } else { value < self.at }
    }

    /// How far the value is beyond the line; negative: not beyond.
    #[must_use]
    pub fn margin(&self, value: f64) -> f64 {
        if self.above { value - self.at } else { self.at - value }
    }
}

/// How likely it is that a value is strictly beyond a line; a bound that is not known may lie anywhere.
fn beyond(range: &Range, line: f64, above: bool) -> Likelihood {
    let wanted = if above { Ordering::Greater } else { Ordering::Less };
    let is_beyond = |value: f64| value.partial_cmp(&line) == Some(wanted);
    let (near, far) = if above { (range.low, range.high) } else { (range.high, range.low) };
    let holds = is_beyond(range.value);
    let is_certain = if holds { near.is_some_and(is_beyond) } else { !far.is_none_or(is_beyond) };
    Likelihood::of(holds, is_certain)
}
