//! What is read of the log, for all readers together: a few connections, and the pages that were read last.
//!
//! A reader keeps no events of its own. It points at a page, which is read again should it have gone from here meanwhile; so
//! thousands of readers hold no more than the pages that are kept, whether anybody takes their items or not.
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::file::Place;
use super::recent::Recent;
use super::row::{self, Batch};
use crate::{Error, Event, Filter, Position};

/// Reads from the disk at a time, and connections for them.
const CONNECTIONS: usize = 4;

/// Most data of pages that are kept, in bytes.
const MOST_BYTES: usize = 24 * 1024 * 1024;

/// What an event takes beside its data, in bytes.
const EVENT_BYTES: usize = 256;

/// Events that follow each other.
#[derive(Debug)]
pub(super) struct Page {
    filter: Filter,
    after: Position,
    batch: Batch,
}

impl Page {
    /// The first event after a position.
    pub(super) fn next(&self, after: Position) -> Option<&Event> {
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

    /// What comes after the last event, if it cannot be read.
    pub(super) fn damage(&self) -> Option<(Position, &str)> {
        self.batch.damage.as_ref().map(|(position, reason)| (*position, reason.as_str()))
    }

    fn bytes(&self) -> usize {
        self.batch.events.iter().map(|event| event.data.len() + EVENT_BYTES).sum::<usize>() + EVENT_BYTES
    }

    fn holds(&self, filter: &Filter, after: Position) -> bool {
        self.after <= after && after < self.upto() && self.filter == *filter
    }
}

/// The pages of a log.
#[derive(Debug)]
pub(super) struct Pages {
    place: Arc<Place>,
    recent: Arc<Recent>,
    turns: Arc<Semaphore>,
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
        while self.bytes > MOST_BYTES && self.pages.len() > 1 {
            let Some(oldest) = self.pages.pop_front() else { break };
            self.bytes -= oldest.bytes();
        }
    }
}

impl Pages {
    pub(super) fn new(place: Arc<Place>, recent: Arc<Recent>) -> Self {
        let (idle, kept) = (Mutex::default(), Mutex::default());
        Self { place, recent, turns: Arc::new(Semaphore::new(CONNECTIONS)), idle, kept }
    }

    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// The page with what follows a position, up to another; where it has to be read it has about so many bytes.
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
        if let Some(batch) = self.recent.batch(filter, after, upto) {
            return Ok(self.keep(filter, after, batch));
        }
        let turn = self.turn().await?;
        // Who had the turn before may have read the same.
        if let Some(page) = self.kept().find(filter, after) {
            return Ok(page);
        }
        let of = filter.clone();
        let read = move |connection: &Connection| row::batch(connection, &of, after, upto, bytes);
        let batch = self.on_connection(turn, read).await?;
        Ok(self.keep(filter, after, batch))
    }

    /// Asks the log something on a connection that is kept.
    pub(super) async fn ask<T: Send + 'static>(
        self: &Arc<Self>,
        question: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let turn = self.turn().await?;
        self.on_connection(turn, question).await
    }

    /// Closes the connections that nobody uses, for a log that is closed.
    pub(super) fn close(&self) {
        self.idle().clear();
    }

    async fn turn(&self) -> Result<OwnedSemaphorePermit, Error> {
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        turn.map_err(|_| self.place.unavailable("it was closed".to_owned(), false))
    }

    async fn on_connection<T: Send + 'static>(
        self: &Arc<Self>,
        turn: OwnedSemaphorePermit,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let pages = Arc::clone(self);
        let done = tokio::task::spawn_blocking(move || {
            // The turn is over when the thread is, whoever waits for it.
            let _turn = turn;
            let idle = pages.idle().pop();
            let connection = idle.map_or_else(|| pages.place.reader(), Ok)?;
            let outcome = work(&connection).map_err(|error| pages.place.error(&error));
            // One that failed may be at fault itself.
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
