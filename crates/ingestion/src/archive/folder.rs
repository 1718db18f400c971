//! The archive in a folder: `sha256/ab/cdef...` beside `incoming/`.
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use orewatch_runtime::Failure;

use super::findings::Findings;
use super::incoming::{self, Incoming, failed};
use super::{ContentId, Stored};

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

fn sync(folder: &Path) -> Result<(), Failure> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| failed(folder, &error))
}
