//! Rows of what explains a figure: terms, suppliers, routes, balances and source rows.
use orewatch_contracts::common::v1::Estimate;
use orewatch_contracts::exposure::v1::{Balance, Contribution, Route, SourceRow, Stop, Term};
use orewatch_contracts::figure::{bar, brief, estimate, number, quantity};

use crate::render::Align::{Left, Right};
use crate::render::{Cell, Column, Record, Row, column, fit, only_shown, status_word};
use crate::words::economy_name;

/// Maximum width of a bar, in characters.
const MAX_BAR_WIDTH: usize = 20;

/// Maximum width of the name of an economy, in characters.
const MAX_NAME_WIDTH: usize = 24;

/// The value of an estimate, if it has one.
fn value(estimate: Option<&Estimate>) -> Cell {
    Cell::Number(estimate.and_then(|estimate| estimate.value))
}

/// The status of an estimate, as a word.
fn status(estimate: Option<&Estimate>) -> Cell {
    Cell::text(status_word(estimate.map(Estimate::status).unwrap_or_default()))
}

/// A term of a formula.
impl Row for Term {
    fn columns() -> Vec<Column<Self>> {
        vec![
            column("symbol", |term: &Self| Cell::text(&term.symbol))
                .shown_as("  term", Left, |term| format!("  {}", term.symbol)),
            column("description", |term: &Self| Cell::text(&term.description)),
            column("value", |term: &Self| value(term.estimate.as_ref()))
                .shown_as("value", Right, |term| estimate(&term.unit, term.estimate.as_ref())),
            column("low", |term: &Self| {
                Cell::Number(term.estimate.as_ref().and_then(|estimate| estimate.low))
            }),
            column("high", |term: &Self| {
                Cell::Number(term.estimate.as_ref().and_then(|estimate| estimate.high))
            }),
            column("unit", |term: &Self| Cell::text(&term.unit)),
            column("status", |term: &Self| status(term.estimate.as_ref())),
            only_shown("description", Left, |term: &Self| term.description.clone()),
        ]
    }
}

/// What one supplier contributes.
impl Row for Contribution {
    fn columns() -> Vec<Column<Self>> {
        let has_amount = |one: &Self| one.amount.as_ref().is_some_and(|amount| amount.value.is_some());
        let share = |one: &Self| one.share.as_ref().and_then(|share| share.value).unwrap_or_default();
        vec![
            column("supplier", |one: &Self| Cell::text(&one.supplier))
                .shown_as("  supplier", Left, |one| format!("  {}", one.supplier)),
            only_shown("", Left, |one: &Self| fit(economy_name(&one.supplier), MAX_NAME_WIDTH)),
            column("amount", |one: &Self| value(one.amount.as_ref()))
                .shown_as("amount", Right, |one| brief(&one.unit, one.amount.as_ref()))
                .if_any(has_amount),
            column("amount_status", |one: &Self| status(one.amount.as_ref())),
            column("unit", |one: &Self| Cell::text(&one.unit)),
            column("share", |one: &Self| value(one.share.as_ref()))
                .shown_as("share", Right, |one| brief("share", one.share.as_ref())),
            only_shown("", Left, move |one: &Self| bar(share(one), MAX_BAR_WIDTH)),
            column("share_status", |one: &Self| status(one.share.as_ref())),
        ]
    }
}

impl Row for Route {
    fn columns() -> Vec<Column<Self>> {
        let stop = |stop: &Stop| Record {
            text: format!("{} {}", stop.economy, stop.what),
            fields: vec![("economy", Cell::text(&stop.economy)), ("what", Cell::text(&stop.what))],
        };
        vec![
            column("stops", move |route: &Self| Cell::Records(route.stops.iter().map(stop).collect())),
            column("share", |route: &Self| Cell::Number(Some(route.share))),
        ]
    }
}

/// Supply that was added where exports exceed production and imports.
impl Row for Balance {
    fn columns() -> Vec<Column<Self>> {
        vec![
            column("economy", |balance: &Self| Cell::text(&balance.economy)),
            column("added_t", |balance: &Self| Cell::Number(Some(balance.added))),
            column("supply_t", |balance: &Self| Cell::Number(Some(balance.supply))),
        ]
    }
}

/// A file name without its extensions `.csv` and `.gz`.
fn stem(file: &str) -> &str {
    let file = file.strip_suffix(".gz").unwrap_or(file);
    file.strip_suffix(".csv").unwrap_or(file)
}

/// The quantity, or its status if it is missing where one is expected.
fn tonnes(row: &SourceRow) -> String {
    let is_expected = row.figure.is_none() && row.note.is_empty();
    match row.quantity {
        None if is_expected => status_word(row.quantity_status()).to_owned(),
        known => known.map(quantity).unwrap_or_default(),
    }
}

fn location(row: &SourceRow) -> String {
    format!("{}:{} {}", stem(&row.file), row.line, row.column).trim_end().to_owned()
}

/// A row of a release. Tables leave out the columns that no row fills.
impl Row for SourceRow {
    fn columns() -> Vec<Column<Self>> {
        vec![
            column("release", |row: &Self| Cell::text(&row.release)),
            column("file", |row: &Self| Cell::text(&row.file)),
            column("line", |row: &Self| Cell::count(row.line)),
            column("column", |row: &Self| Cell::text(&row.column)),
            column("period", |row: &Self| Cell::text(&row.period)),
            column("economy", |row: &Self| Cell::text(&row.economy))
                .shown_as("  from", Left, |row| format!("  {}", row.economy)),
            column("partner", |row: &Self| Cell::text(&row.partner)).shown("to", Left).unless_empty(),
            only_shown("period", Left, |row: &Self| row.period.clone()).unless_empty(),
            column("product", |row: &Self| Cell::text(&row.product)).shown("product", Left).unless_empty(),
            column("quantity_t", |row: &Self| Cell::Number(row.quantity))
                .shown_as("tonnes", Right, tonnes)
                .unless_empty(),
            column("quantity_status", |row: &Self| Cell::text(status_word(row.quantity_status()))),
            column("value_kusd", |row: &Self| Cell::Number(row.value))
                .shown_as("kUSD", Right, |row| row.value.map(quantity).unwrap_or_default())
                .unless_empty(),
            column("figure", |row: &Self| Cell::Number(row.figure))
                .shown_as("figure", Right, |row| {
                    row.figure.map(|figure| number(figure, 3)).unwrap_or_default()
                })
                .unless_empty(),
            column("note", |row: &Self| Cell::text(&row.note)).shown("", Left).unless_empty(),
            only_shown("file:line, column", Left, location),
        ]
    }
}
