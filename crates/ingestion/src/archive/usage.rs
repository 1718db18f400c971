//! How full the archive is, and which of its files were used lately: for quotas, and for what may be removed.
//!
//! A file that comes, is found again or is read counts as used from before anybody looks whether it is there. One that was used lately
//! is not removed, and while one is removed nobody begins to use it: so a file is either kept for who is about to use it, or gone
//! before they look, and then it is stored anew.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use orewatch_runtime::{Class, Failure};

use super::ContentId;

/// How much the archive may hold, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// All files together.
    pub in_all: u64,
    /// The files of one tenant's releases together. What is everyone's has no such bound.
    pub tenant: u64,
}

impl Default for Quota {
    /// 1 TiB in all, 100 GiB a tenant.
    fn default() -> Self {
        Self { in_all: 1 << 40, tenant: 100 << 30 }
    }
}

/// A file as it lies in the archive.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lying {
    pub(crate) content: ContentId,
    pub(crate) size: u64,
    /// When it was stored.
    pub(crate) since: Timestamp,
}

/// What is known of the files. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Usage(Arc<Mutex<Files>>);

#[derive(Debug, Default)]
struct Files {
    sizes: BTreeMap<ContentId, u64>,
    total: u64,
    /// Bytes of files on their way.
    coming: u64,
    used: BTreeMap<ContentId, Timestamp>,
    /// Files that are being removed.
    going: BTreeSet<ContentId>,
}

impl Usage {
    fn files(&self) -> std::sync::MutexGuard<'_, Files> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes files that are there.
    pub(super) fn found(&self, lying: &[Lying]) {
        let mut files = self.files();
        lying.iter().for_each(|file| files.store(file.content, file.size));
    }

    /// Notes that somebody is about to use a file, whether it is there or not. False: it is being removed, which has to end first.
    #[must_use]
    pub(super) fn touch(&self, content: ContentId, now: Timestamp) -> bool {
        let mut files = self.files();
        let stays = !files.going.contains(&content);
        if stays {
            files.used.insert(content, now);
        }
        stays
    }

    /// Notes a file that has its place.
    pub(super) fn stored(&self, content: ContentId, size: u64) {
        self.files().store(content, size);
    }

    /// Room for a file that is announced with a size. What counts is what comes of it, until what is returned is dropped.
    ///
    /// # Errors
    /// [`Class::Exhausted`] if there is none within the quota for all of it.
    pub(super) fn reserve(&self, announced: u64, quota: Quota) -> Result<Room, Failure> {
        let room = Room { usage: self.clone(), bytes: 0, quota };
        room.fits(&self.files(), announced)?;
        Ok(room)
    }

    /// Bytes of some files together, each once; those that are not there have none.
    pub(crate) fn sum<'a>(&self, contents: impl IntoIterator<Item = &'a ContentId>) -> u64 {
        let files = self.files();
        let size = |content: &ContentId| files.sizes.get(content).copied().unwrap_or_default();
        contents.into_iter().fold(0, |sum, content| sum.saturating_add(size(content)))
    }

    /// Notes that a file is being removed, if nobody has used it since a time. [`Usage::removed`] says how that ended.
    #[must_use]
    pub(super) fn remove(&self, content: ContentId, before: Timestamp) -> bool {
        let mut files = self.files();
        let is_free = files.used.get(&content).is_none_or(|used| *used < before);
        is_free && files.going.insert(content)
    }

    /// Notes that the removal of a file has ended.
    pub(super) fn removed(&self, content: ContentId, is_gone: bool) {
        let mut files = self.files();
        files.going.remove(&content);
        if is_gone {
            files.forget(content);
        }
    }

    /// Forgets what was used before a time.
    pub(super) fn tidy(&self, before: Timestamp) {
        self.files().used.retain(|_, used| *used >= before);
    }
}

impl Files {
    fn store(&mut self, content: ContentId, size: u64) {
        self.forget(content);
        self.sizes.insert(content, size);
        self.total = self.total.saturating_add(size);
    }

    fn forget(&mut self, content: ContentId) {
        let size = self.sizes.remove(&content).unwrap_or_default();
        self.total = self.total.saturating_sub(size);
    }
}

/// Room that is kept for a file on its way.
#[derive(Debug)]
pub(super) struct Room {
    usage: Usage,
    bytes: u64,
    quota: Quota,
}

impl Room {
    /// Keeps room for a file of so many bytes.
    ///
    /// # Errors
    /// [`Class::Exhausted`] beyond the quota.
    pub(super) fn grow(&mut self, bytes: u64) -> Result<(), Failure> {
        let mut files = self.usage.files();
        self.fits(&files, bytes)?;
        files.coming = files.coming.saturating_add(bytes.saturating_sub(self.bytes));
        self.bytes = self.bytes.max(bytes);
        Ok(())
    }

    fn fits(&self, files: &Files, bytes: u64) -> Result<(), Failure> {
        let used = files.total.saturating_add(files.coming).saturating_sub(self.bytes);
        if bytes <= self.bytes || used.saturating_add(bytes) <= self.quota.in_all {
            return Ok(());
        }
        Err(beyond("the archive", self.quota.in_all, used, bytes).with_hint(
            "raise --archive-quota, or let files that no release needs go earlier with --keep-refused",
        ))
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let mut files = self.usage.files();
        files.coming = files.coming.saturating_sub(self.bytes);
    }
}

/// A file for which a quota leaves no room.
fn beyond(whose: &str, quota: u64, used: u64, size: u64) -> Failure {
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
    Err(beyond(&format!("tenant {tenant}"), quota.tenant, used, more)
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
    fn what_is_on_its_way_counts_until_it_has_its_place() {
        let usage = Usage::default();
        let mut room = usage.reserve(60, QUOTA).unwrap();
        assert!(usage.reserve(100, QUOTA).is_ok(), "what is announced takes no room from others");
        room.grow(60).unwrap();
        assert_eq!(usage.reserve(41, QUOTA).unwrap_err().code, "archive-quota");
        let failure = room.grow(101).unwrap_err();
        assert!(failure.message.contains("100 bytes, 0 are used: a file of 101 bytes"), "{failure}");
        usage.stored(content(1), 60);
        drop(room);
        assert!(usage.reserve(40, QUOTA).is_ok());
        assert!(usage.reserve(41, QUOTA).is_err());
        usage.stored(content(1), 60);
        assert_eq!(usage.sum([&content(1), &content(2)]), 60, "the same is stored once");
    }

    #[test]
    fn what_is_used_is_not_removed() {
        let (usage, early, late) = (Usage::default(), Timestamp::UNIX_EPOCH, Timestamp::MAX);
        usage.stored(content(1), 60);
        assert!(usage.touch(content(1), early));
        assert!(!usage.remove(content(1), early), "somebody uses it");
        assert!(usage.remove(content(1), late));
        assert!(!usage.touch(content(1), early), "who wants to use it waits until it is gone");
        usage.removed(content(1), true);
        assert!(usage.touch(content(1), early));
        assert!(usage.reserve(100, QUOTA).is_ok(), "its room is free");
        usage.tidy(late);
        assert!(usage.files().used.is_empty());
    }

    #[test]
    fn a_tenant_has_a_quota_and_everyone_has_none() {
        assert_eq!(check_tenant("", QUOTA, 1_000, 1), Ok(()));
        assert_eq!(check_tenant("acme", QUOTA, 40, 10), Ok(()));
        assert_eq!(check_tenant("acme", QUOTA, 90, 0), Ok(()), "nothing new comes");
        let failure = check_tenant("acme", QUOTA, 40, 11).unwrap_err();
        assert!(failure.message.contains("tenant acme is 50 bytes, 40 are used"), "{failure}");
    }
}
