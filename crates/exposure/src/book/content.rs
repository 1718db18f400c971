//! The content of a release, and when it was visible.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use orewatch_catalog::{Period, Stage};
use orewatch_contracts::ingestion::v1::{PublisherNote, Release};

use super::table::Texts;
use super::unit::ReleaseScope;
use super::{
    ClaimTable, ConsumerId, DatasetId, EconomyId, FlowsByMarket, GovernanceScore, Holding, Knowledge, Market,
    NamedTables, Output, Parameter, ParameterKey, Projection, RecordedAt, Reporter, Restriction,
    RestrictionKey, SortedRow, Table, TargetTable, TradeDirection, WithheldRows,
};

/// The content of a release, which never changes once it is committed.
///
/// Texts such as product codes are stored once; rows hold their index ([`ReleaseContent::text`]).
#[derive(Debug, Default)]
pub struct ReleaseContent {
    /// The release.
    pub release: Release,
    /// Flows, by market.
    pub flows: FlowsByMarket,
    /// Output, by market.
    pub output: Table<Output>,
    /// Totals that the source prints for the world's output, by market.
    pub(super) totals: Table<Output>,
    /// Governance, by indicator.
    pub governance: NamedTables<GovernanceScore, Period>,
    /// Parameters, by name.
    pub parameters: NamedTables<Parameter, ParameterKey>,
    /// Restrictions of exports.
    pub restrictions: Table<Restriction, RestrictionKey>,
    /// Claims, which no figure depends on.
    pub claims: ClaimTable,
    /// Projections as they were published, by scenario. No measure reads them: see [`Book::under_scenario`].
    ///
    /// [`Book::under_scenario`]: super::Book::under_scenario
    pub(super) projections: Arc<NamedTables<Projection, Market>>,
    /// Projected demand, under a scenario. Empty in a book of observations.
    pub(super) demand: Table<Projection>,
    /// Targets, which no figure depends on.
    pub targets: TargetTable,
    /// What the publisher says about figures.
    pub notes: Vec<PublisherNote>,
    /// Texts that rows refer to.
    pub(super) products: Texts,
    /// Lists of those whom restrictions concern, which rows refer to.
    pub(super) concerned: Vec<Vec<ConsumerId>>,
    /// Product codes that the concordance calls proxies.
    pub(super) proxies: BTreeSet<u16>,
    /// Purities of product codes that have one.
    pub(super) purities: BTreeMap<u16, f64>,
    /// Number of chunks that its rows came in.
    pub(super) chunks: u32,
    /// The scope that was stated for it. `None`: it covers the units of which it has a row.
    pub(super) scope: Option<ReleaseScope>,
    /// Product codes with any flow, by material and stage.
    pub(super) held: HeldCodes,
    /// Who reports what, computed when it is first needed.
    pub(super) reports: OnceLock<Reports>,
    /// Why its rows cannot be read. `None`: they can.
    pub(super) withheld: Option<WithheldRows>,
}

/// Indices of product codes with any flow, by material and stage.
pub(super) type HeldCodes = BTreeMap<(&'static str, Stage), BTreeSet<u16>>;

/// Whether every replica keeps all rows of a release: the products that its scope states may be of several
/// materials, and then rows of one restate rows of another. Such releases are extracts, and small.
pub(super) fn is_whole(release: &Release) -> bool {
    release.scope.as_ref().is_some_and(|scope| !scope.products.is_empty())
}

/// The product codes of flows, by material and stage.
pub(super) fn held_codes(flows: &FlowsByMarket) -> HeldCodes {
    let mut held = HeldCodes::new();
    for (market, stored) in flows.iter() {
        held.entry((market.material, market.stage)).or_default().extend(stored.products());
    }
    held
}

impl ReleaseContent {
    /// The content with rows added. `added` began with this content's texts, and its indices go on from
    /// there.
    #[must_use]
    pub(super) fn with_rows(&self, added: &Self) -> Self {
        // A purity is recorded once for a code: what is known of a code stays.
        let pure = added.purities.iter().filter(|(code, _)| !self.products.has(**code));
        let purities = pure.chain(&self.purities).map(|(code, purity)| (*code, *purity)).collect();
        let flows = self.flows.with_flows(&added.flows);
        Self {
            release: added.release.clone(),
            held: held_codes(&flows),
            flows,
            output: self.output.with_rows(&added.output),
            totals: self.totals.with_rows(&added.totals),
            governance: tables_with(&self.governance, &added.governance),
            parameters: tables_with(&self.parameters, &added.parameters),
            restrictions: self.restrictions.with_rows(&added.restrictions),
            claims: self.claims.with_rows(&added.claims),
            projections: Arc::new(tables_with(&self.projections, &added.projections)),
            demand: self.demand.with_rows(&added.demand),
            targets: self.targets.with_rows(&added.targets),
            notes: self.notes.clone(),
            products: added.products.clone(),
            concerned: added.concerned.clone(),
            proxies: added.proxies.clone(),
            purities,
            chunks: added.chunks,
            scope: self.scope.clone(),
            reports: OnceLock::new(),
            withheld: self.withheld.or(added.withheld),
        }
    }

    /// The content without the rows of trade of materials that a holding does not include.
    #[must_use]
    pub(super) fn held_by(self: &Arc<Self>, holding: &Holding) -> Arc<Self> {
        if is_whole(&self.release) || self.flows.keys().all(|market| holding.includes(market.material)) {
            return Arc::clone(self);
        }
        Arc::new(Self {
            release: self.release.clone(),
            flows: self.flows.held_by(holding),
            output: self.output.clone(),
            totals: self.totals.clone(),
            governance: self.governance.clone(),
            parameters: self.parameters.clone(),
            restrictions: self.restrictions.clone(),
            claims: self.claims.clone(),
            projections: Arc::clone(&self.projections),
            demand: self.demand.clone(),
            targets: self.targets.clone(),
            notes: self.notes.clone(),
            products: self.products.clone(),
            concerned: self.concerned.clone(),
            proxies: self.proxies.clone(),
            purities: self.purities.clone(),
            chunks: self.chunks,
            scope: self.scope.clone(),
            held: self.held.clone(),
            reports: OnceLock::new(),
            withheld: self.withheld,
        })
    }

    /// The product codes of a material and stage with any flow, in any period.
    pub fn held_codes(&self, material: &'static str, stage: Stage) -> impl Iterator<Item = &str> {
        let indices = self.held.get(&(material, stage)).into_iter().flatten();
        indices.map(|index| self.text(*index))
    }

    /// Whether a scope is stated for the release that includes a period.
    #[must_use]
    pub fn covers(&self, period: Period) -> bool {
        self.scope.as_ref().is_some_and(|scope| scope.includes(period))
    }

    /// Materials and stages with any flow.
    pub fn stages(&self) -> impl Iterator<Item = (&'static str, Stage)> {
        self.held.keys().copied()
    }

    fn reports(&self) -> &Reports {
        self.reports.get_or_init(|| Reports::from_flows(&self.flows))
    }

    /// Economies that report any trade in a period and direction, or whose report the stated scope covers
    /// completely.
    pub(super) fn reporters(
        &self,
        period: Period,
        direction: TradeDirection,
    ) -> impl Iterator<Item = EconomyId> {
        let found = self.reports().reporters.get(&(period, direction));
        let covers = move |scope: &&ReleaseScope| scope.includes(period) && scope.is_complete(direction);
        let stated = self.scope.iter().filter(covers);
        found.into_iter().flatten().copied().chain(stated.flat_map(ReleaseScope::reporters))
    }

    /// Product codes of a material and stage in an economy's report of imports, in any period. `None`: it has
    /// no report.
    ///
    /// A report is what one file has of an economy. It holds every code that the file has of anyone's
    /// imports: for the codes without a row the economy reports that there were none.
    pub(super) fn codes_reported(
        &self,
        economy: EconomyId,
        topic: (&'static str, Stage),
    ) -> Option<BTreeSet<&str>> {
        let reports = self.reports();
        let files = reports.files.get(&economy)?;
        let held = reports.codes.get(&topic);
        let codes = held.into_iter().flatten().filter(|(file, _)| files.contains(file));
        Some(codes.flat_map(|(_, codes)| codes).map(|code| self.text(*code)).collect())
    }

    /// Whether the release has flows or output of a market.
    #[must_use]
    pub fn has_market(&self, market: &Market) -> bool {
        self.flows.market(market).is_some() || self.output.rows(market).is_some()
    }

    /// Whether the release has flows or output of a material and stage, in any period.
    #[must_use]
    pub fn has_topic(&self, topic: (&'static str, Stage)) -> bool {
        self.held.contains_key(&topic)
            || self.output.keys().any(|market| (market.material, market.stage) == topic)
    }

    /// Every market with flows or output, sorted, each once.
    #[must_use]
    pub fn markets(&self) -> Vec<Market> {
        let mut markets: Vec<_> = self.flows.keys().chain(self.output.keys()).copied().collect();
        markets.sort_unstable();
        markets.dedup();
        markets
    }

    /// The text at an index: a product code, the basis of a series, the item of a parameter, the kind of a
    /// restriction.
    #[must_use]
    pub fn text(&self, index: u16) -> &str {
        self.products.get(index)
    }

    /// The index of a text. `None`: no row has it.
    #[must_use]
    pub fn index_of(&self, text: &str) -> Option<u16> {
        self.products.find(text)
    }

    /// Whether the concordance called a product code a proxy when it was recorded: the code also holds other
    /// goods, or only stands in for the material.
    #[must_use]
    pub fn is_proxy(&self, product: u16) -> bool {
        self.proxies.contains(&product)
    }

    /// The least fraction of the goods under a product code that is the material, 0 to 1, as the concordance
    /// had it when the code was recorded. `None`: it had none.
    #[must_use]
    pub fn purity(&self, product: u16) -> Option<f64> {
        self.purities.get(&product).copied()
    }

    /// The consumers that a restriction concerns. Empty: everyone.
    #[must_use]
    pub fn concerned(&self, restriction: &Restriction) -> &[ConsumerId] {
        self.concerned.get(usize::from(restriction.concerned)).map_or(&[], Vec::as_slice)
    }
}

/// Who reports what in a release. A row without a named reporter counts as a report of both sides.
#[derive(Debug, Default)]
pub(super) struct Reports {
    reporters: BTreeMap<(Period, TradeDirection), BTreeSet<EconomyId>>,
    /// Files with imports, by the economy that reports them.
    files: BTreeMap<EconomyId, BTreeSet<u16>>,
    /// Product codes of imports, by material and stage, then file.
    codes: BTreeMap<(&'static str, Stage), BTreeMap<u16, BTreeSet<u16>>>,
}

impl Reports {
    fn from_flows(flows: &FlowsByMarket) -> Self {
        let mut reports = Self::default();
        for (market, stored) in flows.iter() {
            for row in stored.rows() {
                if row.reporter != Reporter::Exporter {
                    reports.add_import(market, row.importer, row.origin.file, row.product);
                }
                if row.reporter != Reporter::Importer {
                    reports.add(market, TradeDirection::Exports, row.exporter);
                }
            }
            for row in stored.residuals() {
                if row.is_import {
                    reports.add_import(market, row.economy, row.origin.file, row.product);
                } else {
                    reports.add(market, TradeDirection::Exports, row.economy);
                }
            }
            // The codes of a report matter to the figures of their own material alone.
            for (economy, direction, file) in stored.noted() {
                reports.add(market, direction, economy);
                if direction == TradeDirection::Imports {
                    reports.files.entry(economy).or_default().insert(file);
                }
            }
        }
        reports
    }

    fn add(&mut self, market: &Market, direction: TradeDirection, economy: EconomyId) {
        self.reporters.entry((market.period, direction)).or_default().insert(economy);
    }

    fn add_import(&mut self, market: &Market, economy: EconomyId, file: u16, product: u16) {
        self.add(market, TradeDirection::Imports, economy);
        self.files.entry(economy).or_default().insert(file);
        let codes = self.codes.entry((market.material, market.stage)).or_default();
        codes.entry(file).or_default().insert(product);
    }
}

/// Tables by name with rows added.
fn tables_with<R: SortedRow, K: Copy + Ord>(
    tables: &NamedTables<R, K>,
    added: &NamedTables<R, K>,
) -> NamedTables<R, K> {
    let mut tables = tables.clone();
    for (name, added) in added {
        let table = tables.entry(name.clone()).or_default();
        *table = table.with_rows(added);
    }
    tables
}

/// A committed release: its content, and when it was visible.
#[derive(Clone, Debug)]
pub struct CommittedRelease {
    /// The dataset.
    pub dataset: DatasetId,
    /// Its content as committed.
    pub content: Arc<ReleaseContent>,
    /// When it became visible.
    pub committed: RecordedAt,
    /// When it was withdrawn or replaced. `None`: it is visible.
    pub withdrawn: Option<RecordedAt>,
    /// Its content after each repair, the oldest first.
    pub(super) repaired: Vec<(RecordedAt, Arc<ReleaseContent>)>,
}

impl CommittedRelease {
    pub(super) fn new(dataset: DatasetId, content: Arc<ReleaseContent>, committed: RecordedAt) -> Self {
        Self { dataset, content, committed, withdrawn: None, repaired: Vec::new() }
    }

    /// The release with contents that follow from its own.
    #[must_use]
    pub(super) fn map(&self, content_from: impl Fn(&ReleaseContent) -> ReleaseContent) -> Self {
        let mapped = |content: &Arc<ReleaseContent>| Arc::new(content_from(content));
        let repaired = self.repaired.iter().map(|(recorded, content)| (*recorded, mapped(content)));
        Self { content: mapped(&self.content), repaired: repaired.collect(), ..self.clone() }
    }

    /// The release without the rows of trade of materials that a holding does not include.
    #[must_use]
    pub(super) fn held_by(&self, holding: &Holding) -> Self {
        let repaired =
            self.repaired.iter().map(|(recorded, content)| (*recorded, content.held_by(holding))).collect();
        Self { content: self.content.held_by(holding), repaired, ..self.clone() }
    }

    /// Its content with all repairs.
    #[must_use]
    pub fn newest(&self) -> &Arc<ReleaseContent> {
        self.repaired.last().map_or(&self.content, |(_, content)| content)
    }

    /// Its content as it was known.
    #[must_use]
    pub fn content_at(&self, at: Knowledge) -> &ReleaseContent {
        let mut repaired = self.repaired.iter().rev();
        repaired.find(|(recorded, _)| at.includes(*recorded)).map_or(&self.content, |(_, content)| content)
    }

    /// Whether the release was visible, as it was known.
    #[must_use]
    pub fn is_visible(&self, at: Knowledge) -> bool {
        at.includes(self.committed) && !self.withdrawn.is_some_and(|withdrawn| at.includes(withdrawn))
    }

    /// Identifier of the release.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.content.release.id
    }
}
