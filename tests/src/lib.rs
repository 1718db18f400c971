//! Kit of the whole-system tests and the benchmarks: the binary as a process, and clients of its services.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test kit: a panic with the reason is how a test fails"
)]

pub mod api;
pub mod flood;
pub mod http;
pub mod load;
pub mod process;
pub mod random;
pub mod recorded;
pub mod soak;
pub mod state;
pub mod surface;
pub mod system;
pub mod tools;
