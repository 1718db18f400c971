//! Which transitions a subscription is sent.
use std::sync::Arc;

use orewatch_contracts::Failure;
use orewatch_contracts::alerting::v1::alert_transition::Event;
use orewatch_contracts::alerting::v1::{Alert, AlertFilter, AlertTransition};
use orewatch_rules::alert::alert_of;
use orewatch_rules::filter::Filter;
use orewatch_rules::tenant::Scope;

use super::recent::{AlertBefore, StreamContent, StreamEvent};
use crate::token::Selector;

/// Which transitions a subscription is sent.
#[derive(Clone, Debug)]
pub(crate) struct Selection {
    wanted: Filter,
    /// Digest of the filter, as tokens have it.
    pub(crate) selector: Selector,
    /// What the snapshot holds, if the subscriber keeps a copy of it up to date.
    mirror: Option<Mirror>,
}

#[derive(Clone, Debug)]
struct Mirror {
    /// The alerts of the snapshot.
    current: Filter,
    /// The same, by fields that never change of an alert.
    by_fixed_fields: Filter,
}

/// Whether a subscription is sent an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Relevance {
    /// It is sent.
    Selected {
        /// Its alert no longer belongs to the snapshot.
        left: bool,
    },
    /// It is skipped.
    Skipped,
    /// That depends on the alert before the event.
    DependsOnAlertBefore,
}

impl Selection {
    /// The alerts that a filter selects, of those in a scope.
    ///
    /// # Errors
    /// [`Class::Invalid`](orewatch_contracts::Class::Invalid) for an invalid filter.
    pub(crate) fn new(filter: Option<AlertFilter>, scope: Scope) -> Result<(Self, AlertFilter), Failure> {
        let filter = filter.unwrap_or_default();
        let wanted = Filter::new(Some(filter.clone()))?.within(scope);
        Ok((Self { wanted, selector: Selector::from_filter(&filter), mirror: None }, filter))
    }

    /// The same, for a subscriber that keeps a copy of the snapshot up to date: it is also sent what leaves
    /// it.
    ///
    /// # Errors
    /// Those of [`new`](Self::new).
    pub(crate) fn with_mirror(mut self, filter: AlertFilter) -> Result<Self, Failure> {
        let current = self.wanted.clone().or_open();
        let fixed = AlertFilter {
            rules: filter.rules,
            consumers: filter.consumers,
            materials: filter.materials,
            stages: filter.stages,
            suppliers: filter.suppliers,
            ..AlertFilter::default()
        };
        self.mirror = Some(Mirror { current, by_fixed_fields: Filter::new(Some(fixed))? });
        Ok(self)
    }

    /// Whether the subscriber keeps a copy of the snapshot up to date.
    pub(crate) fn mirrors(&self) -> bool {
        self.mirror.is_some()
    }

    /// Whether an alert belongs to the snapshot.
    pub(crate) fn holds(&self, alert: &Alert) -> bool {
        self.mirror.as_ref().is_some_and(|mirror| mirror.current.matches(alert))
    }

    /// Whether the subscription is sent an event.
    pub(crate) fn relevance(&self, event: &StreamEvent) -> Relevance {
        match &event.content {
            StreamContent::Transition(transition, before) => self.relevance_of(transition, before),
            StreamContent::Evaluated | StreamContent::Other => Relevance::Skipped,
        }
    }

    /// About how many comparisons of texts an event takes.
    pub(crate) fn comparisons(&self) -> usize {
        self.wanted.comparisons()
    }

    fn relevance_of(&self, transition: &AlertTransition, before: &AlertBefore) -> Relevance {
        let Some(event) = &transition.event else { return Relevance::Skipped };
        let Some(after) = alert_of(event) else { return Relevance::Skipped };
        // A restatement is about the past: its alert stays as it was.
        let changes = !matches!(event, Event::Restated(_));
        let left = changes && self.mirrors() && !self.holds(after);
        if self.wanted.matches(after) {
            return Relevance::Selected { left };
        }
        match (&self.mirror, before) {
            (Some(mirror), AlertBefore::Unknown) if left && mirror.by_fixed_fields.matches(after) => {
                Relevance::DependsOnAlertBefore
            }
            (Some(_), AlertBefore::Known(Some(before))) if left && self.holds(before) => {
                Relevance::Selected { left }
            }
            (None | Some(_), AlertBefore::Known(_) | AlertBefore::Unknown) => Relevance::Skipped,
        }
    }
}

/// The alert after the last of its transitions, given oldest first. None: none of them changes it.
pub(crate) fn last_alert(transitions: impl IntoIterator<Item = Arc<AlertTransition>>) -> Option<Arc<Alert>> {
    let changes = transitions.into_iter().filter_map(|transition| match &transition.event {
        Some(Event::Restated(_)) | None => None,
        Some(event) => alert_of(event).cloned(),
    });
    changes.last().map(Arc::new)
}
