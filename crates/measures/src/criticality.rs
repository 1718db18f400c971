//! The EU's criticality assessment: supply risk and economic importance.
//!
//! Source: European Commission, Methodology for establishing the EU list of critical raw materials (2017),
//! and Regulation (EU) 2024/1252, annex II.

use std::fmt;
use std::str::FromStr;

use crate::doubt::{Doubt, best};
use crate::{Amount, Estimate, Interval, Status, Term, Terms};

const NO_STAGE: &str = "no stage of the material has supply";
const STAGE_MISSING: &str = "a stage has no figure: the risk may be higher than that of the others";
const NO_SECTORS: &str = "no sector that uses the material is recorded";
const SECTORS_MISSING: &str =
    "some uses of the material, or the value added of some sector, are not recorded";

/// Which supply the assessment uses at a stage. Where the data of one are poor, the EU uses the other alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SupplyUsed {
    /// `GS+EU`: the world's supply and the consumer's sourcing, mixed by import reliance.
    #[default]
    Both,
    /// `GSonly`: the world's supply alone.
    Global,
    /// `EUonly`: the consumer's sourcing alone.
    Sourcing,
}

impl SupplyUsed {
    /// As the EU's tables write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Both => "GS+EU",
            Self::Global => "GSonly",
            Self::Sourcing => "EUonly",
        }
    }
}

impl fmt::Display for SupplyUsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for SupplyUsed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let all = [Self::Both, Self::Global, Self::Sourcing];
        let unknown = || format!("`{text}` is not a choice of supply: write GS+EU, GSonly or EUonly");
        all.into_iter().find(|used| used.as_str() == text.trim()).ok_or_else(unknown)
    }
}

/// Inputs of supply risk at one stage. The assessment is made for the EU; the formula is the same for any
/// economy or bloc.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SupplyRisk {
    /// Governance-weighted concentration of the world's supply, `H_GS`, at least 0.
    pub global: Estimate,
    /// Governance-weighted concentration of the consumer's sourcing, `H_EU`, at least 0.
    pub sourcing: Estimate,
    /// Import reliance, `IR`, 0 to 1.
    pub reliance: Estimate,
    /// End-of-life recycling input rate, `EoL_RIR`, 0 to 1.
    pub recycling: Estimate,
    /// Substitution index of supply risk, `SI_SR`, 0 to 1: 1 where nothing can take the material's place.
    pub substitution: Estimate,
    /// Which supply is used.
    pub used: SupplyUsed,
}

impl SupplyRisk {
    /// Supply risk, at least 0: `SR = [H_GS * IR/2 + H_EU * (1 - IR/2)] * (1 - EoL_RIR) * SI_SR`; with one
    /// supply alone, `H * (1 - EoL_RIR) * SI_SR`. The EU calls a material critical from 1 on.
    ///
    /// A missing input enters over its whole range: import reliance, recycling and substitution over 0 to 1.
    /// That is wide on purpose: recycling may supply all of a metal, and published substitution indices go
    /// down to 0.59, so no narrower band would hold for every material. With either missing there is no best
    /// value, and the upper bound says what the concentration alone allows.
    #[must_use]
    pub fn estimate(&self) -> Estimate {
        if let Some(gone) = self.needed().into_iter().find(|input| input.status == Status::NotApplicable) {
            return Estimate::missing(Status::NotApplicable, gone.reason);
        }
        let doubt = self.needed().iter().map(Doubt::from_estimate).fold(Doubt::NONE, Doubt::and);
        let secondary = Interval::exact(1.0).minus(fraction(&self.recycling));
        let bounds = self.concentration().times(secondary).times(fraction(&self.substitution));
        doubt.estimate(self.value(), bounds)
    }

    /// The terms of `eu-supply-risk`.
    #[must_use]
    pub fn terms(&self) -> Terms {
        vec![
            Term::new("H_GS", self.global, "index"),
            Term::new("IR", self.reliance, "share"),
            Term::new("H_EU", self.sourcing, "index"),
            Term::new("EoL_RIR", self.recycling, "share"),
            Term::new("SI_SR", self.substitution, "index"),
        ]
    }

    /// The inputs that the formula uses.
    fn needed(&self) -> Vec<Estimate> {
        let supply = match self.used {
            SupplyUsed::Both => vec![self.global, self.sourcing, self.reliance],
            SupplyUsed::Global => vec![self.global],
            SupplyUsed::Sourcing => vec![self.sourcing],
        };
        supply.into_iter().chain([self.recycling, self.substitution]).collect()
    }

    fn value(&self) -> Option<f64> {
        let index = |estimate: &Estimate| best(estimate).map(|index| index.max(0.0));
        let part = |estimate: &Estimate| best(estimate).map(|part| part.clamp(0.0, 1.0));
        let concentration = match self.used {
            SupplyUsed::Both => mix(index(&self.global)?, index(&self.sourcing)?, part(&self.reliance)?),
            SupplyUsed::Global => index(&self.global)?,
            SupplyUsed::Sourcing => index(&self.sourcing)?,
        };
        Some(concentration * (1.0 - part(&self.recycling)?) * part(&self.substitution)?)
    }

    /// Bounds of the term in brackets. It is linear in import reliance, so its extremes are at the ends of
    /// that.
    fn concentration(&self) -> Interval {
        let index = |estimate| Interval::from(estimate).within(0.0, f64::INFINITY);
        let (global, sourcing) = (index(&self.global), index(&self.sourcing));
        match self.used {
            SupplyUsed::Global => global,
            SupplyUsed::Sourcing => sourcing,
            SupplyUsed::Both => {
                let reliance = fraction(&self.reliance);
                let at = |reliance| {
                    [mix(global.low, sourcing.low, reliance), mix(global.high, sourcing.high, reliance)]
                };
                let [low, high] = at(reliance.low);
                let [low_too, high_too] = at(reliance.high);
                Interval::new(low.min(low_too), high.max(high_too))
            }
        }
    }
}

/// `H_GS * IR/2 + H_EU * (1 - IR/2)`. With weight 0 even an unbounded term adds nothing.
fn mix(global: f64, sourcing: f64, reliance: f64) -> f64 {
    let half = reliance / 2.0;
    let world = if half > 0.0 { global * half } else { 0.0 };
    world + sourcing * (1.0 - half)
}

fn fraction(estimate: &Estimate) -> Interval {
    Interval::from(estimate).within(0.0, 1.0)
}

/// Supply risk of a material: the largest of its stages, and that stage, the first of equal ones.
///
/// A stage without a figure may be riskier than all others. Then the largest of the others is a lower bound,
/// and the upper bound is as high as the missing stage allows. A stage at which nothing is supplied does not
/// count.
pub fn supply_risk_max<K: Copy>(stages: impl IntoIterator<Item = (K, Estimate)>) -> (Estimate, Option<K>) {
    let (mut doubt, mut blank) = (Doubt::NONE, false);
    let mut largest: Option<(K, f64)> = None;
    let mut bounds: Option<Interval> = None;
    for (stage, risk) in stages.into_iter().filter(|(_, risk)| risk.status != Status::NotApplicable) {
        doubt = doubt.and(Doubt::from_estimate(&risk));
        blank |= best(&risk).is_none();
        let own = Interval::from(&risk).within(0.0, f64::INFINITY);
        let hull = |all: Interval| Interval::new(all.low.max(own.low), all.high.max(own.high));
        bounds = Some(bounds.map_or(own, hull));
        if let Some(value) = best(&risk).filter(|value| largest.is_none_or(|(_, most)| *value > most)) {
            largest = Some((stage, value));
        }
    }
    let Some(bounds) = bounds else {
        return (Estimate::missing(Status::NotApplicable, NO_STAGE), None);
    };
    let doubt = if blank { doubt.with_reason(STAGE_MISSING) } else { doubt };
    let figure = doubt.estimate(largest.map(|(_, value)| value), bounds);
    (figure, largest.map(|(stage, _)| stage))
}

/// A sector of the economy, by NACE division, and its use of a material.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sector {
    /// Share of the material's end use that goes into it, `A_s`, 0 to 1. A sector that uses none has 0.
    pub share: Estimate,
    /// Its value added, `Q_s`, in one currency for all sectors.
    pub value_added: Amount,
}

/// Inputs of economic importance.
#[derive(Clone, Debug, PartialEq)]
pub struct EconomicImportance {
    /// All sectors of the consumer, including those that use none of the material: the largest sets the
    /// scale.
    pub sectors: Vec<Sector>,
    /// Substitution index of economic importance, `SI_EI`, 0 to 1.
    pub substitution: Estimate,
}

impl EconomicImportance {
    /// Economic importance, 0 to 10: `EI = sum(A_s * Q_s) * 10 / max(Q_s) * SI_EI`. The EU calls a material
    /// critical from 2.8 on.
    ///
    /// Uses that are not assigned to a sector may lie in the largest or in one without value added; a sector
    /// of unknown value added may be the largest. The best value leaves both out. A missing substitution
    /// index enters between 0 and 1 in the bounds, and leaves no best value. UNAVAILABLE where no sector is
    /// recorded.
    #[must_use]
    pub fn estimate(&self) -> Estimate {
        if self.sectors.is_empty() {
            return Estimate::missing(Status::Unavailable, NO_SECTORS);
        }
        let value = self.largest_best().and_then(|largest| {
            let used = self.used()?;
            Some(used * 10.0 / largest * best(&self.substitution)?.clamp(0.0, 1.0))
        });
        let ten = Interval::exact(10.0);
        let bounds = self.ratio().times(ten).times(fraction(&self.substitution));
        self.doubt().estimate(value, bounds.within(0.0, f64::MAX))
    }

    /// The terms of `eu-economic-importance`.
    #[must_use]
    pub fn terms(&self) -> Terms {
        let doubt = self.sectors_doubt();
        let scale = self.scale();
        let used_bounds = self.sectors.iter().map(Sector::used_bounds).fold(Interval::ZERO, Interval::plus);
        let used_bounds = used_bounds.plus(self.unassigned().times(Interval::new(0.0, scale.high)));
        vec![
            Term::new("sum(A_s * Q_s)", doubt.estimate(self.used(), used_bounds), "value"),
            Term::new("max(Q_s)", doubt.estimate(self.largest_best(), scale), "value"),
            Term::new("SI_EI", self.substitution, "index"),
        ]
    }

    fn doubt(&self) -> Doubt {
        self.sectors_doubt().and(Doubt::from_estimate(&self.substitution))
    }

    fn sectors_doubt(&self) -> Doubt {
        let shares = self.sectors.iter().map(|sector| Doubt::from_estimate(&sector.share));
        let added = self.sectors.iter().map(|sector| Doubt::from_amount(sector.value_added, SECTORS_MISSING));
        let unassigned = match self.unassigned() {
            rest if rest.high > ROUNDING => Doubt::new(Status::Partial, SECTORS_MISSING),
            _ => Doubt::NONE,
        };
        shares.chain(added).fold(unassigned, Doubt::and).with_reason(SECTORS_MISSING)
    }

    /// `sum(A_s * Q_s)` over what is known. `None`: nothing is.
    fn used(&self) -> Option<f64> {
        let uses = |sector: &&Sector| best(&sector.share).is_some_and(|share| share > 0.0);
        let known = self.sectors.iter().filter(uses).filter_map(Sector::used);
        known.fold(None, |sum, used| Some(sum.unwrap_or(0.0) + used))
    }

    fn largest_best(&self) -> Option<f64> {
        let known = self.sectors.iter().filter_map(|sector| sector.value_added.best());
        known.reduce(f64::max).filter(|largest| *largest > 0.0)
    }

    /// Bounds of the largest value added.
    fn scale(&self) -> Interval {
        let all = self.sectors.iter().map(|sector| Interval::from(sector.value_added));
        all.fold(Interval::ZERO, |a, b| Interval::new(a.low.max(b.low), a.high.max(b.high)))
    }

    /// End use that no sector is recorded for.
    fn unassigned(&self) -> Interval {
        let shares = self.sectors.iter().map(|sector| fraction(&sector.share));
        let assigned = shares.fold(Interval::ZERO, Interval::plus);
        Interval::new((1.0 - assigned.high).max(0.0), (1.0 - assigned.low).max(0.0))
    }

    /// Bounds of `sum(A_s * Q_s) / max(Q_s)`, in which each quotient is at most 1.
    fn ratio(&self) -> Interval {
        let scale = self.scale();
        let part = |sector: &Sector| {
            let added = Interval::from(sector.value_added);
            fraction(&sector.share).times(added.over(scale).within(0.0, 1.0))
        };
        let assigned = self.sectors.iter().map(part).fold(Interval::ZERO, Interval::plus);
        assigned.plus(Interval::new(0.0, self.unassigned().high))
    }
}

/// End use below this is the rounding of shares that add up to 1.
const ROUNDING: f64 = 1e-9;

impl Sector {
    /// `A_s * Q_s`. `None`: one of them is not known.
    fn used(&self) -> Option<f64> {
        Some(best(&self.share)?.clamp(0.0, 1.0) * self.value_added.best()?)
    }

    fn used_bounds(&self) -> Interval {
        fraction(&self.share).times(Interval::from(self.value_added))
    }
}
