//! Who has handed which contents in. To know a digest is not to have the file: a content is used by who brought its bytes, or may
//! read a release of it, see [`possession`](crate::possession).
//!
//! A holder is a small file beside the contents, `holders/NAME/CONTENT` with the SHA-256 of the name. Whoever is not found there
//! hands the bytes in again, so that these files can be thrown away.
use std::fs;
use std::path::Path;

use orewatch_runtime::Failure;

use super::{Archive, ContentId, Keep, incoming};
use crate::{blocking, ids};

/// What the places of all notes begin with.
pub(super) const NOTES: &str = "holders";

/// Place of the note below the archive.
pub(super) fn key(content: ContentId, name: &str) -> String {
    format!("{NOTES}/{}/{content}", ids::sha256(name.as_bytes()))
}

/// Writes a note in a folder. What it says is for people.
pub(super) fn write(path: &Path, name: &str) -> Result<(), Failure> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).map_err(|error| incoming::failed(folder, &error))?;
    fs::write(path, name).map_err(|error| incoming::failed(path, &error))
}

impl Archive {
    /// Notes that somebody has handed a content in.
    ///
    /// # Errors
    /// Those of the place.
    pub(crate) async fn note_holder(&self, content: ContentId, name: &str) -> Result<(), Failure> {
        let (key, name) = (key(content, name), name.to_owned());
        match self.keep.clone() {
            Keep::Folder(folder) => blocking(move || write(&folder.root().join(key), &name)).await?,
            Keep::Bucket(bucket) => bucket.note(&key, name).await,
        }
    }

    /// Whether somebody has handed a content in.
    ///
    /// # Errors
    /// Those of the place.
    pub(crate) async fn is_holder(&self, content: ContentId, name: &str) -> Result<bool, Failure> {
        let key = key(content, name);
        match self.keep.clone() {
            Keep::Folder(folder) => blocking(move || folder.root().join(key).is_file()).await,
            Keep::Bucket(bucket) => bucket.is_noted(&key).await,
        }
    }
}
