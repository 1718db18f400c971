//! The log: what every service keeps its facts in.
//!
//! [`EventLog`] is a small port with the semantics that event sourcing needs: atomic appends under optimistic
//! concurrency, idempotent by event id for the log's lifetime, durable when they return; reads that go from history to
//! live without a gap or a repeat. [`Projection`] folds a log and keeps state and position together.

pub mod embedded;
mod error;
mod event;
pub mod jetstream;
mod limits;
mod port;
mod projection;

pub use error::Error;
pub use event::{Event, InvalidName, NewEvent, Position, StreamName};
pub use limits::{LARGEST_APPEND, LARGEST_EVENT, MOST_EVENTS};
pub use port::{EventLog, Extent, Filter, Item, Items};
pub use projection::Projection;
