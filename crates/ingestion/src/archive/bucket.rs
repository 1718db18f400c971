//! The archive in a bucket of S3, or of what speaks like it: the same keys below a prefix.
//!
//! A file is written to a local folder first, so that its content is known before it gets its name; what is read comes into that
//! folder as well, for as long as somebody reads it. An object is there as a whole or not at all; parts of an upload that was
//! killed are no object, and a rule of the bucket's life cycle removes them.
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{BoxStream, StreamExt as _};
use jiff::Timestamp;
use object_store::aws::AmazonS3Builder;
use object_store::path::Path as Key;
use object_store::{
    ClientOptions, Error, ObjectStore, ObjectStoreExt as _, PutPayload, RetryConfig, WriteMultipart,
};
use orewatch_runtime::{Class, Failure};
use tokio::io::AsyncReadExt as _;

use super::content::KEYS;
use super::findings::Findings;
use super::incoming::{self, Incoming, failed};
use super::{ContentId, Lying, Stored};
use crate::blocking;

/// Files up to this size are sent as one piece; larger ones in parts of at least this size.
const ONE_PIECE: u64 = 8 << 20;

/// Most parts that we make of a file; the interface allows 10,000.
const MOST_PARTS: u64 = 5_000;

/// Parts that are on their way at a time.
const PARTS_AT_ONCE: usize = 2;

/// How long the next bytes of an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often a request is made again.
const TRIES: usize = 4;

/// A bucket, and the local folder of files on their way.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    store: Arc<dyn ObjectStore>,
    prefix: String,
    folder: PathBuf,
}

impl Bucket {
    /// Opens it. Region, address and keys are those of the environment: `AWS_REGION`, `AWS_ENDPOINT_URL`, `AWS_ACCESS_KEY_ID`,
    /// `AWS_SECRET_ACCESS_KEY` and their like.
    pub(super) fn open(bucket: &str, prefix: &str, folder: &Path) -> Result<Self, Failure> {
        // Another part of the process may have chosen the same before.
        let _chosen = rustls::crypto::ring::default_provider().install_default();
        let options = ClientOptions::new()
            .with_timeout_disabled()
            .with_read_timeout(PATIENCE)
            .with_connect_timeout(Duration::from_secs(5))
            .with_allow_http(true);
        let retry = RetryConfig { max_retries: TRIES, retry_timeout: PATIENCE, ..RetryConfig::default() };
        let store = AmazonS3Builder::from_env()
            .with_bucket_name(bucket)
            .with_client_options(options)
            .with_retry(retry)
            .build()
            .map_err(|error| unusable(&error))?;
        fs::create_dir_all(folder).map_err(|error| failed(folder, &error))?;
        incoming::sweep(folder).map_err(|error| failed(folder, &error))?;
        Ok(Self { store: Arc::new(store), prefix: prefix.to_owned(), folder: folder.to_owned() })
    }

    /// Where files are until they are whole.
    pub(super) fn incoming(&self) -> PathBuf {
        self.folder.clone()
    }

    fn key(&self, content: &ContentId) -> Key {
        self.below(&content.key())
    }

    fn below(&self, key: &str) -> Key {
        Key::from(format!("{}/{key}", self.prefix))
    }

    /// Writes a note.
    pub(super) async fn note(&self, key: &str, text: String) -> Result<(), Failure> {
        let put = self.store.put(&self.below(key), PutPayload::from(text.into_bytes())).await;
        put.map(drop).map_err(|error| unusable(&error))
    }

    /// Whether there is a note.
    pub(super) async fn is_noted(&self, key: &str) -> Result<bool, Failure> {
        match self.store.head(&self.below(key)).await {
            Ok(_) => Ok(true),
            Err(Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(unusable(&error)),
        }
    }

    /// Size of a content; none if it is not there.
    pub(super) async fn size(&self, content: &ContentId) -> Result<Option<u64>, Failure> {
        match self.store.head(&self.key(content)).await {
            Ok(object) => Ok(Some(object.size)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(unusable(&error)),
        }
    }

    /// All contents.
    pub(super) async fn list(&self) -> Result<Vec<Lying>, Failure> {
        let prefix = Key::from(format!("{}/{KEYS}", self.prefix));
        let mut objects = self.store.list(Some(&prefix));
        let mut lying = Vec::new();
        while let Some(object) = objects.next().await.transpose().map_err(|error| unusable(&error))? {
            let Some(content) = ContentId::of_place(Path::new(object.location.as_ref())) else { continue };
            let seconds = object.last_modified.timestamp();
            let since = Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX);
            lying.push(Lying { content, size: object.size, since });
        }
        Ok(lying)
    }

    /// Removes a content.
    pub(super) async fn remove(&self, content: &ContentId) -> Result<(), Failure> {
        match self.store.delete(&self.key(content)).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(unusable(&error)),
        }
    }

    /// Gives a file its place. What is there with the same size is the same.
    pub(super) async fn publish(&self, incoming: Incoming, findings: &Findings) -> Result<Stored, Failure> {
        let (content, size) = (findings.content, incoming.size());
        let known = self.size(&content).await? == Some(size);
        if !known {
            self.send(incoming.path(), &self.key(&content), size).await?;
        }
        Ok(Stored { content, size, known })
    }

    async fn send(&self, path: &Path, key: &Key, size: u64) -> Result<(), Failure> {
        let mut file = tokio::fs::File::open(path).await.map_err(|error| failed(path, &error))?;
        if size <= ONE_PIECE {
            let mut whole = Vec::new();
            file.read_to_end(&mut whole).await.map_err(|error| failed(path, &error))?;
            let put = self.store.put(key, PutPayload::from(whole)).await;
            return put.map(drop).map_err(|error| unusable(&error));
        }
        let part = usize::try_from(ONE_PIECE.max(size / MOST_PARTS)).unwrap_or(usize::MAX);
        let upload = self.store.put_multipart(key).await.map_err(|error| unusable(&error))?;
        let mut parts = WriteMultipart::new_with_chunk_size(upload, part);
        match pour(&mut file, path, &mut parts).await {
            Ok(()) => parts.finish().await.map(drop).map_err(|error| unusable(&error)),
            Err(failure) => {
                // Why it failed is worth more than that its remains could not be removed.
                let _left = parts.abort().await;
                Err(failure)
            }
        }
    }

    /// A content, piece by piece.
    pub(super) async fn get(
        &self,
        content: &ContentId,
    ) -> Result<BoxStream<'static, Result<Bytes, Failure>>, Failure> {
        let object = self.store.get(&self.key(content)).await.map_err(|error| unusable(&error))?;
        Ok(object.into_stream().map(|piece| piece.map_err(|error| unusable(&error))).boxed())
    }

    /// A content as a local file, which is gone when it is dropped.
    pub(super) async fn fetch(
        &self,
        content: &ContentId,
        size: u64,
    ) -> Result<(Incoming, Findings), Failure> {
        let folder = self.folder.clone();
        let mut file = blocking(move || Incoming::begin(&folder, size)).await??;
        let mut pieces = super::verified(*content, self.get(content).await?);
        while let Some(piece) = pieces.next().await.transpose()? {
            file = blocking(move || file.take(piece).map(|()| file)).await??;
        }
        blocking(move || file.end()).await?
    }
}

/// Hands a file on in parts.
async fn pour(file: &mut tokio::fs::File, path: &Path, parts: &mut WriteMultipart) -> Result<(), Failure> {
    let mut piece = vec![0; super::PIECE];
    loop {
        let count = file.read(&mut piece).await.map_err(|error| failed(path, &error))?;
        let Some(bytes) = piece.get(..count).filter(|bytes| !bytes.is_empty()) else { return Ok(()) };
        parts.wait_for_capacity(PARTS_AT_ONCE).await.map_err(|error| unusable(&error))?;
        parts.write(bytes);
    }
}

/// What an error of the bucket means.
fn unusable(error: &Error) -> Failure {
    let message = format!("the archive's bucket cannot be used: {error}");
    Failure::new(Class::Unavailable, "archive-unavailable", message).with_hint(
        "set AWS_REGION, AWS_ENDPOINT_URL and the keys in the environment of the service, and let it read and write the bucket",
    )
}
