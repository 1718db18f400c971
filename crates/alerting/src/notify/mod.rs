//! Who is told of an alert, when, and why not.
//!
//! A pure fold of the alerts log ([`State`]) knows, for every subscription, which alerts it has, how they are grouped, what
//! each receiver was last told, and what holds messages back: [`silence`], [`inhibit`], [`acknowledge`], [`quiet`] hours and
//! [`digest`]s. [`plan`](fn@plan) gives the messages that are due at an instant, [`wake`] the next instant at which one may
//! be. [`why`] says in words what follows for one alert. None of them knows a clock: the same log and the same instant give the
//! same messages, so that a restart repeats nothing and of two replicas one is heard.
//!
//! A message is an event before it is sent. It tells what has changed since the one before; a receiver that was told that an
//! alert fires is told that it is over, and what was over before anybody was told is never a reason for a message.

pub mod acknowledge;
pub mod alerts;
pub mod decide;
pub mod digest;
pub mod document;
pub mod down;
pub mod drill;
pub mod evolve;
mod explain;
pub mod group;
pub(crate) mod grpc;
pub mod heartbeat;
mod index;
mod info;
pub mod inhibit;
pub mod limits;
pub mod lists;
pub mod member;
mod message;
pub mod plan;
pub mod quiet;
pub mod receivers;
pub mod replay;
pub mod severity;
pub mod silence;
pub mod subscription;
pub mod time;
pub mod view;
pub mod why;
pub(crate) mod work;

use std::sync::Arc;

pub use evolve::State;
pub use plan::{plan, wake};

/// An identifier. There are many of each: one text for all of them.
pub type Id = Arc<str>;
