//! The order in which the economies of a market are solved.
//!
//! The mix of an economy depends on those of its suppliers. Economies that depend on each other, because each
//! re-exports what came from the other, form one part (a strongly connected component) and are solved
//! together. A part comes after every part that it depends on. Economies that export nothing come last, as
//! leaves: nothing depends on them.

use std::ops::Range;

use super::trade::{Trade, index};

/// Index of an economy that the search has not seen yet.
const UNSEEN: u32 = u32::MAX;

/// Index of an economy whose part is complete: greater than that of every open one, so that it is never the
/// earliest that anything reaches.
const SETTLED: u32 = u32::MAX - 1;

/// Economies in the order in which they are solved, and where the parts end.
#[derive(Clone, Debug, Default)]
pub(super) struct Order {
    /// Economy of each row.
    pub(super) economies: Vec<u32>,
    /// Row of each economy.
    pub(super) rows: Vec<u32>,
    /// End of each part in `economies`. Leaves are in none.
    ends: Vec<u32>,
    search: Search,
    /// To how many exporters each economy exports. Memory of [`Self::sort_parts`].
    customers: Vec<u32>,
    /// Sort keys with their economies. Memory of [`Self::sort_parts`].
    keys: Vec<(u64, u32)>,
}

impl Order {
    /// Finds the order of a market, in the memory of the last one.
    pub(super) fn find(&mut self, trade: &Trade) {
        self.economies.clear();
        self.ends.clear();
        let count = u32::try_from(trade.economies()).unwrap_or(UNSEEN);
        self.search.clear(trade.economies());
        for root in (0..count).filter(|economy| trade.exports_of(*economy) > 0.0) {
            self.search.run(root, trade, &mut self.economies, &mut self.ends);
        }
        self.sort_parts(trade);
        self.economies.extend((0..count).filter(|economy| trade.exports_of(*economy) <= 0.0));
        self.rows.clear();
        self.rows.resize(trade.economies(), 0);
        for (row, economy) in (0..).zip(&self.economies) {
            if let Some(entry) = self.rows.get_mut(index(*economy)) {
                *entry = row;
            }
        }
    }

    /// Rows of the parts, in order.
    pub(super) fn parts(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| index(start)..index(*end))
    }

    /// Row of an economy.
    pub(super) fn row(&self, economy: u32) -> u32 {
        get(&self.rows, economy)
    }

    /// Rows of economies that export nothing.
    pub(super) fn leaves(&self) -> Range<usize> {
        self.ends.last().map_or(0, |end| index(*end))..self.economies.len()
    }

    /// Sorts the economies inside each part. They are eliminated from the last to the first, and every
    /// supplier of an eliminated economy becomes a supplier of each of its customers: those that trade with
    /// few come last, so that few links are added.
    fn sort_parts(&mut self, trade: &Trade) {
        self.count_customers(trade);
        let mut start = 0;
        for end in self.ends.iter().map(|end| index(*end)) {
            let Some(part) = self.economies.get_mut(start..end) else { continue };
            start = end;
            if part.len() < 2 {
                continue;
            }
            self.keys.clear();
            for economy in part.iter() {
                let customers = self.customers.get(index(*economy)).copied().unwrap_or(0);
                let suppliers = u64::try_from(trade.sources_of(*economy).len()).unwrap_or(u64::MAX);
                self.keys.push((suppliers.saturating_mul(u64::from(customers)), *economy));
            }
            self.keys.sort_unstable_by(|a, b| b.cmp(a));
            for (economy, (_, sorted)) in part.iter_mut().zip(&self.keys) {
                *economy = *sorted;
            }
        }
    }

    /// Counts, for each economy, the exporters that it exports to.
    fn count_customers(&mut self, trade: &Trade) {
        self.customers.clear();
        self.customers.resize(trade.economies(), 0);
        let exporters = self.economies.iter();
        for source in exporters.flat_map(|economy| trade.sources_of(*economy)) {
            if let Some(count) = self.customers.get_mut(index(*source)) {
                *count += 1;
            }
        }
    }
}

/// Tarjan's search for strongly connected components, along links to suppliers and without recursion. It
/// completes a component after all those that it depends on, which is the order needed here.
#[derive(Clone, Debug, Default)]
struct Search {
    /// Number of an economy in the order of discovery; [`SETTLED`] once its part is complete.
    index: Vec<u32>,
    /// Least index that an economy is known to reach.
    low: Vec<u32>,
    /// Stack of economies whose part is not complete.
    open: Vec<u32>,
    /// Call stack: economies on the path from the root, and how many of their suppliers are done.
    path: Vec<(u32, usize)>,
    /// Economies discovered so far.
    seen: u32,
}

impl Search {
    fn clear(&mut self, count: usize) {
        for numbers in [&mut self.index, &mut self.low] {
            numbers.clear();
            numbers.resize(count, UNSEEN);
        }
        self.open.clear();
        self.path.clear();
        self.seen = 0;
    }

    /// Completes all parts that the root depends on, and its own.
    fn run(&mut self, root: u32, trade: &Trade, economies: &mut Vec<u32>, ends: &mut Vec<u32>) {
        if get(&self.index, root) != UNSEEN {
            return;
        }
        self.enter(root);
        while let Some((economy, done)) = self.path.last_mut() {
            let economy = *economy;
            let mut low = get(&self.low, economy);
            let mut unseen = None;
            for supplier in trade.sources_of(economy).get(*done..).unwrap_or_default() {
                *done += 1;
                let seen = get(&self.index, *supplier);
                if seen == UNSEEN {
                    unseen = Some(*supplier);
                    break;
                }
                low = low.min(seen);
            }
            set(&mut self.low, economy, low);
            match unseen {
                Some(supplier) => self.enter(supplier),
                None => self.leave(economy, economies, ends),
            }
        }
    }

    /// Discovers an economy and descends into it.
    fn enter(&mut self, economy: u32) {
        set(&mut self.index, economy, self.seen);
        set(&mut self.low, economy, self.seen);
        self.seen += 1;
        self.open.push(economy);
        self.path.push((economy, 0));
    }

    /// Returns from an economy. If it reaches nothing earlier than itself, it and those above it on the stack
    /// are a part.
    fn leave(&mut self, economy: u32, economies: &mut Vec<u32>, ends: &mut Vec<u32>) {
        self.path.pop();
        let low = get(&self.low, economy);
        if let Some((before, _)) = self.path.last() {
            let before = *before;
            let reached = get(&self.low, before).min(low);
            set(&mut self.low, before, reached);
        }
        if low != get(&self.index, economy) {
            return;
        }
        while let Some(member) = self.open.pop() {
            economies.push(member);
            set(&mut self.index, member, SETTLED);
            if member == economy {
                break;
            }
        }
        ends.push(u32::try_from(economies.len()).unwrap_or(UNSEEN));
    }
}

/// The number of an economy; [`UNSEEN`] where there is none.
fn get(numbers: &[u32], economy: u32) -> u32 {
    numbers.get(index(economy)).copied().unwrap_or(UNSEEN)
}

fn set(numbers: &mut [u32], economy: u32, number: u32) {
    if let Some(entry) = numbers.get_mut(index(economy)) {
        *entry = number;
    }
}
