//! Prometheus Alertmanager, by version 2 of its API.
//!
//! Alertmanager identifies an alert by its labels. They contain the rule, its labels, and the subject, but
//! not the severity, which may change within an episode.
mod channel;

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use jiff::Timestamp;
use orewatch_contracts::alerting::v1::{
    AlertState, AlertTold, AlertmanagerReceiver, Notification, NotificationReason,
};
use orewatch_contracts::time::{instant, later};
use serde_json::{Value, json};

use crate::http::HttpClient;
use crate::message::{AlertSummary, RenderedMessage};
use crate::outcome::{Outcome, Refusal, classify_response};
use crate::secret::{Secrets, check_bare_token};

/// Path of the API to which alerts are posted.
pub const API_PATH: &str = "/api/v2/alerts";

/// How long a firing alert stays valid without an update. It is longer than the retries of a message, so that
/// an alert ends by a message and not by expiry.
const FIRING_VALIDITY: Duration = Duration::from_secs(7 * 24 * 3600);

/// Validity of a heartbeat, in heartbeat intervals: two may be missed.
const HEARTBEAT_VALIDITY: u32 = 3;

/// The alerts of a message as JSON. `heartbeat` is the heartbeat interval of the receiver.
#[must_use]
pub fn alerts(message: &Notification, rendered: &RenderedMessage, heartbeat: Option<Duration>) -> Vec<Value> {
    let planned = message.planned_at.as_ref().and_then(instant).unwrap_or_default();
    let entries = message.alerts.iter().zip(&rendered.alerts);
    let mut alerts: Vec<Value> =
        entries.filter_map(|(entry, summary)| alert_json(entry, summary, message.drill, planned)).collect();
    if message.alerts.is_empty() {
        let is_heartbeat = message.reason() == NotificationReason::Heartbeat;
        let name = if is_heartbeat { "OrewatchHeartbeat" } else { "OrewatchReceiverDown" };
        let valid = heartbeat
            .filter(|_| is_heartbeat)
            .map_or(FIRING_VALIDITY, |every| every.saturating_mul(HEARTBEAT_VALIDITY));
        alerts.push(json!({
            "labels": {"alertname": name, "receiver": message.receiver},
            "annotations": {"summary": rendered.title, "description": rendered.lines.join("\n")},
            "startsAt": planned.to_string(),
            "endsAt": later(planned, valid).to_string(),
        }));
    }
    alerts
}

/// The alerts as text.
#[must_use]
pub fn body(message: &Notification, rendered: &RenderedMessage, heartbeat: Option<Duration>) -> String {
    Value::from(alerts(message, rendered, heartbeat)).to_string()
}

/// Posts the alerts of a message.
pub async fn send(
    http: &HttpClient,
    secrets: &Secrets,
    receiver: &AlertmanagerReceiver,
    message: &Notification,
    rendered: &RenderedMessage,
    heartbeat: Option<Duration>,
    now: Timestamp,
) -> Result<Outcome, Refusal> {
    let mut headers = vec![(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    let token = receiver
        .token
        .as_ref()
        .map(|token| secrets.read(token))
        .transpose()
        .map_err(Refusal::configuration)?;
    if let Some(token) = &token {
        check_bare_token(token).map_err(Refusal::configuration)?;
        let value = HeaderValue::from_str(&format!("Bearer {}", token.expose().trim()));
        let mut value = value.map_err(|_| Refusal::configuration("the token cannot be sent in a header"))?;
        value.set_sensitive(true);
        headers.push((AUTHORIZATION, value));
    }
    let url = format!("{}{API_PATH}", receiver.url.trim_end_matches('/'));
    let answer = http.post(&url, headers, Bytes::from(body(message, rendered, heartbeat))).await?;
    let body = token.map_or_else(|| answer.body.clone(), |token| token.scrub(&answer.body));
    Ok(classify_response(answer.status, answer.retry_after.as_deref(), &body, now))
}

fn alert_json(entry: &AlertTold, summary: &AlertSummary, drill: bool, planned: Timestamp) -> Option<Value> {
    let alert = entry.alert.as_ref()?;
    let changed = entry.time.as_ref().and_then(instant).unwrap_or(planned);
    let subject = alert.subject.clone().unwrap_or_default();
    let own = [
        ("alertname", alert.rule.clone()),
        ("consumer", subject.consumer),
        ("material", subject.material),
        ("stage", subject.stage),
        ("supplier", subject.supplier),
        ("drill", if drill { "true".to_owned() } else { String::new() }),
    ];
    let rule_labels = alert.labels.iter().map(|(key, value)| (label_name(key), value.clone()));
    let labels: BTreeMap<String, String> = rule_labels
        .chain(own.into_iter().map(|(key, value)| (key.to_owned(), value)))
        .filter(|(_, value)| !value.is_empty())
        .collect();
    let facts = summary.facts.iter().map(|(name, value)| (label_name(name), value.clone()));
    let annotations: BTreeMap<String, String> = facts
        .chain([
            ("summary".to_owned(), summary.headline.clone()),
            ("title".to_owned(), summary.title.clone()),
            ("severity".to_owned(), summary.severity.clone()),
            ("description".to_owned(), summary.text.clone()),
            ("why".to_owned(), summary.link.text().to_owned()),
        ])
        .filter(|(_, value)| !value.is_empty())
        .collect();
    let firing = match alert.state() {
        AlertState::Firing => true,
        AlertState::Resolved | AlertState::Inactive => false,
        AlertState::Pending | AlertState::Unspecified => return None,
    };
    let mut json = json!({
        "labels": labels,
        "annotations": annotations,
        "endsAt": if firing { later(planned, FIRING_VALIDITY) } else { changed }.to_string(),
    });
    if let Value::Object(fields) = &mut json {
        // The start of a resolved alert is not known here. Alertmanager keeps the earliest start that it was
        // sent.
        if firing {
            fields.insert("startsAt".to_owned(), changed.to_string().into());
        }
        if let Some(url) = summary.link.url() {
            fields.insert("generatorURL".to_owned(), url.into());
        }
    }
    Some(json)
}

/// A name with the characters that Prometheus permits in labels.
fn label_name(name: &str) -> String {
    let letter = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '_' };
    let label: String = name.chars().map(letter).collect();
    if label.starts_with(|letter: char| letter.is_ascii_digit()) { format!("_{label}") } else { label }
}
