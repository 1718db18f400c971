//! Weighted means whose weights are only bounded.

use crate::Interval;

/// A weight between bounds, the upper of which may be infinite, and the figure that it weighs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weighed {
    pub(super) weight: Interval,
    pub(super) figure: f64,
}

/// The least weighted mean, over all weights within their bounds. None if all weights may be zero.
///
/// In each weight the mean moves in one direction, so it is least with the weights of the smallest figures as large as they
/// can be and all others as small. An unbounded weight may outweigh everything else.
pub(super) fn least_mean(mut all: Vec<Weighed>) -> Option<f64> {
    all.sort_by(|one, other| one.figure.total_cmp(&other.figure));
    let mut weight: f64 = all.iter().map(|one| one.weight.low).sum();
    let mut sum: f64 = all.iter().map(|one| one.weight.low * one.figure).sum();
    let mut least = (weight > 0.0).then(|| sum / weight);
    for one in all.into_iter().filter(|one| one.weight.high > 0.0) {
        let Weighed { weight: Interval { low, high }, figure } = one;
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

/// The greatest weighted mean, likewise.
pub(super) fn greatest_mean(all: impl Iterator<Item = Weighed>) -> Option<f64> {
    let turned = all.map(|one| Weighed { figure: -one.figure, ..one }).collect();
    least_mean(turned).map(|mean| 0.0 - mean)
}
