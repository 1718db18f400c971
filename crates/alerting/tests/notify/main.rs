//! Who is told, when, and why not, from the log alone. Tests that are named by an identifier such as `f03`
//! are behaviour cases that users of other alerting systems rely on, or miss.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

mod acknowledge;
mod cadence;
mod dedup;
mod documents;
mod flow;
mod inhibit;
mod kit;
mod limits;
mod meaning;
mod properties;
mod receivers;
mod replay;
mod silence;
mod validation;
mod why;
