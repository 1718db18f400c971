//! What the whole-system tests and the benchmark drive: the binary as a process, its services over gRPC.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test kit: a panic with the reason is how a test fails"
)]

pub mod api;
pub mod load;
pub mod process;
pub mod random;
pub mod recorded;
pub mod state;
pub mod surface;
pub mod system;
pub mod tools;
