//! The book: every release that was ever committed, and what anything looked like at any time.
//!
//! A release restates its own dataset only, and of that only what it covers (`unit`); releases of other datasets stay as they
//! are. Which dataset answers is a policy (`dataset`): of a market's flows for each importer (`trade`), of its output for all
//! of it (`produced`), and of the other tables by key:
//!
//! - of governance: indicator and period,
//! - of parameters: name, material, stage, economy and period,
//! - of restrictions: the economy that restricts, material and stage.
//!
//! Rows that are mended after the commit are added to those of their release, which keeps its place among the others; what was
//! known before does not have them.

mod answering;
mod content;
mod dataset;
mod decode;
mod economy;
mod flows;
mod policy;
mod produced;
mod rows;
mod strip;
mod table;
mod trade;
mod unit;

pub use content::{Content, Entry};
pub use dataset::{DatasetId, Policy};
pub use decode::{Open, Unreadable};
pub use economy::{EconomyId, Who};
pub use flows::{Flows, Lot};
pub use policy::{Evaluation, Governed, Holding, Parameter, Restricting, Restriction};
pub use produced::Produced;
pub use rows::{Cell, Flow, Market, Origin, Output, Reporter, ResidualFlow};
pub use table::{Named, Row, Table};
pub use trade::{MarketFlows, Reporters, Source, Trade};

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, btree_map};
use std::sync::{Arc, LazyLock};

use jiff::Timestamp;
use orewatch_catalog::{DatasetKind, Period, Stage};
use orewatch_contracts::ingestion::v1;
use orewatch_eventlog::Position;
use orewatch_measures::Mirror;

use dataset::{Completeness, Datasets, Rank, Topic};

/// Where and when an event was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Position in the observations log.
    pub position: Position,
    /// Time of the event.
    pub time: Timestamp,
}

/// Knowledge time: what had been recorded by then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Knowledge {
    /// Events up to this position.
    pub position: Position,
    /// And of these, events up to this time. None: all.
    pub time: Option<Timestamp>,
}

impl Knowledge {
    /// All that is recorded.
    pub const NOW: Self = Self { position: Position::MAX, time: None };

    /// What was recorded up to a position.
    #[must_use]
    pub fn at(position: Position) -> Self {
        Self { position, time: None }
    }

    fn includes(&self, moment: Moment) -> bool {
        moment.position <= self.position && self.time.is_none_or(|time| moment.time <= time)
    }
}

/// Rows of one key with the release they are from.
#[derive(Debug)]
pub struct Side<'a, R> {
    /// Place of the release in the order of commits.
    pub place: usize,
    /// What the release says.
    pub content: &'a Content,
    /// The rows, sorted.
    pub rows: &'a [R],
}

impl<R> Clone for Side<'_, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Side<'_, R> {}

/// A market as it was known.
#[derive(Clone, Debug)]
pub struct View<'a> {
    /// The market.
    pub market: Market,
    /// Its flows. None: no release has any.
    pub flows: Option<Trade<'a>>,
    /// Its output. None: no release has any.
    pub output: Option<Produced<'a>>,
    /// Which of two reports of a flow is the best estimate.
    pub mirror: Mirror,
}

/// Which figures of a market exist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tables {
    /// There are flows.
    pub flows: bool,
    /// There is output.
    pub output: bool,
}

/// Every release that was ever committed. Clones share the rows.
///
/// Releases of tenants stand apart: they are seen in a reading of the book for their tenant, and in no other.
#[derive(Clone, Debug, Default)]
pub struct Book {
    entries: Vec<Entry>,
    tenants: BTreeMap<String, Vec<Entry>>,
    datasets: Arc<Datasets>,
    /// Revisions of the source policy, the newest last.
    policies: Vec<(Moment, Arc<Policy>)>,
    only: Only,
    mirror: Mirror,
}

/// Which datasets may answer for trade and output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Only {
    /// As the policy says.
    #[default]
    Anyone,
    /// This one alone, with its supplements.
    Alone(DatasetId),
    /// This one; for a table of which it has nothing, as the policy says.
    First(DatasetId),
}

impl Book {
    /// The book with one more release. One that is another reading of a visible release takes its place, and that one is seen no
    /// more, except as at an earlier time.
    #[must_use]
    pub fn with(&self, content: Arc<Content>, committed: Moment) -> Self {
        let mut book = self.clone();
        let release = &content.release;
        let dataset = Arc::make_mut(&mut book.datasets).place(&release.tenant, &release.dataset);
        let shelf = book.shelf_of(&release.tenant.clone());
        let replaced = release.in_place_of.clone();
        let place = shelf.iter().rposition(|entry| entry.id() == replaced && entry.withdrawn.is_none());
        if let Some(entry) = place.and_then(|place| shelf.get_mut(place)) {
            entry.withdrawn = Some(committed);
        }
        let place = place.map_or(shelf.len(), |place| place + 1);
        shelf.insert(place, Entry::new(dataset, content, committed));
        book
    }

    /// The book under a revised source policy.
    #[must_use]
    pub fn under(&self, policy: Policy, revised: Moment) -> Self {
        let mut book = self.clone();
        book.policies.push((revised, Arc::new(policy)));
        book
    }

    /// The book as a tenant reads it, whose own releases come before everyone's; the empty name reads everyone's alone.
    #[must_use]
    pub fn reading(&self, tenant: &str, mirror: Mirror) -> Self {
        let own = self.tenants.get(tenant).into_iter().flatten();
        let entries = self.entries.iter().chain(own).cloned().collect();
        Self { entries, tenants: BTreeMap::new(), mirror, ..self.clone() }
    }

    /// The book as it would be if one dataset, with its supplements, answered for trade and output, and no other did.
    #[must_use]
    pub fn alone(&self, dataset: DatasetId) -> Self {
        Self { only: Only::Alone(dataset), ..self.clone() }
    }

    /// The book as it would be if one dataset, with its supplements, answered for trade and output where it has any.
    #[must_use]
    pub fn preferring(&self, dataset: DatasetId) -> Self {
        Self { only: Only::First(dataset), ..self.clone() }
    }

    /// Whether the policy says which datasets answer, and not the reading.
    #[must_use]
    pub fn is_by_policy(&self) -> bool {
        self.only == Only::Anyone
    }

    /// Whether releases of more than one dataset have anything of a market.
    #[must_use]
    pub fn has_several(&self, market: Market, at: Knowledge) -> bool {
        let has = |content: &Content| {
            content.flows.lot(&market).is_some() || content.output.rows(&market).is_some()
        };
        let entries = self.newest_first(at).filter(|(_, entry)| has(entry.content_at(at)));
        let mut datasets = entries.map(|(_, entry)| entry.dataset);
        let first = datasets.next();
        datasets.any(|dataset| Some(dataset) != first)
    }

    /// Digests of the files that a dataset's releases of a market were read from; empty where they were not handed in as files.
    #[must_use]
    pub fn files(&self, dataset: DatasetId, market: Market, at: Knowledge) -> BTreeSet<&str> {
        let has = |content: &&Content| {
            content.flows.lot(&market).is_some() || content.output.rows(&market).is_some()
        };
        let entries = self.newest_first(at).filter(|(_, entry)| entry.dataset == dataset);
        let contents = entries.map(|(_, entry)| entry.content_at(at)).filter(has);
        let digests = contents.flat_map(|content| &content.release.files).map(|file| file.sha256.as_str());
        digests.filter(|digest| !digest.is_empty()).collect()
    }

    /// The dataset of a name in this reading: a tenant's own before everyone's. None: there is none.
    #[must_use]
    pub fn dataset(&self, name: &str) -> Option<DatasetId> {
        let all = self.entries.iter().filter(|entry| entry.content.release.dataset == name);
        all.max_by_key(|entry| self.datasets.is_tenants(entry.dataset)).map(|entry| entry.dataset)
    }

    /// How a dataset's figures come about, by its newest visible release.
    #[must_use]
    pub fn kind_of(&self, dataset: DatasetId, at: Knowledge) -> DatasetKind {
        let mut releases = self.newest_first(at).filter(|(_, entry)| entry.dataset == dataset);
        let newest = releases.next().map(|(_, entry)| &entry.content_at(at).release);
        newest.map_or(DatasetKind::Undeclared, |release| self.policy(at).kind_of(release).0)
    }

    /// The name of a dataset.
    #[must_use]
    pub fn dataset_name(&self, dataset: DatasetId) -> &str {
        self.datasets.name(dataset)
    }

    /// The releases that stand together: everyone's, or those of a tenant.
    fn shelf_of(&mut self, tenant: &str) -> &mut Vec<Entry> {
        if tenant.is_empty() { &mut self.entries } else { self.tenants.entry(tenant.to_owned()).or_default() }
    }

    /// The book with a release withdrawn, and what that release says. None: no such release is visible.
    #[must_use]
    pub fn without(&self, id: &str, withdrawn: Moment) -> Option<(Self, Arc<Content>)> {
        let mut book = self.clone();
        let entry = book.visible(id)?;
        entry.withdrawn = Some(withdrawn);
        let content = Arc::clone(entry.newest());
        Some((book, content))
    }

    /// The book with rows added to a release, which keeps its place among the others. None: no such release is visible.
    #[must_use]
    pub fn repaired(&self, added: &Content, moment: Moment) -> Option<Self> {
        let mut book = self.clone();
        let entry = book.visible(&added.release.id)?;
        entry.repaired.push((moment, Arc::new(entry.newest().with(added))));
        Some(book)
    }

    /// What a visible release says, everyone's or a tenant's.
    #[must_use]
    pub fn committed(&self, id: &str) -> Option<&Arc<Content>> {
        let mut all = self.entries.iter().chain(self.tenants.values().flatten());
        all.rfind(|entry| entry.id() == id && entry.withdrawn.is_none()).map(Entry::newest)
    }

    fn visible(&mut self, id: &str) -> Option<&mut Entry> {
        let mut all = self.entries.iter_mut().chain(self.tenants.values_mut().flatten());
        all.rfind(|entry| entry.id() == id && entry.withdrawn.is_none())
    }

    /// Every release that was ever committed, in the order of their commits.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Whether a release of the dataset is visible.
    #[must_use]
    pub fn has_dataset(&self, dataset: &str) -> bool {
        let visible = |entry: &&Entry| entry.withdrawn.is_none();
        self.entries.iter().filter(visible).any(|entry| entry.content.release.dataset == dataset)
    }

    /// A market as it was known.
    #[must_use]
    pub fn view(&self, market: Market, at: Knowledge) -> View<'_> {
        View { market, flows: self.trade(market, at), output: self.produced(market, at), mirror: self.mirror }
    }

    /// Whether anything of a market was known.
    #[must_use]
    pub fn has(&self, market: Market, at: Knowledge) -> bool {
        let counts = |entry: &Entry| match self.only {
            Only::Alone(only) => entry.dataset == only,
            Only::Anyone | Only::First(_) => true,
        };
        let visible = self.newest_first(at).filter(|(_, entry)| counts(entry));
        let visible = visible.map(|(_, entry)| entry.content_at(at));
        let mut rows = visible
            .map(|content| content.flows.lot(&market).is_some() || content.output.rows(&market).is_some());
        rows.any(|has| has)
    }

    /// A governance indicator in a period as it was known, by economy. None: no release has any.
    #[must_use]
    pub fn governance(&self, indicator: &str, period: Period, at: Knowledge) -> Option<Side<'_, Governed>> {
        let topic = Topic { table: v1::Table::Governance, period: Some(period), ..Topic::default() };
        let sides = self.newest_first(at).filter_map(|(place, entry)| {
            let content = entry.content_at(at);
            let rows = content.governance.get(indicator)?.rows(&period)?;
            Some((self.rank(entry, content, &topic, at), Side { place, content, rows }))
        });
        // Of one dataset the newest release comes first, and the first of the least rank stays.
        sides.reduce(|best, next| if next.0 < best.0 { next } else { best }).map(|(_, side)| side)
    }

    /// A parameter of a material and stage as it was known: by whom it is about, its rows by the period they hold from.
    #[must_use]
    pub fn parameters(
        &self,
        name: &str,
        material: Option<&'static str>,
        stage: Option<Stage>,
        at: Knowledge,
    ) -> BTreeMap<Option<Who>, BTreeMap<Period, Side<'_, Parameter>>> {
        let mut best = BTreeMap::new();
        for (place, entry) in self.newest_first(at) {
            let content = entry.content_at(at);
            let Some(table) = content.parameters.get(name) else { continue };
            let of = table.keys().filter(|key| (key.material, key.stage) == (material, stage));
            for key in of {
                let rows = table.rows(key).unwrap_or_default();
                let period = Some(key.period);
                let economy = key.economy.and_then(Who::economy);
                let material = material.unwrap_or_default();
                let topic = Topic { table: v1::Table::Parameters, material, stage, period, economy };
                let rank = self.rank(entry, content, &topic, at);
                keep(&mut best, (key.economy, key.period), rank, Side { place, content, rows });
            }
        }
        let mut sides = BTreeMap::<_, BTreeMap<_, _>>::new();
        for ((economy, period), (_, side)) in best {
            sides.entry(economy).or_default().insert(period, side);
        }
        sides
    }

    /// Restrictions of the exports of a material at a stage as they were known, by the economy that restricts.
    #[must_use]
    pub fn restrictions(
        &self,
        material: &str,
        stage: Stage,
        at: Knowledge,
    ) -> BTreeMap<EconomyId, Side<'_, Restriction>> {
        let mut best = BTreeMap::new();
        for (place, entry) in self.newest_first(at) {
            let content = entry.content_at(at);
            let of = content.restrictions.keys().filter(|key| key.material == material && key.stage == stage);
            for key in of {
                let rows = content.restrictions.rows(key).unwrap_or_default();
                let economy = Some(key.economy);
                let topic = Topic {
                    table: v1::Table::Restrictions,
                    material,
                    stage: Some(stage),
                    period: None,
                    economy,
                };
                let rank = self.rank(entry, content, &topic, at);
                keep(&mut best, key.economy, rank, Side { place, content, rows });
            }
        }
        best.into_iter().map(|(economy, (_, side))| (economy, side)).collect()
    }

    /// Every market of which anything was known, sorted.
    #[must_use]
    pub fn markets(&self, at: Knowledge) -> BTreeMap<Market, Tables> {
        let mut markets = BTreeMap::<Market, Tables>::new();
        let counts = |entry: &Entry| match self.only {
            Only::Alone(only) => entry.dataset == only,
            Only::Anyone | Only::First(_) => true,
        };
        for (_, entry) in self.newest_first(at).filter(|(_, entry)| counts(entry)) {
            let content = entry.content_at(at);
            for market in content.flows.keys() {
                markets.entry(*market).or_default().flows = true;
            }
            for market in content.output.keys() {
                markets.entry(*market).or_default().output = true;
            }
        }
        markets
    }

    fn newest_first(&self, at: Knowledge) -> impl Iterator<Item = (usize, &Entry)> {
        self.entries.iter().enumerate().rev().filter(move |(_, entry)| entry.is_visible(at))
    }

    /// The source policy as it was.
    fn policy(&self, at: Knowledge) -> &Arc<Policy> {
        let held = self.policies.iter().rev().find(|(moment, _)| at.includes(*moment));
        held.map_or(&NO_POLICY, |(_, policy)| policy)
    }

    /// Place of a release's dataset in the order of datasets.
    fn rank(&self, entry: &Entry, content: &Content, topic: &Topic<'_>, at: Knowledge) -> Rank {
        let policy = self.policy(at);
        let (kind, _) = policy.kind_of(&content.release);
        let own = self.datasets.is_tenants(entry.dataset);
        let preferred = policy.preferred(topic, &content.release.dataset);
        (Reverse(own), preferred, kind, Reverse(Completeness::WHOLE), entry.dataset)
    }
}

/// Nobody has said anything: the default order alone.
static NO_POLICY: LazyLock<Arc<Policy>> = LazyLock::new(Arc::default);

/// Keeps what has the least rank; of one rank what came first, which is the newest.
fn keep<K: Ord, S>(best: &mut BTreeMap<K, (Rank, S)>, key: K, rank: Rank, side: S) {
    match best.entry(key) {
        btree_map::Entry::Vacant(vacant) => {
            vacant.insert((rank, side));
        }
        btree_map::Entry::Occupied(mut occupied) if rank < occupied.get().0 => {
            occupied.insert((rank, side));
        }
        btree_map::Entry::Occupied(_) => {}
    }
}
