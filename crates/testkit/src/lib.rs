//! What tests need beside the code. Never a dependency of what ships: failures here are panics, as in tests.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "this crate is used by tests only, where a panic is how to fail"
)]

mod certificates;
mod faulty;
mod nats;
mod tokens;

pub use certificates::{Authority, IssuedCertificate, Validity};
pub use faulty::{Fault, FaultyLog};
pub use nats::NatsServer;
pub use tokens::{TokenSigner, published_keys, unsigned_token};
