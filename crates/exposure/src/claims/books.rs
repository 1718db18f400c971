//! The book as each source answers it: the source policy, one dataset, or one scenario.

use std::collections::BTreeMap;
use std::sync::Arc;

use orewatch_contracts::exposure::v1::Reading;
use orewatch_eventlog::Position;

use crate::book::{Book, Knowledge, Market, Tables};
use crate::snapshot::Snapshot;

/// The book as each source answers it, read when it is first needed.
pub(super) struct Books<'a> {
    known: &'a Snapshot,
    at: Knowledge,
    read: BTreeMap<String, Option<Arc<Book>>>,
    /// The markets of a source as they were known at a position. Every claim asks for them, and a book with
    /// many releases takes a while to list them.
    markets: BTreeMap<(String, Position), Arc<KnownMarkets>>,
}

/// Markets of which anything was known, with what was known of them.
pub(super) type KnownMarkets = BTreeMap<Market, Tables>;

impl<'a> Books<'a> {
    pub(super) fn new(known: &'a Snapshot, at: Knowledge) -> Self {
        Self { known, at, read: BTreeMap::new(), markets: BTreeMap::new() }
    }

    /// The knowledge time of the request.
    pub(super) fn knowledge(&self) -> Knowledge {
        self.at
    }

    /// The book answered by a dataset, by a scenario (`DATASET:SCENARIO`), or, for the empty text, by the
    /// source policy. `None`: there is no such source.
    pub(super) fn book(&mut self, source: &str) -> Option<Arc<Book>> {
        if let Some(book) = self.read.get(source) {
            return book.clone();
        }
        let (dataset, scenario) = if source.contains(':') { ("", source) } else { (source, "") };
        let reading =
            Reading { dataset: dataset.to_owned(), scenario: scenario.to_owned(), ..Reading::default() };
        let book = self.known.read(Some(&reading)).ok();
        self.read.insert(source.to_owned(), book.clone());
        book
    }

    /// The markets of a source as they were known at a time. None if there is no such source.
    pub(super) fn markets(&mut self, source: &str, at: Knowledge) -> Arc<KnownMarkets> {
        let key = (source.to_owned(), at.position);
        if let Some(markets) = self.markets.get(&key) {
            return Arc::clone(markets);
        }
        let markets = Arc::new(self.book(source).map(|book| book.markets(at)).unwrap_or_default());
        self.markets.insert(key, Arc::clone(&markets));
        markets
    }

    /// The scenarios that have projections, sorted.
    pub(super) fn scenarios(&self) -> Vec<String> {
        self.known.book.scenarios(self.at).into_iter().map(|scenario| scenario.name).collect()
    }
}
