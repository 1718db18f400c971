//! Is a model better than no change, or only lucky?
//!
//! Errors of one kind of goods are alike over consumers, and those of neighbouring origins share years. So
//! whole kinds of goods and whole runs of origins are drawn again, both at once, and the difference of two
//! models is computed on the same draws (paired block bootstrap). Several models are tried, so their
//! probabilities are adjusted together (Holm).

use std::collections::{BTreeMap, BTreeSet};

use crate::number::float;
use crate::random::below;
use crate::{BackcastCase, Baseline, CaseScore, Stream, YearlySeries};

/// Times that the cases are drawn again.
const REPLICATES: u32 = 2_000;

/// The significance at which a model counts as better.
const SIGNIFICANCE: f64 = 0.05;

/// What two models are compared by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// The absolute error of the point forecast.
    Absolute,
    /// The continuous ranked probability score of the distribution.
    Crps,
}

/// A model beside no change, on the same cases.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Comparison {
    /// The model.
    pub baseline: Baseline,
    /// Years ahead.
    pub ahead: usize,
    /// Number of pairs.
    pub cases: usize,
    /// Mean loss less that of no change, in the unit of the figures; below 0 if the model is better.
    pub difference: f64,
    /// Lower and upper end of the 95 % interval of the difference.
    pub interval: [f64; 2],
    /// Probability, adjusted for the number of models, of a difference as large if there were none.
    pub p: f64,
}

impl Comparison {
    /// Whether the model beats no change: the interval lies below 0, and so it does after the adjustment.
    #[must_use]
    pub fn beats_no_change(&self) -> bool {
        let [_, high] = self.interval;
        self.difference < 0.0 && high < 0.0 && self.p < SIGNIFICANCE
    }
}

/// Compares every model of a backcast with no change, some years ahead. The draws follow from the seed.
#[must_use]
pub fn compare_with_no_change(
    series: &[YearlySeries],
    cases: &[BackcastCase],
    ahead: usize,
    loss: Loss,
    seed: u64,
) -> Vec<Comparison> {
    let losses = |baseline: Baseline| -> BTreeMap<(usize, i16), f64> {
        let wanted = cases.iter().filter(|case| case.baseline == baseline && case.ahead == ahead);
        wanted.map(|case| ((case.series, case.origin), loss.take(&case.score))).collect()
    };
    let reference = losses(Baseline::NoChange);
    let models: BTreeSet<Baseline> = cases.iter().map(|case| case.baseline).collect();
    let models = models.into_iter().filter(|baseline| *baseline != Baseline::NoChange);
    let compared = models.filter_map(|baseline| {
        let blocks = Blocks::new(series, &losses(baseline), &reference);
        blocks.compare(baseline, ahead, seed)
    });
    let mut compared: Vec<Comparison> = compared.collect();
    let adjusted = holm(&compared.iter().map(|comparison| comparison.p).collect::<Vec<_>>());
    compared.iter_mut().zip(adjusted).for_each(|(comparison, p)| comparison.p = p);
    compared
}

impl Loss {
    fn take(self, score: &CaseScore) -> f64 {
        match self {
            Self::Absolute => score.absolute,
            Self::Crps => score.crps,
        }
    }
}

/// Probabilities adjusted so that the chance of any false discovery among them stays what it is for one
/// (Holm 1979): the smallest is multiplied by their number, the next by one less, and none falls below the
/// one before.
#[must_use]
pub fn holm(probabilities: &[f64]) -> Vec<f64> {
    let mut order: Vec<(usize, f64)> = probabilities.iter().copied().enumerate().collect();
    order.sort_by(|(_, a), (_, b)| a.total_cmp(b));
    let mut adjusted = probabilities.to_vec();
    let mut floor = 0.0_f64;
    for (rank, (place, p)) in order.into_iter().enumerate() {
        floor = floor.max((p * float(probabilities.len() - rank)).min(1.0));
        if let Some(slot) = adjusted.get_mut(place) {
            *slot = floor;
        }
    }
    adjusted
}

/// Sums of the differences by kind of goods and origin.
struct Blocks {
    goods: usize,
    origins: usize,
    cases: usize,
    /// Sum and number of differences, by goods and then origin.
    cells: Vec<(f64, f64)>,
}

impl Blocks {
    fn new(
        series: &[YearlySeries],
        losses: &BTreeMap<(usize, i16), f64>,
        reference: &BTreeMap<(usize, i16), f64>,
    ) -> Self {
        let pairs = losses.iter().filter_map(|(key, loss)| Some((*key, loss - reference.get(key)?)));
        let pairs: Vec<_> = pairs
            .filter_map(|((place, origin), difference)| {
                Some((series.get(place)?.goods(), origin, difference))
            })
            .collect();
        let goods: Vec<&str> =
            pairs.iter().map(|(goods, ..)| *goods).collect::<BTreeSet<_>>().into_iter().collect();
        let origins: Vec<i16> =
            pairs.iter().map(|(_, origin, _)| *origin).collect::<BTreeSet<_>>().into_iter().collect();
        let mut cells = vec![(0.0, 0.0); goods.len() * origins.len()];
        for (name, origin, difference) in &pairs {
            let row = goods.binary_search(name).unwrap_or_default();
            let column = origins.binary_search(origin).unwrap_or_default();
            if let Some((sum, count)) = cells.get_mut(row * origins.len() + column) {
                *sum += difference;
                *count += 1.0;
            }
        }
        Self { goods: goods.len(), origins: origins.len(), cases: pairs.len(), cells }
    }

    /// `None`: there are no pairs.
    fn compare(&self, baseline: Baseline, ahead: usize, seed: u64) -> Option<Comparison> {
        let difference = self.mean(&vec![1.0; self.goods], &vec![1.0; self.origins])?;
        let (goods, origins) = (Stream::new(seed, "goods"), Stream::new(seed, "origins"));
        let replicate = |replicate: u32| {
            let goods = drawn(self.goods, 1, goods, replicate);
            let origins = drawn(self.origins, ahead, origins, replicate);
            self.mean(&goods, &origins)
        };
        let means: Vec<f64> = (0..REPLICATES).filter_map(replicate).collect();
        let count = |holds: fn(f64) -> bool| 1 + means.iter().filter(|mean| holds(**mean)).count();
        let tail = count(|mean| mean <= 0.0).min(count(|mean| mean >= 0.0));
        let p = (2.0 * float(tail) / float(means.len() + 1)).min(1.0);
        let means = crate::Distribution::new(means)?;
        let interval = [means.quantile(25, 1000), means.quantile(975, 1000)];
        Some(Comparison { baseline, ahead, cases: self.cases, difference, interval, p })
    }

    /// Mean difference with weights of goods and origins. `None`: the weights leave nothing.
    fn mean(&self, goods: &[f64], origins: &[f64]) -> Option<f64> {
        let (mut sum, mut count) = (0.0, 0.0);
        for (weight, row) in goods.iter().zip(self.cells.chunks(self.origins.max(1))) {
            for (origin, (difference, cases)) in origins.iter().zip(row) {
                sum += weight * origin * difference;
                count += weight * origin * cases;
            }
        }
        (count > 0.0).then(|| sum / count)
    }
}

/// How often each of `count` neighbours is drawn, in runs of `length` that wrap around.
fn drawn(count: usize, length: usize, stream: Stream, replicate: u32) -> Vec<f64> {
    let mut weights = vec![0.0; count];
    let runs = count.div_ceil(length.max(1));
    let first = replicate.saturating_mul(u32::try_from(runs).unwrap_or(u32::MAX));
    let starts = (first..).take(runs).map(|draw| below(first_word(stream.words(draw)), count));
    let places = starts.flat_map(|start| start..start + length);
    for place in places.take(count) {
        if let Some(weight) = weights.get_mut(place % count.max(1)) {
            *weight += 1.0;
        }
    }
    weights
}

fn first_word([first, ..]: [u32; 4]) -> u32 {
    first
}
