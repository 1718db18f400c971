//! A file on its way: under a name of its own until all of it is there.
//!
//! Whoever writes one holds a lock on it, which the system lets go of when the process ends, however it ends. So a start can
//! tell what was left lying from what another process writes at the moment.
use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use orewatch_runtime::{Class, Failure};

use super::beside::Beside;
use super::findings::{Finder, Findings};
use super::usage::Room;

/// How often another name is tried.
const TRIES: u32 = 1_000;

/// Bytes from which on a file is looked at, and flushed, by threads of their own.
const LARGE: u64 = 4 << 20;

/// Pieces that wait to be looked at.
const PIECES: usize = 8;

/// Bytes that are flushed together while more is written: at the end little is left to wait for.
const FLUSHED: u64 = 32 << 20;

/// Numbers the files of this process.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// Who looks at the pieces.
#[derive(Debug)]
enum Looking {
    /// Whoever writes them.
    Here(Finder),
    /// A thread.
    Beside(Beside<Bytes, Finder>),
}

/// Flushes what is written while more comes.
#[derive(Debug)]
struct Flusher {
    /// What went wrong first: the system tells it once.
    thread: Beside<(), Option<io::Error>>,
    /// Size of the file when it was told last.
    told: u64,
}

/// A file on its way; it is gone when it is dropped.
#[derive(Debug)]
pub struct Incoming {
    path: PathBuf,
    file: File,
    finder: Looking,
    flusher: Option<Flusher>,
    size: u64,
    most: u64,
    /// It has left: there is nothing to remove.
    moved: bool,
    /// What is kept for it of the archive's quota. None: it is none of the archive's files.
    room: Option<Room>,
}

impl Incoming {
    /// An empty file in a folder, for at most so many bytes.
    pub(super) fn begin(folder: &Path, most: u64) -> Result<Self, Failure> {
        let (path, file) = fresh(folder).map_err(|error| failed(folder, &error))?;
        let finder = Looking::Here(Finder::default());
        Ok(Self { path, file, finder, flusher: None, size: 0, most, moved: false, room: None })
    }

    /// The same file, which counts towards the archive's quota.
    pub(super) fn in_room(mut self, room: Room) -> Self {
        self.room = Some(room);
        self
    }

    /// Writes the next bytes.
    ///
    /// # Errors
    /// [`Class::Exhausted`] if there is no room, on the disk or within the limit.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.take(Bytes::copy_from_slice(bytes))
    }

    /// The same for bytes that others may hold as well.
    ///
    /// # Errors
    /// As [`Incoming::write`].
    pub fn take(&mut self, bytes: Bytes) -> Result<(), Failure> {
        self.size = self.size.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        if self.size > self.most {
            return Err(too_large(self.size, self.most));
        }
        if let Some(room) = &mut self.room {
            room.grow(self.size)?;
        }
        self.file.write_all(&bytes).map_err(|error| failed(&self.path, &error))?;
        if self.size > LARGE {
            self.share()?;
        }
        match &mut self.finder {
            Looking::Here(finder) => finder.look(&bytes),
            Looking::Beside(thread) => thread.give(bytes),
        }
        Ok(())
    }

    /// Has threads look at the pieces of a large file, and flush it.
    fn share(&mut self) -> Result<(), Failure> {
        if let Looking::Here(finder) = &mut self.finder {
            let look = |finder: &mut Finder, piece: Bytes| finder.look(&piece);
            self.finder = Looking::Beside(Beside::start(PIECES, std::mem::take(finder), look)?);
        }
        let flusher = match &mut self.flusher {
            Some(flusher) => flusher,
            None => self.flusher.insert(Flusher::start(&self.file, &self.path)?),
        };
        flusher.tell(self.size);
        Ok(())
    }

    /// Bytes so far.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Says that all is written; gives what it is.
    pub(super) fn end(mut self) -> Result<(Self, Findings), Failure> {
        let finder = match std::mem::replace(&mut self.finder, Looking::Here(Finder::default())) {
            Looking::Here(finder) => finder,
            Looking::Beside(thread) => thread.end()?,
        };
        if let Some(flusher) = self.flusher.take()
            && let Some(error) = flusher.thread.end()?
        {
            return Err(failed(&self.path, &error));
        }
        Ok((self, finder.end()))
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes it last.
    pub(super) fn sync(&self) -> Result<(), Failure> {
        self.file.sync_all().map_err(|error| failed(&self.path, &error))
    }

    /// Moves it to its place, which takes effect at once or not at all.
    pub(super) fn publish(mut self, place: &Path) -> Result<(), Failure> {
        self.sync()?;
        fs::rename(&self.path, place).map_err(|error| failed(place, &error))?;
        self.moved = true;
        Ok(())
    }
}

impl Flusher {
    fn start(file: &File, path: &Path) -> Result<Self, Failure> {
        let file = file.try_clone().map_err(|error| failed(path, &error))?;
        let flush = move |failed: &mut Option<io::Error>, ()| {
            if failed.is_none() {
                *failed = file.sync_data().err();
            }
        };
        Ok(Self { thread: Beside::start(1, None, flush)?, told: 0 })
    }

    /// Says how large the file is by now.
    fn tell(&mut self, size: u64) {
        if size.saturating_sub(self.told) >= FLUSHED {
            self.told = size;
            self.thread.offer(());
        }
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if !self.moved {
            // What cannot be removed is swept at the next start.
            let _left = fs::remove_file(&self.path);
        }
    }
}

/// A file that nobody else has, locked.
fn fresh(folder: &Path) -> io::Result<(PathBuf, File)> {
    for _ in 0..TRIES {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!("{}-{number}", std::process::id()));
        let file = match File::options().read(true).write(true).create_new(true).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
            Err(error) => return Err(error),
        };
        file.lock()?;
        // Between the two, a process that starts may have taken it for one that was left lying.
        if path.exists() {
            return Ok((path, file));
        }
    }
    Err(io::Error::new(ErrorKind::AlreadyExists, "no name for a new file is free"))
}

/// Removes what was left lying in a folder: what nobody holds.
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

/// A file that is larger than the archive takes.
pub(super) fn too_large(size: u64, most: u64) -> Failure {
    Failure::new(
        Class::Invalid,
        "file-too-large",
        format!("the file is larger than the {most} bytes that are taken"),
    )
    .at("size", size.to_string())
    .with_hint("split the file by period, or compress it")
}

/// What an error of the file system means.
pub(super) fn failed(path: &Path, error: &io::Error) -> Failure {
    let path = path.display();
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => Failure::new(
            Class::Exhausted,
            "archive-full",
            format!("the archive has no room left: {path}: {error}"),
        )
        .with_hint(
            "make room on its disk; what was there before is whole, and nothing was recorded of this file",
        ),
        _ => Failure::new(
            Class::Unavailable,
            "archive-unavailable",
            format!("the archive cannot be used: {path}: {error}"),
        )
        .with_hint("it has to be a folder that the service may write: set it with --archive"),
    }
}
