//! Which datasets could answer for a market, in their order.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use orewatch_catalog::{DatasetKind, HsRevision, Nomenclature, hs_codes};
use orewatch_contracts::ingestion::v1::{Release, Table};

use super::dataset::{Completeness, Topic};
use super::produced::{Maker, Produced};
use super::trade::{Candidate, Held, Trade};
use super::{Book, Content, DatasetId, Entry, Knowledge, Market, Only};

/// How many supplements of supplements are followed: a circle ends here.
const MOST_SUPPLEMENTS: usize = 8;

impl Book {
    /// The flows of a market. None: no release has any.
    pub(super) fn trade(&self, market: Market, at: Knowledge) -> Option<Trade<'_>> {
        let mut by_dataset = BTreeMap::<DatasetId, Candidate<'_>>::new();
        for (place, entry) in self.newest_first(at) {
            let content = entry.content_at(at);
            let held = Held { place, content, lot: content.flows.lot(&market) };
            let is_scoped = content.scope.as_ref().is_some_and(|scope| scope.includes(market.period));
            if held.lot.is_some() || is_scoped {
                let candidate = by_dataset
                    .entry(entry.dataset)
                    .or_insert_with(|| self.candidate(entry, content, market, at));
                if !candidate.is_covered() {
                    candidate.releases.push(held);
                }
            }
        }
        by_dataset.retain(|_, candidate| candidate.releases.iter().any(|held| held.lot.is_some()));
        by_dataset.values_mut().for_each(|candidate| candidate.count_codes(market));
        let candidates = self.with_supplements(by_dataset, at);
        let policy = self.policy(at);
        let by_economy = policy.looks_at_economies();
        (!candidates.is_empty()).then(|| Trade {
            market,
            candidates,
            policy,
            by_economy,
            names: &self.datasets,
        })
    }

    fn candidate<'a>(
        &'a self,
        entry: &Entry,
        content: &'a Content,
        market: Market,
        at: Knowledge,
    ) -> Candidate<'a> {
        let topic = Topic::market(Table::Trade, market);
        let rank = self.rank(entry, content, &topic, at);
        let (kind, id) = (rank.2, rank.4);
        let (missing, completeness) = (Vec::new(), Completeness::WHOLE);
        Candidate { id, kind, rank, releases: Vec::new(), supplements: Vec::new(), missing, completeness }
    }

    /// Supplements go to the datasets whose cells they fill; those of a dataset that has nothing of the market stand alone.
    fn with_supplements<'a>(
        &'a self,
        by_dataset: BTreeMap<DatasetId, Candidate<'a>>,
        at: Knowledge,
    ) -> Vec<Candidate<'a>> {
        let there: BTreeSet<_> = by_dataset.keys().copied().collect();
        let target = |candidate: &Candidate<'_>| {
            let release = candidate.releases.first().map(|held| held.content)?;
            self.supplemented(candidate.id, release, &there, at)
        };
        let (supplements, mut main): (Vec<_>, Vec<_>) = by_dataset
            .into_values()
            .map(|candidate| (target(&candidate), candidate))
            .partition(|(to, _)| to.is_some());
        for (to, supplement) in supplements {
            let target = main.iter_mut().find(|(_, candidate)| Some(candidate.id) == to);
            target.into_iter().for_each(|(_, candidate)| candidate.supplements.push(supplement.clone()));
        }
        let mut main: Vec<_> = main.into_iter().map(|(_, candidate)| candidate).collect();
        main.retain(|candidate| self.may_answer(candidate.id, &there));
        main.iter_mut().for_each(|candidate| candidate.supplements.sort_by_key(|one| one.rank));
        main.sort_by_key(|candidate| candidate.rank);
        main
    }

    /// The dataset whose missing cells another one fills. None: it is no supplement, or nothing is there to be filled.
    fn supplemented(
        &self,
        dataset: DatasetId,
        content: &Content,
        there: &BTreeSet<DatasetId>,
        at: Knowledge,
    ) -> Option<DatasetId> {
        let policy = self.policy(at);
        let of = |content: &Content| match policy.kind_of(&content.release) {
            (DatasetKind::Supplement, target) => self.datasets.find(target),
            _ => None,
        };
        let (mut target, mut steps) = (of(content)?, 0);
        // Of a chain of supplements all fill the cells of the dataset at its end.
        while let Some(next) = self.newest_of(target, at).and_then(of).filter(|_| steps < MOST_SUPPLEMENTS) {
            (target, steps) = (next, steps + 1);
        }
        (target != dataset && there.contains(&target)).then_some(target)
    }

    fn newest_of(&self, dataset: DatasetId, at: Knowledge) -> Option<&Content> {
        let mut all = self.newest_first(at).filter(|(_, entry)| entry.dataset == dataset);
        all.next().map(|(_, entry)| entry.content_at(at))
    }

    /// The output of a market. None: no release has any.
    pub(super) fn produced(&self, market: Market, at: Knowledge) -> Option<Produced<'_>> {
        let topic = Topic::market(Table::Production, market);
        let mut by_dataset = BTreeMap::<DatasetId, Maker<'_>>::new();
        for (place, entry) in self.newest_first(at) {
            let content = entry.content_at(at);
            let rows = content.output.rows(&market);
            let is_scoped = content.scope.as_ref().is_some_and(|scope| scope.includes(market.period));
            if rows.is_some() || is_scoped {
                let maker = by_dataset.entry(entry.dataset).or_insert_with(|| {
                    let rank = self.rank(entry, content, &topic, at);
                    Maker { id: entry.dataset, kind: rank.2, rank, releases: Vec::new() }
                });
                if !maker.is_covered() {
                    maker.releases.push((place, content, rows.unwrap_or_default()));
                }
            }
        }
        by_dataset.retain(|_, maker| maker.releases.iter().any(|(_, _, rows)| !rows.is_empty()));
        let there: BTreeSet<_> = by_dataset.keys().copied().collect();
        let target = |maker: &Maker<'_>| {
            let (_, content, _) = maker.releases.first()?;
            self.supplemented(maker.id, content, &there, at)
        };
        let (mut supplements, mut makers) = (Vec::new(), Vec::new());
        for maker in by_dataset.into_values() {
            match target(&maker) {
                Some(target) => supplements.push((maker, target)),
                None => makers.push(maker),
            }
        }
        supplements.sort_by_key(|(maker, _)| maker.rank);
        makers.retain(|maker| self.may_answer(maker.id, &there));
        Produced::of(makers, &supplements, market)
    }

    /// Whether a dataset may answer, given those that have rows: in a reading by one dataset only that one may, and where it has
    /// none, the others as usual or nobody.
    fn may_answer(&self, dataset: DatasetId, there: &BTreeSet<DatasetId>) -> bool {
        match self.only {
            Only::Anyone => true,
            Only::Alone(only) => only == dataset,
            Only::First(only) => only == dataset || !there.contains(&only),
        }
    }
}

/// The revision of the Harmonized System that a release follows. None: it says none, or its codes follow a list of one's own.
pub(super) fn revision_of(release: &Release) -> Option<HsRevision> {
    let revision = release.hs_revision.parse::<Nomenclature>().ok().and_then(|of| of.revision());
    revision.filter(|_| release.concordances.is_empty())
}

/// How far codes that are held are those of a market.
pub(super) struct Codes {
    pub(super) missing: Vec<&'static str>,
    pub(super) completeness: Completeness,
}

impl Codes {
    pub(super) fn of<'c>(revision: HsRevision, market: Market, codes: impl Iterator<Item = &'c str>) -> Self {
        let held: BTreeSet<_> = codes.filter_map(|code| code.get(..6)).collect();
        let (there, missing): (Vec<_>, Vec<_>) =
            codes_of(revision, market).into_iter().partition(|code| held.contains(code));
        let count = |codes: &[&str]| u32::try_from(codes.len()).unwrap_or(u32::MAX);
        let of = count(&there).saturating_add(count(&missing));
        let completeness =
            if of == 0 { Completeness::WHOLE } else { Completeness { held: count(&there), of } };
        Self { missing, completeness }
    }
}

/// The codes of a market in a revision of the Harmonized System.
fn codes_of(revision: HsRevision, market: Market) -> Vec<&'static str> {
    let of = hs_codes().iter().filter(|code| {
        code.material == market.material
            && code.stage == market.stage
            && (code.first..=code.last).contains(&revision)
    });
    of.map(|code| code.code).collect()
}

impl Candidate<'_> {
    /// Whether older releases have nothing to add, whatever they say.
    fn is_covered(&self) -> bool {
        let whole =
            matches!(self.kind, DatasetKind::Reconciled | DatasetKind::Tables | DatasetKind::Undeclared);
        whole && self.releases.iter().any(|held| held.content.scope.is_none() && held.lot.is_some())
    }

    /// Notes which product codes of the market its releases do not hold, by the revision of the Harmonized System that the newest
    /// follows. Where codes follow a list of one's own nothing is known to be missing.
    fn count_codes(&mut self, market: Market) {
        let Some(newest) = self.releases.first().map(|held| &held.content.release) else { return };
        let Some(revision) = revision_of(newest) else { return };
        let same = self.releases.iter().filter(|held| held.content.release.hs_revision == newest.hs_revision);
        let codes = same.flat_map(|held| held.content.held(market.material, market.stage));
        let codes = Codes::of(revision, market, codes);
        self.completeness = codes.completeness;
        self.missing = codes.missing;
        // Only reconciled sets stand in for each other wholly; declarations of one economy hold what it trades.
        if self.kind == DatasetKind::Reconciled {
            self.rank.3 = Reverse(self.completeness);
        }
    }
}

impl Maker<'_> {
    /// Whether older releases have nothing to add, whatever they say.
    fn is_covered(&self) -> bool {
        let whole = |(_, content, rows): &(usize, &Content, &[super::Output])| {
            content.scope.is_none() && !rows.is_empty()
        };
        self.kind != DatasetKind::Supplement && self.releases.iter().any(whole)
    }
}
