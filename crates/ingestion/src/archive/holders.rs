//! Notes of who uploaded which content. Knowing a digest is not enough to use a file, see
//! [`possession`](crate::possession).
//!
//! A note is a small file beside the contents, `holders/NAME/CONTENT`, with the SHA-256 of what the log
//! records in the place of the caller's name, and the name under which the content is stored. Notes can be
//! deleted safely: a caller without one uploads its file again.
use std::fs;
use std::path::Path;

use orewatch_contracts::Failure;
use orewatch_formats::ids;

use super::{Archive, Backend, ContentId, incoming};
use crate::blocking;

/// First folder of all notes.
pub(super) const HOLDERS_FOLDER: &str = "holders";

/// Key of a note below the archive.
pub(super) fn note_key(content: ContentId, name: &str) -> String {
    format!("{HOLDERS_FOLDER}/{}/{content}", ids::sha256(name.as_bytes()))
}

/// Writes a note in a folder. Its text is for people only.
pub(super) fn write_note(path: &Path, name: &str) -> Result<(), Failure> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).map_err(|error| incoming::io_failure(folder, &error))?;
    fs::write(path, name).map_err(|error| incoming::io_failure(path, &error))
}

impl Archive {
    /// Notes that a caller has uploaded what is stored under a name.
    ///
    /// # Errors
    /// Those of the place.
    pub(crate) async fn note_holder(&self, stored_as: ContentId, name: &str) -> Result<(), Failure> {
        let (key, name) = (note_key(stored_as, name), name.to_owned());
        match self.backend.clone() {
            Backend::Folder(folder) => blocking(move || write_note(&folder.root().join(key), &name)).await?,
            Backend::Bucket(bucket) => bucket.put_note(&key, name).await,
        }
    }

    /// Whether a caller has uploaded a content, for a tenant or for everyone (empty).
    ///
    /// # Errors
    /// Those of the place and of the keys.
    pub(crate) async fn is_holder(
        &self,
        content: ContentId,
        tenant: &str,
        name: &str,
    ) -> Result<bool, Failure> {
        for stored_as in self.names_of(content, tenant).await? {
            let key = note_key(stored_as, name);
            let has_note = match self.backend.clone() {
                Backend::Folder(folder) => blocking(move || folder.root().join(key).is_file()).await?,
                Backend::Bucket(bucket) => bucket.has_note(&key).await?,
            };
            if has_note {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
