//! Explanations of figures: terms, contributions, source rows, routes.

use orewatch_catalog::OTHER;
use orewatch_contracts::exposure::v1::{Balance, Route};
use orewatch_measures::{Amount, Estimate, Sourcing, Terms, Weight};

use crate::book::EconomyId;
use crate::scope::Cited;

/// The explanation of a figure. Releases are not part of it: the scope notes which were consulted.
#[derive(Clone, Debug, Default)]
pub struct Explanation<'a> {
    /// Figures of the formula's symbols, under the names of the catalogue. Symbols that stand for many
    /// figures are left out.
    pub terms: Terms,
    /// Contributions of suppliers, in the order in which to show them.
    pub contributions: Vec<Contribution>,
    /// The rows that the figure is computed from, of every table; rows of one size stay in this order.
    pub rows: Vec<Cited<'a>>,
    /// The largest routes by which the supplier's material reaches the consumer, largest first.
    pub routes: Vec<Route>,
    /// The share that all other routes bring, 0 to 1. `None`: the measure has no routes.
    pub other_routes: Option<f64>,
    /// Tonnes added to the supply of economies that export more than they have, largest first.
    pub balances: Vec<Balance>,
}

/// The contribution of a supplier.
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
    /// The contributions of all suppliers, largest first, then of the residual.
    #[must_use]
    pub fn from_sourcing(sourcing: &Sourcing<EconomyId>, unit: &'static str) -> Vec<Self> {
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
