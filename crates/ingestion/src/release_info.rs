//! Releases as the service returns them.
use orewatch_contracts::Failure;
use orewatch_contracts::ingestion::v1::{ReleaseInfo, ReleaseState};
use orewatch_contracts::time::timestamp;

use crate::evolve::ReleaseRecord;
use crate::tally::Tally;

impl ReleaseRecord {
    /// The release as the service returns it.
    pub(crate) fn info(&self) -> ReleaseInfo {
        let withheld = self.head.withheld;
        ReleaseInfo {
            release: Some((*self.head.release).clone()),
            state: self.head.state.into(),
            report: self.report.clone(),
            opened_at: Some(timestamp(self.opened_at)),
            closed_at: self.closed_at.map(timestamp),
            committed_position: self.committed_position,
            chunks: u32::try_from(self.head.observations.len()).unwrap_or(u32::MAX),
            reason: withheld.map_or_else(|| self.reason.clone(), |withheld| withheld.text()),
            skipped: Vec::new(),
            erased_at: withheld.and_then(|withheld| withheld.erased_at()).map(timestamp),
        }
    }

    /// Checks that its rows can be read.
    ///
    /// # Errors
    /// They are erased, or sealed with a key that this service does not have.
    pub(crate) fn check_readable(&self) -> Result<(), Failure> {
        let withheld = self.head.withheld.map(|withheld| withheld.failure(&self.head.release.id));
        withheld.map_or(Ok(()), Err)
    }

    /// Everything that gates look at, of a release whose rows are on the log, visible or not.
    pub(crate) fn full_tally(&self) -> Tally {
        let Some(report) = self.report.as_ref().filter(|_| self.head.state == ReleaseState::Committed) else {
            return self.tally.clone();
        };
        let span = (report.first_period.clone(), report.last_period.clone());
        Tally {
            rows: report.rows_recorded,
            listed: self.rejections.open_count(),
            span: Some(span).filter(|(first, _)| !first.is_empty()),
            ..Tally::from(self.committed_rows.clone())
        }
    }
}
