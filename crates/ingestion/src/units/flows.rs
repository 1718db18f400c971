//! Flows of a market beside those that they restate.
use std::collections::{BTreeMap, BTreeSet};

use super::Unit;
use super::change::{Change, Compared, Older, Sums};
use super::coverage::Coverage;
use super::pairs::Pairs;
use super::vanished::Vanished;
use crate::tally::{BY_EXPORTER, EconomySet, Gathered, Market, REPORTERS, Side};

/// Flows of a product as one side reports them, as far as they are restated.
struct Then<'a> {
    what: u64,
    /// Importers by exporter.
    rows: BTreeMap<u16, EconomySet>,
    sources: Vec<Source<'a>>,
}

/// Where restated flows are.
struct Source<'a> {
    /// Place of the older release.
    place: usize,
    side: &'a Side,
    /// All of the side's flows are restated.
    is_whole: bool,
    /// The older release is an extract of some partners.
    is_extract: bool,
}

/// Compares the flows of a market. None: nothing of it is restated.
pub(super) fn compare<'a>(
    new: &Coverage<'a>,
    older: &[Older<'a>],
    market: &'a Market,
    vanished: &mut Vanished,
) -> Option<Compared<'a>> {
    let gathered = |coverage: &Coverage<'a>| -> Option<&'a Gathered> { coverage.markets.get(market) };
    let sides =
        older.iter().filter_map(|older| gathered(&older.coverage)).flat_map(|known| &known.flows.sides);
    let whats: BTreeSet<u64> = sides.map(|side| side.what).collect();
    let restated: Vec<Then<'a>> =
        whats.into_iter().filter_map(|what| then(new, older, market, what)).collect();
    if restated.is_empty() {
        return None;
    }
    let mut kept = 0;
    for then in &restated {
        let now = counterparts(new, market, then.what);
        for (exporter, importers) in &then.rows {
            let both = now.iter().fold(EconomySet::default(), |both, side| both.or(&side.shipped(*exporter)));
            kept += importers.and(&both).len();
            vanished.flows(market, then.what, *exporter, importers.without(&both));
        }
    }
    let mut sources: Vec<usize> =
        restated.iter().flat_map(|then| &then.sources).map(|source| source.place).collect();
    sources.sort_unstable();
    sources.dedup();
    let (sums, factors) = figures(new, older, market, &restated, &sources);
    let change = Change {
        market,
        units: units(new.unit, &restated),
        then_keys: restated.iter().flat_map(|then| then.rows.values()).map(EconomySet::len).sum(),
        kept_keys: kept,
        now_keys: now_keys(new, market, &restated, kept),
        sums,
        factors,
    };
    Some(Compared { change, sources })
}

/// What of a product's flows is visible and restated, over the older releases from the newest on.
fn then<'a>(new: &Coverage<'a>, older: &[Older<'a>], market: &Market, what: u64) -> Option<Then<'a>> {
    let cover = new.flows(market, what);
    let mut then = Then { what, rows: BTreeMap::new(), sources: Vec::new() };
    let mut hidden = Pairs::default();
    for (place, older) in older.iter().enumerate() {
        if cover.is_within(&hidden) {
            break;
        }
        let coverage = &older.coverage;
        let gathered: Option<&'a Gathered> = coverage.markets.get(market);
        if let Some(side) = gathered.and_then(|gathered| gathered.flows.side(what)) {
            let (mut some, mut is_whole) = (false, true);
            for (exporter, importers) in side.rows() {
                let seen = importers.and(&cover.row(exporter)).without(&hidden.row(exporter));
                is_whole &= seen == *importers;
                if !seen.is_empty() {
                    some = true;
                    let row = then.rows.entry(exporter).or_default();
                    *row = row.or(&seen);
                }
            }
            if some {
                let is_extract = coverage.is_of_some_partners();
                then.sources.push(Source { place, side, is_whole, is_extract });
            }
        }
        hidden.join(&coverage.flows(market, what));
    }
    (!then.rows.is_empty()).then_some(then)
}

/// Sides of the release that say the same as one of an older release: of declarations and cells a figure of both sides stands for
/// the importer's.
fn counterparts<'a>(new: &Coverage<'a>, market: &Market, what: u64) -> Vec<&'a Side> {
    let (code, reporter) = (what / REPORTERS, what % REPORTERS);
    let reporters: Vec<u64> = match new.unit {
        Unit::Market => vec![reporter],
        Unit::Declaration | Unit::Cell if reporter == BY_EXPORTER => vec![BY_EXPORTER],
        Unit::Declaration | Unit::Cell => (0..REPORTERS).filter(|by| *by != BY_EXPORTER).collect(),
    };
    let sides = |gathered: &'a Gathered| -> Vec<&'a Side> {
        reporters.iter().filter_map(|reporter| gathered.flows.side(code * REPORTERS + reporter)).collect()
    };
    let here = new.markets.get(market).map(&sides).unwrap_or_default();
    if !here.is_empty() || matches!(new.unit, Unit::Market) {
        return here;
    }
    // Another concordance may have put the product into another market since.
    let same_period = new.markets.iter().filter(|(other, _)| other.period == market.period);
    same_period.flat_map(|(_, gathered)| sides(gathered)).collect()
}

/// Who declares restated flows of a side.
fn reporters(then: &Then<'_>) -> EconomySet {
    match then.what % REPORTERS == BY_EXPORTER {
        true => then.rows.keys().copied().collect(),
        false => then.rows.values().fold(EconomySet::default(), |all, row| all.or(row)),
    }
}

/// Who declares restated flows, by product and direction.
fn declared(restated: &[Then<'_>]) -> BTreeMap<(u64, bool), EconomySet> {
    let mut declared: BTreeMap<(u64, bool), EconomySet> = BTreeMap::new();
    for then in restated {
        let key = (then.what / REPORTERS, then.what % REPORTERS == BY_EXPORTER);
        let all = declared.entry(key).or_default();
        *all = all.or(&reporters(then));
    }
    declared
}

fn units(unit: Unit, restated: &[Then<'_>]) -> usize {
    match unit {
        Unit::Market => 1,
        Unit::Declaration => declared(restated).values().map(EconomySet::len).sum(),
        Unit::Cell => restated.iter().flat_map(|then| then.rows.values()).map(EconomySet::len).sum(),
    }
}

/// Keys of the release in units of which something is restated.
fn now_keys(new: &Coverage<'_>, market: &Market, restated: &[Then<'_>], kept: usize) -> usize {
    let Some(gathered) = new.markets.get(market) else { return kept };
    match new.unit {
        Unit::Market => gathered.flows.len(),
        Unit::Cell => kept,
        Unit::Declaration => {
            let declared = declared(restated);
            let count = |side: &Side| -> usize {
                let by_exporter = side.is_by_exporter();
                let Some(own) = declared.get(&(side.what / REPORTERS, by_exporter)) else { return 0 };
                let rows = side.rows();
                match by_exporter {
                    true => {
                        rows.filter(|(exporter, _)| own.contains(*exporter)).map(|(_, row)| row.len()).sum()
                    }
                    false => rows.map(|(_, row)| row.and(own).len()).sum(),
                }
            };
            gathered.flows.sides.iter().map(count).sum()
        }
    }
}

/// Sums before and now, and the factors by which single sums moved, as far as what is restated can be compared.
fn figures(
    new: &Coverage<'_>,
    older: &[Older<'_>],
    market: &Market,
    restated: &[Then<'_>],
    sources: &[usize],
) -> (Sums, Vec<f64>) {
    let mut sums = Sums::default();
    let mut factors = Vec::new();
    if new.unit == Unit::Cell || new.is_of_some_partners() {
        return (sums, factors);
    }
    for then in restated {
        let now = new.markets.get(market).and_then(|gathered| gathered.flows.side(then.what));
        let Some(now) = now else { continue };
        for (ships, who, before) in amounts(new.unit, then) {
            let after = now.amounts(ships).find(|(other, _)| *other == who).map_or(0.0, |(_, sum)| sum);
            if before > 0.0 && after > 0.0 {
                factors.push(after / before);
            }
            if ships || new.unit == Unit::Declaration {
                sums = Sums { then: sums.then + before, now: sums.now + after };
            }
        }
    }
    // A market that one release gives whole is summed as it was recorded.
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

/// What each economy ships (true) and receives of restated flows, as far as all of it is restated; of declarations only what is
/// its own report.
fn amounts(unit: Unit, then: &Then<'_>) -> Vec<(bool, u16, f64)> {
    if unit != Unit::Declaration {
        let [only] = &then.sources[..] else { return Vec::new() };
        let sides = [true, false].into_iter().filter(|_| only.is_whole);
        return sides
            .flat_map(|ships| only.side.amounts(ships).map(move |(who, sum)| (ships, who, sum)))
            .collect();
    }
    let ships = then.what % REPORTERS == BY_EXPORTER;
    let mut own = reporters(then);
    let mut found = Vec::new();
    for source in then.sources.iter().filter(|source| !source.is_extract) {
        // The newest release with a row of a declaration has all of what is visible of it.
        let known: Vec<_> = source.side.amounts(ships).filter(|(who, _)| own.contains(*who)).collect();
        own = own.without(&known.iter().map(|(who, _)| *who).collect());
        found.extend(known.into_iter().map(|(who, sum)| (ships, who, sum)));
    }
    found
}
