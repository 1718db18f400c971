//! PagerDuty Events, version 2: each alert of a message is an event under the alert's identifier.
use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use jiff::Timestamp;
use orewatch_contracts::alerting::v1::{
    AlertState, AlertTold, Notification, NotificationReason, PagerDutyReceiver,
};
use serde_json::{Map, Value, json};

use super::http::Http;
use super::message::{Story, Telling};
use super::outcome::{Outcome, Refusal, judge};
use super::payload::time;
use super::secret::Secrets;

/// Where events go, if nothing else is said.
pub const PUBLISHER: &str = "https://events.pagerduty.com/v2/enqueue";

/// Most characters of a summary and of a deduplication key, by PagerDuty.
const SUMMARY: usize = 1024;
const KEY: usize = 255;

/// The events of a message, without the key that they are sent with.
#[must_use]
pub fn events(message: &Notification, telling: &Telling) -> Vec<Value> {
    let told = message.alerts.iter().zip(&telling.stories);
    let mut events: Vec<Value> = told.filter_map(|(told, story)| event(message, told, story)).collect();
    if message.alerts.is_empty() && message.reason() != NotificationReason::Heartbeat {
        events.push(json!({
            "event_action": "trigger",
            "dedup_key": message.id,
            "payload": {"summary": cut(&telling.title, SUMMARY), "source": "orewatch", "severity": "error"},
        }));
    }
    events
}

/// The events as text, without the key.
#[must_use]
pub fn body(message: &Notification, telling: &Telling) -> String {
    Value::from(events(message, telling)).to_string()
}

/// Posts the events one after the other. Any that is refused has all of them sent again: each is recognised by its key.
pub async fn send(
    http: &Http,
    secrets: &Secrets,
    receiver: &PagerDutyReceiver,
    message: &Notification,
    telling: &Telling,
    now: Timestamp,
) -> Result<Outcome, Refusal> {
    let key =
        secrets.read(&receiver.routing_key.clone().unwrap_or_default()).map_err(Refusal::configuration)?;
    let url = if receiver.url.is_empty() { PUBLISHER } else { &receiver.url };
    let mut outcome = Outcome::Taken("a sign of life is not an event".to_owned());
    for mut event in events(message, telling) {
        if let Value::Object(fields) = &mut event {
            fields.insert("routing_key".to_owned(), key.expose().trim().into());
        }
        let headers = vec![(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
        let answer = http.post(url, headers, Bytes::from(event.to_string())).await?;
        outcome = judge(answer.status, answer.retry_after.as_deref(), &key.scrub(&answer.body), now);
        if matches!(outcome, Outcome::Refused(_)) {
            break;
        }
    }
    Ok(outcome)
}

fn event(message: &Notification, told: &AlertTold, story: &Story) -> Option<Value> {
    let alert = told.alert.as_ref()?;
    // A drill must neither open nor close what is real.
    let key = if message.drill { format!("drill/{}", alert.id) } else { alert.id.clone() };
    let action = match alert.state() {
        AlertState::Firing if told.acknowledgement.is_some() => "acknowledge",
        AlertState::Firing => "trigger",
        AlertState::Resolved | AlertState::Inactive => "resolve",
        AlertState::Pending | AlertState::Unspecified => return None,
    };
    let details: Map<String, Value> =
        story.facts.iter().map(|(name, value)| ((*name).to_owned(), Value::from(value.as_str()))).collect();
    let subject = alert.subject.clone().unwrap_or_default();
    let mut event = json!({
        "event_action": action,
        "dedup_key": cut(&key, KEY),
        "client": "Orewatch",
        "payload": {
            "summary": cut(&story.headline, SUMMARY),
            "source": if subject.consumer.is_empty() { "orewatch" } else { &subject.consumer },
            "severity": severity(&alert.severity),
            "component": subject.material,
            "group": subject.stage,
            "class": alert.rule,
            "timestamp": time(told.time.as_ref()),
            "custom_details": details,
        },
    });
    if let (Some(url), Value::Object(fields)) = (story.link.url(), &mut event) {
        fields.insert("client_url".to_owned(), url.into());
        fields.insert("links".to_owned(), json!([{"href": url, "text": "Why?"}]));
    }
    Some(event)
}

/// A severity as PagerDuty knows them; one of one's own is a warning.
fn severity(severity: &str) -> &str {
    match severity {
        "critical" | "error" | "info" => severity,
        _ => "warning",
    }
}

fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}
