//! The archive in a bucket of S3, or of a service with its interface: the same keys below a prefix.
//!
//! A file is written to a local folder first, so that its digest is known before it gets its name; a file
//! that is read is copied into that folder for as long as it is needed. An object exists as a whole or not at
//! all. Parts of a killed upload are no object; a lifecycle rule of the bucket removes them.
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{BoxStream, StreamExt as _};
use jiff::Timestamp;
use object_store::path::Path as Key;
use object_store::{Error, ObjectStore, ObjectStoreExt as _, PutPayload};
use orewatch_contracts::{Class, Failure};
use orewatch_formats::content::KEY_PREFIX;
use orewatch_formats::findings::Findings;
use orewatch_store::StoreError;

use super::incoming::{self, IncomingFile, io_failure};
use super::{ContentId, StoredEntry, StoredFile};

/// A bucket, and the local folder of files in transit.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    store: Arc<dyn ObjectStore>,
    prefix: String,
    folder: PathBuf,
}

impl Bucket {
    /// Opens the bucket. Region, address and keys are read from the environment: see
    /// [`orewatch_store::connect`].
    pub(super) fn open(bucket: &str, prefix: &str, folder: &Path) -> Result<Self, Failure> {
        let store = orewatch_store::connect(bucket).map_err(store_failure)?;
        fs::create_dir_all(folder).map_err(|error| io_failure(folder, &error))?;
        incoming::sweep(folder).map_err(|error| io_failure(folder, &error))?;
        Ok(Self { store, prefix: prefix.to_owned(), folder: folder.to_owned() })
    }

    /// Folder of unfinished files.
    pub(super) fn incoming(&self) -> PathBuf {
        self.folder.clone()
    }

    fn content_key(&self, content: &ContentId) -> Key {
        self.object_key(&content.key())
    }

    fn object_key(&self, key: &str) -> Key {
        Key::from(format!("{}/{key}", self.prefix))
    }

    /// Writes a note.
    pub(super) async fn put_note(&self, key: &str, text: String) -> Result<(), Failure> {
        let put = self.store.put(&self.object_key(key), PutPayload::from(text.into_bytes())).await;
        put.map(drop).map_err(|error| bucket_failure(&error))
    }

    /// Whether there is a note.
    pub(super) async fn has_note(&self, key: &str) -> Result<bool, Failure> {
        match self.store.head(&self.object_key(key)).await {
            Ok(_) => Ok(true),
            Err(Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(bucket_failure(&error)),
        }
    }

    /// Size of a content in bytes. `None`: it is not there.
    pub(super) async fn size(&self, content: &ContentId) -> Result<Option<u64>, Failure> {
        match self.store.head(&self.content_key(content)).await {
            Ok(object) => Ok(Some(object.size)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(bucket_failure(&error)),
        }
    }

    /// All contents.
    pub(super) async fn list(&self) -> Result<Vec<StoredEntry>, Failure> {
        let prefix = Key::from(format!("{}/{KEY_PREFIX}", self.prefix));
        let mut objects = self.store.list(Some(&prefix));
        let mut entries = Vec::new();
        while let Some(object) = objects.next().await.transpose().map_err(|error| bucket_failure(&error))? {
            let Some(content) = ContentId::from_path(Path::new(object.location.as_ref())) else { continue };
            let seconds = object.last_modified.timestamp();
            let since = Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX);
            entries.push(StoredEntry { content, size: object.size, since });
        }
        Ok(entries)
    }

    /// Removes a content.
    pub(super) async fn remove(&self, content: &ContentId) -> Result<(), Failure> {
        match self.store.delete(&self.content_key(content)).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(bucket_failure(&error)),
        }
    }

    /// Uploads a file under its digest. An object of the same size is the same file.
    pub(super) async fn publish(
        &self,
        incoming: IncomingFile,
        findings: &Findings,
    ) -> Result<StoredFile, Failure> {
        let (content, size) = (findings.content, incoming.size());
        let known = self.size(&content).await? == Some(size);
        if !known {
            let key = self.content_key(&content);
            let sent = orewatch_store::send_file(&*self.store, incoming.path(), &key, size).await;
            sent.map_err(store_failure)?;
        }
        Ok(StoredFile { content, stored_as: content, size, known })
    }

    /// A content piece by piece.
    pub(super) async fn get(
        &self,
        content: &ContentId,
    ) -> Result<BoxStream<'static, Result<Bytes, Failure>>, Failure> {
        let object =
            self.store.get(&self.content_key(content)).await.map_err(|error| bucket_failure(&error))?;
        Ok(object.into_stream().map(|piece| piece.map_err(|error| bucket_failure(&error))).boxed())
    }
}

/// The failure for an error of a file or of the bucket.
fn store_failure(error: StoreError) -> Failure {
    match error {
        StoreError::File { path, error } => io_failure(&path, &error),
        StoreError::Bucket(error) => bucket_failure(&error),
        other => Failure::internal(other.to_string()),
    }
}

/// The failure for an error of the bucket.
fn bucket_failure(error: &Error) -> Failure {
    let message = format!("the archive's bucket cannot be used: {error}");
    Failure::new(Class::Unavailable, "archive-unavailable", message).with_hint(
        "set AWS_REGION, AWS_ENDPOINT_URL and the keys in the environment of the service, and let it read \
         and write the bucket",
    )
}
