//! A file on its way: under a name of its own until all of it is there.
//!
//! Whoever writes one holds a lock on it, which the system lets go of when the process ends, however it ends. So a start can
//! tell what was left lying from what another process writes at the moment.
use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use orewatch_runtime::{Class, Failure};
use sha2::{Digest as _, Sha256};

use super::ContentId;

/// How often another name is tried.
const TRIES: u32 = 1_000;

/// Numbers the files of this process.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// A file on its way; it is gone when it is dropped.
#[derive(Debug)]
pub struct Incoming {
    path: PathBuf,
    file: File,
    digest: Sha256,
    size: u64,
    most: u64,
    /// It has left: there is nothing to remove.
    moved: bool,
}

impl Incoming {
    /// An empty file in a folder, for at most so many bytes.
    pub(super) fn begin(folder: &Path, most: u64) -> Result<Self, Failure> {
        let (path, file) = fresh(folder).map_err(|error| failed(folder, &error))?;
        Ok(Self { path, file, digest: Sha256::new(), size: 0, most, moved: false })
    }

    /// Writes the next bytes.
    ///
    /// # Errors
    /// [`Class::Exhausted`] if there is no room, on the disk or within the limit.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.size = self.size.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        if self.size > self.most {
            return Err(too_large(self.size, self.most));
        }
        self.file.write_all(bytes).map_err(|error| failed(&self.path, &error))?;
        self.digest.update(bytes);
        Ok(())
    }

    /// Bytes so far.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// What has been written, by its content.
    pub(super) fn content(&self) -> ContentId {
        ContentId::new(self.digest.clone().finalize().into())
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
