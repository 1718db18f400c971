//! The rule engine: evaluates rules on figures. It is pure code, without a clock, a log or async.
//!
//! Reading order: [`rules`] reads and checks rules. A rule has a [`condition`], which is assessed in each
//! period of a subject ([`assessment`]). [`episode`] is the state machine of an alert; [`trajectory`] runs it
//! through all periods of a subject. [`reconcile`] compares the trajectory with the recorded alert and
//! produces transitions, [`decide`] does so for all rules that an evaluation affects, and [`evolve`] folds
//! the events into the state. [`backtest`] runs the same code on past releases.
//!
//! The service `orewatch-alerting` reads the logs, appends the events, and notifies people.

pub mod alert;
pub mod assessment;
pub mod backtest;
pub mod condition;
pub mod cost;
pub mod decide;
pub mod document;
pub mod episode;
pub mod evolve;
pub mod facts;
pub mod field;
pub mod figures;
pub mod filter;
pub mod firmness;
pub mod floor;
pub mod period;
pub mod quota;
pub mod reconcile;
pub mod rulebook;
pub mod rules;
pub mod sentence;
pub mod series_selector;
pub mod shared;
pub mod spread;
pub mod tenant;
#[cfg(test)]
mod tests;
pub mod trajectory;
pub mod wording;
