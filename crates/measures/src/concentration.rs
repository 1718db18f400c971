//! The Herfindahl-Hirschman index and its bounds over what is not known.

use crate::Amount;

/// Index of a market with one supplier.
pub(crate) const SCALE: f64 = 10_000.0;

/// Halvings of the search for the lower bound: more than a double has digits.
const HALVINGS: usize = 80;

/// Bounds of a share.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Share {
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Share {
    /// Bounds of the share of `amount`, given bounds of the sum of all others.
    pub(crate) fn between(amount: Amount, others_low: f64, others_high: f64) -> Self {
        Self { low: part(amount.low(), others_high, 0.0), high: part(amount.high(), others_low, 1.0) }
    }
}

/// `own / (own + others)`, also where one of them is infinite; `neither` where both are nothing.
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
    SCALE * shares.map(|share| share * share).sum::<f64>()
}

/// Upper bound of the index, given bounds of every share.
///
/// Since `s^2 <= s * high`, the index is at most `sum(s * high)`, whose maximum over shares within their bounds that sum to
/// one fills up the largest first. Where nothing is uncertain that is the index itself.
pub(crate) fn high(shares: &[Share]) -> f64 {
    let mut shares = shares.to_vec();
    shares.sort_by(|a, b| b.high.total_cmp(&a.high));
    let mut left = (1.0 - shares.iter().map(|share| share.low).sum::<f64>()).max(0.0);
    let mut sum = 0.0;
    for Share { low, high } in shares {
        let more = left.min((high - low).max(0.0));
        left -= more;
        sum += (low + more) * high;
    }
    (SCALE * sum).min(SCALE)
}

/// Lower bound of the index, with the residual spread over so many suppliers that it adds nothing.
///
/// The index `sum(a^2) / (R + sum(a))^2` falls in an amount below `t = sum(a^2) / (R + sum(a))` and rises above it. It is
/// therefore least where every amount is as near to one common `t` as its bounds allow, and `R` is as large as it can be.
/// `sum(a * (a - t)) - t * R` falls in `t`, and is not above 0 at the largest lower bound: halving finds its root.
pub(crate) fn low<K>(suppliers: &[(K, Amount)], residual: Amount) -> f64 {
    let largest = suppliers.iter().map(|(_, amount)| amount.low()).fold(0.0, f64::max);
    if residual.high().is_infinite() || largest <= 0.0 && residual.high() > 0.0 {
        return 0.0;
    }
    if largest <= 0.0 {
        return all_equal(suppliers);
    }
    let at = |t: f64| sums(suppliers, t, residual.high());
    let (mut below, mut above) = (0.0, largest);
    for _ in 0..HALVINGS {
        let middle = below + (above - below) / 2.0;
        let (squares, sum) = at(middle);
        if squares - middle * sum > 0.0 {
            below = middle;
        } else {
            above = middle;
        }
    }
    let (squares, sum) = at(above);
    SCALE * (squares / sum) / sum
}

/// The index of as many equal suppliers as can have anything.
fn all_equal<K>(suppliers: &[(K, Amount)]) -> f64 {
    let sum: f64 = suppliers.iter().map(|(_, amount)| if amount.high() > 0.0 { 1.0 } else { 0.0 }).sum();
    if sum > 0.0 { SCALE / sum } else { 0.0 }
}

/// Sum of squares, and sum with the residual, where every amount is as near to `t` as it can be.
fn sums<K>(suppliers: &[(K, Amount)], t: f64, residual: f64) -> (f64, f64) {
    let nearest = suppliers.iter().map(|(_, amount)| t.max(amount.low()).min(amount.high()));
    let (squares, sum) = nearest.fold((0.0, 0.0), |(squares, sum), a| (squares + a * a, sum + a));
    (squares, sum + residual)
}
