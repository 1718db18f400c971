//! Members of 7z archives. Their decoder hands data out instead of being asked for it, so that it runs on a thread of its own.
use std::io::{self, Cursor, Read};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use sevenz_rust2::{Archive, BlockDecoder, Error, Password};

use super::super::SourceError;
use super::broken::Broken;
use super::container::Container;
use super::member::{Entry, Place};
use super::{Counted, Input, Stored};

/// Most memory for the directory of an archive and what decodes it, in KiB.
const DIRECTORY_KIB: usize = 18 << 10;

/// Most memory for the dictionary of a block, in KiB: those of 7-Zip's settings up to ultra fit.
const DICTIONARY_KIB: usize = 272 << 10;

/// Bytes of a piece that is handed over, and how many pieces wait.
const PIECE: usize = 256 * 1024;
const PIECES: usize = 4;

/// Most members that share a block with others. Each is found by decoding those before it.
const MOST_TOGETHER: usize = 64;

/// The files in an archive.
pub(super) fn entries(input: &Input) -> Result<Vec<Entry>, SourceError> {
    let mut stored = input.stored()?;
    let archive = directory(&mut stored).map_err(|error| refused(input, error))?;
    let mut entries = Vec::new();
    for (index, file) in archive.files.iter().enumerate() {
        if file.is_directory || file.is_anti_item {
            continue;
        }
        let block = block(&archive, index);
        let together =
            archive.stream_map.file_block_index.iter().filter(|of| block.is_some() && **of == block);
        if together.count() > MOST_TOGETHER {
            let message = format!("more than {MOST_TOGETHER} members of the archive are compressed as one");
            return Err(SourceError::new("too-many-members", &input.name(), 0, message)
                .with_hint("unpack it, and hand in the files that hold data"));
        }
        entries.push(Entry {
            name: file.name.clone(),
            packed: block.map_or(0, |block| packed(&archive, block)),
            size: file.size,
            encrypted: archive.is_file_encrypted(index),
            // A Unix mode in the upper half, and in it the mark of a link.
            link: file.has_windows_attributes && file.windows_attributes >> 28 == 0xa,
            place: Place::SevenZ(index),
        });
        if entries.len() > super::super::plan::MOST_FILES {
            break;
        }
    }
    Ok(entries)
}

/// The block of a member; None: it is empty.
fn block(archive: &Archive, index: usize) -> Option<usize> {
    archive.stream_map.file_block_index.get(index).copied().flatten()
}

/// Bytes that a block takes.
fn packed(archive: &Archive, block: usize) -> u64 {
    let first = archive.stream_map.block_first_pack_stream_index();
    let end = first.get(block + 1).copied().unwrap_or_else(|| archive.pack_sizes().len());
    let streams = first.get(block).and_then(|first| archive.pack_sizes().get(*first..end));
    streams.unwrap_or_default().iter().fold(0_u64, |sum, size| sum.saturating_add(*size))
}

fn directory(stored: &mut Box<dyn Stored>) -> Result<Archive, Error> {
    Archive::read_with_memory_limit(stored, &Password::empty(), DIRECTORY_KIB)
}

/// What a member holds.
pub(super) fn open(
    archive: &Input,
    index: usize,
    read: &Arc<AtomicU64>,
) -> Result<Box<dyn Read + Send>, SourceError> {
    let counted = Counted { inner: archive.stored()?, read: Arc::clone(read) };
    let (sender, pieces) = sync_channel(PIECES);
    let decode = move || {
        let last = decode(counted, index, &sender).map_err(broken);
        // Nobody waits for it where the reading was given up.
        drop(sender.send(last.map(|()| Vec::new())));
    };
    thread::Builder::new()
        .name("orewatch-7z".to_owned())
        .spawn(decode)
        .map_err(|error| archive.unreadable(&error))?;
    Ok(Box::new(Pieces { pieces: Some(pieces), piece: Cursor::default() }))
}

/// Decodes one member, until nobody takes more of it.
fn decode(
    mut counted: Counted<Box<dyn Stored>>,
    index: usize,
    sender: &SyncSender<io::Result<Vec<u8>>>,
) -> Result<(), Error> {
    let archive = directory(&mut counted.inner)?;
    let Some(block) = block(&archive, index) else { return Ok(()) };
    let first = archive.stream_map.block_first_file_index.get(block).copied().unwrap_or_default();
    let mut at = first;
    let password = Password::empty();
    let decoder =
        BlockDecoder::new_with_memory_limit(1, DICTIONARY_KIB, block, &archive, &password, &mut counted);
    let decoded = decoder.for_each_entries(&mut |_, content| {
        let here = at == index;
        at += 1;
        if here { hand_over(content, sender).map(|()| false) } else { Ok(true) }
    });
    decoded.map(drop)
}

fn hand_over(content: &mut dyn Read, sender: &SyncSender<io::Result<Vec<u8>>>) -> Result<(), Error> {
    loop {
        let mut piece = Vec::with_capacity(PIECE);
        content.take(u64::try_from(PIECE).unwrap_or(u64::MAX)).read_to_end(&mut piece)?;
        if piece.is_empty() || sender.send(Ok(piece)).is_err() {
            return Ok(());
        }
    }
}

/// Pieces as they come; an empty one is the end.
struct Pieces {
    pieces: Option<Receiver<io::Result<Vec<u8>>>>,
    piece: Cursor<Vec<u8>>,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.piece.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            let Some(pieces) = &self.pieces else { return Ok(0) };
            match pieces.recv() {
                Ok(Ok(piece)) if piece.is_empty() => self.pieces = None,
                Ok(Ok(piece)) => self.piece = Cursor::new(piece),
                Ok(Err(error)) => return Err(error),
                // The decoder is gone without a word.
                Err(_) => return Err(io::Error::new(io::ErrorKind::InvalidData, "it cannot be decoded")),
            }
        }
    }
}

fn refused(input: &Input, error: Error) -> SourceError {
    let error = broken(error);
    match Broken::of(&error) {
        Some(broken) => broken.whole(&input.name()),
        None => input.unreadable(&error),
    }
}

fn broken(error: Error) -> io::Error {
    let refuse = |code, message: String, hint: &str| Broken::new(code, message).with_hint(hint).into();
    let again = "make the archive anew with LZMA2, which is what 7-Zip uses";
    match error {
        Error::Io(error, _) | Error::FileOpen(error, _) | Error::MaybeBadPassword(error) => {
            Container::SevenZ.broken(error)
        }
        Error::UnsupportedCompressionMethod(method) if method.contains("AES") => refuse(
            "encrypted-archive",
            "the archive is encrypted".to_owned(),
            "unpack it with its password, and hand in what it holds",
        ),
        Error::UnsupportedCompressionMethod(method) => {
            refuse("unsupported-compression", format!("the archive is compressed by {method}"), again)
        }
        Error::MaxMemLimited { max_kb, actaul_kb } => refuse(
            "dictionary-too-large",
            format!("reading the archive takes {actaul_kb} KiB of memory, more than {max_kb}"),
            again,
        ),
        other => Container::SevenZ.broken(io::Error::new(io::ErrorKind::InvalidData, other.to_string())),
    }
}
