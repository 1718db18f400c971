//! Outlooks: the distribution of a figure in years to come, from its own history and from past errors.
//!
//! An outlook is never a date alone: it is a distribution by year, the probability of a target by its date,
//! the first year with at least even odds, the range over error pools, and the base rate of like cases.

use std::ops::RangeInclusive;

use orewatch_measures::TargetLine;

use crate::number::float;
use crate::{
    BANDS, Baseline, ConsumerClass, Distribution, ErrorPool, MIN_ERRORS, ProbabilityWord, TooShort,
    YearlySeries, probability_text,
};

/// Most years that an outlook reaches ahead.
pub const MAX_AHEAD: usize = 30;

/// What is asked of history.
#[derive(Clone, Copy, Debug)]
pub struct OutlookQuestion<'a> {
    /// The series whose future is asked for.
    pub subject: &'a YearlySeries,
    /// The series that give the errors of the past. The subject may be among them.
    pub series: &'a [YearlySeries],
    /// Only figures up to and including this year are read.
    pub origin: i16,
    /// The last year that is asked for.
    pub until: i16,
    /// The target that the figures are held to.
    pub target: TargetLine,
    /// How the series is continued.
    pub baseline: Baseline,
}

/// The distribution of a figure in a year.
#[derive(Clone, Debug, PartialEq)]
pub struct OutlookYear {
    /// The year.
    pub year: i16,
    /// The distribution.
    pub distribution: Distribution,
    /// Number of independent draws that it is worth. Past changes over several years overlap, so they count
    /// for less than their number.
    pub independent_draws: f64,
    /// Probability that the figure meets the target in this year, 0 to 1.
    pub probability: f64,
}

impl OutlookYear {
    /// The year of a distribution, held to a target.
    pub(crate) fn new(year: i16, distribution: Distribution, draws: f64, target: &TargetLine) -> Self {
        let probability = distribution.share_where(|value| target.distance(value) <= 0.0);
        Self { year, distribution, independent_draws: draws, probability }
    }

    /// Both ends of each of [`BANDS`].
    #[must_use]
    pub fn bands(&self) -> [[f64; 2]; 3] {
        BANDS.map(|band| self.distribution.band(band))
    }

    /// The probability as it is shown: no finer than the draws allow.
    #[must_use]
    pub fn shown_probability(&self) -> String {
        probability_text(self.probability, self.independent_draws)
    }

    /// The probability in words.
    #[must_use]
    pub fn likelihood(&self) -> ProbabilityWord {
        ProbabilityWord::from_probability(self.probability)
    }
}

/// The first year in which a target is met with at least even odds.
#[must_use]
pub fn first_even_year(years: &[OutlookYear]) -> Option<i16> {
    years.iter().find(|year| year.probability >= 0.5).map(|year| year.year)
}

/// What history alone says about the future of a figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Outlook {
    /// The pool of errors.
    pub pool: ErrorPool,
    /// The last figure that was read.
    pub last: f64,
    /// The years after the origin.
    pub years: Vec<OutlookYear>,
    /// Share of past courses that, from here on, would not have met the target in any of the years. `None`:
    /// there are fewer than [`MIN_ERRORS`] courses of this length.
    pub never: Option<f64>,
}

/// How often figures like this one met the target in the past.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BaseRate {
    /// Cases alike.
    pub cases: usize,
    /// Those that met the target after as many years.
    pub met: usize,
}

impl BaseRate {
    /// Share of cases that met the target. `None`: there are no cases.
    #[must_use]
    pub fn share(&self) -> Option<f64> {
        (self.cases > 0).then(|| float(self.met) / float(self.cases))
    }
}

impl OutlookQuestion<'_> {
    /// The outlook with one pool of errors.
    ///
    /// # Errors
    /// [`NoOutlook`] if the series or the pool is too short, or the years are not after the origin.
    pub fn outlook(&self, pool: ErrorPool) -> Result<Outlook, NoOutlook> {
        let forecasts = self.forecasts()?;
        let last = self.subject.at(self.origin).unwrap_or_default();
        let key = pool.key(self.subject.class(), last);
        let mut years = Vec::new();
        for ((year, ahead), forecast) in (self.origin + 1..).zip(1_usize..).zip(&forecasts) {
            let errors = pool.errors(key, self.series, self.origin, ahead);
            let errors = errors.ok_or(NoOutlook::FewErrors { pool, ahead })?;
            let draws = float(errors.values().len()) / float(ahead);
            let distribution = Distribution::around(*forecast, &errors.points());
            years.push(OutlookYear::new(year, distribution, draws, &self.target));
        }
        Ok(Outlook { pool, last, years, never: self.never(pool, last, &forecasts) })
    }

    /// The outlook with every pool that has enough errors: the range is part of the answer.
    ///
    /// # Errors
    /// [`NoOutlook`] if no pool gives an outlook.
    pub fn over_pools(&self) -> Result<Vec<Outlook>, NoOutlook> {
        let all = ErrorPool::ALL.map(|pool| self.outlook(pool));
        let first = all.iter().find_map(|outlook| outlook.as_ref().err()).cloned();
        let outlooks: Vec<_> = all.into_iter().filter_map(Result::ok).collect();
        match first {
            Some(error) if outlooks.is_empty() => Err(error),
            _ => Ok(outlooks),
        }
    }

    /// How often series of a class at a level like that of the subject met the target after as many years as
    /// lie before a year. Only complete cases up to the origin count.
    #[must_use]
    pub fn base_rate(&self, class: Option<ConsumerClass>, levels: RangeInclusive<f64>, by: i16) -> BaseRate {
        let ahead = usize::try_from(by.saturating_sub(self.origin)).unwrap_or_default();
        let alike = self.series.iter().filter(|series| class.is_none_or(|class| series.class() == class));
        let mut rate = BaseRate { cases: 0, met: 0 };
        for series in alike {
            let values = series.up_to(self.origin);
            let later = values.get(ahead..).unwrap_or_default();
            for (_, then) in values.iter().zip(later).filter(|(from, _)| levels.contains(*from)) {
                rate.cases += 1;
                rate.met += usize::from(self.target.distance(*then) <= 0.0);
            }
        }
        rate
    }

    fn forecasts(&self) -> Result<Vec<f64>, NoOutlook> {
        let ahead = usize::try_from(self.until.saturating_sub(self.origin)).unwrap_or_default();
        if !(1..=MAX_AHEAD).contains(&ahead) {
            return Err(NoOutlook::Years { origin: self.origin, until: self.until });
        }
        self.baseline.forecast(self.subject.up_to(self.origin), ahead).map_err(NoOutlook::History)
    }

    /// Share of whole past courses that never meet the target.
    fn never(&self, pool: ErrorPool, last: f64, forecasts: &[f64]) -> Option<f64> {
        let key = pool.key(self.subject.class(), last);
        let alike = self.series.iter().filter(|series| key.admits_class(series.class()));
        let courses: Vec<&[f64]> = alike
            .flat_map(|series| series.up_to(self.origin).windows(forecasts.len() + 1))
            .filter(|course| course.first().is_some_and(|level| key.admits_level(*level)))
            .collect();
        let centres = centres(pool, &courses, forecasts.len());
        let meets = |course: &&[f64]| {
            let from = course.first().copied().unwrap_or_default();
            let steps = course.iter().skip(1).zip(forecasts).zip(&centres);
            let mut figures =
                steps.map(|((then, forecast), centre)| (forecast + then - from - centre).clamp(0.0, 1.0));
            figures.any(|figure| self.target.distance(figure) <= 0.0)
        };
        let met = courses.iter().filter(|course| meets(course)).count();
        (courses.len() >= MIN_ERRORS).then(|| 1.0 - float(met) / float(courses.len()))
    }
}

/// Mean change of the courses after each year, or none if the pool keeps it.
fn centres(pool: ErrorPool, courses: &[&[f64]], years: usize) -> Vec<f64> {
    let mut centres = vec![0.0; years];
    if pool != ErrorPool::Centred || courses.is_empty() {
        return centres;
    }
    for course in courses {
        let from = course.first().copied().unwrap_or_default();
        centres.iter_mut().zip(course.iter().skip(1)).for_each(|(sum, then)| *sum += then - from);
    }
    centres.iter_mut().for_each(|sum| *sum /= float(courses.len()));
    centres
}

/// Why there is no outlook.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum NoOutlook {
    /// The history is too short, or does not reach the origin.
    #[error("the series up to the origin is too short: {0}")]
    History(TooShort),
    /// The years asked for are not after the origin, or too many.
    #[error(
        "from {origin} until {until}: ask for at least one year after the origin and at most {MAX_AHEAD}"
    )]
    Years {
        /// The last year that may be read.
        origin: i16,
        /// The last year asked for.
        until: i16,
    },
    /// The pool has too few errors.
    #[error(
        "the pool {pool} has fewer than {MIN_ERRORS} changes over {ahead} years: take the pool all, or ask \
         for fewer years"
    )]
    FewErrors {
        /// The pool.
        pool: ErrorPool,
        /// Years ahead.
        ahead: usize,
    },
}
