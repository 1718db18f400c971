//! The services as black boxes: the binary, the manifests and the logs as an operator meets them.
//!
//! `scripts/test` prepares what these tests need; without it they fail, they never skip.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests: a panic with the reason is how a test fails"
)]

mod access;
mod crash;
mod delivery;
mod deploy;
mod edges;
mod feeder;
mod full_disk;
mod house;
mod leases;
mod load;
mod outside;
mod recorded;
mod road;
mod sent;
mod subscribers;
mod surface;
