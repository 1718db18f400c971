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
    /// Squared error of the probability of being above the line.
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
        let missed = distribution.share_above(line) - came;
        let inside = |[low, high]: [f64; 2]| low <= observed && observed <= high;
        Self {
            absolute: (forecast - observed).abs(),
            crps: distribution.crps(observed),
            pinball: PINBALL_AT.map(|thousandths| distribution.pinball(thousandths, observed)),
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
        let tenth = (1..10).filter(|tenth| case.below * 10.0 >= float(*tenth)).count();
        if let Some(count) = self.histogram.get_mut(tenth) {
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
