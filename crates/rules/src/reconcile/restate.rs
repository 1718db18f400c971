//! Reconciles periods that were evaluated before with corrected data.
use orewatch_catalog::Period;
use orewatch_contracts::alerting::v1::alert_transition::Event;
use orewatch_contracts::alerting::v1::{Alert, AlertRestated, AlertState, Reason, Restatement};

use super::{Reconciliation, change, correction, is_same};
use crate::episode::{Change, Phase};
use crate::trajectory::{Point, Trajectory};

impl<'a> Reconciliation<'a> {
    /// Reconciles the periods up to `seen`, which were evaluated before.
    pub(super) fn record_corrections(&mut self, before: &Trajectory, seen: Period) {
        self.record_past(before, seen);
        let now = self.now.point_at(seen);
        let is = self.now.phase_at(seen);
        let by_sources = self.differs_by_sources(before, seen);
        // A firing alert keeps firing if the datasets that confirmed it disagree now.
        let is_kept = by_sources && self.phase() == Phase::Firing;
        let moved = change(self.phase(), is).filter(|_| !is_kept && !is_same(before.phase_at(seen), is));
        let value = |point: Option<&Point>| point.and_then(|point| point.figure.estimate.value);
        if let Some(change) = moved {
            match self.decisive(before, seen) {
                Some(point) => {
                    let reason =
                        if by_sources { Reason::Confirmed } else { correction(self.cause_at(point.period)) };
                    let previous = value(before.point_at(point.period));
                    self.record_corrected(&change, point, (previous, reason));
                }
                None => self.record_missing(&change, now, value(before.point_at(seen))),
            }
        }
        if let Some(now) = now {
            self.record_corrected_attributes(now, value(before.point_at(seen)));
        }
    }

    /// The point whose existing figure decides the present state: that of the period itself, or the newest
    /// corrected one before it. `None`: the figure is missing, and no other was corrected.
    fn decisive(&self, before: &Trajectory, seen: Period) -> Option<&'a Point> {
        let corrected = |point: &&Point| {
            point.period == seen || !is_same(before.phase_at(point.period), point.state.phase)
        };
        let there = self.now.points().iter().rev().filter(|point| point.period <= seen);
        there.filter(|point| point.assessed.is_ok()).find(corrected)
    }

    /// Restates the first period that has another state by an existing figure.
    fn record_past(&mut self, before: &Trajectory, seen: Period) {
        let periods = before.points().iter().chain(self.now.points()).map(|point| point.period);
        let evaluated = periods.filter(|period| *period <= seen);
        let differs = |period: &Period| {
            !is_same(before.phase_at(*period), self.now.phase_at(*period))
                && self.now.is_assessed_in(*period)
                && !self.differs_by_sources(before, *period)
        };
        if let Some(first) = evaluated.filter(differs).min() {
            self.record_restated(before, first);
        }
    }

    /// Whether an open alert has another phase only because more or fewer datasets confirm the same figure.
    fn differs_by_sources(&self, before: &Trajectory, period: Period) -> bool {
        let (then, now) = (before.point_at(period), self.now.point_at(period));
        let value = |point: Option<&Point>| point.and_then(|point| point.figure.estimate.value);
        self.case.rule.condition.confirmed_by > 0
            && value(then) == value(now)
            && [before.phase_at(period), self.now.phase_at(period)].into_iter().all(Phase::is_open)
    }

    /// Records corrected staleness and severity, for an alert whose phase is right.
    fn record_corrected_attributes(&mut self, now: &Point, previous: Option<f64>) {
        if !self.phase().is_open() || !now.state.phase.is_open() {
            return;
        }
        if self.is_stale() != now.state.is_stale() {
            let reason = self.stale_reason(now);
            self.record_corrected(&Change::Stale, now, (previous, reason));
        }
        if let Some(from) = self.severity_moved(now) {
            let points = self.now.points().iter().rev();
            let there =
                points.filter(|point| point.assessed.is_ok()).find(|point| point.period <= now.period);
            let point = there.unwrap_or(now);
            let (change, reason) = (Change::Severity { from }, correction(self.cause_at(point.period)));
            let alert = self.next(&change, Some(point), point.period, reason);
            let severity = now.state.episode.as_ref().map(|episode| episode.severity.to_string());
            let severity = severity.unwrap_or_else(|| alert.severity.clone());
            self.record(&change, Alert { previous, severity, stale: self.is_stale(), ..alert });
        }
    }

    fn record_restated(&mut self, before: &Trajectory, period: Period) {
        let (then, now) = (before.point_at(period), self.now.point_at(period));
        let state = |phase: Phase| AlertState::from(phase).into();
        let cause =
            self.cause_at(period).or_else(|| now.and_then(|now| now.figure.provenance.cause.as_ref()));
        let (cause, reason) = (cause.cloned(), correction(cause));
        let restatement = Restatement {
            period: period.to_string(),
            was: state(before.phase_at(period)),
            is: state(self.now.phase_at(period)),
            figure: now.map(|point| point.figure.estimate.clone()),
            previous: then.and_then(|point| point.figure.estimate.value),
            cause: cause.clone(),
            reason: reason.into(),
        };
        let mut alert = self.case.current_alert(self.current(), self.now);
        (alert.reason, alert.cause, alert.previous) = (reason.into(), cause, restatement.previous);
        let Restatement { period, was, is, .. } = restatement.clone();
        let restated = AlertRestated { alert: Some(alert), period, was, is, restatement: Some(restatement) };
        self.push(Event::Restated(restated));
    }
}
