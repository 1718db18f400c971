//! Draws that depend on nothing but a seed, the name of what is drawn for, and the number of the draw.
//!
//! The generator is counter-based (Philox4x32-10; Salmon and others 2011, "Parallel random numbers: as easy
//! as 1, 2, 3"): draw 7 of a project is computed directly, without draws 0 to 6, and without the draws of
//! other projects. So the order of computation and the number of threads change nothing, and a project that
//! is added moves the draws of no other: two runs differ by that project alone (common random numbers).
//!
//! The generator is written out here because its values may never change: a frozen forecast is recomputed
//! from its seed years later. Its published test vectors are a test.

const ROUNDS: u32 = 10;
const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
const KEY_STEPS: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];

/// The draws of one project, or of whatever else has a name.
///
/// ```
/// use orewatch_foresight::Stream;
///
/// let mine = Stream::new(7, "mine");
/// assert_eq!(mine.words(41), Stream::new(7, "mine").words(41));
/// assert_ne!(mine.words(41), mine.words(42));
/// assert_ne!(mine.words(41), Stream::new(7, "smelter").words(41));
/// assert_ne!(mine.words(41), Stream::new(8, "mine").words(41));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream {
    seed: [u32; 2],
    id: [u32; 2],
}

impl Stream {
    /// The draws for a name under a seed.
    #[must_use]
    pub fn new(seed: u64, name: &str) -> Self {
        Self { seed: halves(seed), id: halves(hash(name)) }
    }

    /// The four independent words of a draw, each uniform over all 32-bit numbers.
    #[must_use]
    pub fn words(&self, draw: u32) -> [u32; 4] {
        let [low, high] = self.id;
        philox([draw, 0, low, high], self.seed)
    }
}

/// The block of Philox4x32-10 for a counter and a key.
#[must_use]
pub fn philox(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let ([mut a, mut b, mut c, mut d], [mut k, mut l]) = (counter, key);
    let [first, second] = MULTIPLIERS.map(u64::from);
    let [k_step, l_step] = KEY_STEPS;
    for _ in 0..ROUNDS {
        let [low_a, high_a] = halves(first * u64::from(a));
        let [low_c, high_c] = halves(second * u64::from(c));
        (a, b, c, d) = (high_c ^ b ^ k, low_c, high_a ^ d ^ l, low_a);
        (k, l) = (k.wrapping_add(k_step), l.wrapping_add(l_step));
    }
    [a, b, c, d]
}

/// A number below `count`, from a uniform word. The bias is at most `count` in four thousand million.
pub(crate) fn below(word: u32, count: usize) -> usize {
    let count = u64::try_from(count).unwrap_or(u64::MAX);
    usize::try_from((u64::from(word) * count.min(u64::from(u32::MAX))) >> 32).unwrap_or_default()
}

/// Lower and upper half of a number.
fn halves(number: u64) -> [u32; 2] {
    [number & u64::from(u32::MAX), number >> 32].map(|half| u32::try_from(half).unwrap_or_default())
}

/// FNV-1a of the bytes of a name. Of ten thousand names, two have the same hash with a probability of one in
/// four hundred thousand million.
fn hash(name: &str) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
    name.bytes().fold(0xCBF2_9CE4_8422_2325, step)
}
