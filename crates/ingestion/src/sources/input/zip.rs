//! Members of zip archives: their directory is read by the `zip` crate, they themselves from where it says that they are.
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use flate2::Crc;
use flate2::bufread::DeflateDecoder;
use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

use super::super::SourceError;
use super::broken::Broken;
use super::container::Container;
use super::member::{self, Entry};
use super::{BUFFER, Counted, Input, Stored, zstd_decoder};

/// Most bytes that are read to know what an archive holds. Directories of a thousand files have a tenth of a megabyte.
const DIRECTORY: u64 = 8 << 20;

/// Where and how a member is stored.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    start: u64,
    packed: u64,
    size: u64,
    crc: u32,
    method: Method,
}

/// How a member is compressed.
#[derive(Clone, Copy, Debug)]
enum Method {
    Stored,
    Deflated,
    Zstd,
}

/// The files in an archive.
pub(super) fn entries(input: &Input) -> Result<Vec<Entry>, SourceError> {
    let bounded = Bounded { inner: input.stored()?, left: DIRECTORY };
    let mut archive =
        ZipArchive::new(BufReader::with_capacity(4096, bounded)).map_err(|error| refused(input, error))?;
    // More than any release may have are refused by their number, before their headers are looked at.
    if archive.len() > super::super::plan::MOST_FILES * 2 {
        let message = format!("the archive holds {} files and folders", archive.len());
        return Err(SourceError::new("too-many-members", &input.name(), 0, message));
    }
    let mut entries = Vec::new();
    for index in 0..archive.len() {
        let file = archive.by_index_raw(index).map_err(|error| refused(input, error))?;
        if file.is_dir() {
            continue;
        }
        let name = String::from_utf8_lossy(file.name_raw()).into_owned();
        let (packed, size, crc) = (file.compressed_size(), file.size(), file.crc32());
        let start = file.data_start().unwrap_or_default();
        let (encrypted, link) = (file.encrypted(), file.is_symlink());
        let method = method(input, &name, file.compression(), encrypted)?;
        let place = member::Place::Zip(Place { start, packed, size, crc, method });
        entries.push(Entry { name, packed, size, encrypted, link, place });
    }
    apart(input, &entries)?;
    Ok(entries)
}

/// Members that share their bytes are a way to make a small archive hold a lot, and nothing else.
fn apart(input: &Input, entries: &[Entry]) -> Result<(), SourceError> {
    let ranges = entries.iter().filter_map(|entry| match entry.place {
        member::Place::Zip(place) => Some((place.start, place.start.saturating_add(place.packed))),
        member::Place::SevenZ(_) => None,
    });
    let mut ranges: Vec<_> = ranges.filter(|(start, end)| start < end).collect();
    ranges.sort_unstable();
    let overlap = ranges.iter().zip(ranges.iter().skip(1)).any(|((_, end), (next, _))| next < end);
    if !overlap {
        return Ok(());
    }
    Err(SourceError::new("decompression-bomb", &input.name(), 0, "members of the archive overlap")
        .with_hint("make the archive anew from the files themselves"))
}

fn method(
    input: &Input,
    name: &str,
    method: CompressionMethod,
    encrypted: bool,
) -> Result<Method, SourceError> {
    match method {
        CompressionMethod::Stored => Ok(Method::Stored),
        CompressionMethod::DEFLATE => Ok(Method::Deflated),
        CompressionMethod::ZSTD => Ok(Method::Zstd),
        // Encryption may be written as a method; it is what is complained of.
        _ if encrypted => Ok(Method::Stored),
        _ => {
            let message = format!("member `{}` is compressed by {method}", name.escape_debug());
            Err(SourceError::new("unsupported-compression", &input.name(), 0, message)
                .with_hint("make the archive anew with deflate, which is what zip programs use"))
        }
    }
}

fn refused(input: &Input, error: ZipError) -> SourceError {
    let error = match error {
        ZipError::Io(error) => error,
        other => io::Error::new(io::ErrorKind::InvalidData, other.to_string()),
    };
    let error = Container::Zip.broken(error);
    match Broken::of(&error) {
        Some(broken) => broken.whole(&input.name()),
        None => input.unreadable(&error),
    }
}

/// What a member holds, checked against what the directory says of it.
pub(super) fn open(
    archive: &Input,
    place: Place,
    read: &Arc<AtomicU64>,
) -> Result<Box<dyn Read + Send>, SourceError> {
    let mut stored = archive.stored()?;
    stored.seek(SeekFrom::Start(place.start)).map_err(|error| archive.unreadable(&error))?;
    let packed = Counted { inner: stored, read: Arc::clone(read) }.take(place.packed);
    let packed = BufReader::with_capacity(BUFFER, packed);
    let plain: Box<dyn Read + Send> = match place.method {
        Method::Stored => Box::new(packed),
        Method::Deflated => Box::new(DeflateDecoder::new(packed)),
        Method::Zstd => {
            Box::new(zstd_decoder(packed).map_err(|error| refused(archive, ZipError::Io(error)))?)
        }
    };
    Ok(Box::new(Checked { inner: plain, left: place.size, crc: Crc::new(), expected: place.crc }))
}

/// Content of which size and checksum are known.
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
                (0, false) => damaged("the checksum is another"),
                _ => Err(io::ErrorKind::UnexpectedEof.into()),
            };
        }
        self.crc.update(buffer.get(..count).unwrap_or_default());
        match self.left.checked_sub(u64::try_from(count).unwrap_or(u64::MAX)) {
            Some(left) => self.left = left,
            None => return damaged("a member is larger than the directory says"),
        }
        Ok(count)
    }
}

/// Gives no more than a number of bytes, wherever they are read.
struct Bounded {
    inner: Box<dyn Stored>,
    left: u64,
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer).map_err(|error| Broken::unreadable(&error))?;
        match self.left.checked_sub(u64::try_from(count).unwrap_or(u64::MAX)) {
            Some(left) => self.left = left,
            None => {
                let message = format!("the directory of the archive is larger than {DIRECTORY} bytes");
                return Err(Broken::new("too-many-members", message)
                    .with_hint("unpack it, and hand in the files that hold data")
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
