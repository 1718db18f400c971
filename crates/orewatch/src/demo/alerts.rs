//! The firing alerts: the first ones, or on the full page some of each rule.
use std::collections::BTreeMap;

use orewatch_contracts::alerting::v1::{Alert, Certainty, Rule};

use super::command;
use crate::commands::alerts::NOT_CONFIRMED;
use crate::render::{Align, Style, fit, pad, wrap};
use crate::view::{threshold_text, value_text};
use crate::words::material_name;

/// Maximum number of alerts on the short page, and per rule on the full page.
const SHORT_MAX_ALERTS: usize = 3;
const MAX_ALERTS_PER_RULE: usize = 5;

/// Widths of figures with their bounds and of thresholds, in characters.
const VALUE_WIDTH: usize = 17;
const THRESHOLD_WIDTH: usize = 10;

/// Page width from which there is room for the severity, in characters.
const WIDE_PAGE: usize = 98;

/// The heading of the block.
pub(crate) fn title(alerts: &[Alert]) -> String {
    format!("Alerts: {} thresholds are crossed", alerts.len())
}

/// Renders the first alerts.
pub(crate) fn short_block(style: Style, width: usize, alerts: &[Alert]) -> String {
    let rows = alerts.iter().take(SHORT_MAX_ALERTS).map(|alert| row(style, width, alert));
    header(style, width) + &rows.collect::<String>() + &list_command(style, width)
}

/// Renders some alerts of each rule.
pub(crate) fn full_block(style: Style, width: usize, alerts: &[Alert], rules: &[Rule]) -> String {
    let mut by_rule: BTreeMap<&str, Vec<&Alert>> = BTreeMap::new();
    for alert in alerts {
        by_rule.entry(&alert.rule).or_default().push(alert);
    }
    let groups = rules.iter().filter_map(|rule| Some((rule, by_rule.get(rule.id.as_str())?)));
    let groups: Vec<String> = groups.map(|(rule, alerts)| rule_alerts(style, width, rule, alerts)).collect();
    let note = format!("~ some quantity is unknown, and rounding hides it. {NOT_CONFIRMED}.");
    let note = style.dim(&wrap(&note, width, "  "));
    format!("{}{}\n{note}{}", header(style, width), groups.join("\n"), list_command(style, width))
}

fn list_command(style: Style, width: usize) -> String {
    command::lines(style, width, "orewatch alerts --state firing")
}

fn rule_alerts(style: Style, width: usize, rule: &Rule, alerts: &[&Alert]) -> String {
    let mut text = format!("  {}\n", style.bold(&rule.title));
    text.push_str(&style.dim(&wrap(first_sentence(&rule.text), width, "  ")));
    for alert in alerts.iter().take(MAX_ALERTS_PER_RULE) {
        text.push_str(&row(style, width, alert));
    }
    text + &remainder_line(alerts.len(), MAX_ALERTS_PER_RULE)
        + &command::lines(style, width, &format!("orewatch alerts --rule {}", rule.id))
}

fn header(style: Style, width: usize) -> String {
    let columns = [
        pad("of", 8, Align::Left),
        pad("material", 12, Align::Left),
        pad("stage", 13, Align::Left),
        pad("on", 4, Align::Left),
        pad("period", 8, Align::Left),
        pad("value", VALUE_WIDTH, Align::Right),
        pad("threshold", THRESHOLD_WIDTH, Align::Right),
    ]
    .concat();
    let severity = if width < WIDE_PAGE { String::new() } else { pad("severity", 9, Align::Left) };
    style.dim(&format!("  {severity}{columns}  since\n"))
}

fn row(style: Style, width: usize, alert: &Alert) -> String {
    let subject = alert.subject.clone().unwrap_or_default();
    let supplier = if subject.supplier.is_empty() { alert.names.join(",") } else { subject.supplier };
    let columns = [
        pad(&subject.consumer, 8, Align::Left),
        pad(&material_name(&subject.material), 12, Align::Left),
        pad(&subject.stage, 13, Align::Left),
        pad(&supplier, 4, Align::Left),
        pad(&alert.period, 8, Align::Left),
        pad(&value_text(alert), VALUE_WIDTH, Align::Right),
        pad(&fit(&threshold_text(alert), THRESHOLD_WIDTH - 1), THRESHOLD_WIDTH, Align::Right),
    ]
    .concat();
    let severity = if width < WIDE_PAGE { String::new() } else { severity(style, alert) };
    let doubt = if alert.certainty() == Certainty::NotConfirmed { " ?" } else { "" };
    format!("  {severity}{columns}  {}{doubt}\n", alert.pending_since)
}

fn severity(style: Style, alert: &Alert) -> String {
    let padded = pad(&alert.severity, 9, Align::Left);
    if alert.severity == "critical" { style.red(&padded) } else { style.yellow(&padded) }
}

/// A line that says how many alerts are not shown.
fn remainder_line(all: usize, shown: usize) -> String {
    let rest = all.saturating_sub(shown);
    if rest == 0 { String::new() } else { format!("  and {rest} more\n") }
}

/// The first sentence of a text.
fn first_sentence(text: &str) -> &str {
    let text = text.trim();
    text.find(". ").or_else(|| text.find(".\n")).and_then(|end| text.get(..=end)).unwrap_or(text)
}
