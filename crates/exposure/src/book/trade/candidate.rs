//! A dataset that could answer for the flows of a market.

use std::cmp::Reverse;

use orewatch_catalog::DatasetKind;

use crate::book::codes::{MarketCodes, hs_revision_of};
use crate::book::dataset::{Completeness, Rank};
use crate::book::{DatasetId, EconomyId, Market, ReleaseContent, StoredFlows, TradeDirection};

/// A release with flows of a market, or with a stated scope that covers it.
#[derive(Clone, Copy, Debug)]
pub(in crate::book) struct CandidateRelease<'a> {
    /// Index of the release in the order of commits.
    pub(in crate::book) release: usize,
    pub(in crate::book) content: &'a ReleaseContent,
    /// `None`: it has no flows of the market.
    pub(in crate::book) flows: Option<&'a StoredFlows>,
}

/// A dataset with flows of a market.
#[derive(Clone, Debug)]
pub(in crate::book) struct TradeCandidate<'a> {
    pub(in crate::book) id: DatasetId,
    pub(in crate::book) kind: DatasetKind,
    /// Rank among datasets for an importer that no preference names.
    pub(in crate::book) rank: Rank,
    /// The newest first.
    pub(in crate::book) releases: Vec<CandidateRelease<'a>>,
    /// Datasets that fill cells which it lacks, by rank.
    pub(in crate::book) supplements: Vec<TradeCandidate<'a>>,
    /// Product codes of the market that it does not hold.
    pub(in crate::book) missing: Vec<&'static str>,
    /// How many of the market's product codes it holds.
    pub(in crate::book) completeness: Completeness,
}

impl<'a> TradeCandidate<'a> {
    /// A dataset without any release yet.
    pub(in crate::book) fn new(rank: Rank) -> Self {
        Self {
            id: rank.5,
            kind: rank.2,
            rank,
            releases: Vec::new(),
            supplements: Vec::new(),
            missing: Vec::new(),
            completeness: Completeness::WHOLE,
        }
    }

    /// Economies that report trade of a market in a direction. Supplements report nothing.
    pub(super) fn reporters(
        &self,
        market: Market,
        direction: TradeDirection,
    ) -> impl Iterator<Item = EconomyId> {
        let releases = self.releases.iter().filter(|_| self.kind != DatasetKind::Supplement);
        let about_market = releases.filter(move |release| {
            release.content.held_codes(market.material, market.stage).next().is_some()
        });
        about_market.flat_map(move |release| release.content.reporters(market.period, direction))
    }

    /// Whether older releases cannot add anything, whatever they hold.
    pub(in crate::book) fn is_covered(&self) -> bool {
        let restates_all =
            matches!(self.kind, DatasetKind::Reconciled | DatasetKind::Tables | DatasetKind::Undeclared);
        restates_all
            && self.releases.iter().any(|release| release.content.scope.is_none() && release.flows.is_some())
    }

    /// Notes which product codes of the market its releases lack, by the revision of the Harmonized System
    /// that the newest follows. Only releases of that revision count.
    pub(in crate::book) fn count_codes(&mut self, market: Market) {
        let Some(newest) = self.releases.first().map(|release| &release.content.release) else { return };
        let Some(revision) = hs_revision_of(newest) else { return };
        let same_revision =
            self.releases.iter().filter(|release| release.content.release.hs_revision == newest.hs_revision);
        let held =
            same_revision.flat_map(|release| release.content.held_codes(market.material, market.stage));
        let codes = MarketCodes::from_held(revision, market, held);
        self.completeness = codes.completeness;
        self.missing = codes.missing;
        // Only reconciled sets can replace each other wholly. Declarations of one economy hold what it
        // trades, so that fewer codes do not make them worse.
        if self.kind == DatasetKind::Reconciled {
            self.rank.3 = Reverse(self.completeness);
        }
    }

    /// Whether both surely hold the same rows: the same releases in the same order.
    pub(super) fn is_same(&self, other: &TradeCandidate<'_>) -> bool {
        // Where reports matter, the same flows in a release that was repaired elsewhere may stand among other
        // reports.
        let has_reports = self.kind != DatasetKind::Reconciled;
        let same = |a: &CandidateRelease<'_>, b: &CandidateRelease<'_>| {
            std::ptr::eq(a.content, b.content)
                || !has_reports
                    && a.flows.zip(b.flows).is_some_and(|(a, b)| std::ptr::eq(a, b))
                    && a.content.scope.is_none()
                    && b.content.scope.is_none()
        };
        (self.id, self.kind, &self.missing) == (other.id, other.kind, &other.missing)
            && self.releases.len() == other.releases.len()
            && self.releases.iter().zip(&other.releases).all(|(a, b)| same(a, b))
            && self.supplements.len() == other.supplements.len()
            && self.supplements.iter().zip(&other.supplements).all(|(a, b)| a.is_same(b))
    }
}
