//! Producers: whom a row of world production is about.
use orewatch_catalog::{Scheme, resolve_economy};

use super::super::Reject;
use super::super::names::{Names, Symbol};

/// Whom a row of world production is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Producer {
    /// An economy, or the residual of economies that are not listed.
    Economy(Symbol),
    /// The world: a sum that the Survey rounds, and that may leave out the United States.
    World,
}

/// Whether a letter at the end of a name may be part of a footnote.
fn is_footnote(letter: char) -> bool {
    letter.is_ascii_digit() || "⁰¹²³⁴⁵⁶⁷⁸⁹*†, ".contains(letter)
}

/// The producer that a cell names. Footnotes at the end of the name are ignored, as in `Other countries6`,
/// `Japane` or `New Caledonia11`.
///
/// # Errors
/// [`Reject`] for a name that stands for several economies or for none, with the one that may be meant.
pub(super) fn producer(names: &mut Names, column: &str, text: &str) -> Result<Producer, Reject> {
    let name = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let lower = name.to_lowercase();
    if is_world(&lower) {
        return Ok(Producer::World);
    }
    if is_residual(&lower) {
        return names.unlisted_producers(column).map(Producer::Economy);
    }
    let is_known = |name: &&str| resolve_economy(Scheme::Usgs, name).is_ok();
    let bare = name.trim_end_matches(is_footnote);
    // The letters mark estimates and revisions. No economy has another one's name with one of them at its
    // end.
    let unmarked = bare.strip_suffix(['e', 'r']).unwrap_or(bare).trim_end_matches(is_footnote);
    let known = [name.as_str(), bare, unmarked].into_iter().find(is_known);
    names.economy(Scheme::Usgs, column, known.unwrap_or(&name)).map(Producer::Economy)
}

fn is_world(lower: &str) -> bool {
    lower.split(|letter: char| !letter.is_alphanumeric()).next() == Some("world")
}

/// Whether a name stands for the economies that are not listed: `Other countries`, `All other countries
/// (rounded)`, `Other`.
fn is_residual(lower: &str) -> bool {
    let rest = lower.strip_prefix("all ").unwrap_or(lower);
    rest.starts_with("other countr") || rest.trim_end_matches(is_footnote) == "other"
}
