//! What to record when the figures or the rule of a subject have changed.
//!
//! The trajectory by the new data is compared with the one by the data that were evaluated before:
//! - a period that is new goes its ordinary way: its transitions are recorded;
//! - where a period that was evaluated before now has another state by a figure that is there, the history is restated, and if the
//!   present state differs too, it moves with the reason RESTATED, or with that of a change of sources;
//! - where the figure of such a period went missing, whatever made it so, nothing is over: the alert becomes stale, or ends as its
//!   no-data policy says, and nothing is restated;
//! - a revised rule moves the present state only: history stays as it was told, and an episode that goes on keeps its
//!   identity, also where the new hold alone would have it pending again, unless the revision says that all is judged anew;
//! - a rule that looks at the age of data, which changes with every look, moves the present state only;
//! - an alert that was held back at the rule's limit is told of as soon as there is room.
mod restate;

use std::sync::Arc;

use orewatch_catalog::Period;
use orewatch_contracts::alerting::v1::alert_transition::Event;
use orewatch_contracts::alerting::v1::{Alert, AlertState, Reason, RuleChange};
use orewatch_contracts::common::v1::{Cause, CauseKind};

use crate::alert::{Case, alert_of, best, ended, ended_by_rule, event, phase, within};
use crate::condition::Gap;
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
    /// What is recorded stands on a figure of the other frequency, by a version that let years and months meet.
    Separated,
}

/// Transitions of a case that bring what is recorded in line with a trajectory, in order.
#[must_use]
pub fn reconcile(case: Case<'_>, recorded: Option<&Alert>, now: &Trajectory, news: &News<'_>) -> Vec<Event> {
    let mut story = Story { case, now, recorded, cause: None, events: Vec::new() };
    match *news {
        News::Revision { change, re_evaluate: true } => story.tell_anew(change),
        News::Revision { change, re_evaluate: false } => story.tell_revision(change),
        News::Separated => story.tell_separated(),
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
            story.tell_rest();
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

/// The end of an open alert that stands on a figure of the other frequency.
#[must_use]
pub fn end_separated(recorded: &Alert) -> Option<Event> {
    let is_open = phase(Some(recorded)).is_open();
    is_open.then(|| event(&Change::Resolved, ended(recorded, Reason::FrequenciesSeparated)))
}

/// An open alert whose rule is suspended: it stays, and is stale, with the reason in place of what was found.
#[must_use]
pub fn suspend(recorded: &Alert, reason: &str) -> Option<Event> {
    let is_news = phase(Some(recorded)).is_open() && !is_suspended(recorded);
    is_news.then(|| {
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

/// What a correction is told as: the cause says whether the world was measured anew, or by somebody else.
#[must_use]
pub fn correction(cause: Option<&Cause>) -> Reason {
    match cause.map(Cause::kind) {
        Some(CauseKind::SourceChanged) => Reason::SourceChanged,
        Some(CauseKind::SourcesSeparated) => Reason::SourcesSeparated,
        _ => Reason::Restated,
    }
}

struct Story<'a> {
    case: Case<'a>,
    now: &'a Trajectory,
    recorded: Option<&'a Alert>,
    /// What made the figures change; None: what their own ground says.
    cause: Option<&'a Cause>,
    events: Vec<Event>,
}

impl<'a> Story<'a> {
    /// New periods: the transitions of the fold, except those that the recorded alert has been through already.
    fn tell_periods(&mut self, points: &[Point]) {
        for point in points {
            for transition in &point.transitions {
                if self.is_news(point, transition) {
                    let reason = self.moved_or(transition.reason, point.period);
                    let alert = self.next(&transition.change, Some(point), point.period, reason);
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
        let Some(point) = self.now.last() else { return self.tell_missing(&Change::Resolved, None, None) };
        let (was, is) = (self.phase(), point.state.phase);
        if let Some(change) = change(was, is) {
            if point.judged.is_err() {
                return self.tell_missing(&change, Some(point), None);
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
                self.tell(&change, alert);
            }
            return;
        }
        if was.is_open() {
            self.tell_attributes(point);
        }
    }

    /// What is left between the record and the fold once all changes are told, where the newest figure is there: an alert that was held
    /// back, or one on a figure of which the fold knows nothing any more. The figure that is there decides.
    fn tell_rest(&mut self) {
        let Some(point) = self.now.last() else { return };
        let Ok(judgement) = &point.judged else { return };
        let (was, is) = (self.phase(), point.state.phase);
        match (was.is_open(), is.is_open()) {
            (false, true) if self.is_held_back(point) => self.tell_present(Some(Reason::LimitLifted)),
            (false, true) if judgement.is_crossed() && !self.is_behind(point.period) => {
                let change = if is == Phase::Firing { Change::Fired } else { Change::Pending };
                let alert = self.next(
                    &change,
                    Some(point),
                    point.period,
                    self.moved_or(Reason::Crossed, point.period),
                );
                self.tell(&change, begun_now(alert, &change));
            }
            (true, false) if judgement.is_cleared() => {
                let reason = self.moved_or(Reason::Cleared, point.period);
                let alert = self.next(&Change::Resolved, Some(point), point.period, reason);
                self.tell(&Change::Resolved, alert);
            }
            (true, _) => self.tell_attributes(point),
            (false, _) => {}
        }
    }

    /// Staleness and severity of an alert whose phase is as it should be, by the newest figure.
    fn tell_attributes(&mut self, point: &Point) {
        if self.is_stale() != point.state.is_stale() {
            let reason = self.stale_reason(point);
            let alert = self.next(&Change::Stale, Some(point), point.period, reason);
            self.tell(&Change::Stale, alert);
        }
        if let Some(from) = self.severity_moved(point) {
            let change = Change::Severity { from };
            let reason = self.moved_or(Reason::Severity, point.period);
            let alert = self.next(&change, Some(point), point.period, reason);
            self.tell(&change, alert);
        }
    }

    /// A reason that is the figure's own, unless the figure is another source's: that is no movement of the world.
    fn moved_or(&self, own: Reason, period: Period) -> Reason {
        let is_own = matches!(own, Reason::Crossed | Reason::Held | Reason::Cleared | Reason::Severity);
        match correction(self.cause_at(period)) {
            Reason::Restated => own,
            moved if is_own => moved,
            _ => own,
        }
    }

    /// Whether an alert that is not open was held back at its rule's limit: its episode began after whatever was recorded of it.
    fn is_held_back(&self, point: &Point) -> bool {
        let since = point.state.episode.as_ref().and_then(|episode| self.now.period_of(episode.since));
        let over = self.current().and_then(|alert| alert.resolved_at.parse::<Period>().ok());
        since.zip(over).is_none_or(|(since, over)| over < since)
    }

    /// Whether the recorded alert stands at a later period: what was known before it opens nothing.
    fn is_behind(&self, period: Period) -> bool {
        let recorded = self.current().and_then(|alert| alert.period.parse::<Period>().ok());
        recorded.is_some_and(|recorded| recorded.is_month() == period.is_month() && recorded > period)
    }

    /// A state by a figure that is not there: it opens nothing, and it ends nothing but by the no-data policy or by a figure that was
    /// there in an earlier period.
    fn tell_missing(&mut self, change: &Change, point: Option<&Point>, previous: Option<f64>) {
        if !self.phase().is_open() || point.is_some_and(|point| matches!(point.judged, Err(Gap::Failed(_)))) {
            return;
        }
        let last = point.and_then(|point| self.last_transition(change, point.period));
        let last = last.map(|(at, transition)| (at, transition.reason));
        let policy = last.filter(|(_, reason)| matches!(reason, Reason::NoData | Reason::StaleData));
        let earlier = last.filter(|(at, _)| at.judged.is_ok() && !self.is_behind(at.period));
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
        self.tell(&change, alert);
    }

    /// Why the staleness of an alert changed at a point.
    fn stale_reason(&self, point: &Point) -> Reason {
        if point.state.is_stale() {
            let last = self.last_transition(&Change::Stale, point.period);
            return last.map_or(Reason::NoData, |(_, transition)| transition.reason);
        }
        if point.judged.is_ok() { Reason::DataBack } else { Reason::NoData }
    }

    /// The newest transition of a kind, up to a period.
    fn last_transition(&self, change: &Change, upto: Period) -> Option<(&'a Point, &'a Transition)> {
        let points = self.now.points().iter().rev().filter(|point| point.period <= upto);
        let mut all = points.flat_map(|point| point.transitions.iter().rev().map(move |one| (point, one)));
        all.find(|(_, transition)| transition.change == *change)
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
        if !was.is_open() && point.judged.is_err() {
            return;
        }
        let moved = change(was, is).filter(|_| !(was == Phase::Firing && is == Phase::Pending));
        // Whatever is told of a revised rule tells too that it is evaluated again.
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
        self.tell(&change, alert);
    }

    /// Ends an episode that stands on a figure of the other frequency, and tells how the alert stands by its own.
    fn tell_separated(&mut self) {
        let ended = self.current().and_then(end_separated);
        self.events.extend(ended);
        self.tell_present(Some(Reason::FrequenciesSeparated));
    }

    fn tell_corrected(&mut self, change: &Change, point: &Point, (previous, reason): (Option<f64>, Reason)) {
        let alert = Alert { previous, ..self.next(change, Some(point), point.period, reason) };
        self.tell(change, alert);
    }

    /// The alert after a change at a point, within the recorded episode if one is open.
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
        let mut alert = self.case.at(self.now, point, period);
        if let Some(recorded) = self.current().filter(|_| self.phase().is_open()) {
            alert = within(recorded, alert);
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

    /// What made the figures change that decide in a period: the newest of them that changed may say it more closely than the
    /// release as a whole, of which some figures are another source's. None: what their own ground says.
    fn cause_at(&self, period: Period) -> Option<&'a Cause> {
        let whole = self.cause?;
        let points = self.now.points();
        let upto = points.get(..points.partition_point(|point| point.period <= period)).unwrap_or_default();
        let mut causes = upto.iter().rev().filter_map(|point| point.figure.ground.cause.as_ref());
        Some(causes.find(|cause| cause.position == whole.position).unwrap_or(whole))
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

/// An alert whose episode begins now, where what was told of the periods before stands.
fn begun_now(mut alert: Alert, change: &Change) -> Alert {
    alert.pending_since.clone_from(&alert.period);
    alert.episode = format!("{}@{}", alert.id, alert.period);
    if *change == Change::Fired {
        alert.fired_at.clone_from(&alert.period);
    }
    alert
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
