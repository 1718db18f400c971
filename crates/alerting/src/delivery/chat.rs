//! Incoming webhooks of chats: Slack's blocks, and the Adaptive Cards of Microsoft Teams.
use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use jiff::Timestamp;
use orewatch_contracts::alerting::v1::{ChatFormat, ChatReceiver};
use serde_json::{Value, json};

use super::http::Http;
use super::message::{Story, Telling, suppliers};
use super::outcome::{Outcome, Refusal, judge};
use super::secret::{Secret, Secrets};

/// Most characters of a header block, of the text of a section and of a field, and most fields of a section, by Slack.
const SLACK_HEADER: usize = 150;
const SLACK_TEXT: usize = 3000;
const SLACK_FIELD: usize = 2000;
const SLACK_FIELDS: usize = 10;

/// Most alerts that a message of a chat shows in full: Slack takes 50 blocks, and nobody reads more.
const MOST_STORIES: usize = 10;

/// Shortest part of an address that is taken for a key, in bytes.
const SHORTEST_KEY: usize = 8;

/// Most bytes of a card, by Teams; room is left for what is around it.
const TEAMS_BYTES: usize = 24 << 10;

/// The body.
#[must_use]
pub fn body(format: ChatFormat, telling: &Telling) -> String {
    match format {
        ChatFormat::Unspecified | ChatFormat::Slack => slack(telling, MOST_STORIES).to_string(),
        ChatFormat::Teams => {
            let cards = (0..=MOST_STORIES).rev().map(|most| teams(telling, most).to_string());
            let mut fitting = cards.skip_while(|card| card.len() > TEAMS_BYTES);
            fitting
                .next()
                .unwrap_or_else(|| teams(&Telling { lines: Vec::new(), ..telling.clone() }, 0).to_string())
        }
    }
}

/// Posts a message.
pub async fn send(
    http: &Http,
    secrets: &Secrets,
    receiver: &ChatReceiver,
    telling: &Telling,
    now: Timestamp,
) -> Result<Outcome, Refusal> {
    let url = secrets.read(&receiver.url.clone().unwrap_or_default()).map_err(Refusal::configuration)?;
    let headers = vec![(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    let answer = http.post(url.expose().trim(), headers, Bytes::from(body(receiver.format(), telling))).await;
    // The address is the secret: no error and no answer may repeat it.
    let answer = answer.map_err(|refusal| Refusal { message: hide(&url, &refusal.message), ..refusal })?;
    Ok(judge(answer.status, answer.retry_after.as_deref(), &hide(&url, &answer.body), now))
}

/// A text without the address, and without any part of its path that is long enough to be a key.
fn hide(url: &Secret, text: &str) -> String {
    let path = url.expose().trim().splitn(4, '/').nth(3).unwrap_or_default();
    let parts = path.split(['/', '?', '&', '=']).filter(|part| part.len() >= SHORTEST_KEY);
    let text = url.scrub(text);
    let text = if path.is_empty() { text } else { text.replace(path, "(secret)") };
    parts.fold(text, |text, part| text.replace(part, "(secret)"))
}

fn slack(telling: &Telling, most: usize) -> Value {
    let header =
        json!({"type": "header", "text": {"type": "plain_text", "text": cut(&telling.title, SLACK_HEADER)}});
    let mut blocks = vec![header];
    if !telling.lines.is_empty() {
        blocks.push(section(&escape(&telling.lines.join("\n"))));
    }
    for story in telling.stories.iter().take(most) {
        blocks.push(section(&slack_story(story)));
        let fields: Vec<Value> =
            story.facts.iter().take(SLACK_FIELDS).map(|(name, value)| slack_field(name, value)).collect();
        if !fields.is_empty() {
            blocks.push(json!({"type": "section", "fields": fields}));
        }
    }
    if let Some(more) = more(telling, most) {
        blocks.push(json!({"type": "context", "elements": [{"type": "mrkdwn", "text": more}]}));
    }
    json!({"text": cut(&escape(&telling.title), SLACK_TEXT), "blocks": blocks})
}

fn section(text: &str) -> Value {
    json!({"type": "section", "text": {"type": "mrkdwn", "text": cut(text, SLACK_TEXT)}})
}

fn slack_field(name: &str, value: &str) -> Value {
    json!({"type": "mrkdwn", "text": cut(&format!("*{name}*\n{}", escape(value)), SLACK_FIELD)})
}

fn slack_story(story: &Story) -> String {
    let mut text = format!("*{}*\n{}", escape(&story.headline), escape(&story.title));
    if let Some(series) = series(story) {
        text.push_str(&format!("\n`{series}`"));
    }
    if !story.contributors.is_empty() {
        text.push_str(&format!("\n{}", escape(&suppliers(&story.contributors))));
    }
    match story.link.url() {
        Some(url) => text.push_str(&format!("\n<{}|Why?>", escape(url))),
        None => text.push_str(&format!("\n`{}`", escape(story.link.text()))),
    }
    text
}

/// What Slack reads as markup is written so that it does not; nobody is called by the text of a rule.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn teams(telling: &Telling, most: usize) -> Value {
    let block = |text: &str| json!({"type": "TextBlock", "text": plain(text), "wrap": true});
    let mut body = vec![json!({
        "type": "TextBlock", "text": plain(&telling.title), "weight": "Bolder", "size": "Medium", "wrap": true,
    })];
    body.extend(telling.lines.iter().map(|line| block(line)));
    for story in telling.stories.iter().take(most) {
        body.push(json!({
            "type": "TextBlock", "text": plain(&story.headline), "weight": "Bolder", "wrap": true, "separator": true,
            "color": if story.firing { "Attention" } else { "Good" },
        }));
        body.push(block(&story.title));
        let mut facts: Vec<Value> =
            story.facts.iter().map(|(name, value)| json!({"title": name, "value": plain(value)})).collect();
        if !story.contributors.is_empty() {
            facts.push(json!({"title": "suppliers", "value": plain(&suppliers(&story.contributors))}));
        }
        if let Some(series) = series(story) {
            facts.push(json!({"title": "series", "value": series}));
        }
        body.push(json!({"type": "FactSet", "facts": facts}));
        match story.link.url() {
            Some(url) => body.push(json!({
                "type": "ActionSet", "actions": [{"type": "Action.OpenUrl", "title": "Why?", "url": url}],
            })),
            None => body.push(json!({
                "type": "TextBlock", "text": plain(story.link.text()), "fontType": "Monospace", "wrap": true,
            })),
        }
    }
    body.extend(more(telling, most).map(|more| block(&more)));
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

/// What Markdown would read as markup, so that it does not.
fn plain(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut plain, letter| {
        if matches!(letter, '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '|') {
            plain.push('\\');
        }
        plain.push(letter);
        plain
    })
}

fn series(story: &Story) -> Option<String> {
    let (first, last) = (story.series.first()?, story.series.last()?);
    Some(format!("{} {} {}", first.0, story.sparkline(), last.0))
}

fn more(telling: &Telling, most: usize) -> Option<String> {
    let left = telling.stories.len().saturating_sub(most);
    (left > 0).then(|| format!("{left} more are not shown here; list them: orewatch alerts"))
}

/// A text of at most so many characters; what is cut off shows as `…`.
fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(most.saturating_sub(1)).collect();
    cut.push('…');
    cut
}
