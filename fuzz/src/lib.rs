//! What holds of any content: it is read or refused, nothing of it is lost, and nothing panics.
//!
//! A target gives the fuzzer the part of a file below its header, because a header that is guessed is refused most of the time.

use bytes::Bytes;
use orewatch_ingestion::Codes;
use orewatch_ingestion::sources::{Input, Limits, Metadata, SourceError, plan, read};

/// Bounds small enough that running into them is part of the test.
fn limits() -> Limits {
    Limits { line: 4 << 10, bytes: 1 << 20, ..Limits::default() }
}

/// Reads content below a header.
pub fn below(name: &str, header: &str, body: &[u8]) {
    let mut content = header.as_bytes().to_vec();
    content.extend_from_slice(body);
    whole(name, &content);
}

/// Reads content.
///
/// # Panics
/// If figures are lost on the way, or the same content is read otherwise the second time.
pub fn whole(name: &str, content: &[u8]) {
    let first = totals(name, content);
    assert_eq!(first, totals(name, content), "the same content, read twice");
}

/// Rows recorded, outside and set aside of each release, or none where the content is refused.
fn totals(name: &str, content: &[u8]) -> Vec<Option<(u64, u64, u64)>> {
    let input = Input::Memory { name: name.to_owned(), bytes: Bytes::copy_from_slice(content) };
    let said = Metadata {
        dataset: Some("fuzz".to_owned()),
        vintage: Some("1".to_owned()),
        hs: Some("HS92".to_owned()),
        ..Metadata::default()
    };
    let Ok(plans) = plan(vec![input], &said, &Codes::default(), limits(), &mut |_| {}) else { return Vec::new() };
    let of = |plan: &_| {
        let read = read(plan, &mut |_, _| Ok::<_, SourceError>(())).ok()?;
        assert_eq!(read.read, read.recorded + read.out_of_scope + read.rejected_rows(), "a figure was lost");
        Some((read.recorded, read.out_of_scope, read.rejected_rows()))
    };
    plans.iter().map(of).collect()
}
