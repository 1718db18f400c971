//! Finds the datasets that could answer for a market's flows and output, in their order.
//!
//! A release is looked at from the newest to the oldest. Each goes to its dataset's candidate, until newer
//! releases cover everything that older ones could add. Supplements then go to the datasets whose cells they
//! fill, and a reading by one dataset keeps only that one.

use std::collections::{BTreeMap, BTreeSet};

use orewatch_catalog::DatasetKind;
use orewatch_contracts::ingestion::v1::Table;

use super::dataset::Topic;
use super::output::{MarketOutput, OutputCandidate};
use super::trade::{CandidateRelease, MarketTrade, TradeCandidate};
use super::{Book, DatasetChoice, DatasetId, Knowledge, Market, ReleaseContent};

/// Longest chain of supplements of supplements that is followed. A circle ends here.
const MAX_SUPPLEMENT_CHAIN: usize = 8;

impl Book {
    /// The flows of a market, not read yet. `None`: no release has any.
    pub(super) fn trade(&self, market: Market, at: Knowledge) -> Option<MarketTrade<'_>> {
        let topic = Topic::market(Table::Trade, market);
        let mut by_dataset = BTreeMap::<DatasetId, TradeCandidate<'_>>::new();
        for (index, release) in self.newest_first(at) {
            let content = release.content_at(at);
            let held = CandidateRelease { release: index, content, flows: content.flows.market(&market) };
            if held.flows.is_some() || content.covers(market.period) {
                let candidate = by_dataset
                    .entry(release.dataset)
                    .or_insert_with(|| TradeCandidate::new(self.dataset_rank(release, content, &topic, at)));
                if !candidate.is_covered() {
                    candidate.releases.push(held);
                }
            }
        }
        by_dataset.retain(|_, candidate| candidate.releases.iter().any(|held| held.flows.is_some()));
        by_dataset.values_mut().for_each(|candidate| candidate.count_codes(market));
        let candidates = self.with_supplements(by_dataset, at);
        let policy = self.policy(at);
        let is_by_economy = policy.has_economy_preferences();
        (!candidates.is_empty()).then(|| MarketTrade {
            market,
            candidates,
            policy,
            is_by_economy,
            names: &self.datasets,
        })
    }

    /// Gives supplements to the datasets whose cells they fill, and sorts both by rank. A supplement whose
    /// dataset has nothing of the market is a candidate itself.
    fn with_supplements<'a>(
        &'a self,
        by_dataset: BTreeMap<DatasetId, TradeCandidate<'a>>,
        at: Knowledge,
    ) -> Vec<TradeCandidate<'a>> {
        let present: BTreeSet<_> = by_dataset.keys().copied().collect();
        let target = |candidate: &TradeCandidate<'_>| {
            let newest = candidate.releases.first().map(|held| held.content)?;
            self.supplemented_dataset(candidate.id, newest, &present, at)
        };
        let (supplements, main): (Vec<_>, Vec<_>) = by_dataset
            .into_values()
            .map(|candidate| (target(&candidate), candidate))
            .partition(|(target, _)| target.is_some());
        let mut main: Vec<_> = main.into_iter().map(|(_, candidate)| candidate).collect();
        for (target, supplement) in supplements {
            let target = main.iter_mut().find(|candidate| Some(candidate.id) == target);
            target.into_iter().for_each(|candidate| candidate.supplements.push(supplement.clone()));
        }
        main.retain(|candidate| self.may_answer(candidate.id, &present));
        main.iter_mut().for_each(|candidate| candidate.supplements.sort_by_key(|supplement| supplement.rank));
        main.sort_by_key(|candidate| candidate.rank);
        main
    }

    /// The dataset whose missing cells another one fills. `None`: the other is no supplement, or none of the
    /// datasets in `present` is to be filled.
    fn supplemented_dataset(
        &self,
        dataset: DatasetId,
        content: &ReleaseContent,
        present: &BTreeSet<DatasetId>,
        at: Knowledge,
    ) -> Option<DatasetId> {
        let policy = self.policy(at);
        let target_of = |content: &ReleaseContent| match policy.kind_of(&content.release) {
            (DatasetKind::Supplement, target) => self.datasets.find(target),
            _ => None,
        };
        let (mut target, mut steps) = (target_of(content)?, 0);
        // In a chain of supplements, all fill the cells of the dataset at its end.
        while let Some(next) =
            self.newest_content(target, at).and_then(target_of).filter(|_| steps < MAX_SUPPLEMENT_CHAIN)
        {
            (target, steps) = (next, steps + 1);
        }
        (target != dataset && present.contains(&target)).then_some(target)
    }

    fn newest_content(&self, dataset: DatasetId, at: Knowledge) -> Option<&ReleaseContent> {
        let mut releases = self.newest_first(at).filter(|(_, release)| release.dataset == dataset);
        releases.next().map(|(_, release)| release.content_at(at))
    }

    /// The output of a market. `None`: no release has any.
    pub(super) fn output(&self, market: Market, at: Knowledge) -> Option<MarketOutput<'_>> {
        let topic = Topic::market(Table::Production, market);
        let mut by_dataset = BTreeMap::<DatasetId, OutputCandidate<'_>>::new();
        for (index, release) in self.newest_first(at) {
            let content = release.content_at(at);
            let rows = content.output.rows(&market);
            if rows.is_some() || content.covers(market.period) {
                let candidate = by_dataset
                    .entry(release.dataset)
                    .or_insert_with(|| OutputCandidate::new(self.dataset_rank(release, content, &topic, at)));
                if !candidate.is_covered() {
                    candidate.releases.push((index, content, rows.unwrap_or_default()));
                }
            }
        }
        by_dataset.retain(|_, candidate| candidate.releases.iter().any(|(_, _, rows)| !rows.is_empty()));
        let present: BTreeSet<_> = by_dataset.keys().copied().collect();
        let target = |candidate: &OutputCandidate<'_>| {
            let (_, newest, _) = candidate.releases.first()?;
            self.supplemented_dataset(candidate.id, newest, &present, at)
        };
        let (mut supplements, mut candidates) = (Vec::new(), Vec::new());
        for candidate in by_dataset.into_values() {
            match target(&candidate) {
                Some(target) => supplements.push((candidate, target)),
                None => candidates.push(candidate),
            }
        }
        supplements.sort_by_key(|(candidate, _)| candidate.rank);
        candidates.retain(|candidate| self.may_answer(candidate.id, &present));
        MarketOutput::from_candidates(candidates, &supplements, market)
    }

    /// Whether a dataset may answer, given those with rows. Where the reader has chosen a dataset, only that
    /// one may; where it has no rows, the others may as usual, or none, as the choice says.
    fn may_answer(&self, dataset: DatasetId, present: &BTreeSet<DatasetId>) -> bool {
        match self.choice {
            DatasetChoice::ByPolicy => true,
            DatasetChoice::Only(chosen) => chosen == dataset,
            DatasetChoice::Preferred(chosen) => chosen == dataset || !present.contains(&chosen),
        }
    }
}
