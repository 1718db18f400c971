//! Concordances among the releases: which codes they assign, and whether they changed.
use std::sync::Arc;

use orewatch_contracts::ingestion::v1::{ReleaseState, Table};
use orewatch_contracts::{Class, Failure};
use orewatch_formats::codes::Codes;

use crate::evolve::{IngestionState, ReleaseRecord};

impl IngestionState {
    /// Codes of the concordances with these names, in order. A name is that of a release, or of a dataset,
    /// whose newest release counts.
    ///
    /// # Errors
    /// [`Class::NotFound`] for a name that no committed concordance has.
    pub(crate) fn concordance_codes(&self, names: &[String], tenant: &str) -> Result<Codes, Failure> {
        let lists = names.iter().map(|name| {
            let record =
                self.concordance(name, tenant).ok_or_else(|| self.unknown_concordance(name, tenant))?;
            Ok((record.head.release.id.clone(), Arc::clone(&record.concordance_codes)))
        });
        lists.collect::<Result<_, _>>().map(Codes::new)
    }

    /// Number of commits and withdrawals of concordances.
    pub(crate) fn changes_of_concordances(&self) -> u64 {
        let visible_concordances =
            self.releases_by_id().filter(|record| record.head.release.table() == Table::Concordance);
        let changes =
            visible_concordances.filter(|record| record.committed_position.is_some()).map(|record| {
                match record.head.state {
                    ReleaseState::Withdrawn | ReleaseState::Erased => 2,
                    _ => 1,
                }
            });
        changes.sum()
    }

    /// Committed concordances of a tenant and public ones, newest first.
    fn visible_concordances(&self, tenant: &str) -> Vec<&ReleaseRecord> {
        let committed = |record: &&ReleaseRecord| {
            let release = &record.head.release;
            record.head.state == ReleaseState::Committed
                && release.table() == Table::Concordance
                && (release.tenant.is_empty() || release.tenant == tenant)
        };
        let mut found: Vec<_> = self.releases_by_id().filter(committed).collect();
        found.sort_by_key(|record| std::cmp::Reverse(record.committed_position));
        found
    }

    fn concordance(&self, name: &str, tenant: &str) -> Option<&ReleaseRecord> {
        let named =
            |record: &&ReleaseRecord| record.head.release.id == name || record.head.release.dataset == name;
        self.visible_concordances(tenant).into_iter().find(named)
    }

    fn unknown_concordance(&self, name: &str, tenant: &str) -> Failure {
        let mut known: Vec<_> = self
            .visible_concordances(tenant)
            .iter()
            .map(|record| record.head.release.dataset.clone())
            .collect();
        known.sort_unstable();
        known.dedup();
        let hint = match known.is_empty() {
            true => {
                "ingest one first: a tidy csv with the columns nomenclature,code,material,stage".to_owned()
            }
            false => format!("there are {}", known.join(", ")),
        };
        Failure::new(Class::NotFound, "unknown-concordance", "there is no such concordance")
            .at("concordances", name)
            .with_hint(hint)
    }
}
