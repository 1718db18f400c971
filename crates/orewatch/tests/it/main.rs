//! Tests of the built binary, run as people and scripts run it: exit codes, output formats, configuration,
//! and the shutdown of a server.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic in a test says where it failed"
)]

mod analyst;
mod answers;
mod audit;
mod bucket;
mod changes;
mod claims;
mod configuration;
mod demo;
mod doctor;
mod errors;
mod filters;
mod full_disk;
mod hidden;
mod killed;
mod licences;
mod lists;
mod measures;
mod policy;
mod polling;
mod process;
mod repair;
mod rules;
mod run;
