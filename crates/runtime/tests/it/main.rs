//! Tests of the runtime through its public surface.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod connections;
mod readiness;
mod server;
mod settings;
mod sharing;
mod target;
#[cfg(target_os = "linux")]
mod threads;
