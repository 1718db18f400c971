//! The file of a snapshot: written once under the name of its digest, and checked while it is read.
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;

use super::Header;
use crate::folder;

/// First bytes of a snapshot.
const MAGIC: &[u8; 8] = b"OREWSNAP";
/// Version of the file format around the content. Version 1 was a local file of the alerting service.
const CONTAINER: u32 = 2;
/// Largest header that is read, in bytes.
const MAX_HEADER_BYTES: u32 = 64 << 10;

/// A snapshot that is being written. What is written to it is its content. It is removed unless it is
/// [finished](Self::finish).
#[derive(Debug)]
pub struct SnapshotWriter {
    file: BufWriter<NamedTempFile>,
    folder: PathBuf,
    digest: Sha256,
    bytes: u64,
}

/// A complete snapshot in a local folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotFile {
    /// Its path; the name is the digest.
    pub path: PathBuf,
    /// SHA-256 of its bytes in hexadecimal.
    pub digest: String,
    /// Its size in bytes.
    pub bytes: u64,
}

impl SnapshotWriter {
    /// Begins a snapshot in a folder.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn create(folder: &Path, header: &Header) -> io::Result<Self> {
        let header = serde_json::to_vec(header)?;
        let length = u32::try_from(header.len()).unwrap_or(u32::MAX);
        let file = BufWriter::new(folder::begin(folder)?);
        let mut writer = Self { file, folder: folder.to_owned(), digest: Sha256::new(), bytes: 0 };
        writer.write_all(MAGIC)?;
        writer.write_all(&CONTAINER.to_le_bytes())?;
        writer.write_all(&length.to_le_bytes())?;
        writer.write_all(&header)?;
        Ok(writer)
    }

    /// Flushes the snapshot to the disk, and gives it its name.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn finish(self) -> io::Result<SnapshotFile> {
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        let digest = format!("{:x}", self.digest.finalize());
        let path = self.folder.join(&digest);
        folder::persist(file, &path)?;
        Ok(SnapshotFile { path, digest, bytes: self.bytes })
    }
}

impl Write for SnapshotWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.digest.update(bytes.get(..count).unwrap_or_default());
        self.bytes = self.bytes.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// A snapshot that is being read: its content. Whoever has read it has to [finish](Self::finish), since what
/// was read may be damaged before that.
#[derive(Debug)]
pub struct SnapshotReader {
    file: Digesting,
    expected: String,
}

impl SnapshotReader {
    /// Opens a snapshot, and reads its header.
    ///
    /// # Errors
    /// A text says why it cannot be read.
    pub fn open(path: &Path, digest: &str) -> Result<(Header, Self), String> {
        let file = File::open(path).map_err(|error| error.to_string())?;
        let mut file = Digesting { file: BufReader::with_capacity(256 << 10, file), digest: Sha256::new() };
        let mut start = [0; 16];
        file.read_exact(&mut start).map_err(|_| "it is cut off".to_owned())?;
        let (magic, numbers) = start.split_at(MAGIC.len());
        let (container, length) = numbers.split_at(4);
        if magic != MAGIC {
            return Err("it is no snapshot".to_owned());
        }
        let container = number(container);
        if container != CONTAINER {
            return Err(format!("its container {container} is of another version than {CONTAINER}"));
        }
        let length = number(length);
        if length > MAX_HEADER_BYTES {
            return Err(format!("its header has {length} bytes, the limit is {MAX_HEADER_BYTES}"));
        }
        let mut header = vec![0; usize::try_from(length).unwrap_or_default()];
        file.read_exact(&mut header).map_err(|_| "it is cut off".to_owned())?;
        let header = serde_json::from_slice(&header).map_err(|error| format!("its header: {error}"))?;
        Ok((header, Self { file, expected: digest.to_owned() }))
    }

    /// Reads the rest, and checks the digest of the whole.
    ///
    /// # Errors
    /// A text says what is wrong.
    pub fn finish(mut self) -> Result<(), String> {
        io::copy(&mut self.file, &mut io::sink()).map_err(|error| error.to_string())?;
        let found = format!("{:x}", self.file.digest.finalize());
        if found == self.expected { Ok(()) } else { Err("it is cut off or damaged".to_owned()) }
    }
}

impl Read for SnapshotReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read(buffer)
    }
}

/// A file with the digest of what was read of it.
#[derive(Debug)]
struct Digesting {
    file: BufReader<File>,
    digest: Sha256,
}

impl Read for Digesting {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.digest.update(buffer.get(..count).unwrap_or_default());
        Ok(count)
    }
}

fn number(bytes: &[u8]) -> u32 {
    bytes.try_into().map(u32::from_le_bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn written(folder: &Path) -> SnapshotFile {
        let header = Header { service: "exposure".to_owned(), format: 1, ..Header::default() };
        let mut writer = SnapshotWriter::create(folder, &header).unwrap();
        writer.write_all(b"the content").unwrap();
        writer.finish().unwrap()
    }

    /// Reads a snapshot as far as it can be read.
    fn read(path: &Path, digest: &str) -> Result<(Header, String), String> {
        let (header, mut reader) = SnapshotReader::open(path, digest)?;
        let mut content = Vec::new();
        reader.read_to_end(&mut content).map_err(|error| error.to_string())?;
        reader.finish()?;
        Ok((header, String::from_utf8_lossy(&content).into_owned()))
    }

    #[test]
    fn a_snapshot_comes_back_under_the_digest_of_its_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let file = written(folder.path());
        let bytes = fs::read(&file.path).unwrap();
        assert_eq!(format!("{:x}", Sha256::digest(&bytes)), file.digest);
        assert_eq!(u64::try_from(bytes.len()).unwrap(), file.bytes);
        let (header, content) = read(&file.path, &file.digest).unwrap();
        assert_eq!((&*header.service, &*content), ("exposure", "the content"));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
    }

    #[test]
    fn a_snapshot_that_is_not_finished_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        drop(SnapshotWriter::create(folder.path(), &Header::default()).unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn every_kind_of_unreadable_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = written(folder.path());
        let good = fs::read(&file.path).unwrap();
        let changed = |at: usize, to: u8| {
            let mut bytes = good.clone();
            bytes[at] = to;
            bytes
        };
        for (bytes, why) in [
            (Vec::new(), "cut off"),
            (good[..10].to_vec(), "cut off"),
            (good[..30].to_vec(), "cut off"),
            (good[..good.len() - 1].to_vec(), "cut off or damaged"),
            (changed(0, b'X'), "no snapshot"),
            (changed(8, 3), "another version"),
            (changed(8, 1), "another version"),
            (changed(15, 9), "limit"),
            (changed(16, b'x'), "its header"),
            (changed(good.len() - 1, b'x'), "cut off or damaged"),
        ] {
            fs::write(&file.path, bytes).unwrap();
            let error = read(&file.path, &file.digest).unwrap_err();
            assert!(error.contains(why), "{error}: expected {why}");
        }
        fs::remove_file(&file.path).unwrap();
        assert!(read(&file.path, &file.digest).is_err());
    }
}
