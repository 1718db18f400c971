//! Which figures are kept: those that some rule watches.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use orewatch_contracts::common::v1::{By, Frequency};

use crate::rules::CheckedRule;

/// A measure with weight and frequency. Annual and monthly figures of one measure are never mixed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Measured {
    /// The measure, with its version.
    pub measure: Arc<str>,
    /// Weight of the flows.
    pub by: By,
    /// Frequency of the periods.
    pub frequency: Frequency,
}

/// Which figures are kept, by measure: those of some consumers, or of all if none is named.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KeptFigures(pub(super) BTreeMap<Measured, BTreeSet<Arc<str>>>);

impl KeptFigures {
    /// The figures that these rules watch.
    #[must_use]
    pub fn for_rules<'a>(rules: impl IntoIterator<Item = &'a CheckedRule>) -> Self {
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

    /// Whether everything in `other` is kept here too.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        other.0.iter().all(|(measured, consumers)| {
            let own = self.0.get(measured);
            own.is_some_and(|own| own.is_empty() || (!consumers.is_empty() && consumers.is_subset(own)))
        })
    }
}
