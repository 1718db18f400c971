//! How full the archive is, and which of its files were used lately: for quotas, and to decide what may be
//! removed.
//!
//! A file that is stored, found or read counts as used before anybody looks whether it exists. A recently
//! used file is not removed, and a file that is being removed cannot be used. So a file is either kept for
//! whoever is about to use it, or gone before they look, and then stored anew.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use orewatch_contracts::{Class, Failure};

use super::ContentId;

/// Upper bounds on what the archive holds, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// All files together.
    pub in_all: u64,
    /// Files of one tenant's releases together. Public data has no such bound.
    pub tenant: u64,
}

impl Default for Quota {
    /// 1 TiB in all, 100 GiB a tenant.
    fn default() -> Self {
        Self { in_all: 1 << 40, tenant: 100 << 30 }
    }
}

/// A file in the archive.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StoredEntry {
    pub(crate) content: ContentId,
    pub(crate) size: u64,
    /// When it was stored.
    pub(crate) since: Timestamp,
}

/// Usage of the archive. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Usage(Arc<Mutex<Files>>);

#[derive(Debug, Default)]
struct Files {
    sizes: BTreeMap<ContentId, u64>,
    total: u64,
    /// Bytes of unfinished files.
    incoming_bytes: u64,
    used: BTreeMap<ContentId, Timestamp>,
    /// Files that are being removed.
    being_removed: BTreeSet<ContentId>,
}

impl Usage {
    fn files(&self) -> std::sync::MutexGuard<'_, Files> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records files that exist.
    pub(super) fn record_entries(&self, entries: &[StoredEntry]) {
        let mut files = self.files();
        entries.iter().for_each(|file| files.insert(file.content, file.size));
    }

    /// Marks a file as used, whether it exists or not. Returns false while it is being removed: wait for that
    /// to end.
    #[must_use]
    pub(super) fn touch(&self, content: ContentId, now: Timestamp) -> bool {
        let mut files = self.files();
        let stays = !files.being_removed.contains(&content);
        if stays {
            files.used.insert(content, now);
        }
        stays
    }

    /// Records a stored file.
    pub(super) fn record_file(&self, content: ContentId, size: u64) {
        self.files().insert(content, size);
    }

    /// Reserves room for a file of an announced size. Only what is written of it counts, until the
    /// reservation is dropped.
    ///
    /// # Errors
    /// [`Class::Exhausted`] if the announced size exceeds the quota.
    pub(super) fn reserve(&self, announced: u64, quota: Quota) -> Result<Reservation, Failure> {
        let reservation = Reservation { usage: self.clone(), bytes: 0, quota };
        reservation.check_quota(&self.files(), announced)?;
        Ok(reservation)
    }

    /// Total size of some files, each counted once; missing files have none.
    pub(crate) fn total_size<'a>(&self, contents: impl IntoIterator<Item = &'a ContentId>) -> u64 {
        let files = self.files();
        let size = |content: &ContentId| files.sizes.get(content).copied().unwrap_or_default();
        contents.into_iter().fold(0, |sum, content| sum.saturating_add(size(content)))
    }

    /// Begins the removal of a file, unless it was used since a time. [`Usage::end_removal`] has to follow.
    #[must_use]
    pub(super) fn begin_removal(&self, content: ContentId, before: Timestamp) -> bool {
        let mut files = self.files();
        let is_free = files.used.get(&content).is_none_or(|used| *used < before);
        is_free && files.being_removed.insert(content)
    }

    /// Ends the removal of a file.
    pub(super) fn end_removal(&self, content: ContentId, is_gone: bool) {
        let mut files = self.files();
        files.being_removed.remove(&content);
        if is_gone {
            files.remove(content);
        }
    }

    /// Forgets uses before a time.
    pub(super) fn forget_uses(&self, before: Timestamp) {
        self.files().used.retain(|_, used| *used >= before);
    }
}

impl Files {
    fn insert(&mut self, content: ContentId, size: u64) {
        self.remove(content);
        self.sizes.insert(content, size);
        self.total = self.total.saturating_add(size);
    }

    fn remove(&mut self, content: ContentId) {
        let size = self.sizes.remove(&content).unwrap_or_default();
        self.total = self.total.saturating_sub(size);
    }
}

/// Room for an unfinished file.
#[derive(Debug)]
pub(super) struct Reservation {
    usage: Usage,
    bytes: u64,
    quota: Quota,
}

impl Reservation {
    /// Grows the reservation to a size in bytes.
    ///
    /// # Errors
    /// [`Class::Exhausted`] beyond the quota.
    pub(super) fn grow(&mut self, bytes: u64) -> Result<(), Failure> {
        let mut files = self.usage.files();
        self.check_quota(&files, bytes)?;
        files.incoming_bytes = files.incoming_bytes.saturating_add(bytes.saturating_sub(self.bytes));
        self.bytes = self.bytes.max(bytes);
        Ok(())
    }

    fn check_quota(&self, files: &Files, bytes: u64) -> Result<(), Failure> {
        let used = files.total.saturating_add(files.incoming_bytes).saturating_sub(self.bytes);
        if bytes <= self.bytes || used.saturating_add(bytes) <= self.quota.in_all {
            return Ok(());
        }
        Err(over_quota("the archive", self.quota.in_all, used, bytes).with_hint(
            "raise --archive-quota, or let files that no release needs go earlier with --keep-refused",
        ))
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut files = self.usage.files();
        files.incoming_bytes = files.incoming_bytes.saturating_sub(self.bytes);
    }
}

/// The failure for a file beyond a quota.
fn over_quota(whose: &str, quota: u64, used: u64, size: u64) -> Failure {
    let message = format!(
        "the quota of {whose} is {quota} bytes, {used} are used: a file of {size} bytes does not fit"
    );
    Failure::new(Class::Exhausted, "archive-quota", message).at("size", size.to_string())
}

/// Checks that a tenant's files stay within its quota.
///
/// # Errors
/// [`Class::Exhausted`] if they do not.
pub(crate) fn check_tenant(tenant: &str, quota: Quota, used: u64, more: u64) -> Result<(), Failure> {
    if tenant.is_empty() || more == 0 || used.saturating_add(more) <= quota.tenant {
        return Ok(());
    }
    Err(over_quota(&format!("tenant {tenant}"), quota.tenant, used, more)
        .with_hint("raise --tenant-quota; files of refused releases go by themselves after --keep-refused"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUOTA: Quota = Quota { in_all: 100, tenant: 50 };

    fn content(byte: u8) -> ContentId {
        ContentId::new([byte; 32])
    }

    #[test]
    fn an_unfinished_file_counts_until_it_is_stored() {
        let usage = Usage::default();
        let mut reservation = usage.reserve(60, QUOTA).unwrap();
        assert!(usage.reserve(100, QUOTA).is_ok(), "what is announced takes no room from others");
        reservation.grow(60).unwrap();
        assert_eq!(usage.reserve(41, QUOTA).unwrap_err().code, "archive-quota");
        let failure = reservation.grow(101).unwrap_err();
        assert!(failure.message.contains("100 bytes, 0 are used: a file of 101 bytes"), "{failure}");
        usage.record_file(content(1), 60);
        drop(reservation);
        assert!(usage.reserve(40, QUOTA).is_ok());
        assert!(usage.reserve(41, QUOTA).is_err());
        usage.record_file(content(1), 60);
        assert_eq!(usage.total_size([&content(1), &content(2)]), 60, "the same is stored once");
    }

    #[test]
    fn a_used_file_is_not_removed() {
        let (usage, early, late) = (Usage::default(), Timestamp::UNIX_EPOCH, Timestamp::MAX);
        usage.record_file(content(1), 60);
        assert!(usage.touch(content(1), early));
        assert!(!usage.begin_removal(content(1), early), "somebody uses it");
        assert!(usage.begin_removal(content(1), late));
        assert!(!usage.touch(content(1), early), "who wants to use it waits until it is gone");
        usage.end_removal(content(1), true);
        assert!(usage.touch(content(1), early));
        assert!(usage.reserve(100, QUOTA).is_ok(), "its room is free");
        usage.forget_uses(late);
        assert!(usage.files().used.is_empty());
    }

    #[test]
    fn a_tenant_has_a_quota_and_public_data_has_none() {
        assert_eq!(check_tenant("", QUOTA, 1_000, 1), Ok(()));
        assert_eq!(check_tenant("acme", QUOTA, 40, 10), Ok(()));
        assert_eq!(check_tenant("acme", QUOTA, 90, 0), Ok(()), "nothing new comes");
        let failure = check_tenant("acme", QUOTA, 40, 11).unwrap_err();
        assert!(failure.message.contains("tenant acme is 50 bytes, 40 are used"), "{failure}");
    }
}
