//! Entries of archives: what the directory of a zip or 7z archive says of each file in it.

/// A file as the directory of its archive describes it.
pub(super) struct Entry {
    /// Name, with folders.
    pub(super) name: String,
    /// Bytes that it takes in the archive; of a file that shares a block with others, those of the block.
    pub(super) packed: u64,
    /// Bytes that it has once it is decompressed.
    pub(super) size: u64,
    pub(super) encrypted: bool,
    /// It is a link to something else.
    pub(super) link: bool,
    pub(super) location: EntryLocation,
}

/// Where a file is stored in its archive.
#[derive(Clone, Copy, Debug)]
pub(super) enum EntryLocation {
    /// In a zip archive.
    Zip(ZipLocation),
    /// In a 7z archive: its number, from 0.
    SevenZ(usize),
}

/// Where and how a file is stored in a zip archive.
#[derive(Clone, Copy, Debug)]
pub(super) struct ZipLocation {
    /// Offset of its first byte.
    pub(super) start: u64,
    /// Bytes that it takes in the archive, and once it is decompressed.
    pub(super) packed: u64,
    pub(super) size: u64,
    /// Checksum of its decompressed content.
    pub(super) crc: u32,
    pub(super) method: ZipMethod,
}

/// How a file is compressed in a zip archive.
#[derive(Clone, Copy, Debug)]
pub(super) enum ZipMethod {
    Stored,
    Deflated,
    Zstd,
}
