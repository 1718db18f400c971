//! Markets in which a dataset answers, as gates report them. Plain values.
use std::collections::BTreeMap;

use crate::tally::EconomySet;

/// Which datasets answer in the markets of a release.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answering {
    /// Markets in which the release's own dataset answers.
    pub(crate) own: Answered,
    /// Markets in which others answer, by dataset.
    pub(crate) others: BTreeMap<String, Answered>,
}

/// Markets in which a dataset answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answered {
    /// Number of markets; of trade one for each importer.
    pub(crate) markets: usize,
    /// Importers in these markets; empty for other tables.
    pub(crate) importers: EconomySet,
}

impl Answered {
    /// The markets of both. No market is in both, so counts add up.
    pub(crate) fn plus(self, other: Self) -> Self {
        Self { markets: self.markets + other.markets, importers: self.importers.union(&other.importers) }
    }
}
