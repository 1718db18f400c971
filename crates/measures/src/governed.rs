//! Concentration of supply, weighed by how suppliers are governed and what they do to trade.

use crate::doubt::{Doubt, best};
use crate::{Amount, Estimate, Interval, Sourcing, Status};

/// Worst governance on the scale of [`governance`].
pub const WORST_GOVERNANCE: f64 = 10.0;

/// Trade parameter of a supplier that neither restricts exports nor has an agreement.
const TRADE_DEFAULT: f64 = 1.0;
/// Trade parameter of a supplier that is part of the consumer.
const TRADE_INSIDE: f64 = 0.8;

const NO_INDICATORS: &str = "no governance indicator of a supplier is recorded for these years";
const SOME_INDICATORS: &str =
    "governance is the mean of the years that are recorded: some of the five are not";
const NOTHING: &str = "nothing is supplied: there is no whole to take a share of";
const INCOMPLETE: &str = "the amounts of some suppliers are not known";
const RESIDUAL: &str = "the residual is not broken down by supplier";

/// Halvings of the search for the lower bound: more than a double has digits.
const HALVINGS: usize = 80;

/// The six Worldwide Governance Indicators of one year, each about -2.5 (worst) to 2.5 (best). None: not recorded.
pub type Indicators = [Option<f64>; 6];

/// Governance as the EU's criticality assessment scales it: `(2.5 - mean of the six indicators) * 2`, 0 (best) to 10
/// (worst), as the mean over the years given (five, up to the period assessed).
///
/// A year's mean is over those of the six that are recorded, the whole mean over the years with any. Where something is
/// missing the figure is PARTIAL and says so; its bounds stay at the value, because the mean of what there is is what the
/// definition asks for. With no year at all it is UNAVAILABLE between 0 and 10.
///
/// ```
/// use orewatch_measures::governance;
///
/// let year = [Some(-0.5); 6];
/// assert_eq!(governance(&[year; 5]).value, Some(6.0));
/// let unknown = governance(&[[None; 6]; 5]);
/// assert_eq!((unknown.value, unknown.low, unknown.high), (None, Some(0.0), Some(10.0)));
/// ```
#[must_use]
pub fn governance(years: &[Indicators]) -> Estimate {
    let recorded = |year: &Indicators| -> Vec<f64> {
        year.iter().copied().flatten().filter(|i| i.is_finite()).collect()
    };
    let means: Vec<f64> = years.iter().filter_map(|year| mean(&recorded(year))).collect();
    let complete = !years.is_empty() && years.iter().all(|year| recorded(year).len() == year.len());
    let Some(mean) = mean(&means) else {
        let all = Interval::new(0.0, WORST_GOVERNANCE);
        return Doubt::because(Status::Unavailable, NO_INDICATORS).figure(None, all);
    };
    let index = ((2.5 - mean) * 2.0).clamp(0.0, WORST_GOVERNANCE);
    let doubt = if complete { Doubt::NONE } else { Doubt::because(Status::Partial, SOME_INDICATORS) };
    doubt.figure(Some(index), Interval::exact(index))
}

fn mean(values: &[f64]) -> Option<f64> {
    let (sum, count) = values.iter().fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    (count > 0.0).then(|| sum / count)
}

/// The trade parameter `t` of a supplier: what is recorded (above 1 for export restrictions, below for an agreement),
/// otherwise 0.8 for a member of the consumer and 1 for all others. What is no positive number counts as not recorded.
#[must_use]
pub fn trade_parameter(recorded: Option<f64>, inside: bool) -> f64 {
    let default = if inside { TRADE_INSIDE } else { TRADE_DEFAULT };
    recorded.filter(|t| t.is_finite() && *t >= 0.0).unwrap_or(default)
}

/// What a supplier's share is weighed by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Risk {
    /// How it is governed, 0 (best) to 10 (worst): see [`governance`].
    pub governance: Estimate,
    /// Its trade parameter: see [`trade_parameter`].
    pub trade: f64,
}

/// Supply of a market with the risk of each supplier: world output for `eu-global-hhi`; output of the consumer's members and
/// imports from outside, each with its own risk, for `eu-sourcing-hhi`.
#[derive(Clone, Debug, PartialEq)]
pub struct GovernedSupply<K> {
    supply: Sourcing<K>,
    /// In the order of the suppliers.
    risks: Vec<Risk>,
}

/// A supplier with bounds of its share and of what that is weighed by.
#[derive(Clone, Copy)]
struct Weighed {
    amount: Amount,
    value: Option<f64>,
    share: Interval,
    weight: Interval,
}

impl<K: Copy + Ord> GovernedSupply<K> {
    /// A market with the risk of its suppliers.
    pub fn new(supply: Sourcing<K>, risk: impl FnMut(K) -> Risk) -> Self {
        let risks = supply.suppliers().iter().map(|(key, _)| *key).map(risk).collect();
        Self { supply, risks }
    }

    /// The supply.
    #[must_use]
    pub fn supply(&self) -> &Sourcing<K> {
        &self.supply
    }

    /// `H = sum(S_c^2 * WGI_c * t_c)` over shares as fractions: 0 to 10 times the largest trade parameter.
    ///
    /// The best value leaves a supplier of unknown governance out; the bounds give it 0 to 10. The residual is spread over
    /// so many suppliers that it adds nothing, or is one supplier of the worst governance and the largest trade parameter;
    /// what is of unknown origin adds nothing, or is of that supplier, listed or not, with which the index is largest.
    /// NOT_APPLICABLE where nothing is supplied.
    #[must_use]
    pub fn hhi(&self) -> Estimate {
        if self.supply.total().is_nothing() {
            return Estimate::missing(Status::NotApplicable, NOTHING);
        }
        let all = self.weighed();
        let known = all.iter().filter_map(|one| one.value);
        let value = known.fold(None, |sum, value| Some(sum.unwrap_or(0.0) + value));
        self.doubt().figure(value, Interval::new(self.low(&all), self.high(&all)))
    }

    /// What each supplier adds to the index, `S_c^2 * WGI_c * t_c`, by key.
    pub fn contributions(&self) -> impl Iterator<Item = (K, Estimate)> {
        let keys = self.supply.suppliers().iter().map(|(key, _)| *key);
        let doubts = self.supply.shares().zip(&self.risks);
        let doubts = doubts.map(|((_, share), risk)| Doubt::of(&share).and(Doubt::of(&risk.governance)));
        keys.zip(self.weighed()).zip(doubts).map(|((key, one), doubt)| {
            let bounds = one.share.times(one.share).times(one.weight);
            (key, doubt.figure(one.value, bounds))
        })
    }

    /// The risk of each supplier, by key.
    pub fn risks(&self) -> impl Iterator<Item = (K, Risk)> {
        self.supply.suppliers().iter().map(|(key, _)| *key).zip(self.risks.iter().copied())
    }

    fn weighed(&self) -> Vec<Weighed> {
        let suppliers = self.supply.suppliers().iter().zip(self.supply.shares()).zip(&self.risks);
        suppliers.map(|(((_, amount), (_, share)), risk)| Weighed::new(*amount, &share, risk)).collect()
    }

    fn doubt(&self) -> Doubt {
        let rows = self.supply.suppliers().iter().zip(&self.risks);
        let governance =
            rows.filter(|((_, amount), _)| !amount.is_nothing()).map(|(_, risk)| Doubt::of(&risk.governance));
        let amounts = Doubt::of_amount(self.supply.total(), INCOMPLETE);
        let residual = match self.supply.residual() {
            residual if residual.is_nothing() => Doubt::NONE,
            _ => Doubt::because(Status::Partial, RESIDUAL),
        };
        governance.fold(amounts.and(residual), Doubt::and)
    }

    /// Upper bound: the largest over all suppliers of whom what is of unknown origin may be.
    fn high(&self, all: &[Weighed]) -> f64 {
        let steepest = self.risks.iter().map(|risk| sane(risk.trade)).fold(TRADE_DEFAULT, f64::max);
        let worst = steepest * WORST_GOVERNANCE;
        if self.supply.unknown_origin().is_nothing() {
            let residual = Interval::from(&self.supply.residual_share()).within(0.0, 1.0);
            return most(all.iter().map(|one| (one.share, one.weight.high)).chain([(residual, worst)]));
        }
        let weights = || all.iter().map(|one| one.weight.high).chain([worst]);
        let of = |receiver| most(self.supply.all_bounds(receiver).into_iter().zip(weights()));
        (0..=all.len()).map(of).fold(0.0, f64::max)
    }

    /// With `w` the least weights, `sum(w * a^2) / (R + sum(a))^2` is least where each amount is as near to `t / w` as its
    /// bounds allow, for the one `t` where `sum(a * (w * a - t)) = t * R`, and `R` as large as it can be. That difference
    /// falls in `t` and is not above 0 at the largest `w * low`: halving finds its root.
    fn low(&self, all: &[Weighed]) -> f64 {
        let residual = self.supply.residual().high();
        let largest = all.iter().map(|one| one.weight.low * one.amount.low()).fold(0.0, f64::max);
        if residual.is_infinite() || largest <= 0.0 {
            return if residual > 0.0 { 0.0 } else { even(all) };
        }
        let (mut below, mut above) = (0.0, largest);
        for _ in 0..HALVINGS {
            let middle = below + (above - below) / 2.0;
            let (squares, sum) = sums(all, middle, residual);
            if squares > middle * sum {
                below = middle;
            } else {
                above = middle;
            }
        }
        let (squares, sum) = sums(all, above, residual);
        let index = (squares / sum) / sum;
        if index.is_finite() { index } else { 0.0 }
    }
}

/// Since `s^2 * w <= s * high * w`, the index is at most the maximum of a linear sum over shares within their bounds that sum
/// to one: it fills up first where `high * w` is largest. Where nothing is uncertain that is the index itself.
fn most(parts: impl Iterator<Item = (Interval, f64)>) -> f64 {
    let mut parts: Vec<_> = parts.collect();
    parts.sort_by(|a, b| (b.0.high * b.1).total_cmp(&(a.0.high * a.1)));
    let mut left = (1.0 - parts.iter().map(|(share, _)| share.low).sum::<f64>()).max(0.0);
    let mut sum = 0.0;
    for (share, weight) in parts {
        let more = left.min((share.high - share.low).max(0.0));
        left -= more;
        sum += (share.low + more) * share.high * weight;
    }
    sum
}

/// The index where no amount has a lower bound above zero, or none of a weight above zero: shares follow the weights.
fn even(all: &[Weighed]) -> f64 {
    let possible = all.iter().filter(|one| one.amount.high() > 0.0);
    let inverse: f64 = possible.map(|one| 1.0 / one.weight.low).sum();
    if inverse > 0.0 { 1.0 / inverse } else { 0.0 }
}

/// Weighed sum of squares, and sum with the residual, where every amount is as near to `t / w` as it can be.
fn sums(all: &[Weighed], t: f64, residual: f64) -> (f64, f64) {
    let mut squares = 0.0;
    let mut sum = residual;
    for one in all {
        let weight = one.weight.low;
        let amount = (t / weight).max(one.amount.low()).min(one.amount.high());
        if weight > 0.0 {
            squares += weight * amount * amount;
        }
        sum += amount;
    }
    (squares, sum)
}

impl Weighed {
    fn new(amount: Amount, share: &Estimate, risk: &Risk) -> Self {
        let governance = Interval::from(&risk.governance).within(0.0, WORST_GOVERNANCE);
        let trade = sane(risk.trade);
        let weight = Interval::new(governance.low * trade, governance.high * trade);
        // A supplier of unknown amount or governance is no part of the best value, which is not the same as adding nothing.
        let known = best(share).zip(best(&risk.governance));
        let value = known.map(|(share, wgi)| share * share * wgi.clamp(0.0, WORST_GOVERNANCE) * trade);
        Self { amount, value, share: Interval::from(share).within(0.0, 1.0), weight }
    }
}

/// A trade parameter as a factor: what is none counts as the default.
fn sane(trade: f64) -> f64 {
    trade_parameter(Some(trade), false)
}
