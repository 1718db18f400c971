//! Compares a release with the visible releases of its dataset.
use orewatch_catalog::DatasetKind;
use orewatch_contracts::ingestion::v1::{Release, Table};

use super::coverage::Coverage;
use super::restated::{Compared, Older, Restated};
use super::vanished::Vanished;
use super::{Unit, entries, flows};
use crate::evolve::ReleaseRecord;
use crate::scope;
use crate::tally::{Market, Markets, Tally};

/// Compares a release with the visible releases of its dataset before it, newest first. Each of these hides
/// what it restates of older ones.
pub(crate) fn compare_with_baseline<'a>(
    release: &Release,
    tally: &'a Tally,
    before: &[&'a ReleaseRecord],
    kind: impl Fn(&Release) -> DatasetKind,
) -> Restated<'a> {
    let new = Coverage::new(release, kind(release), &tally.markets);
    let older: Vec<Older<'a>> = before
        .iter()
        .map(|record| {
            let (release, kept) = (&*record.head.release, &record.committed_rows);
            Older { coverage: Coverage::new(release, kind(release), &kept.markets) }
        })
        .collect();
    let mut vanished = Vanished::new(tally, before);
    let mut is_restated = vec![false; older.len()];
    let mut changes = Vec::new();
    for market in markets_to_compare(&new, &older) {
        let compared = match release.table() {
            Table::Trade => flows::compare_flows(&new, &older, market, &mut vanished),
            table => entries::compare_entries(table, &new, &older, market, &mut vanished),
        };
        let Some(Compared { change, sources }) = compared else { continue };
        for place in sources {
            is_restated.get_mut(place).into_iter().for_each(|flag| *flag = true);
        }
        changes.push(change);
    }
    let restated = before.iter().zip(&is_restated).filter(|(_, restated)| **restated);
    let releases = restated.map(|(record, _)| &*record.head.release).collect();
    vanished.explain(&new, scope::covered_scope(release.table(), tally).unwrap_or_default());
    Restated { unit: new.unit, changes, releases, vanished }
}

/// Markets that may be restated: those of the release, and all others if its units need no row in a market.
fn markets_to_compare<'a>(new: &Coverage<'a>, older: &[Older<'a>]) -> Vec<&'a Market> {
    let keys = |markets: &'a Markets| markets.keys();
    if !new.is_stated() && matches!(new.unit, Unit::Market) {
        return keys(new.markets).collect();
    }
    let mut all: Vec<&'a Market> = keys(new.markets).collect();
    all.extend(older.iter().flat_map(|older| keys(older.coverage.markets)));
    all.sort_unstable();
    all.dedup();
    all
}
