//! The interfaces of publishers, as machines: what to ask next, and what an answer means.
use std::fmt;

use super::call::{Call, Odd, Turn};

/// A publisher's interface in the middle of a poll. Pure: the same answers give the same requests.
pub(super) trait Interface: fmt::Debug + Send + Sync {
    /// The next request. None: everything has come.
    fn ask(&self) -> Option<Call>;

    /// Takes the answer to that request.
    fn hear(&mut self, body: &[u8]) -> Result<Turn, Odd>;

    /// The answer to that request is larger than may be taken: asks for parts of it. None: it has none.
    fn part(&mut self) -> Option<usize>;

    /// What to do about a status that tells that there is no such interface any more. Empty: nothing better than the status.
    fn when_gone(&self) -> &'static str {
        ""
    }

    /// Which of its series the request belongs to: what is started over goes by series.
    fn series(&self) -> usize;
}
