//! Compares rows of a market without flows with those that they restate.
use std::collections::{BTreeMap, BTreeSet};

use orewatch_catalog::parameter;
use orewatch_catalog::parameter::ItemKind;
use orewatch_contracts::ingestion::v1::Table;

use super::Unit;
use super::coverage::{Coverage, RestatedKeys};
use super::restated::{Change, Compared, Older, Sums};
use super::vanished::Vanished;
use crate::tally::{Entry, Market, known_amounts};

impl RestatedKeys {
    fn contains(&self, key: u64) -> bool {
        match self {
            Self::None => false,
            Self::All => true,
            Self::Economies(keys) => keys.contains(&key),
        }
    }
}

/// Compares the rows of a market. `None`: none are restated.
pub(super) fn compare_entries<'a>(
    table: Table,
    new: &Coverage<'a>,
    older: &[Older<'a>],
    market: &'a Market,
    vanished: &mut Vanished,
) -> Option<Compared<'a>> {
    let coverage = new.restated_keys(market);
    let (then, sources) = restated_entries(older, market, &coverage);
    if then.is_empty() {
        return None;
    }
    let now: &[Entry] = new.markets.get(market).map_or(&[], |market_rows| &market_rows.entries);
    let [then_keys, now_keys] = [&then[..], now].map(keys);
    let shared = then_keys.intersection(&now_keys).count();
    let reworded = is_reworded(table, market);
    let kept = if reworded { then_keys.len().min(now_keys.len()) } else { shared };
    if reworded {
        vanished.add_rows(market, then_keys.len().saturating_sub(kept));
    } else {
        vanished.add_entries(table, market, &then_keys.difference(&now_keys).copied().collect());
    }
    let is_cell = matches!(new.unit, Unit::Declaration | Unit::Cell);
    let change = Change {
        market,
        units: if is_cell { then_keys.len() } else { 1 },
        then_keys: then_keys.len(),
        kept_keys: kept,
        now_keys: if is_cell { kept } else { now_keys.len() },
        sums: Sums { then: sum(&then), now: sum(now) },
        factors: factors(now, &then),
    };
    let sums = if is_cell { Sums::default() } else { change.sums };
    Some(Compared { change: Change { sums, ..change }, sources })
}

/// Visible and restated rows of a market, from the newest older release on, and the indices of the releases
/// that have them.
fn restated_entries(
    older: &[Older<'_>],
    market: &Market,
    coverage: &RestatedKeys,
) -> (Vec<Entry>, Vec<usize>) {
    let (mut then, mut sources) = (Vec::new(), Vec::new());
    let mut hidden: Vec<RestatedKeys> = Vec::new();
    for (place, older) in older.iter().enumerate() {
        if *coverage == RestatedKeys::None || hidden.last() == Some(&RestatedKeys::All) {
            break;
        }
        let entries: &[Entry] =
            older.coverage.markets.get(market).map_or(&[], |market_rows| &market_rows.entries);
        let seen = |entry: &&Entry| {
            coverage.contains(entry.key) && !hidden.iter().any(|hidden| hidden.contains(entry.key))
        };
        let before = then.len();
        then.extend(entries.iter().filter(seen).copied());
        if then.len() > before {
            sources.push(place);
        }
        match older.coverage.restated_keys(market) {
            RestatedKeys::None => {}
            keys => hidden.push(keys),
        }
    }
    (then, sources)
}

fn keys(entries: &[Entry]) -> BTreeSet<u64> {
    entries.iter().map(|entry| entry.key).collect()
}

/// Sum of the amounts that are known, without their signs, in the order of the rows.
fn sum(entries: &[Entry]) -> f64 {
    known_amounts(entries).map(f64::abs).sum()
}

fn factors(now: &[Entry], then: &[Entry]) -> Vec<f64> {
    let amounts = |entries: &[Entry]| -> BTreeMap<u64, f64> {
        let positive = entries.iter().filter(|entry| entry.amount > 0.0);
        positive.map(|entry| (entry.key, entry.amount)).collect()
    };
    let before = amounts(then);
    let factor = |(key, now): (u64, f64)| before.get(&key).map(|then| now / then);
    amounts(now).into_iter().filter_map(factor).collect()
}

/// Whether rows of a market are told apart by words of the source, which may change in each edition: `alloys`
/// in one are `ferrocerium, alloys` in the next, and `>95` becomes 97. Only the number of such rows can be
/// compared.
fn is_reworded(table: Table, market: &Market) -> bool {
    table == Table::Parameters
        && parameter(market.name())
            .is_ok_and(|known| matches!(known.item, ItemKind::Form | ItemKind::PrintedFigure))
}
