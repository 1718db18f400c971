//! Properties of reading any content: it is read or refused, no figure is lost, and nothing panics.
//!
//! Most targets fuzz the part of a file below its header, because a guessed header is refused almost always.

use bytes::Bytes;
use orewatch_formats::{Codes, Input, Limits, Metadata, SourceError, plan, read};

/// Bounds that are small enough to be reached.
fn limits() -> Limits {
    Limits { line: 4 << 10, bytes: 1 << 20, ..Limits::default() }
}

/// Reads a file with this content below its header.
pub fn read_below_header(name: &str, header: &str, body: &[u8]) {
    let mut content = header.as_bytes().to_vec();
    content.extend_from_slice(body);
    read_file(name, &content);
}

/// Reads a file with this content.
///
/// # Panics
/// If figures are lost, or reading the same content again gives a different result.
pub fn read_file(name: &str, content: &[u8]) {
    let first = totals(name, content);
    assert_eq!(first, totals(name, content), "the same content gave two results");
}

/// Rows recorded, out of scope and rejected of each release; none if the content is refused.
fn totals(name: &str, content: &[u8]) -> Vec<Option<(u64, u64, u64)>> {
    let input = Input::Memory { name: name.to_owned(), bytes: Bytes::copy_from_slice(content) };
    let metadata = Metadata {
        dataset: Some("fuzz".to_owned()),
        vintage: Some("1".to_owned()),
        hs: Some("HS92".to_owned()),
        ..Metadata::default()
    };
    let Ok(plans) = plan(vec![input], &metadata, &Codes::default(), limits(), &mut |_| {}) else {
        return Vec::new();
    };
    let counts = |plan: &_| {
        let read = read(plan, &mut |_, _| Ok::<_, SourceError>(())).ok()?;
        assert_eq!(read.read, read.recorded + read.out_of_scope + read.rejected_rows(), "a figure was lost");
        Some((read.recorded, read.out_of_scope, read.rejected_rows()))
    };
    plans.iter().map(counts).collect()
}
