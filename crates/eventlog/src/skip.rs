//! Passing over events that an operator has marked.
//!
//! A damaged event stops every fold that comes to it. Nothing but a person can decide that the log is good
//! enough without it; the decision is a mark. A [`SkippingLog`] yields the events of another log without the
//! marked ones.
use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use futures_util::future::BoxFuture;
use futures_util::{StreamExt as _, stream};

use crate::{Error, EventLog, Extent, Filter, Item, Items, NewEvent, PassedOver, Position, StreamName};

/// The positions of a log that an operator has marked. They may grow while the log is read.
pub trait SkipMarks: fmt::Debug + Send + Sync {
    /// Whether the event at a position is to be passed over.
    fn is_marked(&self, position: Position) -> bool;
}

/// Marks in memory.
#[derive(Debug, Default)]
pub struct MarkedPositions(RwLock<BTreeSet<Position>>);

impl MarkedPositions {
    /// Marks a position.
    pub fn mark(&self, position: Position) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(position);
    }
}

impl SkipMarks for MarkedPositions {
    fn is_marked(&self, position: Position) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).contains(&position)
    }
}

/// A log whose readers pass over what is marked. Everything else is passed on to the wrapped log.
#[derive(Debug)]
pub struct SkippingLog {
    log: Arc<dyn EventLog>,
    marks: Arc<dyn SkipMarks>,
}

impl SkippingLog {
    /// Wraps a log.
    #[must_use]
    pub fn new(log: Arc<dyn EventLog>, marks: Arc<dyn SkipMarks>) -> Arc<Self> {
        Arc::new(Self { log, marks })
    }
}

/// A reader that passes over marked positions.
struct Reader {
    log: Arc<dyn EventLog>,
    marks: Arc<dyn SkipMarks>,
    filter: Filter,
    items: Items,
}

impl Reader {
    async fn next(&mut self) -> Option<Result<Item, Error>> {
        loop {
            match self.items.next().await {
                Some(Ok(Item::Event(event))) if self.marks.is_marked(event.position) => {}
                Some(Err(Error::Corrupt { position, .. }))
                    if position > 0 && self.marks.is_marked(position) =>
                {
                    self.items = self.log.read(self.filter.clone(), position);
                }
                item => return item,
            }
        }
    }
}

impl EventLog for SkippingLog {
    fn name(&self) -> &str {
        self.log.name()
    }

    fn append<'a>(
        &'a self,
        stream: &'a StreamName,
        expected: Position,
        events: Vec<NewEvent>,
    ) -> BoxFuture<'a, Result<Vec<Position>, Error>> {
        self.log.append(stream, expected, events)
    }

    fn read(&self, filter: Filter, after: Position) -> Items {
        let items = self.log.read(filter.clone(), after);
        let reader = Reader { log: Arc::clone(&self.log), marks: Arc::clone(&self.marks), filter, items };
        let next = |mut reader: Reader| async move { reader.next().await.map(|item| (item, reader)) };
        stream::unfold(reader, next).boxed()
    }

    fn last<'a>(&'a self, stream: &'a StreamName) -> BoxFuture<'a, Result<Position, Error>> {
        self.log.last(stream)
    }

    fn extent(&self) -> BoxFuture<'_, Result<Extent, Error>> {
        self.log.extent()
    }

    fn passed_over(&self) -> PassedOver {
        self.log.passed_over()
    }
}
