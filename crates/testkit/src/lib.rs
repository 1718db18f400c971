//! What tests need beside the code. Never a dependency of what ships: failures here are panics, as in tests.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "this crate is used by tests only, where a panic is how to fail"
)]

mod faulty;
mod nats;

pub use faulty::{Fault, FaultyLog};
pub use nats::NatsServer;
