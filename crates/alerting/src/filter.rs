//! Which alerts a caller asks for.
use std::collections::BTreeMap;

use orewatch_contracts::alerting::v1::{Alert, AlertFilter, AlertState};
use orewatch_runtime::{Class, Failure};

use crate::rules::known_codes;

/// A filter that makes sense. An empty list matches everything.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Filter {
    wanted: AlertFilter,
    states: Vec<AlertState>,
}

impl Filter {
    /// Checks a filter.
    ///
    /// # Errors
    /// [`Class::Invalid`] for a state or a code that there is not, with what may have been meant.
    pub(crate) fn new(wanted: Option<AlertFilter>) -> Result<Self, Failure> {
        let wanted = wanted.unwrap_or_default();
        let [consumers, materials, stages, suppliers] =
            [&wanted.consumers, &wanted.materials, &wanted.stages, &wanted.suppliers];
        known_codes("filter", consumers, materials, stages, suppliers)?;
        let state = |state: &i32| {
            AlertState::try_from(*state).map_err(|_| {
                let message = format!("{state} is no state of an alert");
                Failure::new(Class::Invalid, "unknown-state", message).at("filter.states", state.to_string())
            })
        };
        let states = wanted.states.iter().map(state).collect::<Result<_, _>>()?;
        Ok(Self { wanted, states })
    }

    /// The same, but where no state was asked for, only alerts that are pending or fire.
    #[must_use]
    pub(crate) fn or_open(mut self) -> Self {
        if self.states.is_empty() {
            self.states = vec![AlertState::Pending, AlertState::Firing];
        }
        self
    }

    /// Whether an alert is asked for.
    #[must_use]
    pub(crate) fn matches(&self, alert: &Alert) -> bool {
        let wanted = &self.wanted;
        let subject = alert.subject.as_ref();
        let about = |list: &[String], value: Option<&String>| {
            list.is_empty() || value.is_some_and(|value| list.contains(value))
        };
        about(&wanted.rules, Some(&alert.rule))
            && about(&wanted.consumers, subject.map(|subject| &subject.consumer))
            && about(&wanted.materials, subject.map(|subject| &subject.material))
            && about(&wanted.stages, subject.map(|subject| &subject.stage))
            && about(&wanted.suppliers, subject.map(|subject| &subject.supplier))
            && about(&wanted.severities, Some(&alert.severity))
            && (self.states.is_empty() || self.states.contains(&alert.state()))
            && has_all(&alert.labels, &wanted.labels)
    }
}

fn has_all(labels: &BTreeMap<String, String>, wanted: &BTreeMap<String, String>) -> bool {
    wanted.iter().all(|(key, value)| labels.get(key) == Some(value))
}
