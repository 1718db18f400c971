//! Distributions as sorted values: quantiles, bands, and how well they foresaw what came.

use crate::number::float;

/// The bands that are shown and scored: share of the distribution inside, and its ends in thousandths.
pub const BANDS: [QuantileBand; 3] = [
    QuantileBand { percent: 50, low: 250, high: 750 },
    QuantileBand { percent: 80, low: 100, high: 900 },
    QuantileBand { percent: 95, low: 25, high: 975 },
];

/// The quantiles at which the pinball loss is scored, in thousandths.
pub const PINBALL_AT: [usize; 3] = [100, 500, 900];

/// Points by which a distribution of errors is represented: quantiles 1/398, 3/398 and so on.
const POINTS: usize = 199;

/// The central part of a distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuantileBand {
    /// Share of the distribution inside, in percent.
    pub percent: u8,
    /// Quantile of the lower end, in thousandths.
    pub low: usize,
    /// Quantile of the upper end, in thousandths.
    pub high: usize,
}

/// A distribution, represented by values of equal weight.
///
/// ```
/// use orewatch_foresight::{BANDS, Distribution};
///
/// let draws = Distribution::new((0..=100).map(|percent| f64::from(percent) / 100.0).collect()).unwrap();
/// let [half, ..] = BANDS;
/// assert_eq!((draws.median(), draws.band(half)), (0.5, [0.25, 0.75]));
/// assert!((draws.share_above(0.65) - 35.0 / 101.0).abs() < 1e-12);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Distribution {
    /// Finite, ascending, at least one.
    sorted: Vec<f64>,
}

impl Distribution {
    /// The distribution of some values. `None`: there are none, or one is not finite.
    #[must_use]
    pub fn new(mut values: Vec<f64>) -> Option<Self> {
        if values.is_empty() || values.iter().any(|value| !value.is_finite()) {
            return None;
        }
        values.sort_unstable_by(f64::total_cmp);
        Some(Self { sorted: values })
    }

    /// A forecast with errors around it, kept within 0 to 1. The errors are ascending, and at least one.
    pub(crate) fn around(forecast: f64, errors: &[f64]) -> Self {
        Self { sorted: errors.iter().map(|error| (forecast + error).clamp(0.0, 1.0)).collect() }
    }

    /// The same distribution by [`POINTS`] quantiles.
    pub(crate) fn points(&self) -> Vec<f64> {
        (0..POINTS).map(|place| self.quantile(2 * place + 1, 2 * POINTS)).collect()
    }

    /// The values, ascending.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.sorted
    }

    /// The quantile `numerator / denominator`, by linear interpolation between the values.
    #[must_use]
    pub fn quantile(&self, numerator: usize, denominator: usize) -> f64 {
        let (last, denominator) = (self.sorted.len().saturating_sub(1), denominator.max(1));
        let place = numerator.min(denominator).saturating_mul(last);
        let at = |place: usize| self.sorted.get(place.min(last)).copied().unwrap_or(f64::NAN);
        let (low, high) = (at(place / denominator), at(place / denominator + 1));
        low + (high - low) * (float(place % denominator) / float(denominator))
    }

    /// The middle value.
    #[must_use]
    pub fn median(&self) -> f64 {
        self.quantile(1, 2)
    }

    /// Both ends of a band.
    #[must_use]
    pub fn band(&self, band: QuantileBand) -> [f64; 2] {
        [band.low, band.high].map(|thousandths| self.quantile(thousandths, 1000))
    }

    /// Share of the distribution for which a condition holds, 0 to 1.
    pub(crate) fn share_where(&self, holds: impl Fn(f64) -> bool) -> f64 {
        float(self.sorted.iter().filter(|value| holds(**value)).count()) / float(self.sorted.len())
    }

    /// Share of the distribution above a line, 0 to 1.
    #[must_use]
    pub fn share_above(&self, line: f64) -> f64 {
        self.share_where(|value| value > line)
    }

    /// Continuous ranked probability score against what was observed, in the unit of the values: the mean
    /// absolute error, less credit for honest width. Of `m` values `x(1) <= ... <= x(m)` it is `mean |x - y|
    /// - sum (2i - m - 1) x(i) / m^2`. Smaller is better.
    #[must_use]
    pub fn crps(&self, observed: f64) -> f64 {
        let count = float(self.sorted.len());
        let (mut distance, mut spread, mut weight) = (0.0, 0.0, 1.0 - count);
        for value in &self.sorted {
            distance += (value - observed).abs();
            spread += weight * value;
            weight += 2.0;
        }
        distance / count - spread / (count * count)
    }

    /// Pinball loss of the quantile `thousandths / 1000` against what was observed, in the values' unit.
    #[must_use]
    pub fn pinball(&self, thousandths: usize, observed: f64) -> f64 {
        let above = observed - self.quantile(thousandths, 1000);
        let level = float(thousandths) / 1000.0;
        (level * above).max((level - 1.0) * above)
    }
}
