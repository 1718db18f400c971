//! What a release changes of those that it restates: keys that vanish, keys that are new, and figures beside
//! former ones. Plain values, filled by [`compare_with_baseline`](super::compare_with_baseline).
use orewatch_contracts::ingestion::v1::Release;

use super::Unit;
use super::coverage::Coverage;
use super::vanished::Vanished;
use crate::tally::Market;

/// What a release restates of its dataset.
#[derive(Debug)]
pub(crate) struct Restated<'a> {
    pub(crate) unit: Unit,
    /// Markets with restated keys.
    pub(crate) changes: Vec<Change<'a>>,
    /// Releases with restated keys, newest first.
    pub(crate) releases: Vec<&'a Release>,
    /// Keys that vanish.
    pub(crate) vanished: Vanished,
}

/// Restated keys and figures of one market.
#[derive(Debug)]
pub(crate) struct Change<'a> {
    pub(crate) market: &'a Market,
    /// Number of restated units.
    pub(crate) units: usize,
    /// Restated keys.
    pub(crate) then_keys: usize,
    /// Restated keys that the release has as well.
    pub(crate) kept_keys: usize,
    /// Keys of the release in restated units.
    pub(crate) now_keys: usize,
    /// Sums of comparable figures.
    pub(crate) sums: Sums,
    /// Factors by which figures moved, for keys with figures above zero on both sides. Of trade they are of
    /// what an economy ships and receives of a product, of declarations of what each economy reports.
    pub(crate) factors: Vec<f64>,
}

/// Sums before and now.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Sums {
    pub(crate) then: f64,
    pub(crate) now: f64,
}

/// An older release of the same dataset.
#[derive(Debug)]
pub(super) struct Older<'a> {
    pub(super) coverage: Coverage<'a>,
}

/// The comparison of one market.
pub(super) struct Compared<'a> {
    pub(super) change: Change<'a>,
    /// Indices of the older releases with restated keys.
    pub(super) sources: Vec<usize>,
}

impl Restated<'_> {
    /// Numbers of restated keys, of keys that vanish, and of new keys in restated units.
    pub(crate) fn keys(&self) -> [usize; 3] {
        let sum = |pick: fn(&Change<'_>) -> usize| self.changes.iter().map(pick).sum::<usize>();
        let kept = sum(|change| change.kept_keys);
        let then = sum(|change| change.then_keys);
        [then, then.saturating_sub(kept), sum(|change| change.now_keys).saturating_sub(kept)]
    }

    /// Number of restated units.
    pub(crate) fn units(&self) -> usize {
        self.changes.iter().map(|change| change.units).sum()
    }
}
