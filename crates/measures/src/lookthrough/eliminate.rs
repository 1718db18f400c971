//! Elimination inside one part: economies that supply each other.
//!
//! Rows are eliminated from the last to the first. What a row takes from an eliminated row, it takes from
//! that row's suppliers instead, in proportion.
//!
//! # Why nothing is subtracted
//!
//! Plain Gaussian elimination divides by `1 - (what comes back to itself)`. Where a part mostly trades with
//! itself that difference cancels, and precision is lost. Here the pivot is the same quantity as a sum: what
//! the row takes from elsewhere (Grassmann, Taksar and Heyman 1985, Operations Research 33). Every share
//! keeps its relative precision and none is negative. A pivot is zero only where nothing enters at all: a
//! circle of re-exports without a producer, which has no origin.
//!
//! # Order of additions
//!
//! Rows that trade with few are eliminated first. From the first one that takes from more than a third of
//! those before it, rows are dense: they are taken out of others four at a time, and their weights stay
//! numbers in the matrix instead of links. Dense rows are worked on in pairs, which share what is read. A
//! pair changes no bit: each number is the sum of the same products, added in the same order, as if rows were
//! eliminated one by one. Any change of that order changes published figures.

use super::kernel::{WIDE, add_four, add_four_to_both, add_one, sum};

/// Rows of the market with the weight that another row takes from each.
pub(super) type Links = Vec<(u32, f64)>;

/// A part while it is eliminated.
#[derive(Debug)]
pub(super) struct Elimination<'a> {
    size: usize,
    /// Distance of rows in the matrix.
    stride: usize,
    /// Number of the part's first row among the rows of the market, which links refer to.
    first: u32,
    /// Row by row, `stride` numbers each. In an eliminated row, left of the diagonal: the parts that it takes
    /// from the rows before it. Right of it, for dense rows: the weights with which it took from the dense
    /// rows after it.
    matrix: &'a mut [f64],
    /// For each row, the part that comes from outside of the part or from its own output.
    outside: &'a mut [f64],
    /// Number of dense rows, which are the first ones; 0 as long as no dense row was met.
    dense: usize,
}

/// A row out of which the sparse rows are taken, but not the dense ones yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pending {
    row: usize,
    /// What it takes from outside so far.
    outside: f64,
}

/// The eliminated rows behind a row, read-only.
#[derive(Clone, Copy)]
struct Eliminated<'a> {
    matrix: &'a [f64],
    stride: usize,
    /// Number of the first of them.
    first: usize,
    outside: &'a [f64],
}

impl<'a> Eliminated<'a> {
    /// The parts that a row takes from the rows before it.
    #[inline(always)]
    fn parts(&self, row: usize) -> &'a [f64] {
        let start = (row - self.first) * self.stride;
        self.matrix.get(start..start + row).unwrap_or_default()
    }

    #[inline(always)]
    fn outside(&self, row: usize) -> f64 {
        self.outside.get(row).copied().unwrap_or(0.0)
    }

    /// Takes one row out of another. Returns what comes from outside instead.
    #[inline(always)]
    fn take_one(&self, row: &mut [f64], from: usize) -> f64 {
        let (before, rest) = row.split_at_mut_checked(from).unwrap_or_default();
        let Some(weight) = rest.first().copied().filter(|weight| *weight > 0.0) else { return 0.0 };
        add_one(before, weight, self.parts(from));
        weight * self.outside(from)
    }

    /// Takes the four rows before `end` out of another. Returns what comes from outside instead.
    #[inline(always)]
    fn take_four(&self, row: &mut [f64], end: usize) -> f64 {
        let Some((before, weights)) = self.weights(row, end) else { return 0.0 };
        add_four(before, weights, self.before_four(end));
        self.outside_of_four(weights, end)
    }

    /// [`Self::take_four`] for two rows at once.
    #[inline(always)]
    fn take_four_of_both(&self, rows: [&mut [f64]; 2], end: usize) -> [f64; 2] {
        let [first, second] = rows.map(|row| self.weights(row, end));
        let (Some((first, v)), Some((second, w))) = (first, second) else { return [0.0; 2] };
        add_four_to_both([first, second], [v, w], self.before_four(end));
        [self.outside_of_four(v, end), self.outside_of_four(w, end)]
    }

    /// The parts of the four rows before `end`, the last one first.
    #[inline(always)]
    fn four(&self, end: usize) -> [&'a [f64]; 4] {
        [end - 1, end - 2, end - 3, end - 4].map(|from| self.parts(from))
    }

    /// What these four take from the rows before all of them.
    #[inline(always)]
    fn before_four(&self, end: usize) -> [&'a [f64]; 4] {
        self.four(end).map(|parts| parts.get(..end - 4).unwrap_or_default())
    }

    /// The weights with which a row takes from each of the four before `end`, the last one first, once what
    /// those take from each other is resolved; and the row's entries before them.
    #[inline(always)]
    fn weights<'r>(&self, row: &'r mut [f64], end: usize) -> Option<(&'r mut [f64], [f64; 4])> {
        let (before, [x3, x2, x1, x0]) = row.get_mut(..end).and_then(<[f64]>::split_last_chunk_mut::<4>)?;
        let [a, b, c, _] = self.four(end);
        let entry = |row: &[f64], column: usize| row.get(column).copied().unwrap_or(0.0);
        *x1 += *x0 * entry(a, end - 2);
        *x2 += *x0 * entry(a, end - 3) + *x1 * entry(b, end - 3);
        *x3 += *x0 * entry(a, end - 4) + *x1 * entry(b, end - 4) + *x2 * entry(c, end - 4);
        Some((before, [*x0, *x1, *x2, *x3]))
    }

    #[inline(always)]
    fn outside_of_four(&self, weights: [f64; 4], end: usize) -> f64 {
        let rows = (0..end).rev();
        weights.into_iter().zip(rows).fold(0.0, |sum, (weight, from)| sum + weight * self.outside(from))
    }
}

impl<'a> Elimination<'a> {
    /// Begins on a part whose first row among those of the market is `first`. `matrix` has a row of
    /// [`stride`] zeros for each of `outside`; all of `outside` is zero.
    #[inline(always)]
    pub(super) fn begin(first: u32, matrix: &'a mut [f64], outside: &'a mut [f64]) -> Self {
        let size = outside.len();
        Self { size, stride: stride(size), first, matrix, outside, dense: 0 }
    }

    /// Number of dense rows, which are the first ones.
    #[inline(always)]
    pub(super) fn dense(&self) -> usize {
        self.dense
    }

    /// Row `k` of the matrix, to put in what it takes from each row of the part.
    #[inline(always)]
    pub(super) fn row(&mut self, k: usize) -> &mut [f64] {
        let start = k * self.stride;
        self.matrix.get_mut(start..start + self.size).unwrap_or_default()
    }

    /// Takes the sparse rows out of row `k`, which was put into [`Self::row`]. `outside` is what it takes
    /// from outside of the part; `lower` receives the weights with which it took.
    #[inline(always)]
    pub(super) fn take_sparse(&mut self, k: usize, outside: f64, lower: &mut Links) -> Pending {
        let mut outside = outside;
        let (sparse, size, first) = (self.dense.max(k + 1), self.size, self.first);
        let (row, behind) = self.split(k);
        for from in (sparse..size).rev() {
            let weight = row.get(from).copied().unwrap_or(0.0);
            if weight > 0.0 {
                outside += behind.take_one(row, from);
                lower.push((first + number(from), weight));
            }
        }
        Pending { row: k, outside }
    }

    /// Takes the dense rows out of a row and divides it by its pivot. Returns one over the pivot, 0 if that
    /// is zero. `upper` receives the parts that the row takes from those before it, if it is sparse.
    #[inline(always)]
    pub(super) fn finish(&mut self, pending: Pending, upper: &mut Links) -> f64 {
        self.take_dense(pending, self.dense);
        self.divide(pending.row, upper)
    }

    /// [`Self::finish`] for two adjacent dense rows, the later one first.
    #[inline(always)]
    pub(super) fn finish_both(&mut self, rows: [Pending; 2], upper: &mut Links) -> [f64; 2] {
        let [mut later, mut earlier] = rows;
        let (mut end, stride) = (self.dense, self.stride);
        let (head, behind) = self.split_before(later.row + 1);
        let two = head.len().saturating_sub(2 * stride);
        let (second, first) =
            head.get_mut(two..).unwrap_or_default().split_at_mut_checked(stride).unwrap_or_default();
        while end > later.row + 4 {
            let [a, b] = behind.take_four_of_both([first, second], end);
            later.outside += a;
            earlier.outside += b;
            end -= 4;
        }
        self.take_dense(later, end);
        let over = self.divide(later.row, upper);
        self.take_dense(earlier, end);
        [over, self.divide(earlier.row, upper)]
    }

    /// Takes the dense rows before `end` out of a row, and stores what it takes from outside.
    #[inline(always)]
    fn take_dense(&mut self, pending: Pending, end: usize) {
        let Pending { row: k, mut outside } = pending;
        let mut end = end.max(k + 1);
        let (row, behind) = self.split(k);
        while end > k + 4 {
            outside += behind.take_four(row, end);
            end -= 4;
        }
        for from in (k + 1..end).rev() {
            outside += behind.take_one(row, from);
        }
        if let Some(kept) = self.outside.get_mut(k) {
            *kept = outside;
        }
    }

    /// Divides a row by its pivot, and decides whether it is dense. Returns one over the pivot.
    #[inline(always)]
    fn divide(&mut self, k: usize, upper: &mut Links) -> f64 {
        let start = k * self.stride;
        let row = self.matrix.get_mut(start..start + k).unwrap_or_default();
        let Some(outside) = self.outside.get_mut(k) else { return 0.0 };
        let pivot = *outside + sum(row);
        let over = if pivot > 0.0 { 1.0 / pivot } else { 0.0 };
        *outside *= over;
        row.iter_mut().for_each(|entry| *entry *= over);
        if self.dense > 0 {
            return over;
        }
        if row.iter().filter(|part| **part > 0.0).count() * 3 > k {
            self.dense = k + 1;
        } else {
            let parts = (self.first..).zip(row.iter().copied());
            upper.extend(parts.filter(|(_, part)| *part > 0.0));
        }
        over
    }

    /// A row, and those behind it.
    #[inline(always)]
    fn split(&mut self, k: usize) -> (&mut [f64], Eliminated<'_>) {
        let start = k * self.stride;
        let (head, behind) = self.split_before(k + 1);
        (head.get_mut(start..).unwrap_or_default(), behind)
    }

    /// All rows before one, and those from it on.
    #[inline(always)]
    fn split_before(&mut self, first: usize) -> (&mut [f64], Eliminated<'_>) {
        let (head, matrix) = self.matrix.split_at_mut_checked(first * self.stride).unwrap_or_default();
        (head, Eliminated { matrix, stride: self.stride, first, outside: self.outside })
    }
}

/// Distance of the rows of a part in a matrix: every row begins on a cache line if the first does.
pub(super) fn stride(size: usize) -> usize {
    size.next_multiple_of(WIDE)
}

fn number(row: usize) -> u32 {
    u32::try_from(row).unwrap_or(u32::MAX)
}
