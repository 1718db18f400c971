//! What to record when the figures or the rule of a subject have changed.
//!
//! The trajectory by the new data is compared with the one by the data that were evaluated before:
//! - a period that is new goes its ordinary way: its transitions are recorded;
//! - where a period that was evaluated before now has another state, the history is restated, and if the present state
//!   differs too, it moves with the reason RESTATED;
//! - a revised rule moves the present state only: history stays as it was told, and an episode that goes on keeps its
//!   identity, also where the new hold alone would have it pending again, unless the revision says that all is judged anew;
//! - a rule that looks at the age of data, which changes with every look, moves the present state only;
//! - an alert that was held back at the rule's limit is told of as soon as there is room.
use std::sync::Arc;

use orewatch_catalog::Period;
use orewatch_contracts::alerting::v1::alert_transition::Event;
use orewatch_contracts::alerting::v1::{Alert, AlertRestated, AlertState, Reason, RuleChange};
use orewatch_contracts::common::v1::Cause;

use crate::alert::{Case, alert_of, best, ended_by_rule, event, phase, within};
use crate::episode::{Change, Phase, Transition};
use crate::trajectory::{Point, Trajectory};

/// What has changed.
#[derive(Clone, Debug, PartialEq)]
pub enum News<'a> {
    /// The rule is new to the subject: all of its history is told.
    Rule,
    /// The rule was revised.
    Revision {
        /// The revision.
        change: &'a RuleChange,
        /// Open episodes end, and the subject is judged anew.
        re_evaluate: bool,
    },
    /// The figures changed; this is the trajectory before, by the same rule.
    Figures {
        /// The trajectory by the figures before.
        before: &'a Trajectory,
        /// What made them change.
        cause: Option<&'a Cause>,
    },
}

/// Transitions of a case that bring what is recorded in line with a trajectory, in order.
#[must_use]
pub fn reconcile(case: Case<'_>, recorded: Option<&Alert>, now: &Trajectory, news: &News<'_>) -> Vec<Event> {
    let mut story = Story { case, now, recorded, cause: None, events: Vec::new() };
    match *news {
        News::Revision { change, re_evaluate: true } => story.tell_anew(change),
        News::Revision { change, re_evaluate: false } => story.tell_revision(change),
        News::Rule | News::Figures { .. } if case.rule.is_timed() => story.tell_present(None),
        News::Rule => story.tell_periods(now.points()),
        News::Figures { before, cause } => {
            story.cause = cause;
            let seen = before.last().map(|point| point.period);
            if let Some(seen) = seen {
                story.tell_restatement(before, seen);
            }
            let fresh = now.points().partition_point(|point| Some(point.period) <= seen);
            story.tell_periods(now.points().get(fresh..).unwrap_or_default());
            if !story.phase().is_open() {
                story.tell_present(Some(Reason::LimitLifted));
            }
        }
    }
    story.events
}

/// The end of an open alert whose rule was removed or no longer watches the subject.
#[must_use]
pub fn end_by_rule(recorded: &Alert, change: &RuleChange, reason: Reason) -> Option<Event> {
    let is_open = phase(Some(recorded)).is_open();
    is_open.then(|| event(&Change::Resolved, ended_by_rule(recorded, change, reason)))
}

struct Story<'a> {
    case: Case<'a>,
    now: &'a Trajectory,
    recorded: Option<&'a Alert>,
    /// What made the figures change; None: what their own ground says.
    cause: Option<&'a Cause>,
    events: Vec<Event>,
}

impl Story<'_> {
    /// New periods: the transitions of the fold, except those that the recorded alert has been through already.
    fn tell_periods(&mut self, points: &[Point]) {
        for point in points {
            for transition in &point.transitions {
                if self.is_news(point, transition) {
                    let alert = self.next(&transition.change, Some(point), point.period, transition.reason);
                    self.tell(&transition.change, alert);
                }
            }
        }
    }

    fn is_news(&self, point: &Point, transition: &Transition) -> bool {
        let phase = self.phase();
        match &transition.change {
            Change::Pending => !phase.is_open(),
            Change::Fired => phase != Phase::Firing,
            Change::Resolved => phase.is_open(),
            Change::Stale => phase.is_open() && self.is_stale() != point.state.is_stale(),
            Change::Severity { .. } => phase.is_open() && self.severity_moved(point).is_some(),
        }
    }

    /// The present state by the fold, where the recorded one is another, for a reason or for the fold's own.
    fn tell_present(&mut self, reason: Option<Reason>) {
        let Some(point) = self.now.last() else { return };
        let (was, is) = (self.phase(), point.state.phase);
        if let Some(change) = change(was, is) {
            let own = match change {
                Change::Resolved => self.last_reason(&Change::Resolved).unwrap_or(Reason::Cleared),
                Change::Fired if was == Phase::Pending => Reason::Held,
                _ => Reason::Crossed,
            };
            let alert = self.next(&change, Some(point), point.period, reason.unwrap_or(own));
            return self.tell(&change, alert);
        }
        if was.is_open() && self.is_stale() != point.state.is_stale() {
            let own = if point.state.is_stale() {
                self.last_reason(&Change::Stale)
            } else {
                Some(Reason::DataBack)
            };
            let alert = self.next(&Change::Stale, Some(point), point.period, own.unwrap_or(Reason::NoData));
            self.tell(&Change::Stale, alert);
        }
        if let Some(from) = self.severity_moved(point) {
            let change = Change::Severity { from };
            let alert = self.next(&change, Some(point), point.period, Reason::Severity);
            self.tell(&change, alert);
        }
    }

    /// The reason of the newest transition of a kind.
    fn last_reason(&self, change: &Change) -> Option<Reason> {
        let transitions = self.now.points().iter().rev().flat_map(|point| point.transitions.iter().rev());
        transitions.filter(|one| one.change == *change).map(|one| one.reason).next()
    }

    /// A revision that judges anew: the open episode ends, and another begins if the rule has it so.
    fn tell_anew(&mut self, change: &RuleChange) {
        let ended = self.current().and_then(|alert| end_by_rule(alert, change, Reason::RuleRevised));
        self.events.extend(ended);
        self.tell_revision(change);
    }

    fn tell_revision(&mut self, revision: &RuleChange) {
        let Some(point) = self.now.last() else {
            let ended = self.current().and_then(|alert| end_by_rule(alert, revision, Reason::RuleRevised));
            self.events.extend(ended);
            return;
        };
        let (was, is) = (self.phase(), point.state.phase);
        let moved = change(was, is).filter(|_| !(was == Phase::Firing && is == Phase::Pending));
        let Some(change) = moved.or_else(|| self.severity_moved(point).map(|from| Change::Severity { from }))
        else {
            return;
        };
        let mut alert = self.next(&change, Some(point), point.period, Reason::RuleRevised);
        alert.cause = None;
        alert.rule_change = Some(revision.clone());
        if !was.is_open() {
            // What was told of the periods before stands: the episode begins now.
            alert.pending_since.clone_from(&alert.period);
            alert.episode = format!("{}@{}", alert.id, alert.period);
            if change == Change::Fired {
                alert.fired_at.clone_from(&alert.period);
            }
        }
        self.tell(&change, alert);
    }

    /// Periods that were evaluated before, up to `seen`.
    fn tell_restatement(&mut self, before: &Trajectory, seen: Period) {
        let periods = before.points().iter().chain(self.now.points()).map(|point| point.period);
        let evaluated = periods.filter(|period| *period <= seen);
        let differs = |period: &Period| !is_same(before.phase_at(*period), self.now.phase_at(*period));
        if let Some(first) = evaluated.filter(differs).min() {
            self.tell_restated(before, first);
        }

        let (then, now) = (before.at(seen), self.now.at(seen));
        let (was, is) = (before.phase_at(seen), self.now.phase_at(seen));
        let previous = then.and_then(|point| point.figure.estimate.value);
        if !is_same(was, is) {
            if let Some(change) = change(self.phase(), is) {
                self.tell_corrected(&change, now, seen, previous);
            }
        } else if let (Some(then), Some(now)) = (then, now) {
            self.tell_restated_attributes(then, now, previous);
        }
    }

    /// The present state is the same; its severity or staleness may not be.
    fn tell_restated_attributes(&mut self, then: &Point, now: &Point, previous: Option<f64>) {
        if !self.phase().is_open() {
            return;
        }
        if then.state.is_stale() != now.state.is_stale() && self.is_stale() != now.state.is_stale() {
            self.tell_corrected(&Change::Stale, Some(now), now.period, previous);
        }
        if let Some(from) = self.severity_moved(now) {
            self.tell_corrected(&Change::Severity { from }, Some(now), now.period, previous);
        }
    }

    fn tell_restated(&mut self, before: &Trajectory, period: Period) {
        let (then, now) = (before.at(period), self.now.at(period));
        let state = |phase: Phase| AlertState::from(phase).into();
        let mut alert = self.case.at(self.now, now, &period.to_string());
        alert.reason = Reason::Restated.into();
        alert.previous = then.and_then(|point| point.figure.estimate.value);
        self.lay_cause(&mut alert);
        self.push(Event::Restated(AlertRestated {
            alert: Some(alert),
            period: period.to_string(),
            was: state(before.phase_at(period)),
            is: state(self.now.phase_at(period)),
        }));
    }

    fn tell_corrected(
        &mut self,
        change: &Change,
        point: Option<&Point>,
        period: Period,
        previous: Option<f64>,
    ) {
        let alert = Alert { previous, ..self.next(change, point, period, Reason::Restated) };
        self.tell(change, alert);
    }

    /// The alert after a change at a point, within the recorded episode if one is open.
    fn next(&self, change: &Change, point: Option<&Point>, period: Period, reason: Reason) -> Alert {
        let phase = match change {
            Change::Pending => Phase::Pending,
            Change::Fired => Phase::Firing,
            Change::Resolved => Phase::Resolved,
            Change::Stale | Change::Severity { .. } => self.phase(),
        };
        let mut alert = self.case.at(self.now, point, &period.to_string());
        if let Some(recorded) = self.current().filter(|_| self.phase().is_open()) {
            alert = within(recorded, alert);
            match change {
                Change::Pending => alert.fired_at.clear(),
                Change::Fired => alert.fired_at = period.to_string(),
                Change::Resolved | Change::Stale | Change::Severity { .. } => {}
            }
        }
        alert.state = AlertState::from(phase).into();
        alert.resolved_at = if phase.is_open() { String::new() } else { period.to_string() };
        alert.stale = alert.stale && phase.is_open();
        alert.reason = reason.into();
        alert.previous = self.current().and_then(best);
        self.lay_cause(&mut alert);
        alert
    }

    fn lay_cause(&self, alert: &mut Alert) {
        if let Some(cause) = self.cause {
            alert.cause = Some(cause.clone());
        }
    }

    fn tell(&mut self, change: &Change, alert: Alert) {
        self.push(event(change, alert));
    }

    /// Most alerts have one event or two, and each holds a whole alert: room for more would cost more than moving one.
    fn push(&mut self, event: Event) {
        self.events.reserve_exact(1);
        self.events.push(event);
    }

    /// The alert after the events so far. What is told of the past changes nothing.
    fn current(&self) -> Option<&Alert> {
        let mut told = self.events.iter().rev().filter(|event| !matches!(event, Event::Restated(_)));
        told.next().map_or(self.recorded, alert_of)
    }

    fn phase(&self) -> Phase {
        phase(self.current())
    }

    fn is_stale(&self) -> bool {
        self.current().is_some_and(|alert| alert.stale)
    }

    /// The recorded severity, if the one at the point is another.
    fn severity_moved(&self, point: &Point) -> Option<Arc<str>> {
        let recorded = self.current().filter(|alert| phase(Some(*alert)).is_open())?;
        let open = point.state.episode.as_ref().filter(|_| point.state.phase.is_open())?;
        (*recorded.severity != *open.severity).then(|| Arc::from(recorded.severity.as_str()))
    }
}

/// Whether two phases tell the same: an alert that is over is as inactive as one that never was.
fn is_same(one: Phase, other: Phase) -> bool {
    one == other || (!one.is_open() && !other.is_open())
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
