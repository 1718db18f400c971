//! A store in a folder. A file appears under its name when it is complete, so nobody ever sees half of one.
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::path::Path;

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;

use crate::{StoreError, StoredObject};

/// Prefix of the names of unfinished files.
pub(crate) const UNFINISHED_PREFIX: &str = ".new-";

/// Version of a small file: the digest of its content.
pub(crate) type ContentDigest = [u8; 32];

/// A new file in a folder, which is removed unless it is [persisted](persist).
pub(crate) fn begin(folder: &Path) -> io::Result<NamedTempFile> {
    fs::create_dir_all(folder)?;
    // Unlike a file for private use, it is readable by others as the umask allows: replicas may run as
    // different users.
    tempfile::Builder::new().prefix(UNFINISHED_PREFIX).make_in(folder, |path| File::create_new(path))
}

/// Flushes a new file, and moves it to its name.
pub(crate) fn persist(file: NamedTempFile, path: &Path) -> io::Result<()> {
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    // The entry of the folder has to survive a loss of power, too.
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

/// Reads a small file with its version. `None`: it is not there.
pub(crate) fn read(path: &Path) -> Result<Option<(Vec<u8>, ContentDigest)>, StoreError> {
    match fs::read(path) {
        Ok(content) => {
            let digest = Sha256::digest(&content).into();
            Ok(Some((content, digest)))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError::file(path, error)),
    }
}

/// Replaces a small file if its version is still the expected one; `None`: if it is not there. Returns
/// whether it was replaced.
pub(crate) fn replace(
    path: &Path,
    expected: Option<ContentDigest>,
    content: &[u8],
) -> Result<bool, StoreError> {
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    fs::create_dir_all(folder).map_err(|error| StoreError::file(folder, error))?;
    // The lock is on a file of its own, because the file itself is replaced. It ends with the handle.
    let lock_path = path.with_extension("lock");
    let lock = File::options().create(true).truncate(false).write(true).open(&lock_path);
    let lock = lock.map_err(|error| StoreError::file(&lock_path, error))?;
    lock.lock().map_err(|error| StoreError::file(&lock_path, error))?;
    if read(path)?.map(|(_, digest)| digest) != expected {
        return Ok(false);
    }
    write(path, content).map_err(|error| StoreError::file(path, error))?;
    Ok(true)
}

/// Writes a small file as a whole.
pub(crate) fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = begin(path.parent().unwrap_or_else(|| Path::new(".")))?;
    file.write_all(content)?;
    persist(file, path)
}

/// The files in a folder; none if it does not exist.
pub(crate) fn list(folder: &Path) -> Result<Vec<StoredObject>, StoreError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(StoreError::file(folder, error)),
    };
    let about = |entry: io::Result<fs::DirEntry>| {
        let entry = entry?;
        let modified = entry.metadata()?.modified()?;
        // A time out of range is later than all others.
        let modified = Timestamp::try_from(modified).unwrap_or(Timestamp::MAX);
        Ok::<_, io::Error>(StoredObject { name: entry.file_name().to_string_lossy().into_owned(), modified })
    };
    // A file that is removed meanwhile is none.
    let is_gone =
        |entry: &io::Result<StoredObject>| matches!(entry, Err(error) if error.kind() == ErrorKind::NotFound);
    let found = entries.map(about).filter(|entry| !is_gone(entry));
    found.collect::<io::Result<_>>().map_err(|error| StoreError::file(folder, error))
}

/// Removes a file if it is there.
pub(crate) fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(StoreError::file(path, error)),
    }
}
