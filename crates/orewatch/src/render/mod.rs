//! How answers look.
pub(crate) mod card;
mod explanation;
mod list;
mod out;
mod plain;
mod record;
mod sheet;
mod style;
mod wrap;

pub(crate) use explanation::explanation;
pub(crate) use list::list;
pub(crate) use orewatch_runtime::figure::{
    bar, brief, difference_in, estimate, level, line_in, number, percent, signed_points, sparkline,
    status_word, value_in,
};
pub(crate) use out::{Out, broken_pipe, is_broken_pipe};
pub(crate) use plain::{one_line, plain};
pub(crate) use record::{Cell, Record, Row, document, object};
pub(crate) use sheet::{Align, Sheet, fit, pad};
pub(crate) use style::Style;
pub(crate) use wrap::{labelled, wrap};
