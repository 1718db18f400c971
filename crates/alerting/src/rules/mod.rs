//! Rules: data with revisions, read from YAML, checked against the catalogue, matched to subjects.

mod check;
mod condition;
mod document;
mod line;
mod locate;
pub mod packs;
mod shares;
pub mod trial;
mod warn;
mod when;

pub use check::{Checked, check, limit};
pub(crate) use check::{LONGEST_LINE, LONGEST_TEXT, MAX_OPEN, at_most, known_codes};
pub(crate) use condition::is_timed;
pub use document::{Document, parse, schema};
pub(crate) use document::{place, read, readable, seconds};
pub(crate) use locate::has_key;
pub use shares::Shares;
pub use warn::{limited, warnings};
