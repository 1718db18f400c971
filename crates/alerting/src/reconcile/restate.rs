//! What corrected data say of periods that were evaluated before.
use orewatch_catalog::Period;
use orewatch_contracts::alerting::v1::alert_transition::Event;
use orewatch_contracts::alerting::v1::{Alert, AlertRestated, AlertState, Reason, Restatement};

use super::{Story, change, correction, is_same};
use crate::episode::{Change, Phase};
use crate::trajectory::{Point, Trajectory};

impl<'a> Story<'a> {
    /// Periods that were evaluated before, up to `seen`.
    pub(super) fn tell_restatement(&mut self, before: &Trajectory, seen: Period) {
        self.tell_past(before, seen);
        let now = self.now.at(seen);
        let is = self.now.phase_at(seen);
        let by_sources = self.differs_by_sources(before, seen);
        // What fires goes on firing when datasets differ that confirmed it.
        let is_kept = by_sources && self.phase() == Phase::Firing;
        let moved = change(self.phase(), is).filter(|_| !is_kept && !is_same(before.phase_at(seen), is));
        let value = |point: Option<&Point>| point.and_then(|point| point.figure.estimate.value);
        if let Some(change) = moved {
            match self.decisive(before, seen) {
                Some(point) => {
                    let reason =
                        if by_sources { Reason::Confirmed } else { correction(self.cause_at(point.period)) };
                    let previous = value(before.at(point.period));
                    self.tell_corrected(&change, point, (previous, reason));
                }
                None => self.tell_missing(&change, now, value(before.at(seen))),
            }
        }
        if let Some(now) = now {
            self.tell_restated_attributes(now, value(before.at(seen)));
        }
    }

    /// The point whose figure, which is there, tells the present state: that of the period itself or else the newest one before it
    /// that was corrected. None: a figure is missing, and no other one was corrected.
    fn decisive(&self, before: &Trajectory, seen: Period) -> Option<&'a Point> {
        let corrected = |point: &&Point| {
            point.period == seen || !is_same(before.phase_at(point.period), point.state.phase)
        };
        let there = self.now.points().iter().rev().filter(|point| point.period <= seen);
        there.filter(|point| point.judged.is_ok()).find(corrected)
    }

    /// What corrected data say of the past: the first period that has another state, by a figure that is there.
    fn tell_past(&mut self, before: &Trajectory, seen: Period) {
        let periods = before.points().iter().chain(self.now.points()).map(|point| point.period);
        let evaluated = periods.filter(|period| *period <= seen);
        let differs = |period: &Period| {
            !is_same(before.phase_at(*period), self.now.phase_at(*period))
                && self.now.is_judged_in(*period)
                && !self.differs_by_sources(before, *period)
        };
        if let Some(first) = evaluated.filter(differs).min() {
            self.tell_restated(before, first);
        }
    }

    /// Whether an open alert has another phase in a period because more or fewer datasets confirm the figure, which is the same.
    fn differs_by_sources(&self, before: &Trajectory, period: Period) -> bool {
        let (then, now) = (before.at(period), self.now.at(period));
        let value = |point: Option<&Point>| point.and_then(|point| point.figure.estimate.value);
        self.case.rule.condition.confirmed_by > 0
            && value(then) == value(now)
            && [before.phase_at(period), self.now.phase_at(period)].into_iter().all(Phase::is_open)
    }

    /// The phase is as it should be; severity and staleness may not be.
    fn tell_restated_attributes(&mut self, now: &Point, previous: Option<f64>) {
        if !self.phase().is_open() || !now.state.phase.is_open() {
            return;
        }
        if self.is_stale() != now.state.is_stale() {
            let reason = self.stale_reason(now);
            self.tell_corrected(&Change::Stale, now, (previous, reason));
        }
        if let Some(from) = self.severity_moved(now) {
            let points = self.now.points().iter().rev();
            let there = points.filter(|point| point.judged.is_ok()).find(|point| point.period <= now.period);
            let point = there.unwrap_or(now);
            let (change, reason) = (Change::Severity { from }, correction(self.cause_at(point.period)));
            let alert = self.next(&change, Some(point), point.period, reason);
            let severity = now.state.episode.as_ref().map(|episode| episode.severity.to_string());
            let severity = severity.unwrap_or_else(|| alert.severity.clone());
            self.tell(&change, Alert { previous, severity, stale: self.is_stale(), ..alert });
        }
    }

    fn tell_restated(&mut self, before: &Trajectory, period: Period) {
        let (then, now) = (before.at(period), self.now.at(period));
        let state = |phase: Phase| AlertState::from(phase).into();
        let cause = self.cause_at(period).or_else(|| now.and_then(|now| now.figure.ground.cause.as_ref()));
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
        let mut alert = self.case.standing(self.current(), self.now);
        (alert.reason, alert.cause, alert.previous) = (reason.into(), cause, restatement.previous);
        let Restatement { period, was, is, .. } = restatement.clone();
        let restated = AlertRestated { alert: Some(alert), period, was, is, restatement: Some(restatement) };
        self.push(Event::Restated(restated));
    }
}
