//! The scheme of the UK's criticality assessment of 2024: indicators scaled within the set of candidates, a
//! geometric mean for each axis, and the square root of supply risk times vulnerability.
//!
//! Source: British Geological Survey, Critical Minerals Intelligence Centre, UK 2024 Criticality Assessment
//! (Mudd and others). Its threshold of 4.0 is the one that a public implementation of section 2.5.1 uses.
//!
//! **Scores are relative to their set.** An indicator runs from 1 for the least candidate to 10 for the
//! greatest: another candidate at either end moves the scores of all others. Scores of two sets are not
//! comparable, and neither is a score with a threshold that was set for other candidates.

use crate::{Estimate, Line, Side, Status};

/// Scores on the line or above it are critical.
pub const UK_CRITICAL: Line =
    Line { name: "UK 2024: critical within its set", at: 4.0, beyond: Side::Above, inclusive: true };

/// The scale of an indicator.
const LEAST: f64 = 1.0;
const GREATEST: f64 = 10.0;

const MISSING: &str = "an indicator is missing: it lies between the least and the greatest of the set";
const NONE: &str = "no indicator of this axis is known";

/// Indicators of a candidate: for each axis as many as every other candidate has, in the same order. A higher
/// indicator is a higher risk. `None`: it is not known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UkCandidate {
    /// Indicators of supply risk.
    pub supply_risk: Vec<Option<f64>>,
    /// Indicators of vulnerability.
    pub vulnerability: Vec<Option<f64>>,
}

/// Scores of a candidate, 1 to 10, within its set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UkScore {
    /// Supply risk.
    pub supply_risk: Estimate,
    /// Vulnerability.
    pub vulnerability: Estimate,
    /// Criticality, `sqrt(supply risk * vulnerability)`.
    pub criticality: Estimate,
}

/// The scores of a set of candidates, in their order.
///
/// An indicator that all candidates share distinguishes none: it is 1 for each. A missing indicator lies
/// within the range of the others; the best estimate of its axis leaves it out, and the bounds include all
/// that it may be. Missing indicators do not widen the scores of other candidates.
#[must_use]
pub fn uk_criticality(candidates: &[UkCandidate]) -> Vec<UkScore> {
    let axis = |of: fn(&UkCandidate) -> &Vec<Option<f64>>| {
        let rows: Vec<&[Option<f64>]> = candidates.iter().map(|candidate| of(candidate).as_slice()).collect();
        scores(&rows)
    };
    let supply_risk = axis(|candidate| &candidate.supply_risk);
    let vulnerability = axis(|candidate| &candidate.vulnerability);
    let score = |(supply_risk, vulnerability)| UkScore {
        supply_risk,
        vulnerability,
        criticality: criticality(&supply_risk, &vulnerability),
    };
    supply_risk.into_iter().zip(vulnerability).map(score).collect()
}

/// The scores of one axis.
fn scores(rows: &[&[Option<f64>]]) -> Vec<Estimate> {
    let indicators = rows.iter().map(|row| row.len()).max().unwrap_or_default();
    let ranges: Vec<_> = (0..indicators).map(|index| range(rows, index)).collect();
    rows.iter().map(|row| score(row, &ranges)).collect()
}

/// The known indicator at an index. One that is no finite number is not known.
fn known(row: &[Option<f64>], index: usize) -> Option<f64> {
    row.get(index).copied().flatten().filter(|value| value.is_finite())
}

/// The least and the greatest known value of an indicator. `None`: no candidate has it.
fn range(rows: &[&[Option<f64>]], index: usize) -> Option<(f64, f64)> {
    let mut values = rows.iter().filter_map(|row| known(row, index));
    let first = values.next()?;
    Some(values.fold((first, first), |(low, high), value| (low.min(value), high.max(value))))
}

/// The geometric mean of a candidate's scaled indicators. An indicator that no candidate has does not count.
fn score(row: &[Option<f64>], ranges: &[Option<(f64, f64)>]) -> Estimate {
    let (mut best, mut low, mut high) = (Mean::default(), Mean::default(), Mean::default());
    for (index, range) in ranges.iter().enumerate() {
        let Some((least, greatest)) = *range else { continue };
        match known(row, index) {
            Some(value) => {
                let scaled = scale(value, least, greatest);
                [&mut best, &mut low, &mut high].into_iter().for_each(|mean| mean.add(scaled));
            }
            None => {
                low.add(LEAST);
                // Where all known values are equal, the missing one is scaled as they are.
                high.add(if greatest > least { GREATEST } else { LEAST });
            }
        }
    }
    let is_complete = best.count == low.count;
    match (best.value(), low.value().zip(high.value())) {
        (Some(value), _) if is_complete => Estimate::known(value),
        (value, Some((low, high))) => {
            let reason = if value.is_some() { MISSING } else { NONE };
            Estimate::between(value, low, high).with_status(Status::Partial, reason)
        }
        (_, None) => Estimate::missing(Status::Unavailable, NONE),
    }
}

/// An indicator on the scale of 1 to 10 within its set.
fn scale(value: f64, least: f64, greatest: f64) -> f64 {
    if greatest <= least {
        return LEAST;
    }
    LEAST + (GREATEST - LEAST) * ((value - least) / (greatest - least))
}

/// A geometric mean: the sum of logarithms, and how many there are.
#[derive(Clone, Copy, Debug, Default)]
struct Mean {
    logarithms: f64,
    count: u32,
}

impl Mean {
    fn add(&mut self, scaled: f64) {
        self.logarithms += scaled.ln();
        self.count += 1;
    }

    fn value(&self) -> Option<f64> {
        let mean = (self.count > 0).then(|| (self.logarithms / f64::from(self.count)).exp());
        mean.map(|mean| mean.clamp(LEAST, GREATEST))
    }
}

/// The square root of the product of both axes, bound by bound: it rises with both.
fn criticality(supply_risk: &Estimate, vulnerability: &Estimate) -> Estimate {
    let root = |a: Option<f64>, b: Option<f64>| a.zip(b).map(|(a, b)| (a * b).sqrt());
    let value = root(supply_risk.value, vulnerability.value);
    let low = root(supply_risk.low, vulnerability.low);
    let high = root(supply_risk.high, vulnerability.high);
    match (low, high) {
        _ if supply_risk.status == Status::Known && vulnerability.status == Status::Known => {
            value.map_or(Estimate::missing(Status::Unavailable, NONE), Estimate::known)
        }
        (Some(low), Some(high)) => Estimate::between(value, low, high).with_status(Status::Partial, MISSING),
        _ => Estimate::missing(Status::Unavailable, NONE),
    }
}
