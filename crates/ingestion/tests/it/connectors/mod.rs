//! Connectors and publishers that misbehave, with a simulated clock.
mod bench;
mod comtrade;
mod configuration;
mod gta;
mod mishaps;
mod replicas;
mod resume;
mod secrets;
mod server;
mod service;
mod splitting;
mod world_bank;
