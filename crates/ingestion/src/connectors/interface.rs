//! Interfaces of publishers as state machines: what to call next, and what a response means.
use std::fmt;

use super::call::{Call, PageOutcome, ResponseError};

/// A poll of one publisher's interface. Pure: the same responses lead to the same calls.
pub(super) trait Interface: fmt::Debug + Send + Sync {
    /// The next call. `None`: everything was received.
    fn next_call(&self) -> Option<Call>;

    /// Reads the response to that call.
    fn read_page(&mut self, body: &[u8]) -> Result<PageOutcome, ResponseError>;

    /// Splits the call, whose response is too large. Returns the number of parts; `None`: it has none.
    fn split(&mut self) -> Option<usize>;

    /// What to do if the interface was removed. Empty: nothing better than the status is known.
    fn advice_when_gone(&self) -> &'static str {
        ""
    }

    /// Index of the series that the call belongs to. Series start over one by one.
    fn current_series(&self) -> usize;
}
