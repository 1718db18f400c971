//! What identifies a row within its release, and the set of the keys that were met.
//!
//! A release may have a thousand million rows. A key takes some bits only, because the rows of most files are
//! sorted: those that follow each other are about neighbouring partners and products and share a block.
use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::sink::packed;
use super::{Observation, Qualifier};

/// The key of a row within its release: 16 bits each for period, economy, partner and topic.
///
/// Who reports a flow is folded into the two highest bits, which periods leave free: there are some 2,600
/// periods, and restrictions, which use more days than that, are reported by nobody.
pub(super) fn row_key(row: &Observation) -> u64 {
    let reporter = u64::from(i32::from(row.reporter()).unsigned_abs());
    packed([row.period, row.economy, row.partner, row.topic]) ^ reporter << 62
}

/// A hash of what a row says beside its key. Equal figures give equal hashes; different figures give equal
/// hashes once in four thousand million times.
pub(super) fn fingerprint(row: &Observation) -> u32 {
    let qualifier = match row.qualifier {
        Qualifier::Restricted { until, evaluation } => {
            u64::from(until) << 2 | u64::from(i32::from(evaluation).unsigned_abs())
        }
        Qualifier::Assigned(symbol) | Qualifier::Stated(symbol) => u64::from(symbol),
        _ => 0,
    };
    let mixed = row.figures.iter().fold(qualifier, |hash, figure| {
        // NaN stands for both unavailable and withheld: the status tells them apart.
        let status = i32::from(figure.status).unsigned_abs();
        (hash.rotate_left(23) ^ figure.number.to_bits() ^ u64::from(status))
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
    });
    u32::try_from(mixed >> 32).unwrap_or_default()
}

/// Words of a block.
const BLOCK_WORDS: usize = 8;

/// Which keys are there, a bit each, of those with the same period, economy, partner but for its last two
/// bits, and topic but for its last seven: one line of the processor's cache.
type Block = [u64; BLOCK_WORDS];

/// A set of keys. The block that was used last is found without a search: blocks are scattered over memory,
/// and a sorted file seldom needs another one.
#[derive(Debug, Default)]
pub(super) struct KeySet {
    /// Place of each block, by what its keys share.
    places: HashMap<u64, u32, RandomState>,
    blocks: Vec<Block>,
    /// What the keys of the last block share, and its place. None: the set is empty.
    last: Option<(u64, u32)>,
}

impl KeySet {
    /// Adds a key. False if it was there before.
    #[inline]
    pub(super) fn insert(&mut self, key: u64) -> bool {
        let (shared, word, bit) = place(key);
        let at = match self.last {
            Some((last, at)) if last == shared => at,
            _ => self.find_or_add_block(shared),
        };
        match self.blocks.get_mut(index(at)).and_then(|block| block.get_mut(word)) {
            Some(word) => {
                let fresh = *word & bit == 0;
                *word |= bit;
                fresh
            }
            None => true,
        }
    }

    /// Finds a block, or adds it, and makes it the last.
    fn find_or_add_block(&mut self, shared: u64) -> u32 {
        // Memory is full before there are as many blocks as u32 has numbers.
        let fresh = u32::try_from(self.blocks.len()).unwrap_or(u32::MAX);
        let at = *self.places.entry(shared).or_insert(fresh);
        if at == fresh {
            self.blocks.push(Block::default());
        }
        self.last = Some((shared, at));
        at
    }

    /// Whether a key is there.
    pub(super) fn contains(&self, key: u64) -> bool {
        let (shared, word, bit) = place(key);
        let block = self.places.get(&shared).and_then(|at| self.blocks.get(index(*at)));
        block.and_then(|block| block.get(word)).is_some_and(|word| word & bit != 0)
    }
}

fn index(at: u32) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX)
}

/// What a key shares with the others of its block, its word in the block, and its bit. The topic is in the
/// lowest 16 bits of a key, the partner in the 16 bits above.
#[inline]
fn place(key: u64) -> (u64, usize, u64) {
    let shared = key >> 18 << 9 | (key & 0xffff) >> 7;
    let word = (key >> 16 & 3) << 1 | (key >> 6 & 1);
    (shared, usize::try_from(word).unwrap_or(0), 1 << (key % 64))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    proptest::proptest! {
        #[test]
        fn it_behaves_as_a_set(
            numbers in proptest::collection::vec((0_u64..300, 0_u64..9), 0..400),
            high in proptest::bool::ANY,
        ) {
            let (mut keys, mut expected) = (KeySet::default(), BTreeSet::new());
            for (topic, partner) in numbers {
                let number = partner << 16 | topic;
                let key = if high { u64::MAX - number } else { number };
                proptest::prop_assert_eq!(keys.contains(key), expected.contains(&key));
                proptest::prop_assert_eq!(keys.insert(key), expected.insert(key));
                proptest::prop_assert!(keys.contains(key));
            }
        }
    }
}
