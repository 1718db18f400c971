//! GeoPolRisk: concentration of the world's output, times instability of a consumer's suppliers.
//!
//! ```text
//! g_j   = (2.5 - PV_j) / 5                       instability of supplier j, 0 to 1
//! WTA   = sum(q_j * g_j) / (sum(q_j) + P)        import risk
//! Score = HHI * WTA                              HHI of the world's output, 0 to 1
//! CF    = Score * price / 0.409412948            kg Cu-eq/kg
//! ```
//!
//! Sources: Gemechu, Helbig, Sonnemann, Thorenz and Tuma (2016, Journal of Industrial Ecology 20) and
//! Cimprich and others (2017, Journal of Cleaner Production 162) for the score; Santillán-Saldivar and others
//! (2022, International Journal of Life Cycle Assessment 27) for the factor; geopolrisk-py 2 for how it is
//! applied today.
//!
//! The bounds of the import risk are exact: the ratio falls in a flow whose `g` is below it and rises in one
//! whose `g` is above, so at either end each flow is at one of its own bounds.

use crate::concentration::SCALE;
use crate::uncertainty::Bounded;
use crate::{Amount, Estimate, Interval, Sourcing, Status, Term, Terms};

/// Reference of the factor in USD/kg: mean score times price of copper over the members of the OECD, 2017 to
/// 2021.
const COPPER: f64 = 0.409_412_948;

/// Instability that the published method gives an economy without an indicator: the middle of the scale.
const UNKNOWN_INSTABILITY: f64 = 0.5;

/// Worst and best end of the indicator's scale as the method uses it. Some estimates lie outside and are
/// clamped.
const SCALE_ENDS: (f64, f64) = (-2.5, 2.5);

const NO_SUPPLY: &str = "nothing is imported and nothing is produced at home";
const NO_OUTPUT: &str = "nothing is produced: there is no concentration of output";
const NO_IMPORTS: &str = "nothing is imported: there is no price";
const PARTLY_KNOWN: &str = "some of imports, output at home and suppliers' stability is not known";
const PARTLY_PRICED: &str = "some imports lack a quantity or a value";
const SCORE_BOUNDED: &str = "the concentration of output or the import risk is not wholly known";
const FACTOR_BOUNDED: &str = "the score or the price of imports is not wholly known";

/// What a consumer imports from one supplier.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ImportFlow {
    /// Quantity, `q_j`, in tonnes.
    pub quantity: Amount,
    /// Value, `v_j`, in thousand US dollars.
    pub value: Amount,
    /// The supplier's political instability, `g_j`, 0 to 1: see [`instability`].
    pub instability: Estimate,
}

impl ImportFlow {
    /// A flow between two members of a bloc: without risk, but part of supply.
    #[must_use]
    pub fn inside(quantity: Amount, value: Amount) -> Self {
        Self { quantity, value, instability: Estimate::known(0.0) }
    }
}

/// Inputs of GeoPolRisk: one consumer, one material at one stage in one period.
///
/// A bloc has the flows and the output of all its members. Flows between two members are
/// [`ImportFlow::inside`]: their risk is 0 and they stay in the denominator, while the measures of dependency
/// leave them out.
#[derive(Clone, Debug, PartialEq)]
pub struct GeoPolRisk<K> {
    /// The world's output, by economy.
    pub output: Sourcing<K>,
    /// The consumer's imports, one entry for each supplier (or pair of member and supplier), in a stable
    /// order that the caller chooses: sums run in it.
    pub imports: Vec<ImportFlow>,
    /// Own output of the consumer, `P`, in tonnes.
    pub domestic: Amount,
}

/// Instability `g = (2.5 - PV) / 5`, 0 (stable) to 1 (unstable), from the World Bank's indicator of political
/// stability.
///
/// Estimates below -2.5 or above 2.5 occur; there `g` is 1 and 0. Without an indicator the best value is the
/// method's 0.5, with bounds 0 to 1, since that number is a convention and not a measurement. For an
/// indicator of an earlier year pass [`Estimate::as_substitute`].
#[must_use]
pub fn instability(political_stability: &Estimate) -> Estimate {
    let (worst, best) = SCALE_ENDS;
    let stability = Bounded::on_scale(political_stability, worst, best);
    let invert = |pv: f64| ((best - pv) / (best - worst)).clamp(0.0, 1.0);
    if stability.known {
        return stability.best.map_or_else(no_indicator, |pv| Estimate::known(invert(pv)));
    }
    let value = stability.best.map_or(UNKNOWN_INSTABILITY, invert);
    let bounds = stability.bounds.map_falling(invert);
    let reason =
        if political_stability.reason.is_empty() { PARTLY_KNOWN } else { political_stability.reason };
    Estimate::between(Some(value), bounds.low, bounds.high).with_status(Status::Partial, reason)
}

fn no_indicator() -> Estimate {
    Estimate::between(Some(UNKNOWN_INSTABILITY), 0.0, 1.0).with_status(Status::Partial, PARTLY_KNOWN)
}

/// Mean unit value of imports, `sum(v) / sum(q)`, in USD/kg (thousand US dollars a tonne), given quantities
/// in tonnes and values in thousand US dollars.
///
/// The best value is that of the flows of which both are known. A flow without a quantity or a value widens
/// the bounds. NOT_APPLICABLE where nothing is imported.
pub fn unit_value(flows: impl IntoIterator<Item = (Amount, Amount)>) -> Estimate {
    let (mut quantity, mut value) = (Bounded::NOTHING, Bounded::NOTHING);
    let (mut tonnes, mut dollars) = (0.0, 0.0);
    for (q, v) in flows {
        quantity = quantity.plus(Bounded::from_amount(q));
        value = value.plus(Bounded::from_amount(v));
        if let (true, true, Some(q), Some(v)) = (q.is_known(), v.is_known(), q.best(), v.best()) {
            tonnes += q;
            dollars += v;
        }
    }
    let best = (tonnes > 0.0).then_some(dollars / tonnes);
    match value.over(quantity) {
        None => Estimate::missing(Status::NotApplicable, NO_IMPORTS),
        Some(price) => Bounded { best, ..price }
            .estimate(PARTLY_PRICED)
            .with_coverage(share(tonnes, quantity.bounds.high)),
    }
}

fn share(known: f64, total: f64) -> Option<f64> {
    (total.is_finite() && total > 0.0 && known.is_finite()).then(|| (known / total).clamp(0.0, 1.0))
}

impl<K: Copy + Ord> GeoPolRisk<K> {
    /// Concentration of the world's output, `HHI = sum(p_c^2) / sum(p_c)^2`, 0 to 1. Bounds are those of
    /// [`Sourcing::hhi`].
    #[must_use]
    pub fn concentration(&self) -> Estimate {
        let hhi = self.output.hhi();
        let scaled = |bound: Option<f64>| bound.map(|index| index / SCALE);
        Estimate { value: scaled(hhi.value), low: scaled(hhi.low), high: scaled(hhi.high), ..hhi }
    }

    /// Import risk, `WTA = sum(q_j * g_j) / (sum(q_j) + P)`, 0 to 1.
    ///
    /// The best value leaves out flows without a known part; where all own output is withheld or missing
    /// there is no best value. NOT_APPLICABLE where there is neither an import nor own output.
    #[must_use]
    pub fn import_risk(&self) -> Estimate {
        let lanes = self.lanes();
        let domestic = Bounded::from_amount(self.domestic);
        let Some(low) = least_risk(&lanes, domestic) else {
            return Estimate::missing(Status::NotApplicable, NO_SUPPLY);
        };
        let high = greatest_risk(&lanes, domestic).unwrap_or(low);
        let known = domestic.known && lanes.iter().all(|(q, g)| q.known && g.known);
        let bounds = Interval::raised(low, high);
        let risk = Bounded { best: best_risk(&lanes, self.domestic), bounds, known };
        risk.estimate(PARTLY_KNOWN).with_coverage(self.coverage())
    }

    /// The score, `HHI * WTA`, 0 to 1.
    #[must_use]
    pub fn score(&self) -> Estimate {
        let (hhi, risk) = (self.concentration(), self.import_risk());
        if hhi.status == Status::NotApplicable {
            return Estimate::missing(Status::NotApplicable, NO_OUTPUT);
        }
        if risk.status == Status::NotApplicable {
            return risk;
        }
        let coverage = hhi.coverage.zip(risk.coverage).map(|(a, b)| a.min(b));
        fraction(&hhi).times(fraction(&risk)).estimate(SCORE_BOUNDED).with_coverage(coverage)
    }

    /// Mean unit value in USD/kg of the imports in the import risk, including those inside a bloc:
    /// [`unit_value`].
    #[must_use]
    pub fn price(&self) -> Estimate {
        unit_value(self.imports.iter().map(|flow| (flow.quantity, flow.value)))
    }

    /// Characterisation factor, `CF = Score * price / 0.409412948`, in kg Cu-eq/kg: score times price,
    /// relative to copper.
    #[must_use]
    pub fn factor(&self) -> Estimate {
        let (score, price) = (self.score(), self.price());
        if let Some(missing) = [score, price].into_iter().find(|term| term.status == Status::NotApplicable) {
            return missing;
        }
        let price_bounded = Bounded::on_scale(&price, 0.0, f64::INFINITY);
        let coverage = score.coverage.zip(price.coverage).map(|(a, b)| a.min(b));
        let factor = fraction(&score).times(price_bounded).map(|dollars| dollars / COPPER);
        factor.estimate(FACTOR_BOUNDED).with_coverage(coverage)
    }

    /// All terms, in the order of the formulas up to the factor.
    #[must_use]
    pub fn terms(&self) -> Terms {
        let quantity = self.imports.iter().map(|flow| flow.quantity).reduce(std::ops::Add::add);
        let risk = self.lanes().iter().map(|(q, g)| q.times(*g)).fold(Bounded::NOTHING, Bounded::plus);
        vec![
            Term::new("HHI", self.concentration(), "share"),
            Term::new("sum(q_j * g_j)", risk.estimate(PARTLY_KNOWN), "t"),
            Term::new("sum(q_j)", quantity.unwrap_or(Amount::NOTHING).estimate(), "t"),
            Term::new("P", self.domestic.estimate(), "t"),
            Term::new("WTA", self.import_risk(), "share"),
            Term::new("Score", self.score(), "share"),
            Term::new("price", self.price(), "USD/kg"),
            Term::new("CF", self.factor(), "kg Cu-eq/kg"),
        ]
    }

    /// Quantity and instability of each flow.
    fn lanes(&self) -> Vec<(Bounded, Bounded)> {
        let lane = |flow: &ImportFlow| (Bounded::from_amount(flow.quantity), fraction(&flow.instability));
        self.imports.iter().map(lane).collect()
    }

    /// Least share of the denominator with a known quantity and a known instability, 0 to 1.
    fn coverage(&self) -> Option<f64> {
        let domestic = Bounded::from_amount(self.domestic);
        let lanes = self.lanes();
        let known = lanes.iter().filter(|(q, g)| q.known && g.known).map(|(q, _)| q.bounds.low).sum::<f64>();
        let all = lanes.iter().map(|(q, _)| q.bounds.high).sum::<f64>() + domestic.bounds.high;
        share(known + if domestic.known { domestic.bounds.low } else { 0.0 }, all)
    }
}

fn fraction(figure: &Estimate) -> Bounded {
    Bounded::on_scale(figure, 0.0, 1.0)
}

/// The import risk of what is known. Flows without a known part are left out. `None`: own output is not
/// known.
fn best_risk(lanes: &[(Bounded, Bounded)], domestic: Amount) -> Option<f64> {
    let (mut risky, mut all) = (0.0, domestic.best_part()?);
    for (q, g) in lanes {
        let q = q.best.unwrap_or(0.0);
        risky += q * g.best.unwrap_or(UNKNOWN_INSTABILITY);
        all += q;
    }
    (all > 0.0 && all.is_finite()).then(|| risky / all)
}

/// Upper bound of the import risk: instability at its upper bounds. Own output carries no risk.
fn greatest_risk(lanes: &[(Bounded, Bounded)], domestic: Bounded) -> Option<f64> {
    let risky = lanes.iter().map(|(q, g)| (q.bounds, g.bounds.high)).chain([(domestic.bounds, 0.0)]);
    // Sums that overflow give no bound.
    highest_mean(risky.collect()).map(|mean| if mean.is_nan() { 1.0 } else { mean.clamp(0.0, 1.0) })
}

/// Lower bound of the import risk: minus the greatest mean of negated instabilities at their lower bounds.
fn least_risk(lanes: &[(Bounded, Bounded)], domestic: Bounded) -> Option<f64> {
    let safe = lanes.iter().map(|(q, g)| (q.bounds, -g.bounds.low)).chain([(domestic.bounds, 0.0)]);
    highest_mean(safe.collect()).map(|mean| if mean.is_nan() { 0.0 } else { (-mean).clamp(0.0, 1.0) })
}

/// Greatest mean of `w` weighted by `q`, over all `q` within their bounds. `None`: every `q` is zero.
///
/// The mean rises in a `q` whose `w` is above it. So, starting from the lower bounds and with the largest `w`
/// first, each `q` is raised to its upper bound as long as its `w` is above the mean. A `q` without upper
/// bound pulls the mean to its `w`.
fn highest_mean(mut lanes: Vec<(Interval, f64)>) -> Option<f64> {
    lanes.sort_by(|a, b| b.1.total_cmp(&a.1));
    let mut all: f64 = lanes.iter().map(|(q, _)| q.low).sum();
    let mut weighed: f64 = lanes.iter().map(|(q, w)| q.low * w).sum();
    for (q, w) in lanes {
        if q.high <= 0.0 || all > 0.0 && w * all <= weighed {
            continue;
        }
        if q.high.is_infinite() {
            return Some(w);
        }
        all += q.high - q.low;
        weighed += (q.high - q.low) * w;
    }
    (all > 0.0).then(|| weighed / all)
}
