//! Progress of an ingest, as a client sees it.
use orewatch_contracts::ingestion::v1::{IngestProgress, Phase as ReportedPhase};

/// Progress of an ingest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Current phase.
    pub phase: Phase,
    /// Rows read so far.
    pub rows: u64,
    /// Stored bytes handled in this phase.
    pub bytes: u64,
    /// Stored bytes of this phase in all; 0: unknown.
    pub total_bytes: u64,
    /// The release being recorded. Empty: unknown yet.
    pub release: String,
}

/// Phase of an ingest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Files are sent to the archive.
    Sending,
    /// A publisher is polled.
    Fetching,
    /// The service identifies the files.
    Identifying,
    /// Rows are read and recorded.
    Recording,
    /// The gates judge the release.
    Gating,
}

impl Progress {
    /// Progress from a message of the service.
    #[must_use]
    pub fn from_message(message: IngestProgress) -> Self {
        let phase = match message.phase() {
            ReportedPhase::Fetching => Phase::Fetching,
            ReportedPhase::Identifying | ReportedPhase::Unspecified => Phase::Identifying,
            ReportedPhase::Recording => Phase::Recording,
            ReportedPhase::Gating => Phase::Gating,
        };
        let IngestProgress { rows, bytes, total_bytes, release, .. } = message;
        Self { phase, rows, bytes, total_bytes, release }
    }

    /// Progress of files being sent.
    pub(super) fn sending(bytes: u64, total_bytes: u64) -> Self {
        Self { phase: Phase::Sending, rows: 0, bytes, total_bytes, release: String::new() }
    }
}
