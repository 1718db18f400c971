//! Writes rows of trade as columns.
use orewatch_contracts::ingestion::v1::Reporter;
use prost::Message as _;

use super::super::super::names::{Names, Symbol};
use super::super::product_of;
use super::super::wire::Fields;
use super::{KNOWN, MarketRows, PackedRow};
use crate::flows;

/// Writes columns, and keeps its buffers from chunk to chunk.
#[derive(Debug, Default)]
pub(super) struct Columns {
    economies: Dictionary,
    products: Dictionary,
    periods: Dictionary,
    /// Values and quantities, scaled to whole numbers.
    scaled: [Vec<u64>; 2],
}

impl Columns {
    /// The columns of the rows of these markets, market after market.
    pub(super) fn write(
        &mut self,
        markets: &[MarketRows],
        quantity_columns: &[u32],
        names: &Names,
    ) -> Vec<u8> {
        let all: Vec<PackedRow>;
        let rows = match markets {
            [only] => &only.rows[..],
            _ => {
                all = markets.iter().flat_map(|market| &market.rows).copied().collect();
                &all[..]
            }
        };
        let [economies, products, periods] = [&mut self.economies, &mut self.products, &mut self.periods];
        rows.iter().for_each(|row| economies.add(row.exporter()));
        rows.iter().for_each(|row| economies.add(row.importer()));
        rows.iter().for_each(|row| products.add(row.topic()));
        markets.iter().for_each(|market| periods.add(market.period));
        let mut fields = Fields::default();
        for symbol in &periods.symbols {
            let name = names.periods.name(*symbol).map(ToString::to_string).unwrap_or_default();
            fields.bytes(1, name.as_bytes());
        }
        for symbol in &economies.symbols {
            fields.bytes(2, names.economies.name(*symbol).unwrap_or_default().as_bytes());
        }
        for symbol in &products.symbols {
            let product = names.topics.name(*symbol).and_then(product_of).unwrap_or_default();
            fields.bytes(3, &product.encode_to_vec());
        }
        if periods.symbols.len() > 1 {
            let period =
                |market: &MarketRows| std::iter::repeat_n(periods.place(market.period), market.rows.len());
            fields.numbers(4, markets.iter().flat_map(period));
        }
        fields.numbers(5, rows.iter().map(|row| economies.place(row.exporter())));
        fields.numbers(6, rows.iter().map(|row| economies.place(row.importer())));
        if products.symbols.len() > 1 {
            fields.numbers(7, rows.iter().map(|row| products.place(row.topic())));
        }
        self.figures(rows, &mut fields);
        if rows.iter().any(|row| row.column() > 0) {
            let column = |row: &PackedRow| {
                let place = row.column().checked_sub(1);
                place.and_then(|place| quantity_columns.get(place)).copied().unwrap_or(0).into()
            };
            fields.numbers(20, rows.iter().map(column));
        }
        self.economies.clear();
        self.products.clear();
        self.periods.clear();
        fields.into_bytes()
    }

    /// Writes the fields from the values on.
    fn figures(&mut self, rows: &[PackedRow], fields: &mut Fields) {
        let [values, quantities] = &mut self.scaled;
        let value_digits = scale(values, rows, 0);
        let quantity_digits = scale(quantities, rows, 1);
        for (field, figure, digits) in [(8, 0, value_digits), (9, 1, quantity_digits)] {
            if digits.is_none() {
                fields.doubles(field, rows.iter().map(|row| amount(row, figure)));
            }
        }
        for (field, figure) in [(10, 0), (11, 1)] {
            if rows.iter().any(|row| row.status(figure) != KNOWN) {
                fields.numbers(field, rows.iter().map(|row| row.status(figure)));
            }
        }
        if rows.iter().any(|row| row.file() > 0) {
            fields.numbers(12, rows.iter().map(PackedRow::file));
        }
        if rows.iter().any(|row| row.reporter() != UNSPECIFIED) {
            fields.numbers(14, rows.iter().map(PackedRow::reporter));
        }
        for (field, digits, scaled) in [(15, value_digits, &*values), (17, quantity_digits, &*quantities)] {
            if let Some(digits) = digits {
                fields.numbers(field, scaled.iter().copied());
                fields.number(field + 1, digits.into());
            }
        }
        let mut last = 0;
        fields.signed(
            19,
            rows.iter().map(|row| {
                let step = row.line() - last;
                last = row.line();
                step
            }),
        );
    }
}

/// Marks a flow that nobody in particular reports.
const UNSPECIFIED: u64 = Reporter::Unspecified as u64;

/// A figure of a row; NaN if it is unknown.
fn amount(row: &PackedRow, figure: usize) -> f64 {
    if row.status(figure) == KNOWN { row.number(figure) } else { f64::NAN }
}

/// Scales the amounts of rows to whole numbers, with the fewest digits after the point that keep all of them
/// exact; an unknown amount becomes 0. Returns the digits. None: no number of digits keeps them exact.
fn scale(scaled: &mut Vec<u64>, rows: &[PackedRow], figure: usize) -> Option<u32> {
    align(scaled, rows, figure).or_else(|| search(scaled, || rows.iter().map(|row| amount(row, figure))))
}

/// Scales amounts that are all decimals, which know their digits. None: some are doubles, or very large.
fn align(scaled: &mut Vec<u64>, rows: &[PackedRow], figure: usize) -> Option<u32> {
    let digits = rows.iter().map(|row| row.decimal(figure).digits()).max().unwrap_or(0);
    if digits > flows::MAX_DIGITS || rows.iter().any(|row| row.is_double(figure)) {
        return None;
    }
    let mut largest = 0;
    scaled.clear();
    scaled.extend(rows.iter().map(|row| {
        let decimal = row.decimal(figure);
        let missing = usize::try_from(digits - decimal.digits()).unwrap_or(0);
        let number = decimal.scaled().saturating_mul(TENS.get(missing).copied().unwrap_or(u64::MAX));
        largest = largest.max(number);
        number
    }));
    if largest >= EXACT_LIMIT {
        return None;
    }
    let mut digits = digits;
    while digits > 0 && scaled.iter().all(|number| number.is_multiple_of(10)) {
        scaled.iter_mut().for_each(|number| *number /= 10);
        digits -= 1;
    }
    Some(digits)
}

/// Powers of ten.
const TENS: [u64; 10] =
    [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000];

/// Exclusive upper bound on whole numbers that stay distinct as doubles after division by any power of ten,
/// with room to spare.
const EXACT_LIMIT: u64 = 1 << 49;

/// Scales any amounts, by trying one number of digits after the other.
fn search<I: Iterator<Item = f64>>(scaled: &mut Vec<u64>, amounts: impl Fn() -> I) -> Option<u32> {
    let mut digits = 0;
    'again: loop {
        scaled.clear();
        let ten = flows::ten_to(digits);
        for amount in amounts() {
            match whole(amount, ten) {
                Some(number) => scaled.push(number),
                None if digits < flows::MAX_DIGITS => {
                    digits += 1;
                    continue 'again;
                }
                None => return None,
            }
        }
        return Some(digits);
    }
}

/// An amount times a power of ten, if that is whole and the division gives the same amount again.
fn whole(amount: f64, ten: f64) -> Option<u64> {
    if amount.is_nan() {
        return Some(0);
    }
    #[allow(
        clippy::cast_possible_truncation,
        reason = "a number that is too large does not give the amount back"
    )]
    let number = (amount * ten + 0.5) as i64;
    let number = u64::try_from(number).ok().filter(|number| *number < flows::SCALED_LIMIT)?;
    (flows::unscaled(number, ten).to_bits() == amount.to_bits()).then_some(number)
}

/// Numbers symbols in the order of their first use.
#[derive(Debug, Default)]
struct Dictionary {
    /// Place of each symbol. None: it was not added.
    places: Vec<Option<u16>>,
    symbols: Vec<Symbol>,
    /// The symbol that was added last: the same often follows.
    last: Option<Symbol>,
}

impl Dictionary {
    /// Adds a symbol, if it is new.
    fn add(&mut self, symbol: Symbol) {
        if self.last == Some(symbol) {
            return;
        }
        self.last = Some(symbol);
        let at = usize::from(symbol);
        if self.places.len() <= at {
            self.places.resize(at + 1, None);
        }
        if let Some(place @ None) = self.places.get_mut(at) {
            // Symbols have 16 bits, and so have their places.
            *place = Some(u16::try_from(self.symbols.len()).unwrap_or(u16::MAX));
            self.symbols.push(symbol);
        }
    }

    fn place(&self, symbol: Symbol) -> u64 {
        self.places.get(usize::from(symbol)).copied().flatten().unwrap_or_default().into()
    }

    fn clear(&mut self) {
        self.last = None;
        for symbol in self.symbols.drain(..) {
            if let Some(place) = self.places.get_mut(usize::from(symbol)) {
                *place = None;
            }
        }
    }
}
