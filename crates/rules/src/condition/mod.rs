//! Conditions: what a rule says about a subject in a period. Every kind of condition gives an [`Assessment`],
//! the only thing that the state machine knows.
//!
//! A missing figure is never zero: a condition that needs it cannot be assessed ([`Gap`]). In a combination
//! the other parts may decide alone: for `all` a part that is not crossed, for `any` a part that is.
//!
//! A condition has a [`Criterion`] per kind; `kinds` assesses most of them, `cel` and `interval` expressions,
//! `claims` reads verdicts on claims, `words` describes them, with `bases` for what is assessed by quantity
//! and by value. `confirm` applies what the rule requires for a certain crossing.

mod bases;
mod cel;
mod claims;
mod confirm;
mod interval;
mod kinds;
mod steps;
mod texts;
mod words;

use std::sync::Arc;

use orewatch_catalog::Period;
use orewatch_contracts::alerting::v1::{AgeOf, Average, Scale, SupplierTurn};
use orewatch_contracts::exposure::v1::{ClaimVerdict, MarketSize};

pub use cel::{Expression, Find, Flaw};
pub(crate) use claims::{verdict_of, verdict_words};
pub use kinds::Path;
use kinds::{assess_change, assess_supplier_change, assess_target, assess_window};
pub(crate) use words::amount;

use crate::assessment::{Assessment, Likelihood, Line, Range};
use crate::figures::WatchedSubject;
use crate::firmness::RequiredFirmness;
use crate::floor::Floor;
use crate::period::end_of_period;
use crate::series_selector::SeriesSelector;

/// Seconds of a day: ages are shown in days.
const SECONDS_PER_DAY: f64 = 86_400.0;

/// A condition that can be assessed.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// What is assessed, and how.
    pub criterion: Criterion,
    /// The series that it reads besides the subject's own.
    pub other_series: Vec<SeriesSelector>,
    /// Number of datasets that must be beyond the line for a certain crossing. 0: the dataset that provides
    /// the figure is enough.
    pub confirmed_by: u32,
    /// How firm published figures must be for a certain crossing. `None`: it does not matter.
    pub firmness: Option<RequiredFirmness>,
    /// Least size of a market of which a figure may cross the line.
    pub floor: Floor,
}

/// Which series a criterion reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The series of the rule's measure.
    Own,
    /// One of [`Condition::other_series`], by its number.
    Other(usize),
}

/// A kind of condition, with its parameters.
#[derive(Clone, Debug, PartialEq)]
pub enum Criterion {
    /// The figure itself, compared with a line.
    Level(Source, Line),
    /// Change of the figure since an earlier period.
    Change {
        /// Whose figures.
        source: Source,
        /// Number of periods back.
        over: u32,
        /// How the difference is written.
        scale: Scale,
        /// Line for the difference.
        line: Line,
    },
    /// Distance of the figure from the average of the preceding periods.
    Window {
        /// Whose figures.
        source: Source,
        /// Number of preceding periods.
        periods: u32,
        /// Kind of average.
        average: Average,
        /// How the difference is written.
        scale: Scale,
        /// Nothing is crossed while figure and average are below this.
        minimum: f64,
        /// Line for the difference.
        line: Line,
    },
    /// Change of suppliers.
    SupplierChange {
        /// Whose figures.
        source: Source,
        /// Whether the figures are about one supplier; otherwise they name the largest.
        is_share: bool,
        /// Kind of change.
        change: SupplierTurn,
        /// Number of periods back.
        over: u32,
        /// Share from which on a supplier counts; 0: any share.
        share: f64,
    },
    /// Age of the data.
    Age {
        /// Whose figures.
        source: Source,
        /// Whose age: of the newest period or the last release.
        of: AgeOf,
        /// Greatest age, in seconds.
        seconds: u64,
    },
    /// Distance from the path to a target.
    Target {
        /// Whose figures.
        source: Source,
        /// The path.
        path: Path,
        /// Line for the distance.
        line: Line,
    },
    /// Verdict on a claim about the subject, in the newest period.
    Claim {
        /// Whose claims.
        source: Source,
        /// The verdicts that cross.
        verdicts: Vec<ClaimVerdict>,
    },
    /// All of these conditions.
    All(Vec<Criterion>),
    /// Any of these conditions.
    Any(Vec<Criterion>),
    /// The negation of a condition.
    Not(Box<Criterion>),
    /// An expression.
    Cel(Arc<Expression>),
}

/// Why a condition cannot be assessed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gap {
    /// A required figure is missing.
    Missing,
    /// A required figure is stale.
    Stale,
    /// The evaluation failed, with the reason.
    Failed(Arc<str>),
}

/// A subject as seen from one of its periods: the input of an assessment.
#[derive(Clone, Copy, Debug)]
pub struct PeriodView<'a> {
    /// The subject with its figures.
    pub watched: &'a WatchedSubject<'a>,
    /// Index of the period in the subject's own series.
    pub index: usize,
    /// Time as at which it is assessed, in seconds since 1970.
    pub time: i64,
}

impl Condition {
    /// A condition that compares the figure itself with a line.
    #[must_use]
    pub fn level(line: Line) -> Self {
        Self::new(Criterion::Level(Source::Own, line), Vec::new())
    }

    /// A condition without anything that its rule requires beside it.
    #[must_use]
    pub fn new(criterion: Criterion, other_series: Vec<SeriesSelector>) -> Self {
        Self { criterion, other_series, confirmed_by: 0, firmness: None, floor: Floor::default() }
    }

    /// Assesses the condition.
    ///
    /// # Errors
    /// [`Gap`]: a required figure is missing or stale, or the evaluation failed.
    pub fn assess(&self, view: &PeriodView<'_>) -> Result<Assessment, Gap> {
        let assessment = self.criterion.assess(view)?;
        if self.floor.is_missed(view.size()) {
            return Ok(assessment.in_small_market());
        }
        Ok(self.confirm(assessment, view))
    }

    /// The line with which the assessed value is compared. `None`: it is not a single number.
    #[must_use]
    pub fn line(&self) -> Option<Line> {
        match &self.criterion {
            Criterion::Level(_, line)
            | Criterion::Change { line, .. }
            | Criterion::Window { line, .. }
            | Criterion::Target { line, .. } => Some(*line),
            #[allow(clippy::cast_precision_loss, reason = "an age is shown in days, not to the second")]
            Criterion::Age { seconds, .. } => {
                Some(Line { at: *seconds as f64 / SECONDS_PER_DAY, above: true, clear: None })
            }
            Criterion::SupplierChange { .. }
            | Criterion::Claim { .. }
            | Criterion::All(_)
            | Criterion::Any(_)
            | Criterion::Not(_)
            | Criterion::Cel(_) => None,
        }
    }

    /// Whether the figure itself is assessed.
    #[must_use]
    pub fn is_level(&self) -> bool {
        matches!(self.criterion, Criterion::Level(..))
    }

    /// Whether the figure of the rule's own measure and subject is assessed.
    #[must_use]
    pub fn is_own_level(&self) -> bool {
        matches!(self.criterion, Criterion::Level(Source::Own, _))
    }

    /// Whether its result depends on the time.
    #[must_use]
    pub fn is_timed(&self) -> bool {
        self.criterion.contains(|part| matches!(part, Criterion::Age { .. }))
    }

    /// Whether the assessment may fail, as only an expression can.
    #[must_use]
    pub fn can_fail(&self) -> bool {
        self.criterion.contains(|part| matches!(part, Criterion::Cel(_)))
    }

    /// Upper bound on the steps of an assessment if `periods` periods are known.
    #[must_use]
    pub fn steps(&self, periods: usize) -> u64 {
        self.criterion.steps(periods)
    }

    /// Times at which its result for a subject changes by itself, in seconds since 1970, in order.
    #[must_use]
    pub fn change_times(&self, watched: &WatchedSubject<'_>) -> Vec<i64> {
        let Some(at) = watched.figures.len().checked_sub(1) else { return Vec::new() };
        let mut times = Vec::new();
        self.criterion.gather_change_times(&PeriodView { watched, index: at, time: 0 }, &mut times);
        times.sort_unstable();
        times.dedup();
        times
    }
}

impl Criterion {
    fn assess(&self, view: &PeriodView<'_>) -> Result<Assessment, Gap> {
        match self {
            Self::Level(source, line) => view.now(*source).map(|range| line.assess(&range)),
            Self::Change { source, over, scale, line } => assess_change(view, *source, *over, *scale, line),
            Self::Window { source, periods, average, scale, minimum, line } => {
                assess_window(view, *source, (*periods, *average), *scale, *minimum, line)
            }
            Self::SupplierChange { source, is_share, change, over, share } => {
                assess_supplier_change(view, *source, *is_share, *change, *over, *share)
            }
            Self::Age { source, of, seconds } => view.age(*source, *of).map(|age| {
                let is_older = u64::try_from(age).is_ok_and(|age| age > *seconds);
                #[allow(clippy::cast_precision_loss, reason = "an age is shown in days, not to the second")]
                let days = age as f64 / SECONDS_PER_DAY;
                Assessment::plain(Likelihood::new(is_older, true), Some(days))
            }),
            Self::Target { source, path, line } => assess_target(view, *source, path, line),
            Self::Claim { source, verdicts } => Ok(claims::assess(view, *source, verdicts)),
            Self::All(criteria) => combine(view, criteria, true),
            Self::Any(criteria) => combine(view, criteria, false),
            Self::Not(criterion) => criterion.assess(view).map(|assessment| Assessment {
                crossed: assessment.cleared,
                cleared: assessment.crossed,
                value: view.own_value(),
                ..assessment
            }),
            Self::Cel(expression) => expression.assess(view),
        }
    }

    fn steps(&self, periods: usize) -> u64 {
        let sum = |criteria: &[Self]| {
            criteria.iter().map(|criterion| criterion.steps(periods)).fold(1, u64::saturating_add)
        };
        match self {
            Self::Level(..) | Self::Claim { .. } => 1,
            Self::Change { .. } => 2,
            Self::Target { .. } => 4,
            Self::SupplierChange { .. } => 8,
            Self::Window { periods, .. } => u64::from(*periods),
            // It searches all figures for the newest one.
            Self::Age { .. } => u64::try_from(periods.min(1 << 12)).unwrap_or(u64::MAX),
            Self::All(criteria) | Self::Any(criteria) => sum(criteria),
            Self::Not(criterion) => criterion.steps(periods).saturating_add(1),
            Self::Cel(expression) => expression.steps(periods),
        }
    }

    /// Its parts, if it is a combination.
    fn parts(&self) -> &[Self] {
        match self {
            Self::All(criteria) | Self::Any(criteria) => criteria,
            Self::Not(criterion) => std::slice::from_ref(criterion),
            Self::Level(..)
            | Self::Change { .. }
            | Self::Window { .. }
            | Self::SupplierChange { .. }
            | Self::Age { .. }
            | Self::Target { .. }
            | Self::Claim { .. }
            | Self::Cel(_) => &[],
        }
    }

    /// Whether it or any part of it is of a kind.
    fn contains(&self, is_kind: fn(&Self) -> bool) -> bool {
        is_kind(self) || self.parts().iter().any(|part| part.contains(is_kind))
    }

    fn gather_change_times(&self, view: &PeriodView<'_>, times: &mut Vec<i64>) {
        match self {
            Self::Age { source, of, seconds } => {
                let since = view.age(*source, *of).map(|age| view.time.saturating_sub(age));
                let seconds = i64::try_from(*seconds).unwrap_or(i64::MAX);
                times.extend(since.ok().map(|since| since.saturating_add(seconds).saturating_add(1)));
            }
            Self::All(criteria) | Self::Any(criteria) => {
                criteria.iter().for_each(|criterion| criterion.gather_change_times(view, times));
            }
            Self::Not(criterion) => criterion.gather_change_times(view, times),
            Self::Level(..)
            | Self::Change { .. }
            | Self::Window { .. }
            | Self::SupplierChange { .. }
            | Self::Target { .. }
            | Self::Claim { .. }
            | Self::Cel(_) => {}
        }
    }
}

/// Combines criteria: the minimum for `all`, the maximum for `any`. If some cannot be assessed, the others
/// decide if no result of those could change theirs.
fn combine(view: &PeriodView<'_>, criteria: &[Criterion], all: bool) -> Result<Assessment, Gap> {
    let mut gap = None;
    let mut found: Option<Assessment> = None;
    for criterion in criteria {
        match criterion.assess(view) {
            Ok(next) => {
                found = Some(found.map_or(next, |before| Assessment {
                    crossed: pick(before.crossed, next.crossed, all),
                    cleared: pick(before.cleared, next.cleared, !all),
                    value: None,
                    ..next
                }));
            }
            Err(next) => gap = Some(worse(gap, next)),
        }
    }
    let value = view.own_value();
    match (found, gap) {
        (Some(assessment), None) => Ok(Assessment { value, ..assessment }),
        (Some(assessment), Some(_)) if all && assessment.is_cleared() => {
            Ok(Assessment { value, crossed: assessment.crossed.min(Likelihood::Possible), ..assessment })
        }
        (Some(assessment), Some(_)) if !all && assessment.is_crossed() => {
            Ok(Assessment { value, cleared: assessment.cleared.min(Likelihood::Possible), ..assessment })
        }
        (_, Some(gap)) => Err(gap),
        (None, None) => Err(Gap::Missing),
    }
}

fn pick(a: Likelihood, b: Likelihood, least: bool) -> Likelihood {
    if least { a.min(b) } else { a.max(b) }
}

/// The more important of two gaps.
fn worse(a: Option<Gap>, b: Gap) -> Gap {
    match (a, b) {
        (Some(Gap::Failed(why)), _) | (_, Gap::Failed(why)) => Gap::Failed(why),
        (Some(Gap::Missing), _) | (_, Gap::Missing) => Gap::Missing,
        _ => Gap::Stale,
    }
}

impl<'a> PeriodView<'a> {
    /// The period.
    #[must_use]
    pub fn period(&self) -> Option<Period> {
        self.watched.figures.get(self.index).map(|(period, _)| *period)
    }

    /// The figure in this period.
    ///
    /// # Errors
    /// [`Gap`]: it is missing or stale.
    pub fn now(&self, source: Source) -> Result<Range, Gap> {
        read(self.figure(source, 0)?)
    }

    /// The figure `over` periods earlier.
    ///
    /// # Errors
    /// [`Gap`]: it is missing or stale.
    pub fn earlier(&self, source: Source, over: u32) -> Result<Range, Gap> {
        read(self.figure(source, over)?)
    }

    /// The figure of any status `over` periods earlier.
    fn figure(&self, source: Source, over: u32) -> Result<&'a crate::figures::Figure, Gap> {
        let series = match source {
            Source::Own if over == 0 => {
                return self.watched.figures.get(self.index).map(|(_, figure)| &**figure).ok_or(Gap::Missing);
            }
            Source::Own => &self.watched.figures,
            Source::Other(series) => self.watched.others.get(series).ok_or(Gap::Missing)?,
        };
        let period = self.period().and_then(|period| period.earlier(over)).ok_or(Gap::Missing)?;
        let found = series.binary_search_by(|(other, _)| other.cmp(&period)).map_err(|_| Gap::Missing)?;
        series.get(found).map(|(_, figure)| &**figure).ok_or(Gap::Missing)
    }

    /// Size of the market in this period. `None`: not known.
    fn size(&self) -> Option<&'a MarketSize> {
        self.figure(Source::Own, 0).ok().and_then(|figure| figure.size.as_deref())
    }

    fn own_value(&self) -> Option<f64> {
        self.now(Source::Own).ok().map(|range| range.value)
    }

    /// Age of the data, in seconds; negative if they are about the future.
    fn age(&self, source: Source, of: AgeOf) -> Result<i64, Gap> {
        let since = match of {
            AgeOf::Release => self.watched.released,
            AgeOf::Period | AgeOf::Unspecified => {
                let series = match source {
                    Source::Own => self.watched.figures.get(..=self.index),
                    Source::Other(series) => self.watched.others.get(series).map(Vec::as_slice),
                };
                let period = self.period();
                let known = |(other, figure): &&(Period, Arc<crate::figures::Figure>)| {
                    Some(*other) <= period && Range::from_estimate(&figure.estimate).is_some()
                };
                series
                    .and_then(|series| series.iter().rev().find(known))
                    .map(|(period, _)| end_of_period(*period))
            }
        };
        since.map(|since| self.time.saturating_sub(since)).ok_or(Gap::Missing)
    }
}

/// The range of a figure. A stale figure is no observation, whatever its value.
fn read(figure: &crate::figures::Figure) -> Result<Range, Gap> {
    use orewatch_contracts::common::v1::Status;
    if figure.estimate.status == i32::from(Status::Stale) {
        return Err(Gap::Stale);
    }
    Range::from_estimate(&figure.estimate).ok_or(Gap::Missing)
}
