//! The pages of the log that all readers share, and the connections that read them.
//!
//! A reader holds no events of its own. It points at a page with a weak reference, and reads the page again
//! if it has been evicted meanwhile. Thousands of readers therefore hold no more than the pages that are kept
//! here, whether their items are taken or not.
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::AbortOnDropHandle;

use super::file::LogFile;
use super::row::{self, Batch};
use crate::recent::{Recent, RecentBatch};
use crate::{Error, Event, Filter, Position};

/// Upper bound on reads from the disk at the same time, each on a connection of its own.
const MAX_CONNECTIONS: usize = 4;

/// Upper bound on the data of the pages that are kept, in bytes.
const MAX_PAGES_BYTES: usize = 16 * 1024 * 1024;

/// Estimate of the memory that an event takes beside its data, in bytes.
const EVENT_OVERHEAD_BYTES: usize = 256;

/// Consecutive events that match a filter.
#[derive(Debug)]
pub(super) struct Page {
    filter: Filter,
    after: Position,
    batch: Batch,
}

impl Page {
    /// The first event of the page after a position.
    pub(super) fn first_after(&self, after: Position) -> Option<&Event> {
        let first = self.batch.events.partition_point(|event| event.position <= after);
        self.batch.events.get(first)
    }

    /// Everything that matches up to here is in the page.
    pub(super) fn upto(&self) -> Position {
        match &self.batch.damage {
            Some((position, _)) => position.saturating_sub(1),
            None => self.batch.upto,
        }
    }

    /// Position of the event after the last one and why it cannot be read, if it cannot.
    pub(super) fn damage(&self) -> Option<(Position, &str)> {
        self.batch.damage.as_ref().map(|(position, reason)| (*position, reason.as_str()))
    }

    fn bytes(&self) -> usize {
        self.batch.events.iter().map(|event| event.data.len() + EVENT_OVERHEAD_BYTES).sum::<usize>()
            + EVENT_OVERHEAD_BYTES
    }

    fn holds(&self, filter: &Filter, after: Position) -> bool {
        self.after <= after && after < self.upto() && self.filter == *filter
    }
}

/// The pages and connections of a log.
#[derive(Debug)]
pub(super) struct Pages {
    place: Arc<LogFile>,
    recent: Arc<Recent>,
    /// One permit for each read from the disk.
    permits: Arc<Semaphore>,
    /// Connections that are not in use.
    idle: Mutex<Vec<Connection>>,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    /// Oldest first.
    pages: VecDeque<Arc<Page>>,
    bytes: usize,
}

impl Kept {
    fn find(&self, filter: &Filter, after: Position) -> Option<Arc<Page>> {
        self.pages.iter().rev().find(|page| page.holds(filter, after)).map(Arc::clone)
    }

    /// Keeps a page, and as many of the others as fit.
    fn push(&mut self, page: Arc<Page>) {
        self.bytes += page.bytes();
        self.pages.push_back(page);
        while self.bytes > MAX_PAGES_BYTES && self.pages.len() > 1 {
            let Some(oldest) = self.pages.pop_front() else { break };
            self.bytes -= oldest.bytes();
        }
    }
}

impl Pages {
    pub(super) fn new(place: Arc<LogFile>, recent: Arc<Recent>) -> Self {
        let (idle, kept) = (Mutex::default(), Mutex::default());
        Self { place, recent, permits: Arc::new(Semaphore::new(MAX_CONNECTIONS)), idle, kept }
    }

    pub(super) fn place(&self) -> &LogFile {
        &self.place
    }

    /// The page with the events after `after`, up to `upto`. If it has to be read from the disk it has about
    /// `bytes` bytes.
    pub(super) async fn page(
        self: &Arc<Self>,
        filter: &Filter,
        after: Position,
        upto: Position,
        bytes: usize,
    ) -> Result<Arc<Page>, Error> {
        if let Some(page) = self.kept().find(filter, after) {
            return Ok(page);
        }
        if let Some(RecentBatch { events, upto }) = self.recent.batch(filter, after, upto) {
            return Ok(self.keep(filter, after, Batch { events, upto, damage: None }));
        }
        let read = Arc::clone(self).read(filter.clone(), after, upto, bytes);
        self.detached(read).await
    }

    async fn read(
        self: Arc<Self>,
        filter: Filter,
        after: Position,
        upto: Position,
        bytes: usize,
    ) -> Result<Arc<Page>, Error> {
        let permit = self.permit().await?;
        // Whoever held the permit before may have read the same page.
        if let Some(page) = self.kept().find(&filter, after) {
            return Ok(page);
        }
        let of = filter.clone();
        let read = move |connection: &Connection| row::batch(connection, &of, after, upto, bytes);
        let batch = self.on_connection(permit, read).await?;
        Ok(self.keep(&filter, after, batch))
    }

    /// Runs a query on one of the connections.
    pub(super) async fn run_query<T: Send + 'static>(
        self: &Arc<Self>,
        question: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let pages = Arc::clone(self);
        let answer = async move {
            let permit = pages.permit().await?;
            pages.on_connection(permit, question).await
        };
        self.detached(answer).await
    }

    /// Runs work in a task of its own. A reader may stop being polled in the middle of this, as that of a
    /// stream which nobody reads; it would be handed a permit that it never uses, and block everyone else.
    async fn detached<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        let done = AbortOnDropHandle::new(tokio::spawn(work));
        done.await.map_err(|error| self.place.unavailable(error.to_string(), false))?
    }

    /// Closes the idle connections when the log is closed.
    pub(super) fn close(&self) {
        self.idle().clear();
    }

    /// Releases all that is kept to serve readers sooner: pages, new events, and idle connections with their
    /// caches.
    pub(super) fn release(&self) {
        self.recent.clear();
        *self.kept() = Kept::default();
        self.idle().clear();
    }

    /// Nothing is kept in memory for readers.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.recent.is_empty() && self.kept().pages.is_empty()
    }

    async fn permit(&self) -> Result<OwnedSemaphorePermit, Error> {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        permit.map_err(|_| self.place.unavailable("it was closed".to_owned(), false))
    }

    async fn on_connection<T: Send + 'static>(
        self: &Arc<Self>,
        permit: OwnedSemaphorePermit,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let pages = Arc::clone(self);
        let done = tokio::task::spawn_blocking(move || {
            // Held until the thread is done, even if its caller has gone.
            let _permit = permit;
            let idle = pages.idle().pop();
            let connection = idle.map_or_else(|| pages.place.reader(), Ok)?;
            let outcome = work(&connection).map_err(|error| pages.place.error(&error));
            // A connection that failed is not used again: it may be the cause.
            if outcome.is_ok() {
                pages.idle().push(connection);
            }
            outcome
        });
        done.await.map_err(|error| self.place.unavailable(error.to_string(), false))?
    }

    fn keep(&self, filter: &Filter, after: Position, batch: Batch) -> Arc<Page> {
        let page = Arc::new(Page { filter: filter.clone(), after, batch });
        self.kept().push(Arc::clone(&page));
        page
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
