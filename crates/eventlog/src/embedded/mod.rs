//! The embedded log: one file `DIR/<log>.db`, a SQLite database in write-ahead mode.
//!
//! - **Durable when acknowledged**: `synchronous=FULL` flushes the write-ahead log before an append returns.
//! - **One writer**: a thread of its own takes appends from a bounded queue and commits what waits in one
//!   transaction, so that the price of a flush is shared. A refused append does not touch the others of its
//!   group.
//! - **Many readers**: they share a few read-only connections and the pages that were read last; each keeps
//!   only a position, and the writer wakes them. The newest events are also kept in memory, so that readers
//!   that keep up do not touch the disk.
//! - **One process**: `DIR/<log>.lock` is locked for as long as the log is open. It is a file of its own
//!   because closing any other handle of a database file drops SQLite's own locks on it. The system releases
//!   the lock when a process dies, so a lock file that is left behind does no harm.
//! - **A full disk stops writing, not reading**: an append without room is refused and has changed nothing;
//!   `DIR/<log>.reserve` keeps the room that SQLite needs to open the file, so that a restart can read as
//!   well.
//! - **Damage is found, not served**: each event is stored with the SHA-256 digest of its fields, checked on
//!   every read.
//! - **Others may look**: [`open_to_read`] reads a log that another process has open.
//! - Positions are contiguous from 1, and an event id is never stored twice.
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use futures_util::future::{self, BoxFuture};
use futures_util::{FutureExt as _, StreamExt as _, stream};
use tokio::sync::{Semaphore, mpsc, oneshot, watch};

use crate::port::Items;
use crate::recent::Recent;
use crate::{Error, EventLog, Extent, Filter, NewEvent, Position, StreamName, Usage, limits};

mod file;
mod pages;
mod reader;
mod row;
mod viewer;
mod writer;

use file::LogFile;
use pages::Pages;
use reader::Reader;
pub use viewer::open_to_read;
use writer::{Append, Writer};

/// Time that an append waits for the disk before its outcome counts as unknown.
const MAX_APPEND_WAIT: Duration = Duration::from_secs(30);

/// Upper bound on the data of new events that are kept in memory, in bytes: readers of a log that grows as
/// fast as it can may be some appends behind.
const MAX_RECENT_BYTES: usize = 24 * 1024 * 1024;

/// Upper bound on appends that wait for the writer.
const MAX_QUEUED_APPENDS: usize = 1_024;

/// Upper bound on the data that waits for the writer, in KiB: a few appends of the largest size.
const MAX_QUEUED_KIB: usize = 4 * limits::MAX_APPEND_BYTES / 1024;

/// Options of an embedded log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Upper bound on the size of the log's file in bytes, beyond which appends are refused with
    /// [`Error::Full`]. `None`: as much as fits on the disk.
    pub max_file_bytes: Option<u64>,
    /// Time without an append after which the log releases the memory that serves readers of new events. They
    /// read from the disk then.
    pub rest: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { max_file_bytes: None, rest: Duration::from_secs(10) }
    }
}

/// Opens the log `DIR/<log>.db`. Makes the directory and the file if there are none.
///
/// # Errors
/// [`Error::Unavailable`] if the file is in use by another process; [`Error::Misconfigured`] if it is not
/// ours, from a newer version, or may not be written; [`Error::Corrupt`] if it is damaged; [`Error::Full`]
/// without room for it. All name the file.
pub fn open(dir: &Path, log: &str) -> Result<Arc<dyn EventLog>, Error> {
    open_with(dir, log, Options::default())
}

/// Opens a log as [`open`] does, with options.
///
/// # Errors
/// Those of [`open`].
pub fn open_with(dir: &Path, log: &str, options: Options) -> Result<Arc<dyn EventLog>, Error> {
    Ok(Arc::new(Embedded::open(dir, log, options)?))
}

/// An open log.
struct Embedded {
    place: Arc<LogFile>,
    heads: watch::Receiver<Position>,
    pages: Arc<Pages>,
    /// One permit for each KiB that may wait for the writer.
    room: Arc<Semaphore>,
    /// Taken when the log is dropped: closing it ends the writer.
    queue: Option<mpsc::Sender<Append>>,
    thread: Option<JoinHandle<()>>,
}

impl Embedded {
    fn open(dir: &Path, log: &str, options: Options) -> Result<Self, Error> {
        let place = Arc::new(LogFile::new(dir, log)?);
        let lock = place.lock()?;
        let recent = Arc::new(Recent::new(MAX_RECENT_BYTES));
        let writer = Writer::open(Arc::clone(&place), lock, Arc::clone(&recent), options)?;
        let heads = writer.heads();
        let pages = Arc::new(Pages::new(Arc::clone(&place), recent));
        let resting = Arc::clone(&pages);
        let (queue, appends) = mpsc::channel(MAX_QUEUED_APPENDS);
        let thread = std::thread::Builder::new()
            .name(format!("log-{log}"))
            .spawn(move || writer.run(appends, || resting.release()))
            .map_err(|error| place.unusable(format!("its writer cannot start: {error}")))?;
        Ok(Self {
            place,
            heads,
            pages,
            room: Arc::new(Semaphore::new(MAX_QUEUED_KIB)),
            queue: Some(queue),
            thread: Some(thread),
        })
    }

    async fn enqueue(&self, stream: &StreamName, expected: Position, events: Vec<NewEvent>) -> Answer {
        limits::check_append(self.name(), stream, &events)?;
        let closed = || self.place.unavailable("its writer has ended".to_owned(), true);
        let kib = u32::try_from(limits::data_size(&events) / 1024 + 1).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room).acquire_many_owned(kib).await.map_err(|_| closed())?;
        let (reply, answer) = oneshot::channel();
        let append = Append { stream: stream.clone(), expected, events, reply, _room: room };
        self.queue.as_ref().ok_or_else(closed)?.send(append).await.map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }
}

type Answer = Result<Vec<Position>, Error>;

impl EventLog for Embedded {
    fn name(&self) -> &str {
        self.place.log()
    }

    fn append<'a>(
        &'a self,
        stream: &'a StreamName,
        expected: Position,
        events: Vec<NewEvent>,
    ) -> BoxFuture<'a, Answer> {
        async move {
            let answer = tokio::time::timeout(MAX_APPEND_WAIT, self.enqueue(stream, expected, events)).await;
            answer.unwrap_or_else(|_| {
                Err(self
                    .place
                    .unavailable(format!("the disk did not answer within {MAX_APPEND_WAIT:?}"), true))
            })
        }
        .boxed()
    }

    fn read(&self, filter: Filter, after: Position) -> Items {
        let reader = Reader::new(Arc::clone(&self.pages), self.heads.clone(), filter, after);
        stream::unfold(reader, |mut reader| async move { reader.next().await.map(|item| (item, reader)) })
            .boxed()
    }

    fn last<'a>(&'a self, stream: &'a StreamName) -> BoxFuture<'a, Result<Position, Error>> {
        let stream = stream.clone();
        async move { self.pages.run_query(move |connection| row::last(connection, &stream)).await }.boxed()
    }

    fn extent(&self) -> BoxFuture<'_, Result<Extent, Error>> {
        async move { self.pages.run_query(row::extent).await }.boxed()
    }

    fn usage(&self) -> BoxFuture<'_, Result<Option<Usage>, Error>> {
        future::ready(Ok(Some(Usage { bytes: self.place.bytes(), max_bytes: None }))).boxed()
    }
}

impl Drop for Embedded {
    /// Waits until the writer has committed what it holds, so that the log can be opened again at once.
    fn drop(&mut self) {
        self.queue = None;
        self.pages.close();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!(file = %self.place.path().display(), "the log's writer ended by a panic");
        }
    }
}

impl fmt::Debug for Embedded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path: PathBuf = self.place.path().to_owned();
        f.debug_struct("Embedded").field("path", &path).field("head", &*self.heads.borrow()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use bytes::Bytes;
    use futures_util::StreamExt as _;
    use uuid::Uuid;

    use super::*;
    use crate::Item;

    fn event(number: u64) -> NewEvent {
        NewEvent {
            id: Uuid::from_u128(u128::from(number)),
            kind: "kind".to_owned(),
            time: "2026-01-15T08:30:00Z".parse().unwrap(),
            data: Bytes::from(vec![7; 1000]),
            traceparent: None,
        }
    }

    #[tokio::test]
    async fn a_log_at_rest_keeps_nothing_in_memory_and_reads_as_before() {
        let dir = tempfile::tempdir().unwrap();
        let options = Options { rest: Duration::from_millis(20), ..Options::default() };
        let log = Embedded::open(dir.path(), "observations", options).unwrap();
        let stream = StreamName::new("observations.a").unwrap();
        for number in 1..=3 {
            log.append(&stream, number - 1, vec![event(number)]).await.unwrap();
            let deadline = Instant::now() + Duration::from_secs(30);
            while !log.pages.is_empty() {
                assert!(Instant::now() < deadline, "still in memory after append {number}");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        let mut items = log.read(Filter::All, 0);
        for number in 1..=3 {
            let Some(Ok(Item::Event(read))) = items.next().await else { panic!("event {number} is missing") };
            assert_eq!(read.position, number);
        }
        assert!(!log.pages.is_empty(), "readers share what was read");
    }
}
