//! Claims: recorded statements with figures. They are compared with figures, and no figure depends on them.
//!
//! A claim is restated by the next release of its dataset that has a claim with the same identifier; claims
//! that it does not mention stay.

use std::collections::BTreeMap;

use orewatch_contracts::ingestion::v1::{self, ClaimRow, ClaimRows};

use super::dataset::Topic;
use super::{Book, Knowledge, ReleaseContent, keep_best};

/// The claims of a release, by identifier.
#[derive(Clone, Debug, Default)]
pub struct ClaimTable {
    claims: BTreeMap<Box<str>, ClaimRow>,
}

/// A claim and the release that it is from.
#[derive(Clone, Copy, Debug)]
pub struct RecordedClaim<'a> {
    /// The claim.
    pub claim: &'a ClaimRow,
    /// The release.
    pub content: &'a ReleaseContent,
}

impl ClaimTable {
    /// Adds claims. Of two with the same identifier, the later one counts.
    pub fn record(&mut self, rows: &ClaimRows) {
        self.claims.extend(rows.rows.iter().map(|claim| (claim.id.as_str().into(), claim.clone())));
    }

    /// These claims, with others added.
    #[must_use]
    pub fn with_rows(&self, added: &Self) -> Self {
        let mut claims = self.claims.clone();
        claims.extend(added.claims.iter().map(|(id, claim)| (id.clone(), claim.clone())));
        Self { claims }
    }

    /// Whether there is no claim.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.claims.is_empty()
    }

    /// The claims, sorted by identifier.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &ClaimRow)> {
        self.claims.iter().map(|(id, claim)| (&**id, claim))
    }
}

impl Book {
    /// Whether any release had a claim, also if it was withdrawn.
    #[must_use]
    pub fn ever_had_claims(&self) -> bool {
        let mut contents = self.releases().iter().map(|release| release.newest());
        contents.any(|content| !content.claims.is_empty())
    }

    /// The claims as they were known, by identifier.
    #[must_use]
    pub fn claims(&self, at: Knowledge) -> BTreeMap<&str, RecordedClaim<'_>> {
        let topic = Topic { table: v1::Table::Claims, ..Topic::default() };
        let mut best = BTreeMap::new();
        for (_, release) in self.newest_first(at) {
            let content = release.content_at(at);
            for (id, claim) in content.claims.iter() {
                let rank = self.dataset_rank(release, content, &topic, at);
                keep_best(&mut best, id, rank, RecordedClaim { claim, content });
            }
        }
        best.into_iter().map(|(id, (_, claim))| (id, claim)).collect()
    }
}
