//! Pools of past errors: how far figures moved in as many years, in series that are known.
//!
//! The spread of an outlook is the spread of what happened before. Which past counts as alike moves the
//! answer more than the choice of a baseline does, so the pool is a parameter that is named, scored and
//! varied, and the range over pools is part of every answer.

use std::fmt;

use crate::number::{float, mean};
use crate::{ConsumerClass, Distribution, YearlySeries};

/// Fewest errors that a distribution is made of.
pub const MIN_ERRORS: usize = 30;

/// Steps of the level by which [`ErrorPool::SameLevel`] looks for figures alike.
const LEVEL_STEPS: u8 = 20;

/// How far a level may be away to be alike.
const LEVEL_WITHIN: f64 = 0.1;

/// Which past changes count as the errors of an outlook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ErrorPool {
    /// Those of all series.
    All,
    /// Those of all series, less their mean: nothing of a common trend is continued.
    Centred,
    /// Those that began within 10 points of the level of today, in steps of 5 points. High shares fell more
    /// often than they rose, and this pool knows it: on the reference series its scores are the best, and its
    /// probabilities are calibrated within 4 points six years ahead (those of all errors are off by 6 to 8).
    SameLevel,
    /// Those of consumers of the same kind: blocs or economies.
    SameClass,
}

/// Subjects with the same key have the same errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum PoolKey {
    Everything,
    Level(u8),
    Class(ConsumerClass),
}

impl ErrorPool {
    /// All pools.
    pub const ALL: [Self; 4] = [Self::All, Self::Centred, Self::SameLevel, Self::SameClass];

    /// The pool whose outlooks have the best scores on the reference series.
    pub const BEST_SCORED: Self = Self::SameLevel;

    /// The identifier.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Centred => "centred",
            Self::SameLevel => "same-level",
            Self::SameClass => "same-class",
        }
    }

    /// The key of a subject of a class whose figure is at a level.
    pub(crate) fn key(self, class: ConsumerClass, level: f64) -> PoolKey {
        match self {
            Self::All | Self::Centred => PoolKey::Everything,
            Self::SameLevel => PoolKey::Level(nearest_step(level)),
            Self::SameClass => PoolKey::Class(class),
        }
    }

    /// The errors for a key: changes over `horizon` years that were complete by the origin, ascending.
    /// `None`: there are fewer than [`MIN_ERRORS`].
    pub(crate) fn errors(
        self,
        key: PoolKey,
        series: &[YearlySeries],
        origin: i16,
        horizon: usize,
    ) -> Option<Distribution> {
        let alike = series.iter().filter(|series| key.admits_class(series.class()));
        let changes = alike.flat_map(|series| changes(series.up_to(origin), horizon));
        let mut errors: Vec<f64> =
            changes.filter(|(from, _)| key.admits_level(*from)).map(|(from, to)| to - from).collect();
        if self == Self::Centred {
            let centre = mean(&errors).unwrap_or_default();
            errors.iter_mut().for_each(|error| *error -= centre);
        }
        Distribution::new(errors).filter(|errors| errors.values().len() >= MIN_ERRORS)
    }
}

impl PoolKey {
    pub(crate) fn admits_class(self, class: ConsumerClass) -> bool {
        !matches!(self, Self::Class(wanted) if wanted != class)
    }

    pub(crate) fn admits_level(self, level: f64) -> bool {
        match self {
            Self::Level(step) => (level - f64::from(step) / f64::from(LEVEL_STEPS)).abs() <= LEVEL_WITHIN,
            Self::Everything | Self::Class(_) => true,
        }
    }
}

impl fmt::Display for ErrorPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Pairs of values that are `horizon` years apart.
fn changes(values: &[f64], horizon: usize) -> impl Iterator<Item = (f64, f64)> {
    let later = values.get(horizon..).unwrap_or_default();
    values.iter().copied().zip(later.iter().copied())
}

fn nearest_step(level: f64) -> u8 {
    let half_way = |step: u8| (float(usize::from(step)) - 0.5) / f64::from(LEVEL_STEPS);
    (1..=LEVEL_STEPS).rev().find(|step| level >= half_way(*step)).unwrap_or(0)
}
