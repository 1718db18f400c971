//! Events that must not count: marks of operators, and a log whose readers pass over what is marked.
//!
//! A damaged event stops every fold that comes to it. Nothing but a person can decide that the log is good
//! enough without it; the decision is a mark. A mark is an [`EventSkipped`] on the stream `LOG.skips` of the
//! same log, so that it is as durable as the event, and every process has it.
//!
//! A [`SkippingLog`] reads the marks when it is first read. What it passes over stays the same while it is
//! open, so that a fold and what it looks up later agree. The exception is an event at which a fold stands,
//! because it cannot be read or folded: no fold got any further, so its mark is looked for again and again
//! ([`EventLog::look_for_skip`]). If the log is replaced by another one, the marks are those of the other.
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _, stream};
use orewatch_contracts::common::v1::EventSkipped;
use tokio::sync::Mutex;
use tokio::time::Instant;
use uuid::Uuid;

use crate::skipped::{Skip, SkippedPositions};
use crate::{
    Error, EventLog, Extent, Filter, Item, Items, NewEvent, NewEvents, PassedOver, Position, StreamName,
    Unfinished, Usage, history,
};

/// Type of a mark on the log.
pub const EVENT_SKIPPED: &str = "orewatch.common.v1.EventSkipped";

impl SkippedPositions {
    /// Reads the marks on a log.
    ///
    /// # Errors
    /// Those of the log, and [`Error::Corrupt`] for a mark that cannot be decoded.
    pub async fn read(log: &dyn EventLog) -> Result<Self, Error> {
        Marks::read(log).await.map(|marks| marks.skipped)
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

/// The marks that are on a log now.
struct Marks {
    skipped: SkippedPositions,
    /// The events that they are, also those of marks that were withdrawn.
    events: Vec<(Position, Uuid)>,
    /// Events up to here were removed from the log.
    removed: Position,
}

impl Marks {
    async fn read(log: &dyn EventLog) -> Result<Self, Error> {
        let mut removed = 0;
        loop {
            match Self::read_after(log, removed).await {
                Err(Error::Gone { oldest, .. }) if oldest > removed + 1 => removed = oldest - 1,
                read => return read,
            }
        }
    }

    async fn read_after(log: &dyn EventLog, removed: Position) -> Result<Self, Error> {
        let mut events = history(log, Filter::Under(skips_stream(log.name())?), removed);
        let mut marks = Self { skipped: SkippedPositions::default(), events: Vec::new(), removed };
        while let Some(event) = events.try_next().await? {
            if event.kind == EVENT_SKIPPED {
                marks.skipped.add(Skip { time: event.time, mark: event.message()? });
                marks.events.push((event.position, event.id));
            }
        }
        Ok(marks)
    }
}

/// What tells a log from another one of the same name.
#[derive(Clone, Copy, Debug)]
struct Identity {
    /// The first event. `None`: there was none, or it cannot be read.
    first: Option<Uuid>,
    /// The last mark. An older copy of the log ends before it.
    last_mark: Option<(Position, Uuid)>,
}

impl Identity {
    async fn read(log: &dyn EventLog, marks: &Marks) -> Result<Self, Error> {
        let first = match history(log, Filter::All, 0).next().await {
            Some(Ok(event)) => Some(event.id),
            None | Some(Err(Error::Corrupt { .. } | Error::Gone { .. })) => None,
            Some(Err(error)) => return Err(error),
        };
        Ok(Self { first, last_mark: marks.events.last().copied() })
    }

    /// Whether a log that is found now may be this one, as far as it was read.
    fn is_of(self, found: Self, marks: &Marks) -> bool {
        let same_first = self.first.is_none() || found.first.is_none() || self.first == found.first;
        let is_there = |mark: (Position, Uuid)| mark.0 <= marks.removed || marks.events.contains(&mark);
        same_first && self.last_mark.is_none_or(is_there)
    }
}

/// The marks that readers follow.
#[derive(Debug, Default)]
struct Known {
    skipped: Arc<SkippedPositions>,
    /// The log that they are of. `None`: they were not read yet.
    identity: Option<Identity>,
}

/// A log with its marks.
#[derive(Debug)]
struct MarkedLog {
    log: Arc<dyn EventLog>,
    known: RwLock<Known>,
    /// Held while the marks are read, so that readers that begin together read them once, and fail together.
    /// The last failure.
    reading: Mutex<Option<(Instant, Error)>>,
    /// The log was away or is not the one before: whether the marks are still its own has to be checked.
    is_suspect: AtomicBool,
    /// End of the log when it was asked last.
    head: AtomicU64,
}

impl MarkedLog {
    fn skipped(&self) -> Arc<SkippedPositions> {
        Arc::clone(&self.known.read().unwrap_or_else(PoisonError::into_inner).skipped)
    }

    fn identity(&self) -> Option<Identity> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).identity
    }

    /// Reads the marks if they are not known, and again if the log is another one.
    async fn prepare(&self) -> Result<(), Error> {
        let is_ready = || self.identity().is_some() && !self.is_suspect.load(Ordering::Relaxed);
        if is_ready() {
            return Ok(());
        }
        let asked = Instant::now();
        let mut failure = self.reading.lock().await;
        if is_ready() {
            return Ok(());
        }
        if let Some((time, error)) = &*failure
            && *time >= asked
        {
            return Err(error.clone());
        }
        let read = self.read_marks().await;
        *failure = read.clone().err().map(|error| (Instant::now(), error));
        read
    }

    async fn read_marks(&self) -> Result<(), Error> {
        let marks = Marks::read(&*self.log).await?;
        let found = Identity::read(&*self.log, &marks).await?;
        match self.identity() {
            Some(known) if known.is_of(found, &marks) => self.keep(known.first.or(found.first)),
            _ => self.adopt(found, marks.skipped),
        }
        self.is_suspect.store(false, Ordering::Relaxed);
        Ok(())
    }

    /// Goes on with the marks as they are known.
    fn keep(&self, first: Option<Uuid>) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(identity) = &mut known.identity {
            identity.first = first;
        }
    }

    fn adopt(&self, identity: Identity, skipped: SkippedPositions) {
        for Skip { mark, .. } in skipped.iter() {
            let EventSkipped { position, reason, actor, .. } = mark;
            tracing::warn!(log = self.log.name(), position, reason, actor, "an event does not count");
        }
        *self.known.write().unwrap_or_else(PoisonError::into_inner) =
            Known { skipped: Arc::new(skipped), identity: Some(identity) };
    }

    /// Looks for a mark of an event at which a fold stands. Returns whether there is one.
    async fn find(&self, position: Position) -> Result<bool, Error> {
        let marks = Marks::read(&*self.log).await?;
        let Some(skip) = marks.skipped.get(position) else { return Ok(false) };
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        Arc::make_mut(&mut known.skipped).add(skip.clone());
        if let Some(identity) = &mut known.identity {
            identity.last_mark = marks.events.last().copied();
        }
        Ok(true)
    }

    /// Notices an error after which the log may be another one.
    fn notice<T>(&self, answer: Result<T, Error>) -> Result<T, Error> {
        answer.inspect_err(|error| self.notice_error(error))
    }

    fn notice_error(&self, error: &Error) {
        if matches!(error, Error::Unavailable { .. } | Error::Replaced { .. } | Error::Gone { .. }) {
            self.is_suspect.store(true, Ordering::Relaxed);
        }
    }
}

/// A log whose readers pass over events that must not count. Everything else is passed on to the wrapped log.
///
/// Each service has one of its own: an event at which only its fold stands may have been folded by others.
#[derive(Debug)]
pub struct SkippingLog(Arc<MarkedLog>);

impl SkippingLog {
    /// Wraps a log, which may be away. Its marks are read before anything else is.
    #[must_use]
    pub fn new(log: Arc<dyn EventLog>) -> Arc<Self> {
        let (known, reading, is_suspect) = (RwLock::default(), Mutex::default(), AtomicBool::default());
        let marked = MarkedLog { log, known, reading, is_suspect, head: AtomicU64::default() };
        Arc::new(Self(Arc::new(marked)))
    }

    /// Reads the marks on a log now, and wraps it.
    ///
    /// # Errors
    /// Those of [`SkippedPositions::read`].
    pub async fn open(log: Arc<dyn EventLog>) -> Result<Arc<dyn EventLog>, Error> {
        let opened = Self::new(log);
        opened.0.prepare().await?;
        Ok(opened)
    }
}

/// A reader that passes over events.
struct Reader {
    marked: Arc<MarkedLog>,
    filter: Filter,
    after: Position,
    /// `None`: nothing was read yet.
    items: Option<Items>,
}

impl Reader {
    /// The next item that counts. `None` after an error.
    async fn next(&mut self) -> Option<Result<Item, Error>> {
        loop {
            let item = match &mut self.items {
                Some(items) => items.next().await?,
                None => match self.marked.prepare().await {
                    Ok(()) => {
                        self.read_after(self.after);
                        continue;
                    }
                    Err(error) => {
                        self.items = Some(stream::empty().boxed());
                        Err(error)
                    }
                },
            };
            match self.marked.notice(item) {
                Ok(Item::Event(event)) if self.marked.skipped().contains(event.position) => {}
                Err(Error::Corrupt { position, .. }) if self.marked.skipped().contains(position) => {
                    self.read_after(position);
                }
                Err(error @ Error::Corrupt { position, .. }) if position > 0 => {
                    match self.marked.find(position).await {
                        Ok(true) => self.read_after(position),
                        Ok(false) | Err(_) => return Some(Err(error)),
                    }
                }
                item => return Some(item),
            }
        }
    }

    fn read_after(&mut self, position: Position) {
        self.items = Some(self.marked.log.read(self.filter.clone(), position));
    }
}

impl EventLog for SkippingLog {
    fn name(&self) -> &str {
        self.0.log.name()
    }

    fn append<'a>(
        &'a self,
        stream: &'a StreamName,
        expected: Position,
        events: Vec<NewEvent>,
    ) -> BoxFuture<'a, Result<Vec<Position>, Error>> {
        async move { self.0.notice(self.0.log.append(stream, expected, events).await) }.boxed()
    }

    fn append_in_order<'a>(
        &'a self,
        stream: &'a StreamName,
        expected: Position,
        events: &'a mut NewEvents<'a>,
    ) -> BoxFuture<'a, Result<Position, Unfinished>> {
        async move {
            let appended = self.0.log.append_in_order(stream, expected, events).await;
            appended.inspect_err(|unfinished| self.0.notice_error(&unfinished.error))
        }
        .boxed()
    }

    fn read(&self, filter: Filter, after: Position) -> Items {
        let reader = Reader { marked: Arc::clone(&self.0), filter, after, items: None };
        stream::unfold(reader, |mut reader| async move { reader.next().await.map(|item| (item, reader)) })
            .boxed()
    }

    fn last<'a>(&'a self, stream: &'a StreamName) -> BoxFuture<'a, Result<Position, Error>> {
        async move { self.0.notice(self.0.log.last(stream).await) }.boxed()
    }

    fn extent(&self) -> BoxFuture<'_, Result<Extent, Error>> {
        async move {
            let extent = self.0.notice(self.0.log.extent().await)?;
            if extent.head < self.0.head.swap(extent.head, Ordering::Relaxed) {
                self.0.is_suspect.store(true, Ordering::Relaxed);
            }
            Ok(extent)
        }
        .boxed()
    }

    fn usage(&self) -> BoxFuture<'_, Result<Option<Usage>, Error>> {
        self.0.log.usage()
    }

    fn passed_over(&self) -> PassedOver {
        self.0.log.passed_over()
    }

    fn skipped(&self) -> Arc<SkippedPositions> {
        self.0.skipped()
    }

    fn look_for_skip(&self, position: Position) -> BoxFuture<'_, Result<bool, Error>> {
        self.0.find(position).boxed()
    }
}
