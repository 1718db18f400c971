//! What every row of a market takes from which others, in the order in which rows are solved.

use std::ops::Range;

use fearless_simd::{Level, Simd, dispatch};

use super::eliminate::{Elimination, Links, Pending};
use super::order::Order;
use super::trade::{Supply, Trade, place};

/// What a row takes from others, as places in the list of links.
#[derive(Clone, Copy, Debug, Default)]
struct Row {
    /// From rows that are complete before its part begins, and from sparse rows of its part that are eliminated before it.
    start: usize,
    /// From here on: from rows of its part that are solved before it. None for dense rows.
    upper: usize,
    end: usize,
    /// One over the sum of all that it takes.
    over: f64,
}

/// Rows that are solved together.
#[derive(Clone, Debug, Default)]
pub(super) struct Part {
    /// Where they are among the rows of the market.
    pub(super) rows: Range<usize>,
    /// How many of them are dense: the first ones.
    pub(super) dense: usize,
    /// Where their coefficients begin; see [`Elimination`].
    matrix: usize,
}

/// Rows and their links.
#[derive(Clone, Debug, Default)]
pub(super) struct Plan {
    rows: Vec<Row>,
    links: Links,
    parts: Vec<Part>,
    /// Coefficients of all parts, one after the other.
    matrix: Vec<f64>,
    outside: Vec<f64>,
}

/// What a plan is made from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sources<'a> {
    pub(super) trade: &'a Trade,
    pub(super) order: &'a Order,
    pub(super) supply: &'a [Supply],
}

impl Sources<'_> {
    fn economy(&self, row: usize) -> u32 {
        self.order.economies.get(row).copied().unwrap_or(u32::MAX)
    }

    fn supply(&self, economy: u32) -> Supply {
        self.supply.get(place(economy)).copied().unwrap_or_default()
    }
}

impl Plan {
    pub(super) fn make(&mut self, level: Level, from: &Sources<'_>) {
        self.links.clear();
        self.parts.clear();
        self.matrix.clear();
        self.rows.clear();
        self.rows.resize(from.order.economies.len(), Row::default());
        for rows in from.order.parts() {
            if rows.len() == 1 {
                self.single(rows.start, from);
                self.parts.push(Part { rows, dense: 0, matrix: self.matrix.len() });
            } else {
                dispatch!(level, simd => self.part(simd, rows, from));
            }
        }
        for row in from.order.leaves() {
            self.single(row, from);
        }
    }

    /// A row that rests on complete rows only.
    fn single(&mut self, row: usize, from: &Sources<'_>) {
        let economy = from.economy(row);
        let start = self.links.len();
        let imports = from.trade.imports_of(economy);
        self.links.extend(imports.map(|(source, amount)| (from.order.row(source), amount)));
        let end = self.links.len();
        let total = from.supply(economy).total();
        let over = if total > 0.0 { 1.0 / total } else { 0.0 };
        put(&mut self.rows, row, Row { start, upper: end, end, over });
    }

    /// Rows that rest on each other, from the last to the first; dense ones in pairs.
    #[inline(always)]
    fn part<S: Simd>(&mut self, _: S, rows: Range<usize>, from: &Sources<'_>) {
        let (size, matrix) = (rows.len(), self.matrix.len());
        self.matrix.resize(matrix + size * size, 0.0);
        self.outside.clear();
        self.outside.resize(size, 0.0);
        let first = u32::try_from(rows.start).unwrap_or(u32::MAX);
        let coefficients = self.matrix.get_mut(matrix..).unwrap_or_default();
        let mut elimination = Elimination::begin(first, coefficients, &mut self.outside);
        let (links, mut left) = (&mut self.links, size);
        while let Some(k) = left.checked_sub(1) {
            let (pending, mut row) = take(&mut elimination, links, from, first, k);
            left = k;
            if let Some(before) = k.checked_sub(1).filter(|_| k < elimination.dense()) {
                let (other, mut earlier) = take(&mut elimination, links, from, first, before);
                [row.over, earlier.over] = elimination.finish_both([pending, other], links);
                put(&mut self.rows, rows.start + before, earlier);
                left = before;
            } else {
                row.over = elimination.finish(pending, links);
                row.end = links.len();
            }
            put(&mut self.rows, rows.start + k, row);
        }
        let dense = elimination.dense();
        self.parts.push(Part { rows, dense, matrix });
    }

    /// Parts, in the order in which they are solved.
    pub(super) fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Coefficients of a part, row by row.
    pub(super) fn matrix(&self, part: &Part) -> &[f64] {
        let size = part.rows.len();
        self.matrix.get(part.matrix..part.matrix + size * size).unwrap_or_default()
    }

    /// What a row takes from rows that are complete, or eliminated before it and sparse; and one over the sum of all that it
    /// takes.
    #[inline(always)]
    pub(super) fn forward(&self, row: usize) -> (&[(u32, f64)], f64) {
        let row = self.rows.get(row).copied().unwrap_or_default();
        (self.links.get(row.start..row.upper).unwrap_or_default(), row.over)
    }

    /// What parts a sparse row takes from rows of its part that are solved before it.
    #[inline(always)]
    pub(super) fn back(&self, row: usize) -> &[(u32, f64)] {
        let row = self.rows.get(row).copied().unwrap_or_default();
        self.links.get(row.upper..row.end).unwrap_or_default()
    }
}

/// Puts row `k` of a part into its place and takes the sparse rows out of it.
#[inline(always)]
fn take(
    elimination: &mut Elimination<'_>,
    links: &mut Links,
    from: &Sources<'_>,
    first: u32,
    k: usize,
) -> (Pending, Row) {
    let (start, economy) = (links.len(), from.economy(place(first) + k));
    let mut outside = from.supply(economy).own();
    let inside = elimination.row(k);
    for (source, amount) in from.trade.imports_of(economy) {
        let row = from.order.row(source);
        match row.checked_sub(first).and_then(|column| inside.get_mut(place(column))) {
            Some(entry) => *entry += amount,
            None => {
                outside += amount;
                links.push((row, amount));
            }
        }
    }
    let pending = elimination.take_sparse(k, outside, links);
    (pending, Row { start, upper: links.len(), end: links.len(), over: 0.0 })
}

fn put(rows: &mut [Row], at: usize, row: Row) {
    if let Some(place) = rows.get_mut(at) {
        *place = row;
    }
}
