//! PagerDuty Events API, version 2. Each alert of a message is an event with the alert's identifier as its
//! deduplication key.
mod channel;

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use jiff::Timestamp;
use orewatch_contracts::alerting::v1::{
    AlertState, AlertTold, Notification, NotificationReason, PagerDutyReceiver,
};
use serde_json::{Map, Value, json};

use crate::http::HttpClient;
use crate::message::{AlertSummary, RenderedMessage};
use crate::outcome::{Outcome, Refusal, classify_response};
use crate::payload::rfc3339;
use crate::secret::Secrets;

/// Default URL of the Events API.
pub const DEFAULT_URL: &str = "https://events.pagerduty.com/v2/enqueue";

/// Upper bounds of PagerDuty on summary and deduplication key, in characters.
const MAX_SUMMARY_CHARS: usize = 1024;
const MAX_DEDUP_KEY_CHARS: usize = 255;

/// The events of a message, without the routing key.
#[must_use]
pub fn events(message: &Notification, rendered: &RenderedMessage) -> Vec<Value> {
    let entries = message.alerts.iter().zip(&rendered.alerts);
    let mut events: Vec<Value> =
        entries.filter_map(|(entry, summary)| event(message, entry, summary)).collect();
    if message.alerts.is_empty() && message.reason() != NotificationReason::Heartbeat {
        events.push(json!({
            "event_action": "trigger",
            "dedup_key": message.id,
            "payload": {
                "summary": truncate(&rendered.title, MAX_SUMMARY_CHARS),
                "source": "orewatch",
                "severity": "error",
            },
        }));
    }
    events
}

/// The events as text, without the routing key.
#[must_use]
pub fn body(message: &Notification, rendered: &RenderedMessage) -> String {
    Value::from(events(message, rendered)).to_string()
}

/// Posts the events one after the other and stops at the first failure. A retry sends all of them again,
/// which is harmless: PagerDuty recognises each by its deduplication key.
pub async fn send(
    http: &HttpClient,
    secrets: &Secrets,
    receiver: &PagerDutyReceiver,
    message: &Notification,
    rendered: &RenderedMessage,
    now: Timestamp,
) -> Result<Outcome, Refusal> {
    let key =
        secrets.read(&receiver.routing_key.clone().unwrap_or_default()).map_err(Refusal::configuration)?;
    let url = if receiver.url.is_empty() { DEFAULT_URL } else { &receiver.url };
    let mut outcome = Outcome::Taken("PagerDuty gets no heartbeats".to_owned());
    for mut event in events(message, rendered) {
        if let Value::Object(fields) = &mut event {
            fields.insert("routing_key".to_owned(), key.expose().trim().into());
        }
        let headers = vec![(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
        let answer = http.post(url, headers, Bytes::from(event.to_string())).await?;
        outcome =
            classify_response(answer.status, answer.retry_after.as_deref(), &key.scrub(&answer.body), now);
        if matches!(outcome, Outcome::Refused(_)) {
            break;
        }
    }
    Ok(outcome)
}

fn event(message: &Notification, entry: &AlertTold, summary: &AlertSummary) -> Option<Value> {
    let alert = entry.alert.as_ref()?;
    // A drill must neither open nor close a real incident.
    let key = if message.drill { format!("drill/{}", alert.id) } else { alert.id.clone() };
    let action = match alert.state() {
        AlertState::Firing if entry.acknowledgement.is_some() => "acknowledge",
        AlertState::Firing => "trigger",
        AlertState::Resolved | AlertState::Inactive => "resolve",
        AlertState::Pending | AlertState::Unspecified => return None,
    };
    let details: Map<String, Value> =
        summary.facts.iter().map(|(name, value)| ((*name).to_owned(), Value::from(value.as_str()))).collect();
    let subject = alert.subject.clone().unwrap_or_default();
    let mut event = json!({
        "event_action": action,
        "dedup_key": truncate(&key, MAX_DEDUP_KEY_CHARS),
        "client": "Orewatch",
        "payload": {
            "summary": truncate(&summary.headline, MAX_SUMMARY_CHARS),
            "source": if subject.consumer.is_empty() { "orewatch" } else { &subject.consumer },
            "severity": pagerduty_severity(&alert.severity),
            "component": subject.material,
            "group": subject.stage,
            "class": alert.rule,
            "timestamp": rfc3339(entry.time.as_ref()),
            "custom_details": details,
        },
    });
    if let (Some(url), Value::Object(fields)) = (summary.link.url(), &mut event) {
        fields.insert("client_url".to_owned(), url.into());
        fields.insert("links".to_owned(), json!([{"href": url, "text": "Why?"}]));
    }
    Some(event)
}

/// Severity for PagerDuty. Severities that it does not know become `warning`.
fn pagerduty_severity(severity: &str) -> &str {
    match severity {
        "critical" | "error" | "info" => severity,
        _ => "warning",
    }
}

/// The first characters of a text.
fn truncate(text: &str, max_chars: usize) -> String {
    text.chars().take(max_chars).collect()
}
