//! Sets of pairs of exporter and importer.
use std::collections::BTreeMap;

use crate::tally::EconomySet;

/// Pairs of exporter and importer. Most sets are products of a set of exporters and a set of importers, which
/// take little memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pairs {
    /// Exporters paired with every importer.
    exporters: EconomySet,
    /// Importers paired with every exporter.
    importers: EconomySet,
    /// Importers by single exporter.
    rows: BTreeMap<u16, EconomySet>,
}

impl Pairs {
    /// All pairs of these exporters and importers. `None` stands for everyone.
    pub(crate) fn product(exporters: Option<EconomySet>, importers: Option<EconomySet>) -> Self {
        let none = EconomySet::default();
        match (exporters, importers) {
            (None, None) => Self { exporters: EconomySet::ALL, ..Self::default() },
            (Some(exporters), None) => Self { exporters, ..Self::default() },
            (None, Some(importers)) => Self { importers, ..Self::default() },
            (Some(exporters), Some(importers)) => {
                let rows = exporters.iter().map(|exporter| (exporter, importers)).collect();
                Self { exporters: none, importers: none, rows }
            }
        }
    }

    /// Single pairs: importers by exporter.
    pub(crate) fn single(rows: BTreeMap<u16, EconomySet>) -> Self {
        Self { rows, ..Self::default() }
    }

    /// The importers of an exporter.
    pub(crate) fn row(&self, exporter: u16) -> EconomySet {
        if self.exporters.contains(exporter) {
            return EconomySet::ALL;
        }
        self.rows.get(&exporter).map_or(self.importers, |importers| self.importers.union(importers))
    }

    /// Adds the pairs of another.
    pub(crate) fn join(&mut self, other: &Self) {
        self.exporters = self.exporters.union(&other.exporters);
        self.importers = self.importers.union(&other.importers);
        for (exporter, importers) in &other.rows {
            let row = self.rows.entry(*exporter).or_default();
            *row = row.union(importers);
        }
    }

    /// Whether all of its pairs are in another.
    pub(crate) fn is_within(&self, other: &Self) -> bool {
        let everyone = other.exporters == EconomySet::ALL || other.importers == EconomySet::ALL;
        everyone
            || self.exporters.is_subset(&other.exporters)
                && self.importers.is_subset(&other.importers)
                && self.rows.iter().all(|(exporter, importers)| importers.is_subset(&other.row(*exporter)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joined_pairs_are_the_pairs_of_both() {
        let one = EconomySet::from_iter([1]);
        let two = EconomySet::from_iter([2, 3]);
        let mut pairs = Pairs::product(Some(one), Some(two));
        assert_eq!((pairs.row(1), pairs.row(2)), (two, EconomySet::default()));
        pairs.join(&Pairs::product(None, Some(one)));
        assert_eq!((pairs.row(1), pairs.row(2)), (two.union(&one), one));
        pairs.join(&Pairs::product(Some(one), None));
        assert_eq!(pairs.row(1), EconomySet::ALL);
        assert!(Pairs::product(Some(one), Some(two)).is_within(&pairs));
        assert!(!Pairs::product(None, None).is_within(&pairs));
        assert!(pairs.is_within(&Pairs::product(None, None)));
        assert!(Pairs::product(Some(one), Some(EconomySet::default())).is_within(&Pairs::default()));
    }
}
