//! The suppliers behind the figures of a consumer.
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use orewatch_catalog::Period;
use orewatch_contracts::alerting::v1::Contributor;

use super::Series;

/// Most suppliers that are told of.
const MOST_SUPPLIERS: usize = 5;

/// A consumer's series of a measure by supplier; the supplier is empty for measures without one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Suppliers(pub(super) BTreeMap<Arc<str>, Series>);

impl Suppliers {
    /// The suppliers with the largest shares of a period, largest first, at most `most`. Empty: none is known.
    #[must_use]
    pub fn largest(&self, period: Period, most: usize) -> Vec<Contributor> {
        let share = |(_, series): (&Arc<str>, &Series)| {
            let share = series.get(period).and_then(|figure| figure.estimate.value)?;
            (share > 0.0).then_some(share)
        };
        let mut all: Vec<(&Arc<str>, f64)> =
            self.0.iter().filter_map(|one| share(one).map(|share| (one.0, share))).collect();
        // Equal shares stay in the order of their suppliers.
        all.sort_by(|one, other| other.1.total_cmp(&one.1));
        let largest = all.into_iter().take(most);
        largest.map(|(supplier, share)| Contributor { supplier: supplier.to_string(), share }).collect()
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
