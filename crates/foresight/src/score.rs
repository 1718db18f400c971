//! Scores: how good forecasts were, once the figures have come.

use crate::number::float;
use crate::{BANDS, Distribution, PINBALL_AT};

/// How well one forecast foresaw one figure. Figures are shares, and so are the errors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CaseScore {
    /// Absolute error of the point forecast.
    pub absolute: f64,
    /// Continuous ranked probability score: see [`Distribution::crps`].
    pub crps: f64,
    /// Pinball loss at the quantiles of [`PINBALL_AT`].
    pub pinball: [f64; 3],
    /// Probability that the figure would be above the line.
    pub probability: f64,
    /// Whether it was.
    pub is_above: bool,
    /// Squared error of the probability.
    pub brier: f64,
    /// Whether each of [`BANDS`] contained the figure.
    pub covered: [bool; 3],
    /// Share of the distribution at or below the figure. Of good forecasts it is spread evenly over 0 to 1.
    pub below: f64,
    /// Whether the figure was on the other side of the line than the last one known.
    pub switched: bool,
}

impl CaseScore {
    /// Scores a point forecast and its distribution against what was observed, with the last figure that was
    /// known, at a line.
    #[must_use]
    pub fn new(distribution: &Distribution, forecast: f64, last: f64, observed: f64, line: f64) -> Self {
        let is_above = observed > line;
        let came = if is_above { 1.0 } else { 0.0 };
        let probability = distribution.share_above(line);
        let missed = probability - came;
        let inside = |[low, high]: [f64; 2]| low <= observed && observed <= high;
        Self {
            absolute: (forecast - observed).abs(),
            crps: distribution.crps(observed),
            pinball: PINBALL_AT.map(|thousandths| distribution.pinball(thousandths, observed)),
            probability,
            is_above,
            brier: missed * missed,
            covered: BANDS.map(|band| inside(distribution.band(band))),
            below: distribution.share_where(|value| value <= observed),
            switched: is_above != (last > line),
        }
    }
}

/// Mean scores of many forecasts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scores {
    /// Number of forecasts.
    pub cases: usize,
    /// Mean absolute error.
    pub mae: f64,
    /// Mean continuous ranked probability score.
    pub crps: f64,
    /// Mean pinball loss at the quantiles of [`PINBALL_AT`].
    pub pinball: [f64; 3],
    /// Mean Brier score at the line.
    pub brier: f64,
    /// Share of figures inside each of [`BANDS`], 0 to 1.
    pub coverage: [f64; 3],
    /// Share of figures on the other side of the line than the last one known.
    pub switched: f64,
    /// Share of forecasts by tenth of [`CaseScore::below`]; even if the forecasts are calibrated.
    pub histogram: [f64; 10],
}

impl Scores {
    /// The mean of single scores, each with the same weight. `None`: there are none.
    #[must_use]
    pub fn from_cases<'a>(cases: impl IntoIterator<Item = &'a CaseScore>) -> Option<Self> {
        let none = Self {
            cases: 0,
            mae: 0.0,
            crps: 0.0,
            pinball: [0.0; 3],
            brier: 0.0,
            coverage: [0.0; 3],
            switched: 0.0,
            histogram: [0.0; 10],
        };
        let sums = cases.into_iter().fold(none, Self::with);
        (sums.cases > 0).then(|| sums.divided())
    }

    fn with(mut self, case: &CaseScore) -> Self {
        let one = |holds: bool| if holds { 1.0 } else { 0.0 };
        self.cases += 1;
        self.mae += case.absolute;
        self.crps += case.crps;
        self.brier += case.brier;
        self.switched += one(case.switched);
        self.pinball.iter_mut().zip(case.pinball).for_each(|(sum, loss)| *sum += loss);
        self.coverage.iter_mut().zip(case.covered).for_each(|(sum, covered)| *sum += one(covered));
        if let Some(count) = self.histogram.get_mut(tenth(case.below)) {
            *count += 1.0;
        }
        self
    }

    fn divided(self) -> Self {
        let cases = float(self.cases);
        Self {
            cases: self.cases,
            mae: self.mae / cases,
            crps: self.crps / cases,
            pinball: self.pinball.map(|sum| sum / cases),
            brier: self.brier / cases,
            coverage: self.coverage.map(|sum| sum / cases),
            switched: self.switched / cases,
            histogram: self.histogram.map(|sum| sum / cases),
        }
    }
}

/// Forecasts whose probabilities are in the same tenth.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CalibrationBin {
    /// Number of forecasts.
    pub cases: usize,
    /// Mean of their probabilities.
    pub said: f64,
    /// Share of them whose figure was above the line.
    pub came: f64,
}

/// Whether what is said to happen in seven of ten cases does: forecasts by tenth of their probability. A
/// tenth without forecasts has zeros.
#[must_use]
pub fn calibration<'a>(cases: impl IntoIterator<Item = &'a CaseScore>) -> [CalibrationBin; 10] {
    let mut bins = [CalibrationBin::default(); 10];
    for case in cases {
        if let Some(bin) = bins.get_mut(tenth(case.probability)) {
            bin.cases += 1;
            bin.said += case.probability;
            bin.came += if case.is_above { 1.0 } else { 0.0 };
        }
    }
    for bin in bins.iter_mut().filter(|bin| bin.cases > 0) {
        let cases = float(bin.cases);
        (bin.said, bin.came) = (bin.said / cases, bin.came / cases);
    }
    bins
}

/// Mean distance of what was said from what came, over all forecasts, 0 to 1. `None`: there are none.
#[must_use]
pub fn calibration_error(bins: &[CalibrationBin]) -> Option<f64> {
    let cases: usize = bins.iter().map(|bin| bin.cases).sum();
    let distance: f64 = bins.iter().map(|bin| float(bin.cases) * (bin.said - bin.came).abs()).sum();
    (cases > 0).then(|| distance / float(cases))
}

/// The tenth of 0 to 1 that a share is in, from 0.
fn tenth(share: f64) -> usize {
    (1..10).filter(|tenth| share * 10.0 >= float(*tenth)).count()
}
