//! Stress: what happens if a supplier, a stage or a route stops, for some months.
//!
//! `cascade` passes a loss on along trade, `chain` applies a scenario to the stages of a material, one after
//! another, `scenario` says what is cut, `library` makes many scenarios, and `rank` puts their losses in
//! order. Nothing here is a forecast: a scenario is a question with "if", and its probability, if it has one,
//! is somebody's.

mod cascade;
mod chain;
mod library;
mod rank;
mod scenario;

pub use cascade::{CascadeOutcome, CascadeStart, TradeLink, cascade};
pub use chain::{EconomyOutcome, StageMarket, StageOutcome, StressChain, StressResponse, months_of_cover};
pub use library::{LIBRARY_MONTHS, LIBRARY_SHARES, scenario_library};
pub use rank::{LossRanking, RankedLoss, rank_losses};
pub use scenario::{BadStressScenario, Cut, ExportControl, StressScenario, recent_controls};
