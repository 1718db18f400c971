//! A log that is only read, also while another process has it open and writes to it.
//!
//! Nothing is locked, made or changed. The file is looked at again now and then, because another process
//! cannot wake a reader.
use std::collections::VecDeque;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _, stream};
use rusqlite::Connection;

use super::file::LogFile;
use super::row::{self, Batch};
use crate::port::Items;
use crate::recent::MAX_BATCH_BYTES;
use crate::{Error, Event, EventLog, Extent, Filter, Item, NewEvent, Position, StreamName, limits};

/// Time between two looks at the file, at the end of the log.
const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// Opens the log `DIR/<log>.db` to read it. `None`: there is none.
///
/// # Errors
/// [`Error::Misconfigured`] if the file is not ours or from a newer version; [`Error::Corrupt`] if it is
/// damaged. All name the file.
pub fn open_to_read(dir: &Path, log: &str) -> Result<Option<Arc<dyn EventLog>>, Error> {
    if !dir.join(format!("{log}.db")).exists() {
        return Ok(None);
    }
    let place = Arc::new(LogFile::new(dir, log)?);
    place.check(&place.reader()?)?;
    Ok(Some(Arc::new(Viewer { place })))
}

/// A log that is only read.
struct Viewer {
    place: Arc<LogFile>,
}

impl EventLog for Viewer {
    fn name(&self) -> &str {
        self.place.log()
    }

    fn append<'a>(
        &'a self,
        _stream: &'a StreamName,
        _expected: Position,
        _events: Vec<NewEvent>,
    ) -> BoxFuture<'a, Result<Vec<Position>, Error>> {
        async { Err(self.place.unusable("it was opened to be read only".to_owned())) }.boxed()
    }

    fn read(&self, filter: Filter, after: Position) -> Items {
        let reader = Reader {
            place: Arc::clone(&self.place),
            filter,
            position: after,
            connection: None,
            events: VecDeque::new(),
            has_caught_up: false,
            ended: false,
        };
        stream::unfold(reader, |mut reader| async move { reader.next().await.map(|item| (item, reader)) })
            .boxed()
    }

    fn last<'a>(&'a self, stream: &'a StreamName) -> BoxFuture<'a, Result<Position, Error>> {
        let stream = stream.clone();
        self.run_query(move |connection| row::last(connection, &stream)).boxed()
    }

    fn extent(&self) -> BoxFuture<'_, Result<Extent, Error>> {
        self.run_query(row::extent).boxed()
    }
}

impl Viewer {
    async fn run_query<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let place = Arc::clone(&self.place);
        let ask = move || question(&place.reader()?).map_err(|error| place.error(&error));
        on_thread(&self.place, ask).await
    }
}

impl fmt::Debug for Viewer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Viewer").field("path", &self.place.path()).finish()
    }
}

/// One reader of the log.
struct Reader {
    place: Arc<LogFile>,
    filter: Filter,
    /// Everything that matches up to here was yielded or is in `events`.
    position: Position,
    /// `None`: nothing was read yet.
    connection: Option<Connection>,
    events: VecDeque<Event>,
    /// [`Item::CaughtUp`] came after the last event.
    has_caught_up: bool,
    ended: bool,
}

impl Reader {
    /// The next item. `None` after an error.
    async fn next(&mut self) -> Option<Result<Item, Error>> {
        while !self.ended {
            if let Some(event) = self.events.pop_front() {
                self.has_caught_up = false;
                return Some(Ok(Item::Event(event)));
            }
            match self.read().await {
                Ok(true) if self.has_caught_up => tokio::time::sleep(POLL_INTERVAL).await,
                Ok(true) => {
                    self.has_caught_up = true;
                    return Some(Ok(Item::CaughtUp(self.position)));
                }
                Ok(false) => {}
                Err(error) => {
                    self.ended = true;
                    return Some(Err(error));
                }
            }
        }
        None
    }

    /// Reads the next events. Returns whether there are none up to the present end of the log.
    async fn read(&mut self) -> Result<bool, Error> {
        let (place, filter, after) = (Arc::clone(&self.place), self.filter.clone(), self.position);
        let kept = self.connection.take();
        let read = move || {
            let connection = match kept {
                Some(connection) => connection,
                None => {
                    limits::check_filter(place.log(), &filter)?;
                    place.reader()?
                }
            };
            let failed = |error: rusqlite::Error| place.error(&error);
            let extent = row::extent(&connection).map_err(failed)?;
            extent.check(place.log(), after)?;
            let batch =
                row::batch(&connection, &filter, after, extent.head, MAX_BATCH_BYTES).map_err(failed)?;
            Ok((connection, batch))
        };
        let (connection, Batch { events, upto, damage }) = on_thread(&self.place, read).await?;
        self.connection = Some(connection);
        if let (true, Some((position, reason))) = (events.is_empty(), damage) {
            return Err(self.place.corrupt(position, format!("{}: {reason}", self.place.path().display())));
        }
        let is_at_end = events.is_empty();
        self.position = events.last().map_or(upto, |event| event.position);
        self.events = events.into();
        Ok(is_at_end)
    }
}

/// Runs work that waits for the disk on a thread for it.
async fn on_thread<T: Send + 'static>(
    place: &LogFile,
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| place.unavailable(error.to_string(), false))?
}
