//! Stand-ins for missing figures of suppliers.
//!
//! A consumer's figures of a measure list its suppliers. A supplier that is not listed may supply nothing, or
//! its figure may be hidden, depending on the measure. This file decides which, so that missing never becomes
//! zero by accident.
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use orewatch_catalog::Period;
use orewatch_contracts::common::v1::{Estimate, Status};
use orewatch_contracts::exposure::v1::MarketSize;
use orewatch_measures::{Measure, Table};

use super::series::Series;
use super::{Figure, Provenance, Suppliers};

/// What the figures of a consumer say about suppliers that are not listed, by period. Computed once, when
/// first needed.
pub(super) struct Listings<'a> {
    suppliers: &'a Suppliers,
    measure: &'a str,
    listed: OnceCell<BTreeMap<Period, Listed>>,
}

impl<'a> Listings<'a> {
    pub(super) fn new(suppliers: &'a Suppliers, measure: &'a str) -> Self {
        Self { suppliers, measure, listed: OnceCell::new() }
    }

    pub(super) fn get(&self, period: Period) -> Option<&Listed> {
        self.listed
            .get_or_init(|| listed(self.suppliers.series.values(), Listing::of_measure(self.measure)))
            .get(&period)
    }
}

/// What the figures of a consumer in a period say about a supplier that is not listed.
#[derive(Debug)]
pub(super) struct Listed {
    /// The newest provenance.
    provenance: Arc<Provenance>,
    /// Whether some supplier has a value.
    has_value: bool,
    /// Whether a supplier that is not listed certainly supplies nothing.
    is_known: bool,
    /// Size of the market, the same for all suppliers.
    size: Option<Arc<MarketSize>>,
}

/// Stand-in for the figure of a supplier that is not listed.
///
/// - The consumer has figures in the period, all of them known: a known zero.
/// - Some of them are not known, or small figures are not published: zero is only the best estimate.
/// - The measure lists flows: a known zero even if some figures are not known, because statistics list
///   every flow.
/// - None of them has a value, or the consumer has no figures: unavailable.
pub(super) fn stand_in(listed: Option<&Listed>, market: &Arc<Provenance>) -> Figure {
    let (estimate, provenance) = match listed {
        Some(listed) if !listed.has_value => {
            (unavailable("the measure has no figure of any supplier in this period"), &listed.provenance)
        }
        Some(listed) if listed.is_known => (zero(), &listed.provenance),
        Some(listed) => (zero_if_nothing_hides(), &listed.provenance),
        None => (unavailable("the market has figures in this period, the consumer has none"), market),
    };
    let size = listed.and_then(|listed| listed.size.clone());
    Figure { estimate, names: Arc::default(), spread: None, size, provenance: Arc::clone(provenance) }
}

fn zero() -> Estimate {
    let zero = Some(0.0);
    let status = Status::Known.into();
    Estimate { value: zero, low: zero, high: zero, coverage: Some(1.0), status, reason: String::new() }
}

/// Zero as the best estimate: the supplier may be hidden in what is not known.
fn zero_if_nothing_hides() -> Estimate {
    let reason = "not among the suppliers that are listed: little or nothing, or hidden in what is not known"
        .to_owned();
    let status = Status::Partial.into();
    Estimate { value: Some(0.0), low: Some(0.0), high: None, coverage: None, status, reason }
}

/// An estimate without a value, with the reason.
#[must_use]
pub fn unavailable(reason: &str) -> Estimate {
    Estimate { status: Status::Unavailable.into(), reason: reason.to_owned(), ..Estimate::default() }
}

/// The periods in which a consumer has a figure of any supplier, with what they say about other suppliers.
pub(super) fn listed<'a>(
    series: impl Iterator<Item = &'a Series>,
    listing: Listing,
) -> BTreeMap<Period, Listed> {
    let position = |provenance: &Provenance| provenance.cause.as_ref().map_or(0, |cause| cause.position);
    let mut all: BTreeMap<Period, Listed> = BTreeMap::new();
    for (period, figure) in series.flat_map(|series| &series.figures) {
        let listed = all.entry(*period).or_insert_with(|| Listed {
            provenance: Arc::clone(&figure.provenance),
            has_value: false,
            is_known: listing != Listing::Notable,
            size: figure.size.clone(),
        });
        listed.has_value |= figure.estimate.value.is_some();
        listed.is_known &= listing == Listing::Flows || figure.estimate.status() == Status::Known;
        if position(&figure.provenance) > position(&listed.provenance) {
            listed.provenance = Arc::clone(&figure.provenance);
            listed.size.clone_from(&figure.size);
        }
    }
    all
}

/// Which suppliers the figures of a measure list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Listing {
    /// All suppliers with a flow. Statistics list every flow, though not always its size.
    Flows,
    /// All suppliers with output, except for those in a residual.
    Output,
    /// Suppliers with a notable share. Small shares are not published.
    Notable,
}

impl Listing {
    pub(super) fn of_measure(measure: &str) -> Self {
        let name = measure.split('/').next().unwrap_or_default();
        match name.parse::<Measure>().map(|measure| measure.method().table) {
            Ok(Table::Trade) => Self::Flows,
            Ok(Table::Production) => Self::Output,
            Ok(Table::Both) | Err(_) => Self::Notable,
        }
    }
}
