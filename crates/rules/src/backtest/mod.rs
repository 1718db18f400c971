//! Backtests: what a rule would have reported in the past.
//!
//! A [`Replay`] feeds one rule with releases in the order in which they came, with the same
//! [`evaluate`](crate::decide::evaluate) and [`RulesState`](crate::evolve::RulesState) as the service. Its
//! transitions are what would have been sent. In addition, the final figures are folded once: the difference
//! between the two is what was sent because of data that were corrected since.
//!
//! Nothing here waits, and nothing is recorded. The service reads the log and feeds the replay.

mod episodes;
mod known;
mod replay;
mod report;

use orewatch_catalog::Period;

pub use episodes::{Compared, Episode, Knowledge, compare};
pub use known::Horizon;
pub use replay::{Candidate, Replay};
pub use report::{BacktestReport, SubjectReport};

/// The periods of a backtest. A year stands for its months if the rule watches months.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// First period that is reported. Its state follows from all earlier periods.
    pub from: Option<Period>,
    /// Last period. Figures of later periods are ignored.
    pub to: Option<Period>,
}

impl Window {
    /// Whether figures of a period are read.
    #[must_use]
    pub fn includes(&self, period: Period) -> bool {
        self.to.is_none_or(|to| period.end() <= to.end())
    }

    /// Whether a period is reported.
    #[must_use]
    pub fn covers(&self, period: Period) -> bool {
        self.includes(period) && self.from.is_none_or(|from| period.start() >= from.start())
    }
}
