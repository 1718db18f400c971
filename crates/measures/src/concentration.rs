//! Concentration of a market: the Herfindahl-Hirschman index with its bounds, and the largest suppliers.

use crate::{Amount, Estimate, Interval, Status};

/// Reason of shares in a market without any supply.
pub(crate) const NOTHING: &str = "nothing is supplied: there is no whole to take a share of";

/// Index of a market with one supplier.
pub(crate) const SCALE: f64 = 10_000.0;

/// The figures of concentration of a market, computed together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Concentration<K> {
    /// All suppliers and the residual together.
    pub total: Amount,
    /// Herfindahl-Hirschman index, 0 to 10000.
    pub hhi: Estimate,
    /// Effective number of suppliers, at least 1.
    pub suppliers: Estimate,
    /// Share of the largest supplier, 0 to 1.
    pub top1: Estimate,
    /// Share of the three largest suppliers together, 0 to 1.
    pub top3: Estimate,
    /// The three largest suppliers by known amount, largest first, equal ones by key. Fewer where fewer
    /// supply anything.
    pub names: [Option<K>; 3],
}

impl<K: Copy> Concentration<K> {
    /// The figures of a market without residual in which every amount is known, with suppliers in the order
    /// of their keys. Two passes over the numbers: most markets are of this kind.
    pub(crate) fn from_known(amounts: impl Iterator<Item = (K, f64)> + Clone) -> Self {
        let total = amounts.clone().fold(0.0, |sum, (_, amount)| sum + amount);
        let sum = Amount::sum_of_known(total);
        if total <= 0.0 {
            return Self::empty(sum);
        }
        let mut largest = Largest::default();
        let squares = amounts.fold(0.0, |sum, (key, amount)| {
            largest.consider(key, amount);
            let share = amount / total;
            sum + share * share
        });
        let index = SCALE * squares;
        let part =
            |n: usize| Estimate::known(largest.sizes().take(n).fold(0.0, |sum, size| sum + size / total));
        let hhi = Estimate::known(index);
        Self {
            total: sum,
            hhi,
            suppliers: effective(hhi),
            top1: part(1),
            top3: part(3),
            names: largest.keys(),
        }
    }

    /// A market in which nothing is supplied.
    pub(crate) fn empty(total: Amount) -> Self {
        let none = Estimate::missing(Status::NotApplicable, NOTHING);
        Self { total, hhi: none, suppliers: none, top1: none, top3: none, names: [const { None }; 3] }
    }
}

/// The three largest amounts above zero, the first of equal ones first.
struct Largest<K> {
    ranked: [Option<(K, f64)>; 3],
    /// The amount that a further supplier has to exceed.
    third: f64,
}

impl<K> Default for Largest<K> {
    fn default() -> Self {
        Self { ranked: [const { None }; 3], third: 0.0 }
    }
}

impl<K: Copy> Largest<K> {
    fn consider(&mut self, key: K, amount: f64) {
        if amount > self.third {
            self.enter(key, amount);
        }
    }

    fn enter(&mut self, key: K, amount: f64) {
        let size = |ranked: Option<(K, f64)>| ranked.map_or(0.0, |(_, size)| size);
        let new = Some((key, amount));
        let [a, b, c] = self.ranked;
        self.ranked = match () {
            () if amount > size(a) => [new, a, b],
            () if amount > size(b) => [a, new, b],
            () if amount > size(c) => [a, b, new],
            () => [a, b, c],
        };
        let [_, _, third] = self.ranked;
        self.third = size(third);
    }

    fn sizes(&self) -> impl Iterator<Item = f64> {
        self.ranked.iter().flatten().map(|(_, size)| *size)
    }

    fn keys(&self) -> [Option<K>; 3] {
        self.ranked.map(|ranked| ranked.map(|(key, _)| key))
    }
}

/// `10000 / hhi`, with the bounds the other way round. An HHI that may be as low as 0 gives no upper bound.
pub(crate) fn effective(hhi: Estimate) -> Estimate {
    let inverse = |index: f64| (index > 0.0).then(|| SCALE / index);
    Estimate {
        value: hhi.value.and_then(inverse),
        low: hhi.high.and_then(inverse),
        high: hhi.low.and_then(inverse),
        ..hhi
    }
}

/// Steps of the bisection for the lower bound: more than a double has binary digits.
const BISECTION_STEPS: usize = 80;

/// Bounds of the share of `own`, given those of the sum of all others.
pub(crate) fn share(own: Interval, others: Interval) -> Interval {
    Interval { low: part(own.low, others.high, 0.0), high: part(own.high, others.low, 1.0) }
}

/// `own / (own + others)`, also where one of them is infinite; `neither` where both are zero.
fn part(own: f64, others: f64, neither: f64) -> f64 {
    if own.is_infinite() {
        1.0
    } else if own + others > 0.0 {
        own / (own + others)
    } else {
        neither
    }
}

/// `10000 * sum(s^2)`.
pub(crate) fn hhi(shares: impl Iterator<Item = f64>) -> f64 {
    SCALE * shares.fold(0.0, |sum, share| sum + share * share)
}

/// Upper bound of the index, given bounds of every share.
///
/// Since `s^2 <= s * high`, the index is at most `sum(s * high)`. That is linear, so over shares within their
/// bounds that sum to one it is greatest when the shares with the largest upper bounds are filled first.
/// Where nothing is uncertain it is the index itself.
pub(crate) fn max_hhi(shares: &[Interval]) -> f64 {
    let mut shares = shares.to_vec();
    shares.sort_by(|a, b| b.high.total_cmp(&a.high));
    let mut left = (1.0 - shares.iter().map(|share| share.low).sum::<f64>()).max(0.0);
    let mut sum = 0.0;
    for Interval { low, high } in shares {
        let more = left.min((high - low).max(0.0));
        left -= more;
        sum += (low + more) * high;
    }
    (SCALE * sum).min(SCALE)
}

/// Lower bound of the index, with the residual spread over so many suppliers that it adds nothing.
///
/// The index `sum(a^2) / (R + sum(a))^2` falls in an amount below `t = sum(a^2) / (R + sum(a))` and rises
/// above it. It is therefore least where every amount is as near to one common `t` as its bounds allow, and
/// `R` is as large as it can be. `sum(a * (a - t)) - t * R` falls in `t` and is not above 0 at the largest
/// lower bound, so bisection finds its root.
pub(crate) fn min_hhi<K>(suppliers: &[(K, Amount)], residual: Amount) -> f64 {
    let largest = suppliers.iter().map(|(_, amount)| amount.low()).fold(0.0, f64::max);
    if residual.high().is_infinite() || largest <= 0.0 && residual.high() > 0.0 {
        return 0.0;
    }
    if largest <= 0.0 {
        return hhi_of_equal_suppliers(suppliers);
    }
    let sums_at = |t: f64| sums(suppliers, t, residual.high());
    let (mut below, mut above) = (0.0, largest);
    for _ in 0..BISECTION_STEPS {
        let middle = below + (above - below) / 2.0;
        let (squares, sum) = sums_at(middle);
        if squares - middle * sum > 0.0 {
            below = middle;
        } else {
            above = middle;
        }
    }
    let (squares, sum) = sums_at(above);
    SCALE * (squares / sum) / sum
}

/// The index of equal suppliers, as many as can supply anything.
fn hhi_of_equal_suppliers<K>(suppliers: &[(K, Amount)]) -> f64 {
    let sum: f64 = suppliers.iter().map(|(_, amount)| if amount.high() > 0.0 { 1.0 } else { 0.0 }).sum();
    if sum > 0.0 { SCALE / sum } else { 0.0 }
}

/// Sum of squares, and sum including the residual, where every amount is as near to `t` as its bounds allow.
fn sums<K>(suppliers: &[(K, Amount)], t: f64, residual: f64) -> (f64, f64) {
    let nearest = suppliers.iter().map(|(_, amount)| t.max(amount.low()).min(amount.high()));
    let (squares, sum) = nearest.fold((0.0, 0.0), |(squares, sum), a| (squares + a * a, sum + a));
    (squares, sum + residual)
}

/// Sum of the `N` largest shares.
pub(crate) fn sum_of_largest<const N: usize>(shares: impl Iterator<Item = f64>) -> f64 {
    let mut shares: Vec<_> = shares.collect();
    shares.sort_by(|a, b| b.total_cmp(a));
    shares.iter().take(N).sum()
}
