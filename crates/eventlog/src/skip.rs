//! Events that must not count: marks of operators, and a log whose readers pass over what is marked.
//!
//! A mark is an [`EventSkipped`] on the stream `LOG.skips` of the same log, so that it is as durable as the
//! event, and every process has it. [`SkippingLog`] reads the marks when it is opened. What it passes over
//! stays the same while it is open, so that all folds of a process agree; the exception is an event that
//! cannot be read, at which no fold got any further: its mark is looked for when a reader comes to it.
use std::sync::{Arc, PoisonError, RwLock};

use futures_util::future::BoxFuture;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use orewatch_contracts::common::v1::EventSkipped;

use crate::skipped::{Skip, SkippedPositions};
use crate::{Error, Event, EventLog, Extent, Filter, Item, Items, NewEvent, Position, StreamName, history};

/// Type of a mark on the log.
pub const EVENT_SKIPPED: &str = "orewatch.common.v1.EventSkipped";

impl SkippedPositions {
    /// Reads the marks on a log.
    ///
    /// # Errors
    /// Those of the log, and [`Error::Corrupt`] for a mark that cannot be decoded.
    pub async fn read(log: &dyn EventLog) -> Result<Self, Error> {
        let events: Vec<Event> =
            history(log, Filter::Under(skips_stream(log.name())?), 0).try_collect().await?;
        let mut skipped = Self::default();
        for event in events.iter().filter(|event| event.kind == EVENT_SKIPPED) {
            skipped.add(Skip { time: event.time, mark: event.message()? });
        }
        Ok(skipped)
    }
}

/// Name of the stream that has a log's marks.
///
/// # Errors
/// [`Error::Invalid`] for a name that no log has.
pub fn skips_stream(log: &str) -> Result<StreamName, Error> {
    let name = format!("{log}.skips");
    StreamName::new(&*name).map_err(|error| Error::Invalid { stream: name, reason: error.to_string() })
}

/// A log whose readers pass over events that must not count. Everything else is passed on to the wrapped log.
#[derive(Debug)]
pub struct SkippingLog {
    log: Arc<dyn EventLog>,
    skipped: Arc<Skipped>,
}

/// The marks that the readers of a process follow.
#[derive(Debug, Default)]
struct Skipped(RwLock<Arc<SkippedPositions>>);

impl Skipped {
    fn now(&self) -> Arc<SkippedPositions> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks for a mark of an event that cannot be read. Returns whether there is one.
    async fn find(&self, log: &dyn EventLog, position: Position) -> Result<bool, Error> {
        let read = SkippedPositions::read(log).await?;
        let Some(skip) = read.get(position) else { return Ok(false) };
        let mut skipped = self.0.write().unwrap_or_else(PoisonError::into_inner);
        Arc::make_mut(&mut skipped).add(skip.clone());
        Ok(true)
    }
}

impl SkippingLog {
    /// Reads the marks on a log, and wraps it.
    ///
    /// # Errors
    /// Those of [`SkippedPositions::read`].
    pub async fn open(log: Arc<dyn EventLog>) -> Result<Arc<dyn EventLog>, Error> {
        let read = SkippedPositions::read(log.as_ref()).await?;
        for Skip { mark, .. } in read.iter() {
            let EventSkipped { position, reason, actor, .. } = mark;
            tracing::warn!(log = log.name(), position, reason, actor, "an event does not count");
        }
        let skipped = Arc::new(Skipped(RwLock::new(Arc::new(read))));
        Ok(Arc::new(Self { log, skipped }))
    }
}

/// A reader that passes over events.
struct Reader {
    log: Arc<dyn EventLog>,
    skipped: Arc<Skipped>,
    filter: Filter,
    items: Items,
}

impl Reader {
    /// The next item that counts. `None` after an error.
    async fn next(&mut self) -> Option<Result<Item, Error>> {
        loop {
            match self.items.next().await? {
                Ok(Item::Event(event)) if self.skipped.now().contains(event.position) => {}
                Err(Error::Corrupt { position, .. }) if self.skipped.now().contains(position) => {
                    self.items = self.log.read(self.filter.clone(), position);
                }
                Err(error @ Error::Corrupt { position, .. }) if position > 0 => {
                    match self.skipped.find(self.log.as_ref(), position).await {
                        Ok(true) => self.items = self.log.read(self.filter.clone(), position),
                        Ok(false) | Err(_) => return Some(Err(error)),
                    }
                }
                item => return Some(item),
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
        let reader = Reader { log: Arc::clone(&self.log), skipped: Arc::clone(&self.skipped), filter, items };
        stream::unfold(reader, |mut reader| async move { reader.next().await.map(|item| (item, reader)) })
            .boxed()
    }

    fn last<'a>(&'a self, stream: &'a StreamName) -> BoxFuture<'a, Result<Position, Error>> {
        self.log.last(stream)
    }

    fn extent(&self) -> BoxFuture<'_, Result<Extent, Error>> {
        self.log.extent()
    }

    fn skipped(&self) -> Arc<SkippedPositions> {
        self.skipped.now()
    }
}
