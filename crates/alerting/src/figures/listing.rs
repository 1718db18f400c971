//! What stands for a figure that is not there.
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use orewatch_catalog::Period;
use orewatch_contracts::common::v1::{Estimate, Status};
use orewatch_measures::{Measure, Table};

use super::series::Series;
use super::{Figure, Ground, Suppliers};

/// What a consumer's figures tell about suppliers that are not among them: put together when somebody asks, once.
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
            .get_or_init(|| listed(self.suppliers.series.values(), Listing::of(self.measure)))
            .get(&period)
    }
}

/// What a consumer's figures of all suppliers tell about one that is not among them.
#[derive(Debug)]
pub(super) struct Listed {
    /// The ground that was laid last.
    ground: Arc<Ground>,
    /// Some supplier has a figure.
    has_value: bool,
    /// Nothing that is not listed can be hidden in what is not known.
    is_known: bool,
}

/// What stands for a figure that is not there. If the consumer has figures of the measure in the period, its suppliers are
/// listed, and one that is not listed brings nothing: a known zero. Where some of the listed figures are not known that is only
/// the best estimate, unless the measure lists flows, and so it is where small figures are not published; where none of them is
/// there it is unavailable.
pub(super) fn stand_in(listed: Option<&Listed>, market: &Arc<Ground>) -> Figure {
    let (estimate, ground) = match listed {
        Some(listed) if !listed.has_value => {
            (unavailable("the measure has no figure of any supplier in this period"), &listed.ground)
        }
        Some(listed) if listed.is_known => (zero(), &listed.ground),
        Some(listed) => (zero_if_nothing_hides(), &listed.ground),
        None => (unavailable("the market has figures in this period, the consumer has none"), market),
    };
    Figure { estimate, names: Arc::default(), spread: None, ground: Arc::clone(ground) }
}

fn zero() -> Estimate {
    let (zero, one) = (Some(0.0), Some(1.0));
    let status = Status::Known.into();
    Estimate { value: zero, low: zero, high: zero, coverage: one, status, reason: String::new() }
}

/// Nothing is listed, and what is not known may hide some.
fn zero_if_nothing_hides() -> Estimate {
    let reason = "not among the suppliers that are listed: little or nothing, or hidden in what is not known"
        .to_owned();
    let status = Status::Partial.into();
    Estimate { value: Some(0.0), low: Some(0.0), high: None, coverage: None, status, reason }
}

/// An estimate of nothing, with the reason.
#[must_use]
pub fn unavailable(reason: &str) -> Estimate {
    Estimate { status: Status::Unavailable.into(), reason: reason.to_owned(), ..Estimate::default() }
}

/// The periods in which a consumer has a figure of any supplier, each with what they tell about the others.
pub(super) fn listed<'a>(
    series: impl Iterator<Item = &'a Series>,
    listing: Listing,
) -> BTreeMap<Period, Listed> {
    let laid = |ground: &Ground| ground.cause.as_ref().map_or(0, |cause| cause.position);
    let mut all: BTreeMap<Period, Listed> = BTreeMap::new();
    for (period, figure) in series.flat_map(|series| &series.figures) {
        let one = all.entry(*period).or_insert_with(|| Listed {
            ground: Arc::clone(&figure.ground),
            has_value: false,
            is_known: listing != Listing::Notable,
        });
        one.has_value |= figure.estimate.value.is_some();
        one.is_known &= listing == Listing::Flows || figure.estimate.status() == Status::Known;
        if laid(&figure.ground) > laid(&one.ground) {
            one.ground = Arc::clone(&figure.ground);
        }
    }
    all
}

/// Whom the figures of a measure with suppliers list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Listing {
    /// Whoever has a flow: statistics list every one, though not always its size.
    Flows,
    /// Whoever has output, but for those in a residual.
    Output,
    /// Whoever has a share of note: those of small ones are not published.
    Notable,
}

impl Listing {
    pub(super) fn of(measure: &str) -> Self {
        let name = measure.split('/').next().unwrap_or_default();
        match name.parse::<Measure>().map(|measure| measure.method().table) {
            Ok(Table::Trade) => Self::Flows,
            Ok(Table::Production) => Self::Output,
            Ok(Table::Both) | Err(_) => Self::Notable,
        }
    }
}
