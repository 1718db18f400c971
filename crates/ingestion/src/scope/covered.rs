//! The scope that the rows of a release cover.
use std::collections::BTreeSet;

use orewatch_contracts::ingestion::v1::{Scope, Table};

use super::{EXPORTS, IMPORTS, MAX_ITEMS};
use crate::tally::{EconomySet, Market, MarketRows, REPORTER_SLOTS, Tally, economy_code, number_to_code};

/// Every value that occurs in the rows, sorted. Lists of more than [`MAX_ITEMS`] are left empty. `None`: the
/// table has no scope.
pub(crate) fn covered_scope(table: Table, tally: &Tally) -> Option<Scope> {
    let scope = match table {
        Table::Trade => trade(tally),
        Table::Production
        | Table::Governance
        | Table::Parameters
        | Table::Restrictions
        | Table::Projections => scope_of_others(table, tally),
        Table::Concordance | Table::Targets | Table::Claims | Table::Unspecified => return None,
    };
    Some(scope)
}

fn trade(tally: &Tally) -> Scope {
    let [mut reporters, mut partners] = [EconomySet::default(); 2];
    let mut flows = BTreeSet::new();
    for side in tally.markets.values().flat_map(|market_rows| &market_rows.flows.sides) {
        let (shippers, receivers) = (side.shippers(), side.receivers());
        let (reporting, other) =
            if side.is_by_exporter() { (shippers, receivers) } else { (receivers, shippers) };
        (reporters, partners) = (reporters.union(&reporting), partners.union(&other));
        match side.flow_key % REPORTER_SLOTS {
            0 => {}
            _ if side.is_by_exporter() => drop(flows.insert(EXPORTS.to_owned())),
            _ => drop(flows.insert(IMPORTS.to_owned())),
        }
    }
    let codes = |set: EconomySet| set.iter().map(|number| economy_code(number).to_owned()).collect();
    Scope {
        reporters: bounded_list(codes(reporters)),
        partners: bounded_list(codes(partners)),
        flows: bounded_list(flows),
        products: bounded_list(tally.codes.values().cloned().collect()),
        periods: periods(tally),
    }
}

fn scope_of_others(table: Table, tally: &Tally) -> Scope {
    let market_economies =
        tally.markets.iter().flat_map(|(market, market_rows)| market_economies(table, market, market_rows));
    let products = tally.markets.keys().map(|market| format!("{} {}", market.material, market.stage));
    let products = products.map(|topic| topic.trim().to_owned()).filter(|topic| !topic.is_empty());
    Scope {
        reporters: bounded_list(market_economies.collect()),
        products: bounded_list(products.collect()),
        periods: periods(tally),
        ..Scope::default()
    }
}

/// The economies that rows of a market are about.
fn market_economies(table: Table, market: &Market, market_rows: &MarketRows) -> Vec<String> {
    match table {
        Table::Parameters => market.economy().map(str::to_owned).into_iter().collect(),
        Table::Restrictions => vec![market.about.clone()],
        _ => {
            market_rows.entries.iter().map(|dictionary_entry| number_to_code(dictionary_entry.key)).collect()
        }
    }
}

fn periods(tally: &Tally) -> Vec<String> {
    let periods = tally.markets.keys().map(|market| market.period.clone());
    bounded_list(periods.filter(|period| !period.is_empty()).collect())
}

fn bounded_list(items: BTreeSet<String>) -> Vec<String> {
    if items.len() > MAX_ITEMS { Vec::new() } else { items.into_iter().collect() }
}
