//! How far a backup, a check or a restore has come.
use orewatch_eventlog::Position;

/// How far the work on a log has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress<'a> {
    /// Name of the log.
    pub log: &'a str,
    /// Position that was reached.
    pub position: Position,
    /// Position at which the work ends.
    pub end: Position,
}
