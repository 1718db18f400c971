//! Trajectories: a rule on a subject through all periods of its series.
use std::sync::Arc;

use orewatch_catalog::Period;

use crate::assessment::Assessment;
use crate::condition::{Gap, PeriodView};
use crate::cost::period_steps;
use crate::episode::{MachineState, Observation, Phase, Tick, Transition, step};
use crate::figures::{Figure, WatchedSubject};
use crate::period::end_of_period;
use crate::rules::CheckedRule;

/// One period of a trajectory.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// The period.
    pub period: Period,
    /// Time as at which it was evaluated, in seconds since 1970.
    pub time: i64,
    /// The figure that was evaluated.
    pub figure: Arc<Figure>,
    /// Assessment of the condition, or why there is none.
    pub assessed: Result<Assessment, Gap>,
    /// State after the period.
    pub state: MachineState,
    /// Transitions in the period.
    pub transitions: Vec<Transition>,
}

/// The states of a rule on a subject, period by period. Live operation, restatement and backtest use the same
/// fold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trajectory {
    points: Vec<Point>,
    /// Number of points that are periods. The points after them are later evaluations of the last period.
    periods: usize,
    /// Steps that the assessments took.
    steps: u64,
}

impl Trajectory {
    /// Folds the series of a subject. The time of an evaluation is the end of its period. A rule that depends
    /// on the age of data is evaluated on the last period again: at each time up to `as_at` (seconds since
    /// 1970) at which its result changes, and at `as_at`.
    ///
    /// A figure that went missing is evaluated twice: first as it was, then as missing. The state that it
    /// caused thus stays, and the no-data policy decides what follows.
    #[must_use]
    pub fn fold(rule: &CheckedRule, watched: &WatchedSubject<'_>, as_at: Option<i64>) -> Self {
        Self::fold_with(rule, watched, as_at, |view| rule.condition.assess(view))
    }

    /// Like [`fold`](Self::fold), but with another function for the assessments, such as that of a rule test.
    #[must_use]
    pub fn fold_with(
        rule: &CheckedRule,
        watched: &WatchedSubject<'_>,
        as_at: Option<i64>,
        assess: impl Fn(&PeriodView<'_>) -> Result<Assessment, Gap>,
    ) -> Self {
        let mut trajectory = Self {
            points: Vec::with_capacity(watched.figures.len()),
            periods: watched.figures.len(),
            steps: 0,
        };
        let restored = watched.restored();
        let last_known = |at: usize, time: i64| {
            restored.as_ref().and_then(|watched| assess(&PeriodView { watched, index: at, time }).ok())
        };
        for (at, (period, _)) in watched.figures.iter().enumerate() {
            let view = PeriodView { watched, index: at, time: end_of_period(*period) };
            trajectory.push(rule, &view, assess(&view), last_known, false);
        }
        if let (Some(as_at), true) = (as_at, rule.is_timed()) {
            let Some((last, _)) = watched.figures.last() else { return trajectory };
            let later = |time: &i64| *time > end_of_period(*last) && *time < as_at;
            let times = rule.condition.change_times(watched).into_iter().filter(later).chain([as_at]);
            let at = watched.figures.len() - 1;
            times.filter(|time| *time > end_of_period(*last)).for_each(|time| {
                let view = PeriodView { watched, index: at, time };
                trajectory.push(rule, &view, assess(&view), last_known, true);
            });
        }
        trajectory
    }

    /// Evaluates one point. A repeated evaluation of a period (`is_again`) does not count its missing figure
    /// again. `last_known` returns the assessment while the figures were still there.
    fn push(
        &mut self,
        rule: &CheckedRule,
        view: &PeriodView<'_>,
        assessed: Result<Assessment, Gap>,
        last_known: impl Fn(usize, i64) -> Option<Assessment>,
        is_again: bool,
    ) {
        let Some((period, figure)) = view.watched.figures.get(view.index) else { return };
        let tick = Tick { index: u32::try_from(view.index).unwrap_or(u32::MAX), time: view.time };
        let begin = MachineState::default();
        let before = self.points.last().map_or(&begin, |point| &point.state);
        let (known, times) = match assessed {
            Err(Gap::Missing | Gap::Stale) => (last_known(view.index, view.time), 2),
            Ok(_) | Err(Gap::Failed(_)) => (None, 1),
        };
        let steps = period_steps(rule, view.index.saturating_add(1));
        self.steps = self.steps.saturating_add(steps.saturating_mul(times));
        // Its transitions were recorded while the figure was there.
        let then = known.map(|known| {
            let then = step(&rule.terms, before, tick, Observation::Assessed(known)).0;
            then.still_missing(before)
        });
        let is_new = then.as_ref().is_some_and(|then| then.phase.is_open() && !then.is_stale());
        let is_counted = !is_again || is_new;
        let state = then.as_ref().unwrap_or(before);
        let observation = match &assessed {
            Ok(assessment) => Observation::Assessed(*assessment),
            Err(Gap::Missing) if is_counted => Observation::Missing,
            Err(Gap::Stale) if is_counted => Observation::Stale,
            Err(_) => Observation::Failed,
        };
        let (state, transitions) = step(&rule.terms, state, tick, observation);
        let (period, figure, time) = (*period, Arc::clone(figure), view.time);
        self.points.push(Point { period, time, figure, assessed, state, transitions });
    }

    /// Steps that it took.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The points in the order of their periods.
    #[must_use]
    pub fn points(&self) -> &[Point] {
        &self.points
    }

    /// The points in the order of their periods, by value.
    #[must_use]
    pub fn into_points(self) -> Vec<Point> {
        self.points
    }

    /// The newest point.
    #[must_use]
    pub fn last(&self) -> Option<&Point> {
        self.points.last()
    }

    /// The points of the periods up to one of them, without later evaluations.
    #[must_use]
    pub fn periods_up_to(&self, period: Period) -> &[Point] {
        let periods = self.points.get(..self.periods).unwrap_or_default();
        let after = periods.partition_point(|point| point.period <= period);
        periods.get(..after).unwrap_or_default()
    }

    /// The point that has the state in a period: its own, or the newest before it.
    #[must_use]
    pub fn point_at(&self, period: Period) -> Option<&Point> {
        let after = self.points.partition_point(|point| point.period <= period);
        after.checked_sub(1).and_then(|k| self.points.get(k))
    }

    /// The phase in a period.
    #[must_use]
    pub fn phase_at(&self, period: Period) -> Phase {
        self.point_at(period).map_or(Phase::Inactive, |point| point.state.phase)
    }

    /// Whether the condition was assessed in a period, because the figures that it needs were there.
    #[must_use]
    pub fn is_assessed_in(&self, period: Period) -> bool {
        self.point_at(period).is_some_and(|point| point.period == period && point.assessed.is_ok())
    }

    /// The period of an evaluation.
    #[must_use]
    pub fn period_of(&self, tick: Tick) -> Option<Period> {
        let index = usize::try_from(tick.index).ok()?;
        self.points.get(index).map(|point| point.period)
    }
}
