//! How far the work has come.

/// How far a release has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub phase: Phase,
    /// Rows read in this phase.
    pub rows: u64,
    /// Bytes read in this phase, as stored.
    pub bytes: u64,
    /// Bytes of all files, as stored.
    pub total_bytes: u64,
}

/// What is being done with a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The files are read to learn which release they are.
    Identifying,
    /// The rows are read and recorded.
    Recording,
}
