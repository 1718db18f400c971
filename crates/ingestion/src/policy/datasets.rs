//! Datasets with a visible release, in the default order of their tables.
use std::cmp::Reverse;
use std::collections::BTreeMap;

use orewatch_catalog::DatasetKind;
use orewatch_contracts::ingestion::v1::Table;
use orewatch_eventlog::Position;

use crate::evolve::{Book, Held};

/// A dataset in a table.
#[derive(Clone, Debug)]
pub(crate) struct Dataset<'a> {
    pub(crate) name: &'a str,
    pub(crate) table: Table,
    /// As declared, or as its newest release says.
    pub(crate) kind: DatasetKind,
    /// Of a supplement: the dataset whose missing cells it fills.
    pub(crate) supplements: &'a str,
    /// Where its first release was ever committed.
    pub(crate) since: Position,
    /// Its visible releases, the newest first.
    pub(crate) releases: Vec<&'a Held>,
}

impl Dataset<'_> {
    /// Its place among the datasets of its table: by kind, at a tie the older first.
    pub(crate) fn order(&self) -> (DatasetKind, Position) {
        (self.kind, self.since)
    }
}

/// Datasets of a tenant, or of everyone (empty), by table and in the default order. Concordances answer nothing, and are left out.
pub(crate) fn datasets<'a>(book: &'a Book, tenant: &str) -> Vec<Dataset<'a>> {
    let mut releases: BTreeMap<(i32, &str), Vec<&Held>> = BTreeMap::new();
    let visible = book.visible().filter(|held| {
        let release = &held.head.release;
        release.tenant == tenant && release.table() != Table::Concordance
    });
    for held in visible {
        let release = &held.head.release;
        releases.entry((release.table, release.dataset.as_str())).or_default().push(held);
    }
    let since = book.first_commits(tenant);
    let dataset = |((table, name), mut releases): ((i32, &'a str), Vec<&'a Held>)| {
        releases.sort_by_key(|held| Reverse((book.place(held), held.committed_position)));
        let newest = *releases.first()?;
        let release = &*newest.head.release;
        Some(Dataset {
            name,
            table: release.table(),
            kind: book.kind(release),
            supplements: book.supplements(release),
            since: since.get(&(table, name)).copied().unwrap_or(Position::MAX),
            releases,
        })
    };
    let mut all: Vec<Dataset<'a>> = releases.into_iter().filter_map(dataset).collect();
    all.sort_by_key(|dataset| (i32::from(dataset.table), dataset.order()));
    all
}
