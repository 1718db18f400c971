//! The archive of original files: every file that was handed in or retrieved, byte for byte as it came, by its SHA-256.
//!
//! A file is written under a name of its own first and gets its place when all of it is there, so that nobody ever sees half of
//! one. What is there is recognised and not stored again. A file that a release needs is never removed; one that none does goes
//! after a while ([`crate::Config::keep_refused`]).

mod beside;
mod bucket;
mod content;
mod findings;
mod folder;
mod holders;
mod incoming;
mod usage;

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use jiff::Timestamp;
use orewatch_runtime::{Class, Clock as _, Failure, SystemClock};
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncReadExt as _;

pub use content::ContentId;
pub use findings::Memory;
pub use incoming::Incoming;
pub use usage::Quota;

pub(crate) use findings::Findings;
pub(crate) use usage::{Lying, check_tenant};

use bucket::Bucket;
use folder::Folder;

use crate::blocking;

/// Bytes of a piece that is written or given at a time.
const PIECE: usize = 256 * 1024;

/// How often whoever wants to use a file that is being removed looks whether it is gone.
const REMOVAL: std::time::Duration = std::time::Duration::from_millis(10);

/// Largest file that is taken, if nothing else is said: 16 GiB.
pub const LARGEST_FILE: u64 = 16 << 30;

/// Most bytes that one reading fetches from a bucket: 64 GiB.
const MOST_FETCHED: u64 = 64 << 30;

/// Where an archive is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A folder of the file system.
    Folder(PathBuf),
    /// A bucket of S3, or of what speaks like it.
    Bucket {
        /// Its name.
        bucket: String,
        /// What the keys begin with; may be empty.
        prefix: String,
    },
}

/// A text that names no archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidPlace(&'static str);

impl fmt::Display for InvalidPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; write DIR or s3://BUCKET/PREFIX", self.0)
    }
}

impl std::error::Error for InvalidPlace {}

impl FromStr for Place {
    type Err = InvalidPlace;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once("://") {
            None if text.is_empty() => Err(InvalidPlace("the archive is missing")),
            None => Ok(Self::Folder(PathBuf::from(text))),
            Some(("s3", place)) => {
                let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
                let prefix = prefix.trim_matches('/');
                if bucket.is_empty() {
                    return Err(InvalidPlace("the bucket is missing"));
                }
                Ok(Self::Bucket { bucket: bucket.to_owned(), prefix: prefix.to_owned() })
            }
            Some(_) => Err(InvalidPlace("this names no archive")),
        }
    }
}

/// A file that is in the archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its name.
    pub content: ContentId,
    /// Size in bytes.
    pub size: u64,
    /// It was there already.
    pub known: bool,
}

/// The archive.
#[derive(Clone, Debug)]
pub struct Archive {
    keep: Keep,
    largest: u64,
    memory: Memory,
    quota: Quota,
}

/// What keeps the files.
#[derive(Clone, Debug)]
enum Keep {
    Folder(Folder),
    Bucket(Bucket),
}

impl Archive {
    /// Opens the archive, and removes what a process that ended badly left lying. `largest` is the size in bytes of the largest
    /// file that is taken; `spool` is a folder for files on their way to and from a bucket.
    ///
    /// # Errors
    /// [`Class::Unavailable`] for a place that cannot be used.
    pub async fn open(place: &Place, spool: &Path, largest: u64) -> Result<Self, Failure> {
        let (place, spool) = (place.clone(), spool.to_owned());
        let open = move || match place {
            Place::Folder(root) => Folder::open(&root).map(Keep::Folder),
            Place::Bucket { bucket, prefix } => Bucket::open(&bucket, &prefix, &spool).map(Keep::Bucket),
        };
        let (keep, memory) = (blocking(open).await??, Memory::default());
        Ok(Self { keep, largest, memory, quota: Quota::default() })
    }

    /// The same archive, which takes no more than a quota.
    #[must_use]
    pub fn within(self, quota: Quota) -> Self {
        Self { quota, ..self }
    }

    /// How much it may hold.
    pub(crate) fn quota(&self) -> Quota {
        self.quota
    }

    /// Bytes of some files together.
    pub(crate) fn sum<'a>(&self, contents: impl IntoIterator<Item = &'a ContentId>) -> u64 {
        self.memory.usage.sum(contents)
    }

    /// All files, which count as what the archive holds from now on.
    ///
    /// # Errors
    /// Those of the place.
    pub(crate) async fn take_stock(&self) -> Result<Vec<Lying>, Failure> {
        let lying = match self.keep.clone() {
            Keep::Folder(folder) => blocking(move || folder.list()).await??,
            Keep::Bucket(bucket) => bucket.list().await?,
        };
        self.memory.usage.found(&lying);
        Ok(lying)
    }

    /// Removes a file that nobody has used since a time; whether it is gone.
    ///
    /// # Errors
    /// Those of the place.
    pub(crate) async fn remove(&self, content: ContentId, before: Timestamp) -> Result<bool, Failure> {
        let usage = &self.memory.usage;
        if !usage.remove(content, before) {
            return Ok(false);
        }
        let removed = match self.keep.clone() {
            Keep::Folder(folder) => blocking(move || folder.remove(&content)).await.and_then(|done| done),
            Keep::Bucket(bucket) => bucket.remove(&content).await,
        };
        usage.removed(content, removed.is_ok());
        removed.map(|()| true)
    }

    /// Forgets which files were used before a time.
    pub(crate) fn forget_uses(&self, before: Timestamp) {
        self.memory.usage.tidy(before);
    }

    /// Notes that a file is about to be used, before anybody looks whether it is there.
    async fn touch(&self, content: ContentId) {
        while !self.memory.usage.touch(content, SystemClock.now()) {
            tokio::time::sleep(REMOVAL).await;
        }
    }

    /// The same archive, which shares with others of this process what it remembers of the files that came.
    #[must_use]
    pub fn remembering(self, memory: Memory) -> Self {
        Self { memory, ..self }
    }

    /// A file to write; [`Archive::finish`] puts it into its place. A size that is known beforehand is judged here.
    ///
    /// # Errors
    /// [`Class::Invalid`] for what is too large, [`Class::Unavailable`] and [`Class::Exhausted`] for the place.
    pub async fn begin(&self, size: u64) -> Result<Incoming, Failure> {
        if size > self.largest {
            return Err(incoming::too_large(size, self.largest));
        }
        let folder = match &self.keep {
            Keep::Folder(folder) => folder.incoming(),
            Keep::Bucket(bucket) => bucket.incoming(),
        };
        let (largest, room) = (self.largest, self.memory.usage.reserve(size, self.quota)?);
        blocking(move || Incoming::begin(&folder, largest).map(|incoming| incoming.in_room(room))).await?
    }

    /// Puts a written file into its place. `expected`: what it has to be.
    ///
    /// # Errors
    /// [`Class::Invalid`] if it is something else than expected, and those of the place.
    pub async fn finish(&self, incoming: Incoming, expected: Option<ContentId>) -> Result<Stored, Failure> {
        let (incoming, findings) = blocking(move || incoming.end()).await??;
        let content = findings.content;
        if let Some(expected) = expected.filter(|expected| *expected != content) {
            return Err(Failure::new(
                Class::Invalid,
                "wrong-digest",
                format!("the file has another content than was said: its SHA-256 is {content}"),
            )
            .at("sha256", expected.to_string())
            .with_hint("it was changed on the way, or while it was read: hand it in again"));
        }
        self.touch(content).await;
        let stored = self.publish(incoming, findings).await?;
        self.memory.usage.stored(stored.content, stored.size);
        Ok(stored)
    }

    async fn publish(&self, incoming: Incoming, findings: Findings) -> Result<Stored, Failure> {
        let content = findings.content;
        match self.keep.clone() {
            Keep::Folder(folder) => {
                let memory = self.memory.clone();
                let publish = move || {
                    let stored = folder.publish(incoming, &findings)?;
                    if !stored.known {
                        memory.remember(&folder.place(&content), findings);
                    }
                    Ok(stored)
                };
                blocking(publish).await?
            }
            Keep::Bucket(bucket) => bucket.publish(incoming, &findings).await,
        }
    }

    /// Stores what a reader gives.
    ///
    /// # Errors
    /// Those of [`Archive::begin`], [`Archive::finish`] and the reader.
    pub async fn put(&self, mut from: impl Read + Send + 'static) -> Result<Stored, Failure> {
        let mut incoming = self.begin(0).await?;
        let incoming = blocking(move || {
            loop {
                let mut buffer = vec![0; PIECE];
                let count = from.read(&mut buffer).map_err(|error| {
                    Failure::new(
                        Class::Unavailable,
                        "file-not-readable",
                        format!("the file cannot be read: {error}"),
                    )
                })?;
                if count == 0 {
                    return Ok::<_, Failure>(incoming);
                }
                buffer.truncate(count);
                incoming.take(buffer.into())?;
            }
        });
        self.finish(incoming.await??, None).await
    }

    /// Size of a content; none if it is not there.
    ///
    /// # Errors
    /// Those of the place.
    pub async fn size(&self, content: ContentId) -> Result<Option<u64>, Failure> {
        self.touch(content).await;
        match self.keep.clone() {
            Keep::Folder(folder) => blocking(move || folder.size(&content)).await?,
            Keep::Bucket(bucket) => bucket.size(&content).await,
        }
    }

    /// Contents as local files, for as long as the answer is held.
    ///
    /// # Errors
    /// [`Class::NotFound`] for what is not there, [`Class::Exhausted`] for more than may be fetched from a bucket at a time, and
    /// those of the place.
    pub async fn open_local(&self, contents: &[ContentId]) -> Result<Vec<Local>, Failure> {
        let mut sizes = Vec::with_capacity(contents.len());
        for content in contents {
            sizes.push(self.known(*content).await?);
        }
        let total = sizes.iter().fold(0_u64, |sum, size| sum.saturating_add(*size));
        let mut files = Vec::with_capacity(contents.len());
        for (content, size) in contents.iter().zip(sizes) {
            files.push(match &self.keep {
                Keep::Folder(folder) => {
                    let path = folder.place(content);
                    let (memory, content, place) = (self.memory.clone(), *content, path.clone());
                    let findings = blocking(move || memory.recall(&content, &place)).await?;
                    Local { path, findings, _fetched: None }
                }
                Keep::Bucket(_) if total > MOST_FETCHED => return Err(too_much(total)),
                Keep::Bucket(bucket) => {
                    let (fetched, findings) = bucket.fetch(content, size).await?;
                    let path = fetched.path().to_owned();
                    Local { path, findings: Some(findings), _fetched: Some(fetched) }
                }
            });
        }
        Ok(files)
    }

    /// A content, piece by piece; if what is stored is damaged, the last answer is an error.
    ///
    /// # Errors
    /// [`Class::NotFound`] for what is not there, and those of the place.
    pub async fn get(
        &self,
        content: ContentId,
    ) -> Result<BoxStream<'static, Result<Bytes, Failure>>, Failure> {
        self.known(content).await?;
        let path = match &self.keep {
            Keep::Folder(folder) => folder.place(&content),
            Keep::Bucket(bucket) => return Ok(verified(content, bucket.get(&content).await?)),
        };
        let file = tokio::fs::File::open(&path).await.map_err(|error| incoming::failed(&path, &error))?;
        let pieces = stream::try_unfold(file, move |mut file| {
            let path = path.clone();
            async move {
                let mut piece = bytes::BytesMut::with_capacity(PIECE);
                let read = file.read_buf(&mut piece).await;
                let count = read.map_err(|error| incoming::failed(&path, &error))?;
                Ok((count > 0).then(|| (piece.freeze(), file)))
            }
        });
        Ok(verified(content, pieces.boxed()))
    }

    /// Size of a content that has to be there.
    async fn known(&self, content: ContentId) -> Result<u64, Failure> {
        self.size(content).await?.ok_or_else(|| unknown(content))
    }
}

fn too_much(total: u64) -> Failure {
    let message = format!("at most {MOST_FETCHED} bytes are fetched from the bucket for one reading");
    Failure::new(Class::Exhausted, "archive-spool", message)
        .at("files", total.to_string())
        .with_hint("ingest fewer files at a time")
}

/// A file that is not there.
pub(crate) fn unknown(content: ContentId) -> Failure {
    Failure::new(Class::NotFound, "unknown-file", "the archive has no such file")
        .at("sha256", content.to_string())
        .with_hint("`orewatch releases RELEASE` shows the digests of its files; a new file is uploaded first")
}

/// A content as a local file.
#[derive(Debug)]
pub struct Local {
    path: PathBuf,
    /// What it is, if that is known.
    findings: Option<Findings>,
    /// Of what was fetched: the file goes when this does.
    _fetched: Option<Incoming>,
}

impl Local {
    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it is, if that is known.
    pub(crate) fn findings(&self) -> Option<Findings> {
        self.findings
    }
}

/// The same pieces, and an error at their end if they are not what they should be.
fn verified(
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
            None => Err(Failure::new(Class::Damaged, "archive-damaged", "the stored file is damaged")
                .at("sha256", content.to_string())
                .with_hint("hand the original in again: it takes the place of the damaged one if its size differs; restore it from a backup otherwise")),
        }
    });
    pieces.boxed()
}
