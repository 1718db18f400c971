//! The keys of a release's rows, in some bits each where rows that follow each other are about neighbours.
use std::collections::HashMap;

use foldhash::fast::RandomState;

/// Words of a block.
const WORDS: usize = 8;

/// Which keys are there of those that share the period, the economy, the partner but for its last two bits and the topic but for
/// its last seven: a line of the processor's cache.
type Block = [u64; WORDS];

/// A set of keys. The block that was used last is at hand: a file that is sorted seldom looks another up, and where it is, is all
/// over the memory.
#[derive(Debug, Default)]
pub(super) struct Keys {
    /// Place of a block, by what its keys share.
    places: HashMap<u64, u32, RandomState>,
    blocks: Vec<Block>,
    /// What the keys of the block at hand share, and its place. None: nothing is there.
    last: Option<(u64, u32)>,
}

impl Keys {
    /// Adds a key; false if it was there before.
    #[inline]
    pub(super) fn insert(&mut self, key: u64) -> bool {
        let (shared, word, bit) = place(key);
        let at = match self.last {
            Some((last, at)) if last == shared => at,
            _ => self.turn_to(shared),
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

    /// Takes a block at hand, which is made if there is none.
    fn turn_to(&mut self, shared: u64) -> u32 {
        // There are fewer blocks than memory has room for.
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

/// What a key shares with those of its block, its word there, and its bit. The partner is in the second 16 bits from below, the
/// topic in the lowest.
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
        fn it_is_a_set(numbers in proptest::collection::vec((0_u64..300, 0_u64..9), 0..400), high in proptest::bool::ANY) {
            let (mut keys, mut plain) = (Keys::default(), BTreeSet::new());
            for (topic, partner) in numbers {
                let number = partner << 16 | topic;
                let key = if high { u64::MAX - number } else { number };
                proptest::prop_assert_eq!(keys.contains(key), plain.contains(&key));
                proptest::prop_assert_eq!(keys.insert(key), plain.insert(key));
                proptest::prop_assert!(keys.contains(key));
            }
        }
    }
}
