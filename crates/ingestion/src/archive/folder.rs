//! The archive in a folder: `sha256/ab/cdef...` beside `incoming/`.
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use orewatch_contracts::Failure;
use orewatch_formats::content::KEY_PREFIX;
use orewatch_formats::findings::Findings;

use super::incoming::{self, IncomingFile, io_failure};
use super::{ContentId, StoredEntry, StoredFile, holders};

/// A folder of files named by their digests.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    root: PathBuf,
}

impl Folder {
    /// Opens the folder, creates it if needed, and removes unfinished files.
    pub(super) fn open(root: &Path) -> Result<Self, Failure> {
        let folder = Self { root: root.to_owned() };
        let incoming = folder.incoming();
        fs::create_dir_all(&incoming).map_err(|error| io_failure(&incoming, &error))?;
        let swept = incoming::sweep(&incoming).map_err(|error| io_failure(&incoming, &error))?;
        if swept > 0 {
            tracing::info!(swept, folder = %incoming.display(), "removed files that were never finished");
        }
        Ok(folder)
    }

    /// The folder itself.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Folder of unfinished files.
    pub(super) fn incoming(&self) -> PathBuf {
        self.root.join("incoming")
    }

    /// Path of a content.
    pub(super) fn content_path(&self, content: &ContentId) -> PathBuf {
        self.root.join(content.key())
    }

    /// Size of a content in bytes. `None`: it is not there.
    pub(super) fn size(&self, content: &ContentId) -> Result<Option<u64>, Failure> {
        let path = self.content_path(content);
        match fs::metadata(&path) {
            Ok(metadata) => Ok(Some(metadata.len())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(io_failure(&path, &error)),
        }
    }

    /// All contents.
    pub(super) fn list(&self) -> Result<Vec<StoredEntry>, Failure> {
        let root = self.root.join(KEY_PREFIX);
        let mut entries = Vec::new();
        for folder in list_folder(&root)? {
            for file in list_folder(&folder)? {
                let Some(content) = ContentId::from_path(&file) else { continue };
                let about = match fs::metadata(&file) {
                    Ok(about) => about,
                    Err(error) if error.kind() == ErrorKind::NotFound => continue,
                    Err(error) => return Err(io_failure(&file, &error)),
                };
                let modified = about.modified().map_err(|error| io_failure(&file, &error))?;
                // A time out of range is later than all others.
                let since = Timestamp::try_from(modified).unwrap_or(Timestamp::MAX);
                entries.push(StoredEntry { content, size: about.len(), since });
            }
        }
        Ok(entries)
    }

    /// Removes a content, and the notes of who uploaded it.
    pub(super) fn remove(&self, content: &ContentId) -> Result<(), Failure> {
        remove_if_present(&self.content_path(content))?;
        let notes = list_folder(&self.root.join(holders::HOLDERS_FOLDER))?;
        notes.iter().try_for_each(|folder| remove_if_present(&folder.join(content.to_string())))
    }

    /// Moves a file to its place. A file of the same size there is the same file.
    pub(super) fn publish(&self, incoming: IncomingFile, findings: &Findings) -> Result<StoredFile, Failure> {
        let (content, size) = (findings.content, incoming.size());
        let known = self.size(&content)? == Some(size);
        if !known {
            let path = self.content_path(&content);
            let folder = path.parent().unwrap_or(&self.root);
            fs::create_dir_all(folder).map_err(|error| io_failure(folder, &error))?;
            incoming.publish(&path)?;
            // The entries of the file, its folder and the folder of folders all have to survive a loss of
            // power.
            folder.ancestors().take(3).try_for_each(sync_folder)?;
        }
        Ok(StoredFile { content, stored_as: content, size, known })
    }
}

/// Removes a file if it exists.
fn remove_if_present(path: &Path) -> Result<(), Failure> {
    match fs::remove_file(path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(io_failure(path, &error)),
    }
}

/// Paths in a folder; none if it does not exist.
fn list_folder(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let read = match fs::read_dir(folder) {
        Ok(read) => read,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(error) => return Err(io_failure(folder, &error)),
    };
    let paths = read.map(|entry| entry.map(|entry| entry.path()));
    paths.collect::<Result<_, _>>().map_err(|error| io_failure(folder, &error))
}

fn sync_folder(folder: &Path) -> Result<(), Failure> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| io_failure(folder, &error))
}
