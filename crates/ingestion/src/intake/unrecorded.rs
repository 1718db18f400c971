//! A release that a dry run folds in memory. None of its rows are on the log.
use orewatch_contracts::Failure;
use orewatch_contracts::ingestion::v1::record_observations_request::Rows;
use orewatch_contracts::ingestion::v1::{ObservationsRecorded, Release, SampleRow};

use super::sample;
use crate::evolve::ReleaseRecord;
use crate::scope;

/// An open release in memory, with its first rows.
#[derive(Debug)]
pub(super) struct UnrecordedRelease {
    record: ReleaseRecord,
    sample: Vec<SampleRow>,
}

impl UnrecordedRelease {
    /// An open release without rows.
    pub(super) fn new(release: Release) -> Self {
        Self { record: ReleaseRecord::unrecorded(release), sample: Vec::new() }
    }

    /// The folded release and its first rows.
    pub(super) fn into_parts(self) -> (ReleaseRecord, Vec<SampleRow>) {
        (self.record, self.sample)
    }

    /// Folds a piece.
    ///
    /// # Errors
    /// A row outside the stated scope of the release.
    pub(super) fn take(&mut self, rows: Rows) -> Result<(), Failure> {
        if let Rows::Observations(ObservationsRecorded { columns: Some(columns), .. }) = &rows {
            scope::check_rows(&self.record.head.release, columns)?;
            sample::add_rows(&mut self.sample, &self.record.head.release, columns);
        }
        self.record.fold_unrecorded(match rows {
            Rows::Observations(chunk) => chunk.into(),
            Rows::Quarantine(chunk) => chunk.into(),
        });
        Ok(())
    }
}
