//! The book as each source answers it: the source policy, one dataset, or one scenario.

use std::collections::BTreeMap;
use std::sync::Arc;

use orewatch_contracts::exposure::v1::Reading;

use crate::book::{Book, Knowledge};
use crate::snapshot::Snapshot;

/// The book as each source answers it, read when it is first needed.
pub(super) struct Books<'a> {
    known: &'a Snapshot,
    at: Knowledge,
    read: BTreeMap<String, Option<Arc<Book>>>,
}

impl<'a> Books<'a> {
    pub(super) fn new(known: &'a Snapshot, at: Knowledge) -> Self {
        Self { known, at, read: BTreeMap::new() }
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

    /// The scenarios that have projections, sorted.
    pub(super) fn scenarios(&self) -> Vec<String> {
        self.known.book.scenarios(self.at).into_iter().map(|scenario| scenario.name).collect()
    }
}
