//! What the rows of a release cover.
use std::collections::BTreeSet;

use orewatch_contracts::ingestion::v1::{Scope, Table};

use super::{EXPORTS, IMPORTS, MAX_ITEMS};
use crate::tally::{EconomySet, Gathered, Market, REPORTERS, Tally, code, code_of};

/// Every value that occurs in the rows, sorted; lists of more than [`MAX_ITEMS`] are left empty. None: the table has no scope.
pub(crate) fn covered(table: Table, tally: &Tally) -> Option<Scope> {
    let scope = match table {
        Table::Trade => trade(tally),
        Table::Production | Table::Governance | Table::Parameters | Table::Restrictions => {
            others(table, tally)
        }
        Table::Concordance | Table::Unspecified => return None,
    };
    Some(scope)
}

fn trade(tally: &Tally) -> Scope {
    let [mut reporters, mut partners] = [EconomySet::default(); 2];
    let mut flows = BTreeSet::new();
    for side in tally.markets.values().flat_map(|gathered| &gathered.flows.sides) {
        let (shippers, receivers) = (side.shippers(), side.receivers());
        let (reporting, other) =
            if side.is_by_exporter() { (shippers, receivers) } else { (receivers, shippers) };
        (reporters, partners) = (reporters.or(&reporting), partners.or(&other));
        match side.what % REPORTERS {
            0 => {}
            _ if side.is_by_exporter() => drop(flows.insert(EXPORTS.to_owned())),
            _ => drop(flows.insert(IMPORTS.to_owned())),
        }
    }
    let codes = |set: EconomySet| set.iter().map(|number| code(number).to_owned()).collect();
    Scope {
        reporters: listed(codes(reporters)),
        partners: listed(codes(partners)),
        flows: listed(flows),
        products: listed(tally.codes.values().cloned().collect()),
        periods: periods(tally),
    }
}

fn others(table: Table, tally: &Tally) -> Scope {
    let economies = tally.markets.iter().flat_map(|(market, gathered)| economies(table, market, gathered));
    let products = tally.markets.keys().map(|market| format!("{} {}", market.material, market.stage));
    let products = products.map(|topic| topic.trim().to_owned()).filter(|topic| !topic.is_empty());
    Scope {
        reporters: listed(economies.collect()),
        products: listed(products.collect()),
        periods: periods(tally),
        ..Scope::default()
    }
}

/// The economies that the rows of a market are about.
fn economies(table: Table, market: &Market, gathered: &Gathered) -> Vec<String> {
    match table {
        Table::Parameters => market.economy().map(str::to_owned).into_iter().collect(),
        Table::Restrictions => vec![market.about.clone()],
        _ => gathered.entries.iter().map(|entry| code_of(entry.key)).collect(),
    }
}

fn periods(tally: &Tally) -> Vec<String> {
    let periods = tally.markets.keys().map(|market| market.period.clone());
    listed(periods.filter(|period| !period.is_empty()).collect())
}

fn listed(items: BTreeSet<String>) -> Vec<String> {
    if items.len() > MAX_ITEMS { Vec::new() } else { items.into_iter().collect() }
}
