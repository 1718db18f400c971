//! A copy of a stream that can be read at any position: in memory if it is small, otherwise in a temporary
//! file.
use std::fs::File;
use std::io::{self, Cursor, Read, Seek as _, SeekFrom, Write as _};
use std::sync::Arc;

use bytes::Bytes;
use orewatch_contracts::Class;
use parquet::errors::Result;
use parquet::file::reader::{ChunkReader, Length};

use super::super::SourceError;
use super::super::input::Content;

/// Size up to which a copy is kept in memory, in bytes.
const MAX_IN_MEMORY: u64 = 16 << 20;

/// A copy of a file.
#[derive(Clone, Debug)]
pub(super) enum Stored {
    Memory(Bytes),
    Disk(Arc<File>, u64),
}

impl Stored {
    /// Copies content to its end.
    pub(super) fn copy(file: &str, content: &mut Content) -> std::result::Result<Self, SourceError> {
        let failed = |error: io::Error| Content::failed(file, 0, &error);
        let mut begin = Vec::new();
        content.take(MAX_IN_MEMORY).read_to_end(&mut begin).map_err(failed)?;
        let mut buffer = vec![0; 256 * 1024];
        let mut count = content.read(&mut buffer).map_err(failed)?;
        if count == 0 {
            return Ok(Self::Memory(begin.into()));
        }
        let uncopied = |error: io::Error| {
            SourceError::new("no-room", file, 0, format!("the file cannot be copied: {error}"))
                .with_hint("free space in the folder of temporary files, or name another folder in TMPDIR")
                .with_class(Class::Unavailable)
        };
        let mut copy = tempfile::tempfile().map_err(uncopied)?;
        copy.write_all(&begin).map_err(uncopied)?;
        while count > 0 {
            copy.write_all(buffer.get(..count).unwrap_or_default()).map_err(uncopied)?;
            count = content.read(&mut buffer).map_err(failed)?;
        }
        let size = copy.seek(SeekFrom::End(0)).map_err(uncopied)?;
        Ok(Self::Disk(Arc::new(copy), size))
    }
}

impl Length for Stored {
    fn len(&self) -> u64 {
        match self {
            Self::Memory(bytes) => Length::len(bytes),
            Self::Disk(_, size) => *size,
        }
    }
}

impl ChunkReader for Stored {
    type T = Box<dyn Read>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        Ok(match self {
            Self::Memory(bytes) => {
                let start = usize::try_from(start)?.min(bytes.len());
                Box::new(Cursor::new(bytes.slice(start..)))
            }
            Self::Disk(file, _) => Box::new(file.get_read(start)?),
        })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        match self {
            Self::Memory(bytes) => bytes.get_bytes(start, length),
            Self::Disk(file, _) => file.get_bytes(start, length),
        }
    }
}
