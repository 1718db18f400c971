//! Measures.
use orewatch_measures::{Line, Method, Side, Table, Weight};

use crate::render::{Cell, Record, Row, line_in};

/// How a measure is defined.
#[derive(Debug)]
pub(crate) struct MethodRow(pub(crate) &'static Method);

/// A line that the source of a measure draws, in its unit: `> 65 %`.
pub(crate) fn method_line(method: &Method, line: &Line) -> String {
    line_in(method.unit, line.at, line.beyond == Side::Above, line.inclusive)
}

/// What figures a measure needs, as words.
pub(crate) fn needs(table: Table) -> &'static str {
    match table {
        Table::Trade => "trade",
        Table::Production => "output",
        Table::Both => "trade and output",
    }
}

/// What flows can be weighed by, as a word.
pub(crate) fn weight_word(weight: Weight) -> &'static str {
    match weight {
        Weight::Quantity => "quantity",
        Weight::Value => "value",
    }
}

impl Row for MethodRow {
    const COLUMNS: &'static [&'static str] = &[
        "measure",
        "family",
        "title",
        "unit",
        "least",
        "greatest",
        "has_supplier",
        "by",
        "needs",
        "lines",
        "formula",
        "symbols",
        "inputs",
        "citation",
    ];

    fn cells(&self) -> Vec<Cell> {
        let method = self.0;
        let (least, greatest) = method.range;
        vec![
            Cell::text(method.id),
            Cell::text(method.measure.family()),
            Cell::text(method.title),
            Cell::text(method.unit),
            Cell::Number(Some(least).filter(|bound| bound.is_finite())),
            Cell::Number(Some(greatest).filter(|bound| bound.is_finite())),
            Cell::Flag(method.has_supplier),
            Cell::List(method.weights.iter().map(|weight| weight_word(*weight).to_owned()).collect()),
            Cell::text(needs(method.table)),
            Cell::Records(method.lines.iter().map(|line| line_record(method, line)).collect()),
            Cell::text(method.formula),
            pairs(["symbol", "description"], method.symbols.iter().map(|one| [one.symbol, one.description])),
            pairs(["name", "missing"], method.inputs.iter().map(|one| [one.name, one.missing])),
            Cell::text(method.citation),
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
