//! What a subscription is told of.
use std::sync::Arc;

use orewatch_contracts::alerting::v1::alert_transition::Event;
use orewatch_contracts::alerting::v1::{Alert, AlertFilter, AlertTransition};
use orewatch_runtime::Failure;

use super::tail::Before;
use crate::alert::alert_of;
use crate::filter::Filter;
use crate::tenant::Scope;
use crate::token::Selector;

/// Which transitions a subscription is told of.
#[derive(Clone, Debug)]
pub(crate) struct Selection {
    wanted: Filter,
    /// What stands for the filter in tokens.
    pub(crate) selector: Selector,
    /// What the snapshot holds, where the subscriber keeps a copy of it.
    mirror: Option<Mirror>,
}

#[derive(Clone, Debug)]
struct Mirror {
    /// The snapshot's alerts.
    standing: Filter,
    /// The same by what never changes of an alert.
    ever: Filter,
}

/// What a transition is to a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// It is told; whether its alert has left the selection.
    Yes {
        /// Its alert does not belong to the snapshot's selection any more.
        left: bool,
    },
    /// It is passed over.
    No,
    /// That depends on how the alert stood before.
    Depends,
}

impl Selection {
    /// What a filter selects, of the alerts in a scope.
    ///
    /// # Errors
    /// [`Class::Invalid`](orewatch_runtime::Class::Invalid) for a filter that makes no sense.
    pub(crate) fn new(filter: Option<AlertFilter>, scope: Scope) -> Result<(Self, AlertFilter), Failure> {
        let filter = filter.unwrap_or_default();
        let wanted = Filter::new(Some(filter.clone()))?.within(scope);
        Ok((Self { wanted, selector: Selector::of(&filter), mirror: None }, filter))
    }

    /// The same for a subscriber that keeps a copy of the snapshot.
    ///
    /// # Errors
    /// Those of [`new`](Self::new).
    pub(crate) fn mirroring(mut self, filter: AlertFilter) -> Result<Self, Failure> {
        let standing = self.wanted.clone().or_open();
        let fixed = AlertFilter {
            rules: filter.rules,
            consumers: filter.consumers,
            materials: filter.materials,
            stages: filter.stages,
            suppliers: filter.suppliers,
            ..AlertFilter::default()
        };
        self.mirror = Some(Mirror { standing, ever: Filter::new(Some(fixed))? });
        Ok(self)
    }

    /// Whether the subscriber keeps a copy of the snapshot.
    pub(crate) fn mirrors(&self) -> bool {
        self.mirror.is_some()
    }

    /// Whether an alert belongs to the snapshot.
    pub(crate) fn holds(&self, alert: &Alert) -> bool {
        self.mirror.as_ref().is_some_and(|mirror| mirror.standing.matches(alert))
    }

    /// What a transition is to the subscription.
    pub(crate) fn tells(&self, transition: &AlertTransition, before: &Before) -> Told {
        let Some(event) = &transition.event else { return Told::No };
        let Some(after) = alert_of(event) else { return Told::No };
        // A restatement tells of the past: its alert stays what it was.
        let changes = !matches!(event, Event::Restated(_));
        let left = changes && self.mirrors() && !self.holds(after);
        if self.wanted.matches(after) {
            return Told::Yes { left };
        }
        match (&self.mirror, before) {
            (Some(mirror), Before::Unknown) if left && mirror.ever.matches(after) => Told::Depends,
            (Some(_), Before::Known(Some(before))) if left && self.holds(before) => Told::Yes { left },
            _ => Told::No,
        }
    }
}

/// How an alert stood by its transitions, oldest first.
pub(crate) fn standing(transitions: impl IntoIterator<Item = Arc<AlertTransition>>) -> Option<Arc<Alert>> {
    let changes = transitions.into_iter().filter_map(|transition| match &transition.event {
        Some(Event::Restated(_)) | None => None,
        Some(event) => alert_of(event).cloned(),
    });
    changes.last().map(Arc::new)
}
