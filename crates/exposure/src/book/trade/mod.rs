//! The trade of a market as its measures see it: each importer's flows from the dataset that answers for it.
//!
//! A dataset's rows are put together from its releases by what each of them restates ([`assembly`]). Cells
//! that a dataset lacks are filled by its supplements. Which dataset answers is decided for each importer:
//! the first in the order of datasets that has a report of its imports, or, where none has, the first with
//! any flow into it. Apart from supplements, the flows of one importer are never mixed from several datasets.
//!
//! Reading order: [`candidate`] (a dataset that could answer), [`assembly`] (its rows), [`flows`] (what is
//! read), and [`MarketTrade`] here, which decides.

mod assembly;
mod candidate;
mod flows;

pub(super) use candidate::{CandidateRelease, TradeCandidate};
pub use flows::MarketFlows;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use orewatch_catalog::DatasetKind;
use orewatch_contracts::ingestion::v1::Table;

use super::codes::{MarketCodes, hs_revision_of};
use super::dataset::{DatasetNames, DatasetPolicy, Topic};
use super::flows::sorted;
use super::source::RowSource;
use super::{
    DatasetId, EconomyId, Market, ReleaseContent, ResidualFlow, SortedRow, StoredFlows, TradeDirection,
};
use assembly::{Assembly, DatasetRows};
use flows::lowest_unit_value;

/// Economies whose trade is reported, where that is not everyone's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reporters {
    /// Economies with a report of imports in the market's period, and of goods of the market.
    pub imports: BTreeSet<EconomyId>,
    /// Economies with such a report of exports.
    pub exports: BTreeSet<EconomyId>,
}

/// The flows of a market, not read yet: the datasets that can answer.
#[derive(Clone, Debug)]
pub struct MarketTrade<'a> {
    pub(super) market: Market,
    /// In the order of datasets.
    pub(super) candidates: Vec<TradeCandidate<'a>>,
    pub(super) policy: &'a Arc<DatasetPolicy>,
    /// Whether preferences differ by economy, so that the order has to be found for each importer.
    pub(super) is_by_economy: bool,
    pub(super) names: &'a DatasetNames,
}

impl<'a> MarketTrade<'a> {
    fn candidate(&self, dataset: DatasetId) -> Option<&TradeCandidate<'a>> {
        self.candidates.iter().find(|candidate| candidate.id == dataset)
    }

    /// Datasets that can answer, in their order.
    pub fn datasets(&self) -> impl Iterator<Item = DatasetId> {
        self.candidates.iter().map(|candidate| candidate.id)
    }

    /// Product codes with any flow.
    #[must_use]
    pub fn codes(&self) -> BTreeSet<&'a str> {
        let candidates = self
            .candidates
            .iter()
            .flat_map(|candidate| std::iter::once(candidate).chain(&candidate.supplements));
        let releases = candidates.flat_map(|candidate| &candidate.releases);
        let codes = releases.flat_map(|release| {
            let products = release.flows.into_iter().flat_map(|flows| flows.products());
            products.map(|product| release.content.text(*product))
        });
        codes.collect()
    }

    /// Whether only one dataset can answer.
    #[must_use]
    pub fn has_one_dataset(&self) -> bool {
        self.candidates.len() == 1
    }

    /// Whether some dataset gives the trade of every economy: an economy without a row in it does not trade.
    #[must_use]
    pub fn is_for_everyone(&self) -> bool {
        self.candidates.iter().any(|candidate| candidate.kind == DatasetKind::Reconciled)
    }

    /// Product codes of the market that a dataset does not hold.
    #[must_use]
    pub fn missing_codes(&self, dataset: DatasetId) -> &[&'static str] {
        self.candidate(dataset).map_or(&[], |candidate| &candidate.missing)
    }

    /// Whether some dataset, or some report in it, may lack product codes of the market.
    #[must_use]
    pub fn may_lack_codes(&self) -> bool {
        self.has_declarations() || self.candidates.iter().any(|candidate| !candidate.missing.is_empty())
    }

    /// Whether a dataset of declarations can answer. It holds codes report by report.
    #[must_use]
    pub fn has_declarations(&self) -> bool {
        self.candidates.iter().any(|candidate| candidate.kind == DatasetKind::Declarations)
    }

    /// Share of the market's product codes that a dataset holds, 0 to 1.
    #[must_use]
    pub fn held_codes_share(&self, dataset: DatasetId) -> f64 {
        self.candidate(dataset).map_or(1.0, |candidate| candidate.completeness.share())
    }

    /// The kind of a dataset. `None`: it has nothing of the market.
    #[must_use]
    pub fn kind(&self, dataset: DatasetId) -> Option<DatasetKind> {
        self.candidate(dataset).map(|candidate| candidate.kind)
    }

    /// Economies whose trade some dataset has a report of. `None`: a dataset gives the trade of everyone.
    #[must_use]
    pub fn reporters(&self) -> Option<Reporters> {
        if self.is_for_everyone() {
            return None;
        }
        let of = |direction| {
            let candidates = self.candidates.iter();
            candidates.flat_map(|candidate| candidate.reporters(self.market, direction)).collect()
        };
        Some(Reporters { imports: of(TradeDirection::Imports), exports: of(TradeDirection::Exports) })
    }

    /// Economies whose imports a dataset has a report of. `None`: it gives the trade of everyone, or has
    /// nothing of the market.
    #[must_use]
    pub fn importers_reported_in(&self, dataset: DatasetId) -> Option<BTreeSet<EconomyId>> {
        let candidate = self.candidate(dataset);
        let candidate = candidate.filter(|candidate| candidate.kind != DatasetKind::Reconciled)?;
        Some(candidate.reporters(self.market, TradeDirection::Imports).collect())
    }

    /// Product codes of the market in an economy's report of imports in a dataset, to six digits.
    #[must_use]
    pub fn codes_in_report(&self, dataset: DatasetId, economy: EconomyId) -> BTreeSet<&'a str> {
        let topic = (self.market.material, self.market.stage);
        let releases = self.candidate(dataset).into_iter().flat_map(|candidate| &candidate.releases);
        let codes = releases.filter_map(|release| release.content.codes_reported(economy, topic)).flatten();
        codes.map(|code| code.get(..6).unwrap_or(code)).collect()
    }

    /// Product codes of the market that an economy's report in a dataset of declarations lacks, and the share
    /// of those that it holds, 0 to 1. `None`: the dataset holds codes as a whole, or has no report of the
    /// economy.
    #[must_use]
    pub fn codes_missing_in_report(
        &self,
        dataset: DatasetId,
        economy: EconomyId,
    ) -> Option<(Vec<&'static str>, f64)> {
        let candidate = self.candidate(dataset)?;
        let candidate = Some(candidate).filter(|candidate| candidate.kind == DatasetKind::Declarations)?;
        let topic = (self.market.material, self.market.stage);
        let reported = |release: &CandidateRelease<'a>| {
            Some((release.content, release.content.codes_reported(economy, topic)?))
        };
        let mut reports = candidate.releases.iter().filter_map(reported).peekable();
        let newest = reports.peek()?.0;
        let Some(revision) = hs_revision_of(&newest.release) else {
            return Some((Vec::new(), 1.0));
        };
        let is_same_revision = |(content, _): &(&ReleaseContent, BTreeSet<&str>)| {
            content.release.hs_revision == newest.release.hs_revision
        };
        let held = reports.filter(is_same_revision).flat_map(|(_, codes)| codes);
        let codes = MarketCodes::from_held(revision, self.market, held);
        Some((codes.missing, codes.completeness.share()))
    }

    /// Whether both surely read the same: the same releases in the same order under the same policy.
    #[must_use]
    pub fn is_same(&self, other: &MarketTrade<'_>) -> bool {
        (Arc::ptr_eq(self.policy, other.policy) || self.policy == other.policy)
            && self.candidates.len() == other.candidates.len()
            && self.candidates.iter().zip(&other.candidates).all(|(a, b)| a.is_same(b))
    }

    /// Reads the flows.
    #[must_use]
    pub fn read(&self) -> MarketFlows<'a> {
        match self.only_release() {
            Some((candidate, release, stored)) => {
                let flows = stored.rows();
                let lowest = lowest_unit_value(&flows).into_iter();
                MarketFlows {
                    lowest_unit_values: lowest.map(|lowest| (candidate.id, lowest)).collect(),
                    flows,
                    residuals: stored.residuals(),
                    sources: vec![RowSource {
                        release: release.release,
                        dataset: candidate.id,
                        is_supplement: false,
                        content: release.content,
                    }],
                    codes: Vec::new(),
                    answering: BTreeMap::new(),
                    primary: candidate.id,
                }
            }
            None => self.assemble(),
        }
    }

    /// The only release with anything of the market. `None`: there are several.
    fn only_release(&self) -> Option<(&TradeCandidate<'a>, CandidateRelease<'a>, &'a StoredFlows)> {
        let [candidate] = self.candidates.as_slice() else { return None };
        let [release] = candidate.releases.as_slice() else { return None };
        candidate.supplements.is_empty().then_some((candidate, *release, release.flows?))
    }

    /// Puts the flows together from all candidates. Datasets are numbered by age, not by rank, so that sums
    /// run in the same order under every policy.
    fn assemble(&self) -> MarketFlows<'a> {
        let mut assembly = Assembly::default();
        let mut by_age: Vec<_> = self.candidates.iter().collect();
        by_age.sort_by_key(|candidate| candidate.id);
        let read: BTreeMap<_, _> = by_age
            .into_iter()
            .map(|candidate| (candidate.id, assembly.add_dataset(candidate, self.market)))
            .collect();
        let answering = self.answering_datasets(&read);
        let primary = self.candidates.first().map(|candidate| candidate.id);
        let lowest = |(id, rows): (&DatasetId, &DatasetRows)| Some((*id, lowest_unit_value(&rows.flows)?));
        let mut market = MarketFlows {
            flows: Vec::new(),
            residuals: Vec::new(),
            lowest_unit_values: read.iter().filter_map(lowest).collect(),
            sources: assembly.sources,
            codes: assembly.codes,
            primary: primary.unwrap_or_else(|| read.keys().next().copied().unwrap_or_default()),
            answering,
        };
        for (id, rows) in read {
            let answers_for = |importer| market.answering.get(&importer) == Some(&id);
            market.flows.extend(rows.flows.into_iter().filter(|row| answers_for(row.importer)));
            let counts = |row: &ResidualFlow| {
                if row.is_import { answers_for(row.economy) } else { id == market.primary }
            };
            market.residuals.extend(rows.residuals.into_iter().filter(counts));
        }
        market.flows = sorted(market.flows);
        market.residuals.sort_by_key(SortedRow::key);
        market
    }

    /// The dataset that answers for each importer: the first with a report of its own, otherwise the first
    /// with any flow into it.
    fn answering_datasets(&self, read: &BTreeMap<DatasetId, DatasetRows>) -> BTreeMap<EconomyId, DatasetId> {
        let importers_of: BTreeMap<_, _> = read.iter().map(|(id, rows)| (*id, rows.importers())).collect();
        let importers: BTreeSet<_> =
            importers_of.values().flat_map(|importers| importers.keys().copied()).collect();
        let usual_order: Vec<_> = self.datasets().collect();
        let answering = |importer| {
            let order = if self.is_by_economy { self.order_for(importer) } else { usual_order.clone() };
            let first = |must_report: bool| {
                let has = |id: &&DatasetId| {
                    let own_report = importers_of.get(id).and_then(|importers| importers.get(&importer));
                    own_report.is_some_and(|own_report| *own_report || !must_report)
                };
                order.iter().find(has).copied()
            };
            Some((importer, first(true).or_else(|| first(false))?))
        };
        importers.into_iter().filter_map(answering).collect()
    }

    /// The order of datasets for one importer.
    fn order_for(&self, importer: EconomyId) -> Vec<DatasetId> {
        let topic = Topic { economy: Some(importer), ..Topic::market(Table::Trade, self.market) };
        let rank = |candidate: &TradeCandidate<'_>| {
            let (own, _, kind, held, is_base, id) = candidate.rank;
            let preference = self.policy.preference(&topic, self.names.name(candidate.id));
            (own, preference, kind, held, is_base, id)
        };
        let mut order: Vec<_> =
            self.candidates.iter().map(|candidate| (rank(candidate), candidate.id)).collect();
        order.sort();
        order.into_iter().map(|(_, id)| id).collect()
    }
}
