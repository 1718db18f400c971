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
mod cluster;
mod faulty;
mod nats;
mod proxy;
mod small_disk;
mod tokens;

pub use certificates::{Authority, IssuedCertificate, Validity};
pub use cluster::{NatsCluster, SERVERS};
pub use faulty::{Fault, FaultyLog};
pub use nats::NatsServer;
pub use proxy::{Direction, FaultProxy};
pub use small_disk::SmallDisk;
pub use tokens::{TokenSigner, published_keys, unsigned_token};
