//! How answers look.
pub(crate) mod card;
mod figure;
mod out;
mod record;
mod sheet;
mod style;

pub(crate) use figure::{
    bar, brief, estimate, number, percent, quantity, signed_points, status_word, value_in,
};
pub(crate) use out::{Out, is_broken_pipe};
pub(crate) use record::{Cell, Row, document, object};
pub(crate) use sheet::{Align, Sheet, fit, pad};
pub(crate) use style::Style;
