//! Tests of the runtime through its public surface.
mod server;
mod settings;
mod target;
