//! The archive of original files: every file that was uploaded or retrieved, byte for byte, under its
//! SHA-256.
//!
//! A file is written under a temporary name and moved to its own when it is complete, so nobody ever sees
//! half of one. Known content is recognised and not stored again. A file that a release needs is never
//! removed; others are removed after a while ([`crate::Config::keep_refused`]).
//!
//! Where tenants have keys, a tenant's file is sealed, and has another name (`shelf`): a content that two
//! tenants uploaded is stored twice, because one of them may be erased.

mod background;
mod bucket;
mod findings;
mod folder;
mod holders;
mod incoming;
mod shelf;
mod usage;

use std::io::Read;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use jiff::Timestamp;
use orewatch_contracts::{Class, Failure};
use orewatch_formats::findings::Findings;
use orewatch_runtime::{Clock as _, SystemClock};
use orewatch_store::keys::TenantKeys;
use orewatch_store::sealed::sealed_size;
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncReadExt as _;

pub use findings::ArchiveCache;
pub use incoming::IncomingFile;
pub use orewatch_formats::content::ContentId;
pub use orewatch_store::Location as ArchiveLocation;
pub use usage::Quota;

pub(crate) use shelf::sealed_name;
pub(crate) use usage::{StoredEntry, check_tenant};

use bucket::Bucket;
use folder::Folder;

use crate::blocking;

/// Size of a piece that is written or read at a time, in bytes.
const PIECE_BYTES: usize = 256 * 1024;

/// Time between two looks whether the removal of a file has ended.
const REMOVAL_POLL_INTERVAL: std::time::Duration = std::time::Duration::from_millis(10);

/// Default upper bound on a file's size (16 GiB).
pub const MAX_FILE_BYTES: u64 = 16 << 30;

/// Upper bound on bytes copied by one ingest, from a bucket or from sealed files (64 GiB).
const MAX_FETCHED_BYTES: u64 = 64 << 30;

/// A file in the archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredFile {
    /// SHA-256 of the file.
    pub content: ContentId,
    /// Name under which it is stored: its SHA-256, unless it is sealed.
    pub stored_as: ContentId,
    /// Size of the content in bytes.
    pub size: u64,
    /// It was there already.
    pub known: bool,
}

/// The archive of original files.
#[derive(Clone, Debug)]
pub struct Archive {
    backend: Backend,
    largest: u64,
    cache: ArchiveCache,
    quota: Quota,
    keys: TenantKeys,
}

/// Storage of the files.
#[derive(Clone, Debug)]
enum Backend {
    Folder(Folder),
    Bucket(Bucket),
}

impl Archive {
    /// Opens the archive, and removes unfinished files of processes that crashed. `largest` is the upper
    /// bound on a file's size in bytes; `spool` is a folder for files on their way to and from a bucket.
    ///
    /// # Errors
    /// [`Class::Unavailable`] for a location that cannot be used.
    pub async fn open(place: &ArchiveLocation, spool: &Path, largest: u64) -> Result<Self, Failure> {
        let (place, spool) = (place.clone(), spool.to_owned());
        let open = move || match place {
            ArchiveLocation::Folder(root) => Folder::open(&root).map(Backend::Folder),
            ArchiveLocation::Bucket { bucket, prefix } => {
                Bucket::open(&bucket, &prefix, &spool).map(Backend::Bucket)
            }
        };
        let (backend, cache) = (blocking(open).await??, ArchiveCache::default());
        Ok(Self { backend, largest, cache, quota: Quota::default(), keys: TenantKeys::default() })
    }

    /// Seals the files of tenants with these keys.
    #[must_use]
    pub fn with_keys(self, keys: TenantKeys) -> Self {
        Self { keys, ..self }
    }

    /// Limits what the archive may hold.
    #[must_use]
    pub fn with_quota(self, quota: Quota) -> Self {
        Self { quota, ..self }
    }

    /// Upper bounds on what the archive holds.
    pub(crate) fn quota(&self) -> Quota {
        self.quota
    }

    /// Total size of some files, in bytes.
    pub(crate) fn total_size<'a>(&self, contents: impl IntoIterator<Item = &'a ContentId>) -> u64 {
        self.cache.usage.total_size(contents)
    }

    /// Lists all files, and counts them as the archive's content from now on.
    ///
    /// # Errors
    /// Those of the place.
    pub(crate) async fn list_files(&self) -> Result<Vec<StoredEntry>, Failure> {
        let entries = match self.backend.clone() {
            Backend::Folder(folder) => blocking(move || folder.list()).await??,
            Backend::Bucket(bucket) => bucket.list().await?,
        };
        self.cache.usage.record_entries(&entries);
        Ok(entries)
    }

    /// Removes a file unless it was used since a time. Returns whether it was removed.
    ///
    /// # Errors
    /// Those of the place.
    pub(crate) async fn remove(&self, content: ContentId, before: Timestamp) -> Result<bool, Failure> {
        let usage = &self.cache.usage;
        if !usage.begin_removal(content, before) {
            return Ok(false);
        }
        let removed = match self.backend.clone() {
            Backend::Folder(folder) => blocking(move || folder.remove(&content)).await.and_then(|done| done),
            Backend::Bucket(bucket) => bucket.remove(&content).await,
        };
        usage.end_removal(content, removed.is_ok());
        removed.map(|()| true)
    }

    /// Forgets which files were used before a time.
    pub(crate) fn forget_uses(&self, before: Timestamp) {
        self.cache.usage.forget_uses(before);
    }

    /// Marks a file as used, before anybody looks whether it exists.
    async fn touch(&self, content: ContentId) {
        while !self.cache.usage.touch(content, SystemClock.now()) {
            tokio::time::sleep(REMOVAL_POLL_INTERVAL).await;
        }
    }

    /// Shares what is remembered about stored files with other archives of this process.
    #[must_use]
    pub fn with_cache(self, cache: ArchiveCache) -> Self {
        Self { cache, ..self }
    }

    /// Begins a file; [`Archive::finish`] puts it into its place. A size that is known beforehand is checked
    /// here.
    ///
    /// # Errors
    /// [`Class::Invalid`] for a file that is too large, [`Class::Unavailable`] and [`Class::Exhausted`] for
    /// the storage.
    pub async fn begin(&self, size: u64) -> Result<IncomingFile, Failure> {
        if size > self.largest {
            return Err(incoming::too_large(size, self.largest));
        }
        let folder = self.incoming_folder();
        let (largest, reservation) = (self.largest, self.cache.usage.reserve(size, self.quota)?);
        blocking(move || {
            IncomingFile::begin(&folder, largest).map(|incoming| incoming.with_reservation(reservation))
        })
        .await?
    }

    /// Puts a written file into its place, for a tenant or for everyone (empty). `expected` is the digest
    /// that it has to have.
    ///
    /// # Errors
    /// [`Class::Invalid`] if it has another digest than expected, and errors of the storage and of the keys.
    pub async fn finish(
        &self,
        incoming: IncomingFile,
        expected: Option<ContentId>,
        tenant: &str,
    ) -> Result<StoredFile, Failure> {
        let (incoming, findings) = blocking(move || incoming.finish()).await??;
        let content = findings.content;
        if let Some(expected) = expected.filter(|expected| *expected != content) {
            return Err(Failure::new(
                Class::Invalid,
                "digest-mismatch",
                format!("the file does not match its digest: its SHA-256 is {content}"),
            )
            .at("sha256", expected.to_string())
            .with_hint("it was changed in transit, or while it was read: upload it again"));
        }
        self.store(incoming, findings, tenant).await
    }

    async fn store(
        &self,
        incoming: IncomingFile,
        findings: Findings,
        tenant: &str,
    ) -> Result<StoredFile, Failure> {
        let stored = match self.keys.current_or_new(tenant).await? {
            Some(current) => self.publish_sealed(incoming, findings, current).await?,
            None => {
                self.touch(findings.content).await;
                self.publish(incoming, findings).await?
            }
        };
        let is_sealed = stored.stored_as != stored.content;
        let size = if is_sealed { sealed_size(stored.size) } else { stored.size };
        self.cache.usage.record_file(stored.stored_as, size);
        Ok(stored)
    }

    async fn publish(&self, incoming: IncomingFile, findings: Findings) -> Result<StoredFile, Failure> {
        let content = findings.content;
        match self.backend.clone() {
            Backend::Folder(folder) => {
                let cache = self.cache.clone();
                let publish = move || {
                    let stored = folder.publish(incoming, &findings)?;
                    if !stored.known {
                        cache.remember(&folder.content_path(&content), findings);
                    }
                    Ok(stored)
                };
                blocking(publish).await?
            }
            Backend::Bucket(bucket) => bucket.publish(incoming, &findings).await,
        }
    }

    /// Stores what a reader yields, for a tenant or for everyone (empty).
    ///
    /// # Errors
    /// Those of [`Archive::begin`], [`Archive::finish`] and the reader.
    pub async fn put(
        &self,
        mut from: impl Read + Send + 'static,
        tenant: &str,
    ) -> Result<StoredFile, Failure> {
        let mut incoming = self.begin(0).await?;
        let incoming = blocking(move || {
            loop {
                let mut buffer = vec![0; PIECE_BYTES];
                let count = from.read(&mut buffer).map_err(|error| {
                    Failure::new(
                        Class::Unavailable,
                        "file-read-failed",
                        format!("the file cannot be read: {error}"),
                    )
                })?;
                if count == 0 {
                    return Ok::<_, Failure>(incoming);
                }
                buffer.truncate(count);
                incoming.write_bytes(buffer.into())?;
            }
        });
        self.finish(incoming.await??, None, tenant).await
    }

    /// Size of a content in bytes, as a tenant or everyone (empty) has it. `None`: it is not there.
    ///
    /// # Errors
    /// Those of the place and of the keys.
    pub async fn size(&self, content: ContentId, tenant: &str) -> Result<Option<u64>, Failure> {
        Ok(self.locate(content, tenant).await?.map(|place| place.size))
    }

    /// Size of what is stored under a name. `None`: there is nothing.
    async fn stored_size(&self, name: ContentId) -> Result<Option<u64>, Failure> {
        self.touch(name).await;
        match self.backend.clone() {
            Backend::Folder(folder) => blocking(move || folder.size(&name)).await?,
            Backend::Bucket(bucket) => bucket.size(&name).await,
        }
    }

    /// What is stored under a name, piece by piece.
    async fn stored_pieces(
        &self,
        name: ContentId,
    ) -> Result<BoxStream<'static, Result<Bytes, Failure>>, Failure> {
        let path = match &self.backend {
            Backend::Folder(folder) => folder.content_path(&name),
            Backend::Bucket(bucket) => return bucket.get(&name).await,
        };
        let file = tokio::fs::File::open(&path).await.map_err(|error| incoming::io_failure(&path, &error))?;
        let pieces = stream::try_unfold(file, move |mut file| {
            let path = path.clone();
            async move {
                let mut piece = bytes::BytesMut::with_capacity(PIECE_BYTES);
                let read = file.read_buf(&mut piece).await;
                let count = read.map_err(|error| incoming::io_failure(&path, &error))?;
                Ok((count > 0).then(|| (piece.freeze(), file)))
            }
        });
        Ok(pieces.boxed())
    }

    /// Contents as local files, for as long as the returned values live, as a tenant or everyone (empty) has
    /// them.
    ///
    /// # Errors
    /// [`Class::NotFound`] for a missing content, [`Class::Exhausted`] for more than may be copied at a time,
    /// and errors of the storage and of the keys.
    pub async fn open_local(&self, contents: &[ContentId], tenant: &str) -> Result<Vec<LocalFile>, Failure> {
        let mut places = Vec::with_capacity(contents.len());
        for content in contents {
            places.push(self.required(*content, tenant).await?);
        }
        let total = places.iter().fold(0_u64, |sum, place| sum.saturating_add(place.size));
        let mut files = Vec::with_capacity(contents.len());
        for place in &places {
            files.push(match &self.backend {
                Backend::Folder(folder) if place.key.is_none() => {
                    let path = folder.content_path(&place.content);
                    let (cache, content, at) = (self.cache.clone(), place.content, path.clone());
                    let findings = blocking(move || cache.recall(&content, &at)).await?;
                    LocalFile { path, findings, _fetched: None }
                }
                _ if total > MAX_FETCHED_BYTES => return Err(fetch_too_large(total)),
                Backend::Folder(_) | Backend::Bucket(_) => {
                    let (fetched, findings) = self.fetch(place).await?;
                    let path = fetched.path().to_owned();
                    LocalFile { path, findings: Some(findings), _fetched: Some(fetched) }
                }
            });
        }
        Ok(files)
    }

    /// A content piece by piece, as a tenant or everyone (empty) has it. If the stored file is damaged, the
    /// last item is an error.
    ///
    /// # Errors
    /// [`Class::NotFound`] for a missing content, and errors of the storage and of the keys.
    pub async fn get(
        &self,
        content: ContentId,
        tenant: &str,
    ) -> Result<BoxStream<'static, Result<Bytes, Failure>>, Failure> {
        self.pieces(&self.required(content, tenant).await?).await
    }

    /// Folder of unfinished files.
    fn incoming_folder(&self) -> PathBuf {
        match &self.backend {
            Backend::Folder(folder) => folder.incoming(),
            Backend::Bucket(bucket) => bucket.incoming(),
        }
    }
}

fn fetch_too_large(total: u64) -> Failure {
    let message = format!("at most {MAX_FETCHED_BYTES} bytes are copied from the archive by one ingest");
    Failure::new(Class::Exhausted, "archive-spool", message)
        .at("files", total.to_string())
        .with_hint("ingest fewer files at a time")
}

/// The failure for a file that does not exist, or that the caller may not use.
pub(crate) fn unknown_file(content: ContentId) -> Failure {
    Failure::new(Class::NotFound, "unknown-file", "the archive has no such file")
        .at("sha256", content.to_string())
        .with_hint("`orewatch releases RELEASE` shows the digests of its files; a new file is uploaded first")
}

/// A content as a local file.
#[derive(Debug)]
pub struct LocalFile {
    path: PathBuf,
    /// What was found when it was stored, if that is remembered.
    findings: Option<Findings>,
    /// A copy of a file in the bucket or of a sealed one, which is removed when this is dropped.
    _fetched: Option<IncomingFile>,
}

impl LocalFile {
    /// Path of the file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What was found when it was stored, if that is remembered.
    pub(crate) fn findings(&self) -> Option<Findings> {
        self.findings
    }
}

/// Passes pieces on, with an error at their end if their digest is wrong.
fn verify_pieces(
    content: ContentId,
    pieces: BoxStream<'static, Result<Bytes, Failure>>,
) -> BoxStream<'static, Result<Bytes, Failure>> {
    let pieces = stream::try_unfold((pieces, Sha256::new()), move |(mut pieces, mut digest)| async move {
        match pieces.next().await.transpose()? {
            Some(piece) => {
                digest.update(&piece);
                Ok(Some((piece, (pieces, digest))))
            }
            None if ContentId::new(digest.finalize().into()) == content => Ok(None),
            None => Err(damaged(content)),
        }
    });
    pieces.boxed()
}

fn damaged(content: ContentId) -> Failure {
    Failure::new(Class::Damaged, "archive-damaged", "the stored file is damaged")
        .at("sha256", content.to_string())
        .with_hint(
            "upload the original again: it replaces the damaged file if its size differs; else restore the \
             file from a backup",
        )
}
