//! What answers say about releases whose rows are erased.

use orewatch_contracts::common::v1::ErasedRelease;
use orewatch_contracts::time::timestamp;
use orewatch_contracts::{Class, Failure};

use crate::book::{Book, Knowledge};

/// Upper bound on the erased releases in an answer.
const MAX_ERASED: usize = 100;

/// Releases that an answer from a book would rest on, if their rows were not erased.
pub(crate) fn erased_releases(book: &Book, at: Knowledge) -> Vec<ErasedRelease> {
    let message = |release: &crate::book::CommittedRelease| ErasedRelease {
        release: release.id().to_owned(),
        erased_at: release.erased_at().map(timestamp),
    };
    book.withheld(at).into_iter().take(MAX_ERASED).map(message).collect()
}

/// The failure of a request for a dataset whose releases are all erased. `None`: it has none that is.
pub(crate) fn erased_dataset(book: &Book, dataset: &str, field: &str) -> Option<Failure> {
    let withheld = book.withheld(Knowledge::NOW);
    let erased = withheld.iter().find(|release| release.content.release.dataset == dataset)?;
    let message =
        format!("the rows of dataset `{dataset}` cannot be read: its release {} is erased", erased.id());
    let failure = Failure::new(Class::NotFound, "erased", message).at(field, dataset);
    Some(failure.with_hint("leave the dataset out for an answer from others"))
}
