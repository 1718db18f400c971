//! Rows of the table of demand, and paths of demand over years.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use orewatch_catalog::{Basis, Stage};

/// Whether a figure of demand was observed or projected by its publisher.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DemandKind {
    /// It was observed.
    Observed,
    /// It is a projection: never an observation.
    Projected,
}

/// One row of the table of demand.
#[derive(Clone, Debug, PartialEq)]
pub struct DemandRow {
    /// The year.
    pub year: i16,
    /// Code of the consumer, such as `WLD`.
    pub consumer: String,
    /// Identifier of the material.
    pub material: String,
    /// Stage of the chain.
    pub stage: Stage,
    /// The publisher's scenario, such as `steps`. Observed figures belong to every scenario.
    pub scenario: String,
    /// Demand in kilotonnes of the basis.
    pub quantity_kt: f64,
    /// What is weighed.
    pub basis: Basis,
    /// Observed or projected.
    pub kind: DemandKind,
}

/// Demand in each of some years under a scenario, in kilotonnes. The rows are of one consumer and one market.
/// Between years that are given, demand is interpolated linearly; beyond them it is not continued.
///
/// # Errors
/// [`BadDemand`] if the scenario is unknown, a year lies outside of the rows, bases differ, or a figure is
/// negative.
pub fn demand_path(
    rows: &[DemandRow],
    scenario: &str,
    years: RangeInclusive<i16>,
) -> Result<Vec<f64>, BadDemand> {
    let is_wanted = |row: &&DemandRow| row.scenario == scenario || row.kind == DemandKind::Observed;
    if !rows.iter().any(|row| row.scenario == scenario) {
        let known: BTreeSet<&str> = rows.iter().map(|row| row.scenario.as_str()).collect();
        let known = known.into_iter().collect::<Vec<_>>().join(", ");
        return Err(BadDemand::Scenario { value: scenario.to_owned(), known });
    }
    let mut given = BTreeMap::new();
    let mut basis = None;
    for row in rows.iter().filter(is_wanted) {
        let first = *basis.get_or_insert(row.basis);
        if first != row.basis {
            return Err(BadDemand::Bases { first, other: row.basis });
        }
        if !(row.quantity_kt.is_finite() && row.quantity_kt >= 0.0) {
            return Err(BadDemand::Quantity { year: row.year, value: row.quantity_kt });
        }
        given.insert(row.year, row.quantity_kt);
    }
    years.map(|year| interpolated(&given, year).ok_or(BadDemand::Year { year })).collect()
}

fn interpolated(given: &BTreeMap<i16, f64>, year: i16) -> Option<f64> {
    let (before, low) = given.range(..=year).next_back()?;
    let (after, high) = given.range(year..).next()?;
    let width = f64::from(after - before);
    let part = if width > 0.0 { f64::from(year - before) / width } else { 0.0 };
    Some(low + (high - low) * part)
}

/// Rows that give no path of demand.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum BadDemand {
    /// The scenario is in no row.
    #[error("unknown scenario `{value}`: the table has {known}")]
    Scenario {
        /// The scenario as given.
        value: String,
        /// The scenarios of the table.
        known: String,
    },
    /// The year is before the first or after the last one that is given.
    #[error("no demand is given for {year} or for years around it: demand is not continued beyond the table")]
    Year {
        /// The year.
        year: i16,
    },
    /// Two rows weigh different things.
    #[error("demand is given in {first} and in {other}: convert one of them")]
    Bases {
        /// Basis of the first row.
        first: Basis,
        /// Another basis.
        other: Basis,
    },
    /// A quantity is not a number of at least 0.
    #[error("demand in {year} is {value}: give kilotonnes, at least 0")]
    Quantity {
        /// The year.
        year: i16,
        /// The quantity.
        value: f64,
    },
}
