//! What a rule would have said.
//!
//! A [`Replay`] is the service in small: a state with one rule, fed with releases as they came, by the same
//! [`evaluate`](crate::decide::evaluate) and the same [`State`](crate::evolve::State) as the service itself. What it would have
//! recorded is what would have been sent. Beside that, the figures as they are known in the end are folded once more: the
//! difference between the two is what was told by figures that were corrected since.
//!
//! Nothing here waits, and nothing is recorded. `run` is the edge that reads the log.

mod episodes;
mod known;
mod replay;
mod report;
pub(crate) mod request;
pub(crate) mod run;

use orewatch_catalog::Period;

pub use episodes::{Compared, Episode, Known, compare};
pub use known::Horizon;
pub use replay::{Candidate, Replay};
pub use report::{Report, Told};

/// The periods of a backtest. A year stands for its months where the rule watches months.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// First period that is told of. The state in it follows from all periods before.
    pub from: Option<Period>,
    /// Last period: figures of later ones are left out.
    pub to: Option<Period>,
}

impl Window {
    /// Whether figures of a period are looked at.
    #[must_use]
    pub fn looks_at(&self, period: Period) -> bool {
        self.to.is_none_or(|to| period.end() <= to.end())
    }

    /// Whether a period is told of.
    #[must_use]
    pub fn tells(&self, period: Period) -> bool {
        self.looks_at(period) && self.from.is_none_or(|from| period.start() >= from.start())
    }
}
