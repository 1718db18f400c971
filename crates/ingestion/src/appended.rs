//! Digests of chunks that were just appended: what comes back from the log in the same memory is not digested again.
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

use crate::evolve::Digest;
use crate::fact::Chunk;

/// Most data of chunks that are waited for, in bytes.
const MOST_BYTES: usize = 48 << 20;

/// Chunks on their way to the log and back.
#[derive(Debug, Default)]
pub(crate) struct Appended(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    /// The data is held, so that its memory is nothing else's.
    chunks: VecDeque<(Bytes, Digest)>,
    bytes: usize,
}

impl Appended {
    /// Notes a chunk that is about to be appended.
    pub(crate) fn note(&self, chunk: &Chunk) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.bytes = waiting.bytes.saturating_add(chunk.data.len());
        waiting.chunks.push_back((chunk.data.clone(), chunk.digest));
        while waiting.bytes > MOST_BYTES
            && let Some((data, _)) = waiting.chunks.pop_front()
        {
            waiting.bytes = waiting.bytes.saturating_sub(data.len());
        }
    }

    /// The digest of data in the memory of a chunk that was noted, which is then let go of.
    pub(crate) fn digest(&self, data: &Bytes) -> Option<Digest> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let same =
            |(known, _): &(Bytes, Digest)| known.as_ptr() == data.as_ptr() && known.len() == data.len();
        let place = waiting.chunks.iter().position(same)?;
        let (data, digest) = waiting.chunks.remove(place)?;
        waiting.bytes = waiting.bytes.saturating_sub(data.len());
        Some(digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_memory_is_known() {
        let appended = Appended::default();
        let chunk = Chunk::rows(0, Bytes::from(vec![1, 2, 3]));
        appended.note(&chunk);
        assert_eq!(appended.digest(&Bytes::from(vec![1, 2, 3])), None);
        assert_eq!(appended.digest(&chunk.data.slice(1..)), None);
        assert_eq!(appended.digest(&chunk.data.clone()), Some(chunk.digest));
        assert_eq!(appended.digest(&chunk.data), None, "it is let go of");
    }

    #[test]
    fn what_does_not_come_back_is_let_go_of() {
        let appended = Appended::default();
        let chunks: Vec<_> =
            (0..9).map(|number| Chunk::rows(number, vec![0; MOST_BYTES / 4].into())).collect();
        chunks.iter().for_each(|chunk| appended.note(chunk));
        assert_eq!(chunks.iter().filter(|chunk| appended.digest(&chunk.data).is_some()).count(), 4);
    }
}
