//! Governance-weighted concentration of supply, as in the EU's criticality assessment.
//!
//! Source: European Commission, Methodology for establishing the EU list of critical raw materials (2017),
//! and Regulation (EU) 2024/1252, annex II.

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

/// Steps of the bisection for the lower bound: more than a double has binary digits.
const BISECTION_STEPS: usize = 80;

/// The six Worldwide Governance Indicators of one year, each about -2.5 (worst) to 2.5 (best). `None`: not
/// recorded.
pub type Indicators = [Option<f64>; 6];

/// Governance as the EU's criticality assessment scales it: `(2.5 - mean of the six indicators) * 2`, 0
/// (best) to 10 (worst), as the mean over the given years (five, up to the period assessed).
///
/// The mean of a year is over those of the six that are recorded, the overall mean over the years with any.
/// Where something is missing the figure is PARTIAL; its bounds stay at the value, because the definition
/// asks for the mean of what is recorded. Without any year it is UNAVAILABLE, between 0 and 10.
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
        return Doubt::new(Status::Unavailable, NO_INDICATORS).estimate(None, all);
    };
    let index = ((2.5 - mean) * 2.0).clamp(0.0, WORST_GOVERNANCE);
    let doubt = if complete { Doubt::NONE } else { Doubt::new(Status::Partial, SOME_INDICATORS) };
    doubt.estimate(Some(index), Interval::exact(index))
}

fn mean(values: &[f64]) -> Option<f64> {
    let (sum, count) = values.iter().fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    (count > 0.0).then(|| sum / count)
}

/// The trade parameter `t` of a supplier: as recorded (above 1 for export restrictions, below for an
/// agreement), otherwise 0.8 for a member of the consumer and 1 for all others. A negative number, NaN or
/// infinity counts as not recorded.
#[must_use]
pub fn trade_parameter(recorded: Option<f64>, inside: bool) -> f64 {
    let default = if inside { TRADE_INSIDE } else { TRADE_DEFAULT };
    recorded.filter(|t| t.is_finite() && *t >= 0.0).unwrap_or(default)
}

/// The factors that weight a supplier's share.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Risk {
    /// Governance, 0 (best) to 10 (worst): see [`governance`].
    pub governance: Estimate,
    /// Trade parameter, at least 0: see [`trade_parameter`].
    pub trade: f64,
}

/// Supply of a market with the risk of each supplier. For `eu-global-hhi` that is world output; for
/// `eu-sourcing-hhi`, output of the consumer's members and imports from outside.
#[derive(Clone, Debug, PartialEq)]
pub struct GovernedSupply<K> {
    supply: Sourcing<K>,
    /// In the order of the suppliers.
    risks: Vec<Risk>,
}

/// A supplier with bounds of its share and of its weight.
#[derive(Clone, Copy)]
struct WeightedSupplier {
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

    /// `H = sum(S_c^2 * WGI_c * t_c)` over shares as fractions, 0 to 10 times the largest trade parameter.
    ///
    /// The best value leaves out suppliers of unknown governance; the bounds give them 0 to 10. In the lower
    /// bound the residual is spread over so many suppliers that it adds nothing; in the upper bound it is one
    /// supplier of the worst governance and the largest trade parameter. What is of unknown origin adds
    /// nothing in the lower bound; in the upper bound it comes from the supplier, listed or not, that makes
    /// the index largest. NOT_APPLICABLE where nothing is supplied.
    #[must_use]
    pub fn hhi(&self) -> Estimate {
        if self.supply.total().is_nothing() {
            return Estimate::missing(Status::NotApplicable, NOTHING);
        }
        let all = self.weighed();
        let known = all.iter().filter_map(|supplier| supplier.value);
        let value = known.fold(None, |sum, value| Some(sum.unwrap_or(0.0) + value));
        self.doubt().estimate(value, Interval::new(self.low(&all), self.high(&all)))
    }

    /// The contribution of each supplier to the index, `S_c^2 * WGI_c * t_c`, by key.
    pub fn contributions(&self) -> impl Iterator<Item = (K, Estimate)> {
        let keys = self.supply.suppliers().iter().map(|(key, _)| *key);
        let doubts = self.supply.shares().zip(&self.risks);
        let doubts = doubts.map(|((_, share), risk)| {
            Doubt::from_estimate(&share).and(Doubt::from_estimate(&risk.governance))
        });
        keys.zip(self.weighed()).zip(doubts).map(|((key, supplier), doubt)| {
            let bounds = supplier.share.times(supplier.share).times(supplier.weight);
            (key, doubt.estimate(supplier.value, bounds))
        })
    }

    /// The risk of each supplier, by key.
    pub fn risks(&self) -> impl Iterator<Item = (K, Risk)> {
        self.supply.suppliers().iter().map(|(key, _)| *key).zip(self.risks.iter().copied())
    }

    fn weighed(&self) -> Vec<WeightedSupplier> {
        let suppliers = self.supply.suppliers().iter().zip(self.supply.shares()).zip(&self.risks);
        suppliers
            .map(|(((_, amount), (_, share)), risk)| WeightedSupplier::new(*amount, &share, risk))
            .collect()
    }

    fn doubt(&self) -> Doubt {
        let rows = self.supply.suppliers().iter().zip(&self.risks);
        let governance = rows
            .filter(|((_, amount), _)| !amount.is_nothing())
            .map(|(_, risk)| Doubt::from_estimate(&risk.governance));
        let amounts = Doubt::from_amount(self.supply.total(), INCOMPLETE);
        let residual = match self.supply.residual() {
            residual if residual.is_nothing() => Doubt::NONE,
            _ => Doubt::new(Status::Partial, RESIDUAL),
        };
        governance.fold(amounts.and(residual), Doubt::and)
    }

    /// Upper bound: the largest over all suppliers that may receive what is of unknown origin.
    fn high(&self, all: &[WeightedSupplier]) -> f64 {
        let steepest =
            self.risks.iter().map(|risk| valid_trade_parameter(risk.trade)).fold(TRADE_DEFAULT, f64::max);
        let worst = steepest * WORST_GOVERNANCE;
        if self.supply.unknown_origin().is_nothing() {
            let residual = Interval::from(&self.supply.residual_share()).within(0.0, 1.0);
            return max_weighted_squares(
                all.iter().map(|supplier| (supplier.share, supplier.weight.high)).chain([(residual, worst)]),
            );
        }
        let weights = || all.iter().map(|supplier| supplier.weight.high).chain([worst]);
        let with_receiver =
            |receiver| max_weighted_squares(self.supply.all_bounds(receiver).into_iter().zip(weights()));
        (0..=all.len()).map(with_receiver).fold(0.0, f64::max)
    }

    /// Lower bound. With `w` the least weights, `sum(w * a^2) / (R + sum(a))^2` is least where each amount is
    /// as near to `t / w` as its bounds allow, for the one `t` where `sum(a * (w * a - t)) = t * R`, and `R`
    /// as large as it can be. That difference falls in `t` and is not above 0 at the largest `w * low`, so
    /// bisection finds its root.
    fn low(&self, all: &[WeightedSupplier]) -> f64 {
        let residual = self.supply.residual().high();
        let largest =
            all.iter().map(|supplier| supplier.weight.low * supplier.amount.low()).fold(0.0, f64::max);
        if residual.is_infinite() || largest <= 0.0 {
            return if residual > 0.0 { 0.0 } else { index_by_weights(all) };
        }
        let (mut below, mut above) = (0.0, largest);
        for _ in 0..BISECTION_STEPS {
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

/// Upper bound of `sum(s^2 * w)` over shares within their bounds that sum to one.
///
/// Since `s^2 * w <= s * high * w`, it is at most the maximum of a linear sum, in which shares are filled
/// first where `high * w` is largest. Where nothing is uncertain it is the index itself.
fn max_weighted_squares(parts: impl Iterator<Item = (Interval, f64)>) -> f64 {
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

/// The least index where no amount of a weight above zero has a lower bound above zero: shares are then
/// inverse to the weights.
fn index_by_weights(all: &[WeightedSupplier]) -> f64 {
    let possible = all.iter().filter(|supplier| supplier.amount.high() > 0.0);
    let inverse: f64 = possible.map(|supplier| 1.0 / supplier.weight.low).sum();
    if inverse > 0.0 { 1.0 / inverse } else { 0.0 }
}

/// Weighted sum of squares, and sum including the residual, where every amount is as near to `t / w` as its
/// bounds allow.
fn sums(all: &[WeightedSupplier], t: f64, residual: f64) -> (f64, f64) {
    let mut squares = 0.0;
    let mut sum = residual;
    for supplier in all {
        let weight = supplier.weight.low;
        let amount = (t / weight).max(supplier.amount.low()).min(supplier.amount.high());
        if weight > 0.0 {
            squares += weight * amount * amount;
        }
        sum += amount;
    }
    (squares, sum)
}

impl WeightedSupplier {
    fn new(amount: Amount, share: &Estimate, risk: &Risk) -> Self {
        let governance = Interval::from(&risk.governance).within(0.0, WORST_GOVERNANCE);
        let trade = valid_trade_parameter(risk.trade);
        let weight = Interval::new(governance.low * trade, governance.high * trade);
        // A supplier of unknown amount or governance is left out of the best value, which differs from adding
        // zero.
        let known = best(share).zip(best(&risk.governance));
        let value = known.map(|(share, wgi)| share * share * wgi.clamp(0.0, WORST_GOVERNANCE) * trade);
        Self { amount, value, share: Interval::from(share).within(0.0, 1.0), weight }
    }
}

/// A trade parameter; an invalid one counts as the default.
fn valid_trade_parameter(trade: f64) -> f64 {
    trade_parameter(Some(trade), false)
}
