//! The archive of original files: every file that was handed in or retrieved, byte for byte as it came, by its SHA-256.
//!
//! A file is written under a name of its own first and gets its place when all of it is there, so that nobody ever sees half of
//! one. What is there is recognised and not stored again. Nothing is ever removed.

mod content;
mod folder;
mod incoming;

use std::fmt;
use std::io::Read;
use std::path::PathBuf;
use std::str::FromStr;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use orewatch_runtime::{Class, Failure};
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncReadExt as _;

pub use content::ContentId;
use folder::Folder;
pub use incoming::Incoming;

use crate::blocking;

/// Bytes of a piece that is written or given at a time.
const PIECE: usize = 256 * 1024;

/// Largest file that is taken, if nothing else is said: 16 GiB.
pub const LARGEST_FILE: u64 = 16 << 30;

/// Where an archive is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A folder of the file system.
    Folder(PathBuf),
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
    folder: Folder,
    largest: u64,
}

impl Archive {
    /// Opens the archive, and removes what a process that ended badly left lying. `largest` is the size in bytes of the largest
    /// file that is taken.
    ///
    /// # Errors
    /// [`Class::Unavailable`] for a place that cannot be used.
    pub async fn open(place: &Place, largest: u64) -> Result<Self, Failure> {
        let Place::Folder(root) = place.clone();
        let folder = blocking(move || Folder::open(&root)).await??;
        Ok(Self { folder, largest })
    }

    /// A file to write; [`Archive::finish`] puts it into its place. A size that is known beforehand is judged here.
    ///
    /// # Errors
    /// [`Class::Invalid`] for what is too large, [`Class::Unavailable`] and [`Class::Exhausted`] for the place.
    pub async fn begin(&self, size: u64) -> Result<Incoming, Failure> {
        if size > self.largest {
            return Err(incoming::too_large(size, self.largest));
        }
        let (folder, largest) = (self.folder.incoming(), self.largest);
        blocking(move || Incoming::begin(&folder, largest)).await?
    }

    /// Puts a written file into its place. `expected`: what it has to be.
    ///
    /// # Errors
    /// [`Class::Invalid`] if it is something else than expected, and those of the place.
    pub async fn finish(&self, incoming: Incoming, expected: Option<ContentId>) -> Result<Stored, Failure> {
        let content = incoming.content();
        if let Some(expected) = expected.filter(|expected| *expected != content) {
            return Err(Failure::new(
                Class::Invalid,
                "wrong-digest",
                format!("the file has another content than was said: its SHA-256 is {content}"),
            )
            .at("sha256", expected.to_string())
            .with_hint("it was changed on the way, or while it was read: hand it in again"));
        }
        let folder = self.folder.clone();
        blocking(move || folder.publish(incoming)).await?
    }

    /// Stores what a reader gives.
    ///
    /// # Errors
    /// Those of [`Archive::begin`], [`Archive::finish`] and the reader.
    pub async fn put(&self, mut from: impl Read + Send + 'static) -> Result<Stored, Failure> {
        let mut incoming = self.begin(0).await?;
        let incoming = blocking(move || {
            let mut buffer = vec![0; PIECE];
            loop {
                let count = from.read(&mut buffer).map_err(|error| {
                    Failure::new(
                        Class::Unavailable,
                        "file-not-readable",
                        format!("the file cannot be read: {error}"),
                    )
                })?;
                match buffer.get(..count) {
                    Some(bytes) if !bytes.is_empty() => incoming.write(bytes)?,
                    _ => return Ok::<_, Failure>(incoming),
                }
            }
        });
        self.finish(incoming.await??, None).await
    }

    /// Size of a content; none if it is not there.
    ///
    /// # Errors
    /// Those of the place.
    pub async fn size(&self, content: ContentId) -> Result<Option<u64>, Failure> {
        let folder = self.folder.clone();
        blocking(move || folder.size(&content)).await?
    }

    /// A content as a local file, for as long as the answer is held.
    ///
    /// # Errors
    /// [`Class::NotFound`] for what is not there, and those of the place.
    pub async fn open_local(&self, content: ContentId) -> Result<Local, Failure> {
        self.known(content).await?;
        Ok(Local { path: self.folder.place(&content) })
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
        let path = self.folder.place(&content);
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
}

impl Local {
    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &std::path::Path {
        &self.path
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
