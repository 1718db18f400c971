//! Rows of measures.
use orewatch_measures::{Line, Method, Side, Table, Weight};

use crate::render::{Cell, Column, Record, Row, column, line_in};

/// A threshold of a measure's source, in the unit of the measure: `> 65 %`.
pub(crate) fn method_line(method: &Method, line: &Line) -> String {
    line_in(method.unit, line.at, line.beyond == Side::Above, line.inclusive)
}

/// The data that a measure needs.
pub(crate) fn needs(table: Table) -> &'static str {
    match table {
        Table::Trade => "trade",
        Table::Production => "output",
        Table::Both => "trade and output",
    }
}

/// Weight of flows, as a word.
pub(crate) fn weight_word(weight: Weight) -> &'static str {
    match weight {
        Weight::Quantity => "quantity",
        Weight::Value => "value",
    }
}

impl Row for Method {
    fn columns() -> Vec<Column<Self>> {
        let bound = |bound: f64| Cell::Number(Some(bound).filter(|bound| bound.is_finite()));
        vec![
            column("measure", |method: &Self| Cell::text(method.id)),
            column("family", |method: &Self| Cell::text(method.measure.family())),
            column("title", |method: &Self| Cell::text(method.title)),
            column("unit", |method: &Self| Cell::text(method.unit)),
            column("least", move |method: &Self| bound(method.range.0)),
            column("greatest", move |method: &Self| bound(method.range.1)),
            column("has_supplier", |method: &Self| Cell::Flag(method.has_supplier)),
            column("by", |method: &Self| {
                Cell::List(method.weights.iter().map(|weight| weight_word(*weight).to_owned()).collect())
            }),
            column("needs", |method: &Self| Cell::text(needs(method.table))),
            column("lines", |method: &Self| {
                Cell::Records(method.lines.iter().map(|line| line_record(method, line)).collect())
            }),
            column("formula", |method: &Self| Cell::text(method.formula)),
            column("symbols", |method: &Self| {
                let symbols = method.symbols.iter();
                pairs(["symbol", "description"], symbols.map(|symbol| [symbol.symbol, symbol.description]))
            }),
            column("inputs", |method: &Self| {
                pairs(["name", "missing"], method.inputs.iter().map(|input| [input.name, input.missing]))
            }),
            column("citation", |method: &Self| Cell::text(method.citation)),
        ]
    }
}

fn line_record(method: &Method, line: &Line) -> Record {
    Record {
        text: format!("{} {}", method_line(method, line), line.name),
        fields: vec![
            ("name", Cell::text(line.name)),
            ("line", Cell::Number(Some(line.at))),
            ("above", Cell::Flag(line.beyond == Side::Above)),
            ("inclusive", Cell::Flag(line.inclusive)),
        ],
    }
}

fn pairs(names: [&'static str; 2], values: impl Iterator<Item = [&'static str; 2]>) -> Cell {
    let record = |texts: [&'static str; 2]| Record {
        text: texts.join(": "),
        fields: names.into_iter().zip(texts.map(Cell::text)).collect(),
    };
    Cell::Records(values.map(record).collect())
}
