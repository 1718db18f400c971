//! Reads the rows of trade columns, in either of their two forms: amounts and lines as plain numbers, or
//! scaled to whole numbers and as steps.
use orewatch_contracts::ingestion::v1::TradeColumns;

/// Powers of ten for all digits that scaled amounts may have after the point. Doubles hold them exactly.
const TENS: [f64; 10] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];

/// Upper bound on the digits after the point of a scaled amount.
pub const MAX_DIGITS: u32 = 9;

/// Exclusive upper bound on scaled amounts: below it doubles hold whole numbers exactly.
pub const SCALED_LIMIT: u64 = 1 << 53;

/// The power of ten that scaled amounts with so many digits after the point are divided by.
pub fn ten_to(digits: u32) -> f64 {
    usize::try_from(digits).ok().and_then(|digits| TENS.get(digits)).copied().unwrap_or(f64::NAN)
}

/// The nearest double of a scaled amount: both numbers are exact, so that their quotient is rounded once.
pub fn unscaled(scaled: u64, divisor: f64) -> f64 {
    #[allow(clippy::cast_precision_loss, reason = "scaled amounts are below 2^53")]
    let scaled = scaled as f64;
    scaled / divisor
}

/// A row of trade; names are numbers of entries in the chunk's dictionaries.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FlowRow {
    /// Number in `periods`.
    pub period: u32,
    /// Number in `economies`: the exporter.
    pub exporter: u32,
    /// Number in `economies`: the importer.
    pub importer: u32,
    /// Number in `products`.
    pub product: u32,
    /// Value; NaN if it is not known.
    pub value: f64,
    /// Who reports it, as in the contract.
    pub reporter: i32,
}

/// Number of rows of a chunk.
pub fn count(columns: &TradeColumns) -> usize {
    columns.exporter.len().max(columns.importer.len())
}

/// The rows of a chunk that has passed its checks, in order.
pub fn rows(columns: &TradeColumns) -> impl Iterator<Item = FlowRow> {
    let values =
        Amounts::new(&columns.value, &columns.value_scaled, columns.value_digits, &columns.value_status);
    let pairs = columns.exporter.iter().zip(&columns.importer);
    pairs.enumerate().map(move |(row, (exporter, importer))| FlowRow {
        period: or_zero(&columns.period, row),
        exporter: *exporter,
        importer: *importer,
        product: or_zero(&columns.product, row),
        value: values.get(row),
        reporter: or_zero(&columns.reporter, row),
    })
}

/// Line of a row, which may be written as a step from the row before.
pub fn line(columns: &TradeColumns, row: usize) -> u64 {
    match columns.line.get(row) {
        Some(line) => *line,
        None => columns
            .line_step
            .iter()
            .take(row.saturating_add(1))
            .fold(0, |line: u64, step| line.saturating_add_signed(*step)),
    }
}

/// Value of a row; NaN if it is not known.
pub fn value(columns: &TradeColumns, row: usize) -> f64 {
    Amounts::new(&columns.value, &columns.value_scaled, columns.value_digits, &columns.value_status).get(row)
}

/// Quantity of a row; NaN if it is not known.
pub fn quantity(columns: &TradeColumns, row: usize) -> f64 {
    let (digits, statuses) = (columns.quantity_digits, &columns.quantity_status);
    Amounts::new(&columns.quantity, &columns.quantity_scaled, digits, statuses).get(row)
}

/// An entry of a column that is left empty if all of its entries are 0.
fn or_zero<T: Copy + Default>(column: &[T], row: usize) -> T {
    column.get(row).copied().unwrap_or_default()
}

/// A column of amounts in either form.
struct Amounts<'a> {
    plain: &'a [f64],
    scaled: &'a [u64],
    divisor: f64,
    statuses: &'a [i32],
}

impl<'a> Amounts<'a> {
    fn new(plain: &'a [f64], scaled: &'a [u64], digits: u32, statuses: &'a [i32]) -> Self {
        Self { plain, scaled, divisor: ten_to(digits), statuses }
    }

    /// The amount of a row; NaN if it is not known.
    fn get(&self, row: usize) -> f64 {
        if let Some(plain) = self.plain.get(row) {
            return *plain;
        }
        let known = self.statuses.get(row).is_none_or(|status| *status == KNOWN);
        match self.scaled.get(row) {
            Some(scaled) if known => unscaled(*scaled, self.divisor),
            _ => f64::NAN,
        }
    }
}

/// Status of an amount that is known.
const KNOWN: i32 = orewatch_contracts::common::v1::Status::Known as i32;
