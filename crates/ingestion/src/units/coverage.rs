//! What a release covers of its dataset: which keys of older releases it restates.
use std::collections::{BTreeMap, BTreeSet};

use orewatch_catalog::{DatasetKind, residual_kind};
use orewatch_contracts::ingestion::v1::{Release, Table};

use super::Unit;
use super::pairs::Pairs;
use crate::scope::{Dimension, EXPORTS, IMPORTS, Stated};
use crate::tally::{BY_EXPORTER, EconomySet, Market, Markets, REPORTERS, Side, code_number, product_number};

/// Keys of a market without flows that are restated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Keys {
    None,
    All,
    /// Those of these economies.
    Of(BTreeSet<u64>),
}

/// What a release restates, by its rows, its unit and its scope.
#[derive(Debug)]
pub(crate) struct Coverage<'a> {
    pub(crate) unit: Unit,
    table: Table,
    stated: Option<Numbers>,
    pub(crate) markets: &'a Markets,
    index: Index<'a>,
}

/// A stated scope, with the numbers of the tally.
#[derive(Debug)]
struct Numbers {
    stated: Stated,
    reporters: Option<EconomySet>,
    partners: Option<EconomySet>,
    products: Option<BTreeSet<u64>>,
    economies: Option<BTreeSet<u64>>,
}

/// Dimensions of a unit that the scope does not state; None where it does.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct UnitKey<'a> {
    period: Option<&'a str>,
    about: Option<&'a str>,
    topic: Option<(&'a str, &'a str)>,
    product: Option<u64>,
    by_exporter: Option<bool>,
}

/// The units of which a release has a row.
#[derive(Debug, Default)]
struct Index<'a> {
    markets: BTreeSet<UnitKey<'a>>,
    reporters: BTreeMap<UnitKey<'a>, EconomySet>,
    cells: BTreeMap<UnitKey<'a>, BTreeMap<u16, EconomySet>>,
    economies: BTreeMap<UnitKey<'a>, BTreeSet<u64>>,
}

impl<'a> Coverage<'a> {
    /// What a release of this kind with these rows covers.
    pub(crate) fn new(release: &Release, kind: DatasetKind, markets: &'a Markets) -> Self {
        let table = release.table();
        let unit = Unit::of(kind, table);
        let stated = Stated::new(release.scope.as_ref()).map(Numbers::new);
        let mut coverage = Self { unit, table, stated, markets, index: Index::default() };
        coverage.index = coverage.index();
        coverage
    }

    /// Whether a scope is stated.
    pub(crate) fn is_stated(&self) -> bool {
        self.stated.is_some()
    }

    /// Whether it covers only flows with some partners.
    pub(crate) fn is_of_some_partners(&self) -> bool {
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

    /// Whether its scope states a dimension. Both directions of flows are as good as none.
    pub(crate) fn states(&self, dimension: Dimension) -> bool {
        let items = self.stated.as_ref().and_then(|numbers| numbers.stated.items(dimension));
        items.is_some_and(|items| dimension != Dimension::Flow || items.len() == 1)
    }

    /// The pairs that it restates of an older release's flows of a product, as reported by one side.
    pub(crate) fn flows(&self, market: &Market, what: u64) -> Pairs {
        let (code, by_exporter) = (what / REPORTERS, what % REPORTERS == BY_EXPORTER);
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

    /// Keys that it restates of an older release's rows of a market without flows.
    pub(crate) fn entries(&self, market: &Market) -> Keys {
        if !self.admits_entries(market) {
            return Keys::None;
        }
        let stated = self.stated.as_ref().and_then(|numbers| numbers.economies.clone());
        match self.unit {
            Unit::Market if !self.has_market(market) => Keys::None,
            Unit::Market => stated.map_or(Keys::All, Keys::Of),
            Unit::Declaration | Unit::Cell => match self.index.economies.get(&self.market_key(market)) {
                Some(own) => Keys::Of(stated.unwrap_or_else(|| own.clone())),
                None => Keys::None,
            },
        }
    }

    fn has_market(&self, market: &Market) -> bool {
        match &self.stated {
            None => self.markets.contains_key(market),
            Some(_) => self.index.markets.contains(&self.market_key(market)),
        }
    }

    /// Pairs of stated reporters, or else of these, with stated partners.
    fn stated_pairs(&self, by_exporter: bool, reporters: Option<EconomySet>) -> Pairs {
        let stated = |pick: fn(&Numbers) -> Option<EconomySet>| self.stated.as_ref().and_then(pick);
        let reporters = stated(|numbers| numbers.reporters).or(reporters);
        let partners = stated(|numbers| numbers.partners);
        match by_exporter {
            true => Pairs::product(reporters, partners),
            false => Pairs::product(partners, reporters),
        }
    }

    /// Single pairs; of a side that the scope states, those that it states.
    fn cells(&self, by_exporter: bool, rows: &BTreeMap<u16, EconomySet>) -> Pairs {
        let stated = |pick: fn(&Numbers) -> Option<EconomySet>| self.stated.as_ref().and_then(pick);
        let (reporters, partners) = (stated(|numbers| numbers.reporters), stated(|numbers| numbers.partners));
        let (exporters, importers) = if by_exporter { (reporters, partners) } else { (partners, reporters) };
        match (exporters, importers) {
            (None, None) => Pairs::single(rows.clone()),
            (Some(exporters), None) => {
                let receivers = rows.values().fold(EconomySet::default(), |all, row| all.or(row));
                Pairs::product(Some(exporters), Some(receivers))
            }
            (None, Some(importers)) => Pairs::product(Some(rows.keys().copied().collect()), Some(importers)),
            (exporters, importers) => Pairs::product(exporters, importers),
        }
    }

    /// Whether flows can be inside of the stated scope.
    fn admits_flows(&self, market: &Market, code: u64, by_exporter: bool) -> bool {
        let Some(numbers) = &self.stated else { return true };
        let flow = if by_exporter { EXPORTS } else { IMPORTS };
        numbers.stated.admits(Dimension::Period, &market.period)
            && numbers.stated.admits(Dimension::Flow, flow)
            && numbers.products.as_ref().is_none_or(|products| products.contains(&code))
    }

    /// Whether rows of a market without flows can be inside of the stated scope.
    fn admits_entries(&self, market: &Market) -> bool {
        let Some(Numbers { stated, .. }) = &self.stated else { return true };
        stated.admits(Dimension::Product, &market.topic()) && stated.admits(Dimension::Period, &market.period)
    }

    /// What identifies a market among those of which there are rows.
    fn market_key<'m>(&self, market: &'m Market) -> UnitKey<'m> {
        UnitKey {
            period: Some(market.period.as_str()).filter(|_| !self.states(Dimension::Period)),
            about: Some(&market.about),
            topic: Some((&*market.material, &*market.stage)).filter(|_| !self.states(Dimension::Product)),
            ..UnitKey::default()
        }
    }

    /// What identifies the declarations, or the cells, of a product.
    fn flow_key<'m>(&self, market: &'m Market, code: u64, by_exporter: bool) -> UnitKey<'m> {
        UnitKey {
            period: Some(market.period.as_str()).filter(|_| !self.states(Dimension::Period)),
            topic: Some((&*market.material, &*market.stage)).filter(|_| !self.states(Dimension::Product)),
            product: Some(code).filter(|_| !self.states(Dimension::Product)),
            by_exporter: Some(by_exporter).filter(|_| !self.states(Dimension::Flow)),
            ..UnitKey::default()
        }
    }

    fn index(&self) -> Index<'a> {
        let mut index = Index::default();
        let is_trade = self.table == Table::Trade;
        for (market, gathered) in self.markets {
            match self.unit {
                Unit::Market if self.stated.is_none() => {}
                Unit::Market => {
                    index.markets.insert(self.market_key(market));
                }
                Unit::Declaration | Unit::Cell if !is_trade => {
                    let keys = gathered.entries.iter().map(|entry| entry.key);
                    index.economies.entry(self.market_key(market)).or_default().extend(keys);
                }
                Unit::Declaration | Unit::Cell => {
                    for side in &gathered.flows.sides {
                        let (code, by_exporter) = (side.what / REPORTERS, side.is_by_exporter());
                        self.note(&mut index, self.flow_key(market, code, by_exporter), side);
                    }
                }
            }
        }
        index
    }

    fn note(&self, index: &mut Index<'a>, key: UnitKey<'a>, side: &Side) {
        if self.unit == Unit::Declaration {
            let own = if side.is_by_exporter() { side.shippers() } else { side.receivers() };
            let reporters = index.reporters.entry(key).or_default();
            *reporters = reporters.or(&own);
            return;
        }
        let rows = index.cells.entry(key).or_default();
        for (exporter, importers) in side.rows() {
            let row = rows.entry(exporter).or_default();
            *row = row.or(importers);
        }
    }
}

impl Numbers {
    fn new(stated: Stated) -> Self {
        let sides = |dimension| {
            stated.items(dimension).map(|items| EconomySet::of_codes(items.iter().map(String::as_str)))
        };
        let numbers = |dimension, number: fn(&str) -> u64| -> Option<BTreeSet<u64>> {
            stated.items(dimension).map(|items| items.iter().map(|item| number(item)).collect())
        };
        Self {
            reporters: sides(Dimension::Reporter),
            partners: sides(Dimension::Partner),
            products: numbers(Dimension::Product, product_number),
            economies: numbers(Dimension::Reporter, code_number),
            stated,
        }
    }
}
