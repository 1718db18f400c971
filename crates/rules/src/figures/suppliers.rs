//! The figures of a consumer by supplier: the largest suppliers, and the figures that went missing.
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::{Arc, OnceLock};

use orewatch_catalog::Period;
use orewatch_contracts::alerting::v1::Contributor;
use orewatch_contracts::log::Position;

use super::listing::{Listed, Listing, listed, stand_in};
use super::series::{LostFigure, Series, is_there};
use super::{Figure, Provenance};

/// Upper bound on the suppliers that an alert names.
const MAX_CONTRIBUTORS: usize = 5;

/// The series of a consumer and measure, by supplier. The supplier is empty for measures without one.
#[derive(Clone, Debug, Default)]
pub struct Suppliers {
    pub(super) series: BTreeMap<Arc<str>, Series>,
    /// Number of figures that went missing and are not back.
    lost: usize,
    /// The series before they went missing. Derived from the series when first needed.
    restored: OnceLock<Arc<Restored>>,
}

impl PartialEq for Suppliers {
    fn eq(&self, other: &Self) -> bool {
        self.series == other.series
    }
}

/// The figures of a consumer with the lost ones restored.
#[derive(Debug)]
struct Restored {
    series: BTreeMap<Arc<str>, Series>,
    listed: BTreeMap<Period, Listed>,
    /// The periods in which figures went missing: at which position, and why.
    periods: BTreeMap<Period, (Position, Arc<Provenance>)>,
}

impl Suppliers {
    pub(super) fn from_series(series: BTreeMap<Arc<str>, Series>) -> Self {
        let lost = series.values().map(|series| series.lost.len()).sum();
        Self { series, lost, restored: OnceLock::new() }
    }

    /// Sets a figure from a position on. `None`: it no longer exists.
    pub(super) fn set(
        &mut self,
        supplier: Arc<str>,
        period: Period,
        figure: Option<Figure>,
        at: Position,
        provenance: &Arc<Provenance>,
    ) {
        let series = self.series.entry(supplier).or_default();
        let before = series.lost.len();
        series.set(period, figure.map(Arc::new), at, provenance);
        self.lost = self.lost.saturating_sub(before).saturating_add(series.lost.len());
        if self.lost > 0 || before > 0 {
            self.restored = OnceLock::new();
        }
    }

    /// The figures of a supplier that went missing, stand-ins included. `now` returns the present figure of a
    /// period.
    pub(super) fn lost(
        &self,
        supplier: &str,
        measure: &str,
        now: impl Fn(Period) -> Option<Arc<Figure>>,
    ) -> Vec<LostFigure> {
        if self.lost == 0 {
            return Vec::new();
        }
        let restored = self.restored.get_or_init(|| Arc::new(Restored::new(self, measure)));
        let own = restored.series.get(supplier);
        let lost = |(period, (at, provenance)): (&Period, &(Position, Arc<Provenance>))| {
            if now(*period).is_some_and(|figure| is_there(&figure.estimate)) {
                return None;
            }
            let own = own.and_then(|own| own.get(*period)).cloned();
            let figure = own.unwrap_or_else(|| Arc::new(stand_in(restored.listed.get(period), provenance)));
            let provenance = Arc::clone(provenance);
            is_there(&figure.estimate).then_some(LostFigure { period: *period, figure, at: *at, provenance })
        };
        restored.periods.iter().filter_map(lost).collect()
    }

    /// The suppliers with the largest shares in a period, largest first, at most `limit`. Empty: none is
    /// known.
    #[must_use]
    pub fn largest(&self, period: Period, limit: usize) -> Vec<Contributor> {
        let share = |(_, series): (&Arc<str>, &Series)| {
            let share = series.get(period).and_then(|figure| figure.estimate.value)?;
            (share > 0.0).then_some(share)
        };
        let mut all: Vec<(&Arc<str>, f64)> =
            self.series.iter().filter_map(|entry| share(entry).map(|share| (entry.0, share))).collect();
        // The sort is stable, so that equal shares stay in the order of their suppliers.
        all.sort_by(|a, b| b.1.total_cmp(&a.1));
        let largest = all.into_iter().take(limit);
        largest.map(|(supplier, share)| Contributor { supplier: supplier.to_string(), share }).collect()
    }
}

impl Restored {
    fn new(suppliers: &Suppliers, measure: &str) -> Self {
        let mut periods: BTreeMap<Period, (Position, Arc<Provenance>)> = BTreeMap::new();
        for lost in suppliers.series.values().flat_map(|series| &series.lost) {
            let known = periods.get(&lost.period).is_some_and(|(at, _)| *at >= lost.at);
            if !known {
                periods.insert(lost.period, (lost.at, Arc::clone(&lost.provenance)));
            }
        }
        let last = |period| periods.get(&period).map_or(0, |(at, _)| *at);
        let restored = suppliers.series.iter().map(|(code, own)| (Arc::clone(code), own.restored(last)));
        let series: BTreeMap<Arc<str>, Series> = restored.collect();
        let listed = listed(series.values(), Listing::of_measure(measure));
        Self { series, listed, periods }
    }
}

/// The suppliers behind the figures of a consumer, shared by all of its subjects.
#[derive(Debug)]
pub struct SupplierShares<'a> {
    suppliers: &'a Suppliers,
    /// The last result: subjects are evaluated period by period, so that it is asked for again.
    largest: RefCell<Option<(Period, Vec<Contributor>)>>,
}

impl<'a> SupplierShares<'a> {
    pub(super) fn new(suppliers: &'a Suppliers) -> Rc<Self> {
        Rc::new(Self { suppliers, largest: RefCell::default() })
    }

    /// The suppliers with the largest shares in a period, largest first. Empty: none is known.
    #[must_use]
    pub fn largest(&self, period: Period) -> Vec<Contributor> {
        if let Ok(last) = self.largest.try_borrow()
            && let Some((_, largest)) = last.as_ref().filter(|(known, _)| *known == period)
        {
            return largest.clone();
        }
        let largest = self.suppliers.largest(period, MAX_CONTRIBUTORS);
        if let Ok(mut last) = self.largest.try_borrow_mut() {
            *last = Some((period, largest.clone()));
        }
        largest
    }
}

impl PartialEq for SupplierShares<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.suppliers == other.suppliers
    }
}
