//! Trends: change and means of a figure over the past periods. The past figures are computed on request.

use std::collections::BTreeMap;

use orewatch_catalog::Consumer;
use orewatch_contracts::exposure::v1 as wired;
use orewatch_measures::{Estimate, Trend};

use crate::figures::{Figure, FigureFilter, FigureKey, FigureRequest, figure_alone, figures};
use crate::scope::Scope;
use crate::wire;

/// Number of past periods that a trend uses: its longest mean is over five periods.
const PAST_PERIODS: u16 = 4;

/// The past periods of a market, with those of their figures that were collected in advance.
pub(crate) struct Past<'a> {
    periods: Vec<(Scope<'a>, BTreeMap<FigureKey, Estimate>)>,
}

impl<'a> Past<'a> {
    /// The past periods of a market. Figures are computed one by one when a trend needs them.
    pub(crate) fn new(scope: &Scope<'a>) -> Self {
        let periods = (1..=PAST_PERIODS).filter_map(|n| scope.earlier(n));
        Self { periods: periods.map(|scope| (scope, BTreeMap::new())).collect() }
    }

    /// The past periods with all wanted figures: for trends of many figures of the market.
    pub(crate) fn with_figures(scope: &Scope<'a>, wanted: &dyn FigureFilter) -> Self {
        let mut past = Self::new(scope);
        for (scope, known) in &mut past.periods {
            let figures = figures(scope, wanted).all.into_iter();
            known.extend(figures.map(|figure| (figure.key, figure.estimate)));
        }
        past
    }

    /// The trend of a figure of the market.
    pub(crate) fn trend(&self, scope: &Scope<'_>, now: &Figure) -> wired::Trend {
        let then = |(scope, known): &(Scope<'_>, BTreeMap<FigureKey, Estimate>)| {
            let collected = known.get(&now.key).copied();
            Some((scope.market().period, collected.or_else(|| past_figure(scope, now.key))?))
        };
        let mut series = vec![(scope.market().period, now.estimate)];
        series.extend(self.periods.iter().filter_map(then));
        let Trend { change, mean3, mean5 } = Trend::from_series(&series, scope.market().period);
        let [change, mean3, mean5] = [change, mean3, mean5].map(|figure| Some(wire::estimate(&figure)));
        wired::Trend { change, mean3, mean5 }
    }
}

/// One figure of a past period. `None`: its consumer is not known.
fn past_figure(scope: &Scope<'_>, key: FigureKey) -> Option<Estimate> {
    let consumer = key.consumer.parse::<Consumer>().ok()?;
    Some(figure_alone(scope, FigureRequest { consumer, key }).estimate)
}
