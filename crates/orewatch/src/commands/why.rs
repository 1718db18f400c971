//! `alerts why`: from an alert to its rule, its figure, what moved that, and who was told or not.
use orewatch_alerting::wording;
use orewatch_contracts::alerting::v1::{
    Alert, AlertTransition, ExplainAlertRequest, ExplainAlertResponse, GetAlertRequest, Rule,
    SubscriptionTelling,
};
use orewatch_contracts::common::v1::{Cause, Estimate};
use orewatch_contracts::exposure::v1::{ExplainExposureRequest, ExplainExposureResponse};
use orewatch_runtime::Failure;
use serde_json::json;

use super::acknowledge::taken_on;
use super::alerts::{about, happened, line, unit};
use super::explain::TermRow;
use super::say;
use crate::options::Format;
use crate::render::{Out, brief, document, estimate, labelled, object};
use crate::session::Client;
use crate::view::{
    AcknowledgementRow, AlertRow, TellingRow, TransitionRow, delivery_word, reason_word, state_word,
    telling_word,
};
use crate::words::{counted, instant};

/// Where the text of a field begins.
const MARGIN: usize = 16;
/// Most transitions, and most messages of a subscription, that people are shown.
const MOST: usize = 10;

/// All that is known of why.
struct Known {
    explained: ExplainAlertResponse,
    transitions: Vec<AlertTransition>,
    /// None: the exposure service could not say.
    exposure: Option<ExplainExposureResponse>,
}

/// Runs the command.
pub(crate) async fn run(alert: &str, client: &Client) -> Result<(), Failure> {
    let ask = ExplainAlertRequest { alert: alert.to_owned() };
    let explained = client.notifications().await?.explain_alert(client.request(ask)).await?.into_inner();
    let ask = GetAlertRequest { alert: alert.to_owned() };
    let transitions = client.alerting().await?.get_alert(client.request(ask)).await?.into_inner().transitions;
    let exposure = match figure(&explained, client).await {
        Ok(exposure) => Some(exposure),
        Err(failure) => {
            say(&format!("the figure cannot be explained: {}", failure.message));
            None
        }
    };
    let known = Known { explained, transitions, exposure };
    match client.out.format {
        Format::Json => json(&client.out, &known),
        Format::Csv => client.out.csv(&known.explained.tellings.iter().map(TellingRow).collect::<Vec<_>>()),
        Format::Table => client.out.text(&page(&client.out, &known)),
    }
}

/// The figure that decided, with its terms.
async fn figure(
    explained: &ExplainAlertResponse,
    client: &Client,
) -> Result<ExplainExposureResponse, Failure> {
    let alert = explained.alert.clone().unwrap_or_default();
    let ask = ExplainExposureRequest {
        subject: alert.subject,
        as_of: alert.period,
        max_rows: 5,
        max_routes: 1,
        ..ExplainExposureRequest::default()
    };
    Ok(client.exposure().await?.explain_exposure(client.request(ask)).await?.into_inner())
}

fn json(out: &Out, known: &Known) -> Result<(), Failure> {
    let Known { explained, transitions, exposure } = known;
    let alert = explained.alert.clone().unwrap_or_default();
    let rule = explained.rule.clone().unwrap_or_default();
    out.json(&json!({
        "alert": object(&AlertRow(&alert)),
        "rule": json!({
            "rule": alert.rule,
            "revision": explained.rule_revision,
            "actor": explained.rule_actor,
            "put_at": explained.rule_put_at.map(|time| instant(time.seconds)),
            "measure": rule.measure,
            "line": alert.line,
            "above": alert.above,
        }),
        "acknowledgement": explained.acknowledgement.as_ref().map(|one| json!(object(&AcknowledgementRow(one)))),
        "exposure": exposure.as_ref().map(|exposure| json!({
            "period": alert.period,
            "value": exposure.exposure.as_ref().and_then(|one| one.estimate.as_ref()).and_then(|one| one.value),
            "formula": exposure.formula,
            "terms": document(&exposure.terms.iter().map(TermRow).collect::<Vec<_>>()),
            "releases": exposure.releases.iter().map(|release| &release.id).collect::<Vec<_>>(),
        })),
        "transitions": document(&transitions.iter().map(TransitionRow).collect::<Vec<_>>()),
        "tellings": document(&explained.tellings.iter().map(TellingRow).collect::<Vec<_>>()),
    }))
}

fn page(out: &Out, known: &Known) -> String {
    let Known { explained, transitions, exposure } = known;
    let empty = Alert::default();
    let alert = explained.alert.as_ref().unwrap_or(&empty);
    let mut text = format!("{}\n\n", out.style.bold(&alert.id));
    let mut field = |name: &str, value: String| {
        if !value.is_empty() {
            text.push_str(&labelled(name, &value, out.width, MARGIN));
        }
    };
    let state = format!("{} {} ({})", state_word(alert.state()), alert.severity, reason_word(alert.reason()));
    field("state", state);
    field("about", about(alert));
    field("rule", rule(explained));
    field("line", decided(alert));
    field("now", now(alert, exposure.as_ref()));
    field("because", wording::why(alert.reason()).to_owned());
    field("sources", wording::sources(alert, unit(alert)));
    field("certainty", wording::certainty(alert).to_owned());
    field("moved by", alert.cause.as_ref().map(cause).unwrap_or_default());
    field("releases", alert.releases.join(", "));
    field("acknowledged", explained.acknowledgement.as_ref().map(acknowledged).unwrap_or_default());
    if let Some(exposure) = exposure {
        let of = if alert.period.is_empty() { String::new() } else { format!(" of {}", alert.period) };
        text.push_str(&section(out, &format!("The figure{of} as it is now"), &terms(out, exposure)));
    }
    text.push_str(&section(out, "Transitions, the newest last", &history(out, transitions)));
    let tellings: String = explained.tellings.iter().map(|telling| told(out, telling)).collect();
    let tellings = if tellings.is_empty() { "  no subscription\n".to_owned() } else { tellings };
    text.push_str(&section(out, "Who was told, and who was not", &tellings));
    text
}

/// The figure that decided and the line. While the alert is open, the newest one, and that of its last transition.
fn decided(alert: &Alert) -> String {
    let value = wording::figure(alert, unit(alert));
    let at = if alert.stale { String::new() } else { format!(" in {}", alert.period) };
    let then = Some(wording::at_transition(alert, unit(alert))).filter(|then| !then.is_empty());
    let then = then.map(|then| format!("; {then}")).unwrap_or_default();
    format!("{value}{at}: {}{then}", line(alert))
}

/// The figure as it is known now, where that is not the one that decided: the terms below are its own.
fn now(alert: &Alert, exposure: Option<&ExplainExposureResponse>) -> String {
    let found = exposure.and_then(|exposure| exposure.exposure.as_ref()?.estimate.as_ref());
    let value = |estimate: Option<&Estimate>| estimate.and_then(|estimate| estimate.value);
    if found.is_none() || value(found) == value(alert.estimate.as_ref()) {
        return String::new();
    }
    format!("{} in {} by the releases of today", estimate(unit(alert), found), alert.period)
}

fn section(out: &Out, title: &str, body: &str) -> String {
    if body.is_empty() { String::new() } else { format!("\n{}\n{body}", out.style.dim(title)) }
}

/// The revision of the rule that decided, and who put it when.
fn rule(explained: &ExplainAlertResponse) -> String {
    let Rule { id, title, .. } = explained.rule.clone().unwrap_or_default();
    let mut text = format!("{id} revision {}: {title}", explained.rule_revision);
    if let Some(time) = explained.rule_put_at {
        text.push_str(&format!("; put {}", instant(time.seconds)));
    }
    if !explained.rule_actor.is_empty() {
        text.push_str(&format!(" by {}", explained.rule_actor));
    }
    text
}

/// The release or the policy that made the figure what it is.
fn cause(cause: &Cause) -> String {
    let time = cause.time.map(|time| format!(", {}", instant(time.seconds))).unwrap_or_default();
    format!("{}{time}", wording::cause(Some(cause)))
}

fn acknowledged(acknowledgement: &orewatch_contracts::alerting::v1::Acknowledgement) -> String {
    let mut text = taken_on(acknowledgement);
    if let Some(until) = acknowledgement.until {
        text.push_str(&format!(" until {}", instant(until.seconds)));
    }
    if !acknowledgement.note.is_empty() {
        text.push_str(&format!(": {}", acknowledgement.note));
    }
    text
}

fn terms(out: &Out, exposure: &ExplainExposureResponse) -> String {
    let mut text = labelled("formula", &exposure.formula, out.width, MARGIN);
    for term in &exposure.terms {
        let value = brief(&term.unit, term.estimate.as_ref());
        text.push_str(&labelled(&term.symbol, &format!("{value}  {}", term.description), out.width, MARGIN));
    }
    let releases: Vec<&str> = exposure.releases.iter().map(|release| release.id.as_str()).collect();
    text.push_str(&labelled("vintages", &releases.join(", "), out.width, MARGIN));
    text
}

fn history(out: &Out, transitions: &[AlertTransition]) -> String {
    let skipped = transitions.len().saturating_sub(MOST);
    let shown =
        transitions.iter().skip(skipped).map(|transition| format!("  {}\n", happened(out, transition)));
    let before = if skipped > 0 { format!("  {skipped} before\n") } else { String::new() };
    before + &shown.collect::<String>()
}

/// What one subscription does with it, and the messages about it.
fn told(out: &Out, telling: &SubscriptionTelling) -> String {
    let head = format!("{} to {}", telling.subscription, telling.receiver);
    let mut text = format!("  {}  {}\n", out.style.bold(&head), telling_word(telling.telling()));
    text.push_str(&labelled("", &telling.text, out.width, 4));
    let skipped = telling.deliveries.len().saturating_sub(MOST);
    for delivery in telling.deliveries.iter().skip(skipped) {
        let message = delivery.notification.clone().unwrap_or_default();
        let planned = message.planned_at.map(|time| instant(time.seconds)).unwrap_or_default();
        let reason = crate::view::notification_reason(message.reason());
        let attempts = counted(usize::try_from(delivery.attempt_count).unwrap_or(usize::MAX), "attempt");
        text.push_str(&format!(
            "    {planned}  {reason}: {}, {attempts}, message {}\n",
            delivery_word(delivery.state()),
            message.id
        ));
    }
    text
}
