//! Reads zip archives. The `zip` crate reads the directory; files are read from where the directory says.
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use flate2::Crc;
use flate2::bufread::DeflateDecoder;
use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

use super::super::SourceError;
use super::container::Container;
use super::content_error::ContentError;
use super::entry::{Entry, EntryLocation, ZipLocation, ZipMethod};
use super::{BUFFER, Counted, Input, Stored, zstd_decoder};

/// Upper bound on the bytes of a directory that are read. The directory of a thousand files has a tenth of a
/// megabyte.
const MAX_DIRECTORY_BYTES: u64 = 8 << 20;

/// The files in an archive.
pub(super) fn entries(input: &Input) -> Result<Vec<Entry>, SourceError> {
    let bounded = Bounded { inner: input.stored()?, left: MAX_DIRECTORY_BYTES };
    let mut archive = ZipArchive::new(BufReader::with_capacity(4096, bounded))
        .map_err(|error| archive_error(input, error))?;
    // An archive with many more files than a release may have is refused before their headers are read.
    if archive.len() > super::super::plan::MAX_FILES * 2 {
        let message = format!("the archive holds {} files and folders", archive.len());
        return Err(SourceError::new("too-many-members", &input.name(), 0, message));
    }
    let mut entries = Vec::new();
    for index in 0..archive.len() {
        let file = archive.by_index_raw(index).map_err(|error| archive_error(input, error))?;
        if file.is_dir() {
            continue;
        }
        let name = String::from_utf8_lossy(file.name_raw()).into_owned();
        let (packed, size, crc) = (file.compressed_size(), file.size(), file.crc32());
        let start = file.data_start().unwrap_or_default();
        let (encrypted, link) = (file.encrypted(), file.is_symlink());
        let method = method(input, &name, file.compression(), encrypted)?;
        let location = EntryLocation::Zip(ZipLocation { start, packed, size, crc, method });
        entries.push(Entry { name, packed, size, encrypted, link, location });
    }
    check_no_overlap(input, &entries)?;
    Ok(entries)
}

/// Refuses an archive whose files share bytes: that only serves to put a lot into a small archive.
fn check_no_overlap(input: &Input, entries: &[Entry]) -> Result<(), SourceError> {
    let ranges = entries.iter().filter_map(|entry| match entry.location {
        EntryLocation::Zip(zip) => Some((zip.start, zip.start.saturating_add(zip.packed))),
        EntryLocation::SevenZ(_) => None,
    });
    let mut ranges: Vec<_> = ranges.filter(|(start, end)| start < end).collect();
    ranges.sort_unstable();
    let overlap = ranges.iter().zip(ranges.iter().skip(1)).any(|((_, end), (next, _))| next < end);
    if !overlap {
        return Ok(());
    }
    Err(SourceError::new("decompression-bomb", &input.name(), 0, "files in the archive overlap")
        .with_hint("make a new archive of the files themselves"))
}

/// How a file is compressed.
fn method(
    input: &Input,
    name: &str,
    method: CompressionMethod,
    encrypted: bool,
) -> Result<ZipMethod, SourceError> {
    match method {
        CompressionMethod::Stored => Ok(ZipMethod::Stored),
        CompressionMethod::DEFLATE => Ok(ZipMethod::Deflated),
        CompressionMethod::ZSTD => Ok(ZipMethod::Zstd),
        // Encryption may be written as a method. The error about encryption comes later and says more.
        _ if encrypted => Ok(ZipMethod::Stored),
        _ => {
            let message =
                format!("the file `{}` in the archive is compressed by {method}", name.escape_debug());
            Err(SourceError::new("unsupported-compression", &input.name(), 0, message)
                .with_hint("make a new archive with deflate, which is the default of zip programs"))
        }
    }
}

/// The error of an archive.
fn archive_error(input: &Input, error: ZipError) -> SourceError {
    let error = match error {
        ZipError::Io(error) => error,
        other => io::Error::new(io::ErrorKind::InvalidData, other.to_string()),
    };
    let error = Container::Zip.explain(error);
    match ContentError::from_io(&error) {
        Some(reason) => reason.of_file(&input.name()),
        None => input.unreadable(&error),
    }
}

/// Opens the content of a file. Size and checksum are compared with the directory as it is read.
pub(super) fn open(
    archive: &Input,
    location: ZipLocation,
    read: &Arc<AtomicU64>,
) -> Result<Box<dyn Read + Send>, SourceError> {
    let mut stored = archive.stored()?;
    stored.seek(SeekFrom::Start(location.start)).map_err(|error| archive.unreadable(&error))?;
    let packed = Counted { inner: stored, read: Arc::clone(read) }.take(location.packed);
    let packed = BufReader::with_capacity(BUFFER, packed);
    let plain: Box<dyn Read + Send> = match location.method {
        ZipMethod::Stored => Box::new(packed),
        ZipMethod::Deflated => Box::new(DeflateDecoder::new(packed)),
        ZipMethod::Zstd => {
            Box::new(zstd_decoder(packed).map_err(|error| archive_error(archive, ZipError::Io(error)))?)
        }
    };
    Ok(Box::new(Checked { inner: plain, left: location.size, crc: Crc::new(), expected: location.crc }))
}

/// Content whose size and checksum are known.
struct Checked<R> {
    inner: R,
    left: u64,
    crc: Crc,
    expected: u32,
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let damaged = |message: &str| Err(io::Error::new(io::ErrorKind::InvalidData, message));
        let count = self.inner.read(buffer)?;
        if count == 0 && !buffer.is_empty() {
            return match (self.left, self.crc.sum() == self.expected) {
                (0, true) => Ok(0),
                (0, false) => damaged("the checksum is wrong"),
                _ => Err(io::ErrorKind::UnexpectedEof.into()),
            };
        }
        self.crc.update(buffer.get(..count).unwrap_or_default());
        match self.left.checked_sub(u64::try_from(count).unwrap_or(u64::MAX)) {
            Some(left) => self.left = left,
            None => return damaged("a file is larger than the directory says"),
        }
        Ok(count)
    }
}

/// Reads up to a number of bytes in total, at any positions.
struct Bounded {
    inner: Box<dyn Stored>,
    left: u64,
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer).map_err(|error| ContentError::unreadable(&error))?;
        match self.left.checked_sub(u64::try_from(count).unwrap_or(u64::MAX)) {
            Some(left) => self.left = left,
            None => {
                let message =
                    format!("the directory of the archive is larger than {MAX_DIRECTORY_BYTES} bytes");
                return Err(ContentError::new("too-many-members", message)
                    .with_hint("unpack it, and hand in the files with data")
                    .into());
            }
        }
        Ok(count)
    }
}

impl Seek for Bounded {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.inner.seek(position)
    }
}
