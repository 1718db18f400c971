//! What a rule's condition says about a subject in a period: every kind of condition becomes a [`Judgement`], and the state
//! machine knows nothing else.
//!
//! A figure that is missing is never zero: where a condition needs it, nothing is judged. In a combination the other parts
//! may decide alone: of `all` one that is not crossed, of `any` one that is.

mod cel;
mod interval;
mod kinds;
mod texts;
mod words;

use std::sync::Arc;

use orewatch_catalog::Period;
use orewatch_contracts::alerting::v1::{AgeOf, Average, Scale, SupplierTurn};
use orewatch_contracts::common::v1::By;

pub use cel::{Expression, Find, Flaw};
use kinds::{judge_change, judge_target, judge_turn, judge_window};
pub(crate) use words::amount;

use crate::figures::Watched;
use crate::judgement::{Judgement, Likelihood, Line, Range, Sides};
use crate::trajectory::end;

/// Seconds of a day: ages are told in days.
const DAY: f64 = 86_400.0;

/// A condition, ready to judge.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// What is judged.
    pub test: Test,
    /// The figures that it looks at beside the subject's own.
    pub looks: Vec<Look>,
    /// How many datasets must be beyond the line before it counts as crossed for certain. 0: the one that answers is enough.
    pub confirmed_by: u32,
}

/// Figures that a condition looks at: where nothing is said, those of the subject itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// The measure, with its version.
    pub measure: Arc<str>,
    /// What its flows are weighed by.
    pub by: By,
    /// Whether a figure of it is about one supplier.
    pub has_supplier: bool,
    /// Whose figures.
    pub consumer: Option<Arc<str>>,
    /// At which stage.
    pub stage: Option<Arc<str>>,
    /// About which supplier.
    pub supplier: Option<Arc<str>>,
}

/// Where figures come from: the subject's own series, or one that the condition looks at, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The series of the rule's measure.
    Own,
    /// One of [`Condition::looks`].
    Look(usize),
}

/// A kind of condition with its parameters.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// The figure itself.
    Level(Source, Line),
    /// The figure less that of an earlier period.
    Change {
        /// Whose figures.
        source: Source,
        /// How many periods earlier.
        over: u32,
        /// How the difference is written.
        scale: Scale,
        /// What it is held against.
        line: Line,
    },
    /// The figure less the average of the periods before.
    Window {
        /// Whose figures.
        source: Source,
        /// How many periods before.
        periods: u32,
        /// How they are summed up.
        average: Average,
        /// How the difference is written.
        scale: Scale,
        /// Below this nothing is crossed.
        minimum: f64,
        /// What the difference is held against.
        line: Line,
    },
    /// Whether who supplies has changed.
    Turn {
        /// Whose figures.
        source: Source,
        /// The figures are about one supplier; otherwise they name the largest.
        is_share: bool,
        /// What has changed.
        turn: SupplierTurn,
        /// Since how many periods earlier.
        over: u32,
        /// From which share on a supplier counts.
        share: f64,
    },
    /// Whether the data are older than this many seconds.
    Age {
        /// Whose figures.
        source: Source,
        /// Of what the age is told.
        of: AgeOf,
        /// The greatest age.
        seconds: u64,
    },
    /// Whether the figure is off the way to a target.
    Target {
        /// Whose figures.
        source: Source,
        /// The path.
        path: Path,
        /// What the distance is held against.
        line: Line,
    },
    /// All of these.
    All(Vec<Test>),
    /// Any of these.
    Any(Vec<Test>),
    /// The contrary.
    Not(Box<Test>),
    /// An expression.
    Cel(Arc<Expression>),
}

/// A straight path to a target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Path {
    /// The target.
    pub goal: f64,
    /// The figure shall be the target at most; otherwise at least.
    pub at_most: bool,
    /// When it shall be met.
    pub by: Period,
    /// Where the path begins.
    pub from: Period,
    /// At which figure it begins. None: at that of the period.
    pub base: Option<f64>,
}

/// Why nothing is judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gap {
    /// A figure that is needed is missing.
    Missing,
    /// A figure that is needed is stale.
    Stale,
    /// The evaluation failed, with the reason.
    Failed(Arc<str>),
}

/// What a condition is judged on: a subject in a period.
#[derive(Clone, Copy, Debug)]
pub struct Sight<'a> {
    /// The subject with its figures.
    pub watched: &'a Watched<'a>,
    /// Number of the period in the subject's own series.
    pub at: usize,
    /// The time as at which it is judged, in seconds since 1970.
    pub time: i64,
}

impl Condition {
    /// A line over the figure itself.
    #[must_use]
    pub fn level(line: Line) -> Self {
        Self { test: Test::Level(Source::Own, line), looks: Vec::new(), confirmed_by: 0 }
    }

    /// Judges.
    ///
    /// # Errors
    /// [`Gap`]: what is needed is not there.
    pub fn judge(&self, sight: &Sight<'_>) -> Result<Judgement, Gap> {
        let judgement = self.test.judge(sight)?;
        if self.confirmed_by == 0 {
            return Ok(judgement);
        }
        let sides = self.line().map(|line| sight.sides(&line));
        Ok(judgement.confirmed(sides.is_some_and(|sides| sides.beyond >= self.confirmed_by)))
    }

    /// On which side of the line the datasets are that can give the figure. None: only one can, or the line is not over the figure.
    #[must_use]
    pub fn sides(&self, sight: &Sight<'_>) -> Option<Sides> {
        let line = self.line().filter(|_| self.is_own_level())?;
        let is_known = sight.figure(Source::Own, 0).is_ok_and(|figure| figure.spread.is_some());
        is_known.then(|| sight.sides(&line))
    }

    /// The line that what is judged is held against. None: it is no one number.
    #[must_use]
    pub fn line(&self) -> Option<Line> {
        match &self.test {
            Test::Level(_, line)
            | Test::Change { line, .. }
            | Test::Window { line, .. }
            | Test::Target { line, .. } => Some(*line),
            #[allow(clippy::cast_precision_loss, reason = "an age is told in days, not to the second")]
            Test::Age { seconds, .. } => Some(Line { at: *seconds as f64 / DAY, above: true, clear: None }),
            Test::Turn { .. } | Test::All(_) | Test::Any(_) | Test::Not(_) | Test::Cel(_) => None,
        }
    }

    /// Whether it is the figure itself that is judged.
    #[must_use]
    pub fn is_level(&self) -> bool {
        matches!(self.test, Test::Level(..))
    }

    /// Whether it is the figure of the rule's own measure and subject that is judged.
    #[must_use]
    pub fn is_own_level(&self) -> bool {
        matches!(self.test, Test::Level(Source::Own, _))
    }

    /// Whether what it says changes with time alone.
    #[must_use]
    pub fn is_timed(&self) -> bool {
        self.test.is_timed()
    }

    /// Whether judging may fail: only an expression can.
    #[must_use]
    pub fn can_fail(&self) -> bool {
        self.test.can_fail()
    }

    /// Steps that judging takes at most where so many periods are known.
    #[must_use]
    pub fn steps(&self, periods: usize) -> u64 {
        self.test.steps(periods)
    }

    /// The instants after the end of a subject's last period at which what it says changes by itself, in order.
    #[must_use]
    pub fn turns(&self, watched: &Watched<'_>) -> Vec<i64> {
        let Some(at) = watched.figures.len().checked_sub(1) else { return Vec::new() };
        let mut turns = Vec::new();
        self.test.gather_turns(&Sight { watched, at, time: 0 }, &mut turns);
        turns.sort_unstable();
        turns.dedup();
        turns
    }
}

impl Test {
    fn judge(&self, sight: &Sight<'_>) -> Result<Judgement, Gap> {
        match self {
            Self::Level(source, line) => sight.now(*source).map(|range| line.judge(&range)),
            Self::Change { source, over, scale, line } => judge_change(sight, *source, *over, *scale, line),
            Self::Window { source, periods, average, scale, minimum, line } => {
                judge_window(sight, *source, (*periods, *average), *scale, *minimum, line)
            }
            Self::Turn { source, is_share, turn, over, share } => {
                judge_turn(sight, *source, *is_share, *turn, *over, *share)
            }
            Self::Age { source, of, seconds } => sight.age(*source, *of).map(|age| {
                let is_older = u64::try_from(age).is_ok_and(|age| age > *seconds);
                #[allow(clippy::cast_precision_loss, reason = "an age is told in days, not to the second")]
                let days = age as f64 / DAY;
                Judgement::plain(Likelihood::of(is_older, true), Some(days))
            }),
            Self::Target { source, path, line } => judge_target(sight, *source, path, line),
            Self::All(tests) => combine(sight, tests, true),
            Self::Any(tests) => combine(sight, tests, false),
            Self::Not(test) => test.judge(sight).map(|judgement| Judgement {
                crossed: judgement.cleared,
                cleared: judgement.crossed,
                value: sight.own_value(),
                ..judgement
            }),
            Self::Cel(expression) => expression.judge(sight),
        }
    }

    fn steps(&self, periods: usize) -> u64 {
        let of = |tests: &[Self]| tests.iter().map(|test| test.steps(periods)).fold(1, u64::saturating_add);
        match self {
            Self::Level(..) => 1,
            Self::Change { .. } => 2,
            Self::Target { .. } => 4,
            Self::Turn { .. } => 8,
            Self::Window { periods, .. } => u64::from(*periods),
            // It looks for the newest figure among all.
            Self::Age { .. } => u64::try_from(periods.min(1 << 12)).unwrap_or(u64::MAX),
            Self::All(tests) | Self::Any(tests) => of(tests),
            Self::Not(test) => test.steps(periods).saturating_add(1),
            Self::Cel(expression) => expression.steps(periods),
        }
    }

    fn is_timed(&self) -> bool {
        match self {
            Self::Age { .. } => true,
            Self::All(tests) | Self::Any(tests) => tests.iter().any(Self::is_timed),
            Self::Not(test) => test.is_timed(),
            Self::Level(..)
            | Self::Change { .. }
            | Self::Window { .. }
            | Self::Turn { .. }
            | Self::Target { .. }
            | Self::Cel(_) => false,
        }
    }

    fn can_fail(&self) -> bool {
        match self {
            Self::Cel(_) => true,
            Self::All(tests) | Self::Any(tests) => tests.iter().any(Self::can_fail),
            Self::Not(test) => test.can_fail(),
            Self::Level(..)
            | Self::Change { .. }
            | Self::Window { .. }
            | Self::Turn { .. }
            | Self::Age { .. }
            | Self::Target { .. } => false,
        }
    }

    fn gather_turns(&self, sight: &Sight<'_>, turns: &mut Vec<i64>) {
        match self {
            Self::Age { source, of, seconds } => {
                let since = sight.age(*source, *of).map(|age| sight.time.saturating_sub(age));
                let seconds = i64::try_from(*seconds).unwrap_or(i64::MAX);
                turns.extend(since.ok().map(|since| since.saturating_add(seconds).saturating_add(1)));
            }
            Self::All(tests) | Self::Any(tests) => {
                tests.iter().for_each(|test| test.gather_turns(sight, turns));
            }
            Self::Not(test) => test.gather_turns(sight, turns),
            Self::Level(..)
            | Self::Change { .. }
            | Self::Window { .. }
            | Self::Turn { .. }
            | Self::Target { .. }
            | Self::Cel(_) => {}
        }
    }
}

/// Several conditions: for all of them the least of what each says, for any the greatest. Where one cannot be judged, the others
/// decide if whatever it said could not turn them.
fn combine(sight: &Sight<'_>, tests: &[Test], all: bool) -> Result<Judgement, Gap> {
    let mut gap = None;
    let mut found: Option<Judgement> = None;
    for test in tests {
        match test.judge(sight) {
            Ok(one) => {
                found = Some(found.map_or(one, |before| Judgement {
                    crossed: pick(before.crossed, one.crossed, all),
                    cleared: pick(before.cleared, one.cleared, !all),
                    value: None,
                    ..one
                }));
            }
            Err(one) => gap = Some(worse(gap, one)),
        }
    }
    let value = sight.own_value();
    match (found, gap) {
        (Some(judgement), None) => Ok(Judgement { value, ..judgement }),
        (Some(judgement), Some(_)) if all && judgement.is_cleared() => {
            Ok(Judgement { value, crossed: judgement.crossed.min(Likelihood::Possible), ..judgement })
        }
        (Some(judgement), Some(_)) if !all && judgement.is_crossed() => {
            Ok(Judgement { value, cleared: judgement.cleared.min(Likelihood::Possible), ..judgement })
        }
        (_, Some(gap)) => Err(gap),
        (None, None) => Err(Gap::Missing),
    }
}

fn pick(one: Likelihood, other: Likelihood, least: bool) -> Likelihood {
    if least { one.min(other) } else { one.max(other) }
}

/// Of two reasons the one to tell.
fn worse(one: Option<Gap>, other: Gap) -> Gap {
    match (one, other) {
        (Some(Gap::Failed(why)), _) | (_, Gap::Failed(why)) => Gap::Failed(why),
        (Some(Gap::Missing), _) | (_, Gap::Missing) => Gap::Missing,
        _ => Gap::Stale,
    }
}

impl<'a> Sight<'a> {
    /// The period.
    #[must_use]
    pub fn period(&self) -> Option<Period> {
        self.watched.figures.get(self.at).map(|(period, _)| *period)
    }

    /// A figure in this period.
    ///
    /// # Errors
    /// [`Gap`]: it is not there.
    pub fn now(&self, source: Source) -> Result<Range, Gap> {
        read(self.figure(source, 0)?)
    }

    /// A figure of an earlier period.
    ///
    /// # Errors
    /// [`Gap`]: it is not there.
    pub fn earlier(&self, source: Source, over: u32) -> Result<Range, Gap> {
        read(self.figure(source, over)?)
    }

    /// The figure, of whatever status, that there is so many periods earlier.
    fn figure(&self, source: Source, over: u32) -> Result<&'a crate::figures::Figure, Gap> {
        let series = match source {
            Source::Own if over == 0 => {
                return self.watched.figures.get(self.at).map(|(_, figure)| &**figure).ok_or(Gap::Missing);
            }
            Source::Own => &self.watched.figures,
            Source::Look(look) => self.watched.others.get(look).ok_or(Gap::Missing)?,
        };
        let period = self.period().and_then(|period| period.earlier(over)).ok_or(Gap::Missing)?;
        let found = series.binary_search_by(|(other, _)| other.cmp(&period)).map_err(|_| Gap::Missing)?;
        series.get(found).map(|(_, figure)| &**figure).ok_or(Gap::Missing)
    }

    /// On which side of a line the datasets are that can give the figure.
    fn sides(&self, line: &Line) -> Sides {
        let spread = self.figure(Source::Own, 0).ok().and_then(|figure| figure.spread.as_ref());
        spread.map_or_else(Sides::default, |spread| Sides::of(spread, line))
    }

    fn own_value(&self) -> Option<f64> {
        self.now(Source::Own).ok().map(|range| range.value)
    }

    /// Age of the data in seconds; negative: they are of a time to come.
    fn age(&self, source: Source, of: AgeOf) -> Result<i64, Gap> {
        let since = match of {
            AgeOf::Release => self.watched.released,
            AgeOf::Period | AgeOf::Unspecified => {
                let series = match source {
                    Source::Own => self.watched.figures.get(..=self.at),
                    Source::Look(look) => self.watched.others.get(look).map(Vec::as_slice),
                };
                let period = self.period();
                let known = |(other, figure): &&(Period, Arc<crate::figures::Figure>)| {
                    Some(*other) <= period && Range::of(&figure.estimate).is_some()
                };
                series.and_then(|series| series.iter().rev().find(known)).map(|(period, _)| end(*period))
            }
        };
        since.map(|since| self.time.saturating_sub(since)).ok_or(Gap::Missing)
    }
}

/// The range of a figure. A stale one is no observation, whatever its value.
fn read(figure: &crate::figures::Figure) -> Result<Range, Gap> {
    use orewatch_contracts::common::v1::Status;
    if figure.estimate.status == i32::from(Status::Stale) {
        return Err(Gap::Stale);
    }
    Range::of(&figure.estimate).ok_or(Gap::Missing)
}
