//! Yearly series of a figure: what outlooks continue, and what they are scored on.

use orewatch_catalog::{Period, blocs};

use crate::number::{is_share, mean};

/// A figure of a consumer by year, without a gap: a share, or a concentration index on the scale of 0 to 1.
///
/// A year without a figure ends a series, because it is not zero and not the figure of the year before.
#[derive(Clone, Debug, PartialEq)]
pub struct YearlySeries {
    goods: String,
    consumer: String,
    first_year: i16,
    values: Vec<f64>,
    class: ConsumerClass,
}

/// Kinds of consumers whose series behave alike: the imports of blocs move less from year to year.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConsumerClass {
    /// A bloc of the catalogue.
    Bloc,
    /// Any other consumer.
    Economy,
}

impl YearlySeries {
    /// A series that begins in `first_year`, one value a year.
    ///
    /// # Errors
    /// [`BadSeries`] if there is no value, one that is not between 0 and 1, or a year outside of 1900 to
    /// 2100.
    pub fn new(goods: &str, consumer: &str, first_year: i16, values: Vec<f64>) -> Result<Self, BadSeries> {
        let bad = |problem| BadSeries { goods: goods.to_owned(), consumer: consumer.to_owned(), problem };
        let last = i16::try_from(values.len()).ok().and_then(|years| first_year.checked_add(years - 1));
        let in_calendar =
            last.is_some_and(|last| [first_year, last].map(Period::year).iter().all(Result::is_ok));
        if values.is_empty() || !in_calendar {
            return Err(bad(SeriesProblem::Years { first: first_year, years: values.len() }));
        }
        let wrong = (first_year..).zip(&values).find(|(_, value)| !is_share(**value));
        if let Some((year, value)) = wrong {
            return Err(bad(SeriesProblem::OutOfRange { year, value: *value }));
        }
        let is_bloc = blocs().iter().any(|bloc| bloc.code == consumer);
        let class = if is_bloc { ConsumerClass::Bloc } else { ConsumerClass::Economy };
        Ok(Self { goods: goods.to_owned(), consumer: consumer.to_owned(), first_year, values, class })
    }

    /// What is traded or produced, such as `rare earths`.
    #[must_use]
    pub fn goods(&self) -> &str {
        &self.goods
    }

    /// Code of the consumer.
    #[must_use]
    pub fn consumer(&self) -> &str {
        &self.consumer
    }

    /// Kind of the consumer.
    #[must_use]
    pub fn class(&self) -> ConsumerClass {
        self.class
    }

    /// All values, oldest first.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The year of the last value.
    #[must_use]
    pub fn last_year(&self) -> i16 {
        i16::try_from(self.values.len()).map_or(i16::MAX, |years| self.first_year.saturating_add(years - 1))
    }

    /// The value of a year. `None`: the series does not cover it.
    #[must_use]
    pub fn at(&self, year: i16) -> Option<f64> {
        self.values.get(self.place(year)?).copied()
    }

    /// The values up to and including a year. Empty if the series does not cover the year.
    #[must_use]
    pub fn up_to(&self, year: i16) -> &[f64] {
        let until = self.place(year).map_or(0, |place| place + 1);
        self.values.get(..until).unwrap_or_default()
    }

    /// Mean of all values.
    pub(crate) fn mean(&self) -> f64 {
        mean(&self.values).unwrap_or_default()
    }

    fn place(&self, year: i16) -> Option<usize> {
        usize::try_from(i32::from(year) - i32::from(self.first_year)).ok()
    }
}

/// Values that are no series.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("the series of {goods} for {consumer} {problem}")]
pub struct BadSeries {
    /// What is traded or produced.
    pub goods: String,
    /// Code of the consumer.
    pub consumer: String,
    /// What is wrong.
    pub problem: SeriesProblem,
}

/// What is wrong with the values of a series.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum SeriesProblem {
    /// A value is not between 0 and 1.
    #[error(
        "has {value} in {year}: give shares as fractions, and an index of concentration divided by 10,000"
    )]
    OutOfRange {
        /// The year of the value.
        year: i16,
        /// The value.
        value: f64,
    },
    /// There are no values, or they are not of years from 1900 to 2100.
    #[error("has {years} values from {first} on: give one value a year, without a gap, from 1900 to 2100")]
    Years {
        /// The first year.
        first: i16,
        /// The number of values.
        years: usize,
    },
}
