//! Random numbers that a seed reproduces.
use std::hash::{BuildHasher as _, RandomState};

/// A SplitMix64 generator: small, and the same on every platform.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Creates a generator from a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Chooses a random seed.
    #[must_use]
    pub fn random_seed() -> u64 {
        RandomState::new().hash_one("seed")
    }

    /// Returns the next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Returns a number in `[0, 1)`.
    pub fn unit(&mut self) -> f64 {
        let bits = u32::try_from(self.number() >> 32).unwrap_or_default();
        f64::from(bits) / 4_294_967_296.0
    }

    /// Returns a number below `limit`. 0 if the limit is 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.number().checked_rem(limit).unwrap_or_default()
    }

    /// Returns an index into a list of this length. 0 if the list is empty.
    pub fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.number() >> 1).unwrap_or_default().checked_rem(length).unwrap_or_default()
    }

    /// Returns a byte.
    pub fn byte(&mut self) -> u8 {
        u8::try_from(self.number() >> 56).unwrap_or_default()
    }

    /// Picks an item. `None` if there are none.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        let index = self.index(items.len());
        items.get(index)
    }
}
