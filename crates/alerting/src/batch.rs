//! The exposures log, one applied release at a time.
use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::StreamExt as _;
use orewatch_contracts::common::v1::Cause;
use orewatch_contracts::exposure::v1::{ExposuresChanged, PACKAGE, ReleaseApplied};
use orewatch_eventlog::{Error, Event, EventLog, Filter, Item, Items, Position};

use uuid::Uuid;

use crate::facts::{corrupt, decode};

/// Everything that a release changed in one material.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Batch {
    /// Position of the event that closes it.
    pub(crate) position: Position,
    /// Identifier of that event.
    pub(crate) event: Uuid,
    /// The material.
    pub(crate) material: String,
    /// The cause.
    pub(crate) cause: Option<Cause>,
    /// The changes, in the order of the log.
    pub(crate) changes: Vec<ExposuresChanged>,
}

/// What is read of batches that are not complete, by material.
#[derive(Debug, Default)]
pub(crate) struct Building(BTreeMap<String, Begun>);

/// What is read of a batch that is not complete.
#[derive(Debug)]
struct Begun {
    /// Position of its first event.
    first: Position,
    changes: Vec<ExposuresChanged>,
}

impl Building {
    /// Folds an event. Returns the batch that it completes.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for an event that cannot be read.
    pub(crate) fn fold(&mut self, event: &Event) -> Result<Option<Batch>, Error> {
        match event.kind.strip_prefix(PACKAGE) {
            Some(".ExposuresChanged") => {
                let change: ExposuresChanged = decode(event)?;
                let market = change.market.as_ref().ok_or_else(|| corrupt(event, "the market is missing"))?;
                let new = || Begun { first: event.position, changes: Vec::new() };
                self.0.entry(market.material.clone()).or_insert_with(new).changes.push(change);
                Ok(None)
            }
            Some(".ReleaseApplied") => {
                let ReleaseApplied { material, cause, .. } = decode(event)?;
                let changes = self.0.remove(&material).map(|begun| begun.changes).unwrap_or_default();
                Ok(Some(Batch { position: event.position, event: event.id, material, cause, changes }))
            }
            _ => Ok(None),
        }
    }

    /// Position after which all of what is not complete is read again, if `folded` is the last batch that was taken.
    pub(crate) fn resume_after(&self, folded: Position) -> Position {
        let first = self.0.values().map(|begun| begun.first).min();
        first.map_or(folded, |first| folded.min(first.saturating_sub(1)))
    }
}

/// Reads the exposures log; holds at most one batch that is complete, and what is read of those that are not.
pub(crate) struct Batches {
    items: Items,
    building: Building,
    ready: Option<Arc<Batch>>,
    is_caught_up: bool,
    /// Batches up to here are known.
    known: Position,
}

impl std::fmt::Debug for Batches {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Batches").field("ready", &self.ready_at()).finish_non_exhaustive()
    }
}

impl Batches {
    /// From the first event on.
    #[must_use]
    pub(crate) fn from_the_beginning(log: &dyn EventLog) -> Self {
        Self::from(log, 0, 0)
    }

    /// The batches after one that is known, reading on after a position by which all of them begin.
    #[must_use]
    pub(crate) fn from(log: &dyn EventLog, after: Position, known: Position) -> Self {
        let items = log.read(Filter::All, after);
        Self { items, building: Building::default(), ready: None, is_caught_up: false, known }
    }

    /// Position after which all of what is not complete is read again, if `folded` is the last batch that was taken.
    pub(crate) fn resume_after(&self, folded: Position) -> Position {
        self.building.resume_after(folded)
    }

    /// Position of the batch that is complete.
    #[must_use]
    pub(crate) fn ready_at(&self) -> Option<Position> {
        self.ready.as_ref().map(|batch| batch.position)
    }

    /// Takes the batch that is complete.
    pub(crate) fn take(&mut self) -> Option<Arc<Batch>> {
        self.ready.take()
    }

    /// The batch that is complete.
    #[must_use]
    pub(crate) fn ready(&self) -> Option<&Arc<Batch>> {
        self.ready.as_ref()
    }

    /// Whether all that was on the log when it was opened has been read.
    #[must_use]
    pub(crate) fn is_caught_up(&self) -> bool {
        self.is_caught_up
    }

    /// Reads on until a batch is complete, or until the present is reached. Nothing is lost if the future is dropped.
    ///
    /// # Errors
    /// Those of the log, and [`Error::Corrupt`] for an event that cannot be read.
    pub(crate) async fn fill(&mut self) -> Result<(), Error> {
        while self.ready.is_none() {
            match self.items.next().await {
                Some(Ok(Item::Event(event))) => {
                    let batch = self.building.fold(&event)?;
                    self.ready = batch.filter(|batch| batch.position > self.known).map(Arc::new);
                }
                Some(Ok(Item::CaughtUp(_))) => {
                    self.is_caught_up = true;
                    return Ok(());
                }
                Some(Err(error)) => return Err(error),
                None => return Err(ended("exposures")),
            }
        }
        Ok(())
    }
}

/// A log's reader ended without an error, which it never does.
pub(crate) fn ended(log: &str) -> Error {
    Error::Unavailable { log: log.to_owned(), reason: "the reader ended".to_owned(), outcome_unknown: false }
}
