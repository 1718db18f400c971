//! GeoPolRisk: how concentrated the world's output is, times how unstable a consumer's suppliers are.
//!
//! ```text
//! g_j   = (2.5 - PV_j) / 5                       instability of supplier j, 0 to 1
//! WTA   = sum(q_j * g_j) / (sum(q_j) + P)        import risk
//! Score = HHI * WTA                              HHI of the world's output, 0 to 1
//! CF    = Score * price / 0.409412948            kg Cu-eq/kg
//! ```
//!
//! Sources: Gemechu, Helbig, Sonnemann, Thorenz and Tuma (2016, Journal of Industrial Ecology 20) and Cimprich and others
//! (2017, Journal of Cleaner Production 162) for the score; Santillán-Saldivar and others (2022, International Journal of
//! Life Cycle Assessment 27) for the factor; geopolrisk-py 2 for how it is applied today.
//!
//! Between bounds, the import risk takes its exact least and greatest value: the ratio falls in a flow whose `g` is below
//! it and rises in one whose `g` is above, so at either end each flow is as small or as large as it can be.

use crate::concentration::SCALE;
use crate::uncertainty::Bounded;
use crate::{Amount, Estimate, Interval, Sourcing, Status, Term, Terms};

/// Mean score times price of copper over the members of the OECD, 2017 to 2021, in USD/kg: the factor's reference.
const COPPER: f64 = 0.409_412_948;

/// Instability that the published method gives an economy without an indicator: the middle of the scale.
const UNKNOWN_INSTABILITY: f64 = 0.5;

/// Best and worst end of the indicator's scale as the method uses it. Single estimates lie outside; the method cuts them
/// off.
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
    /// A flow between two members of a bloc: it carries no risk, and counts as supply.
    #[must_use]
    pub fn inside(quantity: Amount, value: Amount) -> Self {
        Self { quantity, value, instability: Estimate::known(0.0) }
    }
}

/// Inputs of GeoPolRisk: one consumer, one material at one stage in one period.
///
/// A bloc has the flows of all its members. Those between two members are [`ImportFlow::inside`]: their risk is 0 and they
/// stay in the denominator, unlike in the measures of dependence, which leave them out. Its output is that of its members.
#[derive(Clone, Debug, PartialEq)]
pub struct GeoPolRisk<K> {
    /// The world's output, by economy.
    pub output: Sourcing<K>,
    /// The consumer's imports, one a supplier (or a pair of member and supplier), in an order that the caller keeps.
    pub imports: Vec<ImportFlow>,
    /// What the consumer produces itself, `P`, in tonnes.
    pub domestic: Amount,
}

/// `g = (2.5 - PV) / 5` from the World Bank's indicator of political stability, 0 (stable) to 1 (unstable).
///
/// Estimates below -2.5 or above 2.5 occur; `g` is 1 and 0 there. An economy without an indicator has the method's 0.5 as
/// best value and bounds 0 to 1: the method's number is a convention, not a measurement. For an indicator of an earlier
/// year pass [`Estimate::standing_in`].
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
    Estimate::between(Some(value), bounds.low, bounds.high).because(Status::Partial, reason)
}

fn no_indicator() -> Estimate {
    Estimate::between(Some(UNKNOWN_INSTABILITY), 0.0, 1.0).because(Status::Partial, PARTLY_KNOWN)
}

/// Mean unit value of imports, `sum(v) / sum(q)`, in USD/kg, which is thousand dollars a tonne.
///
/// The best value is that of the flows of which both are known. A flow without a quantity or a value widens the bounds.
/// NOT_APPLICABLE where nothing is imported.
pub fn unit_value(flows: impl IntoIterator<Item = (Amount, Amount)>) -> Estimate {
    let (mut quantity, mut value) = (Bounded::NOTHING, Bounded::NOTHING);
    let (mut tonnes, mut dollars) = (0.0, 0.0);
    for (q, v) in flows {
        quantity = quantity.plus(Bounded::of(q));
        value = value.plus(Bounded::of(v));
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

fn share(known: f64, of: f64) -> Option<f64> {
    (of.is_finite() && of > 0.0 && known.is_finite()).then(|| (known / of).clamp(0.0, 1.0))
}

impl<K: Copy + Ord> GeoPolRisk<K> {
    /// `HHI = sum(p_c^2) / sum(p_c)^2` over the world's output, 0 to 1. A residual is bounded as in the index of output.
    #[must_use]
    pub fn concentration(&self) -> Estimate {
        let hhi = self.output.hhi();
        let scaled = |bound: Option<f64>| bound.map(|index| index / SCALE);
        Estimate { value: scaled(hhi.value), low: scaled(hhi.low), high: scaled(hhi.high), ..hhi }
    }

    /// Import risk, `WTA = sum(q_j * g_j) / (sum(q_j) + P)`, 0 to 1.
    ///
    /// The best value leaves out flows that have no known part; where all output at home is withheld or missing there is
    /// none. NOT_APPLICABLE where there is neither an import nor output at home.
    #[must_use]
    pub fn import_risk(&self) -> Estimate {
        let lanes = self.lanes();
        let domestic = Bounded::of(self.domestic);
        let Some(low) = least(&lanes, domestic) else {
            return Estimate::missing(Status::NotApplicable, NO_SUPPLY);
        };
        let high = greatest(&lanes, domestic).unwrap_or(low);
        let known = domestic.known && lanes.iter().all(|(q, g)| q.known && g.known);
        let bounds = Interval::raised(low, high);
        let risk = Bounded { best: best_risk(&lanes, self.domestic), bounds, known };
        risk.estimate(PARTLY_KNOWN).with_coverage(self.coverage())
    }

    /// `Score = HHI * WTA`, 0 to 1.
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

    /// Mean unit value of the imports that the import risk counts, those inside a bloc too: [`unit_value`].
    #[must_use]
    pub fn price(&self) -> Estimate {
        unit_value(self.imports.iter().map(|flow| (flow.quantity, flow.value)))
    }

    /// `CF = Score * price / 0.409412948`, kg Cu-eq/kg: the score in dollars, relative to copper's.
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

    /// Every term, in the order of the formula of the factor.
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

    fn lanes(&self) -> Vec<(Bounded, Bounded)> {
        let lane = |flow: &ImportFlow| (Bounded::of(flow.quantity), fraction(&flow.instability));
        self.imports.iter().map(lane).collect()
    }

    /// Least part of the denominator that has a known quantity and a known instability.
    fn coverage(&self) -> Option<f64> {
        let domestic = Bounded::of(self.domestic);
        let lanes = self.lanes();
        let known = lanes.iter().filter(|(q, g)| q.known && g.known).map(|(q, _)| q.bounds.low).sum::<f64>();
        let all = lanes.iter().map(|(q, _)| q.bounds.high).sum::<f64>() + domestic.bounds.high;
        share(known + if domestic.known { domestic.bounds.low } else { 0.0 }, all)
    }
}

fn fraction(figure: &Estimate) -> Bounded {
    Bounded::on_scale(figure, 0.0, 1.0)
}

/// The ratio of what is known. A flow without a known part is left out; without output at home there is no ratio.
fn best_risk(lanes: &[(Bounded, Bounded)], domestic: Amount) -> Option<f64> {
    let (mut risky, mut all) = (0.0, domestic.best_part()?);
    for (q, g) in lanes {
        let q = q.best.unwrap_or(0.0);
        risky += q * g.best.unwrap_or(UNKNOWN_INSTABILITY);
        all += q;
    }
    (all > 0.0 && all.is_finite()).then(|| risky / all)
}

/// Greatest import risk: instability at its upper bounds. Output at home carries no risk.
fn greatest(lanes: &[(Bounded, Bounded)], domestic: Bounded) -> Option<f64> {
    let risky = lanes.iter().map(|(q, g)| (q.bounds, g.bounds.high)).chain([(domestic.bounds, 0.0)]);
    // Sums too large for a number bound nothing.
    highest_mean(risky.collect()).map(|mean| if mean.is_nan() { 1.0 } else { mean.clamp(0.0, 1.0) })
}

/// Least import risk, the greatest one with the sign turned: instability at its lower bounds.
fn least(lanes: &[(Bounded, Bounded)], domestic: Bounded) -> Option<f64> {
    let safe = lanes.iter().map(|(q, g)| (q.bounds, -g.bounds.low)).chain([(domestic.bounds, 0.0)]);
    highest_mean(safe.collect()).map(|mean| if mean.is_nan() { 0.0 } else { (-mean).clamp(0.0, 1.0) })
}

/// Greatest mean of `w` weighed by `q`, over all `q` within their bounds. None where every `q` is nothing.
///
/// The mean rises in a `q` whose `w` is above it. So, from the lower bounds on, the largest `w` first, each `q` goes to
/// its upper bound as long as its `w` is above the mean; one without upper bound takes the mean with it.
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
