//! `alerts --watch`: follows what happens, through breaks of the connection.
use std::time::Duration;

use orewatch_contracts::alerting::v1::subscribe_alerts_response::Message;
use orewatch_contracts::alerting::v1::{
    Alert, AlertFilter, AlertTransition, SubscribeAlertsRequest, SubscribeAlertsResponse,
};
use orewatch_runtime::{Class, Failure};
use serde_json::json;

use super::{happened, holds, order, table};
use crate::commands::say;
use crate::options::Format;
use crate::render::{fit, object};
use crate::session::Client;
use crate::view::TransitionRow;

/// After how long without a message a subscription is taken for broken: three heartbeats.
const SILENCE: Duration = Duration::from_secs(45);

/// Code of the problem with a token that the log does not reach back to any more.
const GONE: &str = "resume-token-gone";

/// Shortest and longest pause before a subscription that broke is taken up again.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(10));

/// What a watcher has been told so far.
struct Watch<'a> {
    client: &'a Client,
    filter: AlertFilter,
    /// Token of the last message; none before the end of a snapshot.
    token: Option<String>,
    /// The alerts of a snapshot that is under way.
    snapshot: Vec<Alert>,
    /// It was said that what follows is live.
    is_live: bool,
}

/// Shows alerts as they stand and what happens from then on, or from a token on.
pub(super) async fn watch(client: &Client, filter: AlertFilter, from: Option<String>) -> Result<(), Failure> {
    if client.out.format == Format::Csv {
        client.out.csv::<TransitionRow<'_>>(&[])?;
    }
    let mut watch = Watch { client, filter, token: from, snapshot: Vec::new(), is_live: false };
    let mut pause = PAUSES.0;
    loop {
        let before = watch.token.clone();
        match watch.follow().await {
            Ok(()) => say("the subscription ended; it goes on where it stopped"),
            Err(failure) if failure.code == GONE => {
                say(&format!("{}; it goes on with the alerts as they stand", failure.message));
                watch.token = None;
            }
            Err(failure) if passes(&failure) => {
                say(&format!("the subscription broke ({}); it goes on where it stopped", failure.message));
            }
            Err(failure) => return Err(failure),
        }
        pause = if before == watch.token { (pause * 2).min(PAUSES.1) } else { PAUSES.0 };
        tokio::time::sleep(pause).await;
    }
}

/// Whether the same again may succeed.
fn passes(failure: &Failure) -> bool {
    matches!(failure.class, Class::Unavailable | Class::Exhausted) && failure.code != "broken-pipe"
}

impl Watch<'_> {
    /// Shows what happens until the subscription ends.
    async fn follow(&mut self) -> Result<(), Failure> {
        self.snapshot.clear();
        let ask = SubscribeAlertsRequest {
            filter: Some(self.filter.clone()),
            resume_token: self.token.clone().unwrap_or_default(),
            snapshot: self.token.is_none(),
            heartbeat: None,
        };
        let mut messages = self.client.alerting().await?.subscribe_alerts(ask).await?.into_inner();
        loop {
            let message = tokio::time::timeout(SILENCE, messages.message()).await.map_err(|_| silent())??;
            let Some(SubscribeAlertsResponse { resume_token, message, .. }) = message else { return Ok(()) };
            if let Some(message) = message {
                self.take(message, &resume_token).await?;
            }
            if !resume_token.is_empty() {
                self.token = Some(resume_token);
            }
        }
    }

    async fn take(&mut self, message: Message, token: &str) -> Result<(), Failure> {
        match message {
            Message::Transition(transition) => return tell(self.client, &transition, token),
            Message::Alert(alert) => self.snapshot.push(alert),
            Message::SnapshotEnd(_) => return self.tell_snapshot().await,
            Message::CaughtUp(_) if !self.is_live => {
                say("up to date; waiting for what happens (stop with Ctrl-C)");
                self.is_live = true;
            }
            Message::FellBehind(behind) if behind.ended => say("messages were not taken in time"),
            Message::FellBehind(behind) => {
                say(&format!("{} events behind; catching up", behind.head.saturating_sub(behind.position)));
                self.is_live = false;
            }
            Message::CaughtUp(_) | Message::Checkpoint(_) => {}
        }
        Ok(())
    }

    async fn tell_snapshot(&mut self) -> Result<(), Failure> {
        let mut alerts = std::mem::take(&mut self.snapshot);
        if self.client.out.format != Format::Table || alerts.is_empty() {
            return Ok(());
        }
        alerts.sort_by(order);
        let holds = holds(self.client, &alerts).await?;
        self.client.out.text(&table(&self.client.out, &alerts, &holds))
    }
}

fn silent() -> Failure {
    let message = format!("nothing was heard for {} s", SILENCE.as_secs());
    Failure::new(Class::Unavailable, "silent-subscription", message)
}

fn tell(client: &Client, transition: &AlertTransition, token: &str) -> Result<(), Failure> {
    let row = TransitionRow(transition);
    match client.out.format {
        Format::Json => client.out.json_line(&json!({"resume_token": token, "transition": object(&row)})),
        Format::Csv => client.out.csv_rows(&[row]),
        Format::Table => {
            let line = happened(&client.out, transition);
            client
                .out
                .text(&format!("{}\n", if client.out.style.is_plain() { fit(&line, 400) } else { line }))
        }
    }
}
