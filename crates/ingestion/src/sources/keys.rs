//! The keys of a release's rows, in about a bit each where rows that follow each other are about neighbours.
use std::collections::HashMap;

/// Keys that share all but their last six bits are one word of 64 bits.
const SHARED: u32 = 6;

/// A set of keys. The word that was used last is at hand: a file that is sorted hardly looks another up.
#[derive(Debug, Default)]
pub(super) struct Keys {
    words: HashMap<u64, u64>,
    at: u64,
    word: u64,
}

impl Keys {
    /// Adds a key; false if it was there before.
    pub(super) fn insert(&mut self, key: u64) -> bool {
        let (at, bit) = place(key);
        if at != self.at {
            self.words.insert(self.at, self.word);
            (self.at, self.word) = (at, self.words.get(&at).copied().unwrap_or(0));
        }
        let fresh = self.word & bit == 0;
        self.word |= bit;
        fresh
    }

    /// Whether a key is there.
    pub(super) fn contains(&self, key: u64) -> bool {
        let (at, bit) = place(key);
        let word = if at == self.at { self.word } else { self.words.get(&at).copied().unwrap_or(0) };
        word & bit != 0
    }
}

fn place(key: u64) -> (u64, u64) {
    (key >> SHARED, 1 << (key % 64))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    proptest::proptest! {
        #[test]
        fn it_is_a_set(numbers in proptest::collection::vec(0_u64..300, 0..400), high in proptest::bool::ANY) {
            let (mut keys, mut plain) = (Keys::default(), BTreeSet::new());
            for number in numbers {
                let key = if high { u64::MAX - number } else { number };
                proptest::prop_assert_eq!(keys.contains(key), plain.contains(&key));
                proptest::prop_assert_eq!(keys.insert(key), plain.insert(key));
                proptest::prop_assert!(keys.contains(key));
            }
        }
    }
}
