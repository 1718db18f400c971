//! `alerts --watch`: follows transitions of alerts, and reconnects when the connection breaks.
use std::time::Duration;

use orewatch_contracts::alerting::v1::subscribe_alerts_response::Message;
use orewatch_contracts::alerting::v1::{
    Alert, AlertFilter, AlertTransition, SubscribeAlertsRequest, SubscribeAlertsResponse,
};
use orewatch_contracts::{Class, Failure};
use serde_json::json;

use super::{by_urgency, holds, list_text};
use crate::commands::print_message;
use crate::options::Format;
use crate::render::{fit, object};
use crate::session::Client;
use crate::view::transition_line;

/// Longest time without a message before the stream counts as broken: three heartbeats.
const MAX_SILENCE: Duration = Duration::from_secs(45);

/// Maximum length of a line without colours, in characters.
const MAX_LINE: usize = 400;

/// Error code of a resume token that is older than the log.
const TOKEN_GONE: &str = "resume-token-gone";

/// Shortest and longest delay before a reconnection; it doubles while nothing new arrives.
const MIN_BACKOFF: Duration = Duration::from_millis(200);
const MAX_BACKOFF: Duration = Duration::from_secs(10);

/// Progress of a watch.
struct Watch<'a> {
    client: &'a Client,
    filter: AlertFilter,
    /// Token of the last message. `None` until the first snapshot is complete.
    token: Option<String>,
    /// Alerts of a snapshot that is not complete yet.
    snapshot: Vec<Alert>,
    /// Whether the message that live transitions follow was printed.
    is_live: bool,
}

/// Shows the current alerts and all later transitions, or the transitions after a token.
pub(super) async fn watch(client: &Client, filter: AlertFilter, from: Option<String>) -> Result<(), Failure> {
    if client.out.format == Format::Csv {
        client.out.csv::<AlertTransition>([])?;
    }
    let mut watch = Watch { client, filter, token: from, snapshot: Vec::new(), is_live: false };
    let mut backoff = MIN_BACKOFF;
    loop {
        let before = watch.token.clone();
        match watch.follow().await {
            Ok(()) => {
                print_message("The server ended the stream. Reconnecting to continue where it stopped.")
            }
            Err(failure) if failure.code == TOKEN_GONE => {
                print_message(&format!("{}. Continuing with the current alerts.", failure.message));
                watch.token = None;
            }
            Err(failure) if is_transient(&failure) => {
                print_message(&format!(
                    "The connection broke ({}). Reconnecting to continue where it stopped.",
                    failure.message
                ));
            }
            Err(failure) => return Err(failure),
        }
        backoff = if before == watch.token { (backoff * 2).min(MAX_BACKOFF) } else { MIN_BACKOFF };
        tokio::time::sleep(backoff).await;
    }
}

/// Whether a reconnection may succeed.
fn is_transient(failure: &Failure) -> bool {
    matches!(failure.class, Class::Unavailable | Class::Exhausted) && failure.code != "broken-pipe"
}

impl Watch<'_> {
    /// Shows messages until the stream ends.
    async fn follow(&mut self) -> Result<(), Failure> {
        self.snapshot.clear();
        let request = SubscribeAlertsRequest {
            filter: Some(self.filter.clone()),
            resume_token: self.token.clone().unwrap_or_default(),
            snapshot: self.token.is_none(),
            heartbeat: None,
        };
        let mut messages = self.client.alerting().await?.subscribe_alerts(request).await?.into_inner();
        loop {
            let message =
                tokio::time::timeout(MAX_SILENCE, messages.message()).await.map_err(|_| silent())??;
            let Some(SubscribeAlertsResponse { resume_token, message, .. }) = message else { return Ok(()) };
            if let Some(message) = message {
                self.handle(message, &resume_token).await?;
            }
            if !resume_token.is_empty() {
                self.token = Some(resume_token);
            }
        }
    }

    async fn handle(&mut self, message: Message, token: &str) -> Result<(), Failure> {
        match message {
            Message::Transition(transition) => return print_transition(self.client, &transition, token),
            Message::Alert(alert) => self.snapshot.push(alert),
            Message::SnapshotEnd(_) => return self.print_snapshot().await,
            Message::CaughtUp(_) if !self.is_live => {
                print_message("Up to date. Waiting for transitions (stop with Ctrl-C).");
                self.is_live = true;
            }
            Message::FellBehind(behind) if behind.ended => {
                print_message("The server ended the stream because messages were read too slowly.")
            }
            Message::FellBehind(behind) => {
                print_message(&format!(
                    "{} events behind. Catching up.",
                    behind.head.saturating_sub(behind.position)
                ));
                self.is_live = false;
            }
            Message::CaughtUp(_) | Message::Checkpoint(_) => {}
        }
        Ok(())
    }

    async fn print_snapshot(&mut self) -> Result<(), Failure> {
        let mut alerts = std::mem::take(&mut self.snapshot);
        if self.client.out.format != Format::Table || alerts.is_empty() {
            return Ok(());
        }
        alerts.sort_by(by_urgency);
        let holds = holds(self.client, &alerts).await?;
        self.client.out.text(&list_text(&self.client.out, &alerts, &holds))
    }
}

fn silent() -> Failure {
    let message = format!("no message for {} s", MAX_SILENCE.as_secs());
    Failure::new(Class::Unavailable, "stalled", message)
}

fn print_transition(client: &Client, transition: &AlertTransition, token: &str) -> Result<(), Failure> {
    let out = &client.out;
    match out.format {
        Format::Json => out.json_line(&json!({"resume_token": token, "transition": object(transition)})),
        Format::Csv => out.csv_rows([transition]),
        Format::Table => {
            let line = transition_line(out, transition);
            out.text(&format!("{}\n", if out.style.is_plain() { fit(&line, MAX_LINE) } else { line }))
        }
    }
}
