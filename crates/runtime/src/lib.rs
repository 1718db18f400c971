//! What every service needs and none should write again: errors with a blame, the clock, the context a service runs in.

mod clock;
mod context;
mod failure;

pub use clock::{Clock, SystemClock};
pub use context::Context;
pub use failure::{Class, Failure};
