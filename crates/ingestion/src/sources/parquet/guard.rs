//! What a file claims, looked at before the library makes room for it.
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::reader::{ChunkReader as _, Length as _};

use super::super::SourceError;
use super::stored::Stored;
use super::thrift::walk;
use super::{MAGIC, damaged};

/// Most bytes of a page, compressed or not. Writers make pages of one MiB; some put all of a row group's column into one.
const MOST_PAGE: i64 = 16 << 20;

/// Most bytes of the directory at the end.
const MOST_FOOTER: u64 = 16 << 20;

/// Most children of a node of the schema.
const MOST_CHILDREN: i64 = 10_000;

/// Most bytes of what stands before a page: statistics may hold a value of it.
const MOST_HEADER: usize = 64 << 10;

/// Refuses a file whose directory is missing, damaged or too large.
pub(super) fn footer(file: &str, stored: &Stored) -> Result<(), SourceError> {
    let size = stored.len();
    let ends = |message: &str| damaged(file, message);
    let tail_at = size.checked_sub(8).filter(|at| *at >= 4).ok_or_else(|| ends("it is cut off"))?;
    let tail = stored.get_bytes(tail_at, 8).map_err(|error| ends(&error.to_string()))?;
    let Some((length, magic)) = tail.split_first_chunk::<4>() else { return Err(ends("it is cut off")) };
    if magic != MAGIC {
        return Err(ends("it does not end like one; is it cut off, or encrypted?"));
    }
    let length = u64::from(u32::from_le_bytes(*length));
    if length > MOST_FOOTER {
        let message = format!("its directory has {length} bytes; at most {MOST_FOOTER} are read");
        return Err(too_large(file, message));
    }
    let at = tail_at.checked_sub(length).ok_or_else(|| ends("its directory is larger than the file"))?;
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let bytes = stored.get_bytes(at, length).map_err(|error| ends(&error.to_string()))?;
    let mut most = 0;
    walk(&bytes, &mut |path, value| {
        if matches!(path, [2, 5]) {
            most = if value < 0 { i64::MAX } else { most.max(value) };
        }
    })
    .ok_or_else(|| ends("its directory cannot be read"))?;
    if most > MOST_CHILDREN {
        return Err(too_large(file, "its schema has too many columns".to_owned()));
    }
    Ok(())
}

/// Refuses a row group with pages that are damaged or too large.
pub(super) fn pages(file: &str, stored: &Stored, group: &RowGroupMetaData) -> Result<(), SourceError> {
    for column in group.columns() {
        let start = column.dictionary_page_offset().unwrap_or_else(|| column.data_page_offset());
        let range = u64::try_from(start).ok().zip(u64::try_from(column.compressed_size()).ok());
        let inside = range.and_then(|(start, length)| Some((start, start.checked_add(length)?)));
        let (mut at, end) = inside
            .filter(|(_, end)| *end <= stored.len())
            .ok_or_else(|| damaged(file, "a column lies outside of the file"))?;
        while at < end {
            at = page(file, stored, at, end)?;
        }
    }
    Ok(())
}

/// Where the page after one begins.
fn page(file: &str, stored: &Stored, at: u64, end: u64) -> Result<u64, SourceError> {
    let unreadable = || damaged(file, "what stands before a page cannot be read");
    let window = usize::try_from(end.saturating_sub(at)).unwrap_or(usize::MAX).min(MOST_HEADER);
    let bytes = stored.get_bytes(at, window).map_err(|_| unreadable())?;
    let (mut plain, mut compressed) = (None, None);
    let header = walk(&bytes, &mut |path, value| match path {
        [2] => plain = Some(value),
        [3] => compressed = Some(value),
        _ => {}
    })
    .ok_or_else(unreadable)?;
    let (plain, compressed) = plain.zip(compressed).ok_or_else(unreadable)?;
    if plain.max(compressed) > MOST_PAGE {
        let message = format!("a page has {} bytes; at most {MOST_PAGE} are read", plain.max(compressed));
        return Err(too_large(file, message));
    }
    let size = u64::try_from(compressed).ok().filter(|_| plain >= 0).ok_or_else(unreadable)?;
    let next = u64::try_from(header).ok().and_then(|header| at.checked_add(header)?.checked_add(size));
    next.filter(|next| *next <= end).ok_or_else(unreadable)
}

fn too_large(file: &str, message: String) -> SourceError {
    SourceError::new("parquet-too-large", file, 0, message)
        .with_hint("write the file with smaller row groups and pages, such as 100000 rows a group")
}
