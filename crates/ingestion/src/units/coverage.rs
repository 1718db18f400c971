//! What a release covers of its dataset: which keys of older releases it restates.
use std::collections::{BTreeMap, BTreeSet};

use orewatch_catalog::{DatasetKind, residual_kind};
use orewatch_contracts::ingestion::v1::{Release, Table};

use super::Unit;
use super::pairs::Pairs;
use crate::scope::{Dimension, EXPORTS, IMPORTS, Stated};
use crate::tally::{
    BY_EXPORTER, EconomySet, Market, Markets, REPORTER_SLOTS, Side, code_to_number, product_number,
};

/// Restated keys of a market without flows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RestatedKeys {
    None,
    All,
    /// Keys of these economies.
    Economies(BTreeSet<u64>),
}

/// What a release restates, by its rows, unit and scope.
#[derive(Debug)]
pub(crate) struct Coverage<'a> {
    pub(crate) unit: Unit,
    table: Table,
    stated: Option<StatedNumbers>,
    pub(crate) markets: &'a Markets,
    index: Index<'a>,
}

/// A stated scope, with items as the numbers that the tally uses.
#[derive(Debug)]
struct StatedNumbers {
    stated: Stated,
    reporters: Option<EconomySet>,
    partners: Option<EconomySet>,
    products: Option<BTreeSet<u64>>,
    economies: Option<BTreeSet<u64>>,
}

/// Dimensions of a unit that the scope does not state; `None` for stated ones. Units with equal keys are
/// restated together.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct UnitKey<'a> {
    period: Option<&'a str>,
    about: Option<&'a str>,
    topic: Option<(&'a str, &'a str)>,
    product: Option<u64>,
    by_exporter: Option<bool>,
}

/// The units in which a release has rows.
#[derive(Debug, Default)]
struct Index<'a> {
    markets: BTreeSet<UnitKey<'a>>,
    reporters: BTreeMap<UnitKey<'a>, EconomySet>,
    cells: BTreeMap<UnitKey<'a>, BTreeMap<u16, EconomySet>>,
    economies: BTreeMap<UnitKey<'a>, BTreeSet<u64>>,
}

impl<'a> Coverage<'a> {
    /// Coverage of a release of this kind with these rows.
    pub(crate) fn new(release: &Release, kind: DatasetKind, markets: &'a Markets) -> Self {
        let table = release.table();
        let unit = Unit::for_dataset(kind, table);
        let stated = Stated::new(release.scope.as_ref()).map(StatedNumbers::new);
        let mut coverage = Self { unit, table, stated, markets, index: Index::default() };
        coverage.index = coverage.build_index();
        coverage
    }

    /// Whether a scope is stated.
    pub(crate) fn is_stated(&self) -> bool {
        self.stated.is_some()
    }

    /// Whether it covers flows with some partners only.
    pub(crate) fn is_partner_extract(&self) -> bool {
        self.states(Dimension::Partner)
    }

    /// Whether its scope could state a dimension with these items, and does not.
    pub(crate) fn may_state(&self, dimension: Dimension, items: &[String]) -> bool {
        let reports = |item: &String| dimension != Dimension::Reporter || residual_kind(item).is_none();
        dimension.is_of(self.table)
            && !items.is_empty()
            && items.iter().all(reports)
            && !self.states(dimension)
    }

    /// Whether its scope states a dimension. Stating both directions of flows is the same as stating none.
    pub(crate) fn states(&self, dimension: Dimension) -> bool {
        let items = self.stated.as_ref().and_then(|numbers| numbers.stated.items(dimension));
        items.is_some_and(|items| dimension != Dimension::Flow || items.len() == 1)
    }

    /// The pairs that it restates of an older release's flows of one product, as one side reports them.
    pub(crate) fn restated_pairs(&self, market: &Market, flow_key: u64) -> Pairs {
        let (code, by_exporter) = (flow_key / REPORTER_SLOTS, flow_key % REPORTER_SLOTS == BY_EXPORTER);
        if !self.admits_flows(market, code, by_exporter) {
            return Pairs::default();
        }
        let key = self.flow_key(market, code, by_exporter);
        match self.unit {
            Unit::Market if !self.has_market(market) => Pairs::default(),
            Unit::Market => self.stated_pairs(by_exporter, None),
            Unit::Declaration => match self.index.reporters.get(&key) {
                Some(reporters) => self.stated_pairs(by_exporter, Some(*reporters)),
                None => Pairs::default(),
            },
            Unit::Cell => {
                self.index.cells.get(&key).map_or_else(Pairs::default, |rows| self.cells(by_exporter, rows))
            }
        }
    }

    /// The keys that it restates of an older release in a market without flows.
    pub(crate) fn restated_keys(&self, market: &Market) -> RestatedKeys {
        if !self.admits_entries(market) {
            return RestatedKeys::None;
        }
        let stated = self.stated.as_ref().and_then(|numbers| numbers.economies.clone());
        match self.unit {
            Unit::Market if !self.has_market(market) => RestatedKeys::None,
            Unit::Market => stated.map_or(RestatedKeys::All, RestatedKeys::Economies),
            Unit::Declaration | Unit::Cell => match self.index.economies.get(&self.market_key(market)) {
                Some(own) => RestatedKeys::Economies(stated.unwrap_or_else(|| own.clone())),
                None => RestatedKeys::None,
            },
        }
    }

    fn has_market(&self, market: &Market) -> bool {
        match &self.stated {
            None => self.markets.contains_key(market),
            Some(_) => self.index.markets.contains(&self.market_key(market)),
        }
    }

    /// Pairs of the stated reporters, or else of these, with the stated partners.
    fn stated_pairs(&self, by_exporter: bool, reporters: Option<EconomySet>) -> Pairs {
        let stated = |pick: fn(&StatedNumbers) -> Option<EconomySet>| self.stated.as_ref().and_then(pick);
        let reporters = stated(|numbers| numbers.reporters).or(reporters);
        let partners = stated(|numbers| numbers.partners);
        match by_exporter {
            true => Pairs::product(reporters, partners),
            false => Pairs::product(partners, reporters),
        }
    }

    /// Single pairs. A side that the scope states has the stated economies instead.
    fn cells(&self, by_exporter: bool, rows: &BTreeMap<u16, EconomySet>) -> Pairs {
        let stated = |pick: fn(&StatedNumbers) -> Option<EconomySet>| self.stated.as_ref().and_then(pick);
        let (reporters, partners) = (stated(|numbers| numbers.reporters), stated(|numbers| numbers.partners));
        let (exporters, importers) = if by_exporter { (reporters, partners) } else { (partners, reporters) };
        match (exporters, importers) {
            (None, None) => Pairs::single(rows.clone()),
            (Some(exporters), None) => {
                let receivers = rows.values().fold(EconomySet::default(), |all, row| all.union(row));
                Pairs::product(Some(exporters), Some(receivers))
            }
            (None, Some(importers)) => Pairs::product(Some(rows.keys().copied().collect()), Some(importers)),
            (exporters, importers) => Pairs::product(exporters, importers),
        }
    }

    /// Whether flows can be inside the stated scope.
    fn admits_flows(&self, market: &Market, code: u64, by_exporter: bool) -> bool {
        let Some(numbers) = &self.stated else { return true };
        let flow = if by_exporter { EXPORTS } else { IMPORTS };
        numbers.stated.admits(Dimension::Period, &market.period)
            && numbers.stated.admits(Dimension::Flow, flow)
            && numbers.products.as_ref().is_none_or(|products| products.contains(&code))
    }

    /// Whether rows of a market without flows can be inside the stated scope.
    fn admits_entries(&self, market: &Market) -> bool {
        let Some(StatedNumbers { stated, .. }) = &self.stated else { return true };
        stated.admits(Dimension::Product, &market.topic()) && stated.admits(Dimension::Period, &market.period)
    }

    /// Unit key of a market.
    fn market_key<'m>(&self, market: &'m Market) -> UnitKey<'m> {
        UnitKey {
            period: Some(market.period.as_str()).filter(|_| !self.states(Dimension::Period)),
            about: Some(&market.about),
            topic: Some((&*market.material, &*market.stage)).filter(|_| !self.states(Dimension::Product)),
            ..UnitKey::default()
        }
    }

    /// Unit key of the declarations, or the cells, of a product.
    fn flow_key<'m>(&self, market: &'m Market, code: u64, by_exporter: bool) -> UnitKey<'m> {
        UnitKey {
            period: Some(market.period.as_str()).filter(|_| !self.states(Dimension::Period)),
            topic: Some((&*market.material, &*market.stage)).filter(|_| !self.states(Dimension::Product)),
            product: Some(code).filter(|_| !self.states(Dimension::Product)),
            by_exporter: Some(by_exporter).filter(|_| !self.states(Dimension::Flow)),
            ..UnitKey::default()
        }
    }

    fn build_index(&self) -> Index<'a> {
        let mut index = Index::default();
        let is_trade = self.table == Table::Trade;
        for (market, market_rows) in self.markets {
            match self.unit {
                Unit::Market if self.stated.is_none() => {}
                Unit::Market => {
                    index.markets.insert(self.market_key(market));
                }
                Unit::Declaration | Unit::Cell if !is_trade => {
                    let keys = market_rows.entries.iter().map(|entry| entry.key);
                    index.economies.entry(self.market_key(market)).or_default().extend(keys);
                }
                Unit::Declaration | Unit::Cell => {
                    for side in &market_rows.flows.sides {
                        let (code, by_exporter) = (side.flow_key / REPORTER_SLOTS, side.is_by_exporter());
                        self.add_to_index(&mut index, self.flow_key(market, code, by_exporter), side);
                    }
                }
            }
        }
        index
    }

    fn add_to_index(&self, index: &mut Index<'a>, key: UnitKey<'a>, side: &Side) {
        if self.unit == Unit::Declaration {
            let own = if side.is_by_exporter() { side.shippers() } else { side.receivers() };
            let reporters = index.reporters.entry(key).or_default();
            *reporters = reporters.union(&own);
            return;
        }
        let rows = index.cells.entry(key).or_default();
        for (exporter, importers) in side.rows() {
            let row = rows.entry(exporter).or_default();
            *row = row.union(importers);
        }
    }
}

impl StatedNumbers {
    fn new(stated: Stated) -> Self {
        let sides = |dimension| {
            stated.items(dimension).map(|items| EconomySet::from_codes(items.iter().map(String::as_str)))
        };
        let numbers = |dimension, number: fn(&str) -> u64| -> Option<BTreeSet<u64>> {
            stated.items(dimension).map(|items| items.iter().map(|item| number(item)).collect())
        };
        Self {
            reporters: sides(Dimension::Reporter),
            partners: sides(Dimension::Partner),
            products: numbers(Dimension::Product, product_number),
            economies: numbers(Dimension::Reporter, code_to_number),
            stated,
        }
    }
}
