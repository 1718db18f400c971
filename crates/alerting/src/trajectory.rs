//! A rule on a subject through all periods of its series.
use std::sync::Arc;

use jiff::tz::TimeZone;
use orewatch_catalog::Period;

use crate::episode::{Observation, Phase, State, Terms, Tick, Transition, step};
use crate::figures::Figure;

/// One period of a trajectory.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// The period.
    pub period: Period,
    /// The figure that was evaluated.
    pub figure: Arc<Figure>,
    /// The state after it.
    pub state: State,
    /// What happened.
    pub transitions: Vec<Transition>,
}

/// The states of a rule on a subject, period by period: the same fold for the present, a restatement and a backtest.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trajectory {
    points: Vec<Point>,
}

impl Trajectory {
    /// Folds a series, given in the order of its periods. The time of an evaluation is the end of its period.
    #[must_use]
    pub fn fold(terms: &Terms, series: Vec<(Period, Arc<Figure>)>) -> Self {
        let mut state = State::default();
        let mut points = Vec::with_capacity(series.len());
        for (index, (period, figure)) in (0..).zip(series) {
            let observation = figure.estimate.value.map_or(Observation::Missing, Observation::Value);
            let (next, transitions) = step(terms, &state, Tick { index, time: end(period) }, observation);
            state = next;
            points.push(Point { period, figure, state: state.clone(), transitions });
        }
        Self { points }
    }

    /// The points by period.
    #[must_use]
    pub fn points(&self) -> &[Point] {
        &self.points
    }

    /// The points by period, for good.
    #[must_use]
    pub fn into_points(self) -> Vec<Point> {
        self.points
    }

    /// The newest point.
    #[must_use]
    pub fn last(&self) -> Option<&Point> {
        self.points.last()
    }

    /// The point that tells the state in a period: its own, or the newest before it.
    #[must_use]
    pub fn at(&self, period: Period) -> Option<&Point> {
        let after = self.points.partition_point(|point| point.period <= period);
        after.checked_sub(1).and_then(|k| self.points.get(k))
    }

    /// The phase in a period.
    #[must_use]
    pub fn phase_at(&self, period: Period) -> Phase {
        self.at(period).map_or(Phase::Inactive, |point| point.state.phase)
    }

    /// The period of an evaluation.
    #[must_use]
    pub fn period_of(&self, tick: Tick) -> Option<Period> {
        let index = usize::try_from(tick.index).ok()?;
        self.points.get(index).map(|point| point.period)
    }
}

/// The last instant of a period, in seconds since 1970.
fn end(period: Period) -> i64 {
    let last = period.end().at(23, 59, 59, 0);
    TimeZone::UTC.to_timestamp(last).map_or(0, jiff::Timestamp::as_second)
}
