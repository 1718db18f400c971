//! Leases: which processes of a service are there, and what each of them says that it holds.
//!
//! A process announces itself again and again; its announcement is its lease on all that it lists, and
//! lapses if it is not renewed. Who should hold what is a pure function of who is there ([`assign`]), so that
//! nobody has to be elected. A lease protects nothing by itself: two processes that hold the same for a
//! moment append to a log with the same expectation, and one of them is refused.
//!
//! Two adapters: [`LocalLeases`] for members in one process, and a bucket of NATS for a cluster
//! ([`JetStream::leases`](crate::jetstream::JetStream::leases)).
mod assignment;
mod local;

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;

use crate::Error;

pub use assignment::{assign, owner};
pub use local::LocalLeases;

/// What a member announced last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// Name of the member, one token: letters, digits and hyphens.
    pub member: String,
    /// Number of the announcement: it grows with each announcement of any member.
    pub revision: u64,
    /// What the member says. Leases do not look into it.
    pub record: Bytes,
}

/// The leases of one service.
pub trait Leases: fmt::Debug + Send + Sync {
    /// Announces a member, in place of its last announcement, for `ttl` (whole seconds). Returns the
    /// revision.
    ///
    /// # Errors
    /// [`Error::Unavailable`] within about a second if the store of leases cannot be reached;
    /// [`Error::NotPermitted`]; [`Error::Misconfigured`].
    fn announce<'a>(
        &'a self,
        member: &'a str,
        record: Bytes,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<u64, Error>>;

    /// The announcements that have not lapsed, in the order of their revisions. One that has just lapsed may
    /// still be among them: a reader that wants to be sure watches for how long its revision stays the same.
    ///
    /// # Errors
    /// As [`announce`](Self::announce).
    fn announcements(&self) -> BoxFuture<'_, Result<Vec<Announcement>, Error>>;
}
