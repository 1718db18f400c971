//! Rows of trade on their way into chunks: each market's together, as columns that take a third of the room.
mod columns;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};

use super::super::names::{Names, Symbol, Topic};
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

/// Bits of a line number beside that of its file.
const LINE: u32 = 48;

/// A row that waits.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    exporter: Symbol,
    importer: Symbol,
    topic: Symbol,
    /// Who reports it in the two lowest bits, then four bits for the status of each figure.
    marks: u16,
    /// File and line.
    at: u64,
    figures: [f64; 2],
}

impl Waiting {
    fn new(row: &Observation, file: u32, place: Place) -> Self {
        let small = |number: i32| u16::try_from(number & 0xF).unwrap_or(0);
        let [value, quantity] = row.figures;
        let statuses = small(value.status.into()) << 2 | small(quantity.status.into()) << 6;
        Self {
            exporter: row.economy,
            importer: row.partner,
            topic: row.topic,
            marks: small(row.reporter().into()) & 3 | statuses,
            at: u64::from(file) << LINE | place.line & ((1 << LINE) - 1),
            figures: [value.number, quantity.number],
        }
    }

    fn reporter(&self) -> u64 {
        u64::from(self.marks & 3)
    }

    fn status(&self, figure: usize) -> u64 {
        u64::from(self.marks >> (2 + 4 * figure) & 0xF)
    }

    fn figure(&self, figure: usize) -> f64 {
        self.figures.get(figure).copied().unwrap_or(f64::NAN)
    }

    fn file(&self) -> u64 {
        self.at >> LINE
    }

    fn line(&self) -> i64 {
        (self.at & ((1 << LINE) - 1)).cast_signed()
    }
}

/// The rows of one market, or of some of one period, that leave together.
#[derive(Debug, Default)]
struct Part {
    period: Symbol,
    rows: Vec<Waiting>,
}

/// Rows of trade that wait, by market.
#[derive(Debug, Default)]
pub(super) struct Markets {
    parts: Vec<Part>,
    /// Number of a market in `parts`, by period and number of material and stage.
    places: BTreeMap<(Symbol, u32), usize>,
    /// Number of material and stage by topic, and of topics that share them.
    goods: Vec<u32>,
    named: BTreeMap<(&'static str, String), u32>,
    /// The market that was met last.
    last: Option<((Symbol, u32), usize)>,
    /// Markets with rows, the one first that waits longest.
    order: VecDeque<usize>,
    waiting: usize,
    /// Parts that share the next chunk, and their rows.
    shared: (Vec<Part>, usize),
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
        let market = self.market(row, names);
        let Some(part) = self.parts.get_mut(market) else { return };
        if part.rows.is_empty() {
            self.order.push_back(market);
        }
        part.rows.push(Waiting::new(row, file, place));
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
            self.share(names, full);
        }
    }

    /// Gives what is left.
    pub(super) fn flush(&mut self, names: &Names, full: &mut Vec<Chunk>) {
        while let Some(oldest) = self.order.pop_front() {
            self.leave(oldest, names, full);
        }
        self.share(names, full);
    }

    /// The place of a row's market.
    fn market(&mut self, row: &Observation, names: &Names) -> usize {
        let goods = match self.goods.get(usize::from(row.topic)) {
            Some(goods) if *goods != u32::MAX => *goods,
            _ => self.good(row.topic, names),
        };
        let key = (row.period, goods);
        if let Some((last, place)) = self.last
            && last == key
        {
            return place;
        }
        let fresh = self.parts.len();
        let place = *self.places.entry(key).or_insert(fresh);
        if place == fresh {
            self.parts.push(Part { period: row.period, rows: Vec::new() });
        }
        self.last = Some((key, place));
        place
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
        let part = Part { period: part.period, rows: std::mem::take(&mut part.rows) };
        self.waiting = self.waiting.saturating_sub(part.rows.len());
        if part.rows.len() >= FEW {
            full.push(self.chunk(&[part], names));
            return;
        }
        self.shared.1 += part.rows.len();
        self.shared.0.push(part);
        if self.shared.1 >= SHARED {
            self.share(names, full);
        }
    }

    /// What shares a chunk leaves.
    fn share(&mut self, names: &Names, full: &mut Vec<Chunk>) {
        let (parts, rows) = std::mem::take(&mut self.shared);
        if rows > 0 {
            full.push(self.chunk(&parts, names));
        }
    }

    fn chunk(&mut self, parts: &[Part], names: &Names) -> Chunk {
        let number = self.next;
        self.next += 1;
        let columns = self.columns.write(parts, names);
        let mut event = Fields::default();
        event.number(1, number.into());
        event.bytes(2, &columns);
        Chunk { number, data: event.into_bytes().into() }
    }
}
