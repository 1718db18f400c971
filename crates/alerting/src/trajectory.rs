//! A rule on a subject through all periods of its series.
use std::sync::Arc;

use jiff::tz::TimeZone;
use orewatch_catalog::Period;

use crate::condition::{Gap, Sight};
use crate::episode::{Observation, Phase, State, Tick, Transition, step};
use crate::figures::{Figure, Watched};
use crate::judgement::Judgement;
use crate::rules::Checked;

/// One period of a trajectory.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// The period.
    pub period: Period,
    /// The time as at which it was evaluated, in seconds since 1970.
    pub time: i64,
    /// The figure that was evaluated.
    pub figure: Arc<Figure>,
    /// What the condition said, or why it said nothing.
    pub judged: Result<Judgement, Gap>,
    /// The state after it.
    pub state: State,
    /// What happened.
    pub transitions: Vec<Transition>,
}

/// The states of a rule on a subject, period by period: the same fold for the present, a restatement and a backtest.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trajectory {
    points: Vec<Point>,
    /// How many of the points are the periods themselves; those behind them are later looks at the last one.
    periods: usize,
}

impl Trajectory {
    /// Folds the series of a subject. The time of an evaluation is the end of its period. A rule that looks at the age of data
    /// is evaluated on the last period again, as at each instant up to `as_at` (seconds since 1970) at which that alone changes
    /// what it says, and as at `as_at` itself.
    ///
    /// A figure that went missing is judged as it was last there, and then it is missing: the state that it had brought about stays,
    /// and the no-data policy decides what becomes of it.
    #[must_use]
    pub fn fold(rule: &Checked, watched: &Watched<'_>, as_at: Option<i64>) -> Self {
        Self::fold_by(rule, watched, as_at, |sight| rule.condition.judge(sight))
    }

    /// The same with judgements of another judge, such as one that fails where a test says so.
    #[must_use]
    pub fn fold_by(
        rule: &Checked,
        watched: &Watched<'_>,
        as_at: Option<i64>,
        judge: impl Fn(&Sight<'_>) -> Result<Judgement, Gap>,
    ) -> Self {
        let mut trajectory =
            Self { points: Vec::with_capacity(watched.figures.len()), periods: watched.figures.len() };
        let restored = watched.restored();
        let last_known = |at: usize, time: i64| {
            restored.as_ref().and_then(|watched| judge(&Sight { watched, at, time }).ok())
        };
        for (at, (period, _)) in watched.figures.iter().enumerate() {
            let sight = Sight { watched, at, time: end(*period) };
            trajectory.push(rule, &sight, judge(&sight), last_known, false);
        }
        if let (Some(as_at), true) = (as_at, rule.is_timed()) {
            let Some((last, _)) = watched.figures.last() else { return trajectory };
            let later = |time: &i64| *time > end(*last) && *time < as_at;
            let turns = rule.condition.turns(watched).into_iter().filter(later).chain([as_at]);
            let at = watched.figures.len() - 1;
            turns.filter(|time| *time > end(*last)).for_each(|time| {
                let sight = Sight { watched, at, time };
                trajectory.push(rule, &sight, judge(&sight), last_known, true);
            });
        }
        trajectory
    }

    /// Evaluates; another look at a period does not count its missing figure again. `last_known` gives what the condition said while
    /// the figures were there.
    fn push(
        &mut self,
        rule: &Checked,
        sight: &Sight<'_>,
        judged: Result<Judgement, Gap>,
        last_known: impl Fn(usize, i64) -> Option<Judgement>,
        is_again: bool,
    ) {
        let Some((period, figure)) = sight.watched.figures.get(sight.at) else { return };
        let tick = Tick { index: u32::try_from(sight.at).unwrap_or(u32::MAX), time: sight.time };
        let begin = State::default();
        let before = self.points.last().map_or(&begin, |point| &point.state);
        let known = match judged {
            Err(Gap::Missing | Gap::Stale) => last_known(sight.at, sight.time),
            Ok(_) | Err(Gap::Failed(_)) => None,
        };
        // What followed from it was told while it was there.
        let then = known.map(|known| {
            let then = step(&rule.terms, before, tick, Observation::Judged(known)).0;
            then.still_missing(before)
        });
        let is_news = then.as_ref().is_some_and(|then| then.phase.is_open() && !then.is_stale());
        let is_counted = !is_again || is_news;
        let state = then.as_ref().unwrap_or(before);
        let observation = match &judged {
            Ok(judgement) => Observation::Judged(*judgement),
            Err(Gap::Missing) if is_counted => Observation::Missing,
            Err(Gap::Stale) if is_counted => Observation::Stale,
            Err(_) => Observation::Failed,
        };
        let (state, transitions) = step(&rule.terms, state, tick, observation);
        let (period, figure, time) = (*period, Arc::clone(figure), sight.time);
        self.points.push(Point { period, time, figure, judged, state, transitions });
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

    /// The points of the periods themselves, up to one of them.
    #[must_use]
    pub fn upto(&self, period: Period) -> &[Point] {
        let periods = self.points.get(..self.periods).unwrap_or_default();
        let after = periods.partition_point(|point| point.period <= period);
        periods.get(..after).unwrap_or_default()
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

    /// Whether the condition was judged in a period: the figures that it needs are there.
    #[must_use]
    pub fn is_judged_in(&self, period: Period) -> bool {
        self.at(period).is_some_and(|point| point.period == period && point.judged.is_ok())
    }

    /// The period of an evaluation.
    #[must_use]
    pub fn period_of(&self, tick: Tick) -> Option<Period> {
        let index = usize::try_from(tick.index).ok()?;
        self.points.get(index).map(|point| point.period)
    }
}

/// The last instant of a period, in seconds since 1970.
#[must_use]
pub fn end(period: Period) -> i64 {
    let last = period.end().at(23, 59, 59, 0);
    TimeZone::UTC.to_timestamp(last).map_or(0, jiff::Timestamp::as_second)
}
