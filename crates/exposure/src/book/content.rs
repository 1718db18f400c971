//! What a release says, and when it was visible.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use orewatch_catalog::Period;
use orewatch_contracts::ingestion::v1::Release;

use super::table::Texts;
use super::{
    Flows, Governed, Holding, Knowledge, Market, Moment, Named, Output, Parameter, Restricting, Restriction,
    Row, Table, Who,
};

/// What a release says, which never changes once it is committed.
#[derive(Debug)]
pub struct Content {
    /// The release.
    pub release: Release,
    /// Flows.
    pub flows: Flows,
    /// Output.
    pub output: Table<Output>,
    /// Governance, by indicator.
    pub governance: Named<Governed, Period>,
    /// Parameters, by name.
    pub parameters: Named<Parameter, Holding>,
    /// Restrictions of exports.
    pub restrictions: Table<Restriction, Restricting>,
    pub(super) products: Texts,
    pub(super) concerned: Vec<Vec<Who>>,
    pub(super) proxies: BTreeSet<u16>,
    pub(super) purities: BTreeMap<u16, f64>,
    /// Chunks that its rows came in.
    pub(super) chunks: u32,
}

impl Content {
    /// The same with rows that were added: their content shares what rows point at, and goes on with it.
    #[must_use]
    pub(super) fn with(&self, added: &Self) -> Self {
        // What a code holds is said once: other markets of the code are left as they are.
        let pure = added.purities.iter().filter(|(code, _)| !self.products.has(**code));
        let purities = pure.chain(&self.purities).map(|(code, purity)| (*code, *purity)).collect();
        Self {
            release: added.release.clone(),
            flows: self.flows.with(&added.flows),
            output: self.output.with(&added.output),
            governance: all_with(&self.governance, &added.governance),
            parameters: all_with(&self.parameters, &added.parameters),
            restrictions: self.restrictions.with(&added.restrictions),
            products: added.products.clone(),
            concerned: added.concerned.clone(),
            proxies: added.proxies.clone(),
            purities,
            chunks: added.chunks,
        }
    }

    /// Every market that the release has flows or output of, sorted, each once.
    #[must_use]
    pub fn markets(&self) -> Vec<Market> {
        let mut markets: Vec<_> = self.flows.keys().chain(self.output.keys()).copied().collect();
        markets.sort_unstable();
        markets.dedup();
        markets
    }

    /// The text at an index: a product code, the basis of a series, the item of a parameter, the kind of a restriction.
    #[must_use]
    pub fn product(&self, index: u16) -> &str {
        self.products.get(index)
    }

    /// The index of a text. None: no row of the release has it.
    #[must_use]
    pub fn index_of(&self, text: &str) -> Option<u16> {
        self.products.find(text)
    }

    /// Whether the concordance called a product code a proxy when it was recorded: it also holds other goods, or only stands
    /// in for the material.
    #[must_use]
    pub fn is_proxy(&self, product: u16) -> bool {
        self.proxies.contains(&product)
    }

    /// The fraction of the goods under a product code that is the material, as the concordance said when it was recorded.
    #[must_use]
    pub fn purity(&self, product: u16) -> Option<f64> {
        self.purities.get(&product).copied()
    }

    /// Those whom a restriction concerns. Empty: everyone.
    #[must_use]
    pub fn concerned(&self, restriction: &Restriction) -> &[Who] {
        self.concerned.get(usize::from(restriction.concerned)).map_or(&[], Vec::as_slice)
    }
}

/// Tables by name with rows that were added.
fn all_with<R: Row, K: Copy + Ord>(all: &Named<R, K>, added: &Named<R, K>) -> Named<R, K> {
    let mut all = all.clone();
    for (name, added) in added {
        let table = all.entry(name.clone()).or_default();
        *table = table.with(added);
    }
    all
}

/// A committed release.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What it says, as it was committed.
    pub content: Arc<Content>,
    /// When it became visible.
    pub committed: Moment,
    /// When it ceased to be. None: it has not.
    pub withdrawn: Option<Moment>,
    /// What it says since rows were added, in their order.
    pub(super) repaired: Vec<(Moment, Arc<Content>)>,
}

impl Entry {
    pub(super) fn new(content: Arc<Content>, committed: Moment) -> Self {
        Self { content, committed, withdrawn: None, repaired: Vec::new() }
    }

    /// What it says now.
    #[must_use]
    pub fn newest(&self) -> &Arc<Content> {
        self.repaired.last().map_or(&self.content, |(_, content)| content)
    }

    /// What it said.
    #[must_use]
    pub fn content_at(&self, at: Knowledge) -> &Content {
        let mut repaired = self.repaired.iter().rev();
        repaired.find(|(moment, _)| at.includes(*moment)).map_or(&self.content, |(_, content)| content)
    }

    /// Whether the release was visible.
    #[must_use]
    pub fn is_visible(&self, at: Knowledge) -> bool {
        at.includes(self.committed) && !self.withdrawn.is_some_and(|moment| at.includes(moment))
    }

    /// Identifier of the release.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.content.release.id
    }
}
