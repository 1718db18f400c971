//! Which figures are kept.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use orewatch_catalog::Period;
use orewatch_contracts::common::v1::{By, Frequency};

use crate::rules::Checked;

/// A measure as figures have it. Years and months of one measure are figures of two kinds, which never meet.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Measured {
    /// The measure, with its version.
    pub measure: Arc<str>,
    /// What its flows are weighed by.
    pub by: By,
    /// How long the periods are.
    pub frequency: Frequency,
}

/// Frequency of a period.
#[must_use]
pub fn frequency_of(period: Period) -> Frequency {
    if period.is_month() { Frequency::Monthly } else { Frequency::Annual }
}

/// Which figures are kept: by measure, those of some consumers or, with none named, of all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Kept(pub(super) BTreeMap<Measured, BTreeSet<Arc<str>>>);

impl Kept {
    /// What these rules watch.
    #[must_use]
    pub fn by<'a>(rules: impl IntoIterator<Item = &'a Checked>) -> Self {
        let mut kept: BTreeMap<_, BTreeSet<Arc<str>>> = BTreeMap::new();
        let mut all = BTreeSet::new();
        for rule in rules {
            for (measured, consumer) in rule.measures() {
                let consumers = match consumer {
                    Some(consumer) => vec![Arc::clone(consumer)],
                    None => rule.consumers().iter().map(|consumer| Arc::from(consumer.as_str())).collect(),
                };
                if consumers.is_empty() {
                    all.insert(measured.clone());
                }
                kept.entry(measured).or_default().extend(consumers);
            }
        }
        for measured in all {
            kept.insert(measured, BTreeSet::new());
        }
        Self(kept)
    }

    /// Whether all that `other` asks for is kept here too.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        other.0.iter().all(|(measured, consumers)| {
            let own = self.0.get(measured);
            own.is_some_and(|own| own.is_empty() || (!consumers.is_empty() && consumers.is_subset(own)))
        })
    }
}
