//! Datasets with visible releases, in the default order of their tables.
use std::cmp::Reverse;
use std::collections::BTreeMap;

use orewatch_catalog::{DatasetKind, is_base_of_outlook};
use orewatch_contracts::ingestion::v1::{Release, Table};
use orewatch_eventlog::Position;

use crate::evolve::{IngestionState, ReleaseRecord};

/// Whether the datasets of a table answer for markets, so that the policy orders them. Those of other tables
/// are asked by name.
pub(crate) fn is_answering(table: Table) -> bool {
    match table {
        Table::Trade | Table::Production | Table::Governance | Table::Parameters | Table::Restrictions => {
            true
        }
        Table::Concordance | Table::Projections | Table::Targets | Table::Claims | Table::Unspecified => {
            false
        }
    }
}

/// A dataset with its visible releases of one table.
#[derive(Clone, Debug)]
pub(crate) struct Dataset<'a> {
    pub(crate) name: &'a str,
    pub(crate) table: Table,
    /// Kind as the policy declares it, or as the newest release records it.
    pub(crate) kind: DatasetKind,
    /// The dataset whose missing cells it fills. Empty: it is no supplement.
    pub(crate) supplements: &'a str,
    /// Position of its first commit.
    pub(crate) since: Position,
    /// Its visible releases, newest first.
    pub(crate) releases: Vec<&'a ReleaseRecord>,
}

impl Dataset<'_> {
    /// Whether a release belongs to it.
    pub(crate) fn is_of(&self, release: &Release) -> bool {
        self.name == release.dataset && self.table == release.table()
    }

    /// Sort key in the default order of its table: by kind, then statistics before the base year of an
    /// outlook, then the older dataset first.
    pub(crate) fn order(&self) -> (DatasetKind, bool, Position) {
        (self.kind, is_base_of_outlook(self.name), self.since)
    }
}

/// Datasets of a tenant, or public ones (empty tenant), by table and in the default order. Concordances,
/// projections, targets and claims are asked by name and left out.
pub(crate) fn datasets<'a>(state: &'a IngestionState, tenant: &str) -> Vec<Dataset<'a>> {
    let mut releases: BTreeMap<(i32, &str), Vec<&ReleaseRecord>> = BTreeMap::new();
    let visible = state.visible().filter(|record| {
        let release = &record.head.release;
        release.tenant == tenant && is_answering(release.table())
    });
    for record in visible {
        let release = &record.head.release;
        releases.entry((release.table, release.dataset.as_str())).or_default().push(record);
    }
    let since = state.first_commits(tenant);
    let dataset = |((table, name), mut releases): ((i32, &'a str), Vec<&'a ReleaseRecord>)| {
        releases.sort_by_key(|record| Reverse((state.rank_position(record), record.committed_position)));
        let newest = *releases.first()?;
        let release = &*newest.head.release;
        Some(Dataset {
            name,
            table: release.table(),
            kind: state.dataset_kind(release),
            supplements: state.supplements(release),
            since: since.get(&(table, name)).copied().unwrap_or(Position::MAX),
            releases,
        })
    };
    let mut all: Vec<Dataset<'a>> = releases.into_iter().filter_map(dataset).collect();
    all.sort_by_key(|dataset| (i32::from(dataset.table), dataset.order()));
    all
}
