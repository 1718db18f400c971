//! How many figures there are, also of measures that no rule watches: what a rule would cost is told before it is stored.
use std::collections::{BTreeMap, BTreeSet};

use orewatch_catalog::Period;

use super::columns::Run;
use super::market::Market;
use crate::cost::Cost;
use crate::rules::Checked;

/// How many figures a market has.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Extent {
    /// Most figures that one event told of a period.
    pub(super) figures: u32,
    /// Most consumers and suppliers that one event named.
    pub(super) consumers: u32,
    pub(super) suppliers: u32,
    /// The periods that there ever was a figure of.
    pub(super) periods: BTreeSet<Period>,
}

/// How many figures the markets of a material have.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Extents(pub(super) BTreeMap<Market, Extent>);

impl Extents {
    /// Notes what an event tells of a market in a period.
    pub(super) fn note(&mut self, market: Market, period: Period, run: Run) {
        let extent = self.0.entry(market).or_default();
        extent.figures = extent.figures.max(run.figures);
        extent.consumers = extent.consumers.max(run.consumers);
        extent.suppliers = extent.suppliers.max(run.suppliers);
        extent.periods.insert(period);
    }

    fn watched<'a>(&'a self, material: &'a str, rule: &'a Checked) -> impl Iterator<Item = &'a Extent> {
        let watched =
            |(market, _): &(&Market, &Extent)| rule.watches_market(material, &market.stage, &market.measured);
        self.0.iter().filter(watched).map(|(_, extent)| extent)
    }

    /// What a rule costs, about: of the consumers and suppliers that it names it is taken to find as many figures as of others.
    pub(super) fn cost(&self, material: &str, rule: &Checked) -> Cost {
        let of = |extent: &Extent| {
            let figures = u64::from(extent.figures);
            let consumers = part(figures, rule.consumers().len(), extent.consumers);
            let subjects = part(consumers, rule.suppliers().len(), extent.suppliers);
            Cost::of(rule, usize::try_from(subjects).unwrap_or(usize::MAX), extent.periods.len())
        };
        self.watched(material, rule).map(of).fold(Cost::default(), Cost::and)
    }

    /// Most periods that a rule's measure has.
    pub(super) fn periods(&self, material: &str, rule: &Checked) -> usize {
        self.watched(material, rule).map(|extent| extent.periods.len()).max().unwrap_or_default()
    }
}

/// The part of some figures that falls to so many of all codes; none selected: all of them.
fn part(figures: u64, selected: usize, all: u32) -> u64 {
    let (selected, all) = (u64::try_from(selected).unwrap_or(u64::MAX), u64::from(all));
    if selected == 0 || selected >= all { figures } else { (figures * selected).div_ceil(all.max(1)) }
}
