//! The one place that asks what time it is.
use std::fmt;

use jiff::Timestamp;

/// A source of the present time; tests and replays bring their own.
pub trait Clock: fmt::Debug + Send + Sync {
    /// The present instant.
    fn now(&self) -> Timestamp;
}

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "this is the clock that everything else has to ask")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}
