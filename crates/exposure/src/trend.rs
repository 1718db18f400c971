//! How figures moved: the figures of the periods before, computed where they are asked for.

use std::collections::BTreeMap;

use orewatch_catalog::Consumer;
use orewatch_contracts::exposure::v1 as wired;
use orewatch_measures::{Estimate, Trend};

use crate::figures::{Figure, Key, Question, Wanted, figure_alone, figures};
use crate::scope::Scope;
use crate::wire;

/// Periods before that a trend looks at: its longest mean is over five.
const BEFORE: u16 = 4;

/// The periods before a market's, with such figures of them as were collected.
pub(crate) struct Past<'a> {
    periods: Vec<(Scope<'a>, BTreeMap<Key, Estimate>)>,
}

impl<'a> Past<'a> {
    /// The periods before. Figures are computed one by one as trends need them.
    pub(crate) fn of(scope: &Scope<'a>) -> Self {
        let periods = (1..=BEFORE).filter_map(|n| scope.earlier(n));
        Self { periods: periods.map(|scope| (scope, BTreeMap::new())).collect() }
    }

    /// The periods before with all wanted figures: for trends of many figures of the market.
    pub(crate) fn with(scope: &Scope<'a>, wanted: &dyn Wanted) -> Self {
        let mut past = Self::of(scope);
        for (scope, known) in &mut past.periods {
            let figures = figures(scope, wanted).all.into_iter();
            known.extend(figures.map(|figure| (figure.key, figure.estimate)));
        }
        past
    }

    /// How a figure of the market moved.
    pub(crate) fn trend(&self, scope: &Scope<'_>, now: &Figure) -> wired::Trend {
        let then = |(scope, known): &(Scope<'_>, BTreeMap<Key, Estimate>)| {
            let collected = known.get(&now.key).copied();
            Some((scope.market().period, collected.or_else(|| one(scope, now.key))?))
        };
        let mut series = vec![(scope.market().period, now.estimate)];
        series.extend(self.periods.iter().filter_map(then));
        let Trend { change, mean3, mean5 } = Trend::at(&series, scope.market().period);
        let [change, mean3, mean5] = [change, mean3, mean5].map(|figure| Some(wire::estimate(&figure)));
        wired::Trend { change, mean3, mean5 }
    }
}

fn one(scope: &Scope<'_>, key: Key) -> Option<Estimate> {
    let consumer = key.consumer.parse::<Consumer>().ok()?;
    Some(figure_alone(scope, Question { consumer, key }).estimate)
}
