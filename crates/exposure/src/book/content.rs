//! What a release says, and when it was visible.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use orewatch_catalog::{Period, Stage};
use orewatch_contracts::ingestion::v1::Release;

use super::table::Texts;
use super::unit::Scope;
use super::{
    DatasetId, EconomyId, Flows, Governed, Holding, Knowledge, Market, Moment, Named, Output, Parameter,
    Reporter, Restricting, Restriction, Row, Table, Who,
};

/// What a release says, which never changes once it is committed.
#[derive(Debug, Default)]
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
    /// What is said of its coverage by who handed it in. None: it covers the units of which it has a row.
    pub(super) scope: Option<Scope>,
    /// Product codes with any flow, by material and stage.
    pub(super) held: Held,
    /// Who reports imports in a period; found when somebody first asks.
    pub(super) reporters: OnceLock<BTreeMap<Period, BTreeSet<EconomyId>>>,
}

/// Indices of product codes with any flow, by material and stage.
pub(super) type Held = BTreeMap<(&'static str, Stage), BTreeSet<u16>>;

/// The product codes that flows are of.
pub(super) fn held(flows: &Flows) -> Held {
    let mut held = Held::new();
    for (market, lot) in flows.iter() {
        held.entry((market.material, market.stage)).or_default().extend(lot.products());
    }
    held
}

impl Content {
    /// The same with rows that were added: their content shares what rows point at, and goes on with it.
    #[must_use]
    pub(super) fn with(&self, added: &Self) -> Self {
        // What a code holds is said once: other markets of the code are left as they are.
        let pure = added.purities.iter().filter(|(code, _)| !self.products.has(**code));
        let purities = pure.chain(&self.purities).map(|(code, purity)| (*code, *purity)).collect();
        let flows = self.flows.with(&added.flows);
        Self {
            release: added.release.clone(),
            held: held(&flows),
            flows,
            output: self.output.with(&added.output),
            governance: all_with(&self.governance, &added.governance),
            parameters: all_with(&self.parameters, &added.parameters),
            restrictions: self.restrictions.with(&added.restrictions),
            products: added.products.clone(),
            concerned: added.concerned.clone(),
            proxies: added.proxies.clone(),
            purities,
            chunks: added.chunks,
            scope: self.scope.clone(),
            reporters: OnceLock::new(),
        }
    }

    /// The product codes of a material and stage of which the release has any flow, in any period.
    pub fn held(&self, material: &'static str, stage: Stage) -> impl Iterator<Item = &str> {
        let indices = self.held.get(&(material, stage)).into_iter().flatten();
        indices.map(|index| self.product(*index))
    }

    /// Whether a scope is stated for the release that takes in a period.
    #[must_use]
    pub fn covers(&self, period: Period) -> bool {
        self.scope.as_ref().is_some_and(|scope| scope.includes(period))
    }

    /// Materials and stages of which the release has any flow.
    pub fn stages(&self) -> impl Iterator<Item = (&'static str, Stage)> {
        self.held.keys().copied()
    }

    /// Economies that report imports of anything in a period, or whose report is stated to be covered.
    pub(super) fn reporters(&self, period: Period) -> impl Iterator<Item = EconomyId> {
        let found = self.reporters.get_or_init(|| reporters(&self.flows)).get(&period);
        let stated = self.scope.iter().filter(move |scope| scope.includes(period) && scope.is_complete());
        found.into_iter().flatten().copied().chain(stated.flat_map(Scope::reporters))
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

fn reporters(flows: &Flows) -> BTreeMap<Period, BTreeSet<EconomyId>> {
    let mut all = BTreeMap::<_, BTreeSet<_>>::new();
    for (market, lot) in flows.iter() {
        let reporters = all.entry(market.period).or_default();
        let own = lot.rows().into_iter().filter(|row| row.reporter != Reporter::Exporter);
        reporters.extend(own.map(|row| row.importer));
        let unknown = lot.residuals().into_iter().filter(|row| row.is_import);
        reporters.extend(unknown.map(|row| row.economy));
    }
    all
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
    /// The dataset.
    pub dataset: DatasetId,
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
    pub(super) fn new(dataset: DatasetId, content: Arc<Content>, committed: Moment) -> Self {
        Self { dataset, content, committed, withdrawn: None, repaired: Vec::new() }
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
