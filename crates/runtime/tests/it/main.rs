//! Tests of the runtime through its public surface.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod admin;
mod connections;
mod credentials;
mod metrics;
mod page;
mod readiness;
mod server;
mod settings;
mod sharing;
mod target;
#[cfg(target_os = "linux")]
mod threads;
mod tls;
