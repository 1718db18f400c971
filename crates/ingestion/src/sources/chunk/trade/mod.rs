//! Rows of trade on their way into chunks: each market's together, as columns that take a third of the room.
mod columns;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};

use orewatch_contracts::common::v1::Status;

use super::super::decimal::Decimal;
use super::super::figure::Figure;
use super::super::names::{Names, Symbol, Topic};
use super::super::out::{Flow, packed};
use super::super::{Observation, Place};
use super::Chunk;
use super::wire::Fields;
use columns::Columns;

/// Rows of a full chunk: even where nothing about them is regular they fit into an event of the log.
const FULL: usize = 24_576;

/// Markets with fewer rows share chunks.
const FEW: usize = 1_024;

/// Rows of a chunk that markets share.
const SHARED: usize = 8_192;

/// Rows that wait for others of their market. Of a file that is sorted by period, whole markets leave.
const MOST: usize = 1 << 20;

/// Most markets whose room is kept for others: some tens of MiB.
const SPARE: usize = 64;

/// Bits of a line number beside that of its file.
const LINE: u32 = 48;

/// Status of a figure that is known, as it is marked.
const KNOWN: u64 = Status::Known as u64;

/// Status of a figure that nobody gives, as it is marked.
const UNAVAILABLE: u64 = Status::Unavailable as u64;

/// A row that waits.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    /// Exporter, importer and topic from above, then marks: who reports it in the two lowest bits, four bits for the status of each
    /// figure, a bit for each that is a double, and four for the column of the quantity. In one word, because processors stumble over fields that are written one by
    /// one and read together.
    what: u64,
    /// File and line.
    at: u64,
    /// Bits of a double or of a decimal; of a figure that is not known those of zero.
    figures: [u64; 2],
}

/// Where the bits of a status begin.
const BEGIN: [u32; 2] = [2, 6];

/// The bits that say that a figure is a double.
const DOUBLE: [u64; 2] = [1 << 10, 1 << 11];

/// Where the bits of the quantity's column begin: its place among those that are used, from 1; 0: the usual one.
const COLUMN: u32 = 12;

impl Waiting {
    fn new(row: &Observation, file: u32, line: u64, column: u64) -> Self {
        let small = |number: i32| u64::try_from(number).unwrap_or(0);
        let mut marks = small(row.reporter().into()) & 3 | (column & 0xF) << COLUMN;
        for ((figure, begin), double) in row.figures.iter().zip(BEGIN).zip(DOUBLE) {
            marks |= (small(figure.status.into()) & 0xF) << begin;
            marks |= if figure.number.is_nan() { 0 } else { double };
        }
        let bits = |figure: Figure| if figure.number.is_nan() { 0 } else { figure.number.to_bits() };
        let what = packed([row.economy, row.partner, row.topic, 0]) | marks;
        Self { what, at: at(file, line), figures: row.figures.map(bits) }
    }

    #[inline]
    fn plain(flow: &Flow, file: u32, line: u64) -> Self {
        let [value, quantity] = BEGIN;
        let status = if flow.quantity.is_some() { KNOWN } else { UNAVAILABLE };
        Self {
            what: flow.key << 16 | KNOWN << value | status << quantity,
            at: at(file, line),
            figures: [flow.value.bits(), flow.quantity.unwrap_or(Decimal::ZERO).bits()],
        }
    }

    fn exporter(&self) -> Symbol {
        self.name(48)
    }

    fn importer(&self) -> Symbol {
        self.name(32)
    }

    fn topic(&self) -> Symbol {
        self.name(16)
    }

    #[inline]
    fn name(&self, from: u32) -> Symbol {
        Symbol::try_from(self.what >> from & 0xffff).unwrap_or(Symbol::MAX)
    }

    fn reporter(&self) -> u64 {
        self.what & 3
    }

    fn status(&self, figure: usize) -> u64 {
        self.what >> BEGIN.get(figure).copied().unwrap_or(0) & 0xF
    }

    /// Place of the quantity's column, as it is marked.
    fn column(&self) -> usize {
        usize::try_from(self.what >> COLUMN & 0xF).unwrap_or(0)
    }

    fn is_double(&self, figure: usize) -> bool {
        DOUBLE.get(figure).is_some_and(|double| self.what & double != 0)
    }

    /// A figure as a double; of one that is not known zero.
    fn number(&self, figure: usize) -> f64 {
        let bits = self.figures.get(figure).copied().unwrap_or(0);
        if self.is_double(figure) { f64::from_bits(bits) } else { Decimal::from_bits(bits).number() }
    }

    /// A figure that is no double.
    fn decimal(&self, figure: usize) -> Decimal {
        Decimal::from_bits(self.figures.get(figure).copied().unwrap_or(0))
    }

    fn file(&self) -> u64 {
        self.at >> LINE
    }

    fn line(&self) -> i64 {
        (self.at & ((1 << LINE) - 1)).cast_signed()
    }
}

/// File and line in one word.
fn at(file: u32, line: u64) -> u64 {
    u64::from(file) << LINE | line & ((1 << LINE) - 1)
}

/// The rows of one market that leave together: those between economies, or those with a residual on one side.
#[derive(Debug, Default)]
struct Part {
    period: Symbol,
    /// One side of each row is a residual. Such rows are in chunks of their own, because readers decode those another way.
    residual: bool,
    rows: Vec<Waiting>,
}

/// Rows of trade that wait, by market.
#[derive(Debug, Default)]
pub(super) struct Markets {
    parts: Vec<Part>,
    /// Number of a market in `parts`, from 1, by period and twice the number of material and stage, and one more for rows with a
    /// residual; 0: it has none. The catalogue has few materials and stages.
    places: Vec<Vec<u32>>,
    /// Number of material and stage by topic, and of topics that share them.
    goods: Vec<u32>,
    named: BTreeMap<(&'static str, String), u32>,
    /// Markets with rows, the one first that waits longest.
    order: VecDeque<usize>,
    waiting: usize,
    /// Parts that share the next chunk, and their rows; apart from each other those without and with a residual.
    shared: [(Vec<Part>, usize); 2],
    /// Columns of quantities that are not the usual ones of their files.
    quantity_columns: Vec<u32>,
    /// Room for the rows of markets that are to come, from those that left.
    spare: Vec<Vec<Waiting>>,
    columns: Columns,
    next: u32,
}

impl Markets {
    /// Takes a row; gives what is full.
    pub(super) fn push(
        &mut self,
        row: &Observation,
        file: u32,
        place: Place,
        names: &Names,
        full: &mut Vec<Chunk>,
    ) {
        let residual = [row.economy, row.partner].iter().any(|side| names.economies.is_residual(*side));
        let waiting = Waiting::new(row, file, place.line, self.quantity_column(place.column));
        self.add([row.period, row.topic], residual, waiting, names, full);
    }

    /// Takes a flow of a plain line; gives what is full.
    #[inline]
    pub(super) fn push_flow(
        &mut self,
        flow: &Flow,
        file: u32,
        line: u64,
        names: &Names,
        full: &mut Vec<Chunk>,
    ) {
        let [period, _, _, topic] = flow.names();
        self.add([period, topic], false, Waiting::plain(flow, file, line), names, full);
    }

    // A row that is passed on in memory is copied as soon as it is written, and waited for.
    #[inline(always)]
    fn add(
        &mut self,
        [period, topic]: [Symbol; 2],
        residual: bool,
        row: Waiting,
        names: &Names,
        full: &mut Vec<Chunk>,
    ) {
        let market = self.market(period, topic, residual, names);
        let Some(part) = self.parts.get_mut(market) else { return };
        if part.rows.is_empty() {
            self.order.push_back(market);
            if part.rows.capacity() == 0 {
                part.rows = self.spare.pop().unwrap_or_default();
            }
        }
        part.rows.push(row);
        self.waiting += 1;
        if part.rows.len() >= FULL {
            self.order.retain(|other| *other != market);
            self.leave(market, names, full);
        } else if self.waiting >= MOST {
            while self.waiting > MOST / 2
                && let Some(oldest) = self.order.pop_front()
            {
                self.leave(oldest, names, full);
            }
            self.share_all(names, full);
        }
    }

    /// Place of a quantity's column among those that are used, from 1. 0: it is the usual one, or there are too many.
    fn quantity_column(&mut self, column: u32) -> u64 {
        if column == 0 {
            return 0;
        }
        let found = self.quantity_columns.iter().position(|other| *other == column);
        let place = found.unwrap_or_else(|| {
            self.quantity_columns.push(column);
            self.quantity_columns.len() - 1
        });
        u64::try_from(place + 1).ok().filter(|place| *place <= 0xF).unwrap_or(0)
    }

    /// Gives what is left.
    pub(super) fn flush(&mut self, names: &Names, full: &mut Vec<Chunk>) {
        while let Some(oldest) = self.order.pop_front() {
            self.leave(oldest, names, full);
        }
        self.share_all(names, full);
    }

    /// The place of a row's market.
    #[inline]
    fn market(&mut self, period: Symbol, topic: Symbol, residual: bool, names: &Names) -> usize {
        let goods = match self.goods.get(usize::from(topic)) {
            Some(goods) if *goods != u32::MAX => *goods,
            _ => self.good(topic, names),
        };
        let goods = usize::try_from(goods).unwrap_or(usize::MAX);
        let goods = goods.saturating_mul(2).saturating_add(usize::from(residual));
        match self.places.get(usize::from(period)).and_then(|of| of.get(goods)) {
            Some(place) if *place > 0 => usize::try_from(*place).unwrap_or(usize::MAX) - 1,
            _ => self.found(period, residual, goods),
        }
    }

    /// Makes a place for a market.
    fn found(&mut self, period: Symbol, residual: bool, goods: usize) -> usize {
        self.parts.push(Part { period, residual, rows: Vec::new() });
        let places = self.places.len().max(usize::from(period) + 1);
        self.places.resize_with(places, Vec::new);
        if let Some(of) = self.places.get_mut(usize::from(period)) {
            of.resize(of.len().max(goods.saturating_add(1)), 0);
            if let Some(place) = of.get_mut(goods) {
                *place = u32::try_from(self.parts.len()).unwrap_or(u32::MAX);
            }
        }
        self.parts.len() - 1
    }

    /// The number of a topic's material and stage, which it is given if it has none.
    fn good(&mut self, topic: Symbol, names: &Names) -> u32 {
        let name = match names.topics.name(topic) {
            Some(Topic::Product(product)) => (product.material, product.stage.to_string()),
            _ => ("", String::new()),
        };
        let fresh = u32::try_from(self.named.len()).unwrap_or(u32::MAX);
        let number = *self.named.entry(name).or_insert(fresh);
        let place = usize::from(topic);
        if self.goods.len() <= place {
            self.goods.resize(place + 1, u32::MAX);
        }
        if let Some(known) = self.goods.get_mut(place) {
            *known = number;
        }
        number
    }

    /// A market's rows leave: in a chunk of their own, or if they are few with others.
    fn leave(&mut self, market: usize, names: &Names, full: &mut Vec<Chunk>) {
        let Some(part) = self.parts.get_mut(market) else { return };
        let part = Part { rows: std::mem::take(&mut part.rows), ..*part };
        self.waiting = self.waiting.saturating_sub(part.rows.len());
        if part.rows.len() >= FEW {
            let parts = [part];
            full.push(self.chunk(&parts, names));
            let [Part { mut rows, .. }] = parts;
            if self.spare.len() < SPARE {
                rows.clear();
                self.spare.push(rows);
            }
            return;
        }
        let which = usize::from(part.residual);
        let Some((parts, rows)) = self.shared.get_mut(which) else { return };
        *rows += part.rows.len();
        parts.push(part);
        if *rows >= SHARED {
            self.share(which, names, full);
        }
    }

    /// What shares chunks leaves.
    fn share_all(&mut self, names: &Names, full: &mut Vec<Chunk>) {
        (0..self.shared.len()).for_each(|which| self.share(which, names, full));
    }

    /// What shares a chunk leaves.
    fn share(&mut self, which: usize, names: &Names, full: &mut Vec<Chunk>) {
        let (parts, rows) = self.shared.get_mut(which).map(std::mem::take).unwrap_or_default();
        if rows > 0 {
            full.push(self.chunk(&parts, names));
        }
    }

    fn chunk(&mut self, parts: &[Part], names: &Names) -> Chunk {
        let number = self.next;
        self.next += 1;
        let columns = self.columns.write(parts, &self.quantity_columns, names);
        let mut event = Fields::default();
        event.number(1, number.into());
        event.bytes(2, &columns);
        Chunk { number, data: event.into_bytes().into() }
    }
}
