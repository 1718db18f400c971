//! What became of the snapshots of a service, for whoever operates it.
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

/// What became of snapshots. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct SnapshotHealth(Arc<Mutex<Facts>>);

#[derive(Clone, Copy, Debug, Default)]
struct Facts {
    written_at: Option<Timestamp>,
    not_used: u64,
    not_written: u64,
}

impl SnapshotHealth {
    /// When the newest snapshot was written that this process knows of, and how many could not be used and
    /// how many not be written.
    #[must_use]
    pub fn facts(&self) -> (Option<Timestamp>, u64, u64) {
        let Facts { written_at, not_used, not_written } = *self.lock();
        (written_at, not_used, not_written)
    }

    /// Records that a snapshot could not be written.
    pub fn count_not_written(&self) {
        let mut facts = self.lock();
        facts.not_written = facts.not_written.saturating_add(1);
    }

    /// Records that a snapshot could not be used.
    pub(crate) fn count_not_used(&self) {
        let mut facts = self.lock();
        facts.not_used = facts.not_used.saturating_add(1);
    }

    /// Records that there is a snapshot that was written at a time.
    pub(crate) fn set_written(&self, time: Timestamp) {
        let mut facts = self.lock();
        facts.written_at = facts.written_at.max(Some(time));
    }

    fn lock(&self) -> MutexGuard<'_, Facts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
