//! Errors of a log.
use super::Position;

/// An error of the log, by what the caller can do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Another append came first: read the stream and decide again.
    #[error("stream {stream} is at position {actual}, not {expected} as expected")]
    Conflict {
        /// The stream.
        stream: String,
        /// Position that the caller expected.
        expected: Position,
        /// Position of the stream's last event.
        actual: Position,
    },
    /// The log cannot be reached: try the same again later.
    #[error(
        "log {log} is unavailable: {reason}{}",
        if *.outcome_unknown { " (the append may have happened: repeat it)" } else { "" }
    )]
    Unavailable {
        /// The log.
        log: String,
        /// What was tried and what came back.
        reason: String,
        /// The append may or may not have happened; repeating it is safe.
        outcome_unknown: bool,
    },
    /// The append exceeds a limit: split it.
    #[error("append to {stream} is too large: {what} is {size}, the limit is {limit}")]
    TooLarge {
        /// The stream.
        stream: String,
        /// What is too large.
        what: &'static str,
        /// Its size.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// The append makes no sense: a defect of the caller.
    #[error("append to {stream} is invalid: {reason}")]
    Invalid {
        /// The stream.
        stream: String,
        /// What is wrong.
        reason: String,
    },
    /// There is no room left, and nothing was stored: make room.
    #[error("log {log} is full: {reason}")]
    Full {
        /// The log.
        log: String,
        /// What the store reported.
        reason: String,
    },
    /// The reader is too late: the events that it wants have been removed.
    #[error("log {log} no longer holds position {wanted}: the oldest is {oldest}")]
    Gone {
        /// The log.
        log: String,
        /// The first position that was wanted.
        wanted: Position,
        /// The oldest position that can be read.
        oldest: Position,
    },
    /// The log is not the one that was read before: read it anew from the beginning, or restore the old one.
    #[error("log {log} is not the one that was read before: {reason}")]
    Replaced {
        /// The log.
        log: String,
        /// How that shows.
        reason: String,
    },
    /// Stored data cannot be read, or contradicts its contract.
    #[error("log {log} is damaged at position {position}: {reason}")]
    Corrupt {
        /// The log.
        log: String,
        /// Where. 0: the log as a whole.
        position: Position,
        /// What is wrong.
        reason: String,
    },
    /// The permissions of the log's server forbid something: change them, or the credentials.
    #[error("log {log}: not permitted: {what}")]
    NotPermitted {
        /// The log.
        log: String,
        /// What was tried, such as `publish to SUBJECT`.
        what: String,
    },
    /// The log is not set up as it must be: change its configuration.
    #[error("log {log} cannot be used: {reason}")]
    Misconfigured {
        /// The log.
        log: String,
        /// What is missing and what to do.
        reason: String,
    },
}
