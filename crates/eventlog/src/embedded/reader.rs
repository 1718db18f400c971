//! A reader: bounded batches from its own connection, woken by the writer.
use std::collections::VecDeque;
use std::sync::Arc;

use rusqlite::Connection;
use tokio::sync::watch;

use super::file::Place;
use super::recent::Recent;
use super::row::{self, Batch};
use crate::{Error, Filter, Item, Position, limits};

/// One reader of the log.
pub(super) struct Reader {
    place: Arc<Place>,
    heads: watch::Receiver<Position>,
    recent: Arc<Recent>,
    filter: Filter,
    /// Everything that matches up to here is given or in `ready`.
    position: Position,
    /// Absent before the first batch.
    connection: Option<Connection>,
    ready: VecDeque<Item>,
    /// Whether the end of what is known was said since the last event.
    said: bool,
    ended: bool,
}

impl Reader {
    pub(super) fn new(
        place: Arc<Place>,
        heads: watch::Receiver<Position>,
        recent: Arc<Recent>,
        filter: Filter,
        after: Position,
    ) -> Self {
        Self {
            place,
            heads,
            recent,
            filter,
            position: after,
            connection: None,
            ready: VecDeque::new(),
            said: false,
            ended: false,
        }
    }

    /// The next item; after an error none.
    pub(super) async fn next(&mut self) -> Option<Result<Item, Error>> {
        while !self.ended {
            if let Some(item) = self.ready.pop_front() {
                return Some(Ok(item));
            }
            if let Err(error) = self.fill().await {
                self.ended = true;
                return Some(Err(error));
            }
        }
        None
    }

    async fn fill(&mut self) -> Result<(), Error> {
        if self.connection.is_none() {
            self.start().await?;
        }
        let head = *self.heads.borrow_and_update();
        if self.position < head {
            let batch = match self.recent.batch(&self.filter, self.position, head) {
                Some(batch) => batch,
                None => self.batch(head).await?,
            };
            return self.take(batch);
        }
        if self.said {
            let closed = |_| self.place.unavailable("it was closed".to_owned(), false);
            return self.heads.changed().await.map_err(closed);
        }
        self.said = true;
        self.ready.push_back(Item::CaughtUp(self.position));
        Ok(())
    }

    async fn start(&mut self) -> Result<(), Error> {
        limits::check_filter(self.place.log(), &self.filter)?;
        let place = Arc::clone(&self.place);
        let opened = tokio::task::spawn_blocking(move || {
            let connection = place.reader()?;
            let extent = row::extent(&connection).map_err(|error| place.error(&error))?;
            Ok((connection, extent))
        });
        let (connection, extent) = joined(&self.place, opened.await)?;
        extent.check(self.place.log(), self.position)?;
        self.connection = Some(connection);
        Ok(())
    }

    async fn batch(&mut self, head: Position) -> Result<Batch, Error> {
        let Some(connection) = self.connection.take() else {
            return Err(self.place.unavailable("its reader was interrupted".to_owned(), false));
        };
        let (place, filter, after) = (Arc::clone(&self.place), self.filter.clone(), self.position);
        let read = tokio::task::spawn_blocking(move || {
            let batch = row::batch(&connection, &filter, after, head).map_err(|error| place.error(&error))?;
            Ok((connection, batch))
        });
        let (connection, batch) = joined(&self.place, read.await)?;
        self.connection = Some(connection);
        Ok(batch)
    }

    /// Queues what was read. An event that cannot be read is told once those before it are given.
    fn take(&mut self, batch: Batch) -> Result<(), Error> {
        match (batch.damage, batch.events.last()) {
            (Some((position, reason)), None) => {
                let reason = format!("{}: {reason}", self.place.path().display());
                return Err(self.place.corrupt(position, reason));
            }
            (Some(_), Some(last)) => self.position = last.position,
            (None, _) => self.position = batch.upto,
        }
        self.said &= batch.events.is_empty();
        self.ready.extend(batch.events.into_iter().map(Item::Event));
        Ok(())
    }
}

fn joined<T>(place: &Place, done: Result<Result<T, Error>, tokio::task::JoinError>) -> Result<T, Error> {
    done.map_err(|error| place.unavailable(error.to_string(), false))?
}
