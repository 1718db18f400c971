//! Removes files that no release needs from the archive.
//!
//! A file is kept while a release that was ever committed, or still may be, was read or repaired from it, and
//! while a poll may resume from it. Everything else, such as the file of a dry run or of a refused release,
//! is removed after a while.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use orewatch_contracts::Failure;
use orewatch_contracts::ingestion::v1::ReleaseState;
use orewatch_runtime::Context;

use crate::archive::{Archive, ContentId, StoredEntry};
use crate::connectors::Connectors;
use crate::evolve::{IngestionState, ReleaseRecord};
use crate::withheld::Withheld;
use crate::work::Repository;

/// Shortest and longest time between two sweeps.
const SWEEP_INTERVAL: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(3600));

/// Names under which the archive has the files that releases and polls need.
type NeededFiles = BTreeSet<ContentId>;

/// Contents that releases need, by their owner. Empty: everyone.
type NeededContents = BTreeMap<String, BTreeSet<ContentId>>;

/// Removes unneeded files now and then, until the process stops.
#[derive(Debug)]
pub(crate) struct Sweeper {
    pub(crate) context: Context,
    pub(crate) repository: Arc<Repository>,
    pub(crate) archive: Arc<Archive>,
    pub(crate) connectors: Arc<Connectors>,
    /// How long an unneeded file is kept.
    pub(crate) keep: Duration,
}

impl Sweeper {
    /// Sweeps until the process stops. A failed sweep is tried again later.
    ///
    /// # Errors
    /// None: no other work depends on it.
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let pause = (self.keep / 10).clamp(SWEEP_INTERVAL.0, SWEEP_INTERVAL.1);
        let mut problem = String::new();
        // The stock is taken at the start, but the first sweep waits: a caller who found a file before a
        // restart has time to come back for it.
        let mut swept = tokio::select! {
            () = self.context.shutdown.cancelled() => return Ok(()),
            stock = self.archive.list_files() => stock.map(drop),
        };
        loop {
            let now = swept.as_ref().err().map(ToString::to_string).unwrap_or_default();
            if !now.is_empty() && now != problem {
                tracing::warn!(error = now, "files that no release needs were not removed");
            }
            problem = now;
            let sweep = async {
                tokio::time::sleep(pause).await;
                self.sweep().await
            };
            tokio::select! {
                () = self.context.shutdown.cancelled() => return Ok(()),
                outcome = sweep => swept = outcome,
            }
        }
    }

    async fn sweep(&self) -> Result<(), Failure> {
        if self.archive.lacks_keys() {
            return Ok(());
        }
        let entries = self.archive.list_files().await?;
        let before = time_before(self.context.clock.now(), self.keep);
        let mut removed = (0_u64, 0_u64);
        let stored: BTreeSet<ContentId> = entries.iter().map(|file| file.content).collect();
        for file in removable_files(&entries, before, &self.needed(before, &stored).await?) {
            // A release that was committed since the first look is seen by this one.
            if self.needed(before, &stored).await?.contains(&file.content) {
                continue;
            }
            if self.archive.remove(file.content, before).await? {
                tracing::debug!(sha256 = %file.content, bytes = file.size, "removed a file that no release \
                                                                            needs");
                removed = (removed.0.saturating_add(1), removed.1.saturating_add(file.size));
            }
        }
        self.archive.forget_uses(before);
        if removed.0 > 0 {
            tracing::info!(files = removed.0, bytes = removed.1, "removed files that no release needs");
        }
        Ok(())
    }

    /// Files that are needed now, by everything on the log.
    async fn needed(&self, before: Timestamp, stored: &BTreeSet<ContentId>) -> Result<NeededFiles, Failure> {
        self.repository.catch_up().await?;
        let by_owner = self.repository.view(|state| needed_contents(state, before));
        let polled = self.connectors.needed().await?;
        let mut needed: NeededFiles = polled.iter().filter_map(|sha256| content_of(sha256)).collect();
        for (owner, contents) in by_owner {
            for content in contents {
                // Of a content that is sealed for its owner, the other copy is not needed.
                let names = self.archive.names_of(content, &owner).await?;
                needed.extend(names.into_iter().find(|name| stored.contains(name)));
            }
        }
        Ok(needed)
    }
}

/// Unneeded files that were stored before a time.
fn removable_files(entries: &[StoredEntry], before: Timestamp, needed: &NeededFiles) -> Vec<StoredEntry> {
    let is_old = |file: &&StoredEntry| file.since < before && !needed.contains(&file.content);
    entries.iter().filter(is_old).copied().collect()
}

/// Contents that releases were read or repaired from: releases that were ever committed, that are still open,
/// and that were closed after a time. What is erased needs none.
fn needed_contents(state: &IngestionState, before: Timestamp) -> NeededContents {
    let mut needed = NeededContents::new();
    for record in state.iter().filter(|record| is_needed(record, before)) {
        needed.entry(record.head.release.tenant.clone()).or_default().extend(release_contents(record));
    }
    needed
}

fn is_needed(record: &ReleaseRecord, before: Timestamp) -> bool {
    let is_used = record.committed_position.is_some()
        || record.head.state == ReleaseState::Open
        || record.closed_at.is_none_or(|closed| closed >= before);
    is_used && !matches!(record.head.withheld, Some(Withheld::Erased(_)))
}

fn release_contents(record: &ReleaseRecord) -> impl Iterator<Item = ContentId> + '_ {
    let read = record.head.release.files.iter().map(|file| &file.stored_sha256);
    let repaired = record.rejections.repairs.iter().map(|repair| &repair.sha256);
    read.chain(repaired).filter_map(|sha256| content_of(sha256))
}

fn content_of(sha256: &str) -> Option<ContentId> {
    ContentId::parse("sha256", sha256).ok()
}

/// Contents of the files of a tenant's releases.
pub(crate) fn tenant_contents(state: &IngestionState, tenant: &str) -> BTreeSet<ContentId> {
    let own = state.iter().filter(|record| record.head.release.tenant == tenant);
    own.flat_map(release_contents).collect()
}

/// Contents that releases of others than a tenant need.
pub(crate) fn contents_of_others(state: &IngestionState, tenant: &str) -> BTreeSet<ContentId> {
    let needed = needed_contents(state, Timestamp::MIN);
    needed.into_iter().filter(|(owner, _)| owner != tenant).flat_map(|(_, contents)| contents).collect()
}

/// `now` minus a duration; the earliest representable time if there is none.
fn time_before(now: Timestamp, by: Duration) -> Timestamp {
    let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
    now.checked_sub(by).unwrap_or(Timestamp::MIN)
}
