//! Incoming webhooks of chats: blocks for Slack, Adaptive Cards for Microsoft Teams.
mod channel;

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use jiff::Timestamp;
use orewatch_contracts::alerting::v1::{ChatFormat, ChatReceiver};
use serde_json::{Value, json};

use crate::http::HttpClient;
use crate::message::{AlertSummary, RenderedMessage, suppliers_line};
use crate::outcome::{Outcome, Refusal, classify_response};
use crate::secret::{Secret, Secrets};

/// Upper bounds of Slack: characters of a header block, of the text of a section, and of a field; fields of a
/// section.
const MAX_SLACK_HEADER_CHARS: usize = 150;
const MAX_SLACK_TEXT_CHARS: usize = 3000;
const MAX_SLACK_FIELD_CHARS: usize = 2000;
const MAX_SLACK_FIELDS: usize = 10;

/// Upper bound on the alerts that a message shows in full. Slack permits 50 blocks.
const MAX_FULL_ALERTS: usize = 10;

/// Shortest part of a URL that is treated as a secret, in bytes.
const MIN_KEY_BYTES: usize = 8;

/// Upper bound on a card for Teams, in bytes. Teams permits 28 KiB for the whole message.
const MAX_TEAMS_BYTES: usize = 24 << 10;

/// The body.
#[must_use]
pub fn body(format: ChatFormat, rendered: &RenderedMessage) -> String {
    match format {
        ChatFormat::Unspecified | ChatFormat::Slack => slack(rendered, MAX_FULL_ALERTS).to_string(),
        ChatFormat::Teams => {
            let cards = (0..=MAX_FULL_ALERTS).rev().map(|limit| teams(rendered, limit).to_string());
            let mut fitting = cards.skip_while(|card| card.len() > MAX_TEAMS_BYTES);
            fitting.next().unwrap_or_else(|| {
                teams(&RenderedMessage { lines: Vec::new(), ..rendered.clone() }, 0).to_string()
            })
        }
    }
}

/// Posts a message.
pub async fn send(
    http: &HttpClient,
    secrets: &Secrets,
    receiver: &ChatReceiver,
    rendered: &RenderedMessage,
    now: Timestamp,
) -> Result<Outcome, Refusal> {
    let url = secrets.read(&receiver.url.clone().unwrap_or_default()).map_err(Refusal::configuration)?;
    let headers = vec![(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    let answer =
        http.post(url.expose().trim(), headers, Bytes::from(body(receiver.format(), rendered))).await;
    // The URL is the secret: errors and responses must not repeat it.
    let answer =
        answer.map_err(|refusal| Refusal { message: redact_url(&url, &refusal.message), ..refusal })?;
    Ok(classify_response(answer.status, answer.retry_after.as_deref(), &redact_url(&url, &answer.body), now))
}

/// Removes the URL from a text, and every part of its path that is long enough to be a key.
fn redact_url(url: &Secret, text: &str) -> String {
    let path = url.expose().trim().splitn(4, '/').nth(3).unwrap_or_default();
    let parts = path.split(['/', '?', '&', '=']).filter(|part| part.len() >= MIN_KEY_BYTES);
    let text = url.scrub(text);
    let text = if path.is_empty() { text } else { text.replace(path, "(secret)") };
    parts.fold(text, |text, part| text.replace(part, "(secret)"))
}

fn slack(rendered: &RenderedMessage, limit: usize) -> Value {
    let title = truncate(&rendered.title, MAX_SLACK_HEADER_CHARS);
    let header = json!({"type": "header", "text": {"type": "plain_text", "text": title}});
    let mut blocks = vec![header];
    if !rendered.lines.is_empty() {
        blocks.push(section(&escape_slack(&rendered.lines.join("\n"))));
    }
    for summary in rendered.alerts.iter().take(limit) {
        blocks.push(section(&slack_alert(summary)));
        let fields: Vec<Value> = summary
            .facts
            .iter()
            .take(MAX_SLACK_FIELDS)
            .map(|(name, value)| slack_field(name, value))
            .collect();
        if !fields.is_empty() {
            blocks.push(json!({"type": "section", "fields": fields}));
        }
    }
    if let Some(more) = omitted_note(rendered, limit) {
        blocks.push(json!({"type": "context", "elements": [{"type": "mrkdwn", "text": more}]}));
    }
    json!({"text": truncate(&escape_slack(&rendered.title), MAX_SLACK_TEXT_CHARS), "blocks": blocks})
}

fn section(text: &str) -> Value {
    json!({"type": "section", "text": {"type": "mrkdwn", "text": truncate(text, MAX_SLACK_TEXT_CHARS)}})
}

fn slack_field(name: &str, value: &str) -> Value {
    let text = format!("*{name}*\n{}", escape_slack(value));
    json!({"type": "mrkdwn", "text": truncate(&text, MAX_SLACK_FIELD_CHARS)})
}

fn slack_alert(summary: &AlertSummary) -> String {
    let mut text = format!("*{}*\n{}", escape_slack(&summary.headline), escape_slack(&summary.title));
    if let Some(series) = series_line(summary) {
        text.push_str(&format!("\n`{series}`"));
    }
    if !summary.contributors.is_empty() {
        text.push_str(&format!("\n{}", escape_slack(&suppliers_line(&summary.contributors))));
    }
    match summary.link.url() {
        Some(url) => text.push_str(&format!("\n<{}|Why?>", escape_slack(url))),
        None => text.push_str(&format!("\n`{}`", escape_slack(summary.link.text()))),
    }
    text
}

/// Escapes Slack's markup, so that no text of a rule can mention people.
fn escape_slack(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn teams(rendered: &RenderedMessage, limit: usize) -> Value {
    let block = |text: &str| json!({"type": "TextBlock", "text": escape_markdown(text), "wrap": true});
    let mut body = vec![json!({
        "type": "TextBlock", "text": escape_markdown(&rendered.title), "weight": "Bolder", "size": "Medium",
        "wrap": true,
    })];
    body.extend(rendered.lines.iter().map(|line| block(line)));
    for summary in rendered.alerts.iter().take(limit) {
        body.push(json!({
            "type": "TextBlock", "text": escape_markdown(&summary.headline), "weight": "Bolder", "wrap": true,
            "separator": true, "color": if summary.firing { "Attention" } else { "Good" },
        }));
        body.push(block(&summary.title));
        let mut facts: Vec<Value> = summary
            .facts
            .iter()
            .map(|(name, value)| json!({"title": name, "value": escape_markdown(value)}))
            .collect();
        if !summary.contributors.is_empty() {
            let suppliers = escape_markdown(&suppliers_line(&summary.contributors));
            facts.push(json!({"title": "suppliers", "value": suppliers}));
        }
        if let Some(series) = series_line(summary) {
            facts.push(json!({"title": "series", "value": series}));
        }
        body.push(json!({"type": "FactSet", "facts": facts}));
        match summary.link.url() {
            Some(url) => body.push(json!({
                "type": "ActionSet", "actions": [{"type": "Action.OpenUrl", "title": "Why?", "url": url}],
            })),
            None => body.push(json!({
                "type": "TextBlock", "text": escape_markdown(summary.link.text()), "fontType": "Monospace",
                "wrap": true,
            })),
        }
    }
    body.extend(omitted_note(rendered, limit).map(|more| block(&more)));
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "body": body,
            },
        }],
    })
}

/// Escapes Markdown.
fn escape_markdown(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut plain, letter| {
        if matches!(letter, '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '|') {
            plain.push('\\');
        }
        plain.push(letter);
        plain
    })
}

fn series_line(summary: &AlertSummary) -> Option<String> {
    let (first, last) = (summary.series.first()?, summary.series.last()?);
    Some(format!("{} {} {}", first.0, summary.sparkline(), last.0))
}

fn omitted_note(rendered: &RenderedMessage, limit: usize) -> Option<String> {
    let left = rendered.alerts.len().saturating_sub(limit);
    (left > 0).then(|| format!("{left} more alerts are not shown. List them: orewatch alerts"))
}

/// Cuts a text to a number of characters; a text that was longer ends with `…`.
fn truncate(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(limit.saturating_sub(1)).collect();
    cut.push('…');
    cut
}
