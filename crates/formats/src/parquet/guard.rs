//! Checks the sizes that a Parquet file declares before the library allocates memory for them.
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::reader::{ChunkReader as _, Length as _};

use super::super::SourceError;
use super::stored::Stored;
use super::thrift::walk;
use super::{MAGIC, damaged};

/// Upper bound on the bytes of a page, compressed or not. Most writers make pages of one MiB; some put a
/// whole column of a row group into one.
const MAX_PAGE_BYTES: i64 = 16 << 20;

/// Upper bound on the bytes of the footer.
const MAX_FOOTER_BYTES: u64 = 16 << 20;

/// Upper bound on the children of a node of the schema.
const MAX_SCHEMA_CHILDREN: i64 = 10_000;

/// Upper bound on the bytes of a page header, whose statistics may contain a value of the page.
const MAX_PAGE_HEADER_BYTES: usize = 64 << 10;

/// Refuses a file whose footer is missing, damaged or too large.
pub(super) fn check_footer(file: &str, stored: &Stored) -> Result<(), SourceError> {
    let size = stored.len();
    let refuse = |message: &str| damaged(file, message);
    let tail_at = size.checked_sub(8).filter(|at| *at >= 4).ok_or_else(|| refuse("it is cut off"))?;
    let tail = stored.get_bytes(tail_at, 8).map_err(|error| refuse(&error.to_string()))?;
    let Some((length, magic)) = tail.split_first_chunk::<4>() else { return Err(refuse("it is cut off")) };
    if magic != MAGIC {
        return Err(refuse("it does not end like Parquet; is it cut off, or encrypted?"));
    }
    let length = u64::from(u32::from_le_bytes(*length));
    if length > MAX_FOOTER_BYTES {
        let message = format!("its footer has {length} bytes; at most {MAX_FOOTER_BYTES} are read");
        return Err(too_large(file, message));
    }
    let at = tail_at.checked_sub(length).ok_or_else(|| refuse("its footer is larger than the file"))?;
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let bytes = stored.get_bytes(at, length).map_err(|error| refuse(&error.to_string()))?;
    // Field 2 of the footer is the schema, field 5 of its elements their number of children.
    let mut children = 0;
    walk(&bytes, &mut |path, value| {
        if matches!(path, [2, 5]) {
            children = if value < 0 { i64::MAX } else { children.max(value) };
        }
    })
    .ok_or_else(|| refuse("its footer cannot be read"))?;
    if children > MAX_SCHEMA_CHILDREN {
        return Err(too_large(file, "its schema has too many columns".to_owned()));
    }
    Ok(())
}

/// Refuses a row group with pages that are damaged or too large.
pub(super) fn check_pages(file: &str, stored: &Stored, group: &RowGroupMetaData) -> Result<(), SourceError> {
    for column in group.columns() {
        let start = column.dictionary_page_offset().unwrap_or_else(|| column.data_page_offset());
        let range = u64::try_from(start).ok().zip(u64::try_from(column.compressed_size()).ok());
        let inside = range.and_then(|(start, length)| Some((start, start.checked_add(length)?)));
        let (mut at, end) = inside
            .filter(|(_, end)| *end <= stored.len())
            .ok_or_else(|| damaged(file, "a column is outside of the file"))?;
        while at < end {
            at = check_page(file, stored, at, end)?;
        }
    }
    Ok(())
}

/// Checks the header of a page, and returns where the next page begins.
fn check_page(file: &str, stored: &Stored, at: u64, end: u64) -> Result<u64, SourceError> {
    let unreadable = || damaged(file, "a page header cannot be read");
    let window = usize::try_from(end.saturating_sub(at)).unwrap_or(usize::MAX).min(MAX_PAGE_HEADER_BYTES);
    let bytes = stored.get_bytes(at, window).map_err(|_| unreadable())?;
    // Fields 2 and 3 of the header are the sizes of the page.
    let (mut plain, mut compressed) = (None, None);
    let header = walk(&bytes, &mut |path, value| match path {
        [2] => plain = Some(value),
        [3] => compressed = Some(value),
        _ => {}
    })
    .ok_or_else(unreadable)?;
    let (plain, compressed) = plain.zip(compressed).ok_or_else(unreadable)?;
    if plain.max(compressed) > MAX_PAGE_BYTES {
        let message =
            format!("a page has {} bytes; at most {MAX_PAGE_BYTES} are read", plain.max(compressed));
        return Err(too_large(file, message));
    }
    let size = u64::try_from(compressed).ok().filter(|_| plain >= 0).ok_or_else(unreadable)?;
    let next = u64::try_from(header).ok().and_then(|header| at.checked_add(header)?.checked_add(size));
    next.filter(|next| *next <= end).ok_or_else(unreadable)
}

fn too_large(file: &str, message: String) -> SourceError {
    SourceError::new("parquet-too-large", file, 0, message)
        .with_hint("write the file with smaller row groups and pages, such as 100,000 rows in a group")
}
