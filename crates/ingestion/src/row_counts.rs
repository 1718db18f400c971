//! Row counts of a release: read, out of scope, and rejected by reason code; with the totals and notes that
//! its reader found. Plain values, shared by gates, decisions and the folded state.
use std::collections::BTreeMap;

use orewatch_contracts::ingestion::v1::{DeclaredTotals, PublisherNote};

/// Row counts of a release as its reader reported them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct RowCounts {
    /// Rows read. `None`: not reported.
    pub(crate) read: Option<u64>,
    /// Valid rows that no material covers.
    pub(crate) out_of_scope: u64,
    /// Rejected rows by reason code.
    pub(crate) rejected: BTreeMap<String, u64>,
    /// Upper bound on rejected rows.
    pub(crate) max_rejects: u64,
    /// Totals that the source declares. `None`: it declares none.
    pub(crate) totals: Option<DeclaredTotals>,
    /// What the publisher says about figures.
    pub(crate) notes: Vec<PublisherNote>,
}

impl RowCounts {
    /// All rejected rows.
    pub(crate) fn rejected_rows(&self) -> u64 {
        self.rejected.values().fold(0, |sum, count| sum.saturating_add(*count))
    }
}
