//! Tests of backups: what is restored equals what was backed up, and damage is named by its position.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a panic in a test says where it failed"
)]

mod damage;
mod kit;
mod places;
mod restores;
