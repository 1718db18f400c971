//! Rules: data with revisions, read from YAML, checked against the catalogue, matched to subjects.

mod check;
mod document;
mod locate;
pub mod packs;

pub(crate) use check::known_codes;
pub use check::{Checked, check, limit};
pub use document::{Document, parse, schema};
pub(crate) use document::{malformed, place, text};
pub(crate) use locate::has_key;
