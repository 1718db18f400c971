//! Collects rows of trade into chunks, the rows of each market together: such columns take a third of the
//! space.
//!
//! A market is a period with a material and stage. Its rows wait until they fill a chunk, or until too many
//! rows wait and the oldest markets make room. Markets with few rows share chunks.
//!
//! Most files have the rows of each period together. As long as that is so, the markets of a period leave
//! when the next period begins, so that they are recorded while the rest of the file is read.
mod columns;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};

use orewatch_contracts::common::v1::Status;

use super::super::Observation;
use super::super::decimal::Decimal;
use super::super::figure::Figure;
use super::super::location::SourceLocation;
use super::super::names::{Names, Symbol, Topic};
use super::super::sink::{Flow, packed};
use super::Chunk;
use super::wire::Fields;
use columns::Columns;

/// Rows of a full chunk. Even if nothing about them is regular, they fit into an event of the log.
const FULL_CHUNK_ROWS: usize = 24_576;

/// Markets with fewer rows share chunks.
const MIN_OWN_CHUNK_ROWS: usize = 1_024;

/// Rows of a full chunk that markets share.
const SHARED_CHUNK_ROWS: usize = 8_192;

/// Rows that wait before those of ended periods leave. What has left before a file turns out to be sorted
/// otherwise is in more chunks than it need be, so this is not few.
const MIN_LEAVING_ROWS: usize = 2 * SHARED_CHUNK_ROWS;

/// Upper bound on the rows that wait. If a file is sorted by period, whole markets fit into it.
const MAX_WAITING_ROWS: usize = 1 << 20;

/// Upper bound on the empty buffers that are kept for other markets: some tens of MiB.
const MAX_SPARE_BUFFERS: usize = 64;

/// Bits of the line number; the number of the file is above them.
const LINE_BITS: u32 = 48;

/// Marks a figure that is known.
const KNOWN: u64 = Status::Known as u64;

/// Marks a figure that is not available.
const UNAVAILABLE: u64 = Status::Unavailable as u64;

/// A row that waits, in 32 bytes.
#[derive(Clone, Copy, Debug)]
struct PackedRow {
    /// Exporter, importer and topic from the highest bits, then marks: who reports it in the two lowest bits,
    /// four bits for the status of each figure, a bit for each figure that is a double, and four for the
    /// column of the quantity. They are one word because loading fields together that were just stored one by
    /// one stalls the processor.
    key_and_marks: u64,
    /// File and line.
    location: u64,
    /// Bits of a double or of a decimal; those of zero for a figure that is unknown.
    figures: [u64; 2],
}

/// Lowest bit of the status of each figure.
const STATUS_SHIFT: [u32; 2] = [2, 6];

/// The bit that marks each figure as a double.
const DOUBLE_BIT: [u64; 2] = [1 << 10, 1 << 11];

/// Lowest bit of the quantity's column: its place among those that are used, from 1; 0: the usual column.
const COLUMN_SHIFT: u32 = 12;

impl PackedRow {
    fn new(row: &Observation, file: u32, line: u64, column: u64) -> Self {
        let small = |number: i32| u64::try_from(number).unwrap_or(0);
        let mut marks = small(row.reporter().into()) & 3 | (column & 0xF) << COLUMN_SHIFT;
        for ((figure, begin), double) in row.figures.iter().zip(STATUS_SHIFT).zip(DOUBLE_BIT) {
            marks |= (small(figure.status.into()) & 0xF) << begin;
            marks |= if figure.number.is_nan() { 0 } else { double };
        }
        let bits = |figure: Figure| if figure.number.is_nan() { 0 } else { figure.number.to_bits() };
        let key_and_marks = packed([row.economy, row.partner, row.topic, 0]) | marks;
        Self { key_and_marks, location: pack_location(file, line), figures: row.figures.map(bits) }
    }

    #[inline]
    fn plain(flow: &Flow, file: u32, line: u64) -> Self {
        let [value, quantity] = STATUS_SHIFT;
        let status = if flow.quantity.is_some() { KNOWN } else { UNAVAILABLE };
        Self {
            key_and_marks: flow.key << 16 | KNOWN << value | status << quantity,
            location: pack_location(file, line),
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
        Symbol::try_from(self.key_and_marks >> from & 0xffff).unwrap_or(Symbol::MAX)
    }

    fn reporter(&self) -> u64 {
        self.key_and_marks & 3
    }

    fn status(&self, figure: usize) -> u64 {
        self.key_and_marks >> STATUS_SHIFT.get(figure).copied().unwrap_or(0) & 0xF
    }

    /// Place of the quantity's column among those that are used, from 1; 0: the usual column.
    fn column(&self) -> usize {
        usize::try_from(self.key_and_marks >> COLUMN_SHIFT & 0xF).unwrap_or(0)
    }

    fn is_double(&self, figure: usize) -> bool {
        DOUBLE_BIT.get(figure).is_some_and(|double| self.key_and_marks & double != 0)
    }

    /// A figure as a double; zero if it is unknown.
    fn number(&self, figure: usize) -> f64 {
        let bits = self.figures.get(figure).copied().unwrap_or(0);
        if self.is_double(figure) { f64::from_bits(bits) } else { Decimal::from_bits(bits).number() }
    }

    /// A figure that is a decimal.
    fn decimal(&self, figure: usize) -> Decimal {
        Decimal::from_bits(self.figures.get(figure).copied().unwrap_or(0))
    }

    fn file(&self) -> u64 {
        self.location >> LINE_BITS
    }

    fn line(&self) -> i64 {
        (self.location & ((1 << LINE_BITS) - 1)).cast_signed()
    }
}

/// File and line in one word.
fn pack_location(file: u32, line: u64) -> u64 {
    u64::from(file) << LINE_BITS | line & ((1 << LINE_BITS) - 1)
}

/// The rows of one market that leave together.
#[derive(Debug, Default)]
struct MarketRows {
    period: Symbol,
    /// One side of each row is a residual. Such rows are kept apart and go into chunks of their own, because
    /// they are decoded differently.
    residual: bool,
    rows: Vec<PackedRow>,
}

/// Rows of trade that wait, by market.
#[derive(Debug, Default)]
pub(super) struct Markets {
    markets: Vec<MarketRows>,
    /// Number of a market in `markets`, from 1; 0: there is none. By period, then by twice the number of the
    /// goods, plus one for rows with a residual. The catalogue has few materials and stages.
    places: Vec<Vec<u32>>,
    /// Number of the goods of each topic: material and stage, which several topics share.
    goods: Vec<u32>,
    goods_numbers: BTreeMap<(&'static str, String), u32>,
    /// Period of the last row.
    period: Option<Symbol>,
    /// A period came again after another one.
    is_mixed: bool,
    /// Markets with rows, the one that has waited longest first.
    order: VecDeque<usize>,
    /// Rows that wait.
    waiting: usize,
    /// Markets that share the next chunk, and the number of their rows; without and with residuals.
    shared: [(Vec<MarketRows>, usize); 2],
    /// Columns of quantities that are not the usual ones of their files.
    quantity_columns: Vec<u32>,
    /// Empty buffers of markets that left, for the rows of others.
    spare: Vec<Vec<PackedRow>>,
    columns: Columns,
    next: u32,
}

impl Markets {
    /// Takes a row. Chunks that are full are added to `full`.
    pub(super) fn push(
        &mut self,
        row: &Observation,
        file: u32,
        location: SourceLocation,
        names: &Names,
        full: &mut Vec<Chunk>,
    ) {
        let residual = [row.economy, row.partner].iter().any(|side| names.economies.is_residual(*side));
        let packed = PackedRow::new(row, file, location.line, self.quantity_column(location.column));
        self.add([row.period, row.topic], residual, packed, names, full);
    }

    /// Takes a flow of a plain line. Chunks that are full are added to `full`.
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
        self.add([period, topic], false, PackedRow::plain(flow, file, line), names, full);
    }

    // Always inlined: a row that is passed in memory would be copied right after it was stored, which stalls.
    #[inline(always)]
    fn add(
        &mut self,
        [period, topic]: [Symbol; 2],
        residual: bool,
        row: PackedRow,
        names: &Names,
        full: &mut Vec<Chunk>,
    ) {
        if self.period != Some(period) && !self.is_mixed {
            self.begin_period(period, names, full);
        }
        let place = self.market_place(period, topic, residual, names);
        let Some(market) = self.markets.get_mut(place) else { return };
        if market.rows.is_empty() {
            self.order.push_back(place);
            if market.rows.capacity() == 0 {
                market.rows = self.spare.pop().unwrap_or_default();
            }
        }
        market.rows.push(row);
        self.waiting += 1;
        if market.rows.len() >= FULL_CHUNK_ROWS {
            self.order.retain(|other| *other != place);
            self.emit_market(place, names, full);
        } else if self.waiting >= MAX_WAITING_ROWS {
            while self.waiting > MAX_WAITING_ROWS / 2
                && let Some(oldest) = self.order.pop_front()
            {
                self.emit_market(oldest, names, full);
            }
            self.emit_all_shared(names, full);
        }
    }

    /// Place of a quantity's column among those that are used, from 1; 0: it is the usual one, or there are
    /// too many.
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

    /// Notes that rows of another period come. Those that wait are complete then, if the rows of each period
    /// have come together so far.
    #[cold]
    fn begin_period(&mut self, period: Symbol, names: &Names, full: &mut Vec<Chunk>) {
        let is_known = self.places.get(usize::from(period)).is_some_and(|places| !places.is_empty());
        (self.period, self.is_mixed) = (Some(period), is_known);
        if !is_known && self.waiting >= MIN_LEAVING_ROWS {
            while let Some(oldest) = self.order.pop_front() {
                self.emit_market(oldest, names, full);
            }
        }
    }

    /// Adds some of the rows that are left to `full`, as the next chunks. Returns false if there are none.
    pub(super) fn flush_some(&mut self, names: &Names, full: &mut Vec<Chunk>) -> bool {
        while full.is_empty() {
            let Some(oldest) = self.order.pop_front() else {
                self.emit_all_shared(names, full);
                break;
            };
            self.emit_market(oldest, names, full);
        }
        !full.is_empty()
    }

    /// The place of a row's market in `markets`.
    #[inline]
    fn market_place(&mut self, period: Symbol, topic: Symbol, residual: bool, names: &Names) -> usize {
        let goods = match self.goods.get(usize::from(topic)) {
            Some(goods) if *goods != u32::MAX => *goods,
            _ => self.number_goods(topic, names),
        };
        let goods = usize::try_from(goods).unwrap_or(usize::MAX);
        let column = goods.saturating_mul(2).saturating_add(usize::from(residual));
        match self.places.get(usize::from(period)).and_then(|places| places.get(column)) {
            Some(place) if *place > 0 => usize::try_from(*place).unwrap_or(usize::MAX) - 1,
            _ => self.add_market(period, residual, column),
        }
    }

    /// Adds a market and returns its place.
    fn add_market(&mut self, period: Symbol, residual: bool, column: usize) -> usize {
        self.markets.push(MarketRows { period, residual, rows: Vec::new() });
        let periods = self.places.len().max(usize::from(period) + 1);
        self.places.resize_with(periods, Vec::new);
        if let Some(places) = self.places.get_mut(usize::from(period)) {
            places.resize(places.len().max(column.saturating_add(1)), 0);
            if let Some(place) = places.get_mut(column) {
                *place = u32::try_from(self.markets.len()).unwrap_or(u32::MAX);
            }
        }
        self.markets.len() - 1
    }

    /// The number of a topic's goods; new goods are numbered.
    fn number_goods(&mut self, topic: Symbol, names: &Names) -> u32 {
        let name = match names.topics.name(topic) {
            Some(Topic::Product(product)) => (product.material, product.stage.to_string()),
            _ => ("", String::new()),
        };
        let fresh = u32::try_from(self.goods_numbers.len()).unwrap_or(u32::MAX);
        let number = *self.goods_numbers.entry(name).or_insert(fresh);
        let place = usize::from(topic);
        if self.goods.len() <= place {
            self.goods.resize(place + 1, u32::MAX);
        }
        if let Some(known) = self.goods.get_mut(place) {
            *known = number;
        }
        number
    }

    /// Takes the rows of a market out, into a chunk of their own or, if they are few, into a shared one.
    fn emit_market(&mut self, place: usize, names: &Names, full: &mut Vec<Chunk>) {
        let Some(market) = self.markets.get_mut(place) else { return };
        let market = MarketRows { rows: std::mem::take(&mut market.rows), ..*market };
        self.waiting = self.waiting.saturating_sub(market.rows.len());
        if market.rows.len() >= MIN_OWN_CHUNK_ROWS {
            let markets = [market];
            full.push(self.chunk(&markets, names));
            let [MarketRows { mut rows, .. }] = markets;
            if self.spare.len() < MAX_SPARE_BUFFERS {
                rows.clear();
                self.spare.push(rows);
            }
            return;
        }
        let which = usize::from(market.residual);
        let Some((markets, rows)) = self.shared.get_mut(which) else { return };
        *rows += market.rows.len();
        markets.push(market);
        if *rows >= SHARED_CHUNK_ROWS {
            self.emit_shared(which, names, full);
        }
    }

    fn emit_all_shared(&mut self, names: &Names, full: &mut Vec<Chunk>) {
        (0..self.shared.len()).for_each(|which| self.emit_shared(which, names, full));
    }

    /// Takes the markets out that share a chunk.
    fn emit_shared(&mut self, which: usize, names: &Names, full: &mut Vec<Chunk>) {
        let (markets, rows) = self.shared.get_mut(which).map(std::mem::take).unwrap_or_default();
        if rows > 0 {
            full.push(self.chunk(&markets, names));
        }
    }

    fn chunk(&mut self, markets: &[MarketRows], names: &Names) -> Chunk {
        let number = self.next;
        self.next += 1;
        let columns = self.columns.write(markets, &self.quantity_columns, names);
        let mut event = Fields::default();
        event.number(1, number.into());
        event.bytes(2, &columns);
        Chunk { number, data: event.into_bytes().into() }
    }
}
