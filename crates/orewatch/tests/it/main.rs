//! The built binary as people and scripts meet it: exit codes, forms of answers, configuration, the end of a server.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on says where"
)]

mod answers;
mod bucket;
mod configuration;
mod demo;
mod full_disk;
mod hidden;
mod killed;
mod measures;
mod mending;
mod policy;
mod polling;
mod process;
mod rules;
mod run;
