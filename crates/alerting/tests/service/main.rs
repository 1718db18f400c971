//! The service as its callers and its logs see it, on embedded logs with exposures that tests make up.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

mod backtests;
mod claims;
mod costly;
mod crash;
mod firmness;
mod frequencies;
mod kit;
mod life;
mod many;
mod missing;
mod notifications;
mod rules;
mod sizes;
mod snapshots;
mod sources;
mod stories;
mod streams;
mod subscriptions;
