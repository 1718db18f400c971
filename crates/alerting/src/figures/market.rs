//! All series of one market, and what a change touches of them.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use orewatch_catalog::Period;
use orewatch_eventlog::Position;

use super::columns::Row;
use super::listing::{Listings, stand_in};
use super::series::Series;
use super::{Figure, Ground, Measured, Suppliers};
use crate::rules::Checked;

/// The market of a series: a stage of the material, and what is measured.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Market {
    pub(super) stage: Arc<str>,
    pub(super) measured: Measured,
}

/// All series of one market.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct MarketFigures {
    /// The series that are kept, by consumer. What a copy does not change it shares.
    pub(super) consumers: BTreeMap<Arc<str>, Arc<Suppliers>>,
    /// The periods in which anybody has a figure.
    pub(super) periods: BTreeMap<Period, Arc<Presence>>,
}

/// Who has a figure of a market in a period.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Presence {
    /// What the figure that changed last rests on.
    pub(super) ground: Arc<Ground>,
    /// Numbers of consumer and supplier.
    pub(super) figures: BTreeSet<(u32, u32)>,
}

/// What a change touches of one material: the consumers whose series may read otherwise than before.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Touched(pub(super) BTreeMap<Market, Touch>);

/// What is touched of a market.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Touch {
    /// Consumers with a figure that changed.
    consumers: BTreeSet<Arc<str>>,
    /// The last period that changed: what stands for a figure in it rests on the change.
    newest: Option<Period>,
    /// A period came or went: the series of every consumer are longer or shorter.
    is_all: bool,
}

impl Touch {
    /// Whether the series of a consumer may read otherwise than before, given the newest period of its market.
    fn is_on(&self, consumer: &Arc<str>, suppliers: &Suppliers, newest: Option<Period>) -> bool {
        if self.is_all || self.consumers.contains(consumer) {
            return true;
        }
        // What stands for the newest figure of who has none rests on whatever changed in that period.
        let stands_in = || {
            newest.is_none_or(|newest| suppliers.series.values().all(|series| series.get(newest).is_none()))
        };
        self.newest >= newest && stands_in()
    }
}

impl Touched {
    /// The measures that are touched.
    pub fn measures(&self) -> impl Iterator<Item = &Measured> {
        self.0.keys().map(|market| &market.measured)
    }
}

/// A change of a market's figures in one period.
pub(super) struct Change<'a> {
    pub(super) period: Period,
    /// Position of the exposures log from which on it holds.
    pub(super) at: Position,
    pub(super) ground: &'a Arc<Ground>,
}

/// What rows of one measure in one change are folded into.
pub(super) struct Own<'a> {
    /// Whose figures are kept.
    pub(super) consumers: &'a BTreeSet<Arc<str>>,
    pub(super) figures: &'a mut MarketFigures,
    pub(super) touch: &'a mut Touch,
}

impl Own<'_> {
    pub(super) fn set(&mut self, change: &Change<'_>, row: Row, who: (u32, u32)) {
        let Self { consumers, figures, touch } = self;
        touch.is_all |= figures.note(change, who, row.estimate.is_some());
        touch.newest = touch.newest.max(Some(change.period));
        if consumers.is_empty() || consumers.contains(&row.consumer) {
            if !touch.consumers.contains(&row.consumer) {
                touch.consumers.insert(Arc::clone(&row.consumer));
            }
            let Row { consumer, supplier, names, estimate, spread } = row;
            let ground = Arc::clone(change.ground);
            let figure = estimate.map(|estimate| Figure { estimate, names, spread, ground });
            let suppliers = Arc::make_mut(figures.consumers.entry(consumer).or_default());
            suppliers.set(supplier, change.period, figure, change.at, change.ground);
        }
    }
}

impl MarketFigures {
    /// Notes who has a figure in a period. Returns whether the period came or went.
    fn note(&mut self, change: &Change<'_>, who: (u32, u32), has_figure: bool) -> bool {
        let Change { period, ground, .. } = change;
        let before = self.periods.contains_key(period);
        let presence = self
            .periods
            .entry(*period)
            .or_insert_with(|| Arc::new(Presence { ground: Arc::clone(ground), figures: BTreeSet::new() }));
        let presence = Arc::make_mut(presence);
        if !Arc::ptr_eq(&presence.ground, ground) {
            presence.ground = Arc::clone(ground);
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

    /// The consumers that a rule watches, or those of them whose series may read otherwise than before a change.
    pub(super) fn watched<'a: 'b, 'b>(
        &'a self,
        rule: &'b Checked,
        touch: Option<&'b Touch>,
    ) -> Box<dyn Iterator<Item = (&'a Arc<str>, &'a Arc<Suppliers>)> + 'b> {
        let wanted = rule.watched_consumers();
        if wanted.is_empty() {
            return match touch {
                None => Box::new(self.consumers.iter()),
                Some(touch) => self.touched(touch),
            };
        }
        // Most rules name a few consumers of many.
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

    /// The consumers whose series may read otherwise than before.
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

    /// The series of a supplier: a figure, or what stands for it, in every period of the market.
    pub(super) fn series(&self, own: &Series, listed: &Listings<'_>) -> Vec<(Period, Arc<Figure>)> {
        let figure = |(period, presence): (&Period, &Arc<Presence>)| {
            let known = own.get(*period).cloned();
            let stand_in = || Arc::new(stand_in(listed.get(*period), &presence.ground));
            (*period, known.unwrap_or_else(stand_in))
        };
        self.periods.iter().map(figure).collect()
    }

    /// When the release that last changed a figure was committed.
    pub(super) fn released(&self) -> Option<i64> {
        let time = |presence: &Arc<Presence>| {
            presence.ground.cause.as_ref().and_then(|cause| cause.time).map(|time| time.seconds)
        };
        self.periods.values().filter_map(time).max()
    }
}
