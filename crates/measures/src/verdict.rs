//! Where a figure is against a line that the source of its measure draws.

use crate::{Estimate, Line, Side};

/// Whether a line is crossed, and whether that is certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// All of the figure's band is beyond the line.
    Crossed,
    /// The best estimate is beyond the line, and the line lies inside the band.
    CrossedNotConfirmed,
    /// The best estimate is not beyond the line, and the line lies inside the band.
    ClearNotConfirmed,
    /// None of the figure's band is beyond the line.
    Clear,
    /// There is no best estimate, and what bounds there are lie on both sides of the line.
    Unknown,
}

/// Where a figure is against a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
    /// How far the best estimate is beyond the line, in the measure's unit: positive beyond, negative not; 0 on the line. None:
    /// there is no best estimate.
    pub beyond: Option<f64>,
    /// The verdict.
    pub standing: Standing,
}

impl Line {
    /// Where a figure is against the line.
    ///
    /// `CROSSED` and `CLEAR` hold for every completion of what is not known: both bounds are on one side. A bound that cannot
    /// be given lies on the other side. Where the bounds are on both sides the best estimate says which way the figure leans,
    /// and it is not confirmed; without a best estimate nothing is known.
    #[must_use]
    pub fn verdict(&self, figure: &Estimate) -> Verdict {
        let Estimate { value, low, high, .. } = *figure;
        let (near, far) = match self.beyond {
            Side::Above => (low, high),
            Side::Below => (high, low),
        };
        let standing = if near.is_some_and(|near| self.is_beyond(near)) {
            Standing::Crossed
        } else if far.is_some_and(|far| !self.is_beyond(far)) {
            Standing::Clear
        } else {
            match value.map(|value| self.is_beyond(value)) {
                Some(true) => Standing::CrossedNotConfirmed,
                Some(false) => Standing::ClearNotConfirmed,
                None => Standing::Unknown,
            }
        };
        Verdict { beyond: value.map(|value| self.distance(value)), standing }
    }

    /// Whether a value is beyond the line; on the line, if the line is inclusive. What is no number is not.
    #[must_use]
    pub fn is_beyond(&self, value: f64) -> bool {
        let distance = self.distance(value);
        distance > 0.0 || self.inclusive && distance >= 0.0
    }

    fn distance(&self, value: f64) -> f64 {
        match self.beyond {
            Side::Above => value - self.at,
            Side::Below => self.at - value,
        }
    }
}
