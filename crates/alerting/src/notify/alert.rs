//! The alerts that subscriptions may have to be notified of.
use std::sync::Arc;

use jiff::Timestamp;
use orewatch_contracts::alerting::v1::{Alert, AlertTold, Restatement};
use orewatch_contracts::common::v1::{Cause, Estimate};
use orewatch_contracts::time::timestamp;
use orewatch_eventlog::Position;
use orewatch_rules::shared::SharedMap;
use uuid::Uuid;

use super::Id;
use super::acknowledge::AcknowledgementRecord;

/// Position, time and identifier of an event.
#[derive(Clone, Debug)]
pub struct EventMeta {
    /// Its position on the log.
    pub position: Position,
    /// When it was recorded.
    pub time: Timestamp,
    /// Its identifier.
    pub id: Uuid,
}

/// An alert that fires, or that is resolved while some notified receiver does not know that yet.
#[derive(Clone, Debug, PartialEq)]
pub struct TrackedAlert {
    /// The alert.
    pub alert: Arc<Alert>,
    /// Whether it fires.
    pub is_firing: bool,
    /// Identifier of the last event that changed what a message says.
    pub event: Uuid,
    /// When that event was recorded.
    pub time: Timestamp,
    /// Position of that event.
    pub position: Position,
    /// Position at which the episode fired.
    pub fired_position: Position,
    /// When the episode fired.
    pub fired_time: Timestamp,
    /// The figures with which it fired.
    pub fired: Option<Box<FiredWith>>,
    /// The restatement that the last event reports. None: it was a transition of the alert itself.
    pub restated: Option<Box<Restatement>>,
}

/// The figures with which an episode fired.
#[derive(Clone, Debug, PartialEq)]
pub struct FiredWith {
    pub(crate) estimate: Option<Estimate>,
    pub(crate) period: String,
    pub(crate) cause: Option<Cause>,
}

impl FiredWith {
    /// The figures of an alert as it fires.
    #[must_use]
    pub fn from_alert(alert: &Alert) -> Self {
        Self { estimate: alert.estimate.clone(), period: alert.period.clone(), cause: alert.cause.clone() }
    }
}

impl TrackedAlert {
    /// The alert as a message shows it.
    #[must_use]
    pub fn to_message(&self, acknowledged: Option<&AcknowledgementRecord>, now: Timestamp) -> AlertTold {
        let fired = self.fired.as_deref().filter(|_| !self.is_firing);
        AlertTold {
            alert: Some(Alert::clone(&self.alert)),
            event_id: self.event.to_string(),
            time: Some(timestamp(self.time)),
            fired_with: fired.and_then(|fired| fired.estimate.clone()),
            fired_period: fired.map(|fired| fired.period.clone()).unwrap_or_default(),
            fired_cause: fired.and_then(|fired| fired.cause.clone()),
            acknowledgement: acknowledged.and_then(|record| record.current(now)).cloned(),
            restated: self.restated.as_deref().cloned(),
        }
    }
}

/// All tracked alerts, by identifier.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TrackedAlerts(SharedMap<Id, Arc<TrackedAlert>>);

impl TrackedAlerts {
    /// A tracked alert.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&TrackedAlert> {
        self.0.get(id).map(Arc::as_ref)
    }

    /// A tracked alert with its shared identifier.
    pub(super) fn get_key_value(&self, id: &str) -> Option<(&Id, &TrackedAlert)> {
        self.0.get_key_value(id).map(|(id, tracked)| (id, &**tracked))
    }

    /// A tracked alert, to be changed.
    pub(super) fn get_mut(&mut self, id: &str) -> Option<&mut TrackedAlert> {
        self.0.get_mut(id).map(Arc::make_mut)
    }

    /// Tracks an alert, or replaces what is known of it.
    pub(super) fn insert(&mut self, id: Id, tracked: TrackedAlert) {
        self.0.insert(id, Arc::new(tracked));
    }

    /// Stops tracking an alert.
    pub(super) fn remove(&mut self, id: &str) {
        self.0.remove(id);
    }

    /// How many alerts are tracked.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// All of them, by identifier.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Id, &TrackedAlert)> {
        self.0.iter().map(|(id, tracked)| (id, &**tracked))
    }

    /// Those that fire, by identifier.
    pub fn firing(&self) -> impl Iterator<Item = (&Id, &TrackedAlert)> {
        self.iter().filter(|(_, tracked)| tracked.is_firing)
    }
}

impl FromIterator<(Id, TrackedAlert)> for TrackedAlerts {
    fn from_iter<I: IntoIterator<Item = (Id, TrackedAlert)>>(alerts: I) -> Self {
        Self(alerts.into_iter().map(|(id, tracked)| (id, Arc::new(tracked))).collect())
    }
}
