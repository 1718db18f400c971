//! Compares flows of a market with those that they restate.
use std::collections::{BTreeMap, BTreeSet};

use super::Unit;
use super::coverage::Coverage;
use super::pairs::Pairs;
use super::restated::{Change, Compared, Older, Sums};
use super::vanished::Vanished;
use crate::tally::{BY_EXPORTER, EconomySet, Market, MarketRows, REPORTER_SLOTS, Side};

/// Restated flows of a product, as one side reports them.
struct RestatedFlows<'a> {
    flow_key: u64,
    /// Importers by exporter.
    rows: BTreeMap<u16, EconomySet>,
    sources: Vec<FlowSource<'a>>,
}

/// An older release with restated flows.
struct FlowSource<'a> {
    /// Index of the older release.
    place: usize,
    side: &'a Side,
    /// All flows of the side are restated.
    is_whole: bool,
    /// The older release covers some partners only.
    is_extract: bool,
}

/// Compares the flows of a market. `None`: none are restated.
pub(super) fn compare_flows<'a>(
    new: &Coverage<'a>,
    older: &[Older<'a>],
    market: &'a Market,
    vanished: &mut Vanished,
) -> Option<Compared<'a>> {
    let market_rows = |coverage: &Coverage<'a>| -> Option<&'a MarketRows> { coverage.markets.get(market) };
    let sides =
        older.iter().filter_map(|older| market_rows(&older.coverage)).flat_map(|known| &known.flows.sides);
    let flow_keys: BTreeSet<u64> = sides.map(|side| side.flow_key).collect();
    let restated: Vec<RestatedFlows<'a>> =
        flow_keys.into_iter().filter_map(|flow_key| restated_flows(new, older, market, flow_key)).collect();
    if restated.is_empty() {
        return None;
    }
    let mut kept = 0;
    for then in &restated {
        let now = counterparts(new, market, then.flow_key);
        for (exporter, importers) in &then.rows {
            let both =
                now.iter().fold(EconomySet::default(), |both, side| both.union(&side.shipped(*exporter)));
            kept += importers.intersection(&both).len();
            vanished.add_flows(market, then.flow_key, *exporter, importers.difference(&both));
        }
    }
    let mut sources: Vec<usize> =
        restated.iter().flat_map(|then| &then.sources).map(|source| source.place).collect();
    sources.sort_unstable();
    sources.dedup();
    let (sums, factors) = compare_figures(new, older, market, &restated, &sources);
    let change = Change {
        market,
        units: restated_units(new.unit, &restated),
        then_keys: restated.iter().flat_map(|then| then.rows.values()).map(EconomySet::len).sum(),
        kept_keys: kept,
        now_keys: now_keys(new, market, &restated, kept),
        sums,
        factors,
    };
    Some(Compared { change, sources })
}

/// Visible and restated flows of a product, from the newest older release on.
fn restated_flows<'a>(
    new: &Coverage<'a>,
    older: &[Older<'a>],
    market: &Market,
    flow_key: u64,
) -> Option<RestatedFlows<'a>> {
    let cover = new.restated_pairs(market, flow_key);
    let mut then = RestatedFlows { flow_key, rows: BTreeMap::new(), sources: Vec::new() };
    let mut hidden = Pairs::default();
    for (place, older) in older.iter().enumerate() {
        if cover.is_within(&hidden) {
            break;
        }
        let coverage = &older.coverage;
        let market_rows: Option<&'a MarketRows> = coverage.markets.get(market);
        if let Some(side) = market_rows.and_then(|market_rows| market_rows.flows.side(flow_key)) {
            let (mut some, mut is_whole) = (false, true);
            for (exporter, importers) in side.rows() {
                let seen = importers.intersection(&cover.row(exporter)).difference(&hidden.row(exporter));
                is_whole &= seen == *importers;
                if !seen.is_empty() {
                    some = true;
                    let row = then.rows.entry(exporter).or_default();
                    *row = row.union(&seen);
                }
            }
            if some {
                let is_extract = coverage.is_partner_extract();
                then.sources.push(FlowSource { place, side, is_whole, is_extract });
            }
        }
        hidden.join(&coverage.restated_pairs(market, flow_key));
    }
    (!then.rows.is_empty()).then_some(then)
}

/// Sides of the release that say the same as a side of an older release. Of declarations and cells, a figure
/// for both sides stands for the importer's.
fn counterparts<'a>(new: &Coverage<'a>, market: &Market, flow_key: u64) -> Vec<&'a Side> {
    let (code, reporter) = (flow_key / REPORTER_SLOTS, flow_key % REPORTER_SLOTS);
    let declaring_reporters: Vec<u64> = match new.unit {
        Unit::Market => vec![reporter],
        Unit::Declaration | Unit::Cell if reporter == BY_EXPORTER => vec![BY_EXPORTER],
        Unit::Declaration | Unit::Cell => (0..REPORTER_SLOTS).filter(|by| *by != BY_EXPORTER).collect(),
    };
    let sides = |market_rows: &'a MarketRows| -> Vec<&'a Side> {
        declaring_reporters
            .iter()
            .filter_map(|reporter| market_rows.flows.side(code * REPORTER_SLOTS + reporter))
            .collect()
    };
    let here = new.markets.get(market).map(&sides).unwrap_or_default();
    if !here.is_empty() || matches!(new.unit, Unit::Market) {
        return here;
    }
    // Another concordance may have moved the product to another market since.
    let same_period = new.markets.iter().filter(|(other, _)| other.period == market.period);
    same_period.flat_map(|(_, market_rows)| sides(market_rows)).collect()
}

/// Economies that declare restated flows of a side.
fn declaring_reporters(then: &RestatedFlows<'_>) -> EconomySet {
    match then.flow_key % REPORTER_SLOTS == BY_EXPORTER {
        true => then.rows.keys().copied().collect(),
        false => then.rows.values().fold(EconomySet::default(), |all, row| all.union(row)),
    }
}

/// Economies that declare restated flows, by product and direction (true: exports).
fn declared_flows(restated: &[RestatedFlows<'_>]) -> BTreeMap<(u64, bool), EconomySet> {
    let mut declared_flows: BTreeMap<(u64, bool), EconomySet> = BTreeMap::new();
    for then in restated {
        let key = (then.flow_key / REPORTER_SLOTS, then.flow_key % REPORTER_SLOTS == BY_EXPORTER);
        let all = declared_flows.entry(key).or_default();
        *all = all.union(&declaring_reporters(then));
    }
    declared_flows
}

fn restated_units(unit: Unit, restated: &[RestatedFlows<'_>]) -> usize {
    match unit {
        Unit::Market => 1,
        Unit::Declaration => declared_flows(restated).values().map(EconomySet::len).sum(),
        Unit::Cell => restated.iter().flat_map(|then| then.rows.values()).map(EconomySet::len).sum(),
    }
}

/// Keys of the release in restated units.
fn now_keys(new: &Coverage<'_>, market: &Market, restated: &[RestatedFlows<'_>], kept: usize) -> usize {
    let Some(market_rows) = new.markets.get(market) else { return kept };
    match new.unit {
        Unit::Market => market_rows.flows.len(),
        Unit::Cell => kept,
        Unit::Declaration => {
            let declared_flows = declared_flows(restated);
            let count = |side: &Side| -> usize {
                let by_exporter = side.is_by_exporter();
                let Some(own) = declared_flows.get(&(side.flow_key / REPORTER_SLOTS, by_exporter)) else {
                    return 0;
                };
                let rows = side.rows();
                match by_exporter {
                    true => {
                        rows.filter(|(exporter, _)| own.contains(*exporter)).map(|(_, row)| row.len()).sum()
                    }
                    false => rows.map(|(_, row)| row.intersection(own).len()).sum(),
                }
            };
            market_rows.flows.sides.iter().map(count).sum()
        }
    }
}

/// Sums before and now, and the factors by which single sums moved, as far as restated flows can be compared.
fn compare_figures(
    new: &Coverage<'_>,
    older: &[Older<'_>],
    market: &Market,
    restated: &[RestatedFlows<'_>],
    sources: &[usize],
) -> (Sums, Vec<f64>) {
    let mut sums = Sums::default();
    let mut factors = Vec::new();
    if new.unit == Unit::Cell || new.is_partner_extract() {
        return (sums, factors);
    }
    for then in restated {
        let now = new.markets.get(market).and_then(|market_rows| market_rows.flows.side(then.flow_key));
        let Some(now) = now else { continue };
        for (ships, who, before) in comparable_amounts(new.unit, then) {
            let after = now.amounts(ships).find(|(other, _)| *other == who).map_or(0.0, |(_, sum)| sum);
            if before > 0.0 && after > 0.0 {
                factors.push(after / before);
            }
            if ships || new.unit == Unit::Declaration {
                sums = Sums { then: sums.then + before, now: sums.now + after };
            }
        }
    }
    // A market that is restated from a single release as a whole is summed as it was recorded.
    if let ([only], Some(now)) = (sources, new.markets.get(market))
        && let Some(before) = older.get(*only).and_then(|older| older.coverage.markets.get(market))
        && restated.len() == before.flows.sides.len()
        && restated.iter().flat_map(|then| &then.sources).all(|source| source.is_whole)
        && new.unit != Unit::Declaration
    {
        sums = Sums { then: before.sum(), now: now.sum() };
    }
    (sums, factors)
}

/// What each economy ships (true) and receives (false) in restated flows, as far as all of it is restated; of
/// declarations only its own report.
fn comparable_amounts(unit: Unit, then: &RestatedFlows<'_>) -> Vec<(bool, u16, f64)> {
    if unit != Unit::Declaration {
        let [only] = &then.sources[..] else { return Vec::new() };
        let sides = [true, false].into_iter().filter(|_| only.is_whole);
        return sides
            .flat_map(|ships| only.side.amounts(ships).map(move |(who, sum)| (ships, who, sum)))
            .collect();
    }
    let ships = then.flow_key % REPORTER_SLOTS == BY_EXPORTER;
    let mut own = declaring_reporters(then);
    let mut found = Vec::new();
    for source in then.sources.iter().filter(|source| !source.is_extract) {
        // The newest release with a row of a declaration has everything that is visible of it.
        let known: Vec<_> = source.side.amounts(ships).filter(|(who, _)| own.contains(*who)).collect();
        own = own.difference(&known.iter().map(|(who, _)| *who).collect());
        found.extend(known.into_iter().map(|(who, sum)| (ships, who, sum)));
    }
    found
}
