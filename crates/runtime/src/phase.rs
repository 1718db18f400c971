//! The state of a log that is followed and of a service that follows logs, as health checks, metrics and the
//! log name it.
use std::time::Duration;

/// Time for which a fold may be behind its log before it counts as lagging.
const MAX_BEHIND: Duration = Duration::from_secs(30);

/// A state. The order is that of urgency: a service is in the worst state of its logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// All is well: calls are answered with what is on the logs.
    Ready,
    /// Calls are answered, but for a while the fold has not kept up with the log.
    Lagging,
    /// The log is folded for the first time, or anew. Calls wait, or are answered with older state.
    Starting,
    /// The log cannot be reached. Calls are answered with what is known. It passes by itself.
    CutOff,
    /// The log cannot be read on until somebody acts. Calls are answered with what is known.
    Stuck,
    /// The process stops.
    Stopping,
}

impl Phase {
    /// All states, in the order of urgency.
    pub(crate) const ALL: [Self; 6] =
        [Self::Ready, Self::Lagging, Self::Starting, Self::CutOff, Self::Stuck, Self::Stopping];

    /// The name of the state, as a label of metrics and in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Lagging => "lagging",
            Self::Starting => "starting",
            Self::CutOff => "cut_off",
            Self::Stuck => "stuck",
            Self::Stopping => "stopping",
        }
    }
}

/// What is in the way of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Obstacle {
    /// It cannot be reached.
    Absence,
    /// Somebody has to act.
    Damage,
}

/// What the state of a log follows from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Situation {
    /// What is in the way.
    pub(crate) obstacle: Option<Obstacle>,
    /// The log was folded to its end.
    pub(crate) is_folded: bool,
    /// Time since all of the log was folded. Zero: it is now.
    pub(crate) behind: Duration,
}

impl Situation {
    /// The state of the log.
    pub(crate) fn phase(self) -> Phase {
        match self.obstacle {
            Some(Obstacle::Damage) => Phase::Stuck,
            Some(Obstacle::Absence) => Phase::CutOff,
            None if !self.is_folded => Phase::Starting,
            None if self.behind >= MAX_BEHIND => Phase::Lagging,
            None => Phase::Ready,
        }
    }
}

/// The state of a service: the worst of its logs. While it cannot answer, it is starting at best.
pub(crate) fn phase_of_service(
    is_stopping: bool,
    can_answer: bool,
    logs: impl IntoIterator<Item = Phase>,
) -> Phase {
    let own = match (is_stopping, can_answer) {
        (true, _) => Phase::Stopping,
        (false, false) => Phase::Starting,
        (false, true) => Phase::Ready,
    };
    logs.into_iter().fold(own, Phase::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::catalogue::STATES;

    #[test]
    fn a_log_is_in_the_state_that_asks_most_of_people() {
        let folded = Situation { is_folded: true, ..Situation::default() };
        let behind = |seconds| Situation { behind: Duration::from_secs(seconds), ..folded };
        let with = |obstacle, situation| Situation { obstacle: Some(obstacle), ..situation };
        assert_eq!(Situation::default().phase(), Phase::Starting);
        assert_eq!(
            [folded, behind(29), behind(30)].map(Situation::phase),
            [Phase::Ready, Phase::Ready, Phase::Lagging]
        );
        assert_eq!(with(Obstacle::Absence, Situation::default()).phase(), Phase::CutOff);
        assert_eq!(with(Obstacle::Damage, folded).phase(), Phase::Stuck);
    }

    #[test]
    fn a_service_is_in_the_worst_state_of_its_logs() {
        let of = |can_answer, logs: &[Phase]| phase_of_service(false, can_answer, logs.iter().copied());
        assert_eq!(of(true, &[Phase::Ready, Phase::Ready]), Phase::Ready);
        assert_eq!(of(true, &[Phase::Ready, Phase::Lagging]), Phase::Lagging);
        assert_eq!(of(false, &[Phase::Ready, Phase::Lagging]), Phase::Starting);
        assert_eq!(of(false, &[Phase::CutOff]), Phase::CutOff);
        assert_eq!(of(true, &[Phase::Starting, Phase::Stuck]), Phase::Stuck);
        assert_eq!(phase_of_service(true, true, [Phase::Stuck]), Phase::Stopping);
    }

    #[test]
    fn metrics_know_every_state() {
        assert!(Phase::ALL.iter().all(|phase| STATES.contains(&phase.name())));
        assert_eq!(Phase::ALL.len(), STATES.len());
    }
}
