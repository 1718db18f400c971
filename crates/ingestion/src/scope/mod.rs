//! The scope that rows cover, and whether rows are inside a stated scope ([`orewatch_formats::scope`]). Pure.
mod covered;
mod rows;

pub(crate) use covered::covered_scope;
pub(crate) use orewatch_formats::scope::{
    Dimension, EXPORTS, IMPORTS, MAX_ITEMS, Stated, check, parse, scope_text,
};
pub(crate) use rows::check_rows;
