//! Weighted means whose weights are only bounded.

use crate::Interval;

/// A figure, and bounds of its weight, the upper of which may be infinite.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weighed {
    pub(super) weight: Interval,
    pub(super) figure: f64,
}

/// The least weighted mean over all weights within their bounds. `None`: all weights are zero for certain.
///
/// The mean rises or falls steadily in each weight. So it is least with the weights of the smallest figures
/// as large as they can be and all others as small: figures are sorted, one weight after the other is raised,
/// and the least mean on the way counts. An unbounded weight may outweigh everything else.
pub(super) fn least_mean(mut all: Vec<Weighed>) -> Option<f64> {
    all.sort_by(|a, b| a.figure.total_cmp(&b.figure));
    let mut weight: f64 = all.iter().map(|weighed| weighed.weight.low).sum();
    let mut sum: f64 = all.iter().map(|weighed| weighed.weight.low * weighed.figure).sum();
    let mut least = (weight > 0.0).then(|| sum / weight);
    for weighed in all.into_iter().filter(|weighed| weighed.weight.high > 0.0) {
        let Weighed { weight: Interval { low, high }, figure } = weighed;
        if high.is_infinite() || weight <= 0.0 {
            least = Some(least.map_or(figure, |least| least.min(figure)));
        }
        if high.is_infinite() {
            continue;
        }
        weight += high - low;
        sum += (high - low) * figure;
        if weight > 0.0 {
            least = Some(least.map_or(sum / weight, |least| least.min(sum / weight)));
        }
    }
    least
}

/// The greatest weighted mean: minus the least one of the negated figures.
pub(super) fn greatest_mean(all: impl Iterator<Item = Weighed>) -> Option<f64> {
    let negated = all.map(|weighed| Weighed { figure: -weighed.figure, ..weighed }).collect();
    least_mean(negated).map(|mean| 0.0 - mean)
}
