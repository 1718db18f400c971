//! What the probes bring back: checks, and the state that goes into the support bundle.
use super::check::Check;

/// What a service says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It is ready.
    Serving,
    /// It can answer, but from old data.
    Stale,
    /// It is not ready.
    NotServing,
    /// The server does not have it.
    Absent,
}

impl Answer {
    /// The word for it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Serving => "serving",
            Self::Stale => "stale",
            Self::NotServing => "not-serving",
            Self::Absent => "absent",
        }
    }
}

/// The health of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Health {
    /// The service, as on the command line.
    pub(super) service: &'static str,
    /// Its address.
    pub(super) address: String,
    /// What it says.
    pub(super) answer: Answer,
    /// What people should know of its logs.
    pub(super) lines: Vec<String>,
}

/// The end of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LogPosition {
    /// Name of the log.
    pub(super) log: String,
    /// Position of the oldest event that can be read.
    pub(super) oldest: u64,
    /// Position of the last event.
    pub(super) head: u64,
}

/// What one or several probes found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// The checks, in the order of the plan.
    pub(super) checks: Vec<Check>,
    /// Where the logs end.
    pub(super) positions: Vec<LogPosition>,
    /// The health of the services.
    pub(super) health: Vec<Health>,
}

impl Found {
    /// Adds what another probe found.
    pub(super) fn add(&mut self, other: Self) {
        self.checks.extend(other.checks);
        self.positions.extend(other.positions);
        self.health.extend(other.health);
    }
}

impl From<Check> for Found {
    fn from(check: Check) -> Self {
        Self { checks: vec![check], ..Self::default() }
    }
}
