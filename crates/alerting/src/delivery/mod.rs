//! Messages to receivers: what is planned is sent, tried again, and on record.

mod config;
pub mod evolve;

pub use config::Config;
pub use evolve::State;
