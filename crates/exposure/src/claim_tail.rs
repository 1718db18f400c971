//! Where the stream of claims stands: what was published last of each claim, and how far it follows the
//! observations log.
//!
//! No event says that all verdicts of a revision are there, because most revisions change none. A revision is
//! past if anything of a later one is on the log: verdicts are the last that is published of a revision.
//! Where replicas share the work, others may be ahead with the figures of their materials; then only the
//! stream itself says what is past, and a revision that is checked again changes nothing.

use futures_util::TryStreamExt as _;
use orewatch_contracts::Failure;
use orewatch_contracts::exposure::v1::{ClaimVerdictChanged, ExposureEvent};
use orewatch_eventlog::{EventLog, Filter, Position, StreamName, history};

use crate::decide::PublishedClaims;

/// The stream of claims, folded.
#[derive(Clone, Debug, Default)]
pub(crate) struct ClaimTail {
    /// Position of its last event, 0 if there is none.
    pub(crate) position: Position,
    /// What was published last of each claim.
    pub(crate) published: PublishedClaims,
    /// Position of the observations log of the newest revision that is known to be on the log.
    newest: Position,
}

impl ClaimTail {
    /// Reads the stream. `is_shared`: other replicas publish figures.
    pub(crate) async fn read(
        log: &dyn EventLog,
        stream: &StreamName,
        is_shared: bool,
    ) -> Result<Self, Failure> {
        let newest = if is_shared { 0 } else { newest_revision(log).await? };
        let mut tail = Self { newest, ..Self::default() };
        let last = log.last(stream).await?;
        if last > 0 {
            let mut events = history(log, Filter::Under(stream.clone()), 0);
            while let Some(event) = events.try_next().await? {
                if let Some(ExposureEvent::ClaimVerdictChanged(changed)) = ExposureEvent::read(&event)? {
                    tail.fold(event.position, changed);
                }
            }
            // An append expects the last event, also if readers pass over it.
            tail.position = tail.position.max(last);
        }
        Ok(tail)
    }

    /// Folds an event.
    pub(crate) fn fold(&mut self, position: Position, changed: ClaimVerdictChanged) {
        let revision = changed.cause.as_ref().map_or(0, |cause| cause.position);
        (self.position, self.newest) = (position, self.newest.max(revision));
        self.published.fold(changed);
    }

    /// Whether all verdicts of a revision are on the log.
    pub(crate) fn is_past(&self, revision: Position) -> bool {
        self.newest > revision
    }
}

/// Position of the observations log of the revision that the last event of the log follows from. 0 if there
/// is none, or if it is not known.
async fn newest_revision(log: &dyn EventLog) -> Result<Position, Failure> {
    let Some(before) = log.extent().await?.head.checked_sub(1) else { return Ok(0) };
    let mut newest = 0;
    let mut events = history(log, Filter::All, before);
    while let Some(event) = events.try_next().await? {
        let cause = match ExposureEvent::read(&event)? {
            Some(ExposureEvent::ExposuresChanged(changed)) => changed.cause,
            Some(ExposureEvent::ReleaseApplied(applied)) => applied.cause,
            Some(ExposureEvent::ClaimVerdictChanged(changed)) => changed.cause,
            None => None,
        };
        newest = cause.map_or(newest, |cause| cause.position);
    }
    Ok(newest)
}
