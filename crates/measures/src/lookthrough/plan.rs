//! What every row of a market takes from which others, in the order in which rows are solved.

use std::ops::Range;

use super::eliminate::{Elimination, Links};
use super::order::Order;
use super::trade::{Supply, Trade, place};

/// What a row takes from others, as places in the list of links.
#[derive(Clone, Copy, Debug, Default)]
struct Row {
    /// From rows that are complete before its part begins, and from rows of its part that are eliminated before it.
    start: usize,
    /// From here on: from rows of its part that are solved before it.
    upper: usize,
    end: usize,
    /// One over the sum of all that it takes.
    over: f64,
}

/// Rows and their links.
#[derive(Clone, Debug, Default)]
pub(super) struct Plan {
    rows: Vec<Row>,
    links: Links,
    elimination: Elimination,
    lower: Links,
    upper: Links,
}

impl Plan {
    pub(super) fn make(&mut self, trade: &Trade, order: &Order, supply: &[Supply]) {
        self.links.clear();
        self.rows.clear();
        self.rows.resize(order.economies.len(), Row::default());
        for part in order.parts() {
            if part.len() == 1 {
                self.single(part.start, trade, order, supply);
            } else {
                self.part(&part, trade, order, supply);
            }
        }
        for row in order.leaves() {
            self.single(row, trade, order, supply);
        }
    }

    /// A row that rests on complete rows only.
    fn single(&mut self, row: usize, trade: &Trade, order: &Order, supply: &[Supply]) {
        let Some(economy) = order.economies.get(row).copied() else { return };
        let start = self.links.len();
        for (source, amount) in trade.imports_of(economy) {
            self.links.push((order.row(source), amount));
        }
        let end = self.links.len();
        let total = supply.get(place(economy)).map_or(0.0, Supply::total);
        self.put(row, Row { start, upper: end, end, over: if total > 0.0 { 1.0 / total } else { 0.0 } });
    }

    /// Rows that rest on each other.
    fn part(&mut self, part: &Range<usize>, trade: &Trade, order: &Order, supply: &[Supply]) {
        self.elimination.begin(part.len());
        let first = u32::try_from(part.start).unwrap_or(u32::MAX);
        for row in part.clone().rev() {
            let Some(economy) = order.economies.get(row).copied() else { continue };
            let start = self.links.len();
            let mut outside = supply.get(place(economy)).map_or(0.0, Supply::own);
            let inside = self.elimination.row();
            for (source, amount) in trade.imports_of(economy) {
                let from = order.row(source);
                match from.checked_sub(first).and_then(|column| inside.get_mut(place(column))) {
                    Some(entry) => *entry += amount,
                    None => {
                        outside += amount;
                        self.links.push((from, amount));
                    }
                }
            }
            self.lower.clear();
            self.upper.clear();
            let over =
                self.elimination.eliminate(row - part.start, outside, &mut self.lower, &mut self.upper);
            self.links.extend(self.lower.iter().map(|(column, weight)| (first + column, *weight)));
            let upper = self.links.len();
            self.links.extend(self.upper.iter().map(|(column, weight)| (first + column, *weight)));
            self.put(row, Row { start, upper, end: self.links.len(), over });
        }
    }

    fn put(&mut self, at: usize, row: Row) {
        if let Some(place) = self.rows.get_mut(at) {
            *place = row;
        }
    }

    /// What a row takes from rows that are complete, or eliminated before it; and one over the sum of all that it takes.
    pub(super) fn forward(&self, row: usize) -> (&[(u32, f64)], f64) {
        let row = self.rows.get(row).copied().unwrap_or_default();
        (self.links.get(row.start..row.upper).unwrap_or_default(), row.over)
    }

    /// What parts a row takes from rows of its part that are solved before it.
    pub(super) fn back(&self, row: usize) -> &[(u32, f64)] {
        let row = self.rows.get(row).copied().unwrap_or_default();
        self.links.get(row.upper..row.end).unwrap_or_default()
    }
}
