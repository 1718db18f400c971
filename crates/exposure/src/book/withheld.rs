//! Releases of tenants whose rows cannot be read: erased, or sealed with a key that this service does not
//! have.
//!
//! They answer for nothing, at no time: not by zeros, and not by what they would restate. A reader of the
//! tenant learns which they are.

use std::cmp::Reverse;

use jiff::Timestamp;

use super::{Book, CommittedRelease, Knowledge, ReleaseContent};

/// Why the rows of a release cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WithheldRows {
    /// They are sealed with a key that was destroyed, or that this service has no key file for.
    Sealed,
    /// Their tenant was erased then.
    Erased(Timestamp),
}

impl WithheldRows {
    /// This reason, given the one of before: that a tenant was erased stays, with its first time.
    pub(super) fn after(self, before: Option<Self>) -> Self {
        match before {
            Some(erased @ Self::Erased(_)) => erased,
            Some(Self::Sealed) | None => self,
        }
    }
}

impl Book {
    /// The book without the rows of a tenant, as it is and as it was at any time. Its releases are kept by
    /// name.
    #[must_use]
    pub fn without_rows_of(&self, tenant: &str, erased: Timestamp) -> Self {
        let mut book = self.clone();
        for release in book.tenants.get_mut(tenant).into_iter().flatten() {
            *release = release.map(|content| content.without_rows(WithheldRows::Erased(erased)));
        }
        book.projections = self.projections.without_rows_of(tenant, erased);
        book
    }

    /// Releases of the reading tenant that would be visible, if their rows could be read, the newest first.
    #[must_use]
    pub fn withheld(&self, at: Knowledge) -> Vec<&CommittedRelease> {
        let base = self.of_observations();
        // Somebody who had the files may have recorded one anew.
        let is_gone = |id: &str| base.visible_release(id).is_none() && base.visible_projections(id).is_none();
        let mut withheld: Vec<_> = base
            .withheld
            .iter()
            .chain(base.projections.withheld())
            .filter(|release| release.is_visible(at) && is_gone(release.id()))
            .collect();
        withheld.sort_by_key(|release| Reverse(release.committed.position));
        withheld
    }
}

impl ReleaseContent {
    /// The release alone.
    fn without_rows(&self, why: WithheldRows) -> Self {
        let withheld = Some(why.after(self.withheld));
        Self { release: self.release.clone(), withheld, ..Self::default() }
    }
}

impl CommittedRelease {
    /// Whether its rows cannot be read.
    #[must_use]
    pub fn is_withheld(&self) -> bool {
        self.content.withheld.is_some() || self.newest().withheld.is_some()
    }

    /// When it was erased. `None`: as far as this service knows, it was not.
    #[must_use]
    pub fn erased_at(&self) -> Option<Timestamp> {
        let contents = [&self.content, self.newest()];
        contents.into_iter().find_map(|content| match content.withheld {
            Some(WithheldRows::Erased(time)) => Some(time),
            Some(WithheldRows::Sealed) | None => None,
        })
    }
}
