//! What the worker publishes for requests: the newest book and the positions that it rests on.

use std::collections::BTreeSet;
use std::sync::Arc;

use orewatch_contracts::exposure::v1 as contract;
use orewatch_contracts::exposure::v1::Reading;
use orewatch_contracts::{Class, Failure};
use orewatch_eventlog::Position;
use orewatch_measures::Mirror;

use crate::book::Book;

/// State of the service at one moment, as requests see it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Snapshot {
    /// The book.
    pub(crate) book: Arc<Book>,
    /// Position of the observations log up to which the book is read.
    pub(crate) position: Position,
    /// Number of jobs that were given to the publisher so far.
    pub(crate) jobs: u64,
    /// Position of the exposures log at which everything that follows from the book is published. `None`:
    /// some of it is not published yet.
    pub(crate) published: Option<Position>,
    /// Whether the observations log has been read to its end once.
    pub(crate) ready: bool,
}

impl Snapshot {
    /// The book as a request wants to read it: for its tenant, with its way to reconcile two reports of a
    /// flow, answered by its dataset.
    ///
    /// # Errors
    /// A way to reconcile reports that this version does not know; a dataset without any release.
    pub(crate) fn read(&self, reading: Option<&Reading>) -> Result<Arc<Book>, Failure> {
        let Some(reading) = reading else { return Ok(Arc::clone(&self.book)) };
        let mirror = match contract::Mirror::try_from(reading.mirror) {
            Ok(contract::Mirror::Unspecified | contract::Mirror::Importer) => Mirror::Importer,
            Ok(contract::Mirror::Exporter) => Mirror::Exporter,
            Ok(contract::Mirror::Larger) => Mirror::Larger,
            Ok(contract::Mirror::Mean) => Mirror::Mean,
            Err(_) => {
                let message = "unknown way to reconcile two reports of a flow";
                return Err(Failure::new(Class::Invalid, "invalid-request", message)
                    .at("reading.mirror", reading.mirror.to_string()));
            }
        };
        if mirror == Mirror::default() && reading.tenant.is_empty() && reading.dataset.is_empty() {
            return Ok(Arc::clone(&self.book));
        }
        let book = self.book.for_reader(&reading.tenant, mirror);
        if reading.dataset.is_empty() {
            return Ok(Arc::new(book));
        }
        let dataset = book
            .dataset(&reading.dataset)
            .ok_or_else(|| unknown_dataset(&book, &reading.dataset, "reading.dataset"))?;
        Ok(Arc::new(book.answered_by(dataset)))
    }
}

/// The failure of a request that names a dataset without any release.
pub(crate) fn unknown_dataset(book: &Book, dataset: &str, field: &str) -> Failure {
    let known: BTreeSet<_> =
        book.releases().iter().map(|entry| entry.content.release.dataset.as_str()).collect();
    let near = orewatch_catalog::closest(dataset, known.iter().copied());
    let hint = match near {
        Some(near) => format!("did you mean {near}?"),
        None => format!("there are: {}", known.into_iter().collect::<Vec<_>>().join(", ")),
    };
    Failure::new(
        Class::NotFound,
        "unknown-dataset",
        format!("no release of dataset `{dataset}` was committed"),
    )
    .with_hint(hint)
    .at(field, dataset)
}
