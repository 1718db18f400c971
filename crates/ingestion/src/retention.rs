//! Removes files that no release needs.
//!
//! A file stays for as long as a release that was ever committed, or that still may be, was read or mended from it, and as long as a
//! poll may go on from it. Everything else, such as the file of a dry run or of a release that its gates refused, goes after a while.
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use orewatch_contracts::ingestion::v1::ReleaseState;
use orewatch_runtime::{Context, Failure};

use crate::archive::{Archive, ContentId, Lying};
use crate::connectors::Connectors;
use crate::evolve::{Book, Held};
use crate::work::Keeper;

/// Shortest and longest time between two sweeps.
const SWEEPS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(3600));

/// Contents of the files that releases and polls need, as lower-case hexadecimal digests.
type Needed = BTreeSet<String>;

/// Removes files that nothing needs, now and then, until the process stops.
#[derive(Debug)]
pub(crate) struct Sweeper {
    pub(crate) context: Context,
    pub(crate) keeper: Arc<Keeper>,
    pub(crate) archive: Arc<Archive>,
    pub(crate) connectors: Arc<Connectors>,
    /// How long a file stays that nothing needs.
    pub(crate) keep: Duration,
}

impl Sweeper {
    /// Sweeps until the process stops. A sweep that fails is made again later.
    ///
    /// # Errors
    /// None: nothing depends on it.
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let pause = (self.keep / 10).clamp(SWEEPS.0, SWEEPS.1);
        let mut problem = String::new();
        // What the archive holds is known from the beginning. Who has found a file before a restart has time to come back for it.
        let mut swept = tokio::select! {
            () = self.context.shutdown.cancelled() => return Ok(()),
            stock = self.archive.take_stock() => stock.map(drop),
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
        let lying = self.archive.take_stock().await?;
        let before = earlier(self.context.clock.now(), self.keep);
        let mut removed = (0_u64, 0_u64);
        for file in old(&lying, before, &self.needed(before).await?) {
            // What was committed since the look at all of them is seen by the look at this one.
            if self.needed(before).await?.contains(&file.content.to_string()) {
                continue;
            }
            if self.archive.remove(file.content, before).await? {
                tracing::debug!(sha256 = %file.content, bytes = file.size, "a file that no release needs is removed");
                removed = (removed.0.saturating_add(1), removed.1.saturating_add(file.size));
            }
        }
        self.archive.forget_uses(before);
        if removed.0 > 0 {
            tracing::info!(files = removed.0, bytes = removed.1, "removed files that no release needs");
        }
        Ok(())
    }

    /// What is needed, by all that the log holds now.
    async fn needed(&self, before: Timestamp) -> Result<Needed, Failure> {
        self.keeper.up_to_date().await?;
        let mut needed = self.keeper.view(|book| needed(book, before));
        needed.extend(self.connectors.needed().await?);
        Ok(needed)
    }
}

/// Files that are older than a time and that nothing needs.
fn old(lying: &[Lying], before: Timestamp, needed: &Needed) -> Vec<Lying> {
    let is_old = |file: &&Lying| file.since < before && !needed.contains(&file.content.to_string());
    lying.iter().filter(is_old).copied().collect()
}

/// Files that releases were read and mended from: of those that were ever committed, that may be yet, and that were closed after a
/// time.
fn needed(book: &Book, before: Timestamp) -> Needed {
    book.iter().filter(|held| is_needed(held, before)).flat_map(files).collect()
}

fn is_needed(held: &Held, before: Timestamp) -> bool {
    held.committed_position.is_some()
        || held.head.state == ReleaseState::Open
        || held.closed_at.is_none_or(|closed| closed >= before)
}

fn files(held: &Held) -> impl Iterator<Item = String> + '_ {
    let read = held.head.release.files.iter().map(|file| &file.stored_sha256);
    let mended = held.mended.repairs.iter().map(|repair| &repair.sha256);
    read.chain(mended).filter(|sha256| !sha256.is_empty()).cloned()
}

/// Contents of the files of a tenant's releases.
pub(crate) fn contents(book: &Book, tenant: &str) -> BTreeSet<ContentId> {
    let own = book.iter().filter(|held| held.head.release.tenant == tenant);
    own.flat_map(files).filter_map(|sha256| ContentId::parse("sha256", &sha256).ok()).collect()
}

/// A time before another; the beginning of time where there is none.
fn earlier(now: Timestamp, by: Duration) -> Timestamp {
    let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
    now.checked_sub(by).unwrap_or(Timestamp::MIN)
}
