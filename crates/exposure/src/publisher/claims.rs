//! Publishes verdicts on claims, after the figures of a revision.

use std::sync::Arc;

use orewatch_contracts::Failure;
use orewatch_contracts::exposure::v1::ClaimVerdictChanged;
use orewatch_eventlog::{Error, NewEvent, StreamName, append_with_retry};
use tokio::task::spawn_blocking;

use super::{Publisher, crashed, shortened, unnamed};
use crate::claim_tail::ClaimTail;
use crate::decide::{self, Plan};
use crate::evolve::BookRevision;

/// Largest size of one append, in bytes.
const MAX_BATCH_BYTES: usize = 4 * 1024 * 1024;

/// Largest number of events in one append.
const MAX_BATCH_EVENTS: usize = 256;

impl Publisher {
    /// Publishes the verdicts that a revision changes. Without any claim, past or present, it does nothing.
    pub(super) async fn apply_to_claims(
        &mut self,
        revision: &Arc<BookRevision>,
        plan: &Arc<Plan>,
    ) -> Result<(), Failure> {
        if !revision.new.ever_had_claims() {
            return Ok(());
        }
        let stream = decide::stream(self.log.name(), decide::CLAIMS).map_err(unnamed)?;
        let mut tail = match self.claims.take() {
            Some(tail) => tail,
            None => ClaimTail::read(&*self.log, &stream).await?,
        };
        if !tail.is_past(revision.moment.position) {
            let Some(now) = self.verdicts(revision, plan, &tail).await? else { return Ok(()) };
            tail = self.publish_verdicts(revision, &now, tail, &stream).await?;
        }
        self.claims = Some(tail);
        Ok(())
    }

    /// Computes verdicts on a thread for blocking work. `None`: it stopped at the shutdown.
    async fn verdicts(
        &self,
        revision: &Arc<BookRevision>,
        plan: &Arc<Plan>,
        tail: &ClaimTail,
    ) -> Result<Option<Vec<ClaimVerdictChanged>>, Failure> {
        let (revision, plan, shutdown) = (Arc::clone(revision), Arc::clone(plan), self.shutdown.clone());
        let published = tail.published.clone();
        let compute = move || {
            let goes_on = || !shutdown.is_cancelled();
            decide::claim_verdicts(&goes_on, &revision, &plan, &published)
        };
        spawn_blocking(compute).await.map_err(crashed)
    }

    /// Appends the verdicts that differ from those published last. If another replica appends meanwhile, what
    /// is still missing follows from the stream.
    async fn publish_verdicts(
        &self,
        revision: &BookRevision,
        now: &[ClaimVerdictChanged],
        mut tail: ClaimTail,
        stream: &StreamName,
    ) -> Result<ClaimTail, Failure> {
        while !tail.is_past(revision.moment.position) {
            let mut events = decide::claim_events(revision, now, &tail.published, stream);
            events.truncate(fitting(&events));
            if events.is_empty() {
                break;
            }
            let batch = events.iter().map(|(event, _)| event.clone()).collect();
            match append_with_retry(&*self.log, stream, tail.position, batch).await {
                Ok(position) => events.into_iter().for_each(|(_, changed)| tail.fold(position, changed)),
                Err(Error::Conflict { expected, actual, .. }) if actual < expected => {
                    return Err(shortened(&*self.log, stream, expected, actual).into());
                }
                Err(Error::Conflict { .. }) => tail = ClaimTail::read(&*self.log, stream).await?,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(tail)
    }
}

/// Number of events that fit into one append: at least one, if there is any.
fn fitting(events: &[(NewEvent, ClaimVerdictChanged)]) -> usize {
    let mut bytes = 0_usize;
    let fits = events.iter().take(MAX_BATCH_EVENTS).take_while(|(event, _)| {
        bytes = bytes.saturating_add(event.data.len());
        bytes <= MAX_BATCH_BYTES
    });
    fits.count().max(1)
}
