//! Publishes verdicts on claims, after the figures of a revision.

use std::collections::BTreeSet;
use std::sync::Arc;

use orewatch_contracts::Failure;
use orewatch_contracts::exposure::v1::ClaimVerdictChanged;
use orewatch_eventlog::{Error, NewEvent, StreamName, append_with_retry};
use tokio::task::spawn_blocking;

use super::{Publisher, crashed, shortened, unnamed};
use crate::claim_tail::ClaimTail;
use crate::claims::Elsewhere;
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
        // Replicas that share the work have one that judges claims.
        if self.is_shared || !revision.new.ever_had_claims() {
            return Ok(());
        }
        let (stream, mut tail) = self.claim_tail().await?;
        if !tail.is_past(revision.moment.position) {
            let Some(now) = self.verdicts(revision, plan, &tail).await? else { return Ok(()) };
            tail = self.publish_verdicts(revision, &now, tail, &stream).await?;
        }
        self.claims = Some(tail);
        Ok(())
    }

    /// Identifiers of the claims that have to be judged after a revision, where other replicas hold some of
    /// the materials. `None`: they have been.
    ///
    /// # Errors
    /// Those of the log.
    pub(crate) async fn claims_to_judge(
        &mut self,
        revision: &BookRevision,
    ) -> Result<Option<BTreeSet<String>>, Failure> {
        let (_, tail) = self.claim_tail().await?;
        let is_past = tail.is_past(revision.moment.position);
        let wanted = (!is_past).then(|| decide::claims_of_materials(revision, &tail.published));
        self.claims = Some(tail);
        Ok(wanted)
    }

    /// Publishes the verdicts that a revision changes. `elsewhere` has the figures of the materials that
    /// other replicas hold, for these claims.
    ///
    /// # Errors
    /// Those of the log.
    pub(crate) async fn judge(
        &mut self,
        revision: &Arc<BookRevision>,
        claims: BTreeSet<String>,
        elsewhere: Elsewhere,
    ) -> Result<(), Failure> {
        let (stream, tail) = self.claim_tail().await?;
        let Some(now) = self.verdicts_with(revision, claims, &tail, elsewhere).await? else { return Ok(()) };
        self.claims = Some(self.publish_verdicts(revision, &now, tail, &stream).await?);
        Ok(())
    }

    /// The stream of claims, and where it stands.
    async fn claim_tail(&mut self) -> Result<(StreamName, ClaimTail), Failure> {
        let stream = decide::stream(self.log.name(), decide::CLAIMS).map_err(unnamed)?;
        let tail = match self.claims.take() {
            Some(tail) => tail,
            None => ClaimTail::read(&*self.log, &stream, self.is_shared).await?,
        };
        Ok((stream, tail))
    }

    async fn verdicts_with(
        &self,
        revision: &Arc<BookRevision>,
        wanted: BTreeSet<String>,
        tail: &ClaimTail,
        elsewhere: Elsewhere,
    ) -> Result<Option<Vec<ClaimVerdictChanged>>, Failure> {
        let (revision, shutdown, published) =
            (Arc::clone(revision), self.shutdown.clone(), tail.published.clone());
        let compute = move || {
            let goes_on = || !shutdown.is_cancelled();
            decide::claim_verdicts_with(&goes_on, &revision, &wanted, &published, &elsewhere)
        };
        spawn_blocking(compute).await.map_err(crashed)
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
                Err(Error::Conflict { .. }) => {
                    tail = ClaimTail::read(&*self.log, stream, self.is_shared).await?;
                }
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
