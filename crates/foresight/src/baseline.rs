//! Baselines: forecasts that need nothing but the series itself.
//!
//! They are scored before anything else is believed. A model is worth showing only if it beats no change on
//! years that it has not seen, and most do not: see [`crate::Backcast`]. Drift and the straight line are here
//! because people draw them; they are worse than no change at every horizon on the reference series.

use std::fmt;
use std::str::FromStr;

use crate::number::{float, mean};

/// Fewest values that a forecast is made from.
pub const MIN_HISTORY: usize = 5;

/// Weight of the last value in [`Baseline::Shrink`].
const LAST_WEIGHT: f64 = 0.7;

/// Years of the mean that [`Baseline::Shrink`] moves towards.
const MEAN_YEARS: usize = 5;

/// Most years over which [`Baseline::Drift`] takes the change.
const DRIFT_YEARS: usize = 10;

/// Most years over which [`Baseline::Theta`] fits its line.
const THETA_YEARS: usize = 15;

/// Weight of a new value in the smoothing of [`Baseline::Theta`].
const SMOOTHING: f64 = 0.6;

/// Most years that [`Baseline::StraightLine`] is fitted to.
const LINE_YEARS: usize = 8;

/// A rule that continues a series `x` whose last value is that of year `T`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Baseline {
    /// `x(T)` for ever.
    NoChange,
    /// `0.7 x(T) + 0.3 mean(x(T-4) to x(T))`: part of the last move is undone. The best of these.
    Shrink,
    /// `x(T)` and the mean change a year of the last ten years, `h` times.
    Drift,
    /// The exponentially smoothed level, and half of the slope of the last 15 years, `h` times.
    Theta,
    /// The line through the last eight years, by least squares. Scored, and never called a forecast.
    StraightLine,
}

impl Baseline {
    /// All baselines, the one to beat first.
    pub const ALL: [Self; 5] = [Self::NoChange, Self::Shrink, Self::Drift, Self::Theta, Self::StraightLine];

    /// The identifier.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoChange => "no-change",
            Self::Shrink => "shrink",
            Self::Drift => "drift",
            Self::Theta => "theta",
            Self::StraightLine => "straight-line",
        }
    }

    /// Forecasts of the next `horizon` years, from the values up to the origin, oldest first. Shares stay
    /// within 0 to 1.
    ///
    /// # Errors
    /// [`TooShort`] if there are fewer than [`MIN_HISTORY`] values.
    pub fn forecast(self, history: &[f64], horizon: usize) -> Result<Vec<f64>, TooShort> {
        let too_short = TooShort { years: history.len() };
        let last = history.last().copied().filter(|_| history.len() >= MIN_HISTORY).ok_or(too_short)?;
        let (level, slope) = match self {
            Self::NoChange => (last, 0.0),
            Self::Shrink => (shrunk(history, last), 0.0),
            Self::Drift => (last, drift(history, last)),
            Self::Theta => (smoothed(history), 0.5 * fit(latest(history, THETA_YEARS)).slope),
            Self::StraightLine => {
                let line = fit(latest(history, LINE_YEARS));
                (line.end, line.slope)
            }
        };
        Ok((1..=horizon).map(|ahead| (level + slope * float(ahead)).clamp(0.0, 1.0)).collect())
    }
}

impl fmt::Display for Baseline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Baseline {
    type Err = UnknownBaseline;

    fn from_str(text: &str) -> Result<Self, UnknownBaseline> {
        let found = Self::ALL.into_iter().find(|baseline| baseline.as_str() == text.trim());
        found.ok_or_else(|| UnknownBaseline(text.to_owned()))
    }
}

/// A name that no baseline has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown baseline `{0}`: write no-change, shrink, drift, theta or straight-line")]
pub struct UnknownBaseline(pub String);

/// A series with too few values for a forecast.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{years} years are too few: a forecast needs {MIN_HISTORY} years without a gap up to its origin")]
pub struct TooShort {
    /// Years that there are.
    pub years: usize,
}

/// The last `most` values, or all if there are fewer.
fn latest(history: &[f64], most: usize) -> &[f64] {
    history.get(history.len().saturating_sub(most)..).unwrap_or_default()
}

fn shrunk(history: &[f64], last: f64) -> f64 {
    let recent = mean(latest(history, MEAN_YEARS)).unwrap_or(last);
    LAST_WEIGHT * last + (1.0 - LAST_WEIGHT) * recent
}

/// Mean change a year.
fn drift(history: &[f64], last: f64) -> f64 {
    let recent = latest(history, DRIFT_YEARS + 1);
    let first = recent.first().copied().unwrap_or(last);
    (last - first) / float(recent.len().saturating_sub(1).max(1))
}

/// Exponential smoothing from the first value on.
fn smoothed(history: &[f64]) -> f64 {
    let step = |level: f64, value: &f64| SMOOTHING * value + (1.0 - SMOOTHING) * level;
    let mut values = history.iter();
    let first = values.next().copied().unwrap_or_default();
    values.fold(first, step)
}

/// A line by least squares: its value at the last year, and its slope a year.
struct Fit {
    end: f64,
    slope: f64,
}

fn fit(values: &[f64]) -> Fit {
    let half = (float(values.len()) - 1.0) / 2.0;
    let (mut product, mut square) = (0.0, 0.0);
    for (place, value) in values.iter().enumerate() {
        let distance = float(place) - half;
        product += value * distance;
        square += distance * distance;
    }
    let slope = if square > 0.0 { product / square } else { 0.0 };
    Fit { end: mean(values).unwrap_or_default() + slope * half, slope }
}
