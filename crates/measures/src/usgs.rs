//! Supply risk by the US Geological Survey: how likely a disruption is, how exposed a consumer is, and what
//! it would cost.
//!
//! ```text
//! DP = sum(PS_c^2 * ASI_c * WSI_c)                       disruption potential
//! TE = (I - E + dS) / (PP + SP + I - E + dS)             trade exposure, 0 for a net exporter
//! EV = sum((VA_j / GDP) * (X_j / OP_j))                  economic vulnerability
//! SR = (DP * TE * EV)^(1/3)                              supply risk
//! ```
//!
//! Source: Nassar, Brainard, Gulley, Manley, Matos, Lederer, Bird, Pineault, Alonso, Gambogi and Fortier
//! (2020), Evaluating the mineral commodity supply risk of the US manufacturing sector, Science Advances 6,
//! eaay8647.
//!
//! Taken from the source: the four formulas, that trade ties and shared values enter the willingness to
//! supply as a mean, and that partners in collective defence are treated separately. Not checked against the
//! source, and therefore choices of this crate: how they are treated (the mean takes a third part, 0 for a
//! partner), how trade ties are normalised (by the largest of all economies), and that an industry loses at
//! most its whole profit (`X / OP` is capped at 1).

use std::collections::BTreeMap;

use crate::uncertainty::Bounded;
use crate::{Amount, Estimate, Interval, Reliance, Sourcing, Status, Term, Terms};

const NO_OUTPUT: &str = "nothing is produced: there is no supply to disrupt";
const NO_ECONOMY: &str = "no gross domestic product is given";
const NOT_RATED: &str = "the output or the indices of some producers are not known";
const NO_INDEX: &str = "an index of this economy is not known";
const NO_TIE: &str = "trade with this economy or its gross domestic product is not known";
const NO_ACCOUNT: &str = "an account of some industries is not known";
const RISK_BOUNDED: &str = "a term of the supply risk is not wholly known";

/// Inability and unwillingness of an economy to supply, each 0 (fully able, willing) to 1 (not at all).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SupplyIndices {
    /// Ability to supply, `ASI`: see [`ability`].
    pub ability: Estimate,
    /// Willingness to supply, `WSI`: see [`Willingness`]. A consumer's own output is willing: 0.
    pub willingness: Estimate,
}

/// `ASI = (100 - PPI) / 100` from the Policy Perception Index of the Fraser Institute, 0 to 100; 0 to 1 where
/// it is missing.
#[must_use]
pub fn ability(policy_perception: &Estimate) -> Estimate {
    let index = Bounded::on_scale(policy_perception, 0.0, 100.0);
    index.map_falling(|score| (100.0 - score) / 100.0).estimate(NO_INDEX)
}

/// Inputs of the willingness of one economy to supply a consumer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Willingness {
    /// Trade ties, 0 (none) to 1 (the closest of all economies): see [`trade_ties`].
    pub trade_tie: Estimate,
    /// Freedom score of the consumer, 0 to 100.
    pub own_freedom: Estimate,
    /// Freedom score of the supplier, 0 to 100.
    pub freedom: Estimate,
    /// Whether a treaty binds both to defend each other. `None`: not known.
    pub collective_defence: Option<bool>,
}

impl Willingness {
    /// `WSI = ((1 - TT) + SV) / 2`, and `((1 - TT) + SV + 0) / 3` for a partner in collective defence, 0
    /// to 1.
    ///
    /// `SV = |freedom of the supplier - freedom of the consumer| / 100`. Where it is not known whether they
    /// are partners, the bounds allow both; the best value assumes that they are not, since treaties are
    /// public and few.
    #[must_use]
    pub fn index(&self) -> Estimate {
        let tie = Bounded::on_scale(&self.trade_tie, 0.0, 1.0);
        let distance_in_trade = tie.map_falling(|tie| 1.0 - tie);
        let sum = distance_in_trade.plus(self.distance());
        let (least, most) = match self.collective_defence {
            Some(true) => (3.0, 3.0),
            Some(false) => (2.0, 2.0),
            None => (3.0, 2.0),
        };
        let best = sum.best.map(|sum| sum / most);
        let known = sum.known && self.collective_defence.is_some();
        let bounds = Interval::raised(sum.bounds.low / least, sum.bounds.high / most);
        Bounded { best, bounds, known }.estimate(NO_INDEX)
    }

    /// The terms `TT`, `SV` and `WSI`.
    #[must_use]
    pub fn terms(&self) -> Terms {
        let tie = Bounded::on_scale(&self.trade_tie, 0.0, 1.0);
        vec![
            Term::new("TT", tie.estimate(NO_TIE), "index"),
            Term::new("SV", self.distance().estimate(NO_INDEX), "index"),
            Term::new("WSI", self.index(), "index"),
        ]
    }

    /// `SV`: distance of the two freedom scores, 0 to 1.
    fn distance(&self) -> Bounded {
        let own = Bounded::on_scale(&self.own_freedom, 0.0, 100.0);
        let other = Bounded::on_scale(&self.freedom, 0.0, 100.0);
        let (a, b) = (own.bounds, other.bounds);
        let apart = (a.low - b.high).max(b.low - a.high).max(0.0);
        let widest = (a.high - b.low).max(b.high - a.low);
        Bounded {
            best: own.best.zip(other.best).map(|(a, b)| (a - b).abs() / 100.0),
            bounds: Interval::raised(apart / 100.0, widest / 100.0),
            known: own.known && other.known,
        }
    }
}

/// Trade ties of economies with a consumer: `TT = (I + E) / GDP`, divided by the largest of all, 0 to 1.
///
/// Each economy comes with its trade with the consumer in both directions and its gross domestic product, in
/// the same currency. An economy of which one of them is not known gets bounds, and lowers the lower bounds
/// of the others, since it may have the closest tie.
pub fn trade_ties<K: Copy + Ord>(
    economies: impl IntoIterator<Item = (K, Amount, Amount)>,
) -> BTreeMap<K, Estimate> {
    let unknown = Bounded::unknown(Interval::POSITIVE);
    let tie = |trade, gdp| Bounded::from_amount(trade).over(Bounded::from_amount(gdp)).unwrap_or(unknown);
    let ties: BTreeMap<K, Bounded> =
        economies.into_iter().map(|(key, trade, gdp)| (key, tie(trade, gdp))).collect();
    let highs = TwoLargest::from_figures(ties.values().map(|tie| tie.bounds.high));
    let lows = TwoLargest::from_figures(ties.values().map(|tie| tie.bounds.low));
    let bests = TwoLargest::from_figures(ties.values().filter_map(|tie| tie.best));
    let all_known = ties.values().all(|tie| tie.known);
    let relative = |tie: &Bounded| {
        let best = tie.best.map(|best| fraction(best, bests.first));
        let Interval { low, high } = tie.bounds;
        let least = fraction(low, low.max(highs.without(high)));
        let most = if high <= 0.0 { 0.0 } else { fraction(high, high.max(lows.without(low))) };
        Bounded { best, bounds: Interval::raised(least, most), known: all_known }.estimate(NO_TIE)
    };
    ties.iter().map(|(key, tie)| (*key, relative(tie))).collect()
}

/// `own / largest`; 0 where the largest is zero, 1 where `own` is infinite.
fn fraction(own: f64, largest: f64) -> f64 {
    match (own.is_infinite(), largest.is_infinite()) {
        (true, _) => 1.0,
        (false, true) => 0.0,
        _ if largest > 0.0 => (own / largest).min(1.0),
        _ => 0.0,
    }
}

/// The two largest of some figures, which give the largest without any one of them.
struct TwoLargest {
    first: f64,
    second: f64,
}

impl TwoLargest {
    fn from_figures(figures: impl Iterator<Item = f64>) -> Self {
        figures.fold(Self { first: 0.0, second: 0.0 }, |largest, figure| {
            if figure > largest.first {
                Self { first: figure, second: largest.first }
            } else {
                Self { second: largest.second.max(figure), ..largest }
            }
        })
    }

    /// The largest of all figures but this one.
    fn without(&self, figure: f64) -> f64 {
        if figure >= self.first { self.second } else { self.first }
    }
}

/// Inputs of the disruption potential.
#[derive(Clone, Debug, PartialEq)]
pub struct Disruption<K> {
    /// The world's output, by economy; `PS_c` are its shares.
    pub output: Sourcing<K>,
    /// The indices of producers. A producer without an entry has 0 to 1 for both.
    pub indices: BTreeMap<K, SupplyIndices>,
}

impl<K: Copy + Ord> Disruption<K> {
    /// Disruption potential, `DP = sum(PS_c^2 * ASI_c * WSI_c)`, 0 to 1.
    ///
    /// The best value leaves out producers whose output or an index is not known. The lower bound takes every
    /// share and index at its lower bound. For the upper bound, since `PS^2 <= PS * upper bound of PS`,
    /// shares that sum to one are filled first where that bound times the indices is largest; the residual
    /// may be one producer whose indices are
    /// 1. NOT_APPLICABLE where nothing is produced.
    #[must_use]
    pub fn potential(&self) -> Estimate {
        if self.output.total().high() <= 0.0 {
            return Estimate::missing(Status::NotApplicable, NO_OUTPUT);
        }
        let parts = self.parts();
        let known =
            parts.iter().all(|(share, weight)| share.known && (weight.known || share.bounds.high <= 0.0));
        let squares = |(share, weight): &(Bounded, Bounded)| Some(share.best? * share.best? * weight.best?);
        let best = parts.iter().filter_map(squares).reduce(std::ops::Add::add);
        let low =
            parts.iter().map(|(share, weight)| share.bounds.low * share.bounds.low * weight.bounds.low).sum();
        let high = self.greatest(&parts);
        let estimate = Bounded { best, bounds: Interval::raised(low, high), known }.estimate(NOT_RATED);
        if known { estimate } else { estimate.with_coverage(Some(rated(&parts))) }
    }

    /// Upper bound of the potential, over all producers that what is of unknown origin may come from.
    fn greatest(&self, parts: &[(Bounded, Bounded)]) -> f64 {
        let weights = parts.iter().map(|(_, weight)| weight.bounds.high);
        if self.output.unknown_origin().is_nothing() {
            return greatest(parts.iter().map(|(share, _)| share.bounds).zip(weights).collect());
        }
        let with_receiver =
            |receiver| greatest(self.output.all_bounds(receiver).into_iter().zip(weights.clone()).collect());
        (0..parts.len()).map(with_receiver).fold(0.0, f64::max)
    }

    /// The contribution of every producer to the potential, `PS_c^2 * ASI_c * WSI_c`, by key.
    pub fn contributions(&self) -> impl Iterator<Item = (K, Estimate)> {
        let keys = self.output.suppliers().iter().map(|(key, _)| *key);
        let part = |(share, weight): (Bounded, Bounded)| share.times(share).times(weight).estimate(NOT_RATED);
        keys.zip(self.parts()).map(move |(key, factors)| (key, part(factors)))
    }

    /// Share and weight `ASI * WSI` of every producer, then of the residual as if it were one producer.
    fn parts(&self) -> Vec<(Bounded, Bounded)> {
        let whole = |figure: &Estimate| Bounded::on_scale(figure, 0.0, 1.0);
        let unrated = Bounded::unknown(Interval::SHARE);
        let weight = |key: K| {
            self.indices.get(&key).map(|index| whole(&index.ability).times(whole(&index.willingness)))
        };
        let named = self.output.shares().map(|(key, share)| (whole(&share), weight(key).unwrap_or(unrated)));
        named.chain([(whole(&self.output.residual_share()), unrated)]).collect()
    }
}

/// Least share of the world's output whose producers' indices are known, 0 to 1.
fn rated(parts: &[(Bounded, Bounded)]) -> f64 {
    let rated: f64 = parts.iter().filter(|(_, weight)| weight.known).map(|(share, _)| share.bounds.low).sum();
    rated.clamp(0.0, 1.0)
}

/// Upper bound of `sum(s^2 * w)` over shares within their bounds that sum to one, each with its weight.
fn greatest(mut shares: Vec<(Interval, f64)>) -> f64 {
    shares.sort_by(|a, b| (b.0.high * b.1).total_cmp(&(a.0.high * a.1)));
    let mut left = (1.0 - shares.iter().map(|(share, _)| share.low).sum::<f64>()).max(0.0);
    let mut sum = 0.0;
    for (Interval { low, high }, weight) in shares {
        let more = left.min((high - low).max(0.0));
        left -= more;
        sum += (low + more) * high * weight;
    }
    sum.clamp(0.0, 1.0)
}

/// Trade exposure, `TE`, 0 to 1: net import reliance with secondary output and stocks, 0 for a net exporter.
#[must_use]
pub fn trade_exposure(reliance: &Reliance) -> Estimate {
    reliance.estimate()
}

/// The accounts of one industry that uses a material, all in one currency.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Industry {
    /// Value added, `VA_j`.
    pub value_added: Amount,
    /// Expenditure on the material, `X_j`.
    pub expenditure: Amount,
    /// Operating profit, `OP_j`; zero for an industry with a loss.
    pub operating_profit: Amount,
}

/// Economic vulnerability, `EV = sum((VA_j / GDP) * (X_j / OP_j))` over the industries that use the material,
/// 0 to 1.
///
/// `X_j / OP_j` is the part of its profit that an industry would lose, capped at 1; it is 1 where there is no
/// profit. An account that is not known widens the bounds; the best value leaves its industry out.
/// UNAVAILABLE without a gross domestic product.
pub fn economic_vulnerability(
    industries: impl IntoIterator<Item = Industry>,
    gross_domestic_product: Amount,
) -> Estimate {
    let gdp = Bounded::from_amount(gross_domestic_product);
    let mut sum = Bounded { best: None, ..Bounded::NOTHING };
    for industry in industries {
        let part = Bounded::from_amount(industry.value_added).times(lost_profit(&industry));
        let best = sum.best.zip(part.best).map(|(sum, part)| sum + part).or(sum.best).or(part.best);
        sum = Bounded { best, ..sum.plus(part) };
    }
    match sum.over(gdp) {
        Some(vulnerability) => vulnerability.map(|part| part.min(1.0)).estimate(NO_ACCOUNT),
        None => Estimate::missing(Status::Unavailable, NO_ECONOMY),
    }
}

/// `X_j / OP_j`, capped at 1: 1 where there is no profit, 0 where nothing is spent.
fn lost_profit(industry: &Industry) -> Bounded {
    let (spent, profit) =
        (Bounded::from_amount(industry.expenditure), Bounded::from_amount(industry.operating_profit));
    if spent.bounds.high <= 0.0 {
        return Bounded::NOTHING;
    }
    let all = |spent: f64| if spent > 0.0 { 1.0 } else { 0.0 };
    let no_profit = spent.map(all);
    let Some(ratio) = spent.over(profit) else { return no_profit };
    let best = ratio.best.or_else(|| profit.best.and(no_profit.best));
    Bounded { best, ..ratio }.map(|ratio| ratio.min(1.0))
}

/// The three terms of the supply risk.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UsgsSupplyRisk {
    /// Disruption potential, `DP`.
    pub disruption: Estimate,
    /// Trade exposure, `TE`.
    pub exposure: Estimate,
    /// Economic vulnerability, `EV`.
    pub vulnerability: Estimate,
}

impl UsgsSupplyRisk {
    /// Supply risk, `SR = (DP * TE * EV)^(1/3)`, 0 to 1. The threshold of the US list of 2022 is 0.40.
    ///
    /// A term between bounds gives bounds. If a term has no figure at all, supply risk has its status and
    /// reason.
    #[must_use]
    pub fn estimate(&self) -> Estimate {
        let terms = [self.disruption, self.exposure, self.vulnerability];
        let empty = |term: &&Estimate| term.value.is_none() && term.low.is_none() && term.high.is_none();
        if let Some(missing) = terms.iter().find(empty) {
            return Estimate::missing(missing.status, missing.reason);
        }
        let bounded = terms.map(|term| Bounded::on_scale(&term, 0.0, 1.0));
        let risk = bounded.into_iter().fold(Bounded::known(1.0), Bounded::times).map(f64::cbrt);
        let coverage =
            terms.iter().map(|term| term.coverage).reduce(|a, b| a.zip(b).map(|(a, b)| a.min(b))).flatten();
        let known = risk.known;
        let estimate = risk.estimate(RISK_BOUNDED);
        if known { estimate } else { estimate.with_coverage(coverage) }
    }

    /// The terms `DP`, `TE` and `EV`.
    #[must_use]
    pub fn terms(&self) -> Terms {
        vec![
            Term::new("DP", self.disruption, "index"),
            Term::new("TE", self.exposure, "share"),
            Term::new("EV", self.vulnerability, "index"),
        ]
    }
}
