//! The service through its public surface: events go onto the observations log by hand, answers come over
//! gRPC.
#![allow(missing_docs, reason = "tests speak through their names")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a panic is how a test fails"
)]

mod about;
mod answers;
mod beside;
mod bounds;
mod claims;
mod erased;
mod incomplete;
mod kit;
mod magnets;
mod methods;
mod origins;
mod projections;
mod publishing;
mod readings;
mod reference;
mod reports;
mod revisions;
mod risk;
mod shared;
mod sources;
mod tables;
mod targets;
mod totals;
mod upgrade;
mod verdicts;
mod vintages;
mod watching;
