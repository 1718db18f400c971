//! Why a figure is what it is.

use orewatch_catalog::OTHER;
use orewatch_contracts::exposure::v1::{Balance, Route};
use orewatch_measures::{Amount, Estimate, Sourcing, Terms, Weight};

use crate::book::EconomyId;
use crate::scope::Cited;

/// Why a figure is what it is. Releases are not listed here: the scope notes which are consulted.
#[derive(Clone, Debug, Default)]
pub struct Explanation<'a> {
    /// Figures of the formula's symbols, as the catalogue spells them; a symbol without one figure is left out.
    pub terms: Terms,
    /// What each supplier contributes, in the order in which to show them.
    pub contributions: Vec<Contribution>,
    /// The rows that the figure is computed from, of every table; rows of one size stay in this order.
    pub rows: Vec<Cited<'a>>,
    /// The largest ways by which the supplier's material reaches the consumer, largest first.
    pub routes: Vec<Route>,
    /// What all other ways bring. None: the measure has no routes.
    pub other_routes: Option<f64>,
    /// What had to be added to the supply of economies that export more than they have, largest first.
    pub balances: Vec<Balance>,
}

/// What a supplier contributes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contribution {
    /// Code of the supplier, or of the residual.
    pub supplier: &'static str,
    /// Its amount.
    pub amount: Estimate,
    /// Unit of the amount.
    pub unit: &'static str,
    /// Its share of the sum.
    pub share: Estimate,
}

impl Contribution {
    /// What each supplier contributes, largest first; the residual last.
    #[must_use]
    pub fn of(sourcing: &Sourcing<EconomyId>, unit: &'static str) -> Vec<Self> {
        let mut suppliers: Vec<_> = sourcing
            .suppliers()
            .iter()
            .zip(sourcing.shares())
            .map(|((key, amount), (_, share))| (key.code(), *amount, share))
            .collect();
        let size = |amount: &Amount| amount.best().unwrap_or(f64::NEG_INFINITY);
        suppliers.sort_by(|a, b| size(&b.1).total_cmp(&size(&a.1)).then(a.0.cmp(b.0)));
        if sourcing.residual().high() > 0.0 {
            suppliers.push((OTHER, sourcing.residual(), sourcing.residual_share()));
        }
        let one = |(supplier, amount, share): (&'static str, Amount, Estimate)| Self {
            supplier,
            amount: amount.estimate(),
            unit,
            share,
        };
        suppliers.into_iter().map(one).collect()
    }
}

/// The unit of a weight.
#[must_use]
pub fn unit_of(by: Weight) -> &'static str {
    match by {
        Weight::Quantity => "t",
        Weight::Value => "kUSD",
    }
}
