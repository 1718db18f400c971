//! Rows of trade as columns.
use orewatch_contracts::common::v1::Status;
use orewatch_contracts::ingestion::v1::Reporter;
use prost::Message as _;

use super::super::super::names::{Names, Symbol};
use super::super::product_of;
use super::super::wire::Fields;
use super::{Part, Waiting};
use crate::flows;

/// Writes columns; keeps what it needs from chunk to chunk.
#[derive(Debug, Default)]
pub(super) struct Columns {
    economies: Dictionary,
    products: Dictionary,
    periods: Dictionary,
    scaled: Vec<u64>,
}

impl Columns {
    /// The columns of some markets' rows, one after the other.
    pub(super) fn write(&mut self, parts: &[Part], names: &Names) -> Vec<u8> {
        let rows = || parts.iter().flat_map(|part| &part.rows);
        let [economies, products, periods] = [&mut self.economies, &mut self.products, &mut self.periods];
        rows().for_each(|row| economies.meet(row.exporter));
        rows().for_each(|row| economies.meet(row.importer));
        rows().for_each(|row| products.meet(row.topic));
        parts.iter().for_each(|part| periods.meet(part.period));
        let mut fields = Fields::default();
        for symbol in &periods.met {
            let name = names.periods.name(*symbol).map(ToString::to_string).unwrap_or_default();
            fields.bytes(1, name.as_bytes());
        }
        for symbol in &economies.met {
            fields.bytes(2, names.economies.name(*symbol).unwrap_or_default().as_bytes());
        }
        for symbol in &products.met {
            let product = names.topics.name(*symbol).and_then(product_of).unwrap_or_default();
            fields.bytes(3, &product.encode_to_vec());
        }
        if periods.met.len() > 1 {
            let period = |part: &Part| std::iter::repeat_n(periods.place(part.period), part.rows.len());
            fields.numbers(4, parts.iter().flat_map(period));
        }
        fields.numbers(5, rows().map(|row| economies.place(row.exporter)));
        fields.numbers(6, rows().map(|row| economies.place(row.importer)));
        if products.met.len() > 1 {
            fields.numbers(7, rows().map(|row| products.place(row.topic)));
        }
        self.figures(parts, &mut fields);
        self.economies.clear();
        self.products.clear();
        self.periods.clear();
        fields.into_bytes()
    }

    /// Everything from the values on.
    fn figures(&mut self, parts: &[Part], fields: &mut Fields) {
        let rows = || parts.iter().flat_map(|part| &part.rows);
        let mut values = std::mem::take(&mut self.scaled);
        let mut quantities = Vec::new();
        let value_digits = scale(&mut values, || rows().map(|row| row.figure(0)));
        let quantity_digits = scale(&mut quantities, || rows().map(|row| row.figure(1)));
        if value_digits.is_none() {
            fields.doubles(8, rows().map(|row| row.figure(0)));
        }
        if quantity_digits.is_none() {
            fields.doubles(9, rows().map(|row| row.figure(1)));
        }
        for (field, figure) in [(10, 0), (11, 1)] {
            if rows().any(|row| row.status(figure) != KNOWN) {
                fields.numbers(field, rows().map(|row| row.status(figure)));
            }
        }
        if rows().any(|row| row.file() > 0) {
            fields.numbers(12, rows().map(Waiting::file));
        }
        if rows().any(|row| row.reporter() != UNSPECIFIED) {
            fields.numbers(14, rows().map(Waiting::reporter));
        }
        for (field, digits, scaled) in [(15, value_digits, &values), (17, quantity_digits, &quantities)] {
            if let Some(digits) = digits {
                fields.numbers(field, scaled.iter().copied());
                fields.number(field + 1, digits.into());
            }
        }
        let mut last = 0;
        fields.signed(
            19,
            rows().map(|row| {
                let step = row.line() - last;
                last = row.line();
                step
            }),
        );
        values.clear();
        self.scaled = values;
    }
}

/// Status of a figure that is known, as it is marked.
const KNOWN: u64 = Status::Known as u64;

/// Nobody in particular reports, as it is marked.
const UNSPECIFIED: u64 = Reporter::Unspecified as u64;

/// Amounts as whole numbers with the fewest digits after the point that give each of them exactly; 0 where one is not known.
/// None: there are no such digits.
fn scale<I: Iterator<Item = f64>>(scaled: &mut Vec<u64>, amounts: impl Fn() -> I) -> Option<u32> {
    let mut digits = 0;
    'again: loop {
        scaled.clear();
        let ten = flows::ten_to(digits);
        for amount in amounts() {
            match whole(amount, ten) {
                Some(number) => scaled.push(number),
                None if digits < flows::MOST_DIGITS => {
                    digits += 1;
                    continue 'again;
                }
                None => return None,
            }
        }
        return Some(digits);
    }
}

/// An amount times a power of ten, if it is whole and gives the amount back.
fn whole(amount: f64, ten: f64) -> Option<u64> {
    if amount.is_nan() {
        return Some(0);
    }
    #[allow(
        clippy::cast_possible_truncation,
        reason = "a number that is too large does not give the amount back"
    )]
    let number = (amount * ten + 0.5) as i64;
    let number = u64::try_from(number).ok().filter(|number| *number < flows::MOST_SCALED)?;
    (flows::unscaled(number, ten).to_bits() == amount.to_bits()).then_some(number)
}

/// Places of symbols in the order of their first use.
#[derive(Debug, Default)]
struct Dictionary {
    /// By symbol; none where it was not met.
    places: Vec<Option<u16>>,
    met: Vec<Symbol>,
}

impl Dictionary {
    fn meet(&mut self, symbol: Symbol) {
        let at = usize::from(symbol);
        if self.places.len() <= at {
            self.places.resize(at + 1, None);
        }
        if let Some(place @ None) = self.places.get_mut(at) {
            // There are as many places as symbols.
            *place = Some(u16::try_from(self.met.len()).unwrap_or(u16::MAX));
            self.met.push(symbol);
        }
    }

    fn place(&self, symbol: Symbol) -> u64 {
        self.places.get(usize::from(symbol)).copied().flatten().unwrap_or_default().into()
    }

    fn clear(&mut self) {
        for symbol in self.met.drain(..) {
            if let Some(place) = self.places.get_mut(usize::from(symbol)) {
                *place = None;
            }
        }
    }
}
