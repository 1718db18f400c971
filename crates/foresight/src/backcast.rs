//! Backcasts: what a forecast would have said at earlier times, scored on what came.
//!
//! At each origin only periods up to it are read, for the forecast and for the errors that give it its
//! spread. Figures are those of today's releases: where the figures as they were known at the time are held,
//! give those as the series.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use crate::pool::PoolKey;
use crate::{Baseline, CaseScore, Distribution, ErrorPool, YearlySeries};

/// A backcast of many series.
#[derive(Clone, Debug)]
pub struct Backcast<'a> {
    /// The series. All of them are forecast, and all of them give errors.
    pub series: &'a [YearlySeries],
    /// Years at whose end forecasts are made.
    pub origins: RangeInclusive<i16>,
    /// Forecasts reach this many years ahead.
    pub horizon: usize,
    /// The line whose crossing is scored, such as 0.65.
    pub line: f64,
    /// The errors that give forecasts their spread.
    pub pool: ErrorPool,
}

/// One forecast of a backcast, with its score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BackcastCase {
    /// Place of the series.
    pub series: usize,
    /// Year at whose end the forecast was made.
    pub origin: i16,
    /// Years ahead.
    pub ahead: usize,
    /// How the forecast was made.
    pub baseline: Baseline,
    /// How good it was.
    pub score: CaseScore,
}

/// Errors by their key, as quantiles. `None`: there are too few.
type Spreads = BTreeMap<PoolKey, Option<Vec<f64>>>;

impl Backcast<'_> {
    /// Makes and scores all forecasts, by origin, years ahead, series and baseline.
    ///
    /// A series without a figure at the origin or in the year that is forecast gives no case; neither does
    /// one with too short a history, or a pool with too few errors.
    #[must_use]
    pub fn run(&self, baselines: &[Baseline]) -> Vec<BackcastCase> {
        let mut cases = Vec::new();
        for origin in self.origins.clone() {
            let forecasts = self.forecasts(origin, baselines);
            for ahead in 1..=self.horizon {
                let mut spreads = Spreads::new();
                for (place, baseline, forecast) in &forecasts {
                    let case = self.case(*place, origin, ahead, *baseline, forecast, &mut spreads);
                    cases.extend(case);
                }
            }
        }
        cases
    }

    /// Forecasts of all years ahead, by series and baseline.
    fn forecasts(&self, origin: i16, baselines: &[Baseline]) -> Vec<(usize, Baseline, Vec<f64>)> {
        let of_series = |(place, series): (usize, &YearlySeries)| {
            let history = series.up_to(origin).to_vec();
            baselines.iter().filter_map(move |baseline| {
                let forecast = baseline.forecast(&history, self.horizon).ok()?;
                Some((place, *baseline, forecast))
            })
        };
        self.series.iter().enumerate().flat_map(of_series).collect()
    }

    fn case(
        &self,
        place: usize,
        origin: i16,
        ahead: usize,
        baseline: Baseline,
        forecast: &[f64],
        spreads: &mut Spreads,
    ) -> Option<BackcastCase> {
        let series = self.series.get(place)?;
        let last = series.at(origin)?;
        let observed = series.at(i16::try_from(ahead).ok().and_then(|years| origin.checked_add(years))?)?;
        let forecast = *forecast.get(ahead - 1)?;
        let key = self.pool.key(series.class(), last);
        let errors = || self.pool.errors(key, self.series, origin, ahead).map(|errors| errors.points());
        let errors = spreads.entry(key).or_insert_with(errors).as_deref()?;
        let distribution = Distribution::around(forecast, errors);
        let score = CaseScore::new(&distribution, forecast, last, observed, self.line);
        Some(BackcastCase { series: place, origin, ahead, baseline, score })
    }
}

/// Scores of the pools on the past: mean CRPS of a baseline with each, the best first. Only figures up to
/// `origin` are read. Empty: there is no forecast to score.
#[must_use]
pub fn rank_pools(
    series: &[YearlySeries],
    baseline: Baseline,
    first: i16,
    origin: i16,
    horizon: usize,
) -> Vec<(ErrorPool, f64)> {
    let years = i16::try_from(horizon).unwrap_or(i16::MAX);
    let origins = first..=origin.saturating_sub(years);
    let score = |pool: ErrorPool| {
        let backcast = Backcast { series, origins: origins.clone(), horizon, line: 0.5, pool };
        let cases = backcast.run(&[baseline]);
        let last = cases.iter().filter(|case| case.ahead == horizon).map(|case| &case.score);
        crate::Scores::from_cases(last).map(|scores| (pool, scores.crps))
    };
    let mut ranked: Vec<_> = ErrorPool::ALL.into_iter().filter_map(score).collect();
    ranked.sort_by(|(_, a), (_, b)| a.total_cmp(b));
    ranked
}
