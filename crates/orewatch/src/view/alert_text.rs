//! Alerts in words for people: subject, figure, threshold, state and transitions.
use orewatch_contracts::alerting::v1::alert_transition::Event;
use orewatch_contracts::alerting::v1::{Alert, AlertRestated, AlertTransition, Certainty, Restatement};
use orewatch_rules::wording;
use sha2::{Digest as _, Sha256};

use super::{event_and_alert, reason_word, state_word};
use crate::render::{Out, brief, difference_in, estimate, fit, value_in};
use crate::words::{measure_unit, time_text};

/// Consumer, material, stage and supplier of an alert in a few words: `JPN graphite mined from CHN`.
pub(crate) fn subject_summary(alert: &Alert) -> String {
    let subject = alert.subject.clone().unwrap_or_default();
    let on = match (subject.supplier.as_str(), alert.names.as_slice()) {
        ("", [_, ..]) => format!(" ({})", wording::largest(alert)),
        ("", []) => String::new(),
        (supplier, _) => format!(" from {supplier}"),
    };
    format!("{} {} {}{on}", subject.consumer, subject.material, subject.stage)
}

/// Length of a short identifier, in characters.
const SHORT_ID_LENGTH: usize = 7;

/// A short identifier of an alert, for tables and as an argument: the beginning of the SHA-256 of the long
/// one, in hexadecimal.
pub(crate) fn short_id(id: &str) -> String {
    let digest: String = Sha256::digest(id).iter().map(|byte| format!("{byte:02x}")).collect();
    digest.chars().take(SHORT_ID_LENGTH).collect()
}

/// Unit of an alert's figure.
pub(crate) fn alert_unit(alert: &Alert) -> &'static str {
    measure_unit(alert.subject.as_ref().map_or("", |subject| subject.measure.as_str()))
}

/// The threshold: `> 65.0 %`. For other conditions than a threshold on the figure, the condition in words.
pub(crate) fn threshold_text(alert: &Alert) -> String {
    if !alert.condition.is_empty() {
        return fit(&alert.condition, 24);
    }
    format!("{} {}", if alert.above { '>' } else { '<' }, value_in(alert_unit(alert), alert.line))
}

/// How far the figure is beyond the threshold. Empty for other conditions than a threshold on the figure.
pub(crate) fn margin_text(alert: &Alert) -> String {
    if !alert.condition.is_empty() {
        return String::new();
    }
    alert.margin.map_or_else(String::new, |margin| difference_in(alert_unit(alert), margin))
}

/// The figure as text, or its status if it has no value.
pub(crate) fn value_text(alert: &Alert) -> String {
    known_value(alert).unwrap_or_else(|| estimate(alert_unit(alert), alert.estimate.as_ref()))
}

/// The figure as text with its bounds, if it has a value.
pub(crate) fn known_value(alert: &Alert) -> Option<String> {
    let estimate = alert.estimate.as_ref().filter(|estimate| estimate.value.is_some());
    estimate.map(|estimate| brief(alert_unit(alert), Some(estimate)))
}

/// The state with its marks: `?` not confirmed, `≠` sources disagree.
pub(crate) fn state_text(alert: &Alert) -> String {
    let mut text = state_word(alert.state());
    if alert.certainty() == Certainty::NotConfirmed {
        text.push('?');
    }
    if alert.sources_disagree {
        text.push('≠');
    }
    if alert.stale {
        text.push_str(", stale");
    }
    text
}

/// The period since which the threshold is crossed, and the figure of that period if it is known.
pub(crate) fn since_text(alert: &Alert) -> String {
    let then = alert.at_transition.as_ref().filter(|then| then.period == alert.pending_since);
    let value = then.and_then(|then| then.estimate.as_ref()?.value);
    let value = value.map(|value| format!(" at {}", value_in(alert_unit(alert), value))).unwrap_or_default();
    format!("{}{value}", alert.pending_since)
}

/// A transition in one line.
pub(crate) fn transition_line(out: &Out, transition: &AlertTransition) -> String {
    let (event, alert) = event_and_alert(transition);
    let time = time_text(transition.time);
    let Some(alert) = alert else { return format!("{time}  {event}") };
    let padded = format!("{event:<9}");
    let painted = match &transition.event {
        Some(Event::Fired(_)) => out.style.red(&padded),
        Some(Event::Resolved(_)) => out.style.green(&padded),
        Some(Event::Pending(_) | Event::SeverityChanged(_)) => out.style.yellow(&padded),
        Some(Event::Stale(_) | Event::Restated(_)) | None => padded,
    };
    if let Some(Event::Restated(restated)) = &transition.event {
        let past = wording::restatement(&restatement_of(restated), alert_unit(alert));
        // Events of earlier versions do not have the state of the alert itself.
        let stays = restated.restatement.as_ref().map(|_| state_word(alert.state()));
        let stays = stays.map(|state| format!("; the alert stays {state}")).unwrap_or_default();
        return format!("{time}  {painted} {:<8} {}: {past}{stays}", alert.severity, subject_summary(alert));
    }
    let why = Some(wording::why(alert.reason())).filter(|why| !why.is_empty());
    let why = why.map(|why| format!(": {why}")).unwrap_or_default();
    let detail = match &transition.event {
        Some(Event::SeverityChanged(change)) => format!("{} to {}{why}", change.from, alert.severity),
        _ => format!("{}{why}", reason_word(alert.reason())),
    };
    let sure = if alert.certainty() == Certainty::NotConfirmed { ", not confirmed" } else { "" };
    format!(
        "{time}  {painted} {:<8} {} {} {} in {}: {detail}{sure}",
        alert.severity,
        subject_summary(alert),
        value_text(alert),
        threshold_text(alert),
        alert.period
    )
}

/// The restatement of an event. Events of earlier versions have only the period and the states.
fn restatement_of(restated: &AlertRestated) -> Restatement {
    let AlertRestated { period, was, is, .. } = restated.clone();
    restated.restatement.clone().unwrap_or_else(|| Restatement { period, was, is, ..Restatement::default() })
}
