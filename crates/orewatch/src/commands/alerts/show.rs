//! `alerts show`: one alert with its transitions.
use orewatch_contracts::Failure;
use orewatch_contracts::alerting::v1::{Alert, AlertTransition, Contributor, GetAlertRequest, RuleChange};
use orewatch_contracts::market::{products_text, proxy_caveat, size_text};
use orewatch_rules::wording;
use serde_json::json;

use crate::options::Format;
use crate::render::{Out, document, hanging, labels, object, value_in};
use crate::session::Client;
use crate::view::{
    alert_unit, margin_text, reason_word, state_text, subject_summary, threshold_text, transition_line,
};
use crate::words::economy_name;

/// Width of the labels on the page, in characters.
const LABEL_WIDTH: usize = 11;

/// Runs the command.
pub(super) async fn run(alert: &str, client: &Client) -> Result<(), Failure> {
    let request = GetAlertRequest { alert: alert.to_owned() };
    let response = client.take(client.alerting().await?.get_alert(client.request(request)).await?);
    let alert = response.alert.unwrap_or_default();
    match client.out.format {
        Format::Json => client.out.json(&json!({
            "alert": object(&alert),
            "transitions": document(&response.transitions),
        })),
        Format::Csv => client.out.csv(&response.transitions),
        Format::Table => client.out.text(&page(&client.out, &alert, &response.transitions)),
    }
}

fn page(out: &Out, alert: &Alert, transitions: &[AlertTransition]) -> String {
    let subject = alert.subject.clone().unwrap_or_default();
    let supplier =
        if subject.supplier.is_empty() { String::new() } else { economy_name(&subject.supplier).to_owned() };
    let fields = [
        ("state", format!("{} {} ({})", state_text(alert), alert.severity, reason_word(alert.reason()))),
        ("subject", subject_summary(alert)),
        ("consumer", economy_name(&subject.consumer).to_owned()),
        ("supplier", supplier),
        ("measure", subject.measure.clone()),
        ("period", alert.period.clone()),
        ("value", wording::figure(alert, alert_unit(alert))),
        ("product", products_text(&alert.products)),
        ("market", size_text(alert.size.as_ref())),
        ("caveat", proxy_caveat(&subject.material, &alert.products)),
        ("changed", wording::at_transition(alert, alert_unit(alert))),
        ("reason", wording::why(alert.reason()).to_owned()),
        ("sources", wording::sources(alert, alert_unit(alert))),
        ("names", alert.names.join(", ")),
        ("threshold", if alert.condition.is_empty() { threshold_text(alert) } else { String::new() }),
        ("clears at", alert.clear.map(|clear| value_in(alert_unit(alert), clear)).unwrap_or_default()),
        ("margin", margin_text(alert)),
        ("condition", alert.condition.clone()),
        ("finding", alert.finding.clone()),
        ("certainty", wording::certainty(alert).to_owned()),
        (
            "previous",
            alert.previous.map(|previous| value_in(alert_unit(alert), previous)).unwrap_or_default(),
        ),
        ("since", alert.pending_since.clone()),
        ("fired", alert.fired_at.clone()),
        ("resolved", alert.resolved_at.clone()),
        ("cause", wording::cause(alert.cause.as_ref())),
        ("releases", alert.releases.join(", ")),
        ("rule", format!("{}, revision {}", alert.rule, alert.rule_revision)),
        ("rule change", alert.rule_change.as_ref().map(rule_change_text).unwrap_or_default()),
        ("suppliers", suppliers(alert)),
        ("owner", alert.owner.clone()),
    ];
    let mut text = format!("{}\n{}\n", out.style.bold(&alert.title), out.style.dim(&alert.id));
    text.push_str(&labels(&fields, LABEL_WIDTH, out.width));
    if !alert.text.trim().is_empty() {
        text.push('\n');
        for line in alert.text.trim().lines() {
            text.push_str(&hanging(&format!("  {line}\n"), out.width, 2));
        }
    }
    text.push_str(&format!("\n{}\n", out.style.dim("Transitions")));
    for transition in transitions {
        text.push_str(&hanging(&format!("  {}", transition_line(out, transition)), out.width, 4));
    }
    text
}

/// The suppliers that make up the figure, with their shares.
fn suppliers(alert: &Alert) -> String {
    let supplier_share = |one: &Contributor| format!("{} {}", one.supplier, value_in("share", one.share));
    alert.contributors.iter().map(supplier_share).collect::<Vec<_>>().join(", ")
}

/// The rule revision that changed the alert, with its author and reason.
fn rule_change_text(change: &RuleChange) -> String {
    let by = if change.actor.is_empty() { String::new() } else { format!(" by {}", change.actor) };
    let because = if change.reason.is_empty() { String::new() } else { format!(": {}", change.reason) };
    format!("revision {}{by}{because}", change.revision)
}
