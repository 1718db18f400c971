//! Kinds of receivers for alert messages: one folder each, and one line each in the [`registry`].
//!
//! A kind is a [`Channel`]: its form in a file of receivers, its checks, its destination, and how a message
//! is sent to it. [`message`] renders the content of a message, the same for all kinds. [`guard`] limits
//! destinations to what the operator allows, [`http`] posts requests, [`secret`] reads secrets. The alerting
//! service decides which message is due and records the outcome: nothing in this crate keeps state.

pub mod alertmanager;
mod channel;
pub mod chat;
mod check;
mod config;
mod context;
mod entry;
pub mod feed;
pub mod guard;
pub mod http;
mod invalid;
pub mod mail;
pub mod message;
pub mod nats;
pub mod outcome;
pub mod pagerduty;
pub mod payload;
pub mod registry;
pub mod secret;
mod sender;
pub mod signature;
pub mod webhook;

pub use channel::{Attempt, Channel};
pub use config::Config;
pub use context::ChannelContext;
pub use entry::{Document, ReceiverList, document_schema, parse};
pub use invalid::invalid_receiver;
pub use sender::{DEFAULT_TIMEOUT, Sender, attempt_timeout};
