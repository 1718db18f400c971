//! Number of figures by market, also of measures that no rule watches. It gives the cost of a rule before the
//! rule is stored.
use std::collections::{BTreeMap, BTreeSet};

use orewatch_catalog::Period;

use super::columns::RunCounts;
use super::market::Market;
use crate::cost::Cost;
use crate::rules::CheckedRule;

/// Number of figures of a market.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Extent {
    /// Greatest number of figures of a period in one event.
    pub(super) figures: u32,
    /// Greatest numbers of consumers and suppliers in one event.
    pub(super) consumers: u32,
    pub(super) suppliers: u32,
    /// The periods that ever had a figure.
    pub(super) periods: BTreeSet<Period>,
}

/// Numbers of figures of the markets of a material.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Extents(pub(super) BTreeMap<Market, Extent>);

impl Extents {
    /// Notes a run of rows of a market in a period.
    pub(super) fn note(&mut self, market: Market, period: Period, run: RunCounts) {
        let extent = self.0.entry(market).or_default();
        extent.figures = extent.figures.max(run.figures);
        extent.consumers = extent.consumers.max(run.consumers);
        extent.suppliers = extent.suppliers.max(run.suppliers);
        extent.periods.insert(period);
    }

    fn watched<'a>(&'a self, material: &'a str, rule: &'a CheckedRule) -> impl Iterator<Item = &'a Extent> {
        let watched =
            |(market, _): &(&Market, &Extent)| rule.watches_market(material, &market.stage, &market.measured);
        self.0.iter().filter(watched).map(|(_, extent)| extent)
    }

    /// Approximate cost of a rule. The consumers and suppliers that it selects are assumed to have as many
    /// figures as others.
    pub(super) fn cost(&self, material: &str, rule: &CheckedRule) -> Cost {
        let cost = |extent: &Extent| {
            let figures = u64::from(extent.figures);
            let consumers = part(figures, rule.consumers().len(), extent.consumers);
            let subjects = part(consumers, rule.suppliers().len(), extent.suppliers);
            Cost::for_subjects(rule, usize::try_from(subjects).unwrap_or(usize::MAX), extent.periods.len())
        };
        self.watched(material, rule).map(cost).fold(Cost::default(), Cost::and)
    }

    /// Greatest number of periods of a rule's measure.
    pub(super) fn periods(&self, material: &str, rule: &CheckedRule) -> usize {
        self.watched(material, rule).map(|extent| extent.periods.len()).max().unwrap_or_default()
    }
}

/// Share of `figures` for `selected` of `all` codes. 0 selected codes mean all.
fn part(figures: u64, selected: usize, all: u32) -> u64 {
    let (selected, all) = (u64::try_from(selected).unwrap_or(u64::MAX), u64::from(all));
    if selected == 0 || selected >= all { figures } else { (figures * selected).div_ceil(all.max(1)) }
}
