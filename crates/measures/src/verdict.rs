//! Compares a figure with a line: a threshold that the source of its measure defines.

use crate::{Estimate, Line, Side};

/// Whether a figure crosses a line, and whether that is certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LineState {
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

/// The result of comparing a figure with a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LineVerdict {
    /// How far the best estimate is beyond the line, in the measure's unit: positive beyond it, negative
    /// before it, 0 on it. `None`: there is no best estimate.
    pub beyond: Option<f64>,
    /// Whether the line is crossed.
    pub state: LineState,
}

impl Line {
    /// Compares a figure with the line.
    ///
    /// [`LineState::Crossed`] and [`LineState::Clear`] hold for every completion of what is not known: both
    /// bounds are on one side. A missing bound counts as lying on the other side. Where the bounds are on
    /// both sides, the best estimate decides, unconfirmed; without a best estimate the state is unknown.
    #[must_use]
    pub fn verdict(&self, figure: &Estimate) -> LineVerdict {
        let Estimate { value, low, high, .. } = *figure;
        let (near, far) = match self.beyond {
            Side::Above => (low, high),
            Side::Below => (high, low),
        };
        let state = if near.is_some_and(|near| self.is_beyond(near)) {
            LineState::Crossed
        } else if far.is_some_and(|far| !self.is_beyond(far)) {
            LineState::Clear
        } else {
            match value.map(|value| self.is_beyond(value)) {
                Some(true) => LineState::CrossedNotConfirmed,
                Some(false) => LineState::ClearNotConfirmed,
                None => LineState::Unknown,
            }
        };
        LineVerdict { beyond: value.map(|value| self.distance(value)), state }
    }

    /// Whether a value is beyond the line, or on it if the line is inclusive. NaN is not.
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
