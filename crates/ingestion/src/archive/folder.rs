//! The archive in a folder: `sha256/ab/cdef...` beside `incoming/`.
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use orewatch_runtime::Failure;

use super::content::KEYS;
use super::findings::Findings;
use super::incoming::{self, Incoming, failed};
use super::{ContentId, Lying, Stored, holders};

/// A folder of files by their content.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    root: PathBuf,
}

impl Folder {
    /// Opens it, makes it if it is not there, and sweeps what was left lying.
    pub(super) fn open(root: &Path) -> Result<Self, Failure> {
        let folder = Self { root: root.to_owned() };
        let incoming = folder.incoming();
        fs::create_dir_all(&incoming).map_err(|error| failed(&incoming, &error))?;
        let swept = incoming::sweep(&incoming).map_err(|error| failed(&incoming, &error))?;
        if swept > 0 {
            tracing::info!(swept, folder = %incoming.display(), "removed files that were never finished");
        }
        Ok(folder)
    }

    /// The folder itself.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Where files are until they are whole.
    pub(super) fn incoming(&self) -> PathBuf {
        self.root.join("incoming")
    }

    /// Where a content is, or would be.
    pub(super) fn place(&self, content: &ContentId) -> PathBuf {
        self.root.join(content.key())
    }

    /// Size of a content; none if it is not there.
    pub(super) fn size(&self, content: &ContentId) -> Result<Option<u64>, Failure> {
        let place = self.place(content);
        match fs::metadata(&place) {
            Ok(metadata) => Ok(Some(metadata.len())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(&place, &error)),
        }
    }

    /// All contents.
    pub(super) fn list(&self) -> Result<Vec<Lying>, Failure> {
        let root = self.root.join(KEYS);
        let mut lying = Vec::new();
        for folder in entries(&root)? {
            for file in entries(&folder)? {
                let Some(content) = ContentId::of_place(&file) else { continue };
                let about = match fs::metadata(&file) {
                    Ok(about) => about,
                    Err(error) if error.kind() == ErrorKind::NotFound => continue,
                    Err(error) => return Err(failed(&file, &error)),
                };
                let modified = about.modified().map_err(|error| failed(&file, &error))?;
                // A time that cannot be written is later than all that can.
                let since = Timestamp::try_from(modified).unwrap_or(Timestamp::MAX);
                lying.push(Lying { content, size: about.len(), since });
            }
        }
        Ok(lying)
    }

    /// Removes a content, and the notes of who handed it in.
    pub(super) fn remove(&self, content: &ContentId) -> Result<(), Failure> {
        gone(&self.place(content))?;
        let notes = entries(&self.root.join(holders::NOTES))?;
        notes.iter().try_for_each(|folder| gone(&folder.join(content.to_string())))
    }

    /// Gives a file its place. What is there with the same size is the same.
    pub(super) fn publish(&self, incoming: Incoming, findings: &Findings) -> Result<Stored, Failure> {
        let (content, size) = (findings.content, incoming.size());
        let known = self.size(&content)? == Some(size);
        if !known {
            let place = self.place(&content);
            let folder = place.parent().unwrap_or(&self.root);
            fs::create_dir_all(folder).map_err(|error| failed(folder, &error))?;
            incoming.publish(&place)?;
            // The file, its folder, and the folder of folders: all have to know their new entry after a loss of power.
            folder.ancestors().take(3).try_for_each(sync)?;
        }
        Ok(Stored { content, size, known })
    }
}

/// Removes a file that may be gone already.
fn gone(path: &Path) -> Result<(), Failure> {
    match fs::remove_file(path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(failed(path, &error)),
    }
}

/// What is in a folder; nothing if it is not there.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let read = match fs::read_dir(folder) {
        Ok(read) => read,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(error) => return Err(failed(folder, &error)),
    };
    let paths = read.map(|entry| entry.map(|entry| entry.path()));
    paths.collect::<Result<_, _>>().map_err(|error| failed(folder, &error))
}

fn sync(folder: &Path) -> Result<(), Failure> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| failed(folder, &error))
}
