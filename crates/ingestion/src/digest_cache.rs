//! Digests of chunks that were just appended. A chunk that comes back from the log in the same memory is not
//! digested again.
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

use crate::chunk::{Chunk, ChunkDigest};

/// Upper bound on the data of chunks that wait to come back from the log (48 MiB).
const MAX_WAITING_BYTES: usize = 48 << 20;

/// Digests of chunks on their way to the log and back, by the address of their data.
#[derive(Debug, Default)]
pub(crate) struct DigestCache(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    /// The data is kept alive here: no other data can have its address meanwhile.
    chunks: VecDeque<(Bytes, ChunkDigest)>,
    bytes: usize,
}

impl DigestCache {
    /// Adds a chunk that is about to be appended. The oldest chunks are dropped beyond [`MAX_WAITING_BYTES`].
    pub(crate) fn insert(&self, chunk: &Chunk) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.bytes = waiting.bytes.saturating_add(chunk.data.len());
        waiting.chunks.push_back((chunk.data.clone(), chunk.digest));
        while waiting.bytes > MAX_WAITING_BYTES
            && let Some((data, _)) = waiting.chunks.pop_front()
        {
            waiting.bytes = waiting.bytes.saturating_sub(data.len());
        }
    }

    /// Removes and returns the digest of data that is in the memory of an added chunk.
    pub(crate) fn take(&self, data: &Bytes) -> Option<ChunkDigest> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let same =
            |(known, _): &(Bytes, ChunkDigest)| known.as_ptr() == data.as_ptr() && known.len() == data.len();
        let index = waiting.chunks.iter().position(same)?;
        let (data, take) = waiting.chunks.remove(index)?;
        waiting.bytes = waiting.bytes.saturating_sub(data.len());
        Some(take)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_found_by_the_memory_of_its_chunk_only() {
        let cache = DigestCache::default();
        let chunk = Chunk::rows(0, Bytes::from(vec![1, 2, 3]));
        cache.insert(&chunk);
        assert_eq!(cache.take(&Bytes::from(vec![1, 2, 3])), None);
        assert_eq!(cache.take(&chunk.data.slice(1..)), None);
        assert_eq!(cache.take(&chunk.data.clone()), Some(chunk.digest));
        assert_eq!(cache.take(&chunk.data), None, "a digest is returned once");
    }

    #[test]
    fn the_oldest_chunks_are_dropped_when_too_many_wait() {
        let cache = DigestCache::default();
        let chunks: Vec<_> =
            (0..9).map(|number| Chunk::rows(number, vec![0; MAX_WAITING_BYTES / 4].into())).collect();
        chunks.iter().for_each(|chunk| cache.insert(chunk));
        assert_eq!(chunks.iter().filter(|chunk| cache.take(&chunk.data).is_some()).count(), 4);
    }
}
