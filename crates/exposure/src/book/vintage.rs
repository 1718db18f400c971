//! The book as it was known: without anything that was recorded later.

use std::sync::Arc;

use super::{Book, CommittedRelease, Knowledge, RecordedAt, ReleaseContent};

impl Book {
    /// The book without what was recorded later. It answers now as this one answers at that time.
    #[must_use]
    pub fn known_at(&self, at: Knowledge) -> Self {
        let mut book = self.clone();
        let known = |releases: &mut Vec<CommittedRelease>| releases.retain_mut(|release| release.forget(at));
        known(&mut book.releases);
        known(&mut book.withheld);
        book.tenants.values_mut().for_each(known);
        book.policies.retain(|(revised, _)| at.includes(*revised));
        book
    }

    /// The last change of the book that a knowledge time includes. `None`: there is none.
    #[must_use]
    pub fn last_change(&self, at: Knowledge) -> Option<RecordedAt> {
        let of_releases = self.releases.iter().flat_map(|release| {
            let repaired = release.repaired.iter().map(|(repaired, _)| *repaired);
            repaired.chain([release.committed]).chain(release.withdrawn)
        });
        let of_policy = self.policies.iter().map(|(revised, _)| *revised);
        let known = of_releases.chain(of_policy).filter(|recorded| at.includes(*recorded));
        known.max_by_key(|recorded| recorded.position)
    }

    /// When the source policy was revised last. `None`: never.
    #[must_use]
    pub fn policy_revised(&self) -> Option<RecordedAt> {
        self.policies.last().map(|(revised, _)| *revised)
    }
}

impl CommittedRelease {
    /// Its content as it was known. `None`: it was not visible.
    #[must_use]
    pub fn visible_content(&self, at: Knowledge) -> Option<&Arc<ReleaseContent>> {
        let repaired = self.repaired.iter().rev().find(|(repaired, _)| at.includes(*repaired));
        self.is_visible(at).then(|| repaired.map_or(&self.content, |(_, content)| content))
    }

    /// Drops what was recorded after a time. `false`: it was not committed then.
    fn forget(&mut self, at: Knowledge) -> bool {
        self.withdrawn = self.withdrawn.filter(|withdrawn| at.includes(*withdrawn));
        self.repaired.retain(|(repaired, _)| at.includes(*repaired));
        at.includes(self.committed)
    }
}
