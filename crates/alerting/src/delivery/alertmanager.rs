//! A Prometheus Alertmanager, by its API version 2.
//!
//! Labels are what an alert is recognised by there: they hold the rule and the subject, and the labels of the rule, never the
//! severity by value, which changes within an episode.
use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use jiff::{SignedDuration, Timestamp};
use orewatch_contracts::alerting::v1::{
    AlertState, AlertTold, AlertmanagerReceiver, Notification, NotificationReason,
};
use serde_json::{Value, json};

use super::evolve::instant;
use super::http::Http;
use super::message::{Story, Telling};
use super::outcome::{Outcome, Refusal, judge};
use super::secret::{Secrets, bare};

/// Where alerts are posted.
pub const PATH: &str = "/api/v2/alerts";

/// How long an alert that fires is valid without being told again: longer than the last retry of a message that tells of it, so
/// that the end of an alert comes by a message and not by its being forgotten.
const VALID: Duration = Duration::from_secs(7 * 24 * 3600);

/// How long a sign of life is valid: as long as two are missed.
const SIGN: u32 = 3;

/// The alerts of a message. `heartbeat` is how often the receiver is told that all is well.
#[must_use]
pub fn alerts(message: &Notification, telling: &Telling, heartbeat: Option<Duration>) -> Vec<Value> {
    let planned = message.planned_at.as_ref().and_then(instant).unwrap_or_default();
    let told = message.alerts.iter().zip(&telling.stories);
    let mut alerts: Vec<Value> =
        told.filter_map(|(told, story)| alert(told, story, message.drill, planned)).collect();
    if message.alerts.is_empty() {
        let is_sign = message.reason() == NotificationReason::Heartbeat;
        let name = if is_sign { "OrewatchHeartbeat" } else { "OrewatchReceiverDown" };
        let valid = heartbeat.filter(|_| is_sign).map_or(VALID, |every| every.saturating_mul(SIGN));
        alerts.push(json!({
            "labels": {"alertname": name, "receiver": message.receiver},
            "annotations": {"summary": telling.title, "description": telling.lines.join("\n")},
            "startsAt": planned.to_string(),
            "endsAt": later(planned, valid).to_string(),
        }));
    }
    alerts
}

/// The alerts as text.
#[must_use]
pub fn body(message: &Notification, telling: &Telling, heartbeat: Option<Duration>) -> String {
    Value::from(alerts(message, telling, heartbeat)).to_string()
}

/// Posts the alerts of a message.
pub async fn send(
    http: &Http,
    secrets: &Secrets,
    receiver: &AlertmanagerReceiver,
    message: &Notification,
    telling: &Telling,
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
        bare(token).map_err(Refusal::configuration)?;
        let value = HeaderValue::from_str(&format!("Bearer {}", token.expose().trim()));
        let mut value = value.map_err(|_| Refusal::configuration("the token cannot stand in a header"))?;
        value.set_sensitive(true);
        headers.push((AUTHORIZATION, value));
    }
    let url = format!("{}{PATH}", receiver.url.trim_end_matches('/'));
    let answer = http.post(&url, headers, Bytes::from(body(message, telling, heartbeat))).await?;
    let said = token.map_or_else(|| answer.body.clone(), |token| token.scrub(&answer.body));
    Ok(judge(answer.status, answer.retry_after.as_deref(), &said, now))
}

fn alert(told: &AlertTold, story: &Story, drill: bool, planned: Timestamp) -> Option<Value> {
    let alert = told.alert.as_ref()?;
    let changed = told.time.as_ref().and_then(instant).unwrap_or(planned);
    let subject = alert.subject.clone().unwrap_or_default();
    let own = [
        ("alertname", alert.rule.clone()),
        ("consumer", subject.consumer),
        ("material", subject.material),
        ("stage", subject.stage),
        ("supplier", subject.supplier),
        ("drill", if drill { "true".to_owned() } else { String::new() }),
    ];
    let of_rule = alert.labels.iter().map(|(key, value)| (label(key), value.clone()));
    let labels: BTreeMap<String, String> = of_rule
        .chain(own.into_iter().map(|(key, value)| (key.to_owned(), value)))
        .filter(|(_, value)| !value.is_empty())
        .collect();
    let facts = story.facts.iter().map(|(name, value)| (label(name), value.clone()));
    let annotations: BTreeMap<String, String> = facts
        .chain([
            ("summary".to_owned(), story.headline.clone()),
            ("title".to_owned(), story.title.clone()),
            ("severity".to_owned(), story.severity.clone()),
            ("description".to_owned(), story.text.clone()),
            ("why".to_owned(), story.link.text().to_owned()),
        ])
        .filter(|(_, value)| !value.is_empty())
        .collect();
    let firing = match alert.state() {
        AlertState::Firing => true,
        AlertState::Resolved | AlertState::Inactive => false,
        AlertState::Pending | AlertState::Unspecified => return None,
    };
    let mut told = json!({
        "labels": labels,
        "annotations": annotations,
        "endsAt": if firing { later(planned, VALID) } else { changed }.to_string(),
    });
    if let Value::Object(fields) = &mut told {
        // Of one that is over the beginning is not known here; the Alertmanager keeps the earliest that it was told.
        if firing {
            fields.insert("startsAt".to_owned(), changed.to_string().into());
        }
        if let Some(url) = story.link.url() {
            fields.insert("generatorURL".to_owned(), url.into());
        }
    }
    Some(told)
}

/// A name as Prometheus takes them.
fn label(name: &str) -> String {
    let letter = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '_' };
    let label: String = name.chars().map(letter).collect();
    if label.starts_with(|letter: char| letter.is_ascii_digit()) { format!("_{label}") } else { label }
}

fn later(time: Timestamp, wait: Duration) -> Timestamp {
    let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX);
    time.saturating_add(wait).unwrap_or(Timestamp::MAX)
}
