//! A chunk of rows or rejections in its stored form, recognised by its digest.
//!
//! A client that lost its connection sends its chunks again; a chunk whose digest is on the log is not
//! appended twice.
use std::borrow::Cow;

use bytes::Bytes;
use orewatch_contracts::ingestion::v1::{ObservationEventKind, RowsQuarantined};
use prost::Message as _;
use sha2::{Digest as _, Sha256};

use crate::rejection_codes;

/// SHA-256 of a chunk as it is stored.
pub(crate) type ChunkDigest = [u8; 32];

/// A chunk as it is stored on the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chunk {
    /// [`ObservationsRecorded`](ObservationEventKind::ObservationsRecorded) or
    /// [`RowsQuarantined`](ObservationEventKind::RowsQuarantined).
    pub(crate) kind: ObservationEventKind,
    /// Number of the chunk among those of its kind in one opening of the release, from 0.
    pub(crate) number: u32,
    /// The encoded protobuf message.
    pub(crate) data: Bytes,
    /// Its SHA-256.
    pub(crate) digest: ChunkDigest,
}

impl Chunk {
    /// A chunk of rows.
    pub(crate) fn rows(number: u32, data: Bytes) -> Self {
        let digest = Sha256::digest(&data).into();
        Self { kind: ObservationEventKind::ObservationsRecorded, number, data, digest }
    }

    /// A chunk of rejections, with current codes.
    pub(crate) fn rejections(chunk: &RowsQuarantined) -> Self {
        let data: Bytes = rejection_codes::with_current_codes(chunk).encode_to_vec().into();
        let digest = Sha256::digest(&data).into();
        Self { kind: ObservationEventKind::RowsQuarantined, number: chunk.chunk, data, digest }
    }
}

/// The digest by which a stored chunk of rejections is recognised.
///
/// Earlier versions wrote some codes under other names. Such a chunk has the digest that its bytes would have
/// with the current codes, so a client of today that sends it again is recognised.
pub(crate) fn quarantine_digest(chunk: &RowsQuarantined, data: &[u8]) -> ChunkDigest {
    match rejection_codes::with_current_codes(chunk) {
        Cow::Borrowed(_) => Sha256::digest(data).into(),
        Cow::Owned(present) => Sha256::digest(present.encode_to_vec()).into(),
    }
}

#[cfg(test)]
mod tests {
    use orewatch_contracts::ingestion::v1::Rejection;

    use super::*;

    fn chunk(code: &str) -> RowsQuarantined {
        let rejection = |code: &str| Rejection { line: 2, code: code.to_owned(), ..Rejection::default() };
        RowsQuarantined { chunk: 0, rejections: vec![rejection(code), rejection("no-such-code")] }
    }

    #[test]
    fn a_chunk_of_an_earlier_version_is_recognised_by_its_current_codes() {
        let digest = |chunk: &RowsQuarantined| quarantine_digest(chunk, &chunk.encode_to_vec());
        assert_eq!(digest(&chunk("bad-number")), digest(&chunk("invalid-number")));
        assert_ne!(digest(&chunk("bad-number")), digest(&chunk("bad-period")));
        let bytes: ChunkDigest = Sha256::digest(chunk("invalid-number").encode_to_vec()).into();
        assert_eq!(digest(&chunk("invalid-number")), bytes);
    }
}
