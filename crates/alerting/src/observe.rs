//! What the service reports: metrics of alerts, deliveries and subscribers, and a line of the log for each
//! change of a rule and each alert.
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use orewatch_contracts::alerting::v1::alert_transition::Event as Transition;
use orewatch_contracts::alerting::v1::{Alert, AlertEvent, AlertState, Receiver, RulePut, RuleRemoved};
use orewatch_receivers::outcome::Outcome;
use orewatch_receivers::registry::kind_name;
use orewatch_rules::alert::alert_of;
use orewatch_rules::decide::PlannedTransitions;
use orewatch_runtime::metrics::{Metrics, catalogue};
use orewatch_runtime::{Admission, Context};
use tokio::sync::watch;

use crate::delivery::DelivererState;
use crate::service_state::ServiceState;

/// Alerts of an evaluation that have lines of their own: a rule may fire a hundred thousand at once.
const MAX_LOGGED_ALERTS: usize = 100;

/// States of alerts that are open, as labels.
const OPEN_STATES: [(AlertState, &str); 2] =
    [(AlertState::Pending, "pending"), (AlertState::Firing, "firing")];

/// Reports on alerts, receivers and waiting messages.
pub(crate) fn report(context: &Context, service: watch::Receiver<ServiceState>) {
    context.metrics.collect_with(move |metrics| {
        // Copies, which share all large parts: whoever folds an event does not wait.
        let (rules, delivery, is_folded) = {
            let service = service.borrow();
            (service.rules().clone(), service.delivery.clone(), service.caught_up)
        };
        if is_folded {
            let alerts = rules.alerts().values().filter_map(|record| record.alert.as_deref());
            metrics.replace(&catalogue::ALERTS, open_alerts(alerts));
            record_deliveries(metrics, &delivery);
        }
    });
}

/// Reports on the subscribers that are connected.
pub(crate) fn report_subscribers(metrics: &Metrics, subscriptions: &Admission) {
    let subscriptions = subscriptions.clone();
    metrics.collect_with(move |metrics| {
        metrics.set_count(&catalogue::SUBSCRIBERS, ["alerts"], subscriptions.count());
    });
}

/// Numbers of open alerts by state and severity. Severities without an open alert have zeros.
fn open_alerts<'a>(alerts: impl Iterator<Item = &'a Alert>) -> Vec<([String; 2], f64)> {
    let mut counts = BTreeMap::<[String; 2], u32>::new();
    for alert in alerts {
        for (state, label) in OPEN_STATES {
            let count = counts.entry([label.to_owned(), alert.severity.clone()]).or_default();
            *count = count.saturating_add(u32::from(alert.state() == state));
        }
    }
    counts.into_iter().map(|(labels, count)| (labels, f64::from(count))).collect()
}

fn record_deliveries(metrics: &Metrics, state: &DelivererState) {
    let receivers = state.receivers().iter().filter(|(_, record)| record.receiver.is_some());
    let disabled =
        receivers.map(|(id, record)| ([id.clone()], f64::from(u8::from(record.disabled.is_some()))));
    metrics.replace(&catalogue::RECEIVER_DISABLED, disabled);
    let waiting = state.receivers().values().map(|record| record.waiting()).sum();
    metrics.set_count(&catalogue::DELIVERIES_WAITING, [], waiting);
}

/// Records an attempt to deliver a message.
pub(crate) fn record_attempt(
    metrics: &Metrics,
    id: &str,
    receiver: Option<&Receiver>,
    outcome: &Outcome,
    took: Duration,
) {
    let outcome = if matches!(outcome, Outcome::Taken(_)) { "delivered" } else { "refused" };
    metrics.add(&catalogue::DELIVERY_ATTEMPTS, [id, outcome], 1);
    if let Some(kind) = receiver.and_then(|receiver| receiver.kind.as_ref()) {
        metrics.observe(&catalogue::DELIVERY_SECONDS, [kind_name(kind), outcome], took);
    }
}

/// Logs that a rule was put or removed.
pub(crate) fn log_rule_change(event: &AlertEvent) {
    match event {
        AlertEvent::RulePut(RulePut { rule, revision, actor, reason, .. }) => {
            let rule = rule.as_ref().map_or("", |rule| rule.id.as_str());
            tracing::info!(rule, revision, actor, reason, "a rule is put");
        }
        AlertEvent::RuleRemoved(RuleRemoved { rule, revision, actor, reason }) => {
            tracing::info!(rule, revision, actor, reason, "a rule is removed");
        }
        _ => {}
    }
}

/// Logs which alerts fire and which are resolved, as far as there are not too many.
pub(crate) fn log_alerts(planned: &[PlannedTransitions]) {
    let all = || planned.iter().flat_map(|planned| &planned.events).filter_map(told);
    for (what, alert) in all().take(MAX_LOGGED_ALERTS) {
        let Alert { id, severity, period, .. } = alert;
        tracing::info!(alert = id, severity, period, what, "an alert has changed");
    }
    let more = all().count().saturating_sub(MAX_LOGGED_ALERTS);
    if more > 0 {
        let rules: BTreeSet<&str> = all().map(|(_, alert)| rule_of(&alert.id)).collect();
        tracing::info!(more, rules = ?rules.iter().take(10).collect::<Vec<_>>(), "more alerts have changed");
    }
}

/// What happened to an alert, if people are told of it.
fn told(event: &Transition) -> Option<(&'static str, &Alert)> {
    let what = match event {
        Transition::Fired(_) => "fired",
        Transition::Resolved(_) => "resolved",
        Transition::SeverityChanged(_) => "severity changed",
        Transition::Pending(_) | Transition::Stale(_) | Transition::Restated(_) => return None,
    };
    alert_of(event).map(|alert| (what, alert))
}

/// The rule of an alert: the first part of its identifier.
fn rule_of(alert: &str) -> &str {
    alert.split('/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_alerts_are_counted_by_state_and_severity() {
        let alert = |state: AlertState, severity: &str| Alert {
            state: state.into(),
            severity: severity.to_owned(),
            ..Alert::default()
        };
        let alerts = [
            alert(AlertState::Firing, "critical"),
            alert(AlertState::Firing, "critical"),
            alert(AlertState::Pending, "warning"),
            alert(AlertState::Resolved, "info"),
        ];
        let counted = open_alerts(alerts.iter());
        let count = |state: &str, severity: &str| {
            counted.iter().find(|(labels, _)| *labels == [state, severity]).map(|(_, count)| *count)
        };
        assert_eq!((count("firing", "critical"), count("pending", "critical")), (Some(2.0), Some(0.0)));
        assert_eq!((count("pending", "warning"), count("firing", "info")), (Some(1.0), Some(0.0)));
        assert_eq!(count("firing", "unheard-of"), None);
    }
}
