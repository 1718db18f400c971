//! A consumer's figures by supplier: who is largest, and what went missing.
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::{Arc, OnceLock};

use orewatch_catalog::Period;
use orewatch_contracts::alerting::v1::Contributor;
use orewatch_eventlog::Position;

use super::listing::{Listed, Listing, listed, stand_in};
use super::series::{Lost, Series, is_there};
use super::{Figure, Ground};

/// Most suppliers that are told of.
const MOST_SUPPLIERS: usize = 5;

/// A consumer's series of a measure by supplier; the supplier is empty for measures without one.
#[derive(Clone, Debug, Default)]
pub struct Suppliers {
    pub(super) series: BTreeMap<Arc<str>, Series>,
    /// How many figures went missing and are not back.
    lost: usize,
    /// How it was before they went. It follows from the series, and is made when somebody asks.
    memory: OnceLock<Arc<Memory>>,
}

impl PartialEq for Suppliers {
    fn eq(&self, other: &Self) -> bool {
        self.series == other.series
    }
}

/// A consumer's figures with those that went missing back in their places.
#[derive(Debug)]
struct Memory {
    series: BTreeMap<Arc<str>, Series>,
    listed: BTreeMap<Period, Listed>,
    /// The periods in which something went missing: since when, and what made it go.
    periods: BTreeMap<Period, (Position, Arc<Ground>)>,
}

impl Suppliers {
    pub(super) fn from_series(series: BTreeMap<Arc<str>, Series>) -> Self {
        let lost = series.values().map(|series| series.lost.len()).sum();
        Self { series, lost, memory: OnceLock::new() }
    }

    /// Sets a figure as it is from a position on. None: it has ceased to exist.
    pub(super) fn set(
        &mut self,
        supplier: Arc<str>,
        period: Period,
        figure: Option<Figure>,
        at: Position,
        ground: &Arc<Ground>,
    ) {
        let series = self.series.entry(supplier).or_default();
        let before = series.lost.len();
        series.set(period, figure.map(Arc::new), at, ground);
        self.lost = self.lost.saturating_sub(before).saturating_add(series.lost.len());
        if self.lost > 0 || before > 0 {
            self.memory = OnceLock::new();
        }
    }

    /// What of a supplier's figures went missing, among them those that stood for it; `now` tells what there is. Empty where
    /// nothing did.
    pub(super) fn lost(
        &self,
        supplier: &str,
        measure: &str,
        now: impl Fn(Period) -> Option<Arc<Figure>>,
    ) -> Vec<Lost> {
        if self.lost == 0 {
            return Vec::new();
        }
        let memory = self.memory.get_or_init(|| Arc::new(Memory::of(self, measure)));
        let own = memory.series.get(supplier);
        let lost = |(period, (at, ground)): (&Period, &(Position, Arc<Ground>))| {
            if now(*period).is_some_and(|figure| is_there(&figure.estimate)) {
                return None;
            }
            let own = own.and_then(|own| own.get(*period)).cloned();
            let figure = own.unwrap_or_else(|| Arc::new(stand_in(memory.listed.get(period), ground)));
            let ground = Arc::clone(ground);
            is_there(&figure.estimate).then_some(Lost { period: *period, figure, at: *at, ground })
        };
        memory.periods.iter().filter_map(lost).collect()
    }

    /// The suppliers with the largest shares of a period, largest first, at most `most`. Empty: none is known.
    #[must_use]
    pub fn largest(&self, period: Period, most: usize) -> Vec<Contributor> {
        let share = |(_, series): (&Arc<str>, &Series)| {
            let share = series.get(period).and_then(|figure| figure.estimate.value)?;
            (share > 0.0).then_some(share)
        };
        let mut all: Vec<(&Arc<str>, f64)> =
            self.series.iter().filter_map(|one| share(one).map(|share| (one.0, share))).collect();
        // Equal shares stay in the order of their suppliers.
        all.sort_by(|one, other| other.1.total_cmp(&one.1));
        let largest = all.into_iter().take(most);
        largest.map(|(supplier, share)| Contributor { supplier: supplier.to_string(), share }).collect()
    }
}

impl Memory {
    fn of(suppliers: &Suppliers, measure: &str) -> Self {
        let mut periods: BTreeMap<Period, (Position, Arc<Ground>)> = BTreeMap::new();
        for lost in suppliers.series.values().flat_map(|series| &series.lost) {
            let known = periods.get(&lost.period).is_some_and(|(at, _)| *at >= lost.at);
            if !known {
                periods.insert(lost.period, (lost.at, Arc::clone(&lost.ground)));
            }
        }
        let last = |period| periods.get(&period).map_or(0, |(at, _)| *at);
        let restored = suppliers.series.iter().map(|(code, own)| (Arc::clone(code), own.restored(last)));
        let series: BTreeMap<Arc<str>, Series> = restored.collect();
        let listed = listed(series.values(), Listing::of(measure));
        Self { series, listed, periods }
    }
}

/// The suppliers behind the figures of a consumer, for all subjects that share them.
#[derive(Debug)]
pub struct Behind<'a> {
    suppliers: &'a Suppliers,
    /// What was asked for last: subjects are looked at period by period.
    largest: RefCell<Option<(Period, Vec<Contributor>)>>,
}

impl<'a> Behind<'a> {
    pub(super) fn new(suppliers: &'a Suppliers) -> Rc<Self> {
        Rc::new(Self { suppliers, largest: RefCell::default() })
    }

    /// The suppliers with the largest shares of a period, largest first. Empty: none is known.
    #[must_use]
    pub fn largest(&self, period: Period) -> Vec<Contributor> {
        if let Ok(last) = self.largest.try_borrow()
            && let Some((_, largest)) = last.as_ref().filter(|(of, _)| *of == period)
        {
            return largest.clone();
        }
        let largest = self.suppliers.largest(period, MOST_SUPPLIERS);
        if let Ok(mut last) = self.largest.try_borrow_mut() {
            *last = Some((period, largest.clone()));
        }
        largest
    }
}

impl PartialEq for Behind<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.suppliers == other.suppliers
    }
}
