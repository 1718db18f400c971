//! A store of objects: a folder, or a bucket with the same names below a prefix.
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt as _;
use jiff::Timestamp;
use object_store::path::Path as Key;
use object_store::{Error as BucketError, ObjectStore, ObjectStoreExt as _, PutMode, PutPayload};
use object_store::{PutOptions, UpdateVersion};
use tokio::io::AsyncWriteExt as _;
use tokio::task::spawn_blocking;

use crate::folder::{self, ContentDigest};
use crate::{Location, bucket};

/// An error of a store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file cannot be used.
    #[error("{}: {error}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The bucket cannot be used.
    #[error("the bucket cannot be used: {0}")]
    Bucket(#[from] BucketError),
    /// Others kept replacing an object first.
    #[error("others replaced {0} first, again and again")]
    Contended(String),
    /// A thread of the store ended early.
    #[error("a thread of the store ended early: {0}")]
    Thread(#[from] tokio::task::JoinError),
}

impl StoreError {
    pub(crate) fn file(path: &Path, error: io::Error) -> Self {
        Self::File { path: path.to_owned(), error }
    }
}

/// Objects by name. A name has parts that are joined by `/`.
#[derive(Clone, Debug)]
pub struct Store(Backend);

#[derive(Clone, Debug)]
enum Backend {
    Folder(PathBuf),
    Bucket { objects: Arc<dyn ObjectStore>, prefix: String },
}

/// The version of an object that was read, which an object has to have to be replaced.
#[derive(Clone, Debug)]
pub struct Version(VersionKind);

#[derive(Clone, Debug)]
enum VersionKind {
    Folder(ContentDigest),
    Bucket(UpdateVersion),
}

/// An object in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredObject {
    /// The last part of its name.
    pub name: String,
    /// When it was written.
    pub modified: Timestamp,
}

impl Store {
    /// Opens a store. Nothing is read or written yet.
    ///
    /// # Errors
    /// An environment that does not say how to reach the bucket.
    pub fn open(location: &Location) -> Result<Self, StoreError> {
        Ok(Self(match location {
            Location::Folder(root) => Backend::Folder(root.clone()),
            Location::Bucket { bucket, prefix } => {
                Backend::Bucket { objects: bucket::connect(bucket)?, prefix: prefix.clone() }
            }
        }))
    }

    /// A store in a bucket, with all names below a prefix.
    #[must_use]
    pub fn in_bucket(objects: Arc<dyn ObjectStore>, prefix: &str) -> Self {
        Self(Backend::Bucket { objects, prefix: prefix.to_owned() })
    }

    /// The folder. `None`: it is a bucket.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        match &self.0 {
            Backend::Folder(root) => Some(root),
            Backend::Bucket { .. } => None,
        }
    }

    /// Reads a small object with its version. `None`: it is not there.
    ///
    /// # Errors
    /// Those of the folder or bucket.
    pub async fn read(&self, name: &str) -> Result<Option<(Vec<u8>, Version)>, StoreError> {
        match &self.0 {
            Backend::Folder(root) => {
                let path = root.join(name);
                let read = spawn_blocking(move || folder::read(&path)).await??;
                Ok(read.map(|(content, digest)| (content, Version(VersionKind::Folder(digest)))))
            }
            Backend::Bucket { objects, prefix } => match objects.get(&key(prefix, name)).await {
                Ok(found) => {
                    let (e_tag, version) = (found.meta.e_tag.clone(), found.meta.version.clone());
                    let content = found.bytes().await?.to_vec();
                    Ok(Some((content, Version(VersionKind::Bucket(UpdateVersion { e_tag, version })))))
                }
                Err(BucketError::NotFound { .. }) => Ok(None),
                Err(error) => Err(error.into()),
            },
        }
    }

    /// Writes a small object if it still has the expected version; `None`: if it is not there. Returns
    /// whether it was written.
    ///
    /// # Errors
    /// Those of the folder or bucket.
    pub async fn replace(
        &self,
        name: &str,
        expected: Option<Version>,
        content: Vec<u8>,
    ) -> Result<bool, StoreError> {
        match &self.0 {
            Backend::Folder(root) => {
                let path = root.join(name);
                let expected = expected.and_then(|Version(kind)| match kind {
                    VersionKind::Folder(digest) => Some(digest),
                    VersionKind::Bucket(_) => None,
                });
                spawn_blocking(move || folder::replace(&path, expected, &content)).await?
            }
            Backend::Bucket { objects, prefix } => {
                let mode = match expected {
                    Some(Version(VersionKind::Bucket(version))) => PutMode::Update(version),
                    Some(Version(VersionKind::Folder(_))) | None => PutMode::Create,
                };
                let options = PutOptions { mode, ..PutOptions::default() };
                let payload = PutPayload::from(content);
                match objects.put_opts(&key(prefix, name), payload, options).await {
                    Ok(_) => Ok(true),
                    Err(BucketError::AlreadyExists { .. } | BucketError::Precondition { .. }) => Ok(false),
                    Err(error) => Err(error.into()),
                }
            }
        }
    }

    /// Writes an object, in place of one that is there already. It is there as a whole or not at all, and
    /// durable when this returns.
    ///
    /// # Errors
    /// Those of the folder or bucket.
    pub async fn write(&self, name: &str, content: Bytes) -> Result<(), StoreError> {
        match &self.0 {
            Backend::Folder(root) => {
                let path = root.join(name);
                spawn_blocking(move || {
                    folder::write(&path, &content).map_err(|error| StoreError::file(&path, error))
                })
                .await?
            }
            Backend::Bucket { objects, prefix } => {
                objects.put(&key(prefix, name), PutPayload::from(content)).await?;
                Ok(())
            }
        }
    }

    /// Copies an object to a local file. Returns whether it is there.
    ///
    /// # Errors
    /// Those of the folder or bucket, and of the file.
    pub async fn fetch(&self, name: &str, to: &Path) -> Result<bool, StoreError> {
        match &self.0 {
            Backend::Folder(root) => {
                let (from, to) = (root.join(name), to.to_owned());
                let copied = spawn_blocking(move || std::fs::copy(&from, &to)).await?;
                match copied {
                    Ok(_) => Ok(true),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
                    Err(error) => Err(StoreError::file(&root.join(name), error)),
                }
            }
            Backend::Bucket { objects, prefix } => match objects.get(&key(prefix, name)).await {
                Ok(found) => {
                    let at_file = |error| StoreError::file(to, error);
                    let mut file = tokio::fs::File::create(to).await.map_err(at_file)?;
                    let mut pieces = found.into_stream();
                    while let Some(piece) = pieces.next().await.transpose()? {
                        file.write_all(&piece).await.map_err(at_file)?;
                    }
                    file.flush().await.map_err(at_file)?;
                    Ok(true)
                }
                Err(BucketError::NotFound { .. }) => Ok(false),
                Err(error) => Err(error.into()),
            },
        }
    }

    /// Sends a local file of a known size to a bucket. In a folder, the file is the object and is there
    /// already.
    ///
    /// # Errors
    /// Those of the bucket and of the file.
    pub async fn send(&self, from: &Path, name: &str, size: u64) -> Result<(), StoreError> {
        match &self.0 {
            Backend::Folder(_) => Ok(()),
            Backend::Bucket { objects, prefix } => {
                bucket::send_file(&**objects, from, &key(prefix, name), size).await
            }
        }
    }

    /// The objects directly below a name.
    ///
    /// # Errors
    /// Those of the folder or bucket.
    pub async fn list(&self, below: &str) -> Result<Vec<StoredObject>, StoreError> {
        match &self.0 {
            Backend::Folder(root) => {
                let path = root.join(below);
                spawn_blocking(move || folder::list(&path)).await?
            }
            Backend::Bucket { objects, prefix } => {
                let found = objects.list_with_delimiter(Some(&key(prefix, below))).await?;
                let listed = found.objects.into_iter().map(|object| StoredObject {
                    name: object.location.filename().unwrap_or_default().to_owned(),
                    modified: Timestamp::from_second(object.last_modified.timestamp())
                        .unwrap_or(Timestamp::MAX),
                });
                Ok(listed.collect())
            }
        }
    }

    /// Removes an object if it is there.
    ///
    /// # Errors
    /// Those of the folder or bucket.
    pub async fn remove(&self, name: &str) -> Result<(), StoreError> {
        match &self.0 {
            Backend::Folder(root) => {
                let path = root.join(name);
                spawn_blocking(move || folder::remove(&path)).await?
            }
            Backend::Bucket { objects, prefix } => match objects.delete(&key(prefix, name)).await {
                Ok(()) | Err(BucketError::NotFound { .. }) => Ok(()),
                Err(error) => Err(error.into()),
            },
        }
    }
}

fn key(prefix: &str, name: &str) -> Key {
    Key::from(format!("{prefix}/{name}"))
}
