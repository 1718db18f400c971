//! What the worker hands to those who ask.

use std::sync::Arc;

use orewatch_eventlog::Position;

use crate::book::Book;

/// What the service knows, as those who ask see it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Snapshot {
    /// The book.
    pub(crate) book: Arc<Book>,
    /// Position of the observations log that the book rests on.
    pub(crate) position: Position,
    /// Turns of the book so far.
    pub(crate) turns: u64,
    /// Position of the exposures log up to which all that follows is published. None: some of it is not yet.
    pub(crate) published: Option<Position>,
    /// The observations log has been followed to its end once.
    pub(crate) ready: bool,
}
