//! Progress towards an announced target: distance, straight path, pace, and the share of the way made.
//!
//! All of it is arithmetic on figures that exist. A pace that goes on and a straight path are yardsticks, and
//! never forecasts.

use orewatch_catalog::Period;

use crate::{Estimate, Line, LineState, Side};

/// The threshold of a target, in the unit of its measure. A figure on it meets the target.
///
/// ```
/// use orewatch_measures::TargetLine;
///
/// let target = TargetLine { at: 0.6, at_most: true };
/// let share = 0.68;
/// assert!((target.distance(share) - 0.08).abs() < 1e-12);
/// // At two points less a year it takes four years, and at two points more it is never reached.
/// assert!((target.years_at(share, -0.02).unwrap() - 4.0).abs() < 1e-9);
/// assert_eq!(target.years_at(share, 0.02), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TargetLine {
    /// Value of the threshold.
    pub at: f64,
    /// Whether figures should be at most the threshold; otherwise they should be at least the threshold.
    pub at_most: bool,
}

/// Whether a figure meets a target, and whether that is certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TargetState {
    /// All of the figure's band meets it.
    Met,
    /// The best estimate meets it, and the threshold lies inside the band.
    MetNotConfirmed,
    /// The best estimate misses it, and the threshold lies inside the band.
    MissedNotConfirmed,
    /// None of the figure's band meets it.
    Missed,
    /// There is no best estimate, and what bounds there are lie on both sides of the threshold.
    Unknown,
}

impl TargetLine {
    /// Compares a figure with the target. A missing bound counts as lying on the other side.
    #[must_use]
    pub fn state(&self, figure: &Estimate) -> TargetState {
        let beyond = if self.at_most { Side::Above } else { Side::Below };
        let line = Line { name: "", at: self.at, beyond, inclusive: false };
        match line.verdict(figure).state {
            LineState::Crossed => TargetState::Missed,
            LineState::CrossedNotConfirmed => TargetState::MissedNotConfirmed,
            LineState::ClearNotConfirmed => TargetState::MetNotConfirmed,
            LineState::Clear => TargetState::Met,
            LineState::Unknown => TargetState::Unknown,
        }
    }

    /// How far a figure is from the target, in the measure's unit: above 0 if it misses the target, otherwise
    /// at most 0.
    #[must_use]
    pub fn distance(&self, value: f64) -> f64 {
        if self.at_most { value - self.at } else { self.at - value }
    }

    /// The figure of the straight path from `base` to the target when a part of its time has passed, 0 to 1.
    /// See [`elapsed`]. If the base already meets the target, the path is level at the target: the figure
    /// need not become worse.
    #[must_use]
    pub fn path(&self, base: f64, elapsed: f64) -> f64 {
        let base = if self.at_most { base.max(self.at) } else { base.min(self.at) };
        base + (self.at - base) * elapsed
    }

    /// Change a year with which the figure reaches the target in that many years, in the measure's unit.
    /// `None`: it meets the target, or there is no time left.
    #[must_use]
    pub fn needed_pace(&self, value: f64, years: f64) -> Option<f64> {
        (self.distance(value) > 0.0 && years > 0.0).then(|| (self.at - value) / years)
    }

    /// Years until the figure reaches the target if it goes on to change by `pace` a year. `None`: it meets
    /// the target, or it does not move towards it.
    #[must_use]
    pub fn years_at(&self, value: f64, pace: f64) -> Option<f64> {
        let distance = self.distance(value);
        let towards = if self.at_most { -pace } else { pace };
        let years = distance / towards;
        (distance > 0.0 && towards > 0.0 && years.is_finite()).then_some(years)
    }

    /// Share of the way from an earlier figure to the target that has been made: 1 if the target is reached,
    /// above 1 beyond it, below 0 if the figure has moved away. `None`: the earlier figure met the target, so
    /// that there was no way to make.
    #[must_use]
    pub fn way_made(&self, earlier: f64, now: f64) -> Option<f64> {
        let way = self.distance(earlier);
        (way > 0.0).then(|| (way - self.distance(now)) / way)
    }
}

/// Mean change a year between two figures, in their unit. `years` is above 0.
#[must_use]
pub fn mean_pace(earlier: f64, now: f64, years: u16) -> f64 {
    (now - earlier) / f64::from(years)
}

/// The part of the time between the ends of two periods that has passed at the end of another one, 0 to 1.
/// `from` ends before `due`; otherwise all of the time has passed.
#[must_use]
pub fn elapsed(from: Period, due: Period, at: Period) -> f64 {
    let seconds = |to: Period| from.end().duration_until(to.end()).as_secs_f64();
    let whole = seconds(due);
    if whole > 0.0 { (seconds(at) / whole).clamp(0.0, 1.0) } else { 1.0 }
}
