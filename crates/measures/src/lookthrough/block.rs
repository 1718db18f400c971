//! Solves up to [`LANES`](super::kernel::LANES) origins at once, given the plan of a market.
//!
//! A block holds, for every row, what part of it comes from each of these origins. Rows are filled in two
//! sweeps per part, as in any elimination: forward, from the last row of the part to the first, each row adds
//! up what it takes from finished parts and from eliminated rows; back, from the first to the last, what it
//! takes from the rows before it. Rows that nothing of these origins reaches are skipped. Leaves come last.

use std::ops::Range;

use fearless_simd::Simd;

use super::kernel::{Lanes, add_lanes};
use super::plan::{Part, Plan};
use super::trade::index;

/// The parts of every row that come from each origin of a block.
#[derive(Debug)]
pub(super) struct Block<'a> {
    /// By row: one number an origin.
    pub(super) lanes: &'a mut [Lanes],
    /// By row: whether it has anything of these origins.
    pub(super) reached: &'a mut [bool],
}

impl Block<'_> {
    /// Puts the supply that an origin starts with into its row.
    pub(super) fn enter(&mut self, row: usize, lane: usize, own: f64) {
        if let Some(entry) = self.lanes.get_mut(row).and_then(|lanes| lanes.0.get_mut(lane)) {
            *entry = own;
        }
        self.mark(row);
    }

    /// Solves all rows, part by part, then the leaves.
    #[inline(always)]
    pub(super) fn solve<S: Simd>(&mut self, _: S, plan: &Plan, leaves: Range<usize>) {
        for part in plan.parts() {
            let dense = part.rows.start + part.dense;
            for row in (dense..part.rows.end).rev() {
                self.forward(plan, row);
            }
            self.forward_dense(plan, part);
            self.back_dense(plan, part);
            for row in dense..part.rows.end {
                self.back(plan, row);
            }
        }
        for row in leaves {
            self.forward(plan, row);
        }
    }

    /// Adds up what a row takes from finished and from eliminated rows, and divides it by all that it takes.
    #[inline(always)]
    fn forward(&mut self, plan: &Plan, row: usize) {
        let (sum, over) = self.linked(plan, row);
        self.put_times(row, sum, over);
    }

    /// What a row has and takes by its links, and one over all that it takes. Not divided yet.
    #[inline(always)]
    fn linked(&self, plan: &Plan, row: usize) -> (Lanes, f64) {
        let (links, over) = plan.forward(row);
        let mut sum = self.get(row);
        for (from, weight) in links {
            let from = index(*from);
            if let (Some(true), Some(lanes)) = (self.reached.get(from), self.lanes.get(from)) {
                add_lanes(&mut sum, *weight, lanes);
            }
        }
        (sum, over)
    }

    /// [`Self::forward`] for the dense rows of a part, from the last to the first, in pairs.
    #[inline(always)]
    fn forward_dense(&mut self, plan: &Plan, part: &Part) {
        let (first, matrix) = (part.rows.start, plan.matrix(part));
        let weights = |row: usize, columns: Range<usize>| -> &[f64] {
            let start = row * part.stride;
            matrix.get(start + columns.start..start + columns.end).unwrap_or_default()
        };
        // Rows from `end` on have nothing of these origins.
        let (mut left, mut end) = (part.dense, 0);
        while let Some(k) = left.checked_sub(1) {
            let reached = k + 1..end.max(k + 1);
            let (mut sum, over) = self.linked(plan, first + k);
            let Some(before) = k.checked_sub(1) else {
                self.add_rows(&mut sum, weights(k, reached.clone()), first + reached.start);
                self.put_times(first + k, sum, over);
                return;
            };
            let (mut sum2, over2) = self.linked(plan, first + before);
            let both = [weights(k, reached.clone()), weights(before, reached.clone())];
            self.add_rows_to_both([&mut sum, &mut sum2], both, first + reached.start);
            if self.put_times(first + k, sum, over) {
                end = end.max(k + 1);
                self.add_rows(&mut sum2, weights(before, k..k + 1), first + k);
            }
            if self.put_times(first + before, sum2, over2) {
                end = end.max(before + 1);
            }
            left = before;
        }
    }

    /// Adds what the dense rows of a part take from those before them, from the first to the last, in pairs.
    #[inline(always)]
    fn back_dense(&mut self, plan: &Plan, part: &Part) {
        let (first, stride, matrix) = (part.rows.start, part.stride, plan.matrix(part));
        let parts = |row: usize| matrix.get(row * stride..row * stride + row).unwrap_or_default();
        let mut row = 0;
        while row < part.dense {
            let (mut sum, weights) = (self.get(first + row), parts(row));
            if row + 1 == part.dense {
                self.add_rows_up(&mut sum, weights, first);
                self.put(first + row, sum);
                return;
            }
            let (mut sum2, weights2) = (self.get(first + row + 1), parts(row + 1));
            let (common, last) = weights2.split_at_checked(row).unwrap_or_default();
            self.add_rows_up_to_both([&mut sum, &mut sum2], [weights, common], first);
            self.put(first + row, sum);
            self.add_rows_up(&mut sum2, last, first + row);
            self.put(first + row + 1, sum2);
            row += 2;
        }
    }

    /// Adds what a sparse row takes from rows of its part that are solved.
    #[inline(always)]
    fn back(&mut self, plan: &Plan, row: usize) {
        let mut sum = self.get(row);
        for (from, weight) in plan.back(row) {
            if let Some(lanes) = self.lanes.get(index(*from)) {
                add_lanes(&mut sum, *weight, lanes);
            }
        }
        self.put(row, sum);
    }

    /// `sum += weights * rows`, from the last row to the first; `start` is the row of the first weight.
    #[inline(always)]
    fn add_rows(&self, sum: &mut Lanes, weights: &[f64], start: usize) {
        let rows = self.lanes.get(start..start + weights.len()).unwrap_or_default();
        for (weight, lanes) in weights.iter().zip(rows).rev() {
            add_lanes(sum, *weight, lanes);
        }
    }

    /// [`Self::add_rows`] for two rows that take from the same ones.
    #[inline(always)]
    fn add_rows_to_both(&self, sums: [&mut Lanes; 2], weights: [&[f64]; 2], start: usize) {
        let ([a, b], [v, w]) = (sums, weights);
        let rows = self.lanes.get(start..start + v.len()).unwrap_or_default();
        let (mut first, mut second) = (*a, *b);
        for ((v, w), lanes) in v.iter().zip(w).zip(rows).rev() {
            add_lanes(&mut first, *v, lanes);
            add_lanes(&mut second, *w, lanes);
        }
        (*a, *b) = (first, second);
    }

    /// `sum += weights * rows`, from the first row to the last.
    #[inline(always)]
    fn add_rows_up(&self, sum: &mut Lanes, weights: &[f64], start: usize) {
        let rows = self.lanes.get(start..start + weights.len()).unwrap_or_default();
        for (weight, lanes) in weights.iter().zip(rows) {
            add_lanes(sum, *weight, lanes);
        }
    }

    /// [`Self::add_rows_up`] for two rows that take from the same ones.
    #[inline(always)]
    fn add_rows_up_to_both(&self, sums: [&mut Lanes; 2], weights: [&[f64]; 2], start: usize) {
        let ([a, b], [v, w]) = (sums, weights);
        let rows = self.lanes.get(start..start + v.len()).unwrap_or_default();
        let (mut first, mut second) = (*a, *b);
        for ((v, w), lanes) in v.iter().zip(w).zip(rows) {
            add_lanes(&mut first, *v, lanes);
            add_lanes(&mut second, *w, lanes);
        }
        (*a, *b) = (first, second);
    }

    #[inline(always)]
    fn get(&self, row: usize) -> Lanes {
        self.lanes.get(row).copied().unwrap_or_default()
    }

    /// Stores a row times a number, if anything in it is above zero. Returns whether that was so.
    #[inline(always)]
    fn put_times(&mut self, row: usize, sum: Lanes, over: f64) -> bool {
        let some = sum.0.iter().any(|entry| *entry > 0.0);
        if some {
            self.put(row, Lanes(sum.0.map(|entry| entry * over)));
        }
        some
    }

    /// Stores a row.
    #[inline(always)]
    fn put(&mut self, row: usize, lanes: Lanes) {
        if lanes.0.iter().any(|entry| *entry > 0.0) {
            self.mark(row);
        }
        if let Some(stored) = self.lanes.get_mut(row) {
            *stored = lanes;
        }
    }

    #[inline(always)]
    fn mark(&mut self, row: usize) {
        if let Some(flag) = self.reached.get_mut(row) {
            *flag = true;
        }
    }
}
