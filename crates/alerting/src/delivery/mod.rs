//! Delivers messages to receivers: sends what is planned, retries, and records the outcome.
//!
//! [`schedule`] decides what to do next and what follows from an attempt; [`evolve`] folds what was recorded.
//! Both are pure. The worker and the gRPC interface do the rest. How messages are rendered and sent is the
//! concern of [`orewatch_receivers`].
//!
//! A message is on the log before it is sent. An attempt is on the log before it is made, with a lease, and
//! the process that appends it makes it: of two replicas one. The outcome is on the log afterwards. If a
//! process ends in between, the attempt stays without an outcome; when its lease has expired it counts as
//! lost, and the message is sent again under the same identifier.

pub mod backoff;
pub mod decide;
pub mod evolve;
pub mod feed;
pub(crate) mod grpc;
pub mod message;
pub mod receiver;
pub(crate) mod saved;
pub mod schedule;
pub mod state;
mod work;

pub use state::DelivererState;

pub(crate) use feed::FeedService;
pub(crate) use grpc::DeliveryService;
pub(crate) use work::Deliverer;
