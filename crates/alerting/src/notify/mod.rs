//! Which receivers are notified of which alerts, when, and why not.
//!
//! A pure fold of the alerts log ([`NotifierState`]) has three owners: [`routing`] knows who is notified,
//! [`muting`] what holds messages back, [`due`] when messages are due. [`plan`](fn@plan) gives the messages
//! that are due at an instant, [`next_due`] the next instant at which one may be. [`why`] explains what
//! follows for one alert. None of them has a clock: the same log and the same instant give the same messages,
//! so that a restart repeats nothing, and of two replicas that plan the same message only one can append it.
//!
//! A message is an event before it is sent. It says what has changed since the one before. A receiver that
//! was notified that an alert fires is notified when it is resolved; an alert that was resolved before any
//! receiver was notified is never a reason for a message.

pub mod acknowledge;
pub mod alert;
pub mod decide;
pub mod digest;
pub mod document;
pub mod drill;
pub mod due;
mod evolve;
mod explain;
pub mod group;
pub(crate) mod grpc;
mod index;
mod info;
pub mod inhibit;
pub mod limits;
pub mod member;
mod message;
pub mod muting;
pub mod plan;
pub mod quiet;
pub mod receivers;
pub mod replay;
pub mod route;
pub mod routing;
pub(crate) mod saved;
pub mod severity;
pub mod silence;
pub mod state;
pub mod time;
pub mod view;
pub mod why;
pub(crate) mod work;

use std::sync::Arc;

pub use plan::{next_due, plan};
pub use state::NotifierState;

/// An identifier. Many of each are held: they share one text.
pub type Id = Arc<str>;
