//! Episodes of a subject, from a trajectory or from recorded transitions, and the comparison of two lists of
//! them.
use std::sync::Arc;

use orewatch_catalog::Period;
use orewatch_contracts::alerting::v1::alert_transition::Event;
use orewatch_contracts::alerting::v1::{AlertState, EpisodeKnowledge};

use crate::alert::{alert_of, best};
use crate::assessment::Line;
use crate::rules::CheckedRule;
use crate::trajectory::{Point, Trajectory};

/// Number of periods within which an alert that fires again after its resolution counts as a flap.
const FLAP_PERIODS: usize = 2;

/// The time from the first crossing to the resolution.
#[derive(Clone, Debug, PartialEq)]
pub struct Episode {
    /// First period of the crossing.
    pub since: Period,
    /// Period in which it fired. `None`: it was only pending.
    pub fired: Option<Period>,
    /// Period in which it was resolved. `None`: it is open at the end.
    pub resolved: Option<Period>,
    /// The most severe severity that was reached.
    pub severity: Arc<str>,
    /// The figure farthest beyond the line.
    pub peak: Option<f64>,
}

/// By which data an episode is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Knowledge {
    /// By the data at the time and by the final data.
    Both,
    /// Only by the final data.
    NowOnly,
    /// Only by data that were corrected since.
    ThenOnly,
}

impl From<Knowledge> for EpisodeKnowledge {
    fn from(known: Knowledge) -> Self {
        match known {
            Knowledge::Both => Self::Both,
            Knowledge::NowOnly => Self::NowOnly,
            Knowledge::ThenOnly => Self::ThenOnly,
        }
    }
}

impl Episode {
    /// Whether two episodes have a period in common.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        let begins_before_end =
            |episode: &Self, end: Option<Period>| end.is_none_or(|end| episode.since < end);
        self.since == other.since
            || (begins_before_end(self, other.resolved) && begins_before_end(other, self.resolved))
    }

    /// Number of these periods, in order, that it covers: from the first crossing until before the
    /// resolution.
    #[must_use]
    pub fn length(&self, periods: &[Period]) -> usize {
        let first = periods.partition_point(|period| *period < self.since);
        let end = self.resolved.map_or(periods.len(), |end| periods.partition_point(|period| *period < end));
        end.saturating_sub(first)
    }

    fn note_value(&mut self, rule: &CheckedRule, severity: &str, value: Option<f64>) {
        let severities = &rule.terms.severities;
        if severities.rank(severity) > severities.rank(&self.severity) {
            self.severity = Arc::from(severity);
        }
        self.peak = farthest(rule.condition.line(), self.peak, value);
    }
}

/// The value farther beyond the line. `None` without a line.
fn farthest(line: Option<Line>, a: Option<f64>, b: Option<f64>) -> Option<f64> {
    let line = line?;
    match (a, b) {
        (Some(a), Some(b)) if line.margin(b) > line.margin(a) => Some(b),
        (None, b) => b,
        (a, _) => a,
    }
}

/// The episodes of a trajectory, oldest first.
#[must_use]
pub(super) fn trajectory_episodes(rule: &CheckedRule, trajectory: &Trajectory) -> Vec<Episode> {
    let mut all: Vec<Episode> = Vec::new();
    let mut last = None;
    for Point { assessed, state, .. } in trajectory.points() {
        let Some(episode) = &state.episode else { continue };
        let Some(since) = trajectory.period_of(episode.since) else { continue };
        if last != Some(episode.since) {
            let severity = Arc::clone(&episode.severity);
            all.push(Episode { since, fired: None, resolved: None, severity, peak: None });
            last = Some(episode.since);
        }
        if let Some(own) = all.last_mut().filter(|own| own.resolved.is_none()) {
            own.fired = episode.fired.and_then(|tick| trajectory.period_of(tick));
            own.resolved = episode.resolved.and_then(|tick| trajectory.period_of(tick));
            if state.phase.is_open() {
                let value = assessed.as_ref().ok().and_then(|assessment| assessment.value);
                own.note_value(rule, &episode.severity, value);
            }
        }
    }
    all
}

/// Adds a recorded transition to the episodes recorded so far, oldest first.
pub(super) fn record(rule: &CheckedRule, all: &mut Vec<Episode>, event: &Event) {
    let Some(alert) = alert_of(event).filter(|_| !matches!(event, Event::Restated(_))) else { return };
    let period = |text: &str| text.parse::<Period>().ok();
    let Some(since) = period(&alert.pending_since) else { return };
    if all.last().is_none_or(|last| last.resolved.is_some()) {
        let severity = Arc::from(alert.severity.as_str());
        all.push(Episode { since, fired: None, resolved: None, severity, peak: None });
    }
    if let Some(last) = all.last_mut() {
        last.since = since;
        last.fired = period(&alert.fired_at);
        let is_over = alert.state() == AlertState::Resolved;
        last.resolved = period(&alert.resolved_at).filter(|_| is_over);
        if !is_over {
            last.note_value(rule, &alert.severity, alert.judged.or_else(|| best(alert)));
        }
    }
}

/// Number of times that an alert fired again soon after its resolution, given all periods in order.
#[must_use]
pub(super) fn flaps(episodes: &[Episode], periods: &[Period]) -> usize {
    let index = |period: Period| periods.partition_point(|other| *other < period);
    let fired: Vec<(usize, Option<usize>)> = episodes
        .iter()
        .filter_map(|episode| Some((index(episode.fired?), episode.resolved.map(index))))
        .collect();
    let again = fired.iter().zip(fired.iter().skip(1));
    again
        .filter(|((_, end), (next, _))| end.is_some_and(|end| next.saturating_sub(end) <= FLAP_PERIODS))
        .count()
}

/// An episode of two lists that are compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Compared<'a> {
    /// Only the first list has it.
    Here(&'a Episode),
    /// Only the second list has it.
    There(&'a Episode),
    /// Both have it.
    Both(&'a Episode, &'a Episode),
}

/// Pairs the episodes of two lists, both oldest first. Episodes that overlap are the same; each is paired
/// with the first one left.
#[must_use]
pub fn compare<'a>(here: &'a [Episode], there: &'a [Episode]) -> Vec<Compared<'a>> {
    let mut all = Vec::new();
    let (mut here, mut there) = (here.iter().peekable(), there.iter().peekable());
    loop {
        match (here.peek().copied(), there.peek().copied()) {
            (Some(ours), Some(theirs)) if ours.overlaps(theirs) => {
                all.push(Compared::Both(ours, theirs));
                here.next();
                there.next();
            }
            (Some(ours), Some(theirs)) if ours.since <= theirs.since => {
                all.push(Compared::Here(ours));
                here.next();
            }
            (Some(ours), None) => {
                all.push(Compared::Here(ours));
                here.next();
            }
            (_, Some(theirs)) => {
                all.push(Compared::There(theirs));
                there.next();
            }
            (None, None) => return all,
        }
    }
}
