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
    /// Who reports what; found when somebody first asks.
    pub(super) reports: OnceLock<Reports>,
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
            reports: OnceLock::new(),
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

    /// Who reports what.
    fn reports(&self) -> &Reports {
        self.reports.get_or_init(|| Reports::of(&self.flows))
    }

    /// Economies that report trade of anything in a period and direction, or whose report is stated to be covered.
    pub(super) fn reporters(&self, period: Period, direction: Direction) -> impl Iterator<Item = EconomyId> {
        let found = self.reports().reporters.get(&(period, direction));
        let covers = move |scope: &&Scope| scope.includes(period) && scope.is_complete(direction);
        let stated = self.scope.iter().filter(covers);
        found.into_iter().flatten().copied().chain(stated.flat_map(Scope::reporters))
    }

    /// Product codes of a material and stage that an economy's report of imports holds, in any period. A report is what one file
    /// has of an economy: it holds the codes that the file has of anybody's imports. None: no row is of its report.
    pub(super) fn codes_reported(
        &self,
        economy: EconomyId,
        topic: (&'static str, Stage),
    ) -> Option<BTreeSet<&str>> {
        let reports = self.reports();
        let files = reports.files.get(&economy)?;
        let held = reports.codes.get(&topic);
        let codes = held.into_iter().flatten().filter(|(file, _)| files.contains(file));
        Some(codes.flat_map(|(_, codes)| codes).map(|code| self.product(*code)).collect())
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

/// Which side of its trade an economy reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Direction {
    Imports,
    Exports,
}

/// Who reports what in a release. A row of which nothing says who reports it counts as a report of both sides.
#[derive(Debug, Default)]
pub(super) struct Reports {
    reporters: BTreeMap<(Period, Direction), BTreeSet<EconomyId>>,
    /// Files with imports that an economy reports.
    files: BTreeMap<EconomyId, BTreeSet<u16>>,
    /// Product codes of imports of a material and stage, by file.
    codes: BTreeMap<(&'static str, Stage), BTreeMap<u16, BTreeSet<u16>>>,
}

impl Reports {
    fn of(flows: &Flows) -> Self {
        let mut all = Self::default();
        for (market, lot) in flows.iter() {
            for row in lot.rows() {
                if row.reporter != Reporter::Exporter {
                    all.add_import(market, row.importer, row.origin.file, row.product);
                }
                if row.reporter != Reporter::Importer {
                    all.add(market, Direction::Exports, row.exporter);
                }
            }
            for row in lot.residuals() {
                if row.is_import {
                    all.add_import(market, row.economy, row.origin.file, row.product);
                } else {
                    all.add(market, Direction::Exports, row.economy);
                }
            }
        }
        all
    }

    fn add(&mut self, market: &Market, direction: Direction, economy: EconomyId) {
        self.reporters.entry((market.period, direction)).or_default().insert(economy);
    }

    fn add_import(&mut self, market: &Market, economy: EconomyId, file: u16, product: u16) {
        self.add(market, Direction::Imports, economy);
        self.files.entry(economy).or_default().insert(file);
        let codes = self.codes.entry((market.material, market.stage)).or_default();
        codes.entry(file).or_default().insert(product);
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
