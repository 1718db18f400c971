//! The plan of a market: what every row takes from which others, in the order in which rows are solved.
//!
//! It is made once for a market and used for every block of origins. A row of its own part takes only from
//! rows of parts before it; rows of a larger part are eliminated first ([`super::eliminate`]).

use std::ops::Range;

use fearless_simd::{Level, Simd, dispatch};

use super::eliminate::{Elimination, Links, Pending, stride};
use super::kernel::WIDE;
use super::order::Order;
use super::trade::{Supply, Trade, index};

/// What a row takes from others: a range in the list of links, in two pieces.
#[derive(Clone, Copy, Debug, Default)]
struct Row {
    /// Start of the first piece: links to rows of finished parts, and to sparse rows of its own part that are
    /// eliminated before it.
    start: usize,
    /// Start of the second piece: links to rows of its part that are solved before it. Empty for dense rows.
    upper: usize,
    /// End of the second piece.
    end: usize,
    /// One over the sum of all that it takes; 0 if that is nothing.
    over: f64,
}

/// Rows that are solved together.
#[derive(Clone, Debug, Default)]
pub(super) struct Part {
    /// Their numbers among the rows of the market.
    pub(super) rows: Range<usize>,
    /// How many of them are dense: the first ones.
    pub(super) dense: usize,
    /// Offset of their coefficients in the plan's matrix; see [`Elimination`].
    matrix: usize,
    /// Distance of their rows there.
    pub(super) stride: usize,
}

/// Rows and their links.
#[derive(Clone, Debug, Default)]
pub(super) struct Plan {
    rows: Vec<Row>,
    links: Links,
    parts: Vec<Part>,
    /// Coefficients of all parts, one after the other.
    matrix: Vec<f64>,
    /// Memory of the elimination.
    outside: Vec<f64>,
}

/// What a plan is made from: flows, order and supply of one market.
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
        self.supply.get(index(economy)).copied().unwrap_or_default()
    }
}

impl Plan {
    /// Makes the plan of a market, in the memory of the last one.
    pub(super) fn make(&mut self, level: Level, from: &Sources<'_>) {
        self.links.clear();
        self.parts.clear();
        self.rows.clear();
        self.rows.resize(from.order.economies.len(), Row::default());
        let mut matrix = self.make_room(from.order);
        for rows in from.order.parts() {
            let (size, stride) = (rows.len(), stride(rows.len()));
            let part = Part { rows, dense: 0, matrix, stride };
            if size == 1 {
                self.plan_single(part.rows.start, from);
                self.parts.push(part);
            } else {
                matrix += size * stride;
                dispatch!(level, simd => self.plan_part(simd, part, from));
            }
        }
        for row in from.order.leaves() {
            self.plan_single(row, from);
        }
    }

    /// Makes room for the coefficients of all parts, all zero. Returns the offset of the first, which lies on
    /// a cache line.
    fn make_room(&mut self, order: &Order) -> usize {
        let sizes = order.parts().map(|rows| rows.len()).filter(|size| *size > 1);
        let all: usize = sizes.map(|size| size * stride(size)).sum();
        self.matrix.clear();
        self.matrix.resize(all + WIDE, 0.0);
        self.matrix.as_ptr().align_offset(WIDE * size_of::<f64>()).min(WIDE)
    }

    /// Plans a row that takes from finished rows only.
    fn plan_single(&mut self, row: usize, from: &Sources<'_>) {
        let economy = from.economy(row);
        let start = self.links.len();
        let imports = from.trade.imports_of(economy);
        self.links.extend(imports.map(|(source, amount)| (from.order.row(source), amount)));
        let end = self.links.len();
        let total = from.supply(economy).total();
        let over = if total > 0.0 { 1.0 / total } else { 0.0 };
        put(&mut self.rows, row, Row { start, upper: end, end, over });
    }

    /// Plans the rows of a part, which take from each other: from the last to the first, dense ones in pairs.
    #[inline(always)]
    fn plan_part<S: Simd>(&mut self, _: S, part: Part, from: &Sources<'_>) {
        let Part { rows, matrix, stride, .. } = part;
        let size = rows.len();
        self.outside.clear();
        self.outside.resize(size, 0.0);
        let first = u32::try_from(rows.start).unwrap_or(u32::MAX);
        let coefficients = self.matrix.get_mut(matrix..matrix + size * stride).unwrap_or_default();
        let mut elimination = Elimination::begin(first, coefficients, &mut self.outside);
        let (links, mut left) = (&mut self.links, size);
        while let Some(k) = left.checked_sub(1) {
            let (pending, mut row) = load_row(&mut elimination, links, from, first, k);
            left = k;
            if let Some(before) = k.checked_sub(1).filter(|_| k < elimination.dense()) {
                let (other, mut earlier) = load_row(&mut elimination, links, from, first, before);
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
        self.parts.push(Part { rows, dense, matrix, stride });
    }

    /// Parts, in the order in which they are solved.
    pub(super) fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Coefficients of a part, row by row.
    pub(super) fn matrix(&self, part: &Part) -> &[f64] {
        let end = part.matrix + part.rows.len() * part.stride;
        self.matrix.get(part.matrix..end).unwrap_or_default()
    }

    /// The links of a row to finished rows and to sparse rows that are eliminated before it, and one over the
    /// sum of all that it takes.
    #[inline(always)]
    pub(super) fn forward(&self, row: usize) -> (&[(u32, f64)], f64) {
        let row = self.rows.get(row).copied().unwrap_or_default();
        (self.links.get(row.start..row.upper).unwrap_or_default(), row.over)
    }

    /// The links of a sparse row to rows of its part that are solved before it.
    #[inline(always)]
    pub(super) fn back(&self, row: usize) -> &[(u32, f64)] {
        let row = self.rows.get(row).copied().unwrap_or_default();
        self.links.get(row.upper..row.end).unwrap_or_default()
    }
}

/// Loads row `k` of a part into the matrix and takes the sparse rows out of it.
#[inline(always)]
fn load_row(
    elimination: &mut Elimination<'_>,
    links: &mut Links,
    from: &Sources<'_>,
    first: u32,
    k: usize,
) -> (Pending, Row) {
    let (start, economy) = (links.len(), from.economy(index(first) + k));
    let mut outside = from.supply(economy).own();
    let inside = elimination.row(k);
    for (source, amount) in from.trade.imports_of(economy) {
        let row = from.order.row(source);
        match row.checked_sub(first).and_then(|column| inside.get_mut(index(column))) {
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

fn put(rows: &mut [Row], number: usize, row: Row) {
    if let Some(entry) = rows.get_mut(number) {
        *entry = row;
    }
}
