//! How far an ingestion is, as a client sees it.
use orewatch_contracts::ingestion::v1::{IngestProgress, Phase as Told};

/// How far an ingestion is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is done.
    pub phase: Phase,
    /// Rows read so far.
    pub rows: u64,
    /// Bytes of this phase so far, as stored.
    pub bytes: u64,
    /// Bytes in all, as stored; 0: not known.
    pub total_bytes: u64,
    /// The release that is recorded. Empty: not known yet.
    pub release: String,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The files go into the archive.
    Sending,
    /// A publisher's interface is asked.
    Fetching,
    /// The service finds out what the files are.
    Identifying,
    /// It reads and records rows.
    Recording,
    /// The gates look at them.
    Gating,
}

impl Progress {
    /// What the service says.
    #[must_use]
    pub fn of(told: IngestProgress) -> Self {
        let phase = match told.phase() {
            Told::Fetching => Phase::Fetching,
            Told::Identifying | Told::Unspecified => Phase::Identifying,
            Told::Recording => Phase::Recording,
            Told::Gating => Phase::Gating,
        };
        let IngestProgress { rows, bytes, total_bytes, release, .. } = told;
        Self { phase, rows, bytes, total_bytes, release }
    }

    /// Files on their way.
    pub(super) fn sending(bytes: u64, total_bytes: u64) -> Self {
        Self { phase: Phase::Sending, rows: 0, bytes, total_bytes, release: String::new() }
    }
}
