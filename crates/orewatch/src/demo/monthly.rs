//! The monthly example: what the United Kingdom's customs say about magnets, and the rules that watch it.
use orewatch_contracts::Failure;
use orewatch_contracts::alerting::v1::alert_transition::Event;
use orewatch_contracts::alerting::v1::{
    Alert, AlertFilter, AlertState, AlertTransition, GetAlertRequest, Rule,
};
use orewatch_contracts::common::v1::{By, Frequency};
use orewatch_contracts::exposure::v1::{Exposure, ExposureFilter};
use orewatch_rules::rules;
use serde_json::{Value, json};

use super::command;
use super::facts::{Months, SUPPLIER, Watch};
use crate::commands::{alerts, exposure};
use crate::render::{Align, Style, hanging, object, pad, percent, sparkline};
use crate::session::Client;
use crate::view::{event_and_alert, value_text};
use crate::words::economy_name;

/// The example: consumer, material, stage.
const EXAMPLE: (&str, &str, &str) = ("GBR", "rare-earths", "manufactured");

/// Pack of the rules that watch the example.
pub(crate) const PACK: &str = "uk-magnets";

/// Months that are shown.
const MONTHS: usize = 25;

/// Width of the identifier of a rule, in characters.
const RULE_WIDTH: usize = 18;

/// Queries the supplier's share by month, and the alerts of the rules that watch it.
pub(crate) async fn gather(client: &Client, rules: &[Rule]) -> Result<Months, Failure> {
    let mut watches = Vec::new();
    for rule in rules.iter().filter(|rule| rule.pack == PACK) {
        watches.push(watch(client, rule).await?);
    }
    Ok(Months { series: series(client).await?, watches })
}

async fn series(client: &Client) -> Result<Vec<(String, Option<f64>)>, Failure> {
    let (consumer, material, stage) = EXAMPLE;
    let filter = ExposureFilter {
        consumers: vec![consumer.to_owned()],
        materials: vec![material.to_owned()],
        stages: vec![stage.to_owned()],
        suppliers: vec![SUPPLIER.to_owned()],
        measures: vec!["import-share".to_owned()],
        by: By::Quantity.into(),
        as_of: "all".to_owned(),
        frequency: Frequency::Monthly.into(),
    };
    let found = exposure::query(client, exposure::current(filter)).await?.exposures;
    let month = |one: Exposure| (one.period, one.estimate.and_then(|estimate| estimate.value));
    let mut series: Vec<_> = found.into_iter().map(month).collect();
    series.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(series.split_off(series.len().saturating_sub(MONTHS)))
}

/// Queries the alert of a rule, in whatever state it is.
async fn watch(client: &Client, rule: &Rule) -> Result<Watch, Failure> {
    let states = [AlertState::Firing, AlertState::Pending, AlertState::Resolved];
    let filter = AlertFilter {
        rules: vec![rule.id.clone()],
        states: states.map(i32::from).to_vec(),
        ..AlertFilter::default()
    };
    let alert = alerts::query(client, filter).await?.into_iter().next();
    let fired = match &alert {
        Some(alert) => last_fired(client, &alert.id).await?,
        None => None,
    };
    let condition = rules::check(rule)?.condition.describe("share");
    Ok(Watch { rule: rule.id.clone(), condition, alert, fired })
}

/// The alert as it was when it last fired.
async fn last_fired(client: &Client, id: &str) -> Result<Option<Alert>, Failure> {
    let request = GetAlertRequest { alert: id.to_owned() };
    let found = client.alerting().await?.get_alert(client.request(request)).await?.into_inner();
    let is_fired = |transition: &&AlertTransition| matches!(transition.event, Some(Event::Fired(_)));
    let fired = found.transitions.iter().rev().find(is_fired);
    Ok(fired.and_then(|transition| event_and_alert(transition).1.cloned()))
}

/// The heading of the block.
pub(crate) fn title(months: &Months) -> String {
    let last = months.series.last().map_or("", |(month, _)| month);
    format!("By month: magnets that the United Kingdom imports from {}, up to {last}", economy_name(SUPPLIER))
}

/// Renders the series, with its lowest, its highest and its last month, and what the rules say of it.
pub(crate) fn block(style: Style, width: usize, months: &Months) -> String {
    let line = sparkline(months.series.iter().map(|(_, share)| *share));
    let mut text = format!("  {}  {}\n", style.cyan(&line), extremes(months));
    text.push_str(&command::lines(style, width, &series_command()));
    for watch in &months.watches {
        let rule = pad(&watch.rule, RULE_WIDTH, Align::Left);
        text.push_str(&hanging(&format!("  {rule}{}", news(watch)), width, RULE_WIDTH + 2));
        text.push_str(&command::lines(style, width, &watch_command(watch)));
    }
    text
}

/// The lowest, the highest and the last month: `lowest 27.8 % in 2025-06, ...`.
fn extremes(months: &Months) -> String {
    let known = || months.series.iter().filter_map(|(month, share)| Some((month.as_str(), (*share)?)));
    let lowest = known().min_by(|a, b| a.1.total_cmp(&b.1));
    let highest = known().max_by(|a, b| a.1.total_cmp(&b.1));
    let month = |what: &str, found: Option<(&str, f64)>| {
        found.map(|(month, share)| format!("{what} {} in {month}", percent(share)))
    };
    // The heading names the last month.
    let last = known().next_back().map(|(_, share)| format!("last {}", percent(share)));
    let parts = [month("lowest", lowest), month("highest", highest), last];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// What a rule says now: that it fires, that it fired once, or that it never did.
fn news(watch: &Watch) -> String {
    let Some(alert) = &watch.alert else { return format!("has not fired: {}", watch.condition) };
    let then = watch.fired.as_ref().map(value_text).unwrap_or_default();
    match alert.state() {
        AlertState::Firing => format!("fires since {}: {}", alert.fired_at, alert.finding),
        AlertState::Pending => format!("is pending since {}", alert.pending_since),
        _ => format!("fired in {} at {then}, resolved in {}", alert.fired_at, alert.resolved_at),
    }
}

fn series_command() -> String {
    let (consumer, material, stage) = EXAMPLE;
    format!(
        "orewatch exposure --consumer {consumer} --material {material} --stage {stage} --supplier {SUPPLIER} \
         --measure import-share --by quantity --frequency monthly --as-of all"
    )
}

fn watch_command(watch: &Watch) -> String {
    let (consumer, material, stage) = EXAMPLE;
    match &watch.alert {
        Some(alert) => format!("orewatch alerts show {}", alert.id),
        None => format!("orewatch alerts why {} {consumer} {material} {stage} {SUPPLIER}", watch.rule),
    }
}

/// The block as JSON.
pub(crate) fn document(months: &Months) -> Value {
    let (consumer, material, stage) = EXAMPLE;
    let month = |(period, value): &(String, Option<f64>)| json!({"period": period, "value": value});
    let watch = |watch: &Watch| {
        json!({
            "rule": watch.rule,
            "condition": watch.condition,
            "alert": watch.alert.as_ref().map(object),
            "fired": watch.fired.as_ref().map(object),
        })
    };
    json!({
        "consumer": consumer,
        "material": material,
        "stage": stage,
        "supplier": SUPPLIER,
        "series": months.series.iter().map(month).collect::<Vec<_>>(),
        "rules": months.watches.iter().map(watch).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch(state: AlertState) -> Watch {
        let alert = Alert {
            id: "drop/GBR".to_owned(),
            state: state.into(),
            fired_at: "2025-06".to_owned(),
            resolved_at: "2025-08".to_owned(),
            finding: "27.8 % in 2025-06, 73.4 % in the 12 periods before".to_owned(),
            ..Alert::default()
        };
        let condition = "the figure is low".to_owned();
        Watch { rule: "drop".to_owned(), condition, alert: Some(alert), fired: None }
    }

    #[test]
    fn a_rule_says_whether_it_fires_fired_or_never_did() {
        let firing = news(&watch(AlertState::Firing));
        assert_eq!(firing, "fires since 2025-06: 27.8 % in 2025-06, 73.4 % in the 12 periods before");
        assert!(news(&watch(AlertState::Resolved)).ends_with("resolved in 2025-08"));
        let never = Watch { alert: None, ..watch(AlertState::Firing) };
        assert_eq!(news(&never), "has not fired: the figure is low");
        assert_eq!(watch_command(&never), "orewatch alerts why drop GBR rare-earths manufactured CHN");
    }
}
