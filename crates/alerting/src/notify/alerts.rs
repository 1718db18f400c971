//! The alerts that somebody may have to be told of.
use std::collections::BTreeSet;

use jiff::Timestamp;
use orewatch_contracts::alerting::v1::{Alert, AlertTold, Restatement};
use orewatch_contracts::common::v1::{Cause, Estimate};
use orewatch_eventlog::Position;
use uuid::Uuid;

use super::Id;
use super::acknowledge::Acknowledged;
use super::time::timestamp;

/// Where something stands on the log.
#[derive(Clone, Debug)]
pub struct At {
    /// Position of the event.
    pub position: Position,
    /// When it was recorded.
    pub time: Timestamp,
    /// Its identifier.
    pub id: Uuid,
}

/// An alert that fires, or that is over and not everybody who heard of it knows that yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// The alert.
    pub alert: Alert,
    /// Whether it fires.
    pub is_firing: bool,
    /// Identifier of the last transition that is worth telling.
    pub event: Uuid,
    /// When that was recorded.
    pub time: Timestamp,
    /// Where.
    pub position: Position,
    /// Where the episode fired.
    pub fired_position: Position,
    /// When.
    pub fired_time: Timestamp,
    /// With what.
    pub fired: Option<Box<Fired>>,
    /// What the last event says of its past. None: it was a transition of the alert itself.
    pub restated: Option<Box<Restatement>>,
    /// The silences that are about it, also those that have not begun or are over.
    pub silences: BTreeSet<Id>,
    /// The inhibition that holds it back.
    pub inhibited: Option<Id>,
    /// The last time that something ended, by an event, that held it back.
    pub released: Option<Released>,
    /// When an acknowledgement of the episode was last taken back, or void because the alert got worse.
    pub let_go: Option<Timestamp>,
    /// The subscriptions that have it.
    pub subscriptions: BTreeSet<Id>,
}

/// With what an episode fired.
#[derive(Clone, Debug, PartialEq)]
pub struct Fired {
    estimate: Option<Estimate>,
    period: String,
    cause: Option<Cause>,
}

impl Fired {
    /// What an alert says as it fires.
    #[must_use]
    pub fn with(alert: &Alert) -> Self {
        Self { estimate: alert.estimate.clone(), period: alert.period.clone(), cause: alert.cause.clone() }
    }
}

/// What held messages about an alert back, or repeats of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// A silence.
    Silence,
    /// An inhibition.
    Inhibition,
    /// An acknowledgement.
    Acknowledgement,
}

/// The end of a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Released {
    /// When.
    pub at: Timestamp,
    /// Of what.
    pub from: Hold,
}

impl Standing {
    /// The alert as a message tells it.
    #[must_use]
    pub fn told(&self, acknowledged: Option<&Acknowledged>, now: Timestamp) -> AlertTold {
        let fired = self.fired.as_deref().filter(|_| !self.is_firing);
        AlertTold {
            alert: Some(self.alert.clone()),
            event_id: self.event.to_string(),
            time: Some(timestamp(self.time)),
            fired_with: fired.and_then(|fired| fired.estimate.clone()),
            fired_period: fired.map(|fired| fired.period.clone()).unwrap_or_default(),
            fired_cause: fired.and_then(|fired| fired.cause.clone()),
            acknowledgement: acknowledged.and_then(|acknowledged| acknowledged.standing(now)).cloned(),
            restated: self.restated.as_deref().cloned(),
        }
    }
}
