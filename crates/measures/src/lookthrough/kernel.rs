//! The innermost loops of the solver.
//!
//! They are written over plain arrays, which the compiler turns into vector instructions, and are always
//! inlined: `dispatch!` compiles the functions around them once for each instruction set and picks one when
//! the program runs. All of them do the same additions and multiplications in the same order, and products
//! and sums are never fused, so that every processor gives the same bits.

/// Origins that are solved together: as many as fit into the vector registers of a processor.
pub(super) const LANES: usize = 16;

/// The parts of a row that come from each origin of a block. Aligned to cache lines, so that no vector
/// straddles two.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(align(64))]
pub(super) struct Lanes(pub(super) [f64; LANES]);

/// Numbers of a row that are worked on at once: a cache line.
pub(super) const WIDE: usize = 8;

/// `row += weight * other`.
#[inline(always)]
pub(super) fn add_one(row: &mut [f64], weight: f64, other: &[f64]) {
    let (wide, rest) = row.as_chunks_mut::<WIDE>();
    let (others, others_rest) = other.as_chunks::<WIDE>();
    for (entries, others) in wide.iter_mut().zip(others) {
        let mut sums = *entries;
        for (entry, other) in sums.iter_mut().zip(others) {
            *entry += weight * other;
        }
        *entries = sums;
    }
    for (entry, other) in rest.iter_mut().zip(others_rest) {
        *entry += weight * other;
    }
}

/// `row += (w[0] * a + w[1] * b) + (w[2] * c + w[3] * d)`.
#[inline(always)]
pub(super) fn add_four(row: &mut [f64], w: [f64; 4], others: [&[f64]; 4]) {
    let [a, b, c, d] = others;
    let (wide, rest) = row.as_chunks_mut::<WIDE>();
    let (wide_a, rest_a) = a.as_chunks::<WIDE>();
    let (wide_b, rest_b) = b.as_chunks::<WIDE>();
    let (wide_c, rest_c) = c.as_chunks::<WIDE>();
    let (wide_d, rest_d) = d.as_chunks::<WIDE>();
    for ((((entries, a), b), c), d) in wide.iter_mut().zip(wide_a).zip(wide_b).zip(wide_c).zip(wide_d) {
        four_wide(entries, w, [a, b, c, d]);
    }
    four(rest, w, [rest_a, rest_b, rest_c, rest_d]);
}

/// [`add_four`] for two rows at once, each with its own weights.
#[inline(always)]
pub(super) fn add_four_to_both(rows: [&mut [f64]; 2], w: [[f64; 4]; 2], others: [&[f64]; 4]) {
    let ([first, second], [v, w], [a, b, c, d]) = (rows, w, others);
    let (wide_first, rest_first) = first.as_chunks_mut::<WIDE>();
    let (wide_second, rest_second) = second.as_chunks_mut::<WIDE>();
    let (wide_a, rest_a) = a.as_chunks::<WIDE>();
    let (wide_b, rest_b) = b.as_chunks::<WIDE>();
    let (wide_c, rest_c) = c.as_chunks::<WIDE>();
    let (wide_d, rest_d) = d.as_chunks::<WIDE>();
    let rows = wide_first.iter_mut().zip(wide_second);
    for (((((first, second), a), b), c), d) in rows.zip(wide_a).zip(wide_b).zip(wide_c).zip(wide_d) {
        four_wide(first, v, [a, b, c, d]);
        four_wide(second, w, [a, b, c, d]);
    }
    four(rest_first, v, [rest_a, rest_b, rest_c, rest_d]);
    four(rest_second, w, [rest_a, rest_b, rest_c, rest_d]);
}

/// [`add_four`] for entries that do not fill a cache line.
#[inline(always)]
fn four(entries: &mut [f64], w: [f64; 4], others: [&[f64]; 4]) {
    let ([w0, w1, w2, w3], [a, b, c, d]) = (w, others);
    for ((((entry, a), b), c), d) in entries.iter_mut().zip(a).zip(b).zip(c).zip(d) {
        *entry += (w0 * a + w1 * b) + (w2 * c + w3 * d);
    }
}

/// [`add_four`] for one cache line. Everything is read before anything is written: only then does the
/// compiler use vector instructions.
#[inline(always)]
fn four_wide(entries: &mut [f64; WIDE], w: [f64; 4], others: [&[f64; WIDE]; 4]) {
    let mut sums = *entries;
    four(&mut sums, w, others.map(<[f64; WIDE]>::as_slice));
    *entries = sums;
}

/// The sum of all values, as four interleaved sums so that additions need not wait for each other.
#[inline(always)]
pub(super) fn sum(values: &[f64]) -> f64 {
    let (fours, rest) = values.as_chunks::<4>();
    let mut sums = [0.0; 4];
    for four in fours {
        for (sum, value) in sums.iter_mut().zip(four) {
            *sum += value;
        }
    }
    let [a, b, c, d] = sums;
    (a + b) + (c + d) + rest.iter().sum::<f64>()
}

/// `sum += weight * lanes`.
#[inline(always)]
pub(super) fn add_lanes(sum: &mut Lanes, weight: f64, lanes: &Lanes) {
    for (entry, lane) in sum.0.iter_mut().zip(&lanes.0) {
        *entry += weight * lane;
    }
}
