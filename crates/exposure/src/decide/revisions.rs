//! How much the published figures of the datasets that answer in a market were revised so far.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use orewatch_catalog::Consumer;
use orewatch_contracts::exposure::v1::DatasetRevision;

use crate::book::{Book, DatasetId, Knowledge, MarketOutput};
use crate::revisions::{DatasetBands, Topic};
use crate::scope::Scope;

/// The revisions of the datasets of a book as it stands, each computed once, when a market first needs it.
pub(super) struct KnownRevisions<'a> {
    book: &'a Book,
    known: RefCell<BTreeMap<(DatasetId, Topic), Rc<DatasetBands>>>,
}

impl<'a> KnownRevisions<'a> {
    pub(super) fn new(book: &'a Book) -> Self {
        Self { book, known: RefCell::default() }
    }

    /// The datasets that answer in a market for anyone, sorted by name, with their revisions. Empty if no
    /// revision of any of them is known.
    pub(super) fn of_market(&self, scope: &Scope<'_>) -> Vec<DatasetRevision> {
        if !scope.has_figures() {
            return Vec::new();
        }
        let accounts = scope.accounts();
        let mut answering = BTreeMap::<DatasetId, DatasetRevision>::new();
        for dataset in accounts.answering(Consumer::World) {
            answering.entry(dataset).or_default().trade = true;
        }
        if let Some(dataset) = accounts.view().output.as_ref().and_then(MarketOutput::answering) {
            answering.entry(dataset).or_default().output = true;
        }
        let market = scope.market();
        let topic = (market.material, market.stage);
        let with_bands = |(id, answers): (DatasetId, DatasetRevision)| DatasetRevision {
            trade: answers.trade,
            output: answers.output,
            ..self.bands(id, topic).message(self.book.dataset_name(id))
        };
        let mut all: Vec<_> = answering.into_iter().map(with_bands).collect();
        if all.iter().all(|one| one.by_quantity.is_none() && one.by_value.is_none()) {
            return Vec::new();
        }
        all.sort_by(|a, b| a.dataset.cmp(&b.dataset));
        all
    }

    fn bands(&self, dataset: DatasetId, topic: Topic) -> Rc<DatasetBands> {
        let compute = || Rc::new(DatasetBands::new(self.book, Knowledge::NOW, dataset, topic));
        Rc::clone(self.known.borrow_mut().entry((dataset, topic)).or_insert_with(compute))
    }
}
