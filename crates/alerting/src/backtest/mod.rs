//! Backtests: [`request`] parses what a caller asks for, [`run`] feeds the exposures log to a
//! [`Replay`](orewatch_rules::backtest::Replay) and streams its report. Nothing is recorded.
pub(crate) mod request;
pub(crate) mod run;
