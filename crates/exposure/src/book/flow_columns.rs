//! Flows of one market as they came: columns that share the memory of their event.
//!
//! Columns are checked when their event is folded, so that reading them later cannot fail. Reading is a small
//! part of computing the figures of a market.

use bytes::Bytes;
use orewatch_contracts::common::v1 as common;
use orewatch_contracts::ingestion::v1 as ingestion;
use orewatch_contracts::packed::{Varints, signed};
use orewatch_measures::Status;

use super::{Cell, EconomyId, Flow, Origin, Reporter};

/// Checked columns of flows: every column has one entry a row, or none where the contract gives that a
/// meaning, and every index is within its dictionary.
#[derive(Clone, Debug)]
pub(super) struct FlowColumns {
    /// Number of rows.
    pub(super) rows: usize,
    /// Dictionary of exporters and importers.
    pub(super) economies: Box<[EconomyId]>,
    /// Dictionary of products: indices into the release's texts.
    pub(super) codes: Box<[u16]>,
    pub(super) exporter: Bytes,
    pub(super) importer: Bytes,
    pub(super) product: Bytes,
    pub(super) reporter: Bytes,
    pub(super) file: Bytes,
    pub(super) line: Lines,
    pub(super) value: Amounts,
    pub(super) quantity: Amounts,
    /// Columns of the quantities in their files. Empty: the column that the file names for all rows.
    pub(super) column: Bytes,
}

/// Line numbers of rows in their files.
#[derive(Clone, Debug)]
pub(super) enum Lines {
    /// As they are. Empty: not recorded.
    Plain(Bytes),
    /// The first, then the differences.
    Steps(Bytes),
}

/// A column of amounts.
#[derive(Clone, Debug)]
pub(super) struct Amounts {
    pub(super) numbers: Bytes,
    /// Divisor of whole numbers: a power of ten that a double holds exactly, so that the quotient is the
    /// nearest double. `None`: the numbers are doubles.
    pub(super) divisor: Option<f64>,
    /// Empty: all are known.
    pub(super) statuses: Bytes,
}

/// A row before its columns are read.
const BLANK: Flow = Flow {
    importer: EconomyId::FIRST,
    exporter: EconomyId::FIRST,
    product: 0,
    reporter: Reporter::Unspecified,
    source: 0,
    origin: Origin { file: 0, column: 0, line: 0 },
    quantity: Cell::UNAVAILABLE,
    value: Cell::UNAVAILABLE,
};

impl FlowColumns {
    /// Appends the rows in the order in which they came.
    pub(super) fn read(&self, flows: &mut Vec<Flow>) {
        let start = flows.len();
        flows.resize(start.saturating_add(self.rows), BLANK);
        let rows = flows.get_mut(start..).unwrap_or_default();
        let economy = |number| entry(&self.economies, number).unwrap_or(EconomyId::FIRST);
        let first = self.codes.first().copied().unwrap_or(0);
        rows.iter_mut().for_each(|flow| flow.product = first);
        set(rows, &self.product, |flow, number| flow.product = entry(&self.codes, number).unwrap_or(first));
        set(rows, &self.exporter, |flow, number| flow.exporter = economy(number));
        set(rows, &self.importer, |flow, number| flow.importer = economy(number));
        set(rows, &self.reporter, |flow, number| flow.reporter = reporter(number));
        set(rows, &self.file, |flow, number| flow.origin.file = u16::try_from(number).unwrap_or(u16::MAX));
        set(rows, &self.column, |flow, number| flow.origin.column = u16::try_from(number).unwrap_or(0));
        self.line.read(rows);
        self.value.read(rows, |flow| &mut flow.value);
        self.quantity.read(rows, |flow| &mut flow.quantity);
    }
}

/// Sets a field of each row from a column of varints. An empty column leaves the rows as they are.
fn set(rows: &mut [Flow], column: &[u8], mut assign: impl FnMut(&mut Flow, u64)) {
    for (flow, number) in rows.iter_mut().zip(Varints::new(column)) {
        assign(flow, number);
    }
}

fn entry<T: Copy>(dictionary: &[T], number: u64) -> Option<T> {
    dictionary.get(usize::try_from(number).ok()?).copied()
}

impl Lines {
    /// Reads the line numbers. An impossible one becomes 0, which means not recorded.
    fn read(&self, rows: &mut [Flow]) {
        match self {
            Self::Plain(column) => set(rows, column, |flow, line| flow.origin.line = line),
            Self::Steps(column) => {
                let mut line = 0_u64;
                set(rows, column, |flow, step| {
                    line = line.checked_add_signed(signed(step)).unwrap_or(0);
                    flow.origin.line = line;
                });
            }
        }
    }
}

impl Amounts {
    fn read(&self, rows: &mut [Flow], cell: impl Fn(&mut Flow) -> &mut Cell) {
        match self.divisor {
            Some(divisor) => {
                set(rows, &self.numbers, |flow, number| *cell(flow) = amount(whole(number) / divisor));
            }
            None => {
                for (flow, bytes) in rows.iter_mut().zip(self.numbers.as_chunks::<8>().0) {
                    *cell(flow) = amount(f64::from_le_bytes(*bytes));
                }
            }
        }
        set(rows, &self.statuses, |flow, number| match status(number) {
            Status::Known => {}
            status => *cell(flow) = Cell { number: f64::NAN, status },
        });
    }
}

/// A cell from a number. A number that is not a valid amount is unavailable, so that it never enters a sum.
fn amount(number: f64) -> Cell {
    if number.is_finite() && number >= 0.0 {
        Cell { number, status: Status::Known }
    } else {
        Cell::UNAVAILABLE
    }
}

/// A whole number below 2^53, without loss.
fn whole(number: u64) -> f64 {
    let half = |number: u64| f64::from(u32::try_from(number & 0xffff_ffff).unwrap_or(0));
    half(number >> 32) * 4_294_967_296.0 + half(number)
}

fn status(number: u64) -> Status {
    match i32::try_from(number).ok().and_then(|number| common::Status::try_from(number).ok()) {
        Some(common::Status::Known) => Status::Known,
        Some(common::Status::Withheld) => Status::Withheld,
        _ => Status::Unavailable,
    }
}

fn reporter(number: u64) -> Reporter {
    match i32::try_from(number).ok().and_then(|number| ingestion::Reporter::try_from(number).ok()) {
        Some(ingestion::Reporter::Importer) => Reporter::Importer,
        Some(ingestion::Reporter::Exporter) => Reporter::Exporter,
        _ => Reporter::Unspecified,
    }
}
