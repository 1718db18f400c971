//! Why an exposure is what it is: terms, suppliers, source rows, releases.

use orewatch_contracts::common::v1 as common;
use orewatch_contracts::exposure::v1::{Contribution, ExplainExposureResponse, Exposure, SourceRow, Term};
use orewatch_measures::{Amount, Estimate, Measure, Sourcing, Status, Table, Weight};

use crate::accounts::Accounts;
use crate::book::{Book, Cell, Content, EconomyId, Flow, Knowledge, Output};
use crate::query::{exposure, exposure_of, latest_period, one};
use crate::request::Asked;
use crate::wire;

/// Explains one exposure, with at most `max_rows` source rows.
pub(crate) fn explain(book: &Book, at: Knowledge, asked: &Asked, max_rows: usize) -> ExplainExposureResponse {
    let Some(period) = asked.period.or_else(|| latest_period(book, at, asked)) else {
        return answer(asked, exposure_of(book, at, asked));
    };
    let accounts = Accounts::new(book.view(asked.market(period), at));
    let figure = one(&accounts, asked);
    let sourcing = sourcing(&accounts, asked);
    let mut rows = rows(&accounts, asked);
    let rows_total = u64::try_from(rows.len()).unwrap_or(u64::MAX);
    rows.truncate(max_rows);
    ExplainExposureResponse {
        terms: terms(&accounts, asked, sourcing.as_ref()),
        contributions: sourcing
            .as_ref()
            .map(|sourcing| contributions(sourcing, asked.key.by))
            .unwrap_or_default(),
        rows: rows.into_iter().map(|row| row.row).collect(),
        rows_total,
        releases: releases(&accounts, asked.key.measure),
        ..answer(asked, exposure(accounts.view(), &figure))
    }
}

fn answer(asked: &Asked, exposure: Exposure) -> ExplainExposureResponse {
    let method = asked.key.measure.method();
    ExplainExposureResponse {
        exposure: Some(exposure),
        formula: method.formula.to_owned(),
        citation: method.citation.to_owned(),
        ..ExplainExposureResponse::default()
    }
}

fn sourcing(accounts: &Accounts<'_>, asked: &Asked) -> Option<Sourcing<EconomyId>> {
    match asked.key.measure.method().table {
        Table::Trade => accounts.imports(asked.consumer, asked.key.by),
        Table::Production => accounts.output(),
        Table::Both => None,
    }
}

fn unit(by: Weight) -> &'static str {
    match by {
        Weight::Quantity => "t",
        Weight::Value => "kUSD",
    }
}

/// The terms of the formula that have one figure, in the order in which they appear.
fn terms(accounts: &Accounts<'_>, asked: &Asked, sourcing: Option<&Sourcing<EconomyId>>) -> Vec<Term> {
    let symbols = asked.key.measure.method().symbols.iter();
    let reliance = accounts.reliance(asked.consumer).ok();
    let term = |symbol: &orewatch_measures::Symbol| {
        let (estimate, unit) = match symbol.symbol {
            "a_i" => (amount_of(sourcing?, asked.key.supplier?).estimate(), unit(asked.key.by)),
            "sum(a)" => (listed(sourcing?).estimate(), unit(asked.key.by)),
            "R" => (sourcing?.residual().estimate(), unit(asked.key.by)),
            "HHI" => (sourcing?.hhi(), "hhi"),
            "I" => (reliance?.imports.estimate(), "t"),
            "E" => (reliance?.exports.estimate(), "t"),
            "P" => (reliance?.production.estimate(), "t"),
            // The shares: each is among the contributions.
            _ => return None,
        };
        Some(described(symbol, &estimate, unit))
    };
    symbols.filter_map(term).collect()
}

fn described(symbol: &orewatch_measures::Symbol, estimate: &Estimate, unit: &str) -> Term {
    Term {
        symbol: symbol.symbol.to_owned(),
        description: symbol.description.to_owned(),
        estimate: Some(wire::estimate(estimate)),
        unit: unit.to_owned(),
    }
}

fn amount_of(sourcing: &Sourcing<EconomyId>, supplier: EconomyId) -> Amount {
    let found = sourcing.suppliers().iter().find(|(key, _)| *key == supplier).map(|(_, amount)| *amount);
    let residual = sourcing.residual().high();
    let unlisted = if residual > 0.0 { Amount::between(0.0, residual) } else { Amount::NOTHING };
    found.unwrap_or(unlisted)
}

fn listed(sourcing: &Sourcing<EconomyId>) -> Amount {
    let amounts = sourcing.suppliers().iter().map(|(_, amount)| *amount);
    amounts.reduce(|a, b| a + b).unwrap_or(Amount::NOTHING)
}

/// What each supplier contributes, largest first; the residual last.
fn contributions(sourcing: &Sourcing<EconomyId>, by: Weight) -> Vec<Contribution> {
    let mut suppliers: Vec<_> = sourcing
        .suppliers()
        .iter()
        .zip(sourcing.shares())
        .map(|((key, amount), (_, share))| (key.code(), *amount, share))
        .collect();
    let size = |amount: &Amount| amount.best().unwrap_or(f64::NEG_INFINITY);
    suppliers.sort_by(|a, b| size(&b.1).total_cmp(&size(&a.1)).then(a.0.cmp(b.0)));
    if sourcing.residual().high() > 0.0 {
        suppliers.push((orewatch_catalog::OTHER, sourcing.residual(), sourcing.residual_share()));
    }
    let contribution = |(supplier, amount, share): (&str, Amount, Estimate)| Contribution {
        supplier: supplier.to_owned(),
        amount: Some(wire::estimate(&amount.estimate())),
        unit: unit(by).to_owned(),
        share: Some(wire::estimate(&share)),
    };
    suppliers.into_iter().map(contribution).collect()
}

/// A source row and what it is sorted by.
struct Sized {
    size: Option<f64>,
    row: SourceRow,
}

/// Every source row behind the figure, largest first by its weight, those of unknown size last; equal ones as in the file.
fn rows(accounts: &Accounts<'_>, asked: &Asked) -> Vec<Sized> {
    let table = asked.key.measure.method().table;
    let view = accounts.view();
    let mut rows = Vec::new();
    if let Some(side) = view.flows.filter(|_| table != Table::Production) {
        rows.extend(accounts.import_rows(asked.consumer).map(|flow| trade(side.content, flow, asked)));
        if table == Table::Both {
            rows.extend(accounts.export_rows(asked.consumer).map(|flow| trade(side.content, flow, asked)));
        }
    }
    if let Some(side) = view.output.filter(|_| table != Table::Trade) {
        let inside =
            |output: &&Output| output.economy.is_none_or(|place| accounts.is_inside(asked.consumer, place));
        rows.extend(side.rows.iter().filter(inside).map(|output| production(side.content, output, asked)));
    }
    let size = |row: &Sized| row.size.unwrap_or(f64::NEG_INFINITY);
    rows.sort_by(|a, b| size(b).total_cmp(&size(a)));
    for row in &mut rows {
        row.row.period = view.market.period.to_string();
    }
    rows
}

fn trade(content: &Content, flow: &Flow, asked: &Asked) -> Sized {
    let cell = match asked.key.by {
        Weight::Quantity => flow.quantity,
        Weight::Value => flow.value,
    };
    let row = SourceRow {
        economy: flow.exporter.code().to_owned(),
        partner: flow.importer.code().to_owned(),
        value: flow.value.known(),
        ..source(content, flow.origin, flow.product, flow.quantity)
    };
    Sized { size: cell.known(), row }
}

/// A row of output. Its product is the series: what is weighed.
fn production(content: &Content, output: &Output, asked: &Asked) -> Sized {
    let series = format!("{} {} ({})", asked.material, asked.stage, content.product(output.product));
    let row = SourceRow {
        economy: output.economy.map_or(orewatch_catalog::OTHER, EconomyId::code).to_owned(),
        product: series,
        ..source(content, output.origin, output.product, output.quantity)
    };
    Sized { size: output.quantity.known(), row }
}

fn source(content: &Content, origin: crate::book::Origin, product: u16, quantity: Cell) -> SourceRow {
    let file = content.release.files.get(usize::from(origin.file));
    SourceRow {
        release: content.release.id.clone(),
        file: file.map(|file| file.name.clone()).unwrap_or_default(),
        line: origin.line,
        product: content.product(product).to_owned(),
        quantity: quantity.known(),
        quantity_status: status(quantity).into(),
        ..SourceRow::default()
    }
}

fn status(cell: Cell) -> common::Status {
    wire::status(if cell.known().is_some() { Status::Known } else { cell.status })
}

fn releases(accounts: &Accounts<'_>, measure: Measure) -> Vec<orewatch_contracts::ingestion::v1::Release> {
    let table = measure.method().table;
    let view = accounts.view();
    let flows = view.flows.filter(|_| table != Table::Production).map(|side| &side.content.release);
    let output = view.output.filter(|_| table != Table::Trade).map(|side| &side.content.release);
    flows.into_iter().chain(output).cloned().collect()
}
