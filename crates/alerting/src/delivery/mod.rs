//! Messages to receivers: what is planned is sent, tried again, and on record.
//!
//! [`course`] decides what is to be done next and what follows from an attempt; [`evolve`] folds what was recorded; [`message`] says
//! what is told, once for all kinds of receivers, each of which has a file of its own. All of it is plain values but for the worker,
//! the senders and the gRPC edge.
//!
//! A message is on the log before it is sent. An attempt is on the log before it is made, and who records it makes it: of two
//! replicas one. What became of it is on the log after. A process that ends in between leaves an attempt of which nothing is
//! heard; when its time is over it counts as lost, and the message is sent again under the same identifier.

pub mod alertmanager;
pub mod chat;
pub mod check;
mod config;
pub mod course;
pub mod decide;
mod entry;
pub mod evolve;
pub mod feed;
mod grpc;
pub mod guard;
pub mod http;
pub mod mail;
pub mod message;
pub mod nats;
pub mod outcome;
pub mod pagerduty;
pub mod payload;
pub mod schedule;
pub mod secret;
mod sender;
pub mod signature;
pub mod webhook;
mod work;

pub use config::Config;
pub use entry::{Document, document_schema, parse};
pub use evolve::State;

pub(crate) use feed::Feeds;
pub(crate) use grpc::{Edge, delivery};
pub(crate) use sender::Sender;
pub(crate) use work::Deliverer;
