//! Which materials a replica keeps.
//!
//! Trade is nearly all of what a book holds. A replica that shares the work keeps the rows of trade of its
//! own materials only. Of the trade of others it keeps what the figures of its own may depend on: which
//! markets and product codes there are, and who reports anything in which file. Everything else is small, and
//! every replica keeps all of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Book;

/// The materials whose trade is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holding(
    /// `None`: all of them.
    Option<Arc<BTreeSet<&'static str>>>,
);

impl Holding {
    /// Only these.
    #[must_use]
    pub fn only(materials: BTreeSet<&'static str>) -> Self {
        Self(Some(Arc::new(materials)))
    }

    /// Whether the trade of a material is kept.
    #[must_use]
    pub fn includes(&self, material: &str) -> bool {
        self.0.as_ref().is_none_or(|materials| materials.contains(material))
    }

    /// Whether all that another holding includes is kept as well.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(own), Some(others)) => others.is_subset(own),
        }
    }

    /// The materials. `None`: all.
    #[must_use]
    pub fn materials(&self) -> Option<&BTreeSet<&'static str>> {
        self.0.as_deref()
    }
}

impl Book {
    /// An empty book that keeps the trade of some materials.
    #[must_use]
    pub fn holding(holding: Holding) -> Self {
        Self { holding, ..Self::default() }
    }

    /// The materials whose trade is kept.
    #[must_use]
    pub fn held(&self) -> &Holding {
        &self.holding
    }

    /// Whether everything about a material is known here, so that its figures can be computed.
    #[must_use]
    pub fn holds(&self, material: &str) -> bool {
        self.holding.includes(material)
    }

    /// The book with fewer materials: without the rows of trade of those that a holding does not include.
    #[must_use]
    pub fn held_by(&self, holding: &Holding) -> Self {
        let releases = self.releases.iter().map(|release| release.held_by(holding)).collect();
        let tenants = self.tenants.iter().map(|(tenant, releases)| {
            (tenant.clone(), releases.iter().map(|release| release.held_by(holding)).collect())
        });
        Self { releases, tenants: tenants.collect(), holding: holding.clone(), ..self.clone() }
    }

    /// Number of rows of trade that are kept, of all releases in their newest state.
    #[must_use]
    pub fn trade_rows(&self) -> usize {
        let releases = self.releases.iter().chain(self.tenants.values().flatten());
        let newest = releases.map(|release| release.newest());
        newest.flat_map(|content| content.flows.iter()).map(|(_, stored)| stored.row_count()).sum()
    }
}
