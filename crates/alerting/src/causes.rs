//! Which call first caused what is on the alerts log, for traces: a message is linked to the upload or the
//! change of a rule that led to it.
//!
//! This is no part of the folded state. It is kept for recent events only, and a process that starts from a
//! snapshot begins with nothing: then a trace lacks a link, and nothing else.
use std::collections::{BTreeMap, VecDeque};

use orewatch_contracts::alerting::v1::AlertEvent;
use orewatch_eventlog::{Event, Position};

/// Upper bound on the causes that are kept, of alerts and of changes of rules.
const MAX_KEPT: usize = 10_000;

/// The causes of recent events, as `traceparent`.
#[derive(Debug, Default)]
pub(crate) struct Causes {
    alerts: Kept<String>,
    rules: Kept<Position>,
}

impl Causes {
    /// Takes in an event.
    pub(crate) fn record(&mut self, event: &Event, decoded: Option<&AlertEvent>) {
        let (Some(traceparent), Some(decoded)) = (&event.traceparent, decoded) else { return };
        match decoded {
            AlertEvent::RulePut(_) | AlertEvent::RuleRemoved(_) => {
                self.rules.insert(event.position, traceparent);
            }
            other => {
                if let Some(alert) = alert_id(other) {
                    self.alerts.insert(alert.to_owned(), traceparent);
                }
            }
        }
    }

    /// The cause of the last transition of an alert.
    pub(crate) fn of_alert(&self, alert: &str) -> Option<&str> {
        self.alerts.values.get(alert).map(String::as_str)
    }

    /// The cause of the change of rules at a position.
    pub(crate) fn of_rules(&self, position: Position) -> Option<&str> {
        self.rules.values.get(&position).map(String::as_str)
    }
}

/// The alert whose transition an event is.
fn alert_id(event: &AlertEvent) -> Option<&str> {
    let alert = match event {
        AlertEvent::AlertPending(event) => event.alert.as_ref(),
        AlertEvent::AlertFired(event) => event.alert.as_ref(),
        AlertEvent::AlertResolved(event) => event.alert.as_ref(),
        AlertEvent::AlertStale(event) => event.alert.as_ref(),
        AlertEvent::AlertSeverityChanged(event) => event.alert.as_ref(),
        AlertEvent::AlertRestated(event) => event.alert.as_ref(),
        _ => None,
    };
    alert.map(|alert| alert.id.as_str())
}

/// A map that forgets what was inserted first.
#[derive(Debug)]
struct Kept<K> {
    values: BTreeMap<K, String>,
    order: VecDeque<K>,
}

impl<K> Default for Kept<K> {
    fn default() -> Self {
        Self { values: BTreeMap::new(), order: VecDeque::new() }
    }
}

impl<K: Ord + Clone> Kept<K> {
    fn insert(&mut self, key: K, value: &str) {
        if self.values.insert(key.clone(), value.to_owned()).is_some() {
            return;
        }
        self.order.push_back(key);
        if self.order.len() > MAX_KEPT
            && let Some(first) = self.order.pop_front()
        {
            self.values.remove(&first);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_causes_are_kept() {
        let mut kept = Kept::default();
        for number in 0..MAX_KEPT + 5 {
            kept.insert(number, "cause");
        }
        kept.insert(7, "another cause");
        assert_eq!((kept.values.len(), kept.order.len()), (MAX_KEPT, MAX_KEPT));
        assert_eq!(kept.values.get(&7).map(String::as_str), Some("another cause"));
        assert!(!kept.values.contains_key(&4) && kept.values.contains_key(&(MAX_KEPT + 4)));
    }
}
