//! Reads content from a file, memory or an archive, plain or compressed, and counts and digests it on the
//! way.
//!
//! The first bytes of content identify its container. One container is unwrapped, no more, and the result is
//! bounded in size and in compression ratio.
mod container;
mod content_error;
mod entry;
mod member;
mod seven;
mod zip;

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, ErrorKind, Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use flate2::bufread::MultiGzDecoder;
use orewatch_contracts::Class;
use orewatch_contracts::ingestion::v1::SourceFile;
use sha2::{Digest as _, Sha256};

use super::{Limits, SourceError};
use crate::findings::Findings;
use container::{Container, MAGIC_BYTES, refuse_nested};
use content_error::ContentError;
pub use member::Member;

/// Size of the buffers between a file and its lines.
const BUFFER: usize = 128 * 1024;

/// Largest compression ratio that is accepted. Tables of trade compress to a third, the most repetitive to a
/// fiftieth; a higher ratio means a file that was made to fill memory and disks.
const MAX_COMPRESSION_RATIO: u64 = 500;

/// Binary logarithm of the largest zstd window that is accepted: 128 MiB, that of the highest level without
/// `--long`.
const MAX_ZSTD_WINDOW_LOG: u32 = 27;

/// A file to ingest. It is opened more than once: first to identify it, then to record it.
#[derive(Clone, Debug)]
pub enum Input {
    /// A file of the file system.
    File(PathBuf),
    /// Content in memory.
    Memory {
        /// File name.
        name: String,
        /// Content, plain or in any container.
        bytes: Bytes,
    },
    /// A file in the archive of originals, whose name there is a digest.
    Archived {
        /// Where it is.
        path: PathBuf,
        /// What is known of it before it is read: its own name, and where it came from.
        about: Arc<SourceFile>,
        /// What was seen of its content when it was received. None: it has to be read to know.
        seen: Option<Seen>,
    },
    /// A file in the archive of originals, rewritten because its columns are mapped.
    Translated {
        /// What is known of the original.
        about: Arc<SourceFile>,
        /// The rewritten content.
        bytes: Bytes,
    },
    /// A file in a zip or 7z archive.
    Member(Member),
}

/// What was seen of a file's content when it was received.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// Distinguishes it from other content.
    pub check: Check,
    /// Upper bound on the length of its lines in bytes. None: it is not UTF-8.
    longest_line: Option<usize>,
}

impl From<Findings> for Seen {
    fn from(findings: Findings) -> Self {
        Self { check: findings.check, longest_line: findings.longest_line }
    }
}

impl Seen {
    /// Whether it is UTF-8 with lines within the limits.
    pub(crate) fn is_lines(&self, limits: Limits) -> bool {
        self.longest_line.is_some_and(|longest| longest <= limits.line)
    }
}

/// A reader of bytes as they are stored.
pub trait Stored: Read + Seek + Send {}

impl<T: Read + Seek + Send> Stored for T {}

impl Input {
    /// What is known of it before it is read.
    pub(super) fn source_file(&self) -> SourceFile {
        match self {
            Self::Archived { about, .. } | Self::Translated { about, .. } => SourceFile::clone(about),
            Self::Member(member) => SourceFile { name: member.name(), ..member.archive.source_file() },
            _ => SourceFile { name: self.name(), ..SourceFile::default() },
        }
    }

    /// Name without folders, as it is recorded; `ARCHIVE/FILE` for a file in an archive.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::File(path) => path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned(),
            Self::Memory { name, .. } => name.clone(),
            Self::Archived { about, .. } | Self::Translated { about, .. } => about.name.clone(),
            Self::Member(member) => member.name(),
        }
    }

    /// Stored size in bytes, 0 if it is unknown; for progress only.
    #[must_use]
    pub fn size(&self) -> u64 {
        match self {
            Self::File(path) | Self::Archived { path, .. } => {
                path.metadata().map_or(0, |metadata| metadata.len())
            }
            Self::Memory { bytes, .. } | Self::Translated { bytes, .. } => {
                u64::try_from(bytes.len()).unwrap_or(u64::MAX)
            }
            Self::Member(member) => member.packed,
        }
    }

    /// SHA-256 of its content when it was received into the archive of originals. None: it is no original, or
    /// a container with a checksum of its own.
    pub(super) fn original_sha256(&self) -> Result<Option<&str>, SourceError> {
        match self {
            Self::Archived { about, .. } => Ok(self.container()?.is_none().then_some(&*about.stored_sha256)),
            _ => Ok(None),
        }
    }

    /// What was seen of its content when it was received. None: it is no original, or a container.
    pub(super) fn seen(&self) -> Result<Option<Seen>, SourceError> {
        match self {
            Self::Archived { seen: Some(seen), .. } => Ok(self.container()?.is_none().then_some(*seen)),
            _ => Ok(None),
        }
    }

    /// The archive that it is in.
    pub(super) fn archive(&self) -> Option<&Self> {
        match self {
            Self::Member(member) => Some(&member.archive),
            _ => None,
        }
    }

    /// The files of an archive. None: it is no archive.
    pub(super) fn members(&self, limits: Limits) -> Result<Option<Vec<Self>>, SourceError> {
        member::members(self, limits)
    }

    /// Opens it. Compressed content, which its first bytes identify, is decompressed.
    pub(super) fn open(&self, limits: Limits) -> Result<Content, SourceError> {
        let read = Arc::new(AtomicU64::new(0));
        let inner = match self {
            Self::Member(member) => member.open(&read)?,
            _ => {
                let counted = Counted { inner: self.stored()?, read: Arc::clone(&read) };
                self.decompress(BufReader::with_capacity(BUFFER, counted))?
            }
        };
        let (digest, check) = (Some(Sha256::new()), Checker::default());
        Ok(Content { inner, digest, check, limits, stored: read })
    }

    /// Opens it again after it was identified. Content is then only checked, not digested.
    pub(super) fn reopen(&self, limits: Limits) -> Result<Content, SourceError> {
        let content = self.open(limits)?;
        Ok(Content { digest: None, ..content })
    }

    /// Its container. None: plain content.
    fn container(&self) -> Result<Option<Container>, SourceError> {
        if matches!(self, Self::Member(_)) {
            return Ok(None);
        }
        let mut begin = Vec::new();
        let read = self.stored()?.take(MAGIC_BYTES).read_to_end(&mut begin);
        read.map_err(|error| self.unreadable(&error))?;
        Ok(Container::detect(&begin))
    }

    /// Decompresses a stored file.
    fn decompress(&self, stored: impl BufRead + Send + 'static) -> Result<Box<dyn Read + Send>, SourceError> {
        let failed = |error: io::Error| Content::failed(&self.name(), 0, &error);
        let Some(container) = self.container()? else { return Ok(Box::new(stored)) };
        let content = match container {
            Container::Gzip => refuse_nested(container, container.layer(MultiGzDecoder::new(stored))),
            Container::Zstd => {
                let decoder = zstd_decoder(stored).map_err(|error| failed(container.explain(error)))?;
                refuse_nested(container, container.layer(decoder))
            }
            Container::Zip | Container::SevenZ => {
                let message = "this is an archive of files, not a file";
                return Err(SourceError::new("nested-archive", &self.name(), 0, message));
            }
            Container::Foreign { what, hint } | Container::Document { what, hint } => {
                let error = SourceError::new("unknown-format", &self.name(), 0, format!("this is {what}"));
                return Err(error.with_hint(hint));
            }
        };
        content.map_err(failed)
    }

    /// Opens the bytes as they are stored.
    ///
    /// # Errors
    /// [`SourceError`] if there is no such file, or it cannot be read.
    pub fn stored(&self) -> Result<Box<dyn Stored>, SourceError> {
        match self {
            Self::File(path) | Self::Archived { path, .. } => {
                self.check_is_file(path)?;
                Ok(Box::new(File::open(path).map_err(|error| self.unreadable(&error))?))
            }
            Self::Memory { bytes, .. } | Self::Translated { bytes, .. } => {
                Ok(Box::new(Cursor::new(bytes.clone())))
            }
            Self::Member(member) => member.archive.stored(),
        }
    }

    /// Refuses anything that is no file: it could not be read twice.
    fn check_is_file(&self, path: &Path) -> Result<(), SourceError> {
        let kind = path.metadata().map_err(|error| self.unreadable(&error))?;
        if kind.is_file() {
            return Ok(());
        }
        if kind.is_dir() {
            return Err(self.unreadable(&ErrorKind::IsADirectory.into()));
        }
        let message = "this is a pipe or a device, which cannot be read twice";
        Err(SourceError::new("not-a-file", &self.name(), 0, message)
            .with_hint("save its content to a file first"))
    }

    fn unreadable(&self, error: &io::Error) -> SourceError {
        let name = match self {
            Self::File(path) => path.display().to_string(),
            _ => self.name(),
        };
        match error.kind() {
            ErrorKind::NotFound => SourceError::new("file-not-found", &name, 0, "there is no such file")
                .with_class(Class::NotFound),
            ErrorKind::IsADirectory => SourceError::new("not-a-file", &name, 0, "this is a directory")
                .with_hint("name the files in it that make up a release"),
            ErrorKind::PermissionDenied => {
                SourceError::new("file-not-readable", &name, 0, "you have no permission to read this file")
                    .with_hint("change its permissions, or run as a user that may read it")
            }
            _ => SourceError::new("file-read-failed", &name, 0, format!("the file cannot be read: {error}"))
                .with_class(Class::Unavailable),
        }
    }
}

/// Distinguishes content from other content by CRC and length. It detects that a file changed between two
/// readings, but not a malicious change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Check {
    crc: u32,
    bytes: u64,
}

/// Computes the [`Check`] of content as it comes.
#[derive(Clone, Debug, Default)]
pub struct Checker {
    crc: crc32fast::Hasher,
    bytes: u64,
}

impl Checker {
    /// Adds the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.crc.update(bytes);
        self.bytes = self.bytes.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
    }

    /// The check of the bytes so far.
    #[must_use]
    pub fn check(&self) -> Check {
        Check { crc: self.crc.clone().finalize(), bytes: self.bytes }
    }
}

/// Reads decompressed bytes, and counts and digests them.
pub(super) struct Content {
    inner: Box<dyn Read + Send>,
    /// None: the content was digested before.
    digest: Option<Sha256>,
    check: Checker,
    limits: Limits,
    stored: Arc<AtomicU64>,
}

impl Content {
    /// Stored bytes read so far.
    pub(super) fn stored(&self) -> u64 {
        self.stored.load(Ordering::Relaxed)
    }

    /// SHA-256 of everything read so far, in lower-case hexadecimal.
    pub(super) fn sha256(&self) -> String {
        self.digest.as_ref().map_or_else(String::new, |digest| crate::ids::hex(&digest.clone().finalize()))
    }

    /// The check of everything read so far.
    pub(super) fn check(&self) -> Check {
        self.check.check()
    }

    /// A counter of the stored bytes that were read, which stays readable while a reader borrows the content.
    pub(super) fn meter(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.stored)
    }

    /// Reads to the end.
    pub(super) fn drain(&mut self, file: &str) -> Result<(), SourceError> {
        let rest = io::copy(self, &mut io::sink());
        rest.map(drop).map_err(|error| Self::failed(file, 0, &error))
    }

    /// The error of a failed read, after a line.
    pub(super) fn failed(file: &str, line: u64, error: &io::Error) -> SourceError {
        if let Some(reason) = ContentError::from_io(error) {
            return reason.after_line(file, line);
        }
        ContentError::unreadable(error).after_line(file, line)
    }

    /// Refuses content that is too large, or has a suspicious compression ratio.
    fn check_bounds(&self) -> io::Result<()> {
        if self.check.bytes > self.limits.bytes {
            let message = format!("the content is larger than {} bytes", self.limits.bytes);
            return Err(ContentError::new("file-too-large", message)
                .with_hint("split the file by period")
                .into());
        }
        if self.check.bytes > self.limits.unquestioned
            && self.check.bytes > self.stored().saturating_mul(MAX_COMPRESSION_RATIO)
        {
            let message =
                format!("the content is more than {MAX_COMPRESSION_RATIO} times as large as the stored file");
            return Err(ContentError::new("decompression-bomb", message)
                .with_hint("if you trust the file, unpack it yourself and hand in its content")
                .into());
        }
        Ok(())
    }
}

impl Read for Content {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        let given = buffer.get(..count).unwrap_or_default();
        self.check.update(given);
        if let Some(digest) = &mut self.digest {
            digest.update(given);
        }
        self.check_bounds()?;
        Ok(count)
    }
}

/// Decompresses any number of zstd frames, in bounded memory.
fn zstd_decoder<R: BufRead>(stored: R) -> io::Result<zstd::Decoder<'static, R>> {
    let mut decoder = zstd::Decoder::with_buffer(stored)?;
    decoder.window_log_max(MAX_ZSTD_WINDOW_LOG)?;
    Ok(decoder)
}

/// Counts the bytes that are read from a file, before they are decompressed.
struct Counted<R> {
    inner: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer).map_err(|error| match error.kind() {
            ErrorKind::Interrupted => error,
            _ => ContentError::unreadable(&error).into(),
        })?;
        self.read.fetch_add(u64::try_from(count).unwrap_or(u64::MAX), Ordering::Relaxed);
        Ok(count)
    }
}

impl<R: Seek> Seek for Counted<R> {
    fn seek(&mut self, position: io::SeekFrom) -> io::Result<u64> {
        self.inner.seek(position)
    }
}
