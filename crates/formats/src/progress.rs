//! Progress of reading a release.

/// How far a release has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The current phase.
    pub phase: Phase,
    /// Rows read in this phase.
    pub rows: u64,
    /// Stored bytes read in this phase.
    pub bytes: u64,
    /// Stored bytes of all files.
    pub total_bytes: u64,
}

/// A phase of reading a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Files are read to identify them.
    Identifying,
    /// Rows are read and recorded.
    Recording,
}
