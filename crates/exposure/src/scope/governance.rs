//! How economies are governed, as far as a market's measures look at it.

use orewatch_catalog::Period;

use super::{Cited, CitedRow, Found, Kind, Scope};
use crate::book::EconomyId;

const NO_GOVERNANCE: &str = "no release gives this governance indicator of the economy";

/// Governance indicators as they were known, seen from a market: years are counted back from the market's.
#[derive(Clone, Copy, Debug)]
pub struct Governance<'s, 'a> {
    pub(super) scope: &'s Scope<'a>,
}

/// Mean of an indicator over some years.
#[derive(Clone, Debug)]
pub struct Mean<'a> {
    /// Mean of the years that have a figure, from the earliest to the latest. None: no year has.
    pub value: Option<f64>,
    /// The rows, from the earliest year to the latest.
    pub cited: Vec<Cited<'a>>,
    /// Years without a figure, from the earliest to the latest.
    pub missing: Vec<Period>,
}

impl<'a> Governance<'_, 'a> {
    /// An indicator of an economy in one period, which for the usual sources is a year.
    #[must_use]
    pub fn at(&self, economy: EconomyId, indicator: &str, period: Period) -> Found<'a> {
        let side = self.scope.shelf.governance(indicator, period);
        let found = side.and_then(|(name, side)| {
            let first = side.rows.partition_point(|row| row.economy < economy);
            let row = side.rows.get(first).filter(|row| row.economy == economy)?;
            self.scope.consult(Kind::Governance, side.place);
            Some(Found::of(row.value, side.content, CitedRow::Governed(name, period, row)))
        });
        found.unwrap_or(Found::nothing(NO_GOVERNANCE))
    }

    /// An indicator of an economy in the market's calendar year, or in the newest of the `back` years before that has a known
    /// figure.
    #[must_use]
    pub fn latest(&self, economy: EconomyId, indicator: &str, back: i16) -> Found<'a> {
        let years = self.scope.years(back).into_iter().rev();
        let mut found = years.map(|year| self.at(economy, indicator, year));
        found.find(|found| found.value().is_some()).unwrap_or(Found::nothing(NO_GOVERNANCE))
    }

    /// Mean of an indicator over the market's calendar year and the `back` years before.
    #[must_use]
    pub fn mean(&self, economy: EconomyId, indicator: &str, back: i16) -> Mean<'a> {
        let mut mean = Mean { value: None, cited: Vec::new(), missing: Vec::new() };
        let (mut sum, mut count) = (0.0, 0.0);
        for year in self.scope.years(back) {
            let found = self.at(economy, indicator, year);
            match found.value() {
                Some(value) => (sum, count) = (sum + value, count + 1.0),
                None => mean.missing.push(year),
            }
            mean.cited.extend(found.cited);
        }
        mean.value = (count > 0.0).then_some(sum / count);
        mean
    }
}
