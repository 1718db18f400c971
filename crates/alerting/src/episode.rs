//! The state machine of one alert: a rule's terms on one subject, stepped through the subject's periods.
//!
//! ```text
//!              crossed                 held
//!   inactive ----------> pending ---------------> firing
//!      ^                    | cleared               | cleared, and keep-firing has run out
//!      |                    v                       v
//!      +- - - - - - - -  resolved <-----------------+
//! ```
//!
//! [`step`] is a pure function: live operation, rebuild, restatement and backtest all run it, over whatever kind of condition: it
//! knows judgements, not figures. Three things it never does: it takes no missing figure for a figure, so missing data do not
//! resolve an alert unless the rule says so; it changes nothing when an evaluation failed; it counts no time but that between the
//! ends of periods, so a restart moves nothing.
//!
//! A line that fewer datasets confirm than the rule asks for opens an episode, which stays pending until they do. What fires goes on
//! firing when they differ later: the line is still crossed by the best estimate, and the alert says that it is not confirmed.
use std::sync::Arc;

use orewatch_contracts::alerting::v1::{AlertState, Reason};

use crate::judgement::Judgement;

/// Severity of a rule that has no bands.
pub const DEFAULT_SEVERITY: &str = "warning";

/// What of a rule the state machine needs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Terms {
    /// How long the line must be crossed before the alert fires.
    pub hold: Span,
    /// How long a firing alert goes on after the line is cleared.
    pub keep_firing: Span,
    /// After how many missing or stale figures in a row an episode ends; 0: never.
    pub resolve_after: u32,
    /// Severities by what was judged.
    pub severities: Severities,
}

/// A length of time. The default is none at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// This many further periods of the series.
    Periods(u32),
    /// This many seconds between the ends of periods.
    Seconds(u64),
}

impl Default for Span {
    fn default() -> Self {
        Self::Periods(0)
    }
}

/// Severities in the direction of the line.
#[derive(Clone, Debug, PartialEq)]
pub struct Severities {
    bands: Vec<Band>,
    above: bool,
    mildest: Arc<str>,
}

/// A severity and where it begins; it is reached strictly beyond that, as a line is crossed.
#[derive(Clone, Debug, PartialEq)]
pub struct Band {
    /// Name of the severity.
    pub severity: Arc<str>,
    /// Where it begins, in the unit of what is judged.
    pub from: f64,
}

impl Default for Severities {
    /// [`DEFAULT_SEVERITY`] throughout.
    fn default() -> Self {
        Self { bands: Vec::new(), above: true, mildest: Arc::from(DEFAULT_SEVERITY) }
    }
}

impl Severities {
    /// Place of a severity among the bands, the mildest first. None: there is no such band.
    #[must_use]
    pub fn rank(&self, severity: &str) -> Option<usize> {
        self.bands.iter().position(|band| *band.severity == *severity)
    }

    /// Bands in order, the mildest first; `above`: a greater value is more severe.
    #[must_use]
    pub fn new(bands: Vec<Band>, above: bool) -> Self {
        let mildest =
            bands.first().map_or_else(|| Arc::from(DEFAULT_SEVERITY), |band| Arc::clone(&band.severity));
        Self { bands, above, mildest }
    }

    /// Severity of a value: the last band that it has passed; before the first band the mildest.
    #[must_use]
    pub fn of(&self, value: f64) -> &Arc<str> {
        let passed = |band: &&Band| if self.above { value > band.from } else { value < band.from };
        self.bands.iter().rev().find(passed).map_or(&self.mildest, |band| &band.severity)
    }

    /// The mildest severity.
    #[must_use]
    pub fn mildest(&self) -> &Arc<str> {
        &self.mildest
    }
}

/// One evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tick {
    /// Number of the period in the series, from 0.
    pub index: u32,
    /// End of the period, in seconds.
    pub time: i64,
}

/// What an evaluation finds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Observation {
    /// The condition was judged.
    Judged(Judgement),
    /// There should be a figure, and there is none.
    Missing,
    /// There is a figure, and its validity has ended without a newer one.
    Stale,
    /// The evaluation failed: nothing is known, and nothing changes.
    Failed,
}

/// Where an alert is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// There never was an episode.
    #[default]
    Inactive,
    /// The line is crossed, and the hold runs.
    Pending,
    /// The alert fires.
    Firing,
    /// The last episode is over.
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

/// One continuous time from the first crossing to the resolution.
#[derive(Clone, Debug, PartialEq)]
pub struct Episode {
    /// When the line was crossed.
    pub since: Tick,
    /// When it fired.
    pub fired: Option<Tick>,
    /// When it was resolved.
    pub resolved: Option<Tick>,
    /// Since when the line has been cleared while keep-firing runs.
    pub cleared: Option<Tick>,
    /// Missing figures in a row, up to now.
    pub missing: u32,
    /// It would fire but for datasets that do not confirm the line.
    pub is_unconfirmed: bool,
    /// Severity of the last figure.
    pub severity: Arc<str>,
}

/// State of the machine: the phase, and the open or else the last episode.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// Where the alert is.
    pub phase: Phase,
    /// The open episode, or the last one. None: there never was one.
    pub episode: Option<Episode>,
}

impl State {
    /// The state with the figures still missing that were missing before, in the same episode.
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

/// What happened to an alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The line was crossed; the hold runs.
    Pending,
    /// The alert fires.
    Fired,
    /// The episode is over.
    Resolved,
    /// The figure went missing, or is back; the phase is unchanged.
    Stale,
    /// The value moved into another severity band.
    Severity {
        /// The severity before.
        from: Arc<str>,
    },
}

/// A change and why it came about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// What happened.
    pub change: Change,
    /// Why.
    pub reason: Reason,
}

impl Transition {
    /// A change for a reason.
    #[must_use]
    pub fn new(change: Change, reason: Reason) -> Self {
        Self { change, reason }
    }
}

impl Span {
    /// Whether this much lies between two evaluations, both ends counted: an elapsed time equal to the span is enough.
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

/// Steps an alert through one evaluation: the state after it, and what happened, in order.
#[must_use]
pub fn step(terms: &Terms, state: &State, now: Tick, observation: Observation) -> (State, Vec<Transition>) {
    let open = state.episode.as_ref().filter(|_| state.phase.is_open());
    match (observation, open) {
        (Observation::Judged(judgement), None) if judgement.is_crossed() => begin(terms, now, judgement),
        (Observation::Judged(judgement), Some(episode)) => go_on(terms, state.phase, episode, now, judgement),
        (Observation::Missing, Some(episode)) => miss(terms, state.phase, episode, now, Reason::NoData),
        (Observation::Stale, Some(episode)) => miss(terms, state.phase, episode, now, Reason::StaleData),
        (Observation::Failed, _)
        | (Observation::Judged(_) | Observation::Missing | Observation::Stale, None) => {
            (state.clone(), Vec::new())
        }
    }
}

fn begin(terms: &Terms, now: Tick, judgement: Judgement) -> (State, Vec<Transition>) {
    let is_held = terms.hold.has_passed(now, now);
    let fires = is_held && judgement.is_confirmed;
    let severities = &terms.severities;
    let severity = judgement.value.map_or_else(|| severities.mildest(), |value| severities.of(value));
    let episode = Episode {
        since: now,
        fired: fires.then_some(now),
        resolved: None,
        cleared: None,
        missing: 0,
        is_unconfirmed: is_held && !judgement.is_confirmed,
        severity: Arc::clone(severity),
    };
    let (phase, change) =
        if fires { (Phase::Firing, Change::Fired) } else { (Phase::Pending, Change::Pending) };
    (State { phase, episode: Some(episode) }, vec![Transition::new(change, Reason::Crossed)])
}

fn miss(
    terms: &Terms,
    phase: Phase,
    episode: &Episode,
    now: Tick,
    reason: Reason,
) -> (State, Vec<Transition>) {
    let missing = episode.missing.saturating_add(1);
    let next = Episode { missing, ..episode.clone() };
    if terms.resolve_after > 0 && missing >= terms.resolve_after {
        return end(next, now, reason);
    }
    let news = (missing == 1).then(|| Transition::new(Change::Stale, reason));
    (State { phase, episode: Some(next) }, news.into_iter().collect())
}

/// A judgement meets an open episode. A pending alert fires only on one beyond the line; between the two lines its hold
/// goes on.
fn go_on(
    terms: &Terms,
    phase: Phase,
    episode: &Episode,
    now: Tick,
    judgement: Judgement,
) -> (State, Vec<Transition>) {
    let cleared = judgement.is_cleared().then(|| episode.cleared.unwrap_or(now));
    let mut next = Episode { cleared, missing: 0, ..episode.clone() };
    let keep = if phase == Phase::Firing { terms.keep_firing } else { Span::default() };
    if cleared.is_some_and(|since| keep.has_passed(since, now)) {
        return end(next, now, Reason::Cleared);
    }

    let is_held =
        phase == Phase::Pending && judgement.is_crossed() && terms.hold.has_passed(episode.since, now);
    let fires = is_held && judgement.is_confirmed;
    next.is_unconfirmed = is_held && !judgement.is_confirmed;
    let mut transitions = Vec::new();
    if fires {
        next.fired = Some(now);
        let reason = if episode.is_unconfirmed { Reason::Confirmed } else { Reason::Held };
        transitions.push(Transition::new(Change::Fired, reason));
    } else if episode.missing > 0 {
        transitions.push(Transition::new(Change::Stale, Reason::DataBack));
    }
    // What is judged without a number leaves the severity as it is.
    let severity = judgement.value.map_or(&episode.severity, |value| terms.severities.of(value));
    if *severity != episode.severity {
        let from = Arc::clone(&episode.severity);
        transitions.push(Transition::new(Change::Severity { from }, Reason::Severity));
        next.severity = Arc::clone(severity);
    }
    let phase = if fires { Phase::Firing } else { phase };
    (State { phase, episode: Some(next) }, transitions)
}

fn end(mut episode: Episode, now: Tick, reason: Reason) -> (State, Vec<Transition>) {
    episode.resolved = Some(now);
    let state = State { phase: Phase::Resolved, episode: Some(episode) };
    (state, vec![Transition::new(Change::Resolved, reason)])
}

/// State of a rule as a whole: the furthest of its alerts (firing before pending before inactive); None: it has not been
/// evaluated on anything yet.
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
