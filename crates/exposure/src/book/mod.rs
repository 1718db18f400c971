//! The book: every release that was ever committed, and what was known at any time.
//!
//! # Two questions
//!
//! *What does a dataset say?* Releases of one dataset restate each other, and each only what it covers
//! (`unit`). Releases of other datasets stay as they are.
//!
//! *Which dataset answers?* A policy ranks datasets (`dataset`). It is applied to a market's flows for each
//! importer (`trade`), to its output as a whole (`output`), and to the other tables by key:
//!
//! - governance: indicator and period,
//! - parameters: name, material, stage, economy and period,
//! - restrictions: the economy that restricts, material and stage.
//!
//! Projections answer none of these questions: they are kept apart, and read under a scenario
//! (`projections`).
//!
//! # Knowledge time
//!
//! Nothing is ever removed: a withdrawn release has a time of withdrawal, a repaired one has its earlier
//! content. Every question comes with a [`Knowledge`] and sees what was recorded by then.
//!
//! # Reading order
//!
//! `rows` and `table` (small rows, sorted), `flows` with `flow_columns` (a market's flows, kept as they
//! came), `content` (a release), `decode` (events to content), `unit`, `dataset`, then `answering`, which
//! joins them.

mod answering;
mod claims;
mod codes;
mod content;
mod dataset;
mod decode;
mod economy;
mod flow_columns;
mod flows;
mod holding;
mod output;
mod policy;
mod projections;
mod rows;
mod source;
mod table;
mod targets;
mod trade;
mod unit;
mod vintage;
mod withheld;

pub use claims::{ClaimTable, RecordedClaim};
pub(crate) use codes::codes_of_market;
pub use content::{CommittedRelease, ReleaseContent};
pub use dataset::{DatasetId, DatasetPolicy};
pub use decode::{OpenRelease, Unreadable};
pub use economy::{ConsumerId, EconomyId};
pub use flows::{FlowsByMarket, StoredFlows};
pub use holding::Holding;
pub use output::MarketOutput;
pub use policy::{Evaluation, GovernanceScore, Parameter, ParameterKey, Restriction, RestrictionKey};
pub use projections::{ProjectedFor, ProjectedSide, Projection, Projections, Scenario, ScenarioName};
pub use rows::{Cell, Flow, Market, Origin, Output, Reporter, ResidualFlow, Tables, TradeDirection};
pub use source::RowSource;
pub use table::{NamedTables, SortedRow, Table};
pub use targets::{RecordedTarget, TargetTable};
pub use trade::{MarketFlows, MarketTrade, Reporters};
pub use withheld::WithheldRows;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, btree_map};
use std::sync::{Arc, LazyLock};

use jiff::Timestamp;
use orewatch_catalog::{DatasetKind, Period, Stage, is_base_of_outlook};
use orewatch_contracts::ingestion::v1;
use orewatch_eventlog::Position;
use orewatch_measures::Mirror;

use dataset::{Completeness, DatasetNames, Rank, Topic};
use projections::ScenarioReading;

/// Where and when an event was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordedAt {
    /// Position in the observations log.
    pub position: Position,
    /// Time of the event.
    pub time: Timestamp,
}

/// A knowledge time: sees what had been recorded by then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Knowledge {
    /// Events up to this position in the observations log count.
    pub position: Position,
    /// Of these, events up to this time count. `None`: all.
    pub time: Option<Timestamp>,
}

impl Knowledge {
    /// Everything that is recorded.
    pub const NOW: Self = Self { position: Position::MAX, time: None };

    /// What was recorded up to a position.
    #[must_use]
    pub fn up_to(position: Position) -> Self {
        Self { position, time: None }
    }

    fn includes(&self, recorded: RecordedAt) -> bool {
        recorded.position <= self.position && self.time.is_none_or(|time| recorded.time <= time)
    }
}

/// Rows of one key, with the release that they come from.
#[derive(Debug)]
pub struct ReleaseRows<'a, R> {
    /// Index of the release in the order of commits.
    pub release: usize,
    /// Its content.
    pub content: &'a ReleaseContent,
    /// The rows, sorted.
    pub rows: &'a [R],
}

impl<R> Clone for ReleaseRows<'_, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for ReleaseRows<'_, R> {}

/// A market as it was known: the datasets that answer for it.
#[derive(Clone, Debug)]
pub struct MarketView<'a> {
    /// The market.
    pub market: Market,
    /// Its flows. `None`: no release has any.
    pub flows: Option<MarketTrade<'a>>,
    /// Its output. `None`: no release has any.
    pub output: Option<MarketOutput<'a>>,
    /// Which of two reports of a flow gives the best estimate.
    pub mirror: Mirror,
}

/// Every release that was ever committed. Clones share the rows.
///
/// Releases of tenants are kept apart: only [`Book::for_reader`] shows them, to their tenant.
#[derive(Clone, Debug, Default)]
pub struct Book {
    /// Releases for everyone, in the order of commits; a replacement stands behind what it replaces.
    releases: Vec<CommittedRelease>,
    /// Releases of tenants, likewise.
    tenants: BTreeMap<String, Vec<CommittedRelease>>,
    /// Releases of the reading tenant whose rows cannot be read. They answer for nothing.
    withheld: Vec<CommittedRelease>,
    datasets: Arc<DatasetNames>,
    /// Revisions of the source policy, the newest last.
    policies: Vec<(RecordedAt, Arc<DatasetPolicy>)>,
    choice: DatasetChoice,
    mirror: Mirror,
    /// Releases of projections, which answer for no market here.
    projections: Projections,
    /// The scenario whose projections take the place of observations.
    scenario: Option<Arc<ScenarioReading>>,
    /// The materials whose trade is kept.
    holding: Holding,
}

/// Which datasets may answer for trade and output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum DatasetChoice {
    /// The policy decides.
    #[default]
    ByPolicy,
    /// Only this one, with its supplements.
    Only(DatasetId),
    /// This one, with its supplements. For a table of which it has nothing, the policy decides.
    Preferred(DatasetId),
}

impl Book {
    /// The book with one more release. If it is another reading of a visible release, it takes that one's
    /// place in the order, and the replaced release is withdrawn.
    #[must_use]
    pub fn with_release(&self, content: Arc<ReleaseContent>, committed: RecordedAt) -> Self {
        let mut book = self.clone();
        let release = &content.release;
        let dataset = Arc::make_mut(&mut book.datasets).id_of(&release.tenant, &release.dataset);
        let releases = book.releases_of(&release.tenant.clone());
        let replaced = release.in_place_of.clone();
        let index =
            releases.iter().rposition(|release| release.id() == replaced && release.withdrawn.is_none());
        if let Some(replaced) = index.and_then(|index| releases.get_mut(index)) {
            replaced.withdrawn = Some(committed);
        }
        let index = index.map_or(releases.len(), |index| index + 1);
        releases.insert(index, CommittedRelease::new(dataset, content, committed));
        book
    }

    /// The book under a revised source policy.
    #[must_use]
    pub fn with_policy(&self, policy: DatasetPolicy, revised: RecordedAt) -> Self {
        let mut book = self.clone();
        book.policies.push((revised, Arc::new(policy)));
        book
    }

    /// The book as a tenant reads it: the tenant's own releases are newer than everyone's. With an empty
    /// name, only everyone's.
    #[must_use]
    pub fn for_reader(&self, tenant: &str, mirror: Mirror) -> Self {
        let own = self.tenants.get(tenant).into_iter().flatten().cloned();
        let (withheld, own): (Vec<_>, Vec<_>) = own.partition(CommittedRelease::is_withheld);
        let releases = self.releases.iter().cloned().chain(own).collect();
        let projections = self.projections.for_reader(tenant, mirror);
        Self { releases, tenants: BTreeMap::new(), withheld, mirror, projections, ..self.clone() }
    }

    /// The book in which only one dataset, with its supplements, answers for trade and output.
    #[must_use]
    pub fn answered_by(&self, dataset: DatasetId) -> Self {
        Self { choice: DatasetChoice::Only(dataset), ..self.clone() }
    }

    /// The book in which one dataset, with its supplements, answers for trade and output where it has any.
    #[must_use]
    pub fn preferring(&self, dataset: DatasetId) -> Self {
        Self { choice: DatasetChoice::Preferred(dataset), ..self.clone() }
    }

    /// Whether the policy decides which datasets answer, and not a choice of the reader.
    #[must_use]
    pub fn is_by_policy(&self) -> bool {
        self.choice == DatasetChoice::ByPolicy
    }

    /// Whether releases of more than one dataset have anything of a market.
    #[must_use]
    pub fn has_several_datasets(&self, market: Market, at: Knowledge) -> bool {
        let releases = self.newest_first(at);
        let about_market = releases.filter(|(_, release)| release.content_at(at).has_market(&market));
        let mut datasets = about_market.map(|(_, release)| release.dataset);
        let first = datasets.next();
        datasets.any(|dataset| Some(dataset) != first)
    }

    /// SHA-256 digests, in hexadecimal, of the files that a dataset's releases of a market were read from.
    /// Empty where they did not come as files.
    #[must_use]
    pub fn file_digests(&self, dataset: DatasetId, market: Market, at: Knowledge) -> BTreeSet<&str> {
        let releases = self.newest_first(at).filter(|(_, release)| release.dataset == dataset);
        let contents = releases.map(|(_, release)| release.content_at(at));
        let contents = contents.filter(|content| content.has_market(&market));
        let digests = contents.flat_map(|content| &content.release.files).map(|file| file.sha256.as_str());
        digests.filter(|digest| !digest.is_empty()).collect()
    }

    /// The dataset with a name: the reading tenant's own before everyone's. `None`: there is none.
    #[must_use]
    pub fn dataset(&self, name: &str) -> Option<DatasetId> {
        let releases = self.releases.iter().filter(|release| release.content.release.dataset == name);
        let own_last = releases.max_by_key(|release| self.datasets.is_tenants(release.dataset));
        own_last.map(|release| release.dataset)
    }

    /// The kind of a dataset, by its newest visible release.
    #[must_use]
    pub fn dataset_kind(&self, dataset: DatasetId, at: Knowledge) -> DatasetKind {
        let mut releases = self.newest_first(at).filter(|(_, release)| release.dataset == dataset);
        let newest = releases.next().map(|(_, release)| &release.content_at(at).release);
        newest.map_or(DatasetKind::Undeclared, |release| self.policy(at).kind_of(release).0)
    }

    /// The name of a dataset.
    #[must_use]
    pub fn dataset_name(&self, dataset: DatasetId) -> &str {
        self.datasets.name(dataset)
    }

    /// The releases of a tenant; everyone's for the empty name.
    fn releases_of(&mut self, tenant: &str) -> &mut Vec<CommittedRelease> {
        if tenant.is_empty() {
            &mut self.releases
        } else {
            self.tenants.entry(tenant.to_owned()).or_default()
        }
    }

    /// The book with a release withdrawn, and the content of that release. `None`: no such release is
    /// visible.
    #[must_use]
    pub fn without_release(&self, id: &str, withdrawn: RecordedAt) -> Option<(Self, Arc<ReleaseContent>)> {
        let mut book = self.clone();
        let release = book.visible_release_mut(id)?;
        release.withdrawn = Some(withdrawn);
        let content = Arc::clone(release.newest());
        Some((book, content))
    }

    /// The book with rows added to a release, which keeps its place in the order. `None`: no such release is
    /// visible.
    #[must_use]
    pub fn with_repaired_rows(&self, added: &ReleaseContent, repaired: RecordedAt) -> Option<Self> {
        let mut book = self.clone();
        let release = book.visible_release_mut(&added.release.id)?;
        release.repaired.push((repaired, Arc::new(release.newest().with_rows(added))));
        Some(book)
    }

    /// The content of a visible release, everyone's or a tenant's. `None`: no such release is visible.
    #[must_use]
    pub fn visible_release(&self, id: &str) -> Option<&Arc<ReleaseContent>> {
        let mut releases = self.releases.iter().chain(self.tenants.values().flatten());
        let found = releases.rfind(|release| release.id() == id && release.withdrawn.is_none());
        found.map(CommittedRelease::newest)
    }

    fn visible_release_mut(&mut self, id: &str) -> Option<&mut CommittedRelease> {
        let mut releases = self.releases.iter_mut().chain(self.tenants.values_mut().flatten());
        releases.rfind(|release| release.id() == id && release.withdrawn.is_none())
    }

    /// Every release that was ever committed, in the order of commits.
    #[must_use]
    pub fn releases(&self) -> &[CommittedRelease] {
        &self.releases
    }

    /// Whether a release of the dataset is visible.
    #[must_use]
    pub fn has_dataset(&self, dataset: &str) -> bool {
        let mut visible = self.releases.iter().filter(|release| release.withdrawn.is_none());
        visible.any(|release| release.content.release.dataset == dataset)
    }

    /// A market as it was known.
    #[must_use]
    pub fn view(&self, market: Market, at: Knowledge) -> MarketView<'_> {
        let (flows, output) = (self.trade(market, at), self.output(market, at));
        MarketView { market, flows, output, mirror: self.mirror }
    }

    /// Whether anything of a market was known.
    #[must_use]
    pub fn has_market(&self, market: Market, at: Knowledge) -> bool {
        let mut visible = self.newest_first(at).filter(|(_, release)| self.may_count(release));
        visible.any(|(_, release)| release.content_at(at).has_market(&market))
    }

    /// Whether a release may answer, by the choice of the reader.
    fn may_count(&self, release: &CommittedRelease) -> bool {
        match self.choice {
            DatasetChoice::Only(chosen) => release.dataset == chosen,
            DatasetChoice::ByPolicy | DatasetChoice::Preferred(_) => true,
        }
    }

    /// A governance indicator in a period as it was known, by economy. `None`: no release has any.
    #[must_use]
    pub fn governance(
        &self,
        indicator: &str,
        period: Period,
        at: Knowledge,
    ) -> Option<ReleaseRows<'_, GovernanceScore>> {
        let topic = Topic { table: v1::Table::Governance, period: Some(period), ..Topic::default() };
        let ranked = self.newest_first(at).filter_map(|(index, release)| {
            let content = release.content_at(at);
            let rows = content.governance.get(indicator)?.rows(&period)?;
            let rank = self.dataset_rank(release, content, &topic, at);
            Some((rank, ReleaseRows { release: index, content, rows }))
        });
        // The newest release of a dataset comes first, and of equal ranks the first is kept.
        ranked.reduce(|best, next| if next.0 < best.0 { next } else { best }).map(|(_, rows)| rows)
    }

    /// The rows of a parameter of a material and stage as they were known, by the consumer that they are
    /// about (`None`: no particular one), then by the period from which they hold.
    #[must_use]
    pub fn parameters(
        &self,
        name: &str,
        material: Option<&'static str>,
        stage: Option<Stage>,
        at: Knowledge,
    ) -> BTreeMap<Option<ConsumerId>, BTreeMap<Period, ReleaseRows<'_, Parameter>>> {
        let mut best = BTreeMap::new();
        for (index, release) in self.newest_first(at) {
            let content = release.content_at(at);
            let Some(table) = content.parameters.get(name) else { continue };
            for key in table.keys().filter(|key| (key.material, key.stage) == (material, stage)) {
                let rows = table.rows(key).unwrap_or_default();
                let period = Some(key.period);
                let economy = key.economy.and_then(ConsumerId::economy);
                let material = material.unwrap_or_default();
                let topic = Topic { table: v1::Table::Parameters, material, stage, period, economy };
                let rank = self.dataset_rank(release, content, &topic, at);
                let rows = ReleaseRows { release: index, content, rows };
                keep_best(&mut best, (key.economy, key.period), rank, rows);
            }
        }
        let mut by_economy = BTreeMap::<_, BTreeMap<_, _>>::new();
        for ((economy, period), (_, rows)) in best {
            by_economy.entry(economy).or_default().insert(period, rows);
        }
        by_economy
    }

    /// Restrictions of exports of a material at a stage as they were known, by the economy that restricts.
    #[must_use]
    pub fn restrictions(
        &self,
        material: &str,
        stage: Stage,
        at: Knowledge,
    ) -> BTreeMap<EconomyId, ReleaseRows<'_, Restriction>> {
        let mut best = BTreeMap::new();
        for (index, release) in self.newest_first(at) {
            let content = release.content_at(at);
            let keys = content.restrictions.keys();
            for key in keys.filter(|key| key.material == material && key.stage == stage) {
                let rows = content.restrictions.rows(key).unwrap_or_default();
                let economy = Some(key.economy);
                let topic = Topic {
                    table: v1::Table::Restrictions,
                    material,
                    stage: Some(stage),
                    period: None,
                    economy,
                };
                let rank = self.dataset_rank(release, content, &topic, at);
                keep_best(&mut best, key.economy, rank, ReleaseRows { release: index, content, rows });
            }
        }
        best.into_iter().map(|(economy, (_, rows))| (economy, rows)).collect()
    }

    /// Every market of which anything was known, sorted.
    #[must_use]
    pub fn markets(&self, at: Knowledge) -> BTreeMap<Market, Tables> {
        let mut markets = BTreeMap::<Market, Tables>::new();
        for (_, release) in self.newest_first(at).filter(|(_, release)| self.may_count(release)) {
            let content = release.content_at(at);
            for market in content.flows.keys() {
                markets.entry(*market).or_default().flows = true;
            }
            for market in content.output.keys() {
                let tables = markets.entry(*market).or_default();
                (tables.output, tables.projected) = (true, self.scenario.is_some());
            }
        }
        markets
    }

    /// Visible releases with their indices in the order of commits, the newest first.
    fn newest_first(&self, at: Knowledge) -> impl Iterator<Item = (usize, &CommittedRelease)> {
        self.releases.iter().enumerate().rev().filter(move |(_, release)| release.is_visible(at))
    }

    /// The source policy as it was known.
    fn policy(&self, at: Knowledge) -> &Arc<DatasetPolicy> {
        let newest = self.policies.iter().rev().find(|(revised, _)| at.includes(*revised));
        newest.map_or(&NO_POLICY, |(_, policy)| policy)
    }

    /// The rank of a release's dataset among datasets.
    fn dataset_rank(
        &self,
        release: &CommittedRelease,
        content: &ReleaseContent,
        topic: &Topic<'_>,
        at: Knowledge,
    ) -> Rank {
        let policy = self.policy(at);
        let (kind, _) = policy.kind_of(&content.release);
        let own = self.datasets.is_tenants(release.dataset);
        let name = &content.release.dataset;
        let (preference, is_base) = (policy.preference(topic, name), is_base_of_outlook(name));
        (Reverse(own), preference, kind, Reverse(Completeness::WHOLE), is_base, release.dataset)
    }
}

/// The policy before any was recorded: only the default order.
static NO_POLICY: LazyLock<Arc<DatasetPolicy>> = LazyLock::new(Arc::default);

/// Keeps the rows with the least rank for each key; of equal ranks the first, which are the newest.
fn keep_best<K: Ord, R>(best: &mut BTreeMap<K, (Rank, R)>, key: K, rank: Rank, rows: R) {
    match best.entry(key) {
        btree_map::Entry::Vacant(vacant) => {
            vacant.insert((rank, rows));
        }
        btree_map::Entry::Occupied(mut occupied) if rank < occupied.get().0 => {
            occupied.insert((rank, rows));
        }
        btree_map::Entry::Occupied(_) => {}
    }
}
