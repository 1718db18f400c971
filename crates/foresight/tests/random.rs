//! Draws: the published test vectors, and what common random numbers promise.
#![allow(missing_docs, reason = "tests speak through their names")]
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a failed assumption fails the test"
)]

use orewatch_foresight::{Stream, philox};
use proptest::prelude::*;

/// From the file `kat_vectors` of Random123 (D. E. Shaw Research).
#[test]
fn the_generator_gives_its_published_vectors() {
    let ones = u32::MAX;
    let pi = [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344];
    for (counter, key, expected) in [
        ([0; 4], [0; 2], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
        ([ones; 4], [ones; 2], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
        (pi, [0xa409_3822, 0x299f_31d0], [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]),
    ] {
        assert_eq!(philox(counter, key), expected);
    }
}

#[test]
fn words_are_spread_evenly() {
    let stream = Stream::new(2026, "even");
    let mut sums = [0.0; 4];
    for draw in 0..20_000 {
        let words = stream.words(draw);
        sums.iter_mut().zip(words).for_each(|(sum, word)| *sum += f64::from(word) / f64::from(u32::MAX));
    }
    // The mean of 20,000 uniform numbers is within five standard deviations of one half.
    assert!(sums.iter().all(|sum| (sum / 20_000.0 - 0.5).abs() < 5.0 * 0.289 / 141.0), "{sums:?}");
}

proptest! {
    #[test]
    fn names_and_seeds_have_draws_of_their_own(
        seed in any::<u64>(),
        draw in any::<u32>(),
        name in "[a-z]{1,12}",
    ) {
        let words = Stream::new(seed, &name).words(draw);
        prop_assert_eq!(words, Stream::new(seed, &name).words(draw));
        prop_assert_ne!(words, Stream::new(seed, &format!("{name}2")).words(draw));
        prop_assert_ne!(words, Stream::new(seed ^ 1, &name).words(draw));
        prop_assert_ne!(words, Stream::new(seed, &name).words(draw ^ 1));
    }
}
