//! The series of one market, and which of them a change touches.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use orewatch_catalog::Period;
use orewatch_contracts::log::Position;

use super::columns::Row;
use super::listing::{Listings, stand_in};
use super::series::Series;
use super::{Figure, Measured, Provenance, Suppliers};
use crate::rules::CheckedRule;

/// A market: a stage of a material, and what is measured there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Market {
    pub(super) stage: Arc<str>,
    pub(super) measured: Measured,
}

/// All series of one market.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct MarketFigures {
    /// The kept series, by consumer.
    pub(super) consumers: BTreeMap<Arc<str>, Arc<Suppliers>>,
    /// The periods in which there is any figure.
    pub(super) periods: BTreeMap<Period, Arc<Presence>>,
}

/// Who has a figure of a market in a period.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Presence {
    /// Provenance of the figure that changed last.
    pub(super) provenance: Arc<Provenance>,
    /// Numbers of consumer and supplier of each figure.
    pub(super) figures: BTreeSet<(u32, u32)>,
}

/// What a change touches in one material: the consumers whose series may differ afterwards.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Touched(pub(super) BTreeMap<Market, Touch>);

/// What a change touches in a market.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Touch {
    /// Consumers with a figure that changed.
    consumers: BTreeSet<Arc<str>>,
    /// The newest period that changed. The stand-ins in it have the provenance of the change.
    newest: Option<Period>,
    /// Whether a period was added or removed, so that all series are longer or shorter.
    is_all: bool,
}

impl Touch {
    /// Records a consumer of which the figures are judged anew, without being changed.
    pub(super) fn note_consumer(&mut self, consumer: &str) {
        self.consumers.insert(Arc::from(consumer));
    }

    /// Whether the series of a consumer may differ after the change, given the newest period of its market.
    fn is_on(&self, consumer: &Arc<str>, suppliers: &Suppliers, newest: Option<Period>) -> bool {
        if self.is_all || self.consumers.contains(consumer) {
            return true;
        }
        // The stand-in for a missing newest figure has the provenance of any change in that period.
        let stands_in = || {
            newest.is_none_or(|newest| suppliers.series.values().all(|series| series.get(newest).is_none()))
        };
        self.newest >= newest && stands_in()
    }
}

impl Touched {
    /// The touched measures.
    pub fn measures(&self) -> impl Iterator<Item = &Measured> {
        self.0.keys().map(|market| &market.measured)
    }
}

/// A change of a market's figures in one period.
pub(super) struct PeriodChange<'a> {
    pub(super) period: Period,
    /// Its position on the exposures log.
    pub(super) at: Position,
    pub(super) provenance: &'a Arc<Provenance>,
}

/// Where the rows of one measure in a change are folded.
pub(super) struct MeasureFold<'a> {
    /// Consumers whose figures are kept; none: all.
    pub(super) consumers: &'a BTreeSet<Arc<str>>,
    pub(super) figures: &'a mut MarketFigures,
    pub(super) touch: &'a mut Touch,
}

impl MeasureFold<'_> {
    pub(super) fn set(&mut self, change: &PeriodChange<'_>, row: Row, who: (u32, u32)) {
        let Self { consumers, figures, touch } = self;
        touch.is_all |= figures.note(change, who, row.estimate.is_some());
        touch.newest = touch.newest.max(Some(change.period));
        if consumers.is_empty() || consumers.contains(&row.consumer) {
            if !touch.consumers.contains(&row.consumer) {
                touch.consumers.insert(Arc::clone(&row.consumer));
            }
            let Row { consumer, supplier, names, estimate, spread, size } = row;
            let provenance = Arc::clone(change.provenance);
            let figure = estimate.map(|estimate| Figure { estimate, names, spread, size, provenance });
            let suppliers = Arc::make_mut(figures.consumers.entry(consumer).or_default());
            suppliers.set(supplier, change.period, figure, change.at, change.provenance);
        }
    }
}

impl MarketFigures {
    /// Notes whether a figure exists in a period. Returns whether the period was added or removed.
    fn note(&mut self, change: &PeriodChange<'_>, who: (u32, u32), has_figure: bool) -> bool {
        let PeriodChange { period, provenance, .. } = change;
        let before = self.periods.contains_key(period);
        let presence = self.periods.entry(*period).or_insert_with(|| {
            Arc::new(Presence { provenance: Arc::clone(provenance), figures: BTreeSet::new() })
        });
        let presence = Arc::make_mut(presence);
        if !Arc::ptr_eq(&presence.provenance, provenance) {
            presence.provenance = Arc::clone(provenance);
        }
        if has_figure {
            presence.figures.insert(who);
        } else {
            presence.figures.remove(&who);
        }
        let is_empty = presence.figures.is_empty();
        if is_empty {
            self.periods.remove(period);
        }
        before == is_empty
    }

    /// The consumers that a rule watches; with `touch`, only those whose series the change may affect.
    pub(super) fn watched<'a: 'b, 'b>(
        &'a self,
        rule: &'b CheckedRule,
        touch: Option<&'b Touch>,
    ) -> Box<dyn Iterator<Item = (&'a Arc<str>, &'a Arc<Suppliers>)> + 'b> {
        let wanted = rule.watched_consumers();
        if wanted.is_empty() {
            return match touch {
                None => Box::new(self.consumers.iter()),
                Some(touch) => self.touched(touch),
            };
        }
        // Most rules select a few consumers of many.
        let found = wanted.iter().filter_map(|consumer| self.consumers.get_key_value(consumer.as_str()));
        match touch {
            None => Box::new(found),
            Some(touch) => {
                let newest = self.newest();
                Box::new(found.filter(move |(consumer, suppliers)| touch.is_on(consumer, suppliers, newest)))
            }
        }
    }

    fn newest(&self) -> Option<Period> {
        self.periods.keys().next_back().copied()
    }

    /// The consumers whose series a change may affect.
    fn touched<'a: 'b, 'b>(
        &'a self,
        touch: &'b Touch,
    ) -> Box<dyn Iterator<Item = (&'a Arc<str>, &'a Arc<Suppliers>)> + 'b> {
        let newest = self.newest();
        if !touch.is_all && touch.newest < newest {
            let changed = touch.consumers.iter();
            return Box::new(changed.filter_map(|consumer| self.consumers.get_key_value(consumer)));
        }
        let all = self.consumers.iter();
        Box::new(all.filter(move |(consumer, suppliers)| touch.is_on(consumer, suppliers, newest)))
    }

    /// The series of a supplier, with a figure or a stand-in in every period of the market.
    pub(super) fn series(&self, own: &Series, listed: &Listings<'_>) -> Vec<(Period, Arc<Figure>)> {
        let figure = |(period, presence): (&Period, &Arc<Presence>)| {
            let known = own.get(*period).cloned();
            let stand_in = || Arc::new(stand_in(listed.get(*period), &presence.provenance));
            (*period, known.unwrap_or_else(stand_in))
        };
        self.periods.iter().map(figure).collect()
    }

    /// Commit time of the release that last changed a figure, in seconds since 1970.
    pub(super) fn released(&self) -> Option<i64> {
        let time = |presence: &Arc<Presence>| {
            presence.provenance.cause.as_ref().and_then(|cause| cause.time).map(|time| time.seconds)
        };
        self.periods.values().filter_map(time).max()
    }
}
