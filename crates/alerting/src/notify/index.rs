//! Which filters an alert may match, without asking all of them.
use std::collections::{BTreeMap, BTreeSet};

use orewatch_contracts::alerting::v1::Alert;

use super::Id;
use crate::field::Field;
use crate::filter::Filter;

/// Filters by what they ask for first of all; those that list nothing are asked about every alert.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Index {
    by: BTreeMap<(Field, String), BTreeSet<Id>>,
    rest: BTreeSet<Id>,
}

/// The lists of a filter, from the one that says most.
fn narrowest(filter: &Filter) -> Option<(Field, &[String])> {
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

/// The fields that filters are kept by.
const FIELDS: [Field; 6] =
    [Field::Rule, Field::Material, Field::Consumer, Field::Supplier, Field::Severity, Field::Stage];

impl Index {
    /// Takes a filter in.
    pub(crate) fn insert(&mut self, id: &Id, filter: &Filter) {
        match narrowest(filter) {
            None => {
                self.rest.insert(id.clone());
            }
            Some((field, list)) => {
                for value in list {
                    self.by.entry((field.clone(), value.clone())).or_default().insert(id.clone());
                }
            }
        }
    }

    /// Lets a filter go.
    pub(crate) fn remove(&mut self, id: &Id, filter: &Filter) {
        self.rest.remove(id);
        let Some((field, list)) = narrowest(filter) else { return };
        for value in list {
            let key = (field.clone(), value.clone());
            if let Some(ids) = self.by.get_mut(&key) {
                ids.remove(id);
                if ids.is_empty() {
                    self.by.remove(&key);
                }
            }
        }
    }

    /// The filters that may match an alert; each once.
    pub(crate) fn candidates(&self, alert: &Alert) -> impl Iterator<Item = &Id> {
        let by = FIELDS.into_iter().filter_map(|field| {
            let value = field.of(alert).to_owned();
            self.by.get(&(field, value))
        });
        by.flatten().chain(&self.rest)
    }
}
