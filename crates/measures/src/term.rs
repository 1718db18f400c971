//! The terms of a formula, so that a figure can explain itself.

use crate::Estimate;

/// One term of a figure, under the symbol that the catalogue's formula gives it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Term {
    /// Symbol, as in [`crate::Method::symbols`].
    pub symbol: &'static str,
    /// Its figure, with its own bounds, status and reason.
    pub estimate: Estimate,
    /// Its unit: `t`, `share`, `hhi`, `index`, `ratio`, `years` or another of the catalogue's.
    pub unit: &'static str,
}

impl Term {
    /// A term.
    #[must_use]
    pub const fn new(symbol: &'static str, estimate: Estimate, unit: &'static str) -> Self {
        Self { symbol, estimate, unit }
    }
}

/// The terms of a figure, in the order of the catalogue's symbols.
pub type Terms = Vec<Term>;
