//! Reads 7z archives. The decoder pushes data instead of being read from, so that it runs on a thread of its
//! own.
use std::io::{self, Cursor, Read};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use sevenz_rust2::{Archive, BlockDecoder, Error, Password};

use super::super::SourceError;
use super::container::Container;
use super::content_error::ContentError;
use super::entry::{Entry, EntryLocation};
use super::{Counted, Input, Stored};

/// Memory limit for the directory of an archive and its decoder, in KiB.
const MAX_DIRECTORY_KIB: usize = 18 << 10;

/// Memory limit for the dictionary of a block, in KiB: enough for all settings of 7-Zip up to ultra.
const MAX_DICTIONARY_KIB: usize = 272 << 10;

/// Bytes of a piece that the decoder hands over, and how many pieces may wait.
const PIECE_BYTES: usize = 256 * 1024;
const MAX_WAITING_PIECES: usize = 4;

/// Upper bound on the files of a block: a file is reached by decoding those before it.
const MAX_FILES_PER_BLOCK: usize = 64;

/// The files in an archive.
pub(super) fn entries(input: &Input) -> Result<Vec<Entry>, SourceError> {
    let mut stored = input.stored()?;
    let archive = directory(&mut stored).map_err(|error| archive_error(input, error))?;
    let mut entries = Vec::new();
    for (index, file) in archive.files.iter().enumerate() {
        if file.is_directory || file.is_anti_item {
            continue;
        }
        let block = block(&archive, index);
        let together =
            archive.stream_map.file_block_index.iter().filter(|other| block.is_some() && **other == block);
        if together.count() > MAX_FILES_PER_BLOCK {
            let message =
                format!("more than {MAX_FILES_PER_BLOCK} files of the archive are compressed as one block");
            return Err(SourceError::new("too-many-members", &input.name(), 0, message)
                .with_hint("unpack it, and hand in the files with data"));
        }
        entries.push(Entry {
            name: file.name.clone(),
            packed: block.map_or(0, |block| packed(&archive, block)),
            size: file.size,
            encrypted: archive.is_file_encrypted(index),
            // The upper half holds a Unix mode, whose highest bits mark a link.
            link: file.has_windows_attributes && file.windows_attributes >> 28 == 0xa,
            location: EntryLocation::SevenZ(index),
        });
        if entries.len() > super::super::plan::MAX_FILES {
            break;
        }
    }
    Ok(entries)
}

/// The block of a file. None: the file is empty.
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
    Archive::read_with_memory_limit(stored, &Password::empty(), MAX_DIRECTORY_KIB)
}

/// Opens the content of a file.
pub(super) fn open(
    archive: &Input,
    index: usize,
    read: &Arc<AtomicU64>,
) -> Result<Box<dyn Read + Send>, SourceError> {
    let counted = Counted { inner: archive.stored()?, read: Arc::clone(read) };
    let (sender, pieces) = sync_channel(MAX_WAITING_PIECES);
    let decode = move || {
        let last = decode(counted, index, &sender).map_err(explain);
        // Sending fails if the reader was dropped.
        drop(sender.send(last.map(|()| Vec::new())));
    };
    thread::Builder::new()
        .name("orewatch-7z".to_owned())
        .spawn(decode)
        .map_err(|error| archive.unreadable(&error))?;
    Ok(Box::new(Pieces { pieces: Some(pieces), piece: Cursor::default() }))
}

/// Decodes a file until its end, or until the reader is dropped.
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
        BlockDecoder::new_with_memory_limit(1, MAX_DICTIONARY_KIB, block, &archive, &password, &mut counted);
    let decoded = decoder.for_each_entries(&mut |_, content| {
        let is_wanted = at == index;
        at += 1;
        if is_wanted { hand_over(content, sender).map(|()| false) } else { Ok(true) }
    });
    decoded.map(drop)
}

/// Sends the content of a file in pieces.
fn hand_over(content: &mut dyn Read, sender: &SyncSender<io::Result<Vec<u8>>>) -> Result<(), Error> {
    loop {
        let mut piece = Vec::with_capacity(PIECE_BYTES);
        content.take(u64::try_from(PIECE_BYTES).unwrap_or(u64::MAX)).read_to_end(&mut piece)?;
        if piece.is_empty() || sender.send(Ok(piece)).is_err() {
            return Ok(());
        }
    }
}

/// Reads pieces as they come; an empty piece is the end.
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
                // The decoder panicked.
                Err(_) => return Err(io::Error::new(io::ErrorKind::InvalidData, "it cannot be decoded")),
            }
        }
    }
}

/// The error of an archive.
fn archive_error(input: &Input, error: Error) -> SourceError {
    let error = explain(error);
    match ContentError::from_io(&error) {
        Some(reason) => reason.of_file(&input.name()),
        None => input.unreadable(&error),
    }
}

/// Explains an error of the decoder.
fn explain(error: Error) -> io::Error {
    let refuse = |code, message: String, hint: &str| ContentError::new(code, message).with_hint(hint).into();
    let again = "make a new archive with LZMA2, which is the default of 7-Zip";
    match error {
        Error::Io(error, _) | Error::FileOpen(error, _) | Error::MaybeBadPassword(error) => {
            Container::SevenZ.explain(error)
        }
        Error::UnsupportedCompressionMethod(method) if method.contains("AES") => refuse(
            "encrypted-archive",
            "the archive is encrypted".to_owned(),
            "unpack it with its password, and hand in the files in it",
        ),
        Error::UnsupportedCompressionMethod(method) => {
            refuse("unsupported-compression", format!("the archive is compressed by {method}"), again)
        }
        Error::MaxMemLimited { max_kb, actaul_kb } => refuse(
            "dictionary-too-large",
            format!("reading the archive takes {actaul_kb} KiB of memory, more than the limit of {max_kb}"),
            again,
        ),
        other => Container::SevenZ.explain(io::Error::new(io::ErrorKind::InvalidData, other.to_string())),
    }
}
