//! Trade, in either form: amounts and lines as they are, or as whole numbers.
//!
//! What a chunk says is checked when it is recorded, so that reading it later cannot fail: dictionaries, lengths of columns and
//! what they point at. That costs a small part of reading the rows.

use std::collections::BTreeSet;

use bytes::Bytes;
use orewatch_catalog::ResidualKind;
use orewatch_contracts::ingestion::v1::Product;
use orewatch_contracts::packed::{Shape, Varints};

use super::columns::{market, periods};
use super::wire::{TradeColumns, joined};
use super::{Open, Unreadable};
use crate::book::strip::{Amounts, Lines, Strip};
use crate::book::unit::Party;
use crate::book::{EconomyId, Flow, Market, ResidualFlow};

/// Fewest rows of one market that are kept as they came: below that the columns' own overhead is larger than the rows.
const FEWEST: usize = 64;

impl Open {
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
        let strip = strip(columns, &parties, codes)?;
        let places = Places::of(columns, strip.rows)?;
        if parties.iter().any(|party| matches!(party, Party::Residual(_))) {
            self.add_all(&markets, &places, &strip, &parties);
            return Ok(());
        }
        match places.only(&markets) {
            Some(market) if strip.rows >= FEWEST => {
                let used: BTreeSet<_> =
                    places.products().filter_map(|place| strip.codes.get(place).copied()).collect();
                self.flows.lot_mut(market).add_strip(strip, used);
            }
            _ => self.add_rows(&markets, &places, &strip),
        }
        Ok(())
    }

    fn add_rows(&mut self, markets: &[Vec<Market>], places: &Places, strip: &Strip) {
        let mut rows = Vec::new();
        strip.read(&mut rows);
        for (row, flow) in rows.into_iter().enumerate() {
            let market = markets.get(places.period.at(row)).and_then(|of| of.get(places.product.at(row)));
            if let Some(market) = market {
                self.add_row(*market, flow);
            }
        }
    }

    /// Adds rows of which some have a partner that is no economy. A row without any economy says nothing of anyone.
    fn add_all(&mut self, markets: &[Vec<Market>], places: &Places, strip: &Strip, parties: &[Party]) {
        let mut rows = Vec::new();
        strip.read(&mut rows);
        let party = |number| parties.get(usize::try_from(number).ok()?).copied();
        let sides = Varints::new(&strip.exporter).zip(Varints::new(&strip.importer));
        for (row, (flow, (exporter, importer))) in rows.into_iter().zip(sides).enumerate() {
            let market = markets.get(places.period.at(row)).and_then(|of| of.get(places.product.at(row)));
            let Some(market) = market else { continue };
            match (party(exporter), party(importer)) {
                (Some(Party::Residual(kind)), Some(Party::Economy(economy))) => {
                    self.flows.lot_mut(*market).add_residual(residual(economy, true, kind, &flow));
                }
                (Some(Party::Economy(economy)), Some(Party::Residual(kind))) => {
                    self.flows.lot_mut(*market).add_residual(residual(economy, false, kind, &flow));
                }
                (Some(Party::Economy(_)), Some(Party::Economy(_))) => self.add_row(*market, flow),
                _ => {}
            }
        }
    }

    fn add_row(&mut self, market: Market, flow: Flow) {
        self.flows.lot_mut(market).add_row(flow);
    }
}

fn residual(economy: EconomyId, is_import: bool, kind: &'static ResidualKind, row: &Flow) -> ResidualFlow {
    let Flow { product, reporter, source, origin, quantity, value, .. } = *row;
    ResidualFlow { economy, is_import, kind, product, reporter, source, origin, quantity, value }
}

/// Markets by period and product of the chunk.
fn markets(texts: &[String], products: &[Product]) -> Result<Vec<Vec<Market>>, Unreadable> {
    let of = |period| products.iter().map(|of| market(&of.material, &of.stage, period)).collect();
    periods(texts)?.into_iter().map(of).collect()
}

/// The columns of a chunk, checked.
fn strip(columns: &TradeColumns, parties: &[Party], codes: Box<[u16]>) -> Result<Strip, Unreadable> {
    let economy = |party: &Party| match party {
        Party::Economy(economy) => *economy,
        // Rows with such a partner are told apart by their indices.
        Party::Residual(_) => EconomyId::FIRST,
    };
    let economies: Box<[_]> = parties.iter().map(economy).collect();
    let (exporter, importer) = (joined(&columns.exporter), joined(&columns.importer));
    let rows = Shape::of(&exporter).count;
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
    Ok(Strip {
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
    let (mut count, mut most) = (0, None);
    for entry in entries.by_ref() {
        count += 1;
        most = most.max(Some(entry));
    }
    if count != rows || !entries.is_empty() {
        return Err(Unreadable::uneven(name));
    }
    let fits = |most| usize::try_from(most).is_ok_and(|most| most < dictionary);
    if most.is_none_or(fits) { Ok(()) } else { Err(Unreadable::short(name)) }
}

/// The same for a column that may be empty.
fn check_optional(name: &str, column: &[u8], rows: usize, dictionary: usize) -> Result<(), Unreadable> {
    if column.is_empty() { Ok(()) } else { check_entries(name, column, rows, dictionary) }
}

fn lines(plain: Bytes, steps: Bytes, rows: usize) -> Result<Lines, Unreadable> {
    let fits = |column: &[u8]| {
        let Shape { count, is_cut, .. } = Shape::of(column);
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
    let unit = power.ok_or_else(|| Unreadable(format!("its `{name}_digits` is {digits}, above 9")))?;
    match (plain.is_empty(), scaled.is_empty()) {
        (false, false) => Err(Unreadable(format!("its column `{name}` is there in both forms"))),
        (_, true) if plain.len() == rows.saturating_mul(8) => {
            Ok(Amounts { numbers: plain, unit: None, statuses })
        }
        (true, false) => {
            check_scaled(name, &scaled, rows)?;
            Ok(Amounts { numbers: scaled, unit: Some(unit), statuses })
        }
        _ => Err(Unreadable::uneven(name)),
    }
}

/// Powers of ten.
const POWERS: [f64; 10] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];

/// Checks that there is a number a row, each below 2^53. Only numbers of more than seven bytes may be above.
fn check_scaled(name: &str, column: &[u8], rows: usize) -> Result<(), Unreadable> {
    let Shape { count, has_long, is_cut } = Shape::of(column);
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

/// Which period and product each row is of.
struct Places {
    rows: usize,
    period: Column,
    product: Column,
}

/// Indices into a dictionary.
enum Column {
    /// The first for all.
    First,
    Each(Vec<usize>),
}

impl Places {
    fn of(columns: &TradeColumns, rows: usize) -> Result<Self, Unreadable> {
        let period = Column::read("period", &joined(&columns.period), rows, columns.periods.len())?;
        let product = Column::read("product", &joined(&columns.product), rows, columns.products.len())?;
        Ok(Self { rows, period, product })
    }

    /// The market of all rows. None: they are of several, or there are none.
    fn only(&self, markets: &[Vec<Market>]) -> Option<Market> {
        let market = |period: usize, product: usize| markets.get(period)?.get(product).copied();
        let first = market(self.period.at(0), self.product.at(0)).filter(|_| self.rows > 0)?;
        let others = match (&self.period, &self.product) {
            (Column::First, Column::First) => 0,
            _ => self.rows,
        };
        let is_first = |row| market(self.period.at(row), self.product.at(row)) == Some(first);
        (0..others).all(is_first).then_some(first)
    }

    /// Products of the rows, at least once each.
    fn products(&self) -> impl Iterator<Item = usize> {
        let each: &[usize] = match &self.product {
            Column::First => &[0],
            Column::Each(places) => places,
        };
        each.chunk_by(|a, b| a == b).filter_map(|same| same.first().copied())
    }
}

impl Column {
    fn read(name: &str, column: &[u8], rows: usize, dictionary: usize) -> Result<Self, Unreadable> {
        if column.is_empty() {
            return if rows == 0 || dictionary > 0 { Ok(Self::First) } else { Err(Unreadable::short(name)) };
        }
        check_entries(name, column, rows, dictionary)?;
        Ok(Self::Each(Varints::new(column).filter_map(|place| usize::try_from(place).ok()).collect()))
    }

    fn at(&self, row: usize) -> usize {
        match self {
            Self::First => 0,
            Self::Each(places) => places.get(row).copied().unwrap_or(usize::MAX),
        }
    }
}
