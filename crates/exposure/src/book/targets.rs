//! Targets: thresholds that somebody announced. They are compared with figures, and no figure depends on
//! them.
//!
//! A target is restated by the next release of its dataset that has a target with the same identifier;
//! targets that it does not mention stay.

use std::collections::BTreeMap;

use orewatch_contracts::ingestion::v1::{self, TargetRow, TargetRows};

use super::dataset::Topic;
use super::{Book, Knowledge, ReleaseContent, keep_best};

/// The targets of a release, by identifier.
#[derive(Clone, Debug, Default)]
pub struct TargetTable {
    targets: BTreeMap<Box<str>, TargetRow>,
}

/// A target and the release that it is from.
#[derive(Clone, Copy, Debug)]
pub struct RecordedTarget<'a> {
    /// The target.
    pub target: &'a TargetRow,
    /// The release.
    pub content: &'a ReleaseContent,
}

impl TargetTable {
    /// Adds targets. Of two with the same identifier, the later one counts.
    pub fn record(&mut self, rows: &TargetRows) {
        self.targets.extend(rows.rows.iter().map(|target| (target.id.as_str().into(), target.clone())));
    }

    /// These targets, with others added.
    #[must_use]
    pub fn with_rows(&self, added: &Self) -> Self {
        let mut targets = self.targets.clone();
        targets.extend(added.targets.iter().map(|(id, target)| (id.clone(), target.clone())));
        Self { targets }
    }

    /// The targets, sorted by identifier.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &TargetRow)> {
        self.targets.iter().map(|(id, target)| (&**id, target))
    }
}

impl Book {
    /// The targets as they were known, by identifier.
    #[must_use]
    pub fn targets(&self, at: Knowledge) -> BTreeMap<&str, RecordedTarget<'_>> {
        let topic = Topic { table: v1::Table::Targets, ..Topic::default() };
        let mut best = BTreeMap::new();
        for (_, release) in self.newest_first(at) {
            let content = release.content_at(at);
            for (id, target) in content.targets.iter() {
                let rank = self.dataset_rank(release, content, &topic, at);
                keep_best(&mut best, id, rank, RecordedTarget { target, content });
            }
        }
        best.into_iter().map(|(id, (_, target))| (id, target)).collect()
    }
}
