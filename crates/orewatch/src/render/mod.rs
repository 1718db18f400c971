//! Rendering: tables, pages, JSON and CSV on standard output.
pub(crate) mod card;
mod explanation;
mod footnotes;
mod list;
mod out;
mod plain;
mod row;
mod sheet;
mod source_changes;
mod style;
mod wide;
mod wrap;

pub(crate) use explanation::{explanation, explanation_title};
pub(crate) use footnotes::{product_notes, proxy_mark};
pub(crate) use list::list;
pub(crate) use orewatch_contracts::figure::{
    bar, brief, difference_in, estimate, level, line_in, number, percent, signed_points, sparkline,
    status_word, value_in,
};
pub(crate) use orewatch_query::{Cell, Dialect, Record, write_records};
pub(crate) use out::{Out, broken_pipe, is_broken_pipe, is_empty_answer, to_stderr};
#[cfg(test)]
pub(crate) use row::write_csv;
pub(crate) use row::{
    Column, Row, column, document, fields, object, only_shown, records, table, table_of_columns,
};
pub(crate) use sheet::{Align, fit, pad};
pub(crate) use style::Style;
pub(crate) use wide::Wide;
pub(crate) use wrap::{hanging, labelled, labels, wrap};
