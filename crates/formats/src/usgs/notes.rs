//! Notes of the Survey on figures.
//!
//! The file of 2026 has several notes in a cell, `Estimated. -- Calcined equivalent weights.`; what they say
//! that has a place of its own is left out: signs of estimates and of missing figures, units, and references
//! to an appendix.

/// Between the notes of a cell.
const SEPARATOR: &str = "--";

/// Beginnings of notes that say nothing which is not recorded otherwise, in lower case.
const KNOWN: [&str; 9] = [
    "(data in ",
    "estimated 20",
    "estimated for 20",
    "estimated in 20",
    "less than 1/2 unit",
    "less than ½ unit",
    "na for ",
    "see appendix ",
    "w for ",
];

/// Whole notes of which the same holds.
const SIGNS: [&str; 6] = ["estimated", "na", "none", "reported", "w", "xx"];

/// The notes of a cell that are to be kept.
pub(super) fn pieces(cell: &str) -> impl Iterator<Item = &str> {
    cell.split(SEPARATOR).map(str::trim).filter(|piece| is_kept(piece))
}

fn is_kept(piece: &str) -> bool {
    let lower = piece.to_lowercase();
    let bare = lower.trim_matches(|letter: char| !letter.is_alphanumeric());
    !bare.is_empty() && !SIGNS.contains(&bare) && !KNOWN.iter().any(|known| lower.starts_with(known))
}
