//! The book: every release that was ever committed, and what anything looked like at any time.
//!
//! What a table says of one key comes from one release: the newest, by commit, that has any row for the key and is visible.
//! It replaces older ones wholly, also those of other datasets: sources of the same figures are never added up. Keys that a
//! new release does not cover stay with the older ones. The keys are
//!
//! - of flows and of output: the market (material, stage, period),
//! - of governance: indicator and period,
//! - of parameters: name, material, stage, economy and period,
//! - of restrictions: the economy that restricts, material and stage.
//!
//! Rows that are mended after the commit are added to those of their release, which keeps its place among the others; what was
//! known before does not have them.

mod content;
mod decode;
mod economy;
mod flows;
mod policy;
mod rows;
mod strip;
mod table;

pub use content::{Content, Entry};
pub use decode::{Open, Unreadable};
pub use economy::{EconomyId, Who};
pub use flows::{Flows, Lot};
pub use policy::{Evaluation, Governed, Holding, Parameter, Restricting, Restriction};
pub use rows::{Cell, Flow, Market, Origin, Output, Reporter};
pub use table::{Named, Row, Table};

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use orewatch_catalog::{Period, Stage};
use orewatch_eventlog::Position;
use orewatch_measures::Mirror;

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

/// Flows of one market with the release they are from. They are read when they are asked for.
#[derive(Clone, Copy, Debug)]
pub struct Trade<'a> {
    /// Place of the release in the order of commits.
    pub place: usize,
    /// What the release says.
    pub content: &'a Content,
    /// The flows.
    pub lot: &'a Lot,
}

/// A market as it was known.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The market.
    pub market: Market,
    /// Its flows. None: no release has any.
    pub flows: Option<Trade<'a>>,
    /// Its output. None: no release has any.
    pub output: Option<Side<'a, Output>>,
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
    mirror: Mirror,
}

impl Book {
    /// The book with one more release. One that is another reading of a visible release takes its place, and that one is seen no
    /// more, except as at an earlier time.
    #[must_use]
    pub fn with(&self, content: Arc<Content>, committed: Moment) -> Self {
        let mut book = self.clone();
        let shelf = book.shelf_of(&content.release.tenant.clone());
        let replaced = content.release.in_place_of.clone();
        let place = shelf.iter().rposition(|entry| entry.id() == replaced && entry.withdrawn.is_none());
        if let Some(entry) = place.and_then(|place| shelf.get_mut(place)) {
            entry.withdrawn = Some(committed);
        }
        let place = place.map_or(shelf.len(), |place| place + 1);
        shelf.insert(place, Entry::new(content, committed));
        book
    }

    /// The book as a tenant reads it, whose own releases come before everyone's; the empty name reads everyone's alone.
    #[must_use]
    pub fn reading(&self, tenant: &str, mirror: Mirror) -> Self {
        let own = self.tenants.get(tenant).into_iter().flatten();
        let entries = self.entries.iter().chain(own).cloned().collect();
        Self { entries, tenants: BTreeMap::new(), mirror }
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
        View {
            market,
            flows: self.newest_first(at).find_map(|(place, entry)| {
                let content = entry.content_at(at);
                Some(Trade { place, content, lot: content.flows.lot(&market)? })
            }),
            output: self.newest(at, |content| content.output.rows(&market)),
            mirror: self.mirror,
        }
    }

    /// A governance indicator in a period as it was known, by economy. None: no release has any.
    #[must_use]
    pub fn governance(&self, indicator: &str, period: Period, at: Knowledge) -> Option<Side<'_, Governed>> {
        self.newest(at, |content| content.governance.get(indicator)?.rows(&period))
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
        let mut sides = BTreeMap::<_, BTreeMap<_, _>>::new();
        for (place, entry) in self.newest_first(at) {
            let content = entry.content_at(at);
            let Some(table) = content.parameters.get(name) else { continue };
            let of = table.keys().filter(|key| (key.material, key.stage) == (material, stage));
            for key in of {
                let rows = table.rows(key).unwrap_or_default();
                let held = sides.entry(key.economy).or_default();
                held.entry(key.period).or_insert(Side { place, content, rows });
            }
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
        let mut sides = BTreeMap::new();
        for (place, entry) in self.newest_first(at) {
            let content = entry.content_at(at);
            let of = content.restrictions.keys().filter(|key| key.material == material && key.stage == stage);
            for key in of {
                let rows = content.restrictions.rows(key).unwrap_or_default();
                sides.entry(key.economy).or_insert(Side { place, content, rows });
            }
        }
        sides
    }

    /// Every market of which anything was known, sorted.
    #[must_use]
    pub fn markets(&self, at: Knowledge) -> BTreeMap<Market, Tables> {
        let mut markets = BTreeMap::<Market, Tables>::new();
        for (_, entry) in self.newest_first(at) {
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

    /// Rows of the newest visible release that has any.
    fn newest<'a, R>(
        &'a self,
        at: Knowledge,
        rows: impl Fn(&'a Content) -> Option<&'a [R]>,
    ) -> Option<Side<'a, R>> {
        self.newest_first(at).find_map(|(place, entry)| {
            let content = entry.content_at(at);
            Some(Side { place, content, rows: rows(content)? })
        })
    }

    fn newest_first(&self, at: Knowledge) -> impl Iterator<Item = (usize, &Entry)> {
        self.entries.iter().enumerate().rev().filter(move |(_, entry)| entry.is_visible(at))
    }
}
