//! `alerts why`: explains an alert: its rule, its figure and the cause of its change, and who was notified or
//! not.
use orewatch_contracts::Failure;
use orewatch_contracts::alerting::v1::{
    Acknowledgement, Alert, AlertTransition, ExplainAlertRequest, ExplainAlertResponse, GetAlertRequest,
    Rule, SubscriptionTelling,
};
use orewatch_contracts::common::v1::{Cause, Estimate};
use orewatch_contracts::exposure::v1::{ExplainExposureRequest, ExplainExposureResponse};
use orewatch_rules::wording;
use serde_json::json;

use crate::commands::print_message;
use crate::options::Format;
use crate::render::{Out, brief, document, estimate, hanging, labelled, object};
use crate::session::Client;
use crate::view::{
    acknowledgement_summary, alert_unit, delivery_word, notification_reason, reason_word, state_word,
    subject_summary, telling_word, threshold_text, transition_line,
};
use crate::words::{count_text, instant, time_text};

/// Column in which the text of a field begins.
const MARGIN: usize = 16;
/// Maximum number of transitions, and of messages of a subscription, on the page.
const MAX_SHOWN: usize = 10;

/// Everything that explains an alert.
struct Explanation {
    explained: ExplainAlertResponse,
    transitions: Vec<AlertTransition>,
    /// `None` if the exposure service could not explain the figure.
    exposure: Option<ExplainExposureResponse>,
}

/// Runs the command.
pub(crate) async fn run(alert: &str, client: &Client) -> Result<(), Failure> {
    let request = ExplainAlertRequest { alert: alert.to_owned() };
    let explained = client.notifications().await?.explain_alert(client.request(request)).await?.into_inner();
    let request = GetAlertRequest { alert: alert.to_owned() };
    let transitions =
        client.take(client.alerting().await?.get_alert(client.request(request)).await?).transitions;
    let exposure = match explain_figure(&explained, client).await {
        Ok(exposure) => Some(exposure),
        Err(failure) => {
            print_message(&format!("The figure cannot be explained: {}", failure.message));
            None
        }
    };
    let known = Explanation { explained, transitions, exposure };
    match client.out.format {
        Format::Json => json(&client.out, &known),
        Format::Csv => client.out.csv(&known.explained.tellings),
        Format::Table => client.out.text(&page(&client.out, &known)),
    }
}

/// Explains the figure of the alert's period, as known now.
async fn explain_figure(
    explained: &ExplainAlertResponse,
    client: &Client,
) -> Result<ExplainExposureResponse, Failure> {
    let alert = explained.alert.clone().unwrap_or_default();
    let request = ExplainExposureRequest {
        subject: alert.subject,
        as_of: alert.period,
        max_rows: 5,
        max_routes: 1,
        ..ExplainExposureRequest::default()
    };
    Ok(client.take(client.exposure().await?.explain_exposure(client.request(request)).await?))
}

fn json(out: &Out, known: &Explanation) -> Result<(), Failure> {
    let Explanation { explained, transitions, exposure } = known;
    let alert = explained.alert.clone().unwrap_or_default();
    let rule = explained.rule.clone().unwrap_or_default();
    out.json(&json!({
        "alert": object(&alert),
        "rule": json!({
            "rule": alert.rule,
            "revision": explained.rule_revision,
            "actor": explained.rule_actor,
            "put_at": explained.rule_put_at.map(|time| instant(time.seconds)),
            "measure": rule.measure,
            "line": alert.line,
            "above": alert.above,
        }),
        "acknowledgement": explained.acknowledgement.as_ref().map(object),
        "exposure": exposure.as_ref().map(|exposure| json!({
            "period": alert.period,
            "value": exposure.exposure.as_ref().and_then(|exposure| exposure.estimate.as_ref()?.value),
            "formula": exposure.formula,
            "terms": document(&exposure.terms),
            "releases": exposure.releases.iter().map(|release| &release.id).collect::<Vec<_>>(),
        })),
        "transitions": document(transitions),
        "tellings": document(&explained.tellings),
    }))
}

fn page(out: &Out, known: &Explanation) -> String {
    let Explanation { explained, transitions, exposure } = known;
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
    field("subject", subject_summary(alert));
    field("rule", rule(explained));
    field("figure", decided_figure(alert));
    field("figure now", figure_now(alert, exposure.as_ref()));
    field("reason", wording::why(alert.reason()).to_owned());
    field("sources", wording::sources(alert, alert_unit(alert)));
    field("certainty", wording::certainty(alert).to_owned());
    field("cause", alert.cause.as_ref().map(cause).unwrap_or_default());
    field("releases", alert.releases.join(", "));
    field("acknowledged", explained.acknowledgement.as_ref().map(acknowledged).unwrap_or_default());
    if let Some(exposure) = exposure {
        let of = if alert.period.is_empty() { String::new() } else { format!(" for {}", alert.period) };
        text.push_str(&section(out, &format!("Figure{of} as known now"), &terms(out, exposure)));
    }
    text.push_str(&section(out, "Transitions, newest last", &history(out, transitions)));
    let tellings: String = explained.tellings.iter().map(|telling| telling_text(out, telling)).collect();
    let tellings = if tellings.is_empty() { "  no subscriptions\n".to_owned() } else { tellings };
    text.push_str(&section(out, "Notifications by subscription", &tellings));
    text
}

/// The newest figure of the alert and its threshold, and the figure at the last transition.
fn decided_figure(alert: &Alert) -> String {
    let value = wording::figure(alert, alert_unit(alert));
    let at = if alert.stale { String::new() } else { format!(" in {}", alert.period) };
    let then = Some(wording::at_transition(alert, alert_unit(alert))).filter(|then| !then.is_empty());
    let then = then.map(|then| format!("; {then}")).unwrap_or_default();
    format!("{value}{at}: {}{then}", threshold_text(alert))
}

/// The figure as known now, if it differs from the alert's figure. The terms on the page are those of this
/// figure.
fn figure_now(alert: &Alert, exposure: Option<&ExplainExposureResponse>) -> String {
    let found = exposure.and_then(|exposure| exposure.exposure.as_ref()?.estimate.as_ref());
    let value = |estimate: Option<&Estimate>| estimate.and_then(|estimate| estimate.value);
    if found.is_none() || value(found) == value(alert.estimate.as_ref()) {
        return String::new();
    }
    format!("{} in {}, by the current releases", estimate(alert_unit(alert), found), alert.period)
}

fn section(out: &Out, title: &str, body: &str) -> String {
    if body.is_empty() { String::new() } else { format!("\n{}\n{body}", out.style.dim(title)) }
}

/// The rule revision that decided, with its time and author.
fn rule(explained: &ExplainAlertResponse) -> String {
    let Rule { id, title, .. } = explained.rule.clone().unwrap_or_default();
    let mut text = format!("{id} revision {}: {title}", explained.rule_revision);
    if let Some(time) = explained.rule_put_at {
        text.push_str(&format!("; applied {}", instant(time.seconds)));
    }
    if !explained.rule_actor.is_empty() {
        text.push_str(&format!(" by {}", explained.rule_actor));
    }
    text
}

/// The release or policy change that last changed the figure.
fn cause(cause: &Cause) -> String {
    let time = cause.time.map(|time| format!(", {}", instant(time.seconds))).unwrap_or_default();
    format!("{}{time}", wording::cause(Some(cause)))
}

fn acknowledged(acknowledgement: &Acknowledgement) -> String {
    let mut text = acknowledgement_summary(acknowledgement);
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
    text.push_str(&labelled("releases", &releases.join(", "), out.width, MARGIN));
    text
}

fn history(out: &Out, transitions: &[AlertTransition]) -> String {
    let skipped = transitions.len().saturating_sub(MAX_SHOWN);
    let shown = transitions
        .iter()
        .skip(skipped)
        .map(|transition| hanging(&format!("  {}", transition_line(out, transition)), out.width, 4));
    let before = if skipped > 0 { format!("  {skipped} earlier\n") } else { String::new() };
    before + &shown.collect::<String>()
}

/// What one subscription does with the alert, and its messages.
fn telling_text(out: &Out, telling: &SubscriptionTelling) -> String {
    let head = format!("{} to {}", telling.subscription, telling.receiver);
    let mut text = format!("  {}  {}\n", out.style.bold(&head), telling_word(telling.telling()));
    text.push_str(&labelled("", &telling.text, out.width, 4));
    let skipped = telling.deliveries.len().saturating_sub(MAX_SHOWN);
    for delivery in telling.deliveries.iter().skip(skipped) {
        let message = delivery.notification.clone().unwrap_or_default();
        let planned = time_text(message.planned_at);
        let reason = notification_reason(message.reason());
        let attempts = count_text(usize::try_from(delivery.attempt_count).unwrap_or(usize::MAX), "attempt");
        let state = delivery_word(delivery.state());
        let line = format!("    {planned}  {reason}: {state}, {attempts}, message {}", message.id);
        text.push_str(&hanging(&line, out.width, 6));
    }
    text
}
