//! The state machine of one alert: the terms of a rule on one subject, stepped through its periods.
//!
//! ```text
//!              crossed                 held
//!   inactive ----------> pending ---------------> firing
//!      ^                    | cleared               | cleared, and keep-firing has run out
//!      |                    v                       v
//!      +- - - - - - - -  resolved <-----------------+
//! ```
//!
//! [`step`] is a pure function that live operation, rebuild, restatement and backtest share. It knows
//! assessments, not figures, so that it works for every kind of condition. Three invariants:
//!
//! - A missing figure is not a figure: missing data do not resolve an alert unless the rule says so.
//! - A failed evaluation changes nothing.
//! - Only the time between the ends of periods counts, so that a restart changes nothing.
//!
//! A crossing that fewer datasets confirm than the rule requires opens an episode, which stays pending until
//! enough of them do. A firing alert keeps firing if they disagree later: the line is still crossed by the
//! best estimate, and the alert says that it is not confirmed.
//!
//! A figure of a market below the floor of the rule clears the line: unlike a missing figure, it says that
//! there is nothing to report any more.
use std::sync::Arc;

use orewatch_contracts::alerting::v1::{AlertState, Reason};

use crate::assessment::Assessment;

/// Severity of a rule without bands.
pub const DEFAULT_SEVERITY: &str = "warning";

/// The terms of a rule that the state machine needs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Terms {
    /// Time for which the line must be crossed before the alert fires.
    pub hold: Span,
    /// Time for which a firing alert keeps firing after the line is cleared.
    pub keep_firing: Span,
    /// Number of missing or stale figures in a row after which an episode ends; 0: never.
    pub resolve_after: u32,
    /// Severities by the assessed value.
    pub severities: Severities,
}

/// A length of time. The default is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// A number of further periods of the series.
    Periods(u32),
    /// A number of seconds between the ends of periods.
    Seconds(u64),
}

impl Default for Span {
    fn default() -> Self {
        Self::Periods(0)
    }
}

/// Severities by value, in the direction of the line.
#[derive(Clone, Debug, PartialEq)]
pub struct Severities {
    bands: Vec<Band>,
    above: bool,
    mildest: Arc<str>,
}

/// A severity and the value strictly beyond which it is reached.
#[derive(Clone, Debug, PartialEq)]
pub struct Band {
    /// Name of the severity.
    pub severity: Arc<str>,
    /// Where it begins, in the unit of the assessed value.
    pub from: f64,
}

impl Default for Severities {
    /// [`DEFAULT_SEVERITY`] for all values.
    fn default() -> Self {
        Self { bands: Vec::new(), above: true, mildest: Arc::from(DEFAULT_SEVERITY) }
    }
}

impl Severities {
    /// Index of a severity among the bands, the mildest first. `None`: there is no such band.
    #[must_use]
    pub fn rank(&self, severity: &str) -> Option<usize> {
        self.bands.iter().position(|band| *band.severity == *severity)
    }

    /// Severities from bands in order, the mildest first. With `above`, greater values are more severe.
    #[must_use]
    pub fn new(bands: Vec<Band>, above: bool) -> Self {
        let mildest =
            bands.first().map_or_else(|| Arc::from(DEFAULT_SEVERITY), |band| Arc::clone(&band.severity));
        Self { bands, above, mildest }
    }

    /// Severity of a value: that of the last band that it passes, or the mildest.
    #[must_use]
    pub fn severity_of(&self, value: f64) -> &Arc<str> {
        let passed = |band: &&Band| if self.above { value > band.from } else { value < band.from };
        self.bands.iter().rev().find(passed).map_or(&self.mildest, |band| &band.severity)
    }

    /// The mildest severity.
    #[must_use]
    pub fn mildest(&self) -> &Arc<str> {
        &self.mildest
    }
}

/// One evaluation of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tick {
    /// Number of the period in the series, from 0.
    pub index: u32,
    /// End of the period, in seconds since 1970.
    pub time: i64,
}

/// Input of an evaluation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Observation {
    /// The condition was assessed.
    Assessed(Assessment),
    /// The figure is missing.
    Missing,
    /// The figure is no longer valid, and there is no newer one.
    Stale,
    /// The evaluation failed: nothing changes.
    Failed,
}

/// Phase of an alert.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// There never was an episode.
    #[default]
    Inactive,
    /// The line is crossed, and the hold has not elapsed.
    Pending,
    /// The alert is firing.
    Firing,
    /// The last episode has ended.
    Resolved,
}

impl Phase {
    /// Whether an episode is open.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Pending | Self::Firing)
    }
}

impl From<Phase> for AlertState {
    fn from(phase: Phase) -> Self {
        match phase {
            Phase::Inactive => Self::Inactive,
            Phase::Pending => Self::Pending,
            Phase::Firing => Self::Firing,
            Phase::Resolved => Self::Resolved,
        }
    }
}

/// The time from the first crossing to the resolution.
#[derive(Clone, Debug, PartialEq)]
pub struct Episode {
    /// When the line was crossed.
    pub since: Tick,
    /// When it fired.
    pub fired: Option<Tick>,
    /// When it was resolved.
    pub resolved: Option<Tick>,
    /// Since when the line has been cleared, while the alert keeps firing.
    pub cleared: Option<Tick>,
    /// Number of missing figures in a row.
    pub missing: u32,
    /// Whether it would fire if enough datasets confirmed the crossing.
    pub is_unconfirmed: bool,
    /// Severity of the last assessed value.
    pub severity: Arc<str>,
}

/// State of the machine: the phase, and the open or the last episode.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MachineState {
    /// The phase.
    pub phase: Phase,
    /// The open or the last episode. `None`: there never was one.
    pub episode: Option<Episode>,
}

impl MachineState {
    /// Restores the number of missing figures of `before`, if the episode is the same.
    #[must_use]
    pub(crate) fn still_missing(mut self, before: &Self) -> Self {
        let missing = before.episode.as_ref().filter(|_| before.phase.is_open());
        if let (Some(episode), Some(before)) = (&mut self.episode, missing)
            && self.phase.is_open()
            && episode.since == before.since
        {
            episode.missing = before.missing;
        }
        self
    }

    /// Whether the figure of an open episode is missing.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.phase.is_open() && self.episode.as_ref().is_some_and(|episode| episode.missing > 0)
    }
}

/// Change of an alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The line was crossed; the hold has begun.
    Pending,
    /// The alert fires.
    Fired,
    /// The episode has ended.
    Resolved,
    /// The figure went missing or is back; the phase is unchanged.
    Stale,
    /// The value moved into another severity band.
    Severity {
        /// The severity before.
        from: Arc<str>,
    },
}

/// A change and its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// The change.
    pub change: Change,
    /// The reason.
    pub reason: Reason,
}

impl Transition {
    /// A transition from a change and its reason.
    #[must_use]
    pub fn new(change: Change, reason: Reason) -> Self {
        Self { change, reason }
    }
}

impl Span {
    /// Whether the span has elapsed between two evaluations. An elapsed time equal to the span is enough.
    #[must_use]
    pub fn has_passed(self, since: Tick, now: Tick) -> bool {
        match self {
            Self::Periods(periods) => now.index.saturating_sub(since.index) >= periods,
            Self::Seconds(seconds) => {
                u64::try_from(now.time.saturating_sub(since.time)).is_ok_and(|elapsed| elapsed >= seconds)
            }
        }
    }
}

/// Steps an alert through one evaluation. Returns the next state and the transitions, in order.
#[must_use]
pub fn step(
    terms: &Terms,
    state: &MachineState,
    now: Tick,
    observation: Observation,
) -> (MachineState, Vec<Transition>) {
    let open = state.episode.as_ref().filter(|_| state.phase.is_open());
    match (observation, open) {
        (Observation::Assessed(assessment), None) if assessment.is_crossed() => {
            begin_episode(terms, now, assessment)
        }
        (Observation::Assessed(assessment), Some(episode)) => {
            continue_episode(terms, state.phase, episode, now, assessment)
        }
        (Observation::Missing, Some(episode)) => {
            count_missing(terms, state.phase, episode, now, Reason::NoData)
        }
        (Observation::Stale, Some(episode)) => {
            count_missing(terms, state.phase, episode, now, Reason::StaleData)
        }
        (Observation::Failed, _)
        | (Observation::Assessed(_) | Observation::Missing | Observation::Stale, None) => {
            (state.clone(), Vec::new())
        }
    }
}

fn begin_episode(terms: &Terms, now: Tick, assessment: Assessment) -> (MachineState, Vec<Transition>) {
    let is_held = terms.hold.has_passed(now, now);
    let fires = is_held && assessment.is_confirmed;
    let severities = &terms.severities;
    let severity =
        assessment.value.map_or_else(|| severities.mildest(), |value| severities.severity_of(value));
    let episode = Episode {
        since: now,
        fired: fires.then_some(now),
        resolved: None,
        cleared: None,
        missing: 0,
        is_unconfirmed: is_held && !assessment.is_confirmed,
        severity: Arc::clone(severity),
    };
    let (phase, change) =
        if fires { (Phase::Firing, Change::Fired) } else { (Phase::Pending, Change::Pending) };
    (MachineState { phase, episode: Some(episode) }, vec![Transition::new(change, Reason::Crossed)])
}

fn count_missing(
    terms: &Terms,
    phase: Phase,
    episode: &Episode,
    now: Tick,
    reason: Reason,
) -> (MachineState, Vec<Transition>) {
    let missing = episode.missing.saturating_add(1);
    let next = Episode { missing, ..episode.clone() };
    if terms.resolve_after > 0 && missing >= terms.resolve_after {
        return end_episode(next, now, reason);
    }
    let transition = (missing == 1).then(|| Transition::new(Change::Stale, reason));
    (MachineState { phase, episode: Some(next) }, transition.into_iter().collect())
}

/// Continues an open episode with an assessment. A pending alert fires only while the line is crossed;
/// between the two lines its hold continues.
fn continue_episode(
    terms: &Terms,
    phase: Phase,
    episode: &Episode,
    now: Tick,
    assessment: Assessment,
) -> (MachineState, Vec<Transition>) {
    let cleared = assessment.is_cleared().then(|| episode.cleared.unwrap_or(now));
    let mut next = Episode { cleared, missing: 0, ..episode.clone() };
    let keep = if phase == Phase::Firing { terms.keep_firing } else { Span::default() };
    if cleared.is_some_and(|since| keep.has_passed(since, now)) {
        let reason = if assessment.is_small { Reason::SmallMarket } else { Reason::Cleared };
        return end_episode(next, now, reason);
    }

    let is_held =
        phase == Phase::Pending && assessment.is_crossed() && terms.hold.has_passed(episode.since, now);
    let fires = is_held && assessment.is_confirmed;
    next.is_unconfirmed = is_held && !assessment.is_confirmed;
    let mut transitions = Vec::new();
    if fires {
        next.fired = Some(now);
        let reason = if episode.is_unconfirmed { Reason::Confirmed } else { Reason::Held };
        transitions.push(Transition::new(Change::Fired, reason));
    } else if episode.missing > 0 {
        transitions.push(Transition::new(Change::Stale, Reason::DataBack));
    }
    // An assessment without a value does not change the severity.
    let severity = assessment.value.map_or(&episode.severity, |value| terms.severities.severity_of(value));
    if *severity != episode.severity {
        let from = Arc::clone(&episode.severity);
        transitions.push(Transition::new(Change::Severity { from }, Reason::Severity));
        next.severity = Arc::clone(severity);
    }
    let phase = if fires { Phase::Firing } else { phase };
    (MachineState { phase, episode: Some(next) }, transitions)
}

fn end_episode(mut episode: Episode, now: Tick, reason: Reason) -> (MachineState, Vec<Transition>) {
    episode.resolved = Some(now);
    let state = MachineState { phase: Phase::Resolved, episode: Some(episode) };
    (state, vec![Transition::new(Change::Resolved, reason)])
}

/// Phase of a rule as a whole: the furthest of its alerts (firing, then pending, then inactive). `None`: it
/// has not been evaluated on any subject yet.
#[must_use]
pub fn overall(phases: impl IntoIterator<Item = Phase>) -> Option<Phase> {
    let rank = |phase: &Phase| match phase {
        Phase::Firing => 2,
        Phase::Pending => 1,
        Phase::Inactive | Phase::Resolved => 0,
    };
    let furthest = phases.into_iter().max_by_key(rank);
    furthest.map(|phase| if phase.is_open() { phase } else { Phase::Inactive })
}
