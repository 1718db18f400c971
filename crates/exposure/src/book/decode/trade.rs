//! Trade, in either form: amounts and lines as they are, or as whole numbers.

use orewatch_contracts::ingestion::v1 as ingestion;
use orewatch_contracts::ingestion::v1::TradeColumns;

use super::columns::{as_amount, at, at_or, cell, economies, entry, index, lookup};
use super::markets::markets;
use super::{Open, Unreadable};
use crate::book::{Cell, Flow, Origin, Reporter};

impl Open {
    pub(super) fn record_trade(&mut self, columns: &TradeColumns) -> Result<(), Unreadable> {
        check_lengths(columns)?;
        let economies = economies(&columns.economies)?;
        let products = columns.products.iter().map(|product| (&*product.material, &*product.stage));
        let markets = markets(&mut self.flows, &columns.periods, products)?;
        let codes: Vec<_> =
            columns.products.iter().map(|product| self.products.index(&product.code)).collect();
        let proxies = columns.products.iter().zip(&codes).filter(|(product, _)| product.proxy);
        self.proxies.extend(proxies.map(|(_, code)| *code));
        let pure =
            columns.products.iter().zip(&codes).filter_map(|(product, code)| Some((*code, product.purity?)));
        self.purities.extend(pure);
        let (value, quantity) = (Amounts::values(columns)?, Amounts::quantities(columns)?);
        let mut line = 0_u64;
        self.flows.reserve(columns.exporter.len());
        for row in 0..columns.exporter.len() {
            let product = at_or(&columns.product, row, 0, "product")?;
            line = self::line(columns, row, line)?;
            let flow = Flow {
                importer: entry(&economies, &columns.importer, row, "importer")?,
                exporter: entry(&economies, &columns.exporter, row, "exporter")?,
                product: lookup(&codes, product, "product")?,
                reporter: reporter(at_or(&columns.reporter, row, 0, "reporter")?),
                origin: Origin { file: file(columns, row)?, line },
                quantity: quantity.at(row)?,
                value: value.at(row)?,
            };
            let market = markets.get(index(at_or(&columns.period, row, 0, "period")?));
            let market = market.ok_or_else(|| Unreadable::short("period"))?;
            self.flows.push(lookup(market, product, "product")?, flow);
        }
        Ok(())
    }
}

/// Checks that every column has an entry a row, or none at all where that stands for something.
fn check_lengths(columns: &TradeColumns) -> Result<(), Unreadable> {
    let rows = columns.exporter.len();
    let even = [
        ("importer", columns.importer.len()),
        ("value", columns.value.len().saturating_add(columns.value_scaled.len())),
        ("quantity", columns.quantity.len().saturating_add(columns.quantity_scaled.len())),
    ];
    let even_or_empty = [
        ("period", columns.period.len()),
        ("product", columns.product.len()),
        ("value_status", columns.value_status.len()),
        ("quantity_status", columns.quantity_status.len()),
        ("file", columns.file.len()),
        ("line", columns.line.len().saturating_add(columns.line_step.len())),
        ("reporter", columns.reporter.len()),
    ];
    let uneven = even.into_iter().find(|(_, len)| *len != rows);
    let uneven = uneven.or_else(|| even_or_empty.into_iter().find(|(_, len)| *len != rows && *len != 0));
    uneven.map_or(Ok(()), |(name, _)| Err(Unreadable::uneven(name)))
}

/// A column of amounts.
struct Amounts<'a> {
    name: &'static str,
    plain: &'a [f64],
    scaled: &'a [u64],
    /// What the scaled ones are divided by: a whole number without loss, so that the quotient is the nearest double.
    unit: f64,
    statuses: &'a [i32],
}

impl<'a> Amounts<'a> {
    fn values(columns: &'a TradeColumns) -> Result<Self, Unreadable> {
        let TradeColumns { value, value_scaled, value_digits, value_status, .. } = columns;
        Self::new("value", value, value_scaled, *value_digits, value_status)
    }

    fn quantities(columns: &'a TradeColumns) -> Result<Self, Unreadable> {
        let TradeColumns { quantity, quantity_scaled, quantity_digits, quantity_status, .. } = columns;
        Self::new("quantity", quantity, quantity_scaled, *quantity_digits, quantity_status)
    }

    fn new(
        name: &'static str,
        plain: &'a [f64],
        scaled: &'a [u64],
        digits: u32,
        statuses: &'a [i32],
    ) -> Result<Self, Unreadable> {
        if !plain.is_empty() && !scaled.is_empty() {
            return Err(Unreadable(format!("its column `{name}` is there in both forms")));
        }
        let power = usize::try_from(digits).ok().and_then(|digits| POWERS.get(digits));
        let unit = power.ok_or_else(|| Unreadable(format!("its `{name}_digits` is {digits}, above 9")))?;
        Ok(Self { name, plain, scaled, unit: *unit, statuses })
    }

    fn at(&self, row: usize) -> Result<Cell, Unreadable> {
        let number = match self.plain {
            [] => whole(at(self.scaled, row, self.name)?, self.name)? / self.unit,
            plain => at(plain, row, self.name)?,
        };
        cell(number, self.statuses, row, self.name).map(as_amount)
    }
}

/// Powers of ten.
const POWERS: [f64; 10] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];

/// A whole number without loss.
fn whole(number: u64, name: &str) -> Result<f64, Unreadable> {
    const LOW: u64 = 1 << 32;
    let parts = (u32::try_from(number / LOW), u32::try_from(number % LOW));
    match parts {
        (Ok(high), Ok(low)) if high < 1 << 21 => Ok(f64::from(high) * 4_294_967_296.0 + f64::from(low)),
        _ => Err(Unreadable(format!("its column `{name}_scaled` has a number of 2^53 or above"))),
    }
}

fn file(columns: &TradeColumns, row: usize) -> Result<u16, Unreadable> {
    u16::try_from(at_or(&columns.file, row, 0, "file")?).map_err(|_| Unreadable::short("file"))
}

/// The line of a row, given that of the row before. 0: none is said.
fn line(columns: &TradeColumns, row: usize, before: u64) -> Result<u64, Unreadable> {
    if columns.line_step.is_empty() {
        return at_or(&columns.line, row, 0, "line");
    }
    let line = before.checked_add_signed(at(&columns.line_step, row, "line_step")?);
    line.ok_or_else(|| Unreadable("its column `line_step` leads to a line that cannot be".to_owned()))
}

fn reporter(number: i32) -> Reporter {
    match ingestion::Reporter::try_from(number) {
        Ok(ingestion::Reporter::Importer) => Reporter::Importer,
        Ok(ingestion::Reporter::Exporter) => Reporter::Exporter,
        _ => Reporter::One,
    }
}
