//! The file of a log: its path, its lock, its tables, and the settings of its connections.
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, ffi};

use crate::{Error, StreamName};

/// `application_id` of our SQLite files: "OREW".
const APPLICATION_ID: i32 = 0x4F52_4557;

/// Version of the tables. A program that knows an older version only must not touch the file.
const FORMAT: i32 = 1;

/// The tables. Documented here because anyone should be able to read the file with any SQLite, in decades.
const TABLES: &str = "
CREATE TABLE event (
  position INTEGER PRIMARY KEY, -- place in the log, 1, 2, 3, ...
  stream TEXT NOT NULL,         -- name of the stream
  id BLOB NOT NULL UNIQUE,      -- UUID of the event, 16 bytes
  kind TEXT NOT NULL,           -- full name of the protobuf message in data
  time TEXT NOT NULL,           -- when it was recorded, RFC 3339 in UTC
  traceparent TEXT,             -- W3C trace context of what caused it
  digest BLOB NOT NULL,         -- SHA-256 of the other columns; see embedded/row.rs for the order
  data BLOB NOT NULL            -- the protobuf message
) STRICT;
CREATE INDEX event_by_stream ON event (stream, position);
";

/// Page size of a new file, in bytes. Events have tens to hundreds of KiB, and each page is written and read
/// by a system call of its own; an event of a few bytes still costs no more than its flush.
const PAGE_BYTES: u32 = 16 * 1024;

/// Size of the write-ahead log at which SQLite moves it into the file, in bytes.
const CHECKPOINT_BYTES: u32 = 32 * 1024 * 1024;

/// Time that a connection waits for a lock of SQLite. Only a foreign tool can hold one for long.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Size of the reserve, in bytes: the room that SQLite needs beside the file before anything can be read. It
/// is given up when a log is opened on a full disk.
const RESERVE_BYTES: usize = 64 * 1024;

/// Path of a log's file, and its errors in terms of the port.
#[derive(Debug)]
pub(super) struct LogFile {
    log: Box<str>,
    path: PathBuf,
}

impl LogFile {
    /// Checks the name, and makes the directory if there is none.
    pub(super) fn new(dir: &Path, log: &str) -> Result<Self, Error> {
        let place = Self { log: log.into(), path: dir.join(format!("{log}.db")) };
        if StreamName::new(log).is_err() || log.contains('.') {
            return Err(place.unusable(
                "its name is not one token of letters, digits, hyphens and underscores".to_owned(),
            ));
        }
        fs::create_dir_all(dir).map_err(|error| {
            place.unusable(format!("directory {} cannot be made: {error}", dir.display()))
        })?;
        Ok(place)
    }

    pub(super) fn log(&self) -> &str {
        &self.log
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Size of the file and of its write-ahead log, in bytes.
    pub(super) fn bytes(&self) -> u64 {
        let mut ahead = self.path.clone().into_os_string();
        ahead.push("-wal");
        let size = |path: &Path| path.metadata().map_or(0, |about| about.len());
        size(&self.path).saturating_add(size(Path::new(&ahead)))
    }

    /// Locks the log for this process, until the lock is dropped.
    pub(super) fn lock(&self) -> Result<Lock, Error> {
        let path = self.path.with_extension("lock");
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|error| self.unusable(format!("{} cannot be opened: {error}", path.display())))?;
        match file.try_lock() {
            Ok(()) => Ok(Lock(file)),
            Err(TryLockError::WouldBlock) => {
                let hint = "stop that one or choose another directory";
                let path = self.path.display();
                let reason = format!("{path} is open already, here or in another process: {hint}");
                Err(self.unavailable(reason, false))
            }
            Err(TryLockError::Error(error)) => {
                Err(self.unusable(format!("{} cannot be locked: {error}", path.display())))
            }
        }
    }

    /// Opens the connection that writes. Makes the tables in a new file, refuses a file that is not ours. On
    /// a full disk the reserve is given up, so that the log can at least be read.
    pub(super) fn writer(&self, max_file_bytes: Option<u64>) -> Result<Connection, Error> {
        match self.open_writer(max_file_bytes) {
            Err(Error::Full { .. }) if fs::remove_file(self.reserve()).is_ok() => {
                self.open_writer(max_file_bytes)
            }
            opened => opened,
        }
    }

    fn reserve(&self) -> PathBuf {
        self.path.with_extension("reserve")
    }

    /// Writes the reserve if it is not there. Without room for it, none is kept.
    pub(super) fn keep_reserve(&self) {
        let path = self.reserve();
        let kept = path.metadata().is_ok_and(|about| usize::try_from(about.len()) == Ok(RESERVE_BYTES));
        if !kept && let Err(error) = fs::write(&path, vec![0; RESERVE_BYTES]) {
            tracing::debug!(file = %path.display(), %error, "no reserve is kept");
            // Part of a reserve takes room and gives none.
            let _absent = fs::remove_file(&path);
        }
    }

    fn open_writer(&self, max_file_bytes: Option<u64>) -> Result<Connection, Error> {
        let connection = self.connect(OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
        self.prepare(&connection).map_err(|error| self.error(&error))??;
        if let Some(largest) = max_file_bytes {
            limit_size(&connection, largest).map_err(|error| self.error(&error))?;
        }
        Ok(connection)
    }

    /// Opens a connection that only reads.
    pub(super) fn reader(&self) -> Result<Connection, Error> {
        self.connect(OpenFlags::SQLITE_OPEN_READ_ONLY)
    }

    /// Checks that an existing file is a log of a format that this version knows.
    pub(super) fn check(&self, connection: &Connection) -> Result<(), Error> {
        let number = |pragma: &str| connection.pragma_query_value(None, pragma, |row| row.get::<_, i32>(0));
        let found = number("application_id").and_then(|id| Ok((id, number("user_version")?)));
        self.check_format(found.map_err(|error| self.error(&error))?)
    }

    fn check_format(&self, (application, format): (i32, i32)) -> Result<(), Error> {
        let refuse = |what: &str| Err(self.unusable(format!("{} {what}", self.path.display())));
        match (application, format) {
            (APPLICATION_ID, FORMAT) => Ok(()),
            (APPLICATION_ID, _) => refuse(&format!(
                "has format {format}, this version knows {FORMAT}: use a version of Orewatch that knows it"
            )),
            _ => refuse("is a database of something else: choose another directory"),
        }
    }

    fn connect(&self, flags: OpenFlags) -> Result<Connection, Error> {
        let connection = Connection::open_with_flags(&self.path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)
            .map_err(|error| self.error(&error))?;
        connection.busy_timeout(BUSY_TIMEOUT).map_err(|error| self.error(&error))?;
        Ok(connection)
    }

    fn prepare(&self, connection: &Connection) -> rusqlite::Result<Result<(), Error>> {
        let number = |pragma: &str| connection.pragma_query_value(None, pragma, |row| row.get::<_, i32>(0));
        let (application, format) = (number("application_id")?, number("user_version")?);
        let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        match (application, format) {
            (0, 0) if tables == 0 => {
                connection.pragma_update(None, "page_size", PAGE_BYTES)?;
                create_tables(connection)?;
            }
            found => {
                if let Err(error) = self.check_format(found) {
                    return Ok(Err(error));
                }
            }
        }
        // The journal first, because it decides what `synchronous` means: in WAL mode, FULL flushes the
        // write-ahead log at every commit.
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        // A checkpoint moves pages from the write-ahead log to the file and flushes both. It comes after so
        // many pages, rarely enough not to come with every append of some MiB.
        let page: u32 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
        connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_BYTES / page.max(1))?;
        Ok(Ok(()))
    }

    /// Turns an error of SQLite into one of the port, with the file's name.
    pub(super) fn error(&self, error: &rusqlite::Error) -> Error {
        let reason = format!("{}: {error}", self.path.display());
        match error.sqlite_error_code() {
            _ if is_full(error) => Error::Full { log: self.log.to_string(), reason },
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => self.corrupt(0, reason),
            Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
                self.unusable(reason)
            }
            _ => self.unavailable(reason, false),
        }
    }

    pub(super) fn corrupt(&self, position: u64, reason: String) -> Error {
        Error::Corrupt { log: self.log.to_string(), position, reason }
    }

    pub(super) fn unusable(&self, reason: String) -> Error {
        Error::Misconfigured { log: self.log.to_string(), reason }
    }

    pub(super) fn unavailable(&self, reason: String, outcome_unknown: bool) -> Error {
        Error::Unavailable { log: self.log.to_string(), reason, outcome_unknown }
    }
}

/// Whether a write was refused for want of room: a full disk, a quota, or a limit on the size of files.
/// SQLite has a code of its own for the first; the others are errors of writing, or of growing the index of
/// the write-ahead log.
pub(super) fn is_full(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DiskFull)
        || matches!(
            error.sqlite_extended_error_code(),
            Some(ffi::SQLITE_IOERR_WRITE | ffi::SQLITE_IOERR_SHMSIZE)
        )
}

/// The lock of a log, held by this process.
#[derive(Debug)]
pub(super) struct Lock(File);

impl Drop for Lock {
    /// Unlocks explicitly: closing the file is not enough while a child process that is just starting holds a
    /// copy of the handle.
    fn drop(&mut self) {
        if let Err(error) = self.0.unlock() {
            tracing::warn!(%error, "the log's lock goes only with the process");
        }
    }
}

/// Makes the tables in one transaction: a crash leaves an empty file or a whole one.
fn create_tables(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(&format!(
        "BEGIN; PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {FORMAT}; {TABLES} COMMIT;"
    ))
}

/// Sets the upper bound on the file's size.
fn limit_size(connection: &Connection, largest: u64) -> rusqlite::Result<()> {
    let page: u64 = connection.pragma_query_value(None, "page_size", |row| row.get::<_, u32>(0))?.into();
    let pages = i64::try_from(largest / page.max(1)).unwrap_or(i64::MAX).max(1);
    connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
}
