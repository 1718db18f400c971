//! Tests of the runtime through its public surface.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod connections;
mod credentials;
mod readiness;
mod server;
mod settings;
mod target;
#[cfg(target_os = "linux")]
mod threads;
mod tls;
mod web;
