//! Decodes trade, in both forms of the contract: amounts and lines as they are, or as whole numbers.
//!
//! A chunk is checked when it is recorded, so that reading it later cannot fail: dictionaries, lengths of
//! columns, and that indices are within their dictionaries. That costs a small part of reading the rows.

use std::collections::BTreeSet;

use bytes::Bytes;
use orewatch_catalog::ResidualKind;
use orewatch_contracts::ingestion::v1::Product;
use orewatch_contracts::packed::{Shape, Varints};

use super::columns::{market, periods};
use super::wire::{TradeColumns, joined};
use super::{OpenRelease, Unreadable};
use crate::book::flow_columns::{Amounts, FlowColumns, Lines};
use crate::book::unit::Party;
use crate::book::{EconomyId, Flow, Market, ResidualFlow};

/// Least number of rows of one market that are kept as columns. Below that the overhead of columns is larger
/// than the rows.
const MIN_COLUMN_ROWS: usize = 64;

impl OpenRelease {
    pub(super) fn record_trade(&mut self, columns: &TradeColumns) -> Result<(), Unreadable> {
        let markets = markets(&columns.periods, &columns.products)?;
        let codes: Box<[u16]> =
            columns.products.iter().map(|product| self.products.index(&product.code)).collect();
        let proxies = columns.products.iter().zip(&codes).filter(|(product, _)| product.proxy);
        self.proxies.extend(proxies.map(|(_, code)| *code));
        let pure = columns.products.iter().zip(&codes);
        self.purities.extend(pure.filter_map(|(product, code)| Some((*code, product.purity?))));
        let parties =
            columns.economies.iter().map(|code| Party::read(code)).collect::<Result<Vec<_>, _>>()?;
        let flows = flow_columns(columns, &parties, codes)?;
        let row_markets = RowMarkets::read(columns, flows.rows)?;
        if parties.iter().any(|party| matches!(party, Party::Residual(_))) {
            self.add_rows_with_residuals(&markets, &row_markets, &flows, &parties);
            return Ok(());
        }
        match row_markets.only_market(&markets) {
            Some(market) if flows.rows >= MIN_COLUMN_ROWS && self.holding.includes(market.material) => {
                let used: BTreeSet<_> =
                    row_markets.products().filter_map(|product| flows.codes.get(product).copied()).collect();
                self.flows.market_mut(market).add_columns(flows, used);
            }
            _ => self.add_rows(&markets, &row_markets, &flows),
        }
        Ok(())
    }

    fn add_rows(&mut self, markets: &[Vec<Market>], row_markets: &RowMarkets, flows: &FlowColumns) {
        let mut rows = Vec::new();
        flows.read(&mut rows);
        for (row, flow) in rows.into_iter().enumerate() {
            let market = row_markets.market(markets, row);
            if let Some(market) = market {
                self.add_row(market, flow);
            }
        }
    }

    /// Adds rows of which some have a partner that is no economy. Rows without any economy are dropped.
    fn add_rows_with_residuals(
        &mut self,
        markets: &[Vec<Market>],
        row_markets: &RowMarkets,
        flows: &FlowColumns,
        parties: &[Party],
    ) {
        let mut rows = Vec::new();
        flows.read(&mut rows);
        let party = |number| parties.get(usize::try_from(number).ok()?).copied();
        let sides = Varints::new(&flows.exporter).zip(Varints::new(&flows.importer));
        for (row, (flow, (exporter, importer))) in rows.into_iter().zip(sides).enumerate() {
            let market = row_markets.market(markets, row);
            let Some(market) = market else { continue };
            match (party(exporter), party(importer)) {
                (Some(Party::Residual(kind)), Some(Party::Economy(economy))) => {
                    self.add_residual(market, residual(economy, true, kind, &flow));
                }
                (Some(Party::Economy(economy)), Some(Party::Residual(kind))) => {
                    self.add_residual(market, residual(economy, false, kind, &flow));
                }
                (Some(Party::Economy(_)), Some(Party::Economy(_))) => self.add_row(market, flow),
                _ => {}
            }
        }
    }

    fn add_row(&mut self, market: Market, flow: Flow) {
        let stored = self.flows.market_mut(market);
        if self.holding.includes(market.material) {
            stored.add_row(flow);
        } else {
            stored.note_row(&flow);
        }
    }

    fn add_residual(&mut self, market: Market, row: ResidualFlow) {
        let stored = self.flows.market_mut(market);
        if self.holding.includes(market.material) {
            stored.add_residual(row);
        } else {
            stored.note_residual(&row);
        }
    }
}

fn residual(economy: EconomyId, is_import: bool, kind: &'static ResidualKind, row: &Flow) -> ResidualFlow {
    let Flow { product, reporter, source, origin, quantity, value, .. } = *row;
    ResidualFlow { economy, is_import, kind, product, reporter, source, origin, quantity, value }
}

/// Markets by period and product of the chunk.
fn markets(texts: &[String], products: &[Product]) -> Result<Vec<Vec<Market>>, Unreadable> {
    let markets_of_period =
        |period| products.iter().map(|product| market(&product.material, &product.stage, period)).collect();
    periods(texts)?.into_iter().map(markets_of_period).collect()
}

/// The columns of a chunk, checked.
fn flow_columns(
    columns: &TradeColumns,
    parties: &[Party],
    codes: Box<[u16]>,
) -> Result<FlowColumns, Unreadable> {
    let economy = |party: &Party| match party {
        Party::Economy(economy) => *economy,
        // Rows with such a partner are recognised by their indices.
        Party::Residual(_) => EconomyId::FIRST,
    };
    let economies: Box<[_]> = parties.iter().map(economy).collect();
    let (exporter, importer) = (joined(&columns.exporter), joined(&columns.importer));
    let rows = Shape::new(&exporter).count;
    check_entries("exporter", &exporter, rows, economies.len())?;
    check_entries("importer", &importer, rows, economies.len())?;
    let product = joined(&columns.product);
    let file = joined(&columns.file);
    check_optional("file", &file, rows, usize::from(u16::MAX) + 1)?;
    let reporter = joined(&columns.reporter);
    check_optional("reporter", &reporter, rows, usize::MAX)?;
    let value = amounts(
        "value",
        [&columns.value, &columns.value_scaled, &columns.value_status],
        columns.value_digits,
        rows,
    )?;
    let quantity = [&columns.quantity, &columns.quantity_scaled, &columns.quantity_status];
    let quantity = amounts("quantity", quantity, columns.quantity_digits, rows)?;
    let column = joined(&columns.quantity_column);
    check_optional("quantity_column", &column, rows, usize::from(u16::MAX) + 1)?;
    let line = lines(joined(&columns.line), joined(&columns.line_step), rows)?;
    Ok(FlowColumns {
        rows,
        economies,
        codes,
        exporter,
        importer,
        product,
        reporter,
        file,
        line,
        value,
        quantity,
        column,
    })
}

/// Checks that a column has an entry a row, each below the length of its dictionary.
fn check_entries(name: &str, column: &[u8], rows: usize, dictionary: usize) -> Result<(), Unreadable> {
    let mut entries = Varints::new(column);
    let (mut count, mut greatest) = (0, None);
    for entry in entries.by_ref() {
        count += 1;
        greatest = greatest.max(Some(entry));
    }
    if count != rows || !entries.is_empty() {
        return Err(Unreadable::uneven(name));
    }
    let fits = |greatest| usize::try_from(greatest).is_ok_and(|greatest| greatest < dictionary);
    if greatest.is_none_or(fits) { Ok(()) } else { Err(Unreadable::short(name)) }
}

/// [`check_entries`] for a column that may be empty.
fn check_optional(name: &str, column: &[u8], rows: usize, dictionary: usize) -> Result<(), Unreadable> {
    if column.is_empty() { Ok(()) } else { check_entries(name, column, rows, dictionary) }
}

/// The line numbers of rows, in either form.
fn lines(plain: Bytes, steps: Bytes, rows: usize) -> Result<Lines, Unreadable> {
    let fits = |column: &[u8]| {
        let Shape { count, is_cut, .. } = Shape::new(column);
        count == rows && !is_cut
    };
    match (plain.is_empty(), steps.is_empty()) {
        (true, true) => Ok(Lines::Plain(plain)),
        (false, true) if fits(&plain) => Ok(Lines::Plain(plain)),
        (true, false) if fits(&steps) => Ok(Lines::Steps(steps)),
        _ => Err(Unreadable::uneven("line")),
    }
}

/// A column of amounts: plain, scaled, statuses.
fn amounts(name: &str, columns: [&Vec<Bytes>; 3], digits: u32, rows: usize) -> Result<Amounts, Unreadable> {
    let [plain, scaled, statuses] = columns.map(|runs| joined(runs));
    check_optional(&format!("{name}_status"), &statuses, rows, usize::MAX)?;
    let power = usize::try_from(digits).ok().and_then(|digits| POWERS.get(digits)).copied();
    let divisor = power.ok_or_else(|| Unreadable(format!("its `{name}_digits` is {digits}, above 9")))?;
    match (plain.is_empty(), scaled.is_empty()) {
        (false, false) => Err(Unreadable(format!("its column `{name}` is present in both forms"))),
        (_, true) if plain.len() == rows.saturating_mul(8) => {
            Ok(Amounts { numbers: plain, divisor: None, statuses })
        }
        (true, false) => {
            check_scaled(name, &scaled, rows)?;
            Ok(Amounts { numbers: scaled, divisor: Some(divisor), statuses })
        }
        _ => Err(Unreadable::uneven(name)),
    }
}

/// Powers of ten.
const POWERS: [f64; 10] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];

/// Checks that there is one number a row, each below 2^53. Only numbers of more than seven bytes can be above
/// that.
fn check_scaled(name: &str, column: &[u8], rows: usize) -> Result<(), Unreadable> {
    let Shape { count, has_long, is_cut } = Shape::new(column);
    let mut numbers = Varints::new(column);
    if has_long && numbers.by_ref().any(|number| number >= 1 << 53) {
        return Err(Unreadable(format!("its column `{name}_scaled` has a number of 2^53 or above")));
    }
    if count == rows && !is_cut && (!has_long || numbers.is_empty()) {
        Ok(())
    } else {
        Err(Unreadable::uneven(name))
    }
}

/// The period and product of each row, which give its market.
struct RowMarkets {
    rows: usize,
    period: IndexColumn,
    product: IndexColumn,
}

/// A column of indices into a dictionary.
enum IndexColumn {
    /// Empty: all rows have the first entry.
    First,
    /// One index a row.
    Each(Vec<usize>),
}

impl RowMarkets {
    fn read(columns: &TradeColumns, rows: usize) -> Result<Self, Unreadable> {
        let period = IndexColumn::read("period", &joined(&columns.period), rows, columns.periods.len())?;
        let product = IndexColumn::read("product", &joined(&columns.product), rows, columns.products.len())?;
        Ok(Self { rows, period, product })
    }

    /// The market of a row, given the markets by period and product.
    fn market(&self, markets: &[Vec<Market>], row: usize) -> Option<Market> {
        markets.get(self.period.index(row))?.get(self.product.index(row)).copied()
    }

    /// The market of all rows. `None`: they are of several, or there are no rows.
    fn only_market(&self, markets: &[Vec<Market>]) -> Option<Market> {
        let first = self.market(markets, 0).filter(|_| self.rows > 0)?;
        let others = match (&self.period, &self.product) {
            (IndexColumn::First, IndexColumn::First) => 0,
            _ => self.rows,
        };
        (0..others).all(|row| self.market(markets, row) == Some(first)).then_some(first)
    }

    /// Products of the rows, each at least once.
    fn products(&self) -> impl Iterator<Item = usize> {
        let each: &[usize] = match &self.product {
            IndexColumn::First => &[0],
            IndexColumn::Each(indices) => indices,
        };
        each.chunk_by(|a, b| a == b).filter_map(|same| same.first().copied())
    }
}

impl IndexColumn {
    fn read(name: &str, column: &[u8], rows: usize, dictionary: usize) -> Result<Self, Unreadable> {
        if column.is_empty() {
            return if rows == 0 || dictionary > 0 { Ok(Self::First) } else { Err(Unreadable::short(name)) };
        }
        check_entries(name, column, rows, dictionary)?;
        Ok(Self::Each(Varints::new(column).filter_map(|index| usize::try_from(index).ok()).collect()))
    }

    /// The index in a row.
    fn index(&self, row: usize) -> usize {
        match self {
            Self::First => 0,
            Self::Each(indices) => indices.get(row).copied().unwrap_or(usize::MAX),
        }
    }
}
