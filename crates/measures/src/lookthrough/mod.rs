//! Where material truly comes from, after re-exports.

mod eliminate;
mod order;
mod plan;
mod solve;
mod trade;

pub use solve::{Mixes, Solver};
pub use trade::{Dropped, Flow, Supply};
