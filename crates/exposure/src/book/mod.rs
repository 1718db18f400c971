//! The book: every release that was ever committed, and what any market looked like at any time.
//!
//! A market's figures of one table come from one release: the newest, by commit, that has any row for it and is visible.
//! It replaces older ones wholly, also those of other datasets: sources of the same figures are never added up. Periods and
//! markets that a new release does not cover stay with the older ones.

mod decode;
mod economy;
mod rows;

pub use decode::{Open, Unreadable};
pub use economy::EconomyId;
pub use rows::{Cell, Flow, Market, Origin, Output, Row, Table};

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use orewatch_contracts::ingestion::v1::Release;
use orewatch_eventlog::Position;

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

/// What a release says, which never changes once it is committed.
#[derive(Debug)]
pub struct Content {
    /// The release.
    pub release: Release,
    /// Product codes of the rows, or the basis of series.
    pub products: Vec<String>,
    /// Flows.
    pub flows: Table<Flow>,
    /// Output.
    pub output: Table<Output>,
}

impl Content {
    /// Every market that the release is about, sorted, each once.
    #[must_use]
    pub fn markets(&self) -> Vec<Market> {
        let mut markets: Vec<_> = self.flows.markets().chain(self.output.markets()).copied().collect();
        markets.sort_unstable();
        markets.dedup();
        markets
    }

    /// The text at an index of the products.
    #[must_use]
    pub fn product(&self, index: u16) -> &str {
        self.products.get(usize::from(index)).map_or("", String::as_str)
    }
}

/// A committed release.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What it says.
    pub content: Arc<Content>,
    /// When it became visible.
    pub committed: Moment,
    /// When it ceased to be. None: it has not.
    pub withdrawn: Option<Moment>,
}

impl Entry {
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

/// Rows of a market with the release they are from.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a, R> {
    /// What the release says.
    pub content: &'a Content,
    /// The rows, sorted.
    pub rows: &'a [R],
}

/// A market as it was known.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The market.
    pub market: Market,
    /// Its flows. None: no release has any.
    pub flows: Option<Side<'a, Flow>>,
    /// Its output. None: no release has any.
    pub output: Option<Side<'a, Output>>,
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
#[derive(Clone, Debug, Default)]
pub struct Book {
    entries: Vec<Entry>,
}

impl Book {
    /// The book with one more release.
    #[must_use]
    pub fn with(&self, content: Arc<Content>, committed: Moment) -> Self {
        let mut entries = self.entries.clone();
        entries.push(Entry { content, committed, withdrawn: None });
        Self { entries }
    }

    /// The book with a release withdrawn, and what that release says. None: no such release is visible.
    #[must_use]
    pub fn without(&self, id: &str, withdrawn: Moment) -> Option<(Self, Arc<Content>)> {
        let mut entries = self.entries.clone();
        let entry = entries.iter_mut().rev().find(|entry| entry.id() == id && entry.withdrawn.is_none())?;
        entry.withdrawn = Some(withdrawn);
        let content = Arc::clone(&entry.content);
        Some((Self { entries }, content))
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
        let mut view = View { market, flows: None, output: None };
        for entry in self.newest_first(at) {
            let content = &*entry.content;
            let flows = || content.flows.rows(&market).map(|rows| Side { content, rows });
            let output = || content.output.rows(&market).map(|rows| Side { content, rows });
            view.flows = view.flows.or_else(flows);
            view.output = view.output.or_else(output);
            if view.flows.is_some() && view.output.is_some() {
                break;
            }
        }
        view
    }

    /// Every market of which anything was known, sorted.
    #[must_use]
    pub fn markets(&self, at: Knowledge) -> BTreeMap<Market, Tables> {
        let mut markets = BTreeMap::<Market, Tables>::new();
        for entry in self.newest_first(at) {
            for market in entry.content.flows.markets() {
                markets.entry(*market).or_default().flows = true;
            }
            for market in entry.content.output.markets() {
                markets.entry(*market).or_default().output = true;
            }
        }
        markets
    }

    fn newest_first(&self, at: Knowledge) -> impl Iterator<Item = &Entry> {
        self.entries.iter().rev().filter(move |entry| entry.is_visible(at))
    }
}
