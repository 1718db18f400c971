//! Where bytes come from: a file or memory, plain or gzip, counted and digested on the way.
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Cursor, ErrorKind, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use flate2::bufread::MultiGzDecoder;
use orewatch_contracts::ingestion::v1::SourceFile;
use orewatch_runtime::Class;
use sha2::{Digest as _, Sha256};

use super::{Limits, SourceError};

/// What gzip begins with.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Size of the buffers between a file and its lines.
const BUFFER: usize = 128 * 1024;

/// Something to ingest. It can be opened more than once: it is read first to identify it, then to record it.
#[derive(Clone, Debug)]
pub enum Input {
    /// A file of the file system.
    File(PathBuf),
    /// Content in memory.
    Memory {
        /// Name, as a file would have it.
        name: String,
        /// Content, plain or gzip.
        bytes: Bytes,
    },
    /// A file of the archive.
    Archived {
        /// Where it is.
        path: PathBuf,
        /// What is known of it before it is read: its name, and where it came from.
        about: Arc<SourceFile>,
    },
}

impl Input {
    /// What is known of it before it is read.
    pub(super) fn about(&self) -> SourceFile {
        match self {
            Self::Archived { about, .. } => SourceFile::clone(about),
            _ => SourceFile { name: self.name(), ..SourceFile::default() },
        }
    }

    /// Name without folders, as it is recorded.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::File(path) => path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned(),
            Self::Memory { name, .. } => name.clone(),
            Self::Archived { about, .. } => about.name.clone(),
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
        }
    }

    /// Opens it: what is read is decompressed if it begins like gzip, whatever its name ends in.
    pub(super) fn open(&self, limits: Limits) -> Result<Content, SourceError> {
        let stored = self.stored()?;
        let read = Arc::new(AtomicU64::new(0));
        let mut stored = BufReader::with_capacity(BUFFER, Counted { inner: stored, read: Arc::clone(&read) });
        let begin = stored.fill_buf().map_err(|error| self.unreadable(&error))?;
        let compressed = begin.starts_with(&GZIP_MAGIC);
        let inner: Box<dyn Read + Send> =
            if compressed { Box::new(MultiGzDecoder::new(stored)) } else { Box::new(stored) };
        let (digest, check) = (Some(Sha256::new()), crc32fast::Hasher::new());
        Ok(Content { inner, digest, check, plain: 0, most: limits.bytes, stored: read })
    }

    /// Opens it again, once it is identified: what is read is only checked, not digested.
    pub(super) fn reopen(&self, limits: Limits) -> Result<Content, SourceError> {
        let content = self.open(limits)?;
        Ok(Content { digest: None, ..content })
    }

    /// Opens it as it is stored.
    pub(crate) fn stored(&self) -> Result<Box<dyn Read + Send>, SourceError> {
        self.regular()?;
        Ok(match self {
            Self::File(path) | Self::Archived { path, .. } => {
                Box::new(File::open(path).map_err(|error| self.unreadable(&error))?)
            }
            Self::Memory { bytes, .. } => Box::new(Cursor::new(bytes.clone())),
        })
    }

    /// What is read twice has to be a file.
    fn regular(&self) -> Result<(), SourceError> {
        let Self::File(path) = self else { return Ok(()) };
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
            Self::Memory { name, .. } => name.clone(),
            Self::Archived { about, .. } => about.name.clone(),
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
pub(super) struct Check {
    crc: u32,
    bytes: u64,
}

/// Decompressed bytes, counted and digested as they are read.
pub(super) struct Content {
    inner: Box<dyn Read + Send>,
    /// None: it was digested before.
    digest: Option<Sha256>,
    check: crc32fast::Hasher,
    plain: u64,
    /// Most bytes that may be given.
    most: u64,
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
        Check { crc: self.check.clone().finalize(), bytes: self.plain }
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
        let fetch = "fetch the file again; nothing of it has been recorded";
        let refuse = |code, message: String| SourceError::new(code, file, line, message);
        match error.kind() {
            ErrorKind::FileTooLarge => {
                refuse("file-too-large", format!("the content is larger than {error} bytes"))
                    .with_hint("split the file by period")
            }
            ErrorKind::UnexpectedEof => refuse(
                "truncated-gzip",
                format!("the gzip content ends too early: the file is incomplete, after line {line}"),
            )
            .with_hint(fetch),
            ErrorKind::InvalidData | ErrorKind::InvalidInput => {
                refuse("damaged-gzip", format!("the gzip content is damaged: {error}, after line {line}"))
                    .with_hint(fetch)
            }
            _ => refuse("file-not-readable", format!("the file cannot be read: {error}, after line {line}"))
                .of_class(Class::Unavailable),
        }
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
        self.plain = self.plain.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        if self.plain > self.most {
            return Err(io::Error::new(ErrorKind::FileTooLarge, self.most.to_string()));
        }
        Ok(count)
    }
}

/// Counts what is read from a file before it is decompressed.
struct Counted {
    inner: Box<dyn Read + Send>,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.read.fetch_add(u64::try_from(count).unwrap_or(u64::MAX), Ordering::Relaxed);
        Ok(count)
    }
}
