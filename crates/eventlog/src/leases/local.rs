//! Leases of members in one process.
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::{self, BoxFuture};
use tokio::time::Instant;

use super::{Announcement, Leases};
use crate::Error;

/// Leases in the memory of one process. A process that is alone is the only member, and so holds everything;
/// several members share the work within the process, as tests do.
#[derive(Debug, Default)]
pub struct LocalLeases(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    revision: u64,
    /// Announcements by member, each with the time at which it lapses.
    announced: BTreeMap<String, (Announcement, Instant)>,
}

impl Leases for LocalLeases {
    fn announce<'a>(
        &'a self,
        member: &'a str,
        record: Bytes,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<u64, Error>> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.revision += 1;
        let revision = known.revision;
        let announcement = Announcement { member: member.to_owned(), revision, record };
        known.announced.insert(member.to_owned(), (announcement, Instant::now() + ttl));
        future::ready(Ok(revision)).boxed()
    }

    fn announcements(&self) -> BoxFuture<'_, Result<Vec<Announcement>, Error>> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        known.announced.retain(|_, (_, lapses)| *lapses > now);
        let mut all: Vec<_> =
            known.announced.values().map(|(announcement, _)| announcement.clone()).collect();
        all.sort_by_key(|announcement| announcement.revision);
        future::ready(Ok(all)).boxed()
    }
}
