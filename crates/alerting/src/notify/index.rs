//! Finds the filters that may match an alert without trying all of them.
use std::collections::{BTreeMap, BTreeSet};

use orewatch_contracts::alerting::v1::Alert;
use orewatch_rules::field::Field;
use orewatch_rules::filter::Filter;

use super::Id;

/// Filters by the most selective of their lists. Filters without a list are candidates for every alert.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct FilterIndex {
    by_value: BTreeMap<(Field, String), BTreeSet<Id>>,
    without_list: BTreeSet<Id>,
}

/// The most selective list of a filter. None: it has no list.
fn most_selective(filter: &Filter) -> Option<(Field, &[String])> {
    let wanted = filter.wanted();
    let lists = [
        (Field::Rule, &wanted.rules),
        (Field::Material, &wanted.materials),
        (Field::Consumer, &wanted.consumers),
        (Field::Supplier, &wanted.suppliers),
        (Field::Severity, &wanted.severities),
        (Field::Stage, &wanted.stages),
    ];
    lists.into_iter().find(|(_, list)| !list.is_empty()).map(|(field, list)| (field, list.as_slice()))
}

/// The fields that the index has filters by, the most selective first.
const INDEXED_FIELDS: [Field; 6] =
    [Field::Rule, Field::Material, Field::Consumer, Field::Supplier, Field::Severity, Field::Stage];

impl FilterIndex {
    /// Adds a filter.
    pub(crate) fn insert(&mut self, id: &Id, filter: &Filter) {
        match most_selective(filter) {
            None => {
                self.without_list.insert(id.clone());
            }
            Some((field, list)) => {
                for value in list {
                    self.by_value.entry((field.clone(), value.clone())).or_default().insert(id.clone());
                }
            }
        }
    }

    /// Removes a filter.
    pub(crate) fn remove(&mut self, id: &Id, filter: &Filter) {
        self.without_list.remove(id);
        let Some((field, list)) = most_selective(filter) else { return };
        for value in list {
            let key = (field.clone(), value.clone());
            if let Some(ids) = self.by_value.get_mut(&key) {
                ids.remove(id);
                if ids.is_empty() {
                    self.by_value.remove(&key);
                }
            }
        }
    }

    /// The filters that may match an alert, each once.
    pub(crate) fn candidates(&self, alert: &Alert) -> impl Iterator<Item = &Id> {
        let listed = INDEXED_FIELDS.into_iter().filter_map(|field| {
            let value = field.value_of(alert).to_owned();
            self.by_value.get(&(field, value))
        });
        listed.flatten().chain(&self.without_list)
    }
}
