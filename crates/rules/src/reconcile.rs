//! Reconciliation: which transitions to record when the figures or the rule of a subject have changed.
//!
//! The trajectory on the new data is compared with the trajectory on the data that were evaluated before:
//! - New period: its transitions are recorded.
//! - A period that was evaluated before has another state, by a figure that exists: the history is restated.
//!   If the present state differs too, it changes with the reason RESTATED or that of a change of sources.
//! - The figure of such a period went missing: nothing resolves. The alert becomes stale, or ends by its
//!   no-data policy, and nothing is restated.
//! - The rule was revised: only the present state changes. The recorded history stays, and a continuing
//!   episode keeps its identity even if the new hold alone would make it pending again. A revision may ask
//!   for a re-evaluation instead.
//! - The rule depends on the age of data, which changes with the time, or on verdicts on claims, which are
//!   about now: only the present state changes.
//! - An alert that was held back at the limit of the rule is recorded as soon as there is room.
mod restate;

use std::sync::Arc;

use orewatch_catalog::Period;
use orewatch_contracts::alerting::v1::alert_transition::Event;
use orewatch_contracts::alerting::v1::{Alert, AlertState, Reason, RuleChange};
use orewatch_contracts::common::v1::{Cause, CauseKind};

use crate::alert::{RuleOnSubject, alert_of, best, continue_episode, ended, ended_by_rule, event, phase};
use crate::condition::Gap;
use crate::episode::{Change, Phase, Transition};
use crate::trajectory::{Point, Trajectory};

/// Why a subject is reconciled.
#[derive(Clone, Debug, PartialEq)]
pub enum Trigger<'a> {
    /// The rule is new to the subject: its whole history is recorded.
    Rule,
    /// The rule was revised.
    Revision {
        /// The revision.
        change: &'a RuleChange,
        /// Whether open episodes end and the subject is evaluated again.
        re_evaluate: bool,
    },
    /// The figures changed.
    Figures {
        /// The trajectory of the same rule on the figures before.
        before: &'a Trajectory,
        /// Cause of the change.
        cause: Option<&'a Cause>,
    },
    /// The recorded alert is on a figure of the other frequency, by an earlier version that did not separate
    /// years and months.
    Separated,
}

impl<'a> Trigger<'a> {
    /// Cause of a change of figures.
    fn cause(&self) -> Option<&'a Cause> {
        match self {
            Self::Figures { cause, .. } => *cause,
            Self::Rule | Self::Revision { .. } | Self::Separated => None,
        }
    }
}

/// Transitions that bring the recorded alert in line with a trajectory, in order.
#[must_use]
pub fn reconcile(
    case: RuleOnSubject<'_>,
    recorded: Option<&Alert>,
    now: &Trajectory,
    trigger: &Trigger<'_>,
) -> Vec<Event> {
    let mut reconciliation = Reconciliation { case, now, recorded, cause: None, events: Vec::new() };
    match *trigger {
        Trigger::Revision { change, re_evaluate: true } => reconciliation.record_anew(change),
        Trigger::Revision { change, re_evaluate: false } => reconciliation.record_revision(change),
        Trigger::Separated => reconciliation.record_separated(),
        Trigger::Rule | Trigger::Figures { .. } if case.rule.is_about_now() => {
            // A verdict changes for another reason than the figure beside it.
            reconciliation.cause = trigger.cause().filter(|_| case.rule.reads_claims());
            reconciliation.record_present(None)
        }
        Trigger::Rule => reconciliation.record_periods(now.points()),
        Trigger::Figures { before, cause } => {
            reconciliation.cause = cause;
            let seen = before.last().map(|point| point.period);
            if let Some(seen) = seen {
                reconciliation.record_corrections(before, seen);
            }
            let fresh = now.points().partition_point(|point| Some(point.period) <= seen);
            reconciliation.record_periods(now.points().get(fresh..).unwrap_or_default());
            reconciliation.record_rest();
        }
    }
    reconciliation.events
}

/// Ends an open alert whose rule was removed or no longer watches the subject.
#[must_use]
pub fn end_by_rule(recorded: &Alert, change: &RuleChange, reason: Reason) -> Option<Event> {
    let is_open = phase(Some(recorded)).is_open();
    is_open.then(|| event(&Change::Resolved, ended_by_rule(recorded, change, reason)))
}

/// Ends an open alert on a figure of the other frequency.
#[must_use]
pub fn end_separated(recorded: &Alert) -> Option<Event> {
    let is_open = phase(Some(recorded)).is_open();
    is_open.then(|| event(&Change::Resolved, ended(recorded, Reason::FrequenciesSeparated)))
}

/// Marks an open alert as stale because its rule is suspended. The reason replaces the finding.
#[must_use]
pub fn suspend(recorded: &Alert, reason: &str) -> Option<Event> {
    let is_new = phase(Some(recorded)).is_open() && !is_suspended(recorded);
    is_new.then(|| {
        let alert = Alert {
            stale: true,
            reason: Reason::RuleSuspended.into(),
            finding: format!("the rule is suspended: {reason}"),
            previous: best(recorded),
            cause: None,
            ..recorded.clone()
        };
        event(&Change::Stale, alert)
    })
}

/// Whether an alert is stale because its rule was suspended.
fn is_suspended(alert: &Alert) -> bool {
    alert.stale && alert.reason() == Reason::RuleSuspended
}

/// Reason of a correction: the data were revised, or the figure comes from another source.
#[must_use]
pub fn correction(cause: Option<&Cause>) -> Reason {
    match cause.map(Cause::kind) {
        Some(CauseKind::SourceChanged) => Reason::SourceChanged,
        Some(CauseKind::SourcesSeparated) => Reason::SourcesSeparated,
        _ => Reason::Restated,
    }
}

/// A reconciliation in progress.
struct Reconciliation<'a> {
    case: RuleOnSubject<'a>,
    now: &'a Trajectory,
    recorded: Option<&'a Alert>,
    /// Cause of the change. `None`: that of the provenance of each figure.
    cause: Option<&'a Cause>,
    events: Vec<Event>,
}

impl<'a> Reconciliation<'a> {
    /// Records the transitions of new periods, except those that the recorded alert has made already.
    fn record_periods(&mut self, points: &[Point]) {
        for point in points {
            for transition in &point.transitions {
                if self.is_new(point, transition) {
                    let reason = self.moved_or(transition.reason, point.period);
                    let alert = self.next(&transition.change, Some(point), point.period, reason);
                    self.record(&transition.change, alert);
                }
            }
        }
    }

    fn is_new(&self, point: &Point, transition: &Transition) -> bool {
        let phase = self.phase();
        match &transition.change {
            Change::Pending => !phase.is_open(),
            Change::Fired => phase != Phase::Firing,
            Change::Resolved => phase.is_open(),
            Change::Stale => phase.is_open() && self.is_stale() != point.state.is_stale(),
            Change::Severity { .. } => phase.is_open() && self.severity_moved(point).is_some(),
        }
    }

    /// Records the present state if the recorded one differs. Without a `reason` it is that of the
    /// trajectory.
    fn record_present(&mut self, reason: Option<Reason>) {
        let Some(point) = self.now.last() else { return self.record_missing(&Change::Resolved, None, None) };
        let (was, is) = (self.phase(), point.state.phase);
        if let Some(change) = change(was, is) {
            if point.assessed.is_err() {
                return self.record_missing(&change, Some(point), None);
            }
            if was.is_open() || !self.is_behind(point.period) {
                let own = match change {
                    Change::Resolved => {
                        let last = self.last_transition(&change, point.period);
                        last.map_or(Reason::Cleared, |(_, transition)| transition.reason)
                    }
                    Change::Fired if was == Phase::Pending => Reason::Held,
                    _ => Reason::Crossed,
                };
                let reason = reason.unwrap_or_else(|| self.moved_or(own, point.period));
                let alert = self.next(&change, Some(point), point.period, reason);
                self.record(&change, alert);
            }
            return;
        }
        if was.is_open() {
            self.record_attributes(point);
        }
    }

    /// Records what still differs after all changes, if the newest figure exists: an alert that was held
    /// back, or one on a figure that the trajectory no longer contains. The existing figure decides.
    fn record_rest(&mut self) {
        let Some(point) = self.now.last() else { return };
        let Ok(assessment) = &point.assessed else { return };
        let (was, is) = (self.phase(), point.state.phase);
        match (was.is_open(), is.is_open()) {
            (false, true) if self.is_held_back(point) => self.record_present(Some(Reason::LimitLifted)),
            (false, true) if assessment.is_crossed() && !self.is_behind(point.period) => {
                let change = if is == Phase::Firing { Change::Fired } else { Change::Pending };
                let alert = self.next(
                    &change,
                    Some(point),
                    point.period,
                    self.moved_or(Reason::Crossed, point.period),
                );
                self.record(&change, begun_now(alert, &change));
            }
            (true, false) if assessment.is_cleared() => {
                let reason = self.moved_or(Reason::Cleared, point.period);
                let alert = self.next(&Change::Resolved, Some(point), point.period, reason);
                self.record(&Change::Resolved, alert);
            }
            (true, _) => self.record_attributes(point),
            (false, _) => {}
        }
    }

    /// Records staleness and severity by the newest figure, for an alert whose phase is right.
    fn record_attributes(&mut self, point: &Point) {
        if self.is_stale() != point.state.is_stale() {
            let reason = self.stale_reason(point);
            let alert = self.next(&Change::Stale, Some(point), point.period, reason);
            self.record(&Change::Stale, alert);
        }
        if let Some(from) = self.severity_moved(point) {
            let change = Change::Severity { from };
            let reason = self.moved_or(Reason::Severity, point.period);
            let alert = self.next(&change, Some(point), point.period, reason);
            self.record(&change, alert);
        }
    }

    /// The reason `own`, unless the figure comes from another source: then nothing has changed in the world.
    fn moved_or(&self, own: Reason, period: Period) -> Reason {
        let is_own = matches!(own, Reason::Crossed | Reason::Held | Reason::Cleared | Reason::Severity);
        match correction(self.cause_at(period)) {
            Reason::Restated => own,
            moved if is_own => moved,
            _ => own,
        }
    }

    /// Whether an alert that is not open was held back at the limit of its rule: its episode began after the
    /// recorded one ended.
    fn is_held_back(&self, point: &Point) -> bool {
        let since = point.state.episode.as_ref().and_then(|episode| self.now.period_of(episode.since));
        let over = self.current().and_then(|alert| alert.resolved_at.parse::<Period>().ok());
        since.zip(over).is_none_or(|(since, over)| over < since)
    }

    /// Whether the recorded alert is about a later period. An earlier period opens nothing.
    fn is_behind(&self, period: Period) -> bool {
        let recorded = self.current().and_then(|alert| alert.period.parse::<Period>().ok());
        recorded.is_some_and(|recorded| recorded.is_month() == period.is_month() && recorded > period)
    }

    /// Records a change of state by a missing figure. It opens nothing, and it ends an episode only by the
    /// no-data policy or by a figure of an earlier period.
    fn record_missing(&mut self, change: &Change, point: Option<&Point>, previous: Option<f64>) {
        if !self.phase().is_open() || point.is_some_and(|point| matches!(point.assessed, Err(Gap::Failed(_))))
        {
            return;
        }
        let last = point.and_then(|point| self.last_transition(change, point.period));
        let last = last.map(|(at, transition)| (at, transition.reason));
        let policy = last.filter(|(_, reason)| matches!(reason, Reason::NoData | Reason::StaleData));
        let earlier = last.filter(|(at, _)| at.assessed.is_ok() && !self.is_behind(at.period));
        let (change, point, reason) = match (policy, earlier) {
            (Some((_, reason)), _) => (change.clone(), point, reason),
            (None, Some((at, reason))) => (change.clone(), Some(at), reason),
            (None, None) if self.is_stale() => return,
            (None, None) => (Change::Stale, point, point.map_or(Reason::NoData, |at| self.stale_reason(at))),
        };
        let at = point.map(|point| point.period.to_string());
        let at = at.or_else(|| self.current().map(|alert| alert.period.clone())).unwrap_or_default();
        let mut alert = self.next_at(&change, point, &at, reason);
        alert.stale = change == Change::Stale;
        alert.previous = previous.or(alert.previous);
        self.record(&change, alert);
    }

    /// Reason of a change of staleness at a point.
    fn stale_reason(&self, point: &Point) -> Reason {
        if point.state.is_stale() {
            let last = self.last_transition(&Change::Stale, point.period);
            return last.map_or(Reason::NoData, |(_, transition)| transition.reason);
        }
        if point.assessed.is_ok() { Reason::DataBack } else { Reason::NoData }
    }

    /// The newest transition with a change, up to a period.
    fn last_transition(&self, change: &Change, upto: Period) -> Option<(&'a Point, &'a Transition)> {
        let points = self.now.points().iter().rev().filter(|point| point.period <= upto);
        let mut all = points
            .flat_map(|point| point.transitions.iter().rev().map(move |transition| (point, transition)));
        all.find(|(_, transition)| transition.change == *change)
    }

    /// Records a revision with a re-evaluation: the open episode ends, and another may begin.
    fn record_anew(&mut self, change: &RuleChange) {
        let ended = self.current().and_then(|alert| end_by_rule(alert, change, Reason::RuleRevised));
        self.events.extend(ended);
        self.record_revision(change);
    }

    fn record_revision(&mut self, revision: &RuleChange) {
        let Some(point) = self.now.last() else {
            let ended = self.current().and_then(|alert| end_by_rule(alert, revision, Reason::RuleRevised));
            self.events.extend(ended);
            return;
        };
        let (was, is) = (self.phase(), point.state.phase);
        if !was.is_open() && point.assessed.is_err() {
            return;
        }
        let moved = change(was, is).filter(|_| !(was == Phase::Firing && is == Phase::Pending));
        // Any transition by the revised rule also says that the rule is evaluated again.
        let is_back = was.is_open() && self.current().is_some_and(is_suspended);
        let severity = || self.severity_moved(point).map(|from| Change::Severity { from });
        let Some(change) = moved.or_else(severity).or_else(|| is_back.then_some(Change::Stale)) else {
            return;
        };
        let mut alert = self.next(&change, Some(point), point.period, Reason::RuleRevised);
        alert.cause = None;
        alert.rule_change = Some(revision.clone());
        if !was.is_open() {
            alert = begun_now(alert, &change);
        }
        self.record(&change, alert);
    }

    /// Ends an episode on a figure of the other frequency, and records the state by a figure of the rule's.
    fn record_separated(&mut self) {
        let ended = self.current().and_then(end_separated);
        self.events.extend(ended);
        self.record_present(Some(Reason::FrequenciesSeparated));
    }

    fn record_corrected(
        &mut self,
        change: &Change,
        point: &Point,
        (previous, reason): (Option<f64>, Reason),
    ) {
        let alert = Alert { previous, ..self.next(change, Some(point), point.period, reason) };
        self.record(change, alert);
    }

    /// The alert after a change at a point. It stays in the recorded episode if one is open.
    fn next(&self, change: &Change, point: Option<&Point>, period: Period, reason: Reason) -> Alert {
        let mut alert = self.next_at(change, point, &period.to_string(), reason);
        if let Some(cause) = self.cause_at(period) {
            alert.cause = Some(cause.clone());
        }
        alert
    }

    fn next_at(&self, change: &Change, point: Option<&Point>, period: &str, reason: Reason) -> Alert {
        let phase = match change {
            Change::Pending => Phase::Pending,
            Change::Fired => Phase::Firing,
            Change::Resolved => Phase::Resolved,
            Change::Stale | Change::Severity { .. } => self.phase(),
        };
        let mut alert = self.case.alert_at(self.now, point, period);
        if let Some(recorded) = self.current().filter(|_| self.phase().is_open()) {
            alert = continue_episode(recorded, alert);
            match change {
                Change::Pending => alert.fired_at.clear(),
                Change::Fired => period.clone_into(&mut alert.fired_at),
                Change::Resolved | Change::Stale | Change::Severity { .. } => {}
            }
        }
        alert.state = AlertState::from(phase).into();
        alert.resolved_at = if phase.is_open() { String::new() } else { period.to_owned() };
        alert.stale = alert.stale && phase.is_open();
        alert.reason = reason.into();
        alert.previous = self.current().and_then(best);
        if let Some(cause) = self.cause {
            alert.cause = Some(cause.clone());
        }
        alert
    }

    /// Cause of the figures that decide in a period. The newest figure that changed may have a more precise
    /// cause than the release, some of whose figures come from another source. `None`: the provenance of each
    /// figure says it.
    fn cause_at(&self, period: Period) -> Option<&'a Cause> {
        let whole = self.cause?;
        let points = self.now.points();
        let upto = points.get(..points.partition_point(|point| point.period <= period)).unwrap_or_default();
        let mut causes = upto.iter().rev().filter_map(|point| point.figure.provenance.cause.as_ref());
        Some(causes.find(|cause| cause.position == whole.position).unwrap_or(whole))
    }

    fn record(&mut self, change: &Change, alert: Alert) {
        self.push(event(change, alert));
    }

    /// Appends an event. Most alerts have one or two events, each with a whole alert: spare capacity would
    /// cost more than a move.
    fn push(&mut self, event: Event) {
        self.events.reserve_exact(1);
        self.events.push(event);
    }

    /// The alert after the events so far. A restatement does not change it.
    fn current(&self) -> Option<&Alert> {
        let mut transitions = self.events.iter().rev().filter(|event| !matches!(event, Event::Restated(_)));
        transitions.next().map_or(self.recorded, alert_of)
    }

    fn phase(&self) -> Phase {
        phase(self.current())
    }

    fn is_stale(&self) -> bool {
        self.current().is_some_and(|alert| alert.stale)
    }

    /// The recorded severity, if that at the point differs.
    fn severity_moved(&self, point: &Point) -> Option<Arc<str>> {
        let recorded = self.current().filter(|alert| phase(Some(*alert)).is_open())?;
        let open = point.state.episode.as_ref().filter(|_| point.state.phase.is_open())?;
        (*recorded.severity != *open.severity).then(|| Arc::from(recorded.severity.as_str()))
    }
}

/// An alert whose episode begins now. What was recorded of earlier periods stays.
fn begun_now(mut alert: Alert, change: &Change) -> Alert {
    alert.pending_since.clone_from(&alert.period);
    alert.episode = format!("{}@{}", alert.id, alert.period);
    if *change == Change::Fired {
        alert.fired_at.clone_from(&alert.period);
    }
    alert
}

/// Whether two phases are equivalent: a resolved alert is as inactive as one that never fired.
fn is_same(a: Phase, b: Phase) -> bool {
    a == b || (!a.is_open() && !b.is_open())
}

/// The change that leads from one phase to another.
fn change(from: Phase, to: Phase) -> Option<Change> {
    match to {
        _ if is_same(from, to) => None,
        Phase::Pending => Some(Change::Pending),
        Phase::Firing => Some(Change::Fired),
        Phase::Inactive | Phase::Resolved => Some(Change::Resolved),
    }
}
