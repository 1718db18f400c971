//! Where material truly comes from, after re-exports.

mod block;
mod eliminate;
mod kernel;
mod market;
mod members;
mod network;
mod order;
mod origins;
mod plan;
mod solve;
mod trade;
mod weigh;

pub use network::{Lookthrough, Network};
pub use origins::Origins;
pub use solve::{Mixes, Solver};
pub(crate) use trade::place as index;
pub use trade::{Dropped, Flow, Supply};
