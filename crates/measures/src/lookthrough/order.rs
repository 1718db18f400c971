//! In which order the economies of a market are solved.
//!
//! What an economy has rests on what its suppliers have. Economies that rest on each other, because each re-exports what
//! came from the other, form one part (a strongly connected component) and are solved together; the parts follow each other
//! such that a part comes after everything it rests on. Who exports nothing comes last: nobody rests on it.

use std::ops::Range;

use super::trade::{Trade, place};

/// Not seen yet.
const UNSEEN: u32 = u32::MAX;

/// Seen, and of no account any more: later than everything that is open.
const SETTLED: u32 = u32::MAX - 1;

/// Economies in the order in which they are solved, and where the parts end.
#[derive(Clone, Debug, Default)]
pub(super) struct Order {
    /// Economies by row.
    pub(super) economies: Vec<u32>,
    /// Row of each economy.
    pub(super) rows: Vec<u32>,
    /// Where each part ends in `economies`. Those that export nothing are in none.
    ends: Vec<u32>,
    search: Search,
    customers: Vec<u32>,
    keys: Vec<(u64, u32)>,
}

impl Order {
    pub(super) fn find(&mut self, trade: &Trade) {
        self.economies.clear();
        self.ends.clear();
        let count = u32::try_from(trade.economies()).unwrap_or(UNSEEN);
        self.search.clear(trade.economies());
        for root in (0..count).filter(|economy| trade.exports_at(*economy) > 0.0) {
            self.search.run(root, trade, &mut self.economies, &mut self.ends);
        }
        self.sort_parts(trade);
        self.economies.extend((0..count).filter(|economy| trade.exports_at(*economy) <= 0.0));
        self.rows.clear();
        self.rows.resize(trade.economies(), 0);
        for (row, economy) in (0..).zip(&self.economies) {
            if let Some(place) = self.rows.get_mut(place(*economy)) {
                *place = row;
            }
        }
    }

    /// Rows of the parts, in order.
    pub(super) fn parts(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| place(start)..place(*end))
    }

    /// Row of an economy.
    pub(super) fn row(&self, economy: u32) -> u32 {
        get(&self.rows, economy)
    }

    /// Rows of those that export nothing.
    pub(super) fn leaves(&self) -> Range<usize> {
        self.ends.last().map_or(0, |end| place(*end))..self.economies.len()
    }

    /// Inside a part, rows are eliminated from the last to the first. Who trades with few is eliminated early, since every
    /// supplier of an eliminated economy becomes a supplier of every one of its customers.
    fn sort_parts(&mut self, trade: &Trade) {
        self.count_customers(trade);
        let mut start = 0;
        for end in self.ends.iter().map(|end| place(*end)) {
            let Some(part) = self.economies.get_mut(start..end) else { continue };
            start = end;
            if part.len() < 2 {
                continue;
            }
            self.keys.clear();
            for economy in part.iter() {
                let customers = self.customers.get(place(*economy)).copied().unwrap_or(0);
                let suppliers = u64::try_from(trade.sources_of(*economy).len()).unwrap_or(u64::MAX);
                self.keys.push((suppliers.saturating_mul(u64::from(customers)), *economy));
            }
            self.keys.sort_unstable_by(|one, other| other.cmp(one));
            for (economy, (_, sorted)) in part.iter_mut().zip(&self.keys) {
                *economy = *sorted;
            }
        }
    }

    /// To how many economies each exports that export themselves.
    fn count_customers(&mut self, trade: &Trade) {
        self.customers.clear();
        self.customers.resize(trade.economies(), 0);
        let exporters = self.economies.iter();
        for source in exporters.flat_map(|economy| trade.sources_of(*economy)) {
            if let Some(count) = self.customers.get_mut(place(*source)) {
                *count += 1;
            }
        }
    }
}

/// Tarjan's search for strongly connected components, without recursion. A part is complete after all it rests on.
#[derive(Clone, Debug, Default)]
struct Search {
    /// When an economy was first seen; [`SETTLED`] as soon as its part is complete.
    index: Vec<u32>,
    /// The earliest seen economy that it reaches.
    low: Vec<u32>,
    /// Economies of parts that are not complete.
    open: Vec<u32>,
    /// Economies on the way from the root, and how many of their suppliers are done.
    way: Vec<(u32, usize)>,
    seen: u32,
}

impl Search {
    fn clear(&mut self, count: usize) {
        for numbers in [&mut self.index, &mut self.low] {
            numbers.clear();
            numbers.resize(count, UNSEEN);
        }
        self.open.clear();
        self.way.clear();
        self.seen = 0;
    }

    fn run(&mut self, root: u32, trade: &Trade, economies: &mut Vec<u32>, ends: &mut Vec<u32>) {
        if get(&self.index, root) != UNSEEN {
            return;
        }
        self.enter(root);
        while let Some((economy, done)) = self.way.last_mut() {
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

    fn enter(&mut self, economy: u32) {
        set(&mut self.index, economy, self.seen);
        set(&mut self.low, economy, self.seen);
        self.seen += 1;
        self.open.push(economy);
        self.way.push((economy, 0));
    }

    fn leave(&mut self, economy: u32, economies: &mut Vec<u32>, ends: &mut Vec<u32>) {
        self.way.pop();
        let low = get(&self.low, economy);
        if let Some((before, _)) = self.way.last() {
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

fn get(numbers: &[u32], economy: u32) -> u32 {
    numbers.get(place(economy)).copied().unwrap_or(UNSEEN)
}

fn set(numbers: &mut [u32], economy: u32, number: u32) {
    if let Some(entry) = numbers.get_mut(place(economy)) {
        *entry = number;
    }
}
