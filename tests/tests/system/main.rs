//! Tests of the whole system as a black box: the binary, the manifests and the logs, as an operator uses
//! them; and of the repository: its architecture, its documentation and its sources.
//!
//! `scripts/test` installs what these tests need. Without it they fail; no test is skipped.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests: a panic with the reason is how a test fails"
)]

mod access;
mod architecture;
mod audit;
mod away;
mod backup;
mod bad_input;
mod clients;
mod codes;
mod console;
mod crash;
mod delivery;
mod deploy;
mod docs;
mod edges;
mod feeder;
mod files;
mod full_disk;
mod leases;
mod load;
mod permissions;
mod pipeline;
mod recorded;
mod release;
mod snapshots;
mod soak;
mod subscribers;
mod surface;
mod tidy;
