//! Episodes of a subject, read off a trajectory or off the transitions that were told, and how two lists of them differ.
use std::sync::Arc;

use orewatch_catalog::Period;
use orewatch_contracts::alerting::v1::alert_transition::Event;
use orewatch_contracts::alerting::v1::{AlertState, EpisodeKnowledge};

use crate::alert::{alert_of, best};
use crate::judgement::Line;
use crate::rules::Checked;
use crate::trajectory::{Point, Trajectory};

/// How many periods after its resolution an alert fires again for it to count as a flap.
const FLAP: usize = 2;

/// One continuous time from the first crossing to the resolution.
#[derive(Clone, Debug, PartialEq)]
pub struct Episode {
    /// First period of the crossing.
    pub since: Period,
    /// Period in which it fired. None: it was pending only.
    pub fired: Option<Period>,
    /// Period in which it was resolved. None: it is open at the end.
    pub resolved: Option<Period>,
    /// The worst severity that was reached.
    pub severity: Arc<str>,
    /// The figure farthest beyond the line.
    pub peak: Option<f64>,
}

/// How an episode was known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// As the figures came in, and in the end.
    Both,
    /// Only by the figures as they are known in the end.
    NowOnly,
    /// Only by figures that were corrected since.
    ThenOnly,
}

impl From<Known> for EpisodeKnowledge {
    fn from(known: Known) -> Self {
        match known {
            Known::Both => Self::Both,
            Known::NowOnly => Self::NowOnly,
            Known::ThenOnly => Self::ThenOnly,
        }
    }
}

impl Episode {
    /// Whether two episodes have a period in common.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        let begins_before_end = |one: &Self, end: Option<Period>| end.is_none_or(|end| one.since < end);
        self.since == other.since
            || (begins_before_end(self, other.resolved) && begins_before_end(other, self.resolved))
    }

    /// How many of these periods, in order, it takes in: from the first crossing up to the resolution, which does not count.
    #[must_use]
    pub fn length(&self, periods: &[Period]) -> usize {
        let first = periods.partition_point(|period| *period < self.since);
        let end = self.resolved.map_or(periods.len(), |end| periods.partition_point(|period| *period < end));
        end.saturating_sub(first)
    }

    fn meet(&mut self, rule: &Checked, severity: &str, value: Option<f64>) {
        let severities = &rule.terms.severities;
        if severities.rank(severity) > severities.rank(&self.severity) {
            self.severity = Arc::from(severity);
        }
        self.peak = farthest(rule.condition.line(), self.peak, value);
    }
}

/// The value farther beyond the line; without a line there is none.
fn farthest(line: Option<Line>, one: Option<f64>, other: Option<f64>) -> Option<f64> {
    let line = line?;
    match (one, other) {
        (Some(one), Some(other)) if line.margin(other) > line.margin(one) => Some(other),
        (None, other) => other,
        (one, _) => one,
    }
}

/// The episodes of a trajectory, oldest first.
#[must_use]
pub(super) fn of_trajectory(rule: &Checked, trajectory: &Trajectory) -> Vec<Episode> {
    let mut all: Vec<Episode> = Vec::new();
    let mut last = None;
    for Point { judged, state, .. } in trajectory.points() {
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
                let value = judged.as_ref().ok().and_then(|judgement| judgement.value);
                own.meet(rule, &episode.severity, value);
            }
        }
    }
    all
}

/// Takes a transition that is told into the episodes that were told before, oldest first.
pub(super) fn tell(rule: &Checked, all: &mut Vec<Episode>, event: &Event) {
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
            last.meet(rule, &alert.severity, alert.judged.or_else(|| best(alert)));
        }
    }
}

/// Times that an alert fired again at most two of these periods after it had been resolved.
#[must_use]
pub(super) fn flaps(episodes: &[Episode], periods: &[Period]) -> usize {
    let index = |period: Period| periods.partition_point(|other| *other < period);
    let fired: Vec<(usize, Option<usize>)> = episodes
        .iter()
        .filter_map(|episode| Some((index(episode.fired?), episode.resolved.map(index))))
        .collect();
    let again = fired.iter().zip(fired.iter().skip(1));
    again.filter(|((_, end), (next, _))| end.is_some_and(|end| next.saturating_sub(end) <= FLAP)).count()
}

/// An episode of one list beside one of another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Compared<'a> {
    /// Only the first list has it.
    Here(&'a Episode),
    /// Only the second list has it.
    There(&'a Episode),
    /// Both have it.
    Both(&'a Episode, &'a Episode),
}

/// Pairs the episodes of two lists, both oldest first: two are one if they overlap, each with the first that is left.
#[must_use]
pub fn compare<'a>(here: &'a [Episode], there: &'a [Episode]) -> Vec<Compared<'a>> {
    let mut all = Vec::new();
    let (mut here, mut there) = (here.iter().peekable(), there.iter().peekable());
    loop {
        match (here.peek().copied(), there.peek().copied()) {
            (Some(one), Some(other)) if one.overlaps(other) => {
                all.push(Compared::Both(one, other));
                here.next();
                there.next();
            }
            (Some(one), Some(other)) if one.since <= other.since => {
                all.push(Compared::Here(one));
                here.next();
            }
            (Some(one), None) => {
                all.push(Compared::Here(one));
                here.next();
            }
            (_, Some(other)) => {
                all.push(Compared::There(other));
                there.next();
            }
            (None, None) => return all,
        }
    }
}
