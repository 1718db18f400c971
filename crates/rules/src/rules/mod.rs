//! Rules: read from YAML, checked against the catalogue, and matched to subjects.
//!
//! [`parse`] reads a file of rules; [`check`] turns a stored rule into a [`CheckedRule`] one, ready to be
//! evaluated; [`rule_test`] runs tests of rules; [`packs`] are the rules that ship with Orewatch.

mod bounds;
mod check;
mod codes;
mod compile;
mod confirm;
mod document;
mod duration;
mod failure;
mod floor;
mod listed;
mod locate;
pub mod packs;
mod proxies;
pub mod rule_test;
mod shares;
mod verdicts;
mod warn;
mod when;
mod yaml;

pub(crate) use check::MAX_OPEN_ALERTS;
pub use check::{CheckedRule, check, max_open_alerts};
pub(crate) use codes::known_codes;
pub(crate) use compile::is_timed;
pub use document::{Document, parse, schema};
pub use duration::parse_seconds;
pub(crate) use failure::{MAX_LINE_CHARS, MAX_TEXT_CHARS, check_length};
pub use listed::resolve_lists;
pub use locate::has_key;
pub use shares::Shares;
pub use warn::{limit_warning, warnings};
pub use yaml::{add_location, parse_yaml, read_text};
