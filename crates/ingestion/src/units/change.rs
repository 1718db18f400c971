//! What a release changes of those that it restates: keys that vanish, keys that are new, figures beside those before.
use orewatch_catalog::DatasetKind;
use orewatch_contracts::ingestion::v1::{Release, Table};

use super::coverage::Coverage;
use super::vanished::Vanished;
use super::{Unit, entries, flows};
use crate::evolve::Held;
use crate::scope;
use crate::tally::{Market, Markets, Tally};

/// What a release restates of its dataset.
#[derive(Debug)]
pub(crate) struct Restated<'a> {
    pub(crate) unit: Unit,
    /// Markets of which something is restated.
    pub(crate) changes: Vec<Change<'a>>,
    /// The releases of which something is restated, the newest first.
    pub(crate) releases: Vec<&'a Release>,
    /// Keys that vanish.
    pub(crate) vanished: Vanished,
}

/// What is restated of a market.
#[derive(Debug)]
pub(crate) struct Change<'a> {
    pub(crate) market: &'a Market,
    /// Units of which something is restated.
    pub(crate) units: usize,
    /// Keys that are restated.
    pub(crate) then_keys: usize,
    /// Of these, keys that the release has as well.
    pub(crate) kept_keys: usize,
    /// Keys of the release in restated units.
    pub(crate) now_keys: usize,
    /// Sums of what can be compared.
    pub(crate) sums: Sums,
    /// By which factor each figure moved, of the keys that both have with figures above zero. Of trade it is what an economy ships
    /// and receives of a product, of declarations what each reports.
    pub(crate) factors: Vec<f64>,
}

/// Sums before and now.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Sums {
    pub(crate) then: f64,
    pub(crate) now: f64,
}

/// An older release of the dataset.
#[derive(Debug)]
pub(super) struct Older<'a> {
    pub(super) coverage: Coverage<'a>,
}

/// What one market says of the comparison.
pub(super) struct Compared<'a> {
    pub(super) change: Change<'a>,
    /// Places of the older releases of which something is restated.
    pub(super) sources: Vec<usize>,
}

/// Compares a release with what is visible of its dataset: `before`, the newest first, of which each hides what it restates of
/// those behind it.
pub(crate) fn compare<'a>(
    release: &Release,
    tally: &'a Tally,
    before: &[&'a Held],
    kind: impl Fn(&Release) -> DatasetKind,
) -> Restated<'a> {
    let new = Coverage::new(release, kind(release), &tally.markets);
    let older: Vec<Older<'a>> = before
        .iter()
        .map(|held| {
            let (release, kept) = (&*held.head.release, &held.kept);
            Older { coverage: Coverage::new(release, kind(release), &kept.markets) }
        })
        .collect();
    let mut vanished = Vanished::new(tally, before);
    let mut is_restated = vec![false; older.len()];
    let mut changes = Vec::new();
    for market in markets(&new, &older) {
        let compared = match release.table() {
            Table::Trade => flows::compare(&new, &older, market, &mut vanished),
            table => entries::compare(table, &new, &older, market, &mut vanished),
        };
        let Some(Compared { change, sources }) = compared else { continue };
        for place in sources {
            is_restated.get_mut(place).into_iter().for_each(|flag| *flag = true);
        }
        changes.push(change);
    }
    let restated = before.iter().zip(&is_restated).filter(|(_, restated)| **restated);
    let releases = restated.map(|(held, _)| &*held.head.release).collect();
    vanished.explain(&new, scope::covered(release.table(), tally).unwrap_or_default());
    Restated { unit: new.unit, changes, releases, vanished }
}

/// Markets in which something may be restated: those of the release, and where its units need no row of a market, all others.
fn markets<'a>(new: &Coverage<'a>, older: &[Older<'a>]) -> Vec<&'a Market> {
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

impl Restated<'_> {
    /// Keys that are restated, keys that vanish, and keys that are new in restated units.
    pub(crate) fn keys(&self) -> [usize; 3] {
        let sum = |pick: fn(&Change<'_>) -> usize| self.changes.iter().map(pick).sum::<usize>();
        let kept = sum(|change| change.kept_keys);
        let then = sum(|change| change.then_keys);
        [then, then.saturating_sub(kept), sum(|change| change.now_keys).saturating_sub(kept)]
    }

    /// Units of which something is restated.
    pub(crate) fn units(&self) -> usize {
        self.changes.iter().map(|change| change.units).sum()
    }
}
