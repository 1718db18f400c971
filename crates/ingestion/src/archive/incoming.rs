//! An unfinished file: under a temporary name until it is complete.
//!
//! Its writer holds a lock on it, which the system releases when the process ends, however it ends. A
//! starting process can therefore tell abandoned files from those that another process is writing.
use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use orewatch_contracts::{Class, Failure};
use orewatch_formats::findings::{Finder, Findings};

use super::background::BackgroundThread;
use super::usage::Reservation;

/// Upper bound on temporary names to try.
const MAX_NAME_ATTEMPTS: u32 = 1_000;

/// Size from which a file is inspected and flushed by threads of their own, in bytes.
const THREADED_FROM_BYTES: u64 = 4 << 20;

/// Upper bound on pieces that wait to be inspected.
const MAX_QUEUED_PIECES: usize = 8;

/// Bytes that are flushed together while more is written, so that little is left to wait for at the end.
const FLUSH_EVERY_BYTES: u64 = 32 << 20;

/// Number of the next file of this process.
static NEXT_NUMBER: AtomicU64 = AtomicU64::new(0);

/// Inspects the pieces of a file.
#[derive(Debug)]
enum Inspection {
    /// In the thread that writes.
    Inline(Finder),
    /// In a thread of its own.
    Threaded(BackgroundThread<Bytes, Finder>),
}

/// Flushes a file while more is written.
#[derive(Debug)]
struct Flusher {
    /// The first error: the system reports it once only.
    thread: BackgroundThread<(), Option<io::Error>>,
    /// Size of the file at the last flush.
    flushed_bytes: u64,
}

/// An unfinished file, which is removed when it is dropped.
#[derive(Debug)]
pub struct IncomingFile {
    path: PathBuf,
    file: File,
    finder: Inspection,
    flusher: Option<Flusher>,
    size: u64,
    max_bytes: u64,
    /// It has its place: nothing is left to remove.
    is_published: bool,
    /// Its share of the archive's quota. `None`: it does not count.
    reservation: Option<Reservation>,
}

impl IncomingFile {
    /// An empty file in a folder, of at most `max_bytes`.
    pub(super) fn begin(folder: &Path, max_bytes: u64) -> Result<Self, Failure> {
        let (path, file) = create_locked(folder).map_err(|error| io_failure(folder, &error))?;
        let finder = Inspection::Inline(Finder::default());
        Ok(Self {
            path,
            file,
            finder,
            flusher: None,
            size: 0,
            max_bytes,
            is_published: false,
            reservation: None,
        })
    }

    /// Counts the file towards the archive's quota.
    pub(super) fn with_reservation(mut self, reservation: Reservation) -> Self {
        self.reservation = Some(reservation);
        self
    }

    /// Writes the next bytes.
    ///
    /// # Errors
    /// [`Class::Exhausted`] if there is no room on the disk or in the quota, [`Class::Invalid`] beyond the
    /// limit.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.write_bytes(Bytes::copy_from_slice(bytes))
    }

    /// Writes bytes that others may share.
    ///
    /// # Errors
    /// As [`IncomingFile::write`].
    pub fn write_bytes(&mut self, bytes: Bytes) -> Result<(), Failure> {
        self.size = self.size.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        if self.size > self.max_bytes {
            return Err(too_large(self.size, self.max_bytes));
        }
        if let Some(reservation) = &mut self.reservation {
            reservation.grow(self.size)?;
        }
        self.file.write_all(&bytes).map_err(|error| io_failure(&self.path, &error))?;
        if self.size > THREADED_FROM_BYTES {
            self.move_to_threads()?;
        }
        match &mut self.finder {
            Inspection::Inline(finder) => finder.update(&bytes),
            Inspection::Threaded(thread) => thread.send(bytes),
        }
        Ok(())
    }

    /// Starts threads that inspect and flush a large file.
    fn move_to_threads(&mut self) -> Result<(), Failure> {
        if let Inspection::Inline(finder) = &mut self.finder {
            let look = |finder: &mut Finder, piece: Bytes| finder.update(&piece);
            self.finder = Inspection::Threaded(BackgroundThread::start(
                MAX_QUEUED_PIECES,
                std::mem::take(finder),
                look,
            )?);
        }
        let flusher = match &mut self.flusher {
            Some(flusher) => flusher,
            None => self.flusher.insert(Flusher::start(&self.file, &self.path)?),
        };
        flusher.advance(self.size);
        Ok(())
    }

    /// Bytes written so far.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Ends writing. Returns the file and what was found in it.
    pub(super) fn finish(mut self) -> Result<(Self, Findings), Failure> {
        let finder = match std::mem::replace(&mut self.finder, Inspection::Inline(Finder::default())) {
            Inspection::Inline(finder) => finder,
            Inspection::Threaded(thread) => thread.end()?,
        };
        if let Some(flusher) = self.flusher.take()
            && let Some(error) = flusher.thread.end()?
        {
            return Err(io_failure(&self.path, &error));
        }
        Ok((self, finder.finish()))
    }

    /// Path of the file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Flushes the file to the disk.
    pub(super) fn sync(&self) -> Result<(), Failure> {
        self.file.sync_all().map_err(|error| io_failure(&self.path, &error))
    }

    /// Moves the file to its place, atomically.
    pub(super) fn publish(mut self, place: &Path) -> Result<(), Failure> {
        self.sync()?;
        fs::rename(&self.path, place).map_err(|error| io_failure(place, &error))?;
        self.is_published = true;
        Ok(())
    }
}

impl Flusher {
    fn start(file: &File, path: &Path) -> Result<Self, Failure> {
        let file = file.try_clone().map_err(|error| io_failure(path, &error))?;
        let flush = move |failure: &mut Option<io::Error>, ()| {
            if failure.is_none() {
                *failure = file.sync_data().err();
            }
        };
        Ok(Self { thread: BackgroundThread::start(1, None, flush)?, flushed_bytes: 0 })
    }

    /// Flushes if enough was written since the last flush.
    fn advance(&mut self, size: u64) {
        if size.saturating_sub(self.flushed_bytes) >= FLUSH_EVERY_BYTES {
            self.flushed_bytes = size;
            self.thread.try_send(());
        }
    }
}

impl Drop for IncomingFile {
    fn drop(&mut self) {
        if !self.is_published {
            // A file that cannot be removed now is removed at the next start.
            let _left = fs::remove_file(&self.path);
        }
    }
}

/// A new file with a name of its own, locked.
fn create_locked(folder: &Path) -> io::Result<(PathBuf, File)> {
    for _ in 0..MAX_NAME_ATTEMPTS {
        let number = NEXT_NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!("{}-{number}", std::process::id()));
        let file = match File::options().read(true).write(true).create_new(true).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
            Err(error) => return Err(error),
        };
        file.lock()?;
        // Between creation and lock, a starting process may have removed it as abandoned.
        if path.exists() {
            return Ok((path, file));
        }
    }
    Err(io::Error::new(ErrorKind::AlreadyExists, "no name for a new file is free"))
}

/// Removes abandoned files of a folder: those that nobody has locked. Returns how many.
pub(super) fn sweep(folder: &Path) -> io::Result<u64> {
    let mut removed = 0;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let Ok(file) = File::open(&path) else { continue };
        match file.try_lock() {
            Ok(()) => {
                fs::remove_file(&path)?;
                removed += 1;
            }
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Ok(removed)
}

/// The failure for a file that is too large.
pub(super) fn too_large(size: u64, max_bytes: u64) -> Failure {
    Failure::new(
        Class::Invalid,
        "file-too-large",
        format!("the file is larger than the limit of {max_bytes} bytes"),
    )
    .at("size", size.to_string())
    .with_hint("split the file by period, or compress it")
}

/// The failure for an error of the file system.
pub(super) fn io_failure(path: &Path, error: &io::Error) -> Failure {
    let path = path.display();
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => Failure::new(
            Class::Exhausted,
            "archive-full",
            format!("the archive has no room left: {path}: {error}"),
        )
        .with_hint("make room on its disk; stored files are intact, and nothing was recorded of this one"),
        _ => Failure::new(
            Class::Unavailable,
            "archive-unavailable",
            format!("the archive cannot be used: {path}: {error}"),
        )
        .with_hint("set --archive to a folder that the service may write"),
    }
}
