//! The book, as events of the observations log make it.
#![allow(missing_docs, reason = "tests speak through their names")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

mod forms;
mod log;
mod repairs;
