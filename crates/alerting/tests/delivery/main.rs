//! Delivery as receivers, callers and the log see it: a real service, real receivers on this machine, and a
//! clock that is set by hand.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

mod bench;
mod certificate;
mod faults;
mod feeds;
mod forms;
mod mails;
mod nats;
mod receiver;
mod receivers;
mod replays;
mod samples;
mod secrets;
mod smtp;
mod webhooks;
