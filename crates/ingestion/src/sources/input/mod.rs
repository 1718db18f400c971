//! Where bytes come from: a file, memory or an archive, plain or compressed, counted and digested on the way.
//!
//! What content is wrapped in is told by its first bytes. One wrapping is taken off, no more, and what comes out is bounded by
//! its size and by how much larger it is than what went in.
mod broken;
mod container;
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
use orewatch_contracts::ingestion::v1::SourceFile;
use orewatch_runtime::Class;
use sha2::{Digest as _, Sha256};

use super::{Limits, SourceError};
use crate::archive::Findings;
use broken::Broken;
use container::{Container, TELLING, unwrapped};
pub use member::Member;

/// Size of the buffers between a file and its lines.
const BUFFER: usize = 128 * 1024;

/// How much larger content may be than what it was compressed to. Tables of trade compress to a third, the most repetitive to a
/// fiftieth; what is beyond this was made to fill memories and disks.
const MOST_RATIO: u64 = 500;

/// Binary logarithm of the largest window of zstd: 128 MiB, that of its highest level without `--long`.
const ZSTD_WINDOW: u32 = 27;

/// Something to ingest. It can be opened more than once: it is read first to identify it, then to record it.
#[derive(Clone, Debug)]
pub enum Input {
    /// A file of the file system.
    File(PathBuf),
    /// Content in memory.
    Memory {
        /// Name, as a file would have it.
        name: String,
        /// Content, plain or in any container.
        bytes: Bytes,
    },
    /// A file of the archive of originals, which has digests for names.
    Archived {
        /// Where it is.
        path: PathBuf,
        /// What is known of it before it is read: its name, and where it came from.
        about: Arc<SourceFile>,
        /// What was seen of its content when it came. None: it has to be read to know.
        seen: Option<Seen>,
    },
    /// A file within an archive of files.
    Member(Member),
}

/// What was seen of a file's content when it came.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// Tells it from other content.
    pub(in crate::sources) check: Check,
    /// No line is longer, in bytes, if all of it is UTF-8.
    longest_line: Option<usize>,
}

impl From<Findings> for Seen {
    fn from(findings: Findings) -> Self {
        Self { check: findings.check, longest_line: findings.longest_line }
    }
}

impl Seen {
    /// Whether all of it is UTF-8 in lines that are not too long.
    pub(in crate::sources) fn is_lines(&self, limits: Limits) -> bool {
        self.longest_line.is_some_and(|longest| longest <= limits.line)
    }
}

/// Bytes as they are stored.
pub(crate) trait Stored: Read + Seek + Send {}

impl<T: Read + Seek + Send> Stored for T {}

impl Input {
    /// What is known of it before it is read.
    pub(super) fn about(&self) -> SourceFile {
        match self {
            Self::Archived { about, .. } => SourceFile::clone(about),
            Self::Member(member) => SourceFile { name: member.name(), ..member.archive.about() },
            _ => SourceFile { name: self.name(), ..SourceFile::default() },
        }
    }

    /// Name without folders, as it is recorded; of a file within an archive `ARCHIVE/FILE`.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::File(path) => path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned(),
            Self::Memory { name, .. } => name.clone(),
            Self::Archived { about, .. } => about.name.clone(),
            Self::Member(member) => member.name(),
        }
    }

    /// Size as stored, 0 if it cannot be told; for progress only.
    #[must_use]
    pub fn size(&self) -> u64 {
        match self {
            Self::File(path) | Self::Archived { path, .. } => {
                path.metadata().map_or(0, |metadata| metadata.len())
            }
            Self::Memory { bytes, .. } => u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            Self::Member(member) => member.packed,
        }
    }

    /// SHA-256 that its content had when it came into the archive of originals. None: it is no original, or is wrapped in something
    /// that has a checksum of its own.
    pub(super) fn original(&self) -> Result<Option<&str>, SourceError> {
        match self {
            Self::Archived { about, .. } => Ok(self.container()?.is_none().then_some(&*about.stored_sha256)),
            _ => Ok(None),
        }
    }

    /// What was seen of its content when it came; none if it is wrapped in something.
    pub(super) fn seen(&self) -> Result<Option<Seen>, SourceError> {
        match self {
            Self::Archived { seen: Some(seen), .. } => Ok(self.container()?.is_none().then_some(*seen)),
            _ => Ok(None),
        }
    }

    /// The archive that it is a file of.
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

    /// Opens it: what is read is decompressed if it begins like something compressed, whatever its name ends in.
    pub(super) fn open(&self, limits: Limits) -> Result<Content, SourceError> {
        let read = Arc::new(AtomicU64::new(0));
        let inner = match self {
            Self::Member(member) => member.open(&read)?,
            _ => {
                let counted = Counted { inner: self.stored()?, read: Arc::clone(&read) };
                self.unwrap(BufReader::with_capacity(BUFFER, counted))?
            }
        };
        let (digest, check) = (Some(Sha256::new()), Checker::default());
        Ok(Content { inner, digest, check, limits, stored: read })
    }

    /// Opens it again, once it is identified: what is read is only checked, not digested.
    pub(super) fn reopen(&self, limits: Limits) -> Result<Content, SourceError> {
        let content = self.open(limits)?;
        Ok(Content { digest: None, ..content })
    }

    /// What it is wrapped in.
    fn container(&self) -> Result<Option<Container>, SourceError> {
        if matches!(self, Self::Member(_)) {
            return Ok(None);
        }
        let mut begin = Vec::new();
        let read = self.stored()?.take(TELLING).read_to_end(&mut begin);
        read.map_err(|error| self.unreadable(&error))?;
        Ok(Container::of(&begin))
    }

    /// Takes the wrapping of one file off.
    fn unwrap(&self, stored: impl BufRead + Send + 'static) -> Result<Box<dyn Read + Send>, SourceError> {
        let failed = |error: io::Error| Content::failed(&self.name(), 0, &error);
        let Some(container) = self.container()? else { return Ok(Box::new(stored)) };
        let unwrapped = match container {
            Container::Gzip => unwrapped(container, container.layer(MultiGzDecoder::new(stored))),
            Container::Zstd => {
                let decoder = zstd_decoder(stored).map_err(|error| failed(container.broken(error)))?;
                unwrapped(container, container.layer(decoder))
            }
            Container::Zip | Container::SevenZ => {
                let message = "this is an archive of files, not one of them";
                return Err(SourceError::new("nested-archive", &self.name(), 0, message));
            }
            Container::Foreign { what, hint } | Container::Document { what, hint } => {
                let error = SourceError::new("unknown-format", &self.name(), 0, format!("this is {what}"));
                return Err(error.with_hint(hint));
            }
        };
        unwrapped.map_err(failed)
    }

    /// Opens it as it is stored.
    pub(crate) fn stored(&self) -> Result<Box<dyn Stored>, SourceError> {
        match self {
            Self::File(path) | Self::Archived { path, .. } => {
                self.regular(path)?;
                Ok(Box::new(File::open(path).map_err(|error| self.unreadable(&error))?))
            }
            Self::Memory { bytes, .. } => Ok(Box::new(Cursor::new(bytes.clone()))),
            Self::Member(member) => member.archive.stored(),
        }
    }

    /// What is read twice has to be a file.
    fn regular(&self, path: &Path) -> Result<(), SourceError> {
        let kind = path.metadata().map_err(|error| self.unreadable(&error))?;
        if kind.is_file() {
            return Ok(());
        }
        if kind.is_dir() {
            return Err(self.unreadable(&ErrorKind::IsADirectory.into()));
        }
        Err(SourceError::new(
            "not-a-file",
            &self.name(),
            0,
            "this is a pipe or a device, which cannot be read twice",
        )
        .with_hint("save its content to a file first"))
    }

    fn unreadable(&self, error: &io::Error) -> SourceError {
        let name = match self {
            Self::File(path) => path.display().to_string(),
            _ => self.name(),
        };
        match error.kind() {
            ErrorKind::NotFound => SourceError::new("file-not-found", &name, 0, "there is no such file")
                .of_class(Class::NotFound),
            ErrorKind::IsADirectory => SourceError::new("is-a-directory", &name, 0, "this is a directory")
                .with_hint("name the files in it that make up one release"),
            ErrorKind::PermissionDenied => {
                SourceError::new("file-not-readable", &name, 0, "this file may not be read")
                    .with_hint("change its permissions, or run as a user that may read it")
            }
            _ => SourceError::new("file-not-readable", &name, 0, format!("the file cannot be read: {error}"))
                .of_class(Class::Unavailable),
        }
    }
}

/// Tells content from other content, but for malice: enough to see that a file changed between two readings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Check {
    crc: u32,
    bytes: u64,
}

/// Finds out the [`Check`] of content as it comes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Checker {
    crc: crc32fast::Hasher,
    bytes: u64,
}

impl Checker {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.crc.update(bytes);
        self.bytes = self.bytes.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
    }

    pub(crate) fn check(&self) -> Check {
        Check { crc: self.crc.clone().finalize(), bytes: self.bytes }
    }
}

/// Decompressed bytes, counted and digested as they are read.
pub(super) struct Content {
    inner: Box<dyn Read + Send>,
    /// None: it was digested before.
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

    /// SHA-256 of everything given so far, lower-case hexadecimal.
    pub(super) fn sha256(&self) -> String {
        self.digest.as_ref().map_or_else(String::new, |digest| crate::ids::hex(&digest.clone().finalize()))
    }

    /// Tells everything given so far from anything else.
    pub(super) fn check(&self) -> Check {
        self.check.check()
    }

    /// Counts the stored bytes that are read, also while a reader has the content.
    pub(super) fn meter(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.stored)
    }

    /// Reads what is left.
    pub(super) fn drain(&mut self, file: &str) -> Result<(), SourceError> {
        let rest = io::copy(self, &mut io::sink());
        rest.map(drop).map_err(|error| Self::failed(file, 0, &error))
    }

    /// What a failed read means, after a line.
    pub(super) fn failed(file: &str, line: u64, error: &io::Error) -> SourceError {
        if let Some(broken) = Broken::of(error) {
            return broken.after(file, line);
        }
        Broken::unreadable(error).after(file, line)
    }

    /// Ends the reading of what is too large, or was made to be.
    fn bounded(&self) -> io::Result<()> {
        if self.check.bytes > self.limits.bytes {
            let message = format!("the content is larger than {} bytes", self.limits.bytes);
            return Err(Broken::new("file-too-large", message).with_hint("split the file by period").into());
        }
        if self.check.bytes > self.limits.unquestioned
            && self.check.bytes > self.stored().saturating_mul(MOST_RATIO)
        {
            let message = format!("the content is more than {MOST_RATIO} times as large as it is stored");
            return Err(Broken::new("decompression-bomb", message)
                .with_hint("unpack it yourself if you trust it, and hand in what it holds")
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
        self.bounded()?;
        Ok(count)
    }
}

/// What zstd compressed, in any number of frames, in bounded memory.
fn zstd_decoder<R: BufRead>(stored: R) -> io::Result<zstd::Decoder<'static, R>> {
    let mut decoder = zstd::Decoder::with_buffer(stored)?;
    decoder.window_log_max(ZSTD_WINDOW)?;
    Ok(decoder)
}

/// Counts what is read from a file before it is decompressed.
struct Counted<R> {
    inner: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer).map_err(|error| match error.kind() {
            ErrorKind::Interrupted => error,
            _ => Broken::unreadable(&error).into(),
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
