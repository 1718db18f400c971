//! Governance indicators of economies, as seen from a market.

use orewatch_catalog::Period;

use super::{Cited, CitedRow, FoundValue, Scope, TableKind};
use crate::book::EconomyId;

const NO_GOVERNANCE: &str = "no release gives this governance indicator of the economy";

/// Governance indicators as they were known. Years are counted back from the market's.
#[derive(Clone, Copy, Debug)]
pub struct Governance<'s, 'a> {
    pub(super) scope: &'s Scope<'a>,
}

/// Mean of an indicator over some years.
#[derive(Clone, Debug)]
pub struct IndicatorMean<'a> {
    /// Mean of the years with a figure. `None`: no year has one.
    pub value: Option<f64>,
    /// The rows, from the earliest year to the latest.
    pub cited: Vec<Cited<'a>>,
    /// Years without a figure, from the earliest to the latest.
    pub missing: Vec<Period>,
}

impl<'a> Governance<'_, 'a> {
    /// The score of an economy in one period, which for the usual sources is a year.
    #[must_use]
    pub fn score(&self, economy: EconomyId, indicator: &str, period: Period) -> FoundValue<'a> {
        let side = self.scope.cache.governance(indicator, period);
        let found = side.and_then(|(name, side)| {
            let first = side.rows.partition_point(|row| row.economy < economy);
            let row = side.rows.get(first).filter(|row| row.economy == economy)?;
            self.scope.consult(TableKind::Governance, side.release);
            Some(FoundValue::from_cell(row.value, side.content, CitedRow::GovernanceScore(name, period, row)))
        });
        found.unwrap_or(FoundValue::missing(NO_GOVERNANCE))
    }

    /// The score of an economy in the newest year with a known one: the market's calendar year or one of the
    /// `back` years before it.
    #[must_use]
    pub fn latest(&self, economy: EconomyId, indicator: &str, back: i16) -> FoundValue<'a> {
        let years = self.scope.years(back).into_iter().rev();
        let mut found = years.map(|year| self.score(economy, indicator, year));
        found.find(|found| found.value().is_some()).unwrap_or(FoundValue::missing(NO_GOVERNANCE))
    }

    /// Mean score of an economy over the market's calendar year and the `back` years before it.
    #[must_use]
    pub fn mean(&self, economy: EconomyId, indicator: &str, back: i16) -> IndicatorMean<'a> {
        let mut mean = IndicatorMean { value: None, cited: Vec::new(), missing: Vec::new() };
        let (mut sum, mut count) = (0.0, 0.0);
        for year in self.scope.years(back) {
            let found = self.score(economy, indicator, year);
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
