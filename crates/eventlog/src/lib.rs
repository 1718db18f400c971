//! The event log: the only store of every service.
//!
//! [`EventLog`] is a small port with the semantics that event sourcing needs: appends are atomic, checked
//! against an expected position, idempotent by event id and durable when they return; readers go from history
//! to live events without a gap or a repeat. [`Projection`] folds a log and keeps state and position
//! together.
//!
//! Two adapters pass the same conformance suite (`tests/conformance`), which is the exact meaning of the
//! port:
//!
//! | | [`embedded`] | [`jetstream`] |
//! | --- | --- | --- |
//! | for | one process: a laptop, a test, a single node | a cluster; several replicas of a service |
//! | stored in | one SQLite file for each log | one stream of a NATS server (2.12 or later) for each log |
//! | acknowledged means | flushed to disk | flushed to disk, if the server has `sync_interval: always` |
//! | shared flushes | all appends that wait together | the events of one append |
//! | events in order | one group after another | the next group is sent while one is stored |
//! | a second writer | a second process is refused | any number, decided by the expectation |
//! | a reused event id | refused for the log's lifetime | refused within the duplicate window |
//! | a damaged event | found by its digest, on reading | found by the server's own checksum |
//! | what others store there | does not happen | passed over and counted ([`EventLog::passed_over`]) |
//! | while it is unreachable | does not happen | appends and readers retry, up to a deadline |
//!
//! What services need on top of a log is here once: a [`Follower`] reads for as long as a process lives,
//! [`history`] reads what is there now, [`append_with_retry`] gets over a log that is away for a moment, a
//! [`WaitingLog`] waits where an append would be refused because the log is full or away, a [`SkippingLog`]
//! passes over events that an operator has marked, and an [`OpeningLog`] stands for a log that is not open
//! yet. Who has many events for one stream hands all of them over, in their order
//! ([`EventLog::append_in_order`]). [`leases`] say which processes of a service are there, where they share
//! their work.
//!
//! Both adapters have the same limits and check them before anything is stored: [`MAX_EVENT_BYTES`],
//! [`MAX_APPEND_BYTES`], [`MAX_APPEND_EVENTS`]. Data that waits to be stored is bounded as well: an append
//! waits until there is room in the queue.
//!
//! Why SQLite: its file format is promised to stay readable for decades, and anyone can open the file with
//! any tool. Appends that wait together share one flush, which matters far more than the speed of the engine.
//! The other candidate, redb, changes its file format and its interface with its next major version.

mod append;
pub mod embedded;
mod follow;
mod in_order;
pub mod jetstream;
pub mod leases;
mod limits;
mod opening;
mod passed;
mod port;
mod projection;
mod recent;
mod room;
mod skip;
mod skipped;

pub use append::append_with_retry;
pub use follow::{Follower, Interruption, Progress, history};
pub use in_order::{NewEvents, Unfinished};
pub use limits::{MAX_APPEND_BYTES, MAX_APPEND_EVENTS, MAX_EVENT_BYTES};
pub use opening::{Opener, OpeningLog};
pub use orewatch_contracts::log::attribute;
pub use orewatch_contracts::log::{Error, Event, InvalidName, NewEvent, Position, StreamName};
pub use passed::PassedOver;
pub use port::{EventLog, Extent, Filter, Item, Items, Usage};
pub use projection::Projection;
pub use room::WaitingLog;
pub use skip::{EVENT_SKIPPED, SkippingLog, skips_stream};
pub use skipped::{Skip, SkippedPositions};
