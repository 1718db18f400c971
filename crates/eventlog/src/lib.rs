//! The log: what every service keeps its facts in.
//!
//! [`EventLog`] is a small port with the semantics that event sourcing needs: atomic appends under optimistic
//! concurrency, idempotent by event id for the log's lifetime, durable when they return; reads that go from history to
//! live without a gap or a repeat. [`Projection`] folds a log and keeps state and position together.
//!
//! Two adapters pass the same conformance suite (`tests/conformance`), which is the exact meaning of the port:
//!
//! | | [`embedded`] | [`jetstream`] |
//! | --- | --- | --- |
//! | for | one process: a laptop, a test, a single node | a cluster; several replicas of a service |
//! | kept in | one SQLite file for each log | one stream of a NATS server (2.12 or later) for each log |
//! | acknowledged means | flushed to disk | flushed to disk, if the server runs with `sync_interval: always` |
//! | shared flushes | all appends that wait together | the events of one append |
//! | a second writer | a second process is refused | any number, decided by the expectation |
//! | a reused event id | refused for the log's lifetime | refused within the duplicate window |
//! | a damaged event | found by its digest, on reading | found by the server's own checksum |
//! | while it is away | does not happen | appends and readers wait it out, up to a patience |
//!
//! An append to a log without room is refused with [`Error::Full`], and reading goes on. Workers append through a [`WaitingLog`],
//! which waits for room.
//!
//! Limits are the same for both and checked before anything is stored: [`LARGEST_EVENT`], [`LARGEST_APPEND`],
//! [`MOST_EVENTS`]. Data that waits to be stored is bounded as well; an append waits for its turn.
//!
//! Why SQLite: its file format is promised to stay readable for decades, and anyone can open the file and look. Appends that
//! wait together share a flush, which is worth far more than the engine's own speed: one that is twice as fast would
//! not be noticed. The other candidate, redb, changes its file format and its interface with its next major version.

pub mod attribute;
pub mod embedded;
mod error;
mod event;
pub mod jetstream;
mod limits;
mod port;
mod projection;
mod room;

pub use error::Error;
pub use event::{Event, InvalidName, NewEvent, Position, StreamName};
pub use limits::{LARGEST_APPEND, LARGEST_EVENT, MOST_EVENTS};
pub use port::{EventLog, Extent, Filter, Item, Items};
pub use projection::Projection;
pub use room::WaitingLog;
